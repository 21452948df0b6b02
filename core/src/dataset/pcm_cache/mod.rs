//! Decoded audio on disk: mono 16-bit PCM at one rate, in memory-mapped shards.
//!
//! Decoding is some hundred times slower than reading samples, and a training crop needs a random place of a random track. So every track
//! is decoded once into a shard and the loader reads from the map.
//!
//! ```text
//! cache/pcm/22050/
//!   lock           held by the one process that writes
//!   00000.pcm      samples, one file's after another's, 1 GiB at most or one long file
//!   00000.index    JSON: which file (path, size, time of change) lies where
//! ```
//!
//! What must stay true: a shard is only appended to, by the process that made it, and an index names only samples that are on disk. So a
//! process that is killed leaves a shard with a shorter index, the next one continues in a new shard, and a reader never sees anything
//! change under its map. The whole folder may be deleted at any time; what is mapped stays readable, the rest is decoded again.

mod index;
mod mapping;
mod writer;

use super::{Dataset, Error, Problem, ProblemKind, Track};
use crate::audio;
use crate::job::Job;
use crate::message::full_message;
use index::{Entry, Index};
use mapping::Mapping;
use rayon::prelude::*;
use std::collections::HashMap;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, UNIX_EPOCH};
use writer::Writer;

/// How often a waiting process looks whether the cache is free.
const LOCK_POLL: Duration = Duration::from_millis(100);

/// The cache of decoded audio at one rate.
#[derive(Debug)]
pub struct PcmCache {
    folder: PathBuf,
    rate_hz: u32,
    tracks: RwLock<HashMap<PathBuf, Pcm>>,
    shards: Mutex<HashMap<String, Arc<Mapping>>>,
}

/// One track's samples in the cache: mono, 16 bit. Cheap to clone; the map lives as long as any clone.
#[derive(Clone, Debug)]
pub struct Pcm {
    shard: Arc<Mapping>,
    start: usize,
    n_samples: usize,
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

impl Pcm {
    /// The samples, -32768..=32767 for -1..1.
    pub fn samples(&self) -> &[i16] {
        // Checked when the entry was found.
        &self.shard.samples()[self.start..self.start + self.n_samples]
    }

    /// How many there are.
    pub fn n_samples(&self) -> usize {
        self.n_samples
    }

    /// `n_samples` samples from `offset` on as floats in -1..1, with zeros beyond the end.
    pub fn wave(&self, offset: usize, n_samples: usize) -> Vec<f32> {
        let from = offset.min(self.n_samples);
        let to = offset.saturating_add(n_samples).min(self.n_samples);
        let mut wave = Vec::with_capacity(n_samples);
        wave.extend(
            self.samples()[from..to]
                .iter()
                .map(|&sample| f32::from(sample) / 32768.0),
        );
        wave.resize(n_samples, 0.0);
        wave
    }

    /// The whole track as floats.
    pub fn whole_wave(&self) -> Vec<f32> {
        self.wave(0, self.n_samples)
    }
}

impl PcmCache {
    /// Opens the cache below `folder` (made when first written to) for audio at `rate_hz`.
    pub fn open(folder: impl AsRef<Path>, rate_hz: u32) -> Result<Self, Error> {
        if rate_hz == 0 {
            return Err(Error::BadConfig("a sample rate cannot be 0 Hz".into()));
        }
        Ok(Self {
            folder: folder.as_ref().join(rate_hz.to_string()),
            rate_hz,
            tracks: RwLock::default(),
            shards: Mutex::default(),
        })
    }

    /// The rate of all samples in it.
    pub fn rate_hz(&self) -> u32 {
        self.rate_hz
    }

    /// Makes the audio of the tracks with the numbers `tracks` available: what is not in the cache is decoded, on all cores.
    ///
    /// Files that are missing or broken are named in the report and left out. After a cancel, what was decoded so far is kept.
    /// A second process that wants to write waits until the first has finished.
    pub fn prepare(&self, dataset: &Dataset, tracks: &[usize], job: &Job) -> Result<Report, Error> {
        let mut report = Report::default();
        let mut problems: Vec<(usize, Problem)> = Vec::new();
        let mut wanted = Vec::new();
        for &track_idx in tracks {
            let track = &dataset.tracks[track_idx];
            match key_of(&track.path, self.rate_hz) {
                Ok(key) => wanted.push((track_idx, key)),
                Err(error) => problems.push((track_idx, unusable(track, &error))),
            }
        }
        let mut undecoded = self.take_cached(dataset, wanted)?;
        report.n_cached = tracks.len() - problems.len() - undecoded.len();
        if !undecoded.is_empty() {
            std::fs::create_dir_all(&self.folder).map_err(Error::io("make", &self.folder))?;
            let _lock = self.lock(job)?;
            // Another process may have decoded them while this one waited.
            let n_before = undecoded.len();
            undecoded = self.take_cached(dataset, undecoded)?;
            report.n_cached += n_before - undecoded.len();
            report.n_decoded = self.decode(dataset, &undecoded, &mut problems, job)?;
        }
        problems.sort_by_key(|(track_idx, _)| *track_idx);
        report.problems = problems.into_iter().map(|(_, problem)| problem).collect();
        Ok(report)
    }

    /// A track's samples, if [`Self::prepare`] made them available.
    pub fn samples(&self, track: &Track) -> Option<Pcm> {
        self.tracks
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&track.path)
            .cloned()
    }

    /// What identifies a track's sound in caches of things that were made of it: another file, or another state of it, has another key.
    pub(crate) fn key(&self, track: &Track) -> Result<String, Error> {
        key_of(&track.path, self.rate_hz).map_err(Error::io("read", &track.path))
    }

    /// Notes where those tracks lie that the indexes on disk name, and gives back the others.
    fn take_cached(
        &self,
        dataset: &Dataset,
        wanted: Vec<(usize, String)>,
    ) -> Result<Vec<(usize, String)>, Error> {
        let mut places: HashMap<String, (String, Entry)> = HashMap::new();
        for shard in self.shard_names()? {
            for entry in Index::read(&self.folder.join(format!("{shard}.index"))).entries {
                places.insert(entry.key.clone(), (shard.clone(), entry));
            }
        }
        let mut others = Vec::new();
        for (track_idx, key) in wanted {
            let found = places
                .get(&key)
                .and_then(|(shard, entry)| self.map(shard, entry));
            match found {
                Some(pcm) => self.note(&dataset.tracks[track_idx], pcm),
                None => others.push((track_idx, key)),
            }
        }
        Ok(others)
    }

    fn shard_names(&self) -> Result<Vec<String>, Error> {
        let entries = match std::fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(Error::io("read", &self.folder)(error)),
        };
        let mut names: Vec<String> = entries
            .filter_map(|entry| {
                let name = entry.ok()?.file_name().into_string().ok()?;
                name.strip_suffix(".index").map(str::to_owned)
            })
            .collect();
        names.sort();
        Ok(names)
    }

    /// Maps an entry; `None` if the shard is gone or too short, so that the track is decoded again.
    fn map(&self, shard: &str, entry: &Entry) -> Option<Pcm> {
        let start = usize::try_from(entry.start).ok()?;
        let n_samples = usize::try_from(entry.n_samples).ok()?;
        let end = start.checked_add(n_samples)?;
        let mut shards = self.shards.lock().unwrap_or_else(PoisonError::into_inner);
        let mapping = match shards.get(shard) {
            Some(mapping) if mapping.n_samples() >= end => mapping.clone(),
            // New, or grown since it was mapped.
            _ => {
                let path = self.folder.join(format!("{shard}.pcm"));
                let mapping = Arc::new(Mapping::open(&path).ok()?);
                shards.insert(shard.to_owned(), mapping.clone());
                mapping
            }
        };
        (mapping.n_samples() >= end).then_some(Pcm {
            shard: mapping,
            start,
            n_samples,
        })
    }

    fn note(&self, track: &Track, pcm: Pcm) {
        self.tracks
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(track.path.clone(), pcm);
    }

    /// Decodes tracks in parallel and appends them in whatever order they come.
    fn decode(
        &self,
        dataset: &Dataset,
        undecoded: &[(usize, String)],
        problems: &mut Vec<(usize, Problem)>,
        job: &Job,
    ) -> Result<usize, Error> {
        let writer = Mutex::new(Writer::new(&self.folder));
        let found = Mutex::new(Vec::new());
        let appended = Mutex::new(Vec::new());
        let (done, total) = (AtomicU64::new(0), undecoded.len() as u64);
        let outcome = undecoded.par_iter().try_for_each(|(track_idx, key)| {
            job.check()?;
            let track = &dataset.tracks[*track_idx];
            match decode_track(&track.path, self.rate_hz, job) {
                Ok((samples, _)) if samples.is_empty() => {
                    let problem = problem(track, ProblemKind::Broken, "holds no audio".into());
                    locked(&found).push((*track_idx, problem));
                }
                Ok((samples, warnings)) => {
                    let place = locked(&writer).append(key.clone(), &samples)?;
                    locked(&appended).push((*track_idx, place));
                    if !warnings.is_empty() {
                        let problem = problem(track, ProblemKind::Damaged, warnings.join("; "));
                        locked(&found).push((*track_idx, problem));
                    }
                }
                Err(error) => {
                    job.check()?;
                    let problem = problem(track, ProblemKind::Broken, full_message(&error));
                    locked(&found).push((*track_idx, problem));
                }
            }
            let done = done.fetch_add(1, Ordering::Relaxed) + 1;
            job.report(done, total, "decoding audio");
            Ok(())
        });
        // Also after a failure: what is decoded is decoded.
        let finished = locked(&writer).finish();
        outcome.and(finished)?;
        problems.extend(found.into_inner().unwrap_or_else(PoisonError::into_inner));
        let appended = appended
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        let n_decoded = appended.len();
        for (track_idx, (shard, entry)) in appended {
            let track = &dataset.tracks[track_idx];
            let pcm = self
                .map(&shard, &entry)
                .ok_or_else(|| Error::NotCached(track.id.clone()))?;
            self.note(track, pcm);
        }
        Ok(n_decoded)
    }

    /// Waits for the right to write.
    fn lock(&self, job: &Job) -> Result<File, Error> {
        let path = self.folder.join("lock");
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
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Condenses what identifies a file's content as far as can be told without reading it.
fn key_of(path: &Path, rate_hz: u32) -> std::io::Result<String> {
    let real = path.canonicalize()?;
    let meta = real.metadata()?;
    if !meta.is_file() {
        return Err(std::io::Error::other("this is not a file"));
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
    Ok(hash.finalize().to_hex()[..32].to_owned())
}

/// Decodes to mono 16 bit; the warnings say where the file is damaged.
fn decode_track(
    path: &Path,
    rate_hz: u32,
    job: &Job,
) -> Result<(Vec<i16>, Vec<String>), audio::Error> {
    let audio::Decoded { clip, warnings } = audio::decode(path, job)?;
    let mono = clip.to_mono();
    let mono = if clip.rate_hz == rate_hz {
        mono
    } else {
        audio::resample(&mono, clip.rate_hz, rate_hz)?
    };
    let samples = mono
        .iter()
        .map(|sample| (sample * 32768.0).round().clamp(-32768.0, 32767.0) as i16)
        .collect();
    Ok((samples, warnings))
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
