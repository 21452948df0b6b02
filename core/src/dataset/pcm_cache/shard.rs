//! One shard: the files that belong together, who uses them, and whether what lies in them is what was written.
//!
//! Whoever reads or writes a shard holds a shared lock on its `.used` file, whose time of change says when that was last. A shard is only
//! removed by somebody who gets the exclusive lock, so that no process loses what it works with.

use super::super::Error;
use super::index::{Entry, sum_of};
use super::mapping::Mapping;
use crate::machine;
use pulp::bytemuck;
use std::fs::{File, TryLockError};
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

/// Samples that one checksum covers (64 KiB): a crop is checked without reading its whole track.
const BLOCK_SAMPLES: usize = 1 << 15;

/// The files of a shard.
pub(super) const SAMPLES: &str = "pcm";
pub(super) const SUMS: &str = "sums";
pub(super) const INDEX: &str = "index";
pub(super) const USED: &str = "used";

/// A shard's file of a kind.
pub(super) fn file_of(folder: &Path, shard: &str, kind: &str) -> PathBuf {
    folder.join(format!("{shard}.{kind}"))
}

/// A shard that is mapped, and not removed by anybody as long as this lives. It keeps one file open, that of the lock: a map needs none.
#[derive(Debug)]
pub(super) struct Shard {
    samples: Mapping,
    sums: Vec<u64>,
    /// A bit for each sum: whether it was found right.
    checked: Vec<AtomicU64>,
    in_use: Option<Arc<File>>,
}

/// How long a shard's files are, in bytes: whether there is more of it than was mapped.
pub(super) fn lengths(folder: &Path, name: &str) -> Option<[u64; 2]> {
    let length = |kind| Some(file_of(folder, name, kind).metadata().ok()?.len());
    Some([length(SAMPLES)?, length(SUMS)?])
}

/// Where a track's samples lie in a shard.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) start: usize,
    pub(super) n_samples: usize,
    pub(super) first_sum: usize,
}

/// The samples are not those that were written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Damaged;

impl Shard {
    /// Maps a shard as it is now and notes that it is used; `None` if it is gone, is just being removed or cannot be read. Fails if this
    /// process has too many files open, of which the shard knows nothing.
    pub(super) fn open(folder: &Path, name: &str) -> Result<Option<Self>, Error> {
        match hold(folder, name) {
            Ok(in_use) => Self::open_held(folder, name, in_use),
            Err(error) => unless_too_many(&error, folder, name),
        }
    }

    /// The same for a shard that is held already.
    pub(super) fn open_held(
        folder: &Path,
        name: &str,
        in_use: Option<Arc<File>>,
    ) -> Result<Option<Self>, Error> {
        let read = || {
            let samples = Mapping::open(&file_of(folder, name, SAMPLES))?;
            let sums = std::fs::read(file_of(folder, name, SUMS))?;
            Ok((samples, sums))
        };
        let (samples, sums) = match read() {
            Ok(read) => read,
            Err(error) => return unless_too_many(&error, folder, name),
        };
        let (sums, _cut_off) = sums.as_chunks::<8>();
        let sums: Vec<u64> = sums.iter().map(|sum| u64::from_le_bytes(*sum)).collect();
        let checked = (0..sums.len().div_ceil(64)).map(|_| AtomicU64::new(0));
        Ok(Some(Self {
            samples,
            checked: checked.collect(),
            sums,
            in_use,
        }))
    }

    /// What holds it, for a longer map of the same shard.
    pub(super) fn holder(&self) -> Option<Arc<File>> {
        self.in_use.clone()
    }

    /// Where an entry lies; `None` if it is longer than what is mapped.
    pub(super) fn place(&self, entry: &Entry) -> Option<Place> {
        let place = Place {
            start: usize::try_from(entry.start).ok()?,
            n_samples: usize::try_from(entry.n_samples).ok()?,
            first_sum: usize::try_from(entry.first_sum).ok()?,
        };
        let end = place.start.checked_add(place.n_samples)?;
        let end_sum = place.first_sum.checked_add(n_sums(place.n_samples))?;
        (end <= self.samples.n_samples() && end_sum <= self.sums.len()).then_some(place)
    }

    /// Samples of a track, checked the first time that somebody asks for them; `range` lies within the track.
    pub(super) fn samples(&self, place: Place, range: Range<usize>) -> Result<&[i16], Damaged> {
        let track = &self.samples.samples()[place.start..place.start + place.n_samples];
        if !range.is_empty() {
            for block in range.start / BLOCK_SAMPLES..=(range.end - 1) / BLOCK_SAMPLES {
                self.check(place, block, track)?;
            }
        }
        Ok(&track[range])
    }

    fn check(&self, place: Place, block: usize, track: &[i16]) -> Result<(), Damaged> {
        let sum = place.first_sum + block;
        let (word, bit) = (&self.checked[sum / 64], 1 << (sum % 64));
        if word.load(Ordering::Relaxed) & bit != 0 {
            return Ok(());
        }
        let end = track.len().min((block + 1) * BLOCK_SAMPLES);
        let samples = &track[block * BLOCK_SAMPLES..end];
        if sum_of(bytemuck::cast_slice(samples)) != self.sums[sum] {
            return Err(Damaged);
        }
        word.fetch_or(bit, Ordering::Relaxed);
        Ok(())
    }
}

impl Drop for Shard {
    fn drop(&mut self) {
        // A run of weeks has used it until now. It only orders what is removed first.
        if let Some(file) = &self.in_use {
            drop(file.set_modified(SystemTime::now()));
        }
    }
}

/// `None` for a shard that cannot be read; an error if that says nothing about the shard.
fn unless_too_many<T>(error: &io::Error, folder: &Path, name: &str) -> Result<Option<T>, Error> {
    if machine::is_too_many_files(error) {
        return Err(Error::TooManyFiles {
            limit: machine::file_limit(),
            path: file_of(folder, name, USED),
        });
    }
    Ok(None)
}

/// How many checksums so many samples have.
pub(super) fn n_sums(n_samples: usize) -> usize {
    n_samples.div_ceil(BLOCK_SAMPLES)
}

/// The checksums of a track.
pub(super) fn sums_of(samples: &[i16]) -> impl Iterator<Item = u64> {
    let blocks = samples.chunks(BLOCK_SAMPLES);
    blocks.map(|block| sum_of(bytemuck::cast_slice(block)))
}

/// Notes that a shard is used from now on, until the file is dropped. `None` where files cannot be locked or written: then nobody can
/// remove the shard either. Fails while somebody removes it, and if this process has too many files open.
pub(super) fn hold(folder: &Path, shard: &str) -> io::Result<Option<Arc<File>>> {
    let path = file_of(folder, shard, USED);
    let opened = File::options().create(true).append(true).open(&path);
    let file = match opened {
        Ok(file) => file,
        Err(error)
            if error.kind() == io::ErrorKind::NotFound || machine::is_too_many_files(&error) =>
        {
            return Err(error);
        }
        // A cache that may only be read.
        Err(_) => return Ok(None),
    };
    match file.try_lock_shared() {
        Ok(()) => {
            // It only orders what is removed first.
            drop(file.set_modified(SystemTime::now()));
            Ok(Some(Arc::new(file)))
        }
        Err(TryLockError::WouldBlock) => Err(io::ErrorKind::WouldBlock.into()),
        Err(TryLockError::Error(_)) => Ok(None),
    }
}

/// Removes a shard, unless somebody uses it. Returns whether it is gone.
pub(super) fn remove(folder: &Path, shard: &str) -> io::Result<bool> {
    let path = file_of(folder, shard, USED);
    let file = File::options().create(true).append(true).open(&path)?;
    if file.try_lock().is_err() {
        return Ok(false);
    }
    // The index first: without it the rest is nothing.
    for kind in [INDEX, SAMPLES, SUMS, USED] {
        match std::fs::remove_file(file_of(folder, shard, kind)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(true)
}
