//! An audio file as symphonia takes it: without tags before the sound, and with large WAV files called by their usual name.
//!
//! symphonia looks for sound in the first megabyte only, and a cover picture in an ID3 tag is often larger. RF64 and BW64 are WAV
//! with 64-bit lengths in a chunk of their own (EBU Tech 3306); once the end of the sound is known, the rest is an endless WAV.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use symphonia::core::io::MediaSource;

/// A part of a file.
#[derive(Debug)]
pub(super) struct Source {
    file: File,
    /// First byte and number of bytes of the part.
    start: u64,
    len: u64,
    /// Place in the part.
    at: u64,
    /// Whether the first four bytes are read as `RIFF`.
    is_rf64: bool,
}

impl Source {
    /// Finds the sound in a file that was just opened.
    pub(super) fn new(mut file: File) -> io::Result<Self> {
        let file_len = file.metadata()?.len();
        let mut start = 0;
        while let Some(len) = id3_len(&read_at(&mut file, start)?) {
            start += len;
        }
        // A tag with nothing behind it is for others to complain about.
        let start = if start < file_len { start } else { 0 };
        let is_rf64 = matches!(&read_at(&mut file, start)?[..4], b"RF64" | b"BW64");
        let end = if is_rf64 {
            rf64_end(&mut file, start)?.unwrap_or(file_len)
        } else {
            file_len
        };
        file.seek(SeekFrom::Start(start))?;
        Ok(Self {
            file,
            start,
            len: end.min(file_len) - start,
            at: 0,
            is_rf64,
        })
    }
}

/// The bytes from there on, zeros behind the end.
fn read_at(file: &mut File, at: u64) -> io::Result<[u8; 24]> {
    let mut bytes = [0; 24];
    file.seek(SeekFrom::Start(at))?;
    let mut n = 0;
    while n < bytes.len() {
        match file.read(&mut bytes[n..])? {
            0 => break,
            more => n += more,
        }
    }
    Ok(bytes)
}

/// Length of the ID3v2 tag that begins with these bytes, if one does (ID3v2.4.0, section 3.1).
fn id3_len(head: &[u8; 24]) -> Option<u64> {
    let size = &head[6..10];
    if &head[..3] != b"ID3" || head[3] == 0xFF || size.iter().any(|byte| *byte > 0x7F) {
        return None;
    }
    let has_footer = head[5] & 0x10 != 0;
    let content = size.iter().fold(0, |n, byte| n << 7 | u64::from(*byte));
    Some(content + if has_footer { 20 } else { 10 })
}

/// Where the samples of an RF64 file end; `None` if its chunks make no sense.
fn rf64_end(file: &mut File, start: u64) -> io::Result<Option<u64>> {
    let mut at = start + 12;
    let mut n_data = None;
    // The sizes come first, the format next; some writers put text between.
    for _ in 0..64 {
        let head = read_at(file, at)?;
        let mut size = u64::from(u32::from_le_bytes([head[4], head[5], head[6], head[7]]));
        match &head[..4] {
            b"ds64" => n_data = head[16..].try_into().ok().map(u64::from_le_bytes),
            b"data" => return Ok(n_data.and_then(|n| n.checked_add(at + 8))),
            [0, ..] => return Ok(None),
            _ => {}
        }
        size += size % 2;
        at += 8 + size;
    }
    Ok(None)
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let room = (self.len.saturating_sub(self.at)).min(buffer.len() as u64) as usize;
        let n = self.file.read(&mut buffer[..room])?;
        if self.is_rf64 && self.at < 4 {
            let name = &b"RIFF"[self.at as usize..];
            for (to, from) in buffer[..n].iter_mut().zip(name) {
                *to = *from;
            }
        }
        self.at += n as u64;
        Ok(n)
    }
}

impl Seek for Source {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
            SeekFrom::End(by) => self.len.checked_add_signed(by),
        };
        let at = at.and_then(|at| Some((at, self.start.checked_add(at)?)));
        let (at, in_file) = at.ok_or(io::ErrorKind::InvalidInput)?;
        self.file.seek(SeekFrom::Start(in_file))?;
        self.at = at;
        Ok(at)
    }
}

impl MediaSource for Source {
    fn is_seekable(&self) -> bool {
        true
    }

    fn byte_len(&self) -> Option<u64> {
        Some(self.len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(content: &[u8]) -> Vec<u8> {
        let mut file = tempfile::tempfile().unwrap();
        io::Write::write_all(&mut file, content).unwrap();
        let mut source = Source::new(file).unwrap();
        let mut found = Vec::new();
        source.read_to_end(&mut found).unwrap();
        assert_eq!(source.byte_len(), Some(found.len() as u64));
        source.seek(SeekFrom::End(-1)).unwrap();
        let mut last = Vec::new();
        source.read_to_end(&mut last).unwrap();
        assert_eq!(last, found[found.len() - 1..]);
        found
    }

    #[test]
    fn tags_before_the_sound_are_left_out() {
        let tag = b"ID3\x03\0\0\0\0\x01\x00";
        let one = [tag.as_slice(), &[7; 128]].concat();
        assert_eq!(read(&[&one, b"sound".as_slice()].concat()), b"sound");
        assert_eq!(read(&[&one, &one, b"sound".as_slice()].concat()), b"sound");
        // A footer, ten bytes more.
        let with_footer = [b"ID3\x04\0\x10\0\0\0\x02", [7_u8; 12].as_slice()].concat();
        assert_eq!(
            read(&[&with_footer, b"sound".as_slice()].concat()),
            b"sound"
        );
        // No tag, and one without an end.
        assert_eq!(read(b"ID3 is not a tag"), b"ID3 is not a tag");
        assert_eq!(read(&one[..20]), one[..20]);
    }

    #[test]
    fn large_wav_files_end_where_their_own_chunk_says() {
        let sizes = [24_u64.to_le_bytes(), 4_u64.to_le_bytes(), [0; 8]].concat();
        let head = [b"RF64\xFF\xFF\xFF\xFFWAVEds64\x18\0\0\0", sizes.as_slice()].concat();
        let sound = b"data\xFF\xFF\xFF\xFF1234";
        let found = read(&[&head, sound.as_slice(), b"LIST\0\0\0\0".as_slice()].concat());
        assert_eq!(found[..12], *b"RIFF\xFF\xFF\xFF\xFFWAVE");
        assert!(found.ends_with(sound));
        // Without a sound chunk it is taken as it is.
        assert_eq!(read(&head).len(), head.len());
    }
}
