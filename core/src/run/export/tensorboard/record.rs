//! TensorFlow's record files: messages with their length and checksums, one after the other.
//!
//! ```text
//! u64 length   u32 masked CRC-32C of the length   message   u32 masked CRC-32C of the message       all little endian
//! ```
//!
//! A record counts once it is whole, so that a file whose writer was killed is read up to its last whole record.

use std::io::{self, Read};

const HEAD: usize = 12;
const TAIL: usize = 4;

/// Appends a message as a record.
pub(super) fn append(message: &[u8], to: &mut Vec<u8>) {
    let length = (message.len() as u64).to_le_bytes();
    to.extend(length);
    to.extend(masked_crc(&length).to_le_bytes());
    to.extend(message);
    to.extend(masked_crc(message).to_le_bytes());
}

/// The length of the whole records at the beginning of `file`, in bytes.
pub(super) fn whole_records(mut file: impl Read) -> io::Result<u64> {
    let mut n_bytes = 0;
    let mut message = Vec::new();
    let mut head = [0; HEAD];
    loop {
        if !fills(&mut file, &mut head)? {
            return Ok(n_bytes);
        }
        let ([length @ .., _, _, _, _], [.., a, b, c, d]) = (head, head);
        if masked_crc(&length) != u32::from_le_bytes([a, b, c, d]) {
            return Ok(n_bytes);
        }
        let length = u64::from_le_bytes(length);
        message.clear();
        (&mut file).take(length).read_to_end(&mut message)?;
        let mut tail = [0; TAIL];
        if message.len() as u64 != length
            || !fills(&mut file, &mut tail)?
            || masked_crc(&message) != u32::from_le_bytes(tail)
        {
            return Ok(n_bytes);
        }
        n_bytes += HEAD as u64 + length + TAIL as u64;
    }
}

/// Whether there were enough bytes.
fn fills(file: &mut impl Read, bytes: &mut [u8]) -> io::Result<bool> {
    match file.read_exact(bytes) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

fn masked_crc(bytes: &[u8]) -> u32 {
    crc32c(bytes).rotate_right(15).wrapping_add(0xa282_ead8)
}

/// CRC-32C (Castagnoli) of `bytes`.
fn crc32c(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, &byte| {
        TABLE[usize::from(crc as u8 ^ byte)] ^ (crc >> 8)
    })
}

const TABLE: [u32; 256] = table();

const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut i = 0;
    while i < 256 {
        let mut crc = i as u32;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 == 1 {
                (crc >> 1) ^ 0x82f6_3b78
            } else {
                crc >> 1
            };
            bit += 1;
        }
        table[i] = crc;
        i += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_that_of_rfc_3720() {
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
        assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
        assert_eq!(crc32c(&[0xff; 32]), 0x62a8_ab43);
    }

    #[test]
    fn a_file_cut_anywhere_is_whole_up_to_its_last_whole_record() {
        let mut file = Vec::new();
        let mut ends = vec![0];
        for message in [&b"one"[..], b"", b"another one"] {
            append(message, &mut file);
            ends.push(file.len());
        }
        for cut in 0..=file.len() {
            let whole = ends.iter().rev().find(|&&end| end <= cut).unwrap();
            assert_eq!(whole_records(&file[..cut]).unwrap(), *whole as u64, "{cut}");
        }
        let mut broken = file.clone();
        broken[ends[1] + 3] ^= 1;
        assert_eq!(whole_records(&broken[..]).unwrap(), ends[1] as u64);
    }
}
