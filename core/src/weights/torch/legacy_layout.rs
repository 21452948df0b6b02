//! The layout before PyTorch 1.6: five pickles one after the other (a magic number, a version, the machine, the value, the
//! keys of the storages), then each storage: the number of its elements as I64, and the elements.

use super::Storages;
use super::dictionary::{Contents, contents};
use super::tensor::{StorageName, declared_bytes, storage_name};
use crate::weights::cursor::{Cursor, Fault};
use crate::weights::pickle::{self, Pickle, Value};
use crate::weights::stored::item_bytes;
use std::collections::BTreeMap;

/// The number that the first pickle holds, 0x1950a86a20f9469cfc6c, as pickles write it.
const MAGIC: &[u8] = b"\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.";

/// The version that the second pickle holds.
const VERSION: usize = 1001;

/// Whether a file begins as this layout does.
pub(in crate::weights) fn is_legacy(head: &[u8]) -> bool {
    // PROTO with its number comes first, from protocol 4 on a frame as well.
    head.first() == Some(&0x80)
        && [2, 11]
            .iter()
            .any(|&at| head.get(at..at + MAGIC.len()) == Some(MAGIC))
}

/// Lists the tensors of a checkpoint.
pub(in crate::weights) fn read(bytes: &[u8], wanted: Option<&str>) -> Result<Contents, Fault> {
    let start = read_head(bytes)?;
    let value = pickle::read(bytes, start)?;
    let keys = pickle::read(bytes, value.end())?;
    let storages = storages(bytes, &value, &keys)?;
    contents(&value, start, &storages, wanted)
}

/// Reads the first three pickles; gives the place of the next.
fn read_head(bytes: &[u8]) -> Result<usize, Fault> {
    let start = pickle::read(bytes, 0)?.end();
    let version = pickle::read(bytes, start)?;
    if version.count(version.root()) != Some(VERSION) {
        let why = format!("not version {VERSION} of the layout");
        return Err(Fault::new(start, why));
    }
    let start = version.end();
    drop(version);
    let machine = pickle::read(bytes, start)?;
    let order = machine.entry(machine.root(), "little_endian");
    if order.is_some_and(|order| machine.value(order) == &Value::Bool(false)) {
        return Err(Fault::new(
            start,
            "its numbers are big-endian: load and save it on a little-endian machine",
        ));
    }
    Ok(machine.end())
}

/// Finds the storages behind the pickles, in the order of their keys.
fn storages(bytes: &[u8], value: &Pickle<'_>, keys: &Pickle<'_>) -> Result<Storages, Fault> {
    let mut names: BTreeMap<&str, StorageName<'_>> = BTreeMap::new();
    for node in value.values() {
        if let Value::Persistent(id) = node
            && let Some(name) = storage_name(value, *id)
        {
            declared_bytes(&name, bytes, value.end())?;
            names.insert(name.key, name);
        }
    }
    let Value::List(list) = keys.value(keys.root()) else {
        return Err(Fault::new(value.end(), "no list of storages"));
    };
    let mut cursor = Cursor::new(bytes, keys.end());
    let mut storages = Storages::new();
    for &key in list {
        let at = cursor.at();
        let key = keys.text(key);
        let key = key.ok_or_else(|| Fault::new(value.end(), "a storage without a name"))?;
        let name = names.get(key).ok_or_else(|| {
            Fault::new(
                at,
                format!("storage {key:?} belongs to no tensor that can be read"),
            )
        })?;
        let item = name.dtype.map(item_bytes).ok().flatten().ok_or_else(|| {
            let class = name.dtype.err().unwrap_or("storage");
            let why = format!(
                "storage {key:?} is a {class}, which Attune cannot read: convert it to float32 in PyTorch"
            );
            Fault::new(at, why)
        })?;
        let what = format!("storage {key:?}");
        let n = cursor.u64(&what)?;
        if n != name.n_elements as u64 {
            let why = format!("storage {key:?} has {n} elements, not {}", name.n_elements);
            return Err(Fault::new(at, why));
        }
        let range = cursor.long_range(n.saturating_mul(item as u64), &what)?;
        storages.insert(key.to_owned(), range);
    }
    Ok(storages)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_layout_is_known_by_its_magic_number() {
        assert!(is_legacy(&[b"\x80\x02".as_slice(), MAGIC].concat()));
        let framed = b"\x80\x04\x95\x0d\0\0\0\0\0\0\0";
        assert!(is_legacy(&[framed.as_slice(), MAGIC].concat()));
        assert!(!is_legacy(b"\x80\x02}."));
        assert!(!is_legacy(b""));
    }
}
