//! Whether everything in the cache is what was written.
//!
//! Samples are read from the files and not through a map: a disk that cannot be read is a finding here, and must not end the process.

use super::super::Error;
use super::SAMPLE_BYTES;
use super::budget::{Stored, rate_folders, shards_in};
use super::holding::{hold, lock_for_decoding};
use super::index::{self, Entry};
use super::shard::{Damaged, INDEX, SAMPLES, SUMS, unless_too_many};
use super::sums::{BLOCK_SAMPLES, n_sums, read_sums, sum_in};
use crate::job::Job;
use rayon::prelude::*;
use serde::Serialize;
use std::collections::HashSet;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// What [`verify`] found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// Entries that were read.
    pub n_tracks: usize,
    /// Their samples, in bytes.
    pub bytes: u64,
    /// Entries that were not what had been written. They are taken out of the index, so that their tracks are decoded again.
    pub n_damaged: usize,
    /// The files that these lie in.
    pub damaged: Vec<DamagedFile>,
}

/// A file of the cache that does not hold what was written to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DamagedFile {
    /// Where it lies.
    pub path: PathBuf,
    /// Entries that it cost.
    pub n_tracks: usize,
    /// What is wrong with the first of them, in words.
    pub why: String,
}

/// Reads everything below `root` and compares it with its checksums, on all cores. Waits for a process that is decoding.
pub fn verify(root: &Path, job: &Job) -> Result<Verified, Error> {
    let mut verified = Verified::default();
    let folders = rate_folders(root)?;
    let mut progress = Progress {
        done: AtomicU64::new(0),
        total: 0,
        job,
    };
    for (_, folder) in &folders {
        let indexes = shards_in(folder)?.into_iter();
        let entries = indexes.filter_map(|stored| index::read(&stored.path_of(INDEX)));
        progress.total += entries.map(|entries| entries.len() as u64).sum::<u64>();
    }
    for (_, folder) in &folders {
        // What is being decoded would be looked at half.
        let _lock = lock_for_decoding(folder, job)?;
        for stored in shards_in(folder)? {
            verify_shard(&stored, &progress, &mut verified)?;
        }
    }
    Ok(verified)
}

/// In tracks.
struct Progress<'a> {
    done: AtomicU64,
    total: u64,
    job: &'a Job,
}

fn verify_shard(
    stored: &Stored,
    progress: &Progress<'_>,
    verified: &mut Verified,
) -> Result<(), Error> {
    let index_path = stored.path_of(INDEX);
    let _in_use = match hold(&stored.folder, &stored.name) {
        Ok(in_use) => in_use,
        // One that is just being thrown away needs no judgement.
        Err(error) => return unless_too_many::<()>(&error, &stored.folder, &stored.name).map(drop),
    };
    let Some(entries) = index::read(&index_path) else {
        return Ok(());
    };
    let path = stored.path_of(SAMPLES);
    let open = || Ok((File::open(&path)?, read_sums(&stored.path_of(SUMS))?));
    let opened = open().map_err(|error| Damaged::Unreadable(error).to_string());
    let found = entries.par_iter().map_init(Vec::new, |buffer, entry| {
        progress.job.check()?;
        let found = match &opened {
            Ok((file, sums)) => check(entry, file, sums, buffer).map_err(|why| why.to_string()),
            Err(why) => Err(why.clone()),
        };
        let done = 1 + progress.done.fetch_add(1, Ordering::Relaxed);
        let what = "comparing decoded audio with its checksums";
        progress.job.report(done, progress.total.max(done), what);
        Ok(found)
    });
    let found: Vec<Result<(), String>> = found.collect::<Result<_, Error>>()?;
    verified.n_tracks += entries.len();
    let lengths = entries.iter().map(|entry| entry.n_samples);
    verified.bytes += lengths.fold(0, |sum, n| {
        n.saturating_mul(SAMPLE_BYTES).saturating_add(sum)
    });
    let of = entries.iter().zip(&found);
    let damaged: HashSet<Entry> = of
        .filter(|(_, found)| found.is_err())
        .map(|(entry, _)| *entry)
        .collect();
    if let Some(why) = found.into_iter().find_map(Result::err) {
        index::remove(&index_path, &damaged)?;
        verified.n_damaged += damaged.len();
        verified.damaged.push(DamagedFile {
            path,
            n_tracks: damaged.len(),
            why,
        });
    }
    Ok(())
}

/// Compares all samples of an entry with their checksums.
fn check(entry: &Entry, file: &File, sums: &[u64], buffer: &mut Vec<u8>) -> Result<(), Damaged> {
    let (start, n) = (entry.start as usize, entry.n_samples as usize);
    let first = entry.first_sum as usize;
    let sums = first
        .checked_add(n_sums(n))
        .and_then(|end| sums.get(first..end))
        .ok_or(Damaged::CutOff)?;
    if entry.start >= u64::MAX / 4 {
        return Err(Damaged::CutOff);
    }
    for (block, sum) in sums.iter().enumerate() {
        let within = block * BLOCK_SAMPLES..n.min((block + 1) * BLOCK_SAMPLES);
        let found = sum_in(file, start + within.start..start + within.end, buffer);
        match found {
            Ok(found) if found == *sum => {}
            Ok(_) => return Err(Damaged::OtherSum),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                return Err(Damaged::CutOff);
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
