//! One shard: the files that belong together, and whether what lies in them is what was written.
//!
//! Samples are read through the map, but compared with their checksums through the file: where the disk cannot be read, the file says so,
//! while the map would end the process.

use super::super::Error;
use super::holding::hold;
use super::index::Entry;
use super::mapping::Mapping;
use super::sums::{BLOCK_SAMPLES, n_sums, read_sums, sum_in, sum_of_samples};
use crate::machine;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

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
    path: PathBuf,
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
#[derive(Debug, thiserror::Error)]
pub(super) enum Damaged {
    #[error("its checksum is another than when it was written")]
    OtherSum,
    #[error("the file was cut off")]
    CutOff,
    #[error("it cannot be read: {0}")]
    Unreadable(#[from] io::Error),
}

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
        let path = file_of(folder, name, SAMPLES);
        let read = || {
            let samples = Mapping::open(&path)?;
            let sums = read_sums(&file_of(folder, name, SUMS))?;
            Ok((samples, sums))
        };
        let (samples, sums) = match read() {
            Ok(read) => read,
            Err(error) => return unless_too_many(&error, folder, name),
        };
        let checked = (0..sums.len().div_ceil(64)).map(|_| AtomicU64::new(0));
        Ok(Some(Self {
            path,
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

    /// The file of its samples.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether all that lies in an earlier map of the same shard lies in this one, too. If so, what was checked there need not be again.
    pub(super) fn continues(&self, earlier: &Self) -> bool {
        let is_longer = self.samples.n_samples() >= earlier.samples.n_samples()
            && self.sums.len() >= earlier.sums.len();
        if is_longer {
            for (own, earlier) in self.checked.iter().zip(&earlier.checked) {
                own.fetch_or(earlier.load(Ordering::Relaxed), Ordering::Relaxed);
            }
        }
        is_longer
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
        if self.is_cut_off() {
            return Err(Damaged::CutOff);
        }
        if !range.is_empty() {
            let blocks = range.start / BLOCK_SAMPLES..=(range.end - 1) / BLOCK_SAMPLES;
            self.check(place, blocks)?;
        }
        let track = &self.samples.samples()[place.start..place.start + place.n_samples];
        Ok(&track[range])
    }

    /// Whether somebody has cut the file off since it was mapped: then touching what is gone would end the process. Removing the file leaves
    /// the map whole, and Attune itself only appends and removes.
    fn is_cut_off(&self) -> bool {
        let length = self.path.metadata().map(|meta| meta.len());
        length.is_ok_and(|bytes| bytes < self.samples.n_bytes())
    }

    fn check(&self, place: Place, blocks: std::ops::RangeInclusive<usize>) -> Result<(), Damaged> {
        let bit_of = |sum: usize| (&self.checked[sum / 64], 1 << (sum % 64));
        let mut unchecked = blocks.filter(|block| {
            let (word, bit) = bit_of(place.first_sum + block);
            word.load(Ordering::Relaxed) & bit == 0
        });
        let Some(first) = unchecked.next() else {
            return Ok(());
        };
        // Gone from the folder, it can be read through the map only.
        let file = File::open(&self.path).ok();
        let mut buffer = Vec::new();
        for block in std::iter::once(first).chain(unchecked) {
            let within = block * BLOCK_SAMPLES..place.n_samples.min((block + 1) * BLOCK_SAMPLES);
            let samples = place.start + within.start..place.start + within.end;
            let found = match &file {
                Some(file) => sum_in(file, samples, &mut buffer)?,
                None => sum_of_samples(&self.samples.samples()[samples]),
            };
            let sum = place.first_sum + block;
            if found != self.sums[sum] {
                return Err(Damaged::OtherSum);
            }
            let (word, bit) = bit_of(sum);
            word.fetch_or(bit, Ordering::Relaxed);
        }
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
pub(super) fn unless_too_many<T>(
    error: &io::Error,
    folder: &Path,
    name: &str,
) -> Result<Option<T>, Error> {
    if machine::is_too_many_files(error) {
        return Err(Error::TooManyFiles {
            limit: machine::file_limit(),
            path: file_of(folder, name, USED),
        });
    }
    Ok(None)
}
