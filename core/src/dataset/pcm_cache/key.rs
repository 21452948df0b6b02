//! What identifies a file's sound, and a table that is found by it.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};
use std::io;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// A table by numbers that are hashes already.
pub(super) type ByHash<Value> = HashMap<u128, Value, BuildHasherDefault<Already>>;

/// A set of these.
pub(super) type Hashes = HashSet<u128, BuildHasherDefault<Already>>;

/// Takes a part of a hash as it is.
#[derive(Debug, Default)]
pub(super) struct Already(u64);

impl Hasher for Already {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(byte);
        }
    }

    fn write_u128(&mut self, hash: u128) {
        self.0 = hash as u64;
    }
}

/// Condenses a path as a data set gives it: a table of a million of these takes a fraction of one of the paths themselves.
pub(super) fn hash_of(path: &Path) -> u128 {
    first_128(&blake3::hash(path.as_os_str().as_encoded_bytes()))
}

/// Finds keys of files. Remembers where folders really are: most files of a data set are in few.
#[derive(Debug, Default)]
pub(super) struct Keys {
    real_folders: HashMap<PathBuf, PathBuf>,
}

impl Keys {
    /// Condenses what identifies a file's content as far as can be told without reading it, and the rate of its sound.
    pub(super) fn of(&mut self, path: &Path, rate_hz: u32) -> io::Result<u128> {
        let mut meta = path.symlink_metadata()?;
        let real = match (path.parent(), path.file_name()) {
            (Some(folder), Some(name)) if !meta.is_symlink() => {
                if !self.real_folders.contains_key(folder) {
                    let here = if folder.as_os_str().is_empty() {
                        Path::new(".")
                    } else {
                        folder
                    };
                    self.real_folders
                        .insert(folder.to_owned(), here.canonicalize()?);
                }
                self.real_folders[folder].join(name)
            }
            _ => {
                let real = path.canonicalize()?;
                meta = real.metadata()?;
                real
            }
        };
        if !meta.is_file() {
            return Err(io::Error::other("this is not a file"));
        }
        let changed = meta
            .modified()?
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_nanos();
        let mut hash = blake3::Hasher::new();
        hash.update(real.as_os_str().as_encoded_bytes());
        hash.update(&[0]);
        hash.update(&meta.len().to_le_bytes());
        hash.update(&changed.to_le_bytes());
        hash.update(&rate_hz.to_le_bytes());
        Ok(first_128(&hash.finalize()))
    }
}

fn first_128(hash: &blake3::Hash) -> u128 {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.as_bytes()[..16]);
    u128::from_be_bytes(bytes)
}
