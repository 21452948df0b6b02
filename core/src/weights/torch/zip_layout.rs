//! The layout since PyTorch 1.6: a zip archive with `NAME/data.pkl` and one entry `NAME/data/KEY` for each storage.

use super::Storages;
use super::dictionary::{Contents, contents};
use super::tensor::{declared_bytes, storage_name};
use crate::weights::archive;
use crate::weights::cursor::Fault;
use crate::weights::pickle::{self, Value};

/// Lists the tensors of a checkpoint.
pub(in crate::weights) fn read(bytes: &[u8], wanted: Option<&str>) -> Result<Contents, Fault> {
    let entries = archive::entries(bytes)?;
    let program = entries
        .iter()
        .find(|(name, _)| name.as_str() == "data.pkl" || name.ends_with("/data.pkl"));
    let Some((name, program)) = program else {
        return Err(Fault::new(
            0,
            "a zip archive without data.pkl: torch.save did not write it",
        ));
    };
    let root = name.trim_end_matches("data.pkl");
    if let Some(order) = entries.get(&format!("{root}byteorder"))
        && &bytes[order.clone()] != b"little"
    {
        return Err(Fault::new(
            order.start,
            "its numbers are big-endian: load and save it on a little-endian machine",
        ));
    }
    // Up to the entry's end, but with the file's positions.
    let pickle = pickle::read(&bytes[..program.end], program.start)?;
    let mut storages = Storages::new();
    for value in pickle.values() {
        if let Value::Persistent(id) = value
            && let Some(storage) = storage_name(&pickle, *id)
            && !storages.contains_key(storage.key)
        {
            let declared = declared_bytes(&storage, bytes, program.start)?;
            let key = storage.key;
            let Some(range) = entries.get(&format!("{root}data/{key}")) else {
                continue;
            };
            if range.len() < declared {
                let why = format!("storage {key:?} has {} bytes, not {declared}", range.len());
                return Err(Fault::new(range.start, why));
            }
            storages.insert(key.to_owned(), range.start..range.start + declared);
        }
    }
    contents(&pickle, program.start, &storages, wanted)
}
