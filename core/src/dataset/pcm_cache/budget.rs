//! How much the cache may take on disk, and what goes first.
//!
//! Whole shards are thrown away, of whatever rate, the longest unused first, and never one that some process uses right now. One process at a
//! time does so, and counts under the lock: two that count the same would each throw away what is too much.

use super::super::Error;
use super::holding::{lock_for_trimming, remove};
use super::shard::{INDEX, SAMPLES, SUMS, USED, file_of};
use serde::Serialize;
use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// A shard on disk, of whatever version.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    pub(super) folder: PathBuf,
    pub(super) name: String,
    pub(super) bytes: u64,
    /// When it was last used or, if nobody says, written.
    pub(super) used: SystemTime,
}

impl Stored {
    /// Its file of a kind.
    pub(super) fn path_of(&self, kind: &str) -> PathBuf {
        file_of(&self.folder, &self.name, kind)
    }
}

/// What was thrown away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Trimmed {
    /// Shards that are gone.
    pub n_removed: usize,
    /// What they took.
    pub removed_bytes: u64,
    /// What is left.
    pub kept_bytes: u64,
    /// Of the kept ones, those that had to stay because a process uses them.
    pub n_in_use: usize,
}

/// The folders of the rates below the cache's folder: rate and path, ascending.
pub(super) fn rate_folders(root: &Path) -> Result<Vec<(u32, PathBuf)>, Error> {
    let mut folders: Vec<(u32, PathBuf)> = entries(root)?
        .into_iter()
        .filter_map(|name| Some((name.parse().ok()?, root.join(name))))
        .collect();
    folders.sort();
    Ok(folders)
}

/// The shards in the folder of a rate, in the order in which they were made.
pub(super) fn shards_in(folder: &Path) -> Result<Vec<Stored>, Error> {
    let kinds = [SAMPLES, SUMS, INDEX, USED];
    let names: BTreeSet<String> = entries(folder)?
        .into_iter()
        .filter_map(|file| {
            let (name, kind) = file.rsplit_once('.')?;
            kinds.contains(&kind).then(|| name.to_owned())
        })
        .collect();
    let stored = names.into_iter().map(|name| {
        let meta = |kind| file_of(folder, &name, kind).metadata().ok();
        let bytes = kinds.into_iter().filter_map(meta).map(|meta| meta.len());
        let used = meta(USED).or_else(|| meta(INDEX)).or_else(|| meta(SAMPLES));
        Stored {
            folder: folder.to_owned(),
            bytes: bytes.sum(),
            used: used
                .and_then(|meta| meta.modified().ok())
                .unwrap_or(UNIX_EPOCH),
            name,
        }
    });
    Ok(stored.collect())
}

/// Names in a folder; none if it is not there.
fn entries(folder: &Path) -> Result<Vec<String>, Error> {
    match std::fs::read_dir(folder) {
        Ok(entries) => Ok(entries
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .collect()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(Error::io("read", folder)(error)),
    }
}

/// Throws shards away until the cache below `root` takes at most `budget_bytes`, as far as they are not in use.
///
/// Any process may do so at any time: what others have mapped stays, and what is thrown away is decoded again when it is needed.
pub fn trim(root: &Path, budget_bytes: u64) -> Result<Trimmed, Error> {
    // Most often there is nothing to do; then nobody needs the right to write.
    let trimmed = untrimmed(&all_shards(root)?);
    if trimmed.kept_bytes <= budget_bytes {
        return Ok(trimmed);
    }
    let _held = lock_for_trimming(root)?;
    let mut shards = all_shards(root)?;
    let mut trimmed = untrimmed(&shards);
    shards.sort_by(|a, b| (a.used, &a.name).cmp(&(b.used, &b.name)));
    for shard in shards {
        if trimmed.kept_bytes <= budget_bytes {
            break;
        }
        let path = shard.folder.join(&shard.name);
        if remove(&shard.folder, &shard.name).map_err(Error::io("remove", path))? {
            trimmed.n_removed += 1;
            trimmed.removed_bytes += shard.bytes;
            trimmed.kept_bytes -= shard.bytes.min(trimmed.kept_bytes);
        } else {
            trimmed.n_in_use += 1;
        }
    }
    Ok(trimmed)
}

fn all_shards(root: &Path) -> Result<Vec<Stored>, Error> {
    let mut shards = Vec::new();
    for (_, folder) in rate_folders(root)? {
        shards.extend(shards_in(&folder)?);
    }
    Ok(shards)
}

fn untrimmed(shards: &[Stored]) -> Trimmed {
    Trimmed {
        kept_bytes: shards.iter().map(|shard| shard.bytes).sum(),
        ..Trimmed::default()
    }
}
