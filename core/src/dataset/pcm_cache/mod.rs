//! Decoded audio on disk: mono 16-bit PCM at one rate, in memory-mapped shards.
//!
//! Decoding is some hundred times slower than reading samples, and a training crop needs a random place of a random track. So every track
//! is decoded once into a shard and the loader reads from the map.
//!
//! ```text
//! cache/pcm/22050/
//!   lock                     held by the one process that decodes
//!   1786a0c5e0f3d2b1.pcm     samples, one file's after another's, 1 GiB at most or one long file
//!   1786a0c5e0f3d2b1.sums    a checksum for each 64 KiB of a file's samples
//!   1786a0c5e0f3d2b1.index   which file (path, size, time of change) lies where
//!   1786a0c5e0f3d2b1.used    locked by everybody who uses the shard; its time of change says when that was last
//! ```
//!
//! What must stay true: a shard is only appended to, by the process that made it; an index names only samples that are on disk; a shard's
//! name never comes again. So a process that is killed leaves a shard with a shorter index, the next one continues in a new shard, and a
//! reader never sees anything change under its map. The whole folder may be deleted at any time; what is mapped stays readable, the rest is
//! decoded again. What a crop reads is compared with its checksum the first time; if it is not what was written, the track is decoded again,
//! into a new shard.

mod budget;
mod index;
mod key;
mod mapping;
mod pcm;
mod shard;
mod upkeep;
mod writer;

pub use budget::{Trimmed, trim};
pub use pcm::Pcm;
pub use upkeep::{RateContents, Verified, clear, contents, verify};

use super::catalogue::Checked;
use super::{Catalogue, Dataset, Error, Problem, ProblemKind, Track};
use crate::audio;
use crate::job::Job;
use crate::message::full_message;
use budget::shards_in;
use index::Entry;
use key::{ByHash, Keys, hash_of};
use pcm::Known;
use rayon::prelude::*;
use shard::{INDEX, file_of};
use std::collections::HashSet;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;
use writer::{Appended, Writer};

/// How often a waiting process looks whether the cache is free.
const LOCK_POLL: Duration = Duration::from_millis(100);
/// Bytes of a sample.
const SAMPLE_BYTES: u64 = size_of::<i16>() as u64;
/// Tracks whose files are looked at in one go by a thread.
const KEYS_AT_ONCE: usize = 256;

/// The cache of decoded audio at one rate. As long as it lives, nobody throws away the shards that its tracks lie in.
#[derive(Debug)]
pub struct PcmCache {
    root: PathBuf,
    folder: PathBuf,
    rate_hz: u32,
    budget_bytes: Option<u64>,
    catalogue: Option<PathBuf>,
    known: RwLock<Known>,
    repairing: Mutex<()>,
    repaired: Mutex<Vec<Problem>>,
}

/// What [`PcmCache::prepare`] did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Tracks that were decoded now.
    pub n_decoded: usize,
    /// Tracks that lay in the cache already.
    pub n_cached: usize,
    /// Files that are missing or broken (their tracks are left out) or damaged (used as far as they go), in the order of the tracks.
    pub problems: Vec<Problem>,
    /// Why the catalogue was not told of all that decoding found; `None` if it was.
    pub not_noted: Option<String>,
}

impl Report {
    /// How many tracks are left out.
    pub fn n_skipped(&self) -> usize {
        self.problems
            .iter()
            .filter(|problem| problem.kind.is_skipped())
            .count()
    }
}

impl PcmCache {
    /// Opens the cache below `folder` (made when first written to) for audio at `rate_hz`.
    pub fn open(folder: impl AsRef<Path>, rate_hz: u32) -> Result<Self, Error> {
        if rate_hz == 0 {
            return Err(Error::BadConfig("a sample rate cannot be 0 Hz".into()));
        }
        let root = folder.as_ref().to_path_buf();
        Ok(Self {
            folder: root.join(rate_hz.to_string()),
            root,
            rate_hz,
            budget_bytes: None,
            catalogue: None,
            known: RwLock::default(),
            repairing: Mutex::default(),
            repaired: Mutex::default(),
        })
    }

    /// The same, but what lies below the folder, at all rates, may take only so many bytes (`None`: as many as there are).
    #[must_use]
    pub fn with_budget(self, budget_bytes: Option<u64>) -> Self {
        Self {
            budget_bytes,
            ..self
        }
    }

    /// The same, but the catalogue in this file is told what decoding finds.
    #[must_use]
    pub fn with_catalogue(self, file: PathBuf) -> Self {
        Self {
            catalogue: Some(file),
            ..self
        }
    }

    /// The rate of all samples in it.
    pub fn rate_hz(&self) -> u32 {
        self.rate_hz
    }

    /// Makes the audio of the tracks with the numbers `tracks` available: what is not in the cache is decoded, on all cores.
    ///
    /// Files that are missing or broken are named in the report and left out. After a cancel, what was decoded so far is kept.
    /// A second process that wants to write waits until the first has finished. With a budget, what was unused for longest makes room;
    /// fails with [`Error::OverBudget`] if all that this cache was asked to prepare does not fit.
    pub fn prepare(&self, dataset: &Dataset, tracks: &[usize], job: &Job) -> Result<Report, Error> {
        let mut report = Report::default();
        let mut problems: Vec<(usize, Problem)> = Vec::new();
        let mut wanted = Vec::new();
        for (track_idx, key) in self.keys(dataset, tracks, job)? {
            match key {
                Ok(key) => wanted.push((track_idx, key)),
                Err(error) => {
                    problems.push((track_idx, unusable(&dataset.tracks[track_idx], &error)));
                }
            }
        }
        let mut undecoded = self.take_cached(dataset, wanted)?;
        report.n_cached = tracks.len() - problems.len() - undecoded.len();
        if !undecoded.is_empty() {
            std::fs::create_dir_all(&self.folder).map_err(Error::io("make", &self.folder))?;
            let _lock = lock(&self.folder, job)?;
            // Another process may have decoded them while this one waited.
            let n_before = undecoded.len();
            undecoded = self.take_cached(dataset, undecoded)?;
            report.n_cached += n_before - undecoded.len();
            self.remove_leftovers()?;
            self.make_room(self.estimated_bytes(dataset, &undecoded), dataset)?;
            self.decode(dataset, &undecoded, &mut problems, &mut report, job)?;
        }
        problems.sort_by_key(|(track_idx, _)| *track_idx);
        report.problems = problems.into_iter().map(|(_, problem)| problem).collect();
        Ok(report)
    }

    /// A track's samples, if [`Self::prepare`] made them available.
    pub fn samples(&self, track: &Track) -> Option<Pcm> {
        self.known().pcm(hash_of(&track.path))
    }

    /// Fills `out` with a track's samples from `offset` on as floats in -1..1, and with zeros beyond the end.
    ///
    /// A track whose samples are not those that were written is decoded again. Fails with [`Error::NotCached`] if it was not prepared,
    /// with [`Error::NotRepaired`] if it cannot be decoded again.
    pub fn read(&self, track: &Track, offset: usize, out: &mut [f32]) -> Result<(), Error> {
        let not_cached = || Error::NotCached(track.id.clone());
        let pcm = self.samples(track).ok_or_else(not_cached)?;
        if pcm.read(offset, out).is_ok() {
            return Ok(());
        }
        let failed = |reason: String| Error::NotRepaired {
            track: track.id.clone(),
            reason,
            path: track.path.clone(),
        };
        let pcm = self.repair(track, &pcm).map_err(failed)?;
        pcm.read(offset, out)
            .map_err(|_damaged| failed("the disk does not keep what is written to it".into()))
    }

    /// [`Self::read`] into a new vector of `n_samples`.
    pub fn wave(&self, track: &Track, offset: usize, n_samples: usize) -> Result<Vec<f32>, Error> {
        let mut wave = vec![0.0; n_samples];
        self.read(track, offset, &mut wave)?;
        Ok(wave)
    }

    /// The whole track, as [`Self::read`] gives it; `None` if it was not prepared.
    pub fn whole_wave(&self, track: &Track) -> Result<Option<Vec<f32>>, Error> {
        let pcm = self.samples(track);
        pcm.map(|pcm| self.wave(track, 0, pcm.n_samples()))
            .transpose()
    }

    /// Tracks that were decoded again since somebody asked, because their samples were not those that were written: a disk or memory that
    /// is not to be trusted.
    pub fn take_repaired(&self) -> Vec<Problem> {
        std::mem::take(&mut *locked(&self.repaired))
    }

    /// What identifies a track's sound in caches of things that were made of it: another file, or another state of it, has another key.
    pub(crate) fn key(&self, track: &Track) -> Result<String, Error> {
        let key = Keys::default().of(&track.path, self.rate_hz);
        let key = key.map_err(Error::io("read", &track.path))?;
        Ok(format!("{key:032x}"))
    }

    fn known(&self) -> RwLockReadGuard<'_, Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn known_mut(&self) -> RwLockWriteGuard<'_, Known> {
        self.known.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The keys of tracks, in their order.
    fn keys(
        &self,
        dataset: &Dataset,
        tracks: &[usize],
        job: &Job,
    ) -> Result<Vec<(usize, std::io::Result<u128>)>, Error> {
        let pieces = tracks.par_chunks(KEYS_AT_ONCE);
        let keys = pieces.map_init(Keys::default, |keys, piece| {
            job.check()?;
            let of = |&track_idx: &usize| {
                let path = &dataset.tracks[track_idx].path;
                (track_idx, keys.of(path, self.rate_hz))
            };
            Ok(piece.iter().map(of).collect())
        });
        let keys: Vec<Vec<_>> = keys.collect::<Result<_, Error>>()?;
        Ok(keys.into_iter().flatten().collect())
    }

    /// Notes where those tracks lie that the indexes on disk name, and gives back the others.
    fn take_cached(
        &self,
        dataset: &Dataset,
        wanted: Vec<(usize, u128)>,
    ) -> Result<Vec<(usize, u128)>, Error> {
        let mut places: ByHash<Option<(usize, Entry)>> =
            wanted.iter().map(|&(_, key)| (key, None)).collect();
        let shards = shards_in(&self.folder)?;
        for (number, stored) in shards.iter().enumerate() {
            let entries = index::read(&file_of(&self.folder, &stored.name, INDEX));
            for entry in entries.into_iter().flatten() {
                if let Some(place) = places.get_mut(&entry.key) {
                    // The newest: an earlier one may have been found damaged.
                    *place = Some((number, entry));
                }
            }
        }
        let mut known = self.known_mut();
        let mut others = Vec::new();
        for (track_idx, key) in wanted {
            let found = places.get(&key).copied().flatten();
            let is_noted = match found {
                Some((number, entry)) => {
                    let path = hash_of(&dataset.tracks[track_idx].path);
                    let shard = (&*self.folder, &*shards[number].name);
                    known.note(path, shard, &entry, None)?
                }
                None => false,
            };
            if !is_noted {
                others.push((track_idx, key));
            }
        }
        Ok(others)
    }

    /// Removes shards that nothing can be read from: of older versions, or of processes that were killed before they wrote an index.
    fn remove_leftovers(&self) -> Result<(), Error> {
        for stored in shards_in(&self.folder)? {
            let entries = index::read(&file_of(&self.folder, &stored.name, INDEX));
            if entries.is_none_or(|entries| entries.is_empty()) {
                let path = self.folder.join(&stored.name);
                shard::remove(&self.folder, &stored.name).map_err(Error::io("remove", path))?;
            }
        }
        Ok(())
    }

    /// What tracks will take once they are decoded, from the lengths that the data set states. Those that state none count like the others.
    fn estimated_bytes(&self, dataset: &Dataset, undecoded: &[(usize, u128)]) -> u64 {
        let stated = undecoded
            .iter()
            .filter_map(|&(track_idx, _)| dataset.tracks[track_idx].duration_secs)
            .filter(|secs| secs.is_finite() && *secs > 0.0);
        let (n, secs) = stated.fold((0_usize, 0.0), |(n, sum), secs| (n + 1, sum + secs));
        if n == 0 {
            return 0;
        }
        let secs = secs / n as f64 * undecoded.len() as f64;
        (secs * f64::from(self.rate_hz)) as u64 * SAMPLE_BYTES
    }

    /// Throws away what was unused for longest until so much more fits.
    fn make_room(&self, more_bytes: u64, dataset: &Dataset) -> Result<(), Error> {
        let Some(budget_bytes) = self.budget_bytes else {
            return Ok(());
        };
        let needed_bytes = self.known().bytes + more_bytes;
        if needed_bytes > budget_bytes {
            return Err(Error::OverBudget {
                name: dataset.name.clone(),
                needed_bytes,
                budget_bytes,
            });
        }
        trim(&self.root, budget_bytes - more_bytes).map(drop)
    }

    /// Decodes tracks in parallel and appends them in whatever order they come.
    fn decode(
        &self,
        dataset: &Dataset,
        undecoded: &[(usize, u128)],
        problems: &mut Vec<(usize, Problem)>,
        report: &mut Report,
        job: &Job,
    ) -> Result<(), Error> {
        let writer = Mutex::new(Writer::new(&self.folder, self.budget_bytes));
        let found = Mutex::new(Vec::new());
        let appended: Mutex<Vec<(usize, Appended)>> = Mutex::default();
        let (done, total) = (AtomicU64::new(0), undecoded.len() as u64);
        let n_bytes = AtomicU64::new(0);
        let outcome = undecoded.par_iter().try_for_each(|&(track_idx, key)| {
            job.check()?;
            let track = &dataset.tracks[track_idx];
            match audio::decode_mono_16(
                &track.path,
                self.rate_hz,
                &Job::new(job.cancel.clone(), |_| ()),
            ) {
                Ok((samples, _)) if samples.is_empty() => {
                    let problem = problem(track, ProblemKind::Broken, "holds no audio".into());
                    locked(&found).push((track_idx, problem));
                }
                Ok((samples, warnings)) => {
                    let bytes = SAMPLE_BYTES * samples.len() as u64;
                    let bytes = bytes + n_bytes.fetch_add(bytes, Ordering::Relaxed);
                    let place = locked(&writer).append(key, &samples)?;
                    if place.is_written {
                        self.make_room_for_written(bytes, dataset)?;
                    }
                    locked(&appended).push((track_idx, place));
                    if !warnings.is_empty() {
                        let problem = problem(track, ProblemKind::Damaged, warnings.join("; "));
                        locked(&found).push((track_idx, problem));
                    }
                }
                Err(error) => {
                    job.check()?;
                    let problem = problem(track, ProblemKind::Broken, full_message(&error));
                    locked(&found).push((track_idx, problem));
                }
            }
            let done = done.fetch_add(1, Ordering::Relaxed) + 1;
            job.report(done, total, "decoding audio");
            Ok(())
        });
        // Also after a failure: what is decoded is decoded.
        let mut writer = writer.into_inner().unwrap_or_else(PoisonError::into_inner);
        let finished = writer.finish();
        let found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
        let appended = appended
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        // A training goes on without.
        report.not_noted = self.tell_catalogue(dataset, &appended, &found).err();
        outcome.and(finished)?;
        problems.extend(found);
        self.note_all(dataset, &appended, &writer)?;
        self.make_room_for_written(0, dataset)?;
        report.n_decoded = appended.len();
        Ok(())
    }

    /// Tells it of files that were decoded and of those that could not be; why it does not take it.
    fn tell_catalogue(
        &self,
        dataset: &Dataset,
        appended: &[(usize, Appended)],
        found: &[(usize, Problem)],
    ) -> Result<(), String> {
        let Some(catalogue) = &self.catalogue else {
            return Ok(());
        };
        let at_fault: HashSet<usize> = found.iter().map(|(track_idx, _)| *track_idx).collect();
        let sound = appended.iter().map(|(track_idx, _)| *track_idx);
        let sound = sound.filter(|track_idx| !at_fault.contains(track_idx));
        let sound = sound.map(|track_idx| {
            let track = &dataset.tracks[track_idx];
            Checked::fine(&track.id, &track.path)
        });
        let checked: Vec<Checked> = sound
            .chain(found.iter().map(|(_, problem)| problem.into()))
            .collect();
        Catalogue::record_of(catalogue, &dataset.root, &checked)
            .map(drop)
            .map_err(|error| full_message(&error))
    }

    /// Looks after the budget, of which a run's own decoded tracks, `new_bytes`, are a part already.
    fn make_room_for_written(&self, new_bytes: u64, dataset: &Dataset) -> Result<(), Error> {
        let Some(budget_bytes) = self.budget_bytes else {
            return Ok(());
        };
        let needed_bytes = self.known().bytes + new_bytes;
        if needed_bytes > budget_bytes {
            return Err(Error::OverBudget {
                name: dataset.name.clone(),
                needed_bytes,
                budget_bytes,
            });
        }
        trim(&self.root, budget_bytes).map(drop)
    }

    fn note_all(
        &self,
        dataset: &Dataset,
        appended: &[(usize, Appended)],
        writer: &Writer,
    ) -> Result<(), Error> {
        let mut known = self.known_mut();
        for (track_idx, place) in appended {
            let track = &dataset.tracks[*track_idx];
            let path = hash_of(&track.path);
            let shard = (&*self.folder, &*place.shard);
            if !known.note(path, shard, &place.entry, writer.holder(&place.shard))? {
                return Err(Error::NotCached(track.id.clone()));
            }
        }
        Ok(())
    }

    /// Decodes a track again whose samples are not what was written; says why not if that cannot be done.
    fn repair(&self, track: &Track, damaged: &Pcm) -> Result<Pcm, String> {
        let _one_at_a_time = locked(&self.repairing);
        // Another thread may have been faster.
        if let Some(pcm) = self.samples(track).filter(Pcm::is_sound) {
            return Ok(pcm);
        }
        let told = |error: Error| full_message(&error);
        let key = Keys::default().of(&track.path, self.rate_hz);
        let key = key.map_err(|error| error.to_string())?;
        let decoded = audio::decode_mono_16(&track.path, self.rate_hz, &Job::quiet());
        let (samples, _) = decoded.map_err(|error| full_message(&error))?;
        if samples.len() != damaged.n_samples() {
            return Err("the audio file was changed since it was decoded".into());
        }
        std::fs::create_dir_all(&self.folder).map_err(|error| error.to_string())?;
        // Not under the lock, for which a loader might wait for hours: it only keeps two processes from decoding the same.
        let mut writer = Writer::new(&self.folder, self.budget_bytes);
        let place = writer.append(key, &samples).map_err(told)?;
        writer.finish().map_err(told)?;
        let mut known = self.known_mut();
        let (path, shard) = (hash_of(&track.path), (&*self.folder, &*place.shard));
        let holder = writer.holder(&place.shard);
        let is_noted = known
            .note(path, shard, &place.entry, holder)
            .map_err(told)?;
        let pcm = known.pcm(path).filter(|_| is_noted);
        let pcm = pcm.ok_or_else(|| "it vanished at once".to_owned())?;
        let message = "its decoded sound in the cache was damaged; it was decoded again".into();
        locked(&self.repaired).push(problem(track, ProblemKind::Damaged, message));
        Ok(pcm)
    }
}

/// Waits for the right to write into the folder of a rate.
fn lock(folder: &Path, job: &Job) -> Result<File, Error> {
    let path = folder.join("lock");
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(Error::io("open", &path))?;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => {
                job.check()?;
                job.report(0, 0, "waiting for another Attune that decodes audio");
                std::thread::sleep(LOCK_POLL);
            }
            Err(TryLockError::Error(error)) => return Err(Error::io("lock", path)(error)),
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn problem(track: &Track, kind: ProblemKind, message: String) -> Problem {
    Problem {
        track: track.id.clone(),
        path: track.path.clone(),
        kind,
        message,
    }
}

fn unusable(track: &Track, error: &std::io::Error) -> Problem {
    if error.kind() == std::io::ErrorKind::NotFound {
        problem(
            track,
            ProblemKind::Missing,
            "the audio file is missing".into(),
        )
    } else {
        problem(
            track,
            ProblemKind::Broken,
            format!("the audio file cannot be opened: {error}"),
        )
    }
}

#[cfg(test)]
mod tests;
