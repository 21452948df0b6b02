//! The cache as a whole: what is in it, whether it is sound, and doing away with it.

use super::super::Error;
use super::budget::{rate_folders, shards_in};
use super::index::{self, Entry};
use super::shard::{INDEX, Shard, file_of};
use super::{lock, trim};
use crate::dataset::pcm_cache::Trimmed;
use crate::job::Job;
use rayon::prelude::*;
use serde::Serialize;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
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

/// What [`verify`] found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// Entries that were read.
    pub n_tracks: usize,
    /// Their samples, in bytes.
    pub bytes: u64,
    /// Entries that were not what had been written. They are taken out of the index, so that their tracks are decoded again.
    pub n_damaged: usize,
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

/// Reads everything below `root` and compares it with its checksums, on all cores. Waits for a process that is decoding.
pub fn verify(root: &Path, job: &Job) -> Result<Verified, Error> {
    let mut verified = Verified::default();
    for (_, folder) in rate_folders(root)? {
        // Indexes are only changed by the one who writes.
        let _lock = lock(&folder, job)?;
        for stored in shards_in(&folder)? {
            let index_path = file_of(&folder, &stored.name, INDEX);
            let Some(entries) = index::read(&index_path) else {
                continue;
            };
            // One that is just being thrown away needs no judgement.
            let Some(shard) = Shard::open(&folder, &stored.name)? else {
                continue;
            };
            let (done, total) = (AtomicU64::new(0), entries.len() as u64);
            let is_sound = entries.par_iter().map(|entry| -> Result<bool, Error> {
                job.check()?;
                let place = shard.place(entry);
                let samples = place.map(|place| shard.samples(place, 0..place.n_samples));
                let done = done.fetch_add(1, Ordering::Relaxed) + 1;
                job.report(done, total, &format!("verifying shard {}", stored.name));
                Ok(matches!(samples, Some(Ok(_))))
            });
            let is_sound: Vec<bool> = is_sound.collect::<Result<_, _>>()?;
            let sound = entries.iter().zip(&is_sound);
            let sound: Vec<Entry> = sound
                .filter(|(_, is_sound)| **is_sound)
                .map(|(entry, _)| *entry)
                .collect();
            verified.n_tracks += entries.len();
            verified.bytes += 2 * entries.iter().map(|entry| entry.n_samples).sum::<u64>();
            verified.n_damaged += entries.len() - sound.len();
            if sound.len() < entries.len() {
                index::rewrite(&index_path, sound.into_iter())?;
            }
        }
    }
    Ok(verified)
}

/// Throws everything below `root` away that no process uses.
pub fn clear(root: &Path) -> Result<Trimmed, Error> {
    trim(root, 0)
}
