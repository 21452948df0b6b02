//! The cache as a whole: what is in it, and doing away with it.

use super::super::Error;
use super::budget::{Trimmed, rate_folders, shards_in, trim};
use super::index::{self, Entry};
use super::shard::{INDEX, file_of};
use serde::Serialize;
use std::path::Path;
use std::time::SystemTime;

/// What the cache holds of one rate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RateContents {
    /// The rate of the samples.
    pub rate_hz: u32,
    /// Large files.
    pub n_shards: usize,
    /// Tracks that are to be found in them.
    pub n_tracks: usize,
    /// Samples of these tracks.
    pub n_samples: u64,
    /// What it all takes on disk.
    pub bytes: u64,
    /// Seconds since any of it was last used.
    pub unused_seconds: u64,
}

/// What is in the cache below `root`, rate by rate.
pub fn contents(root: &Path) -> Result<Vec<RateContents>, Error> {
    let mut all = Vec::new();
    for (rate_hz, folder) in rate_folders(root)? {
        let shards = shards_in(&folder)?;
        let Some(used) = shards.iter().map(|shard| shard.used).max() else {
            continue;
        };
        let entries: Vec<Entry> = shards
            .iter()
            .filter_map(|shard| index::read(&file_of(&folder, &shard.name, INDEX)))
            .flatten()
            .collect();
        let unused = SystemTime::now().duration_since(used).unwrap_or_default();
        all.push(RateContents {
            rate_hz,
            n_shards: shards.len(),
            n_tracks: entries.len(),
            n_samples: entries.iter().map(|entry| entry.n_samples).sum(),
            bytes: shards.iter().map(|shard| shard.bytes).sum(),
            unused_seconds: unused.as_secs(),
        });
    }
    Ok(all)
}

/// Throws everything below `root` away that no process uses.
pub fn clear(root: &Path) -> Result<Trimmed, Error> {
    trim(root, 0)
}
