//! Columns as they lie in the catalogue: numbers of the least width that holds them all, little-endian.
//!
//! A column is one blob, because a search looks at all rows of few columns: reading a million rows one by one would take a second for each.

use rusqlite::Error;

/// Numbers as a blob: a byte that says how many bytes each takes, then the numbers.
pub(super) fn numbers(values: &[u32]) -> Vec<u8> {
    let width = match values.iter().max().copied().unwrap_or(0) {
        0..=0xff => 1,
        0x100..=0xffff => 2,
        _ => 4,
    };
    let mut blob = Vec::with_capacity(1 + values.len() * width);
    blob.push(width as u8);
    for value in values {
        blob.extend_from_slice(&value.to_le_bytes()[..width]);
    }
    blob
}

/// What [`numbers`] wrote; `None` if it is something else.
pub(super) fn read_numbers(blob: &[u8]) -> Option<Vec<u32>> {
    let (&width, values) = blob.split_first()?;
    match width {
        1 => Some(values.iter().map(|&value| value.into()).collect()),
        2 => {
            let (values, rest) = values.as_chunks::<2>();
            let values = values.iter().map(|&value| u16::from_le_bytes(value).into());
            rest.is_empty().then(|| values.collect())
        }
        4 => {
            let (values, rest) = values.as_chunks::<4>();
            let values = values.iter().map(|&value| u32::from_le_bytes(value));
            rest.is_empty().then(|| values.collect())
        }
        _ => None,
    }
}

/// Seconds as a blob; NaN where nobody knows.
pub(super) fn seconds(values: &[f64]) -> Vec<u8> {
    values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect()
}

/// What [`seconds`] wrote; `None` if it is something else.
pub(super) fn read_seconds(blob: &[u8]) -> Option<Vec<f64>> {
    let (values, rest) = blob.as_chunks::<8>();
    let values = values.iter().map(|&value| f64::from_le_bytes(value));
    rest.is_empty().then(|| values.collect())
}

/// A refusal in words, in the form in which SQLite refuses.
pub(super) fn refusal(message: String) -> Error {
    let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_MISMATCH);
    Error::SqliteFailure(code, Some(message))
}

/// What is stored does not fit together: written by something else, or damaged.
pub(super) fn damaged(what: &str) -> Error {
    refusal(format!(
        "`{what}` is damaged; import the data set again (attune data import)"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_no_column_is_not_read_as_one() {
        assert_eq!(read_numbers(&[]), None);
        assert_eq!(read_numbers(&[2, 1]), None);
        assert_eq!(read_numbers(&[3, 1, 1, 1]), None);
        assert_eq!(read_seconds(&[0; 9]), None);
    }

    proptest! {
        #[test]
        fn numbers_come_back_as_they_were(values in prop::collection::vec(0u32..70_000, 0..50), large in any::<u32>()) {
            prop_assert_eq!(read_numbers(&numbers(&values)), Some(values.clone()));
            let all = [values, vec![large]].concat();
            prop_assert_eq!(read_numbers(&numbers(&all)), Some(all));
        }
    }
}
