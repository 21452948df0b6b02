//! Which state of its file each row of a table is about, in a file beside the table: a file that was replaced in place is tagged again, under
//! whatever name.
//!
//! Sixteen bytes a row: the track's key, and its key with size and time of the file. Not a column of the table, which others read. Where the
//! file is lost, rows are believed as they stand.

use super::table::beside;
use super::{Error, ToTag};
use crate::workspace::write_whole;
use std::collections::HashMap;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// Keys with the state of the file, by keys without.
pub(super) type Marks = HashMap<u64, u64>;

pub(super) fn path_of(out: &Path) -> PathBuf {
    beside(out, ".files")
}

/// What is known of a table's rows; nothing if there is no such file.
pub(super) fn read(out: &Path) -> Result<Marks, Error> {
    let path = path_of(out);
    let bytes = match std::fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(Error::io("read", path)(error)),
    };
    let (numbers, _torn) = bytes.as_chunks::<8>();
    let (pairs, _torn) = numbers.as_chunks::<2>();
    let pairs = pairs.iter().map(|pair| pair.map(u64::from_le_bytes));
    Ok(pairs.map(|[key, now]| (key, now)).collect())
}

/// Writes those of the list, and of `earlier` what is about other tracks.
pub(super) fn write(
    out: &Path,
    list: &[ToTag],
    keys: &[u64],
    mut earlier: Marks,
) -> Result<(), Error> {
    let path = path_of(out);
    write_whole(&path, |file| {
        for (track, now) in list.iter().zip(keys) {
            let key = track.key();
            earlier.remove(&key);
            file.write_all(&key.to_le_bytes())?;
            file.write_all(&now.to_le_bytes())?;
        }
        let mut others: Vec<(u64, u64)> = earlier.into_iter().collect();
        others.sort_unstable();
        for (key, now) in others {
            file.write_all(&key.to_le_bytes())?;
            file.write_all(&now.to_le_bytes())?;
        }
        Ok(())
    })
    .map_err(Error::io("write", path))
}
