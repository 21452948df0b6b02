//! The index of one shard: which file's samples lie where in it. Written whole or not at all.

use super::super::Error;
use crate::workspace::write_whole;
use serde::{Deserialize, Serialize};
use std::io::Write;
use std::path::Path;

/// The index file of one shard.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Index {
    /// Version of this format; others are ignored, so that the audio is decoded again.
    pub(super) version: u32,
    /// What lies in the shard.
    pub(super) entries: Vec<Entry>,
}

/// Where one file's samples lie.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    /// Condenses path, size and time of change of the audio file.
    pub(super) key: String,
    /// First sample, counted in samples from the start of the shard.
    pub(super) start: u64,
    /// How many samples.
    pub(super) n_samples: u64,
}

impl Index {
    pub(super) const VERSION: u32 = 1;

    /// An index of nothing.
    pub(super) fn new() -> Self {
        Self {
            version: Self::VERSION,
            entries: Vec::new(),
        }
    }

    /// Reads an index; one that is not readable or of another version holds nothing: the cache can always be made again.
    pub(super) fn read(path: &Path) -> Self {
        std::fs::read(path)
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .filter(|index: &Self| index.version == Self::VERSION)
            .unwrap_or_else(Self::new)
    }

    /// Writes it whole.
    pub(super) fn write(&self, path: &Path) -> Result<(), Error> {
        write_whole(path, |file| {
            serde_json::to_writer(&mut *file, self)?;
            file.write_all(b"\n")
        })
        .map_err(Error::io("write", path))
    }
}
