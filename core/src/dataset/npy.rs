//! NumPy's files (`.npy`, versions 1 to 3), read without Python. Arrays of objects are pickles and are refused.

use super::Error;
use super::array::{Array, CellType};
use super::literal::{self, Literal};
use std::path::Path;

const MAGIC: &[u8] = b"\x93NUMPY";

/// Reads a file whole. Fails if it is none of NumPy's, was cut off, or holds what cannot be annotations.
pub(super) fn read(path: &Path) -> Result<Array, Error> {
    let bytes = std::fs::read(path).map_err(Error::io("read", path))?;
    parse(bytes).map_err(|problem| Error::BadFile {
        problem,
        mend: "copy or download it again".into(),
        file: path.to_path_buf(),
    })
}

fn parse(bytes: Vec<u8>) -> Result<Array, String> {
    let cut_off = || "the NumPy file was cut off".to_owned();
    if !bytes.starts_with(MAGIC) {
        return Err("this is not a NumPy file".into());
    }
    let &version = bytes.get(6).ok_or_else(cut_off)?;
    let (start, length) = match (version, &bytes[..]) {
        (1, [_, _, _, _, _, _, _, _, a, b, ..]) => (10, usize::from(u16::from_le_bytes([*a, *b]))),
        (2 | 3, [_, _, _, _, _, _, _, _, a, b, c, d, ..]) => {
            (12, u32::from_le_bytes([*a, *b, *c, *d]) as usize)
        }
        (1..=3, _) => return Err(cut_off()),
        (other, _) => return Err(format!("version {other} of NumPy's format is unknown")),
    };
    let header = bytes.get(start..).and_then(|rest| rest.get(..length));
    let header = std::str::from_utf8(header.ok_or_else(cut_off)?);
    let header = header.map_err(|_unreadable| "the NumPy file's header is no text".to_owned())?;
    let unknown = || format!("the NumPy file's header cannot be read: {}", header.trim());
    let header_value = literal::parse(header.trim()).ok_or_else(unknown)?;
    let cell = match header_value.entry("descr") {
        Some(Literal::Text(name)) => CellType::parse(name),
        _ => None,
    };
    let cell = cell.ok_or_else(|| {
        format!(
            "the NumPy file holds neither numbers nor texts: {}",
            header.trim()
        )
    })?;
    let is_fortran = header_value.entry("fortran_order") == Some(&Literal::Bool(true));
    let Some(Literal::List(shape)) = header_value.entry("shape") else {
        return Err(unknown());
    };
    let lengths = shape.iter().map(|length| match length {
        Literal::Int(length) => usize::try_from(*length).ok(),
        _ => None,
    });
    let shape: Vec<usize> = lengths.collect::<Option<_>>().ok_or_else(unknown)?;
    let mut bytes = bytes;
    bytes.drain(..start + length);
    Array::new(cell, shape, is_fortran, bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn file(version: u8, header: &str, data: &[u8]) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend([version, 0]);
        if version == 1 {
            bytes.extend((header.len() as u16).to_le_bytes());
        } else {
            bytes.extend((header.len() as u32).to_le_bytes());
        }
        bytes.extend(header.as_bytes());
        bytes.extend(data);
        bytes
    }

    /// As NumPy writes `np.array(["ab", "é"])`.
    fn texts(order: char) -> Vec<u8> {
        let header =
            format!("{{'descr': '{order}U2', 'fortran_order': False, 'shape': (2,), }}   \n");
        let letters = ['a', 'b', 'é', '\0'];
        let bytes = letters.iter().flat_map(|&letter| match order {
            '<' => (letter as u32).to_le_bytes(),
            _ => (letter as u32).to_be_bytes(),
        });
        file(1, &header, &bytes.collect::<Vec<u8>>())
    }

    #[test]
    fn texts_of_both_byte_orders_and_all_versions_are_read() {
        for order in ['<', '>'] {
            assert_eq!(parse(texts(order)).unwrap().texts().unwrap(), ["ab", "é"]);
        }
        let header = "{'descr': '|S3', 'fortran_order': True, 'shape': (2,)}\n";
        for version in [1, 2, 3] {
            let array = parse(file(version, header, b"ab\0xyz")).unwrap();
            assert_eq!(array.texts().unwrap(), ["ab", "xyz"]);
        }
    }

    #[test]
    fn what_is_no_array_is_refused_in_words() {
        let objects = "{'descr': '|O', 'fortran_order': False, 'shape': (1,)}";
        for (bytes, part) in [
            (b"PK\x03\x04".to_vec(), "not a NumPy file"),
            (MAGIC.to_vec(), "cut off"),
            (file(9, "{}", b""), "version 9"),
            (
                file(1, objects, b"cos\nsystem\n"),
                "neither numbers nor texts",
            ),
            (file(1, "{'descr': '<f8'", b""), "cannot be read"),
            (
                file(
                    1,
                    "{'descr': '<f8', 'fortran_order': False, 'shape': (10000000000, 50)}",
                    &[0; 16],
                ),
                "16 bytes are there",
            ),
            (
                file(
                    1,
                    "{'descr': '|b1', 'fortran_order': False, 'shape': (0, 9223372036854775807, 3)}",
                    b"",
                ),
                "9223372036854775807, 3] is declared",
            ),
            (
                file(
                    1,
                    "{'descr': '<f8', 'fortran_order': False, 'shape': (-1,)}",
                    b"",
                ),
                "cannot be read",
            ),
        ] {
            let problem = parse(bytes).unwrap_err();
            assert!(problem.contains(part), "{problem}: {part}");
        }
    }

    proptest! {
        #[test]
        fn nothing_a_file_holds_makes_the_reader_panic(
            cut in 0usize..200, at in 0usize..200, byte in any::<u8>(), order in prop::sample::select(vec!['<', '>'])
        ) {
            let mut bytes = texts(order);
            bytes.truncate(cut);
            if let Some(place) = bytes.get_mut(at) {
                *place = byte;
            }
            if let Ok(array) = parse(bytes) {
                drop(array.texts());
                for row in 0..array.n_rows().min(10) {
                    drop(array.positives(row));
                }
            }
        }
    }
}
