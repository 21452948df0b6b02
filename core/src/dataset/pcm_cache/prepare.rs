//! Making tracks available: what is not in the cache is decoded, once for each file, on all cores.

use super::super::catalogue::Checked;
use super::super::{Catalogue, Dataset, Error, Problem, ProblemKind, Track};
use super::SAMPLE_BYTES;
use super::budget::{shards_in, trim};
use super::cache::{PcmCache, locked, problem};
use super::holding::{lock_for_decoding, lock_for_trimming, remove};
use super::index::{self, Entry};
use super::key::{ByHash, Hashes, Keys, hash_of};
use super::shard::INDEX;
use super::writer::{Appended, Writer};
use crate::audio;
use crate::job::Job;
use crate::message::full_message;
use rayon::prelude::*;
use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// Tracks whose files are looked at in one go by a thread.
const KEYS_AT_ONCE: usize = 256;

/// Number of a track, and what identifies its sound.
type Keyed = (usize, u128);

/// What [`PcmCache::prepare`] did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Files that were decoded now.
    pub n_decoded: usize,
    /// Tracks that lay in the cache already, or share a file with one that was decoded now.
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
        // What is repaired from now on must be newer than what is decoded now: the newest counts.
        *locked(&self.repairs) = None;
        let undecoded = self.take_cached(dataset, wanted)?;
        report.n_cached = tracks.len() - problems.len() - undecoded.len();
        if undecoded.is_empty() {
            // Somebody may have lowered the budget. Where nothing can be thrown away, what is there can still be used.
            if let Err(error) = self.keep_to_budget() {
                self.warnings().tell(full_message(&error));
            }
        } else {
            let _lock = lock_for_decoding(&self.folder, job)?;
            // Another process may have decoded them while this one waited.
            let n_before = undecoded.len();
            let undecoded = self.take_cached(dataset, undecoded)?;
            report.n_cached += n_before - undecoded.len();
            let (files, others) = first_of_each(undecoded);
            self.remove_leftovers()?;
            let decoded = self.decode_into_budget(dataset, &files, &mut problems, &mut report, job);
            if decoded.is_err() {
                // What was decoded stays as far as there is room; the first error is the one to tell.
                drop(self.keep_to_budget());
            }
            decoded?;
            if !others.is_empty() {
                tell_of_others(dataset, &files, &others, &mut problems);
                let n_before = others.len();
                let tracks = others.iter().map(|(track_idx, _)| *track_idx);
                self.tell_catalogue(dataset, tracks, &problems, &mut report);
                report.n_cached += n_before - self.take_cached(dataset, others)?.len();
            }
        }
        problems.sort_by_key(|(track_idx, _)| *track_idx);
        report.problems = problems.into_iter().map(|(_, problem)| problem).collect();
        Ok(report)
    }

    /// The keys of tracks, in their order.
    fn keys(
        &self,
        dataset: &Dataset,
        tracks: &[usize],
        job: &Job,
    ) -> Result<Vec<(usize, std::io::Result<u128>)>, Error> {
        let pieces = tracks.par_chunks(KEYS_AT_ONCE);
        let (done, total) = (AtomicU64::new(0), tracks.len() as u64);
        let keys = pieces.map_init(Keys::default, |keys, piece| {
            job.check()?;
            let n_before = done.fetch_add(piece.len() as u64, Ordering::Relaxed);
            job.report(n_before, total, "looking for audio in the cache");
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
    fn take_cached(&self, dataset: &Dataset, wanted: Vec<Keyed>) -> Result<Vec<Keyed>, Error> {
        let mut places: ByHash<Option<(usize, Entry)>> =
            wanted.iter().map(|&(_, key)| (key, None)).collect();
        let shards = shards_in(&self.folder)?;
        for (number, stored) in shards.iter().enumerate() {
            let entries = index::read(&stored.path_of(INDEX));
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
        let _held = lock_for_trimming(&self.root)?;
        for stored in shards_in(&self.folder)? {
            let entries = index::read(&stored.path_of(INDEX));
            if entries.is_none_or(|entries| entries.is_empty()) {
                let path = self.folder.join(&stored.name);
                remove(&self.folder, &stored.name).map_err(Error::io("remove", path))?;
            }
        }
        Ok(())
    }

    /// What tracks will take once they are decoded, from the lengths that the data set states. Those that state none count like the others.
    fn estimated_bytes(&self, dataset: &Dataset, undecoded: &[Keyed]) -> u64 {
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

    /// Decodes one track of each file, after making room. Fails if all that this cache was asked for does not fit.
    fn decode_into_budget(
        &self,
        dataset: &Dataset,
        files: &[Keyed],
        problems: &mut Vec<(usize, Problem)>,
        report: &mut Report,
        job: &Job,
    ) -> Result<(), Error> {
        let Some(budget_bytes) = self.budget_bytes else {
            return self.decode(dataset, files, &|_| Ok(()), problems, report, job);
        };
        let held_bytes = self.known().bytes();
        let fits = |more_bytes: u64| match held_bytes + more_bytes {
            needed_bytes if needed_bytes > budget_bytes => Err(Error::OverBudget {
                name: dataset.name.clone(),
                needed_bytes,
                budget_bytes,
            }),
            _ => Ok(()),
        };
        let estimated_bytes = self.estimated_bytes(dataset, files);
        fits(estimated_bytes)?;
        trim(&self.root, budget_bytes - estimated_bytes)?;
        let is_written = |new_bytes: u64| {
            fits(new_bytes)?;
            self.keep_to_budget()
        };
        self.decode(dataset, files, &is_written, problems, report, job)
    }

    /// Decodes tracks in parallel and appends them in whatever order they come. `is_written` is called with the bytes that were decoded so
    /// far, each time when they have become readable.
    fn decode(
        &self,
        dataset: &Dataset,
        undecoded: &[Keyed],
        is_written: &(dyn Fn(u64) -> Result<(), Error> + Sync),
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
                        is_written(bytes)?;
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
        let heard = appended.iter().map(|(track_idx, _)| *track_idx);
        let broken = found.iter().map(|(track_idx, _)| *track_idx);
        self.tell_catalogue(dataset, heard.chain(broken), &found, report);
        outcome.and(finished)?;
        problems.extend(found);
        self.note_all(dataset, &appended, &writer)?;
        is_written(n_bytes.into_inner())?;
        report.n_decoded = appended.len();
        Ok(())
    }

    /// Tells the catalogue of tracks whose files were decoded, and of `problems` with some of them. A training goes on where it does not take
    /// it; the report says why.
    fn tell_catalogue(
        &self,
        dataset: &Dataset,
        tracks: impl Iterator<Item = usize>,
        problems: &[(usize, Problem)],
        report: &mut Report,
    ) {
        let Some(catalogue) = &self.catalogue else {
            return;
        };
        let problems: HashMap<usize, &Problem> = problems
            .iter()
            .map(|(track_idx, problem)| (*track_idx, problem))
            .collect();
        let mut told = HashSet::new();
        let tracks = tracks.filter(|track_idx| told.insert(*track_idx));
        let checked: Vec<Checked> = tracks
            .map(|track_idx| match problems.get(&track_idx) {
                Some(problem) => (*problem).into(),
                None => {
                    let track = &dataset.tracks[track_idx];
                    Checked::fine(&track.id, &track.path)
                }
            })
            .collect();
        if let Err(error) = Catalogue::record_of(catalogue, &dataset.root, &checked) {
            report.not_noted = Some(full_message(&error));
        }
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
}

/// One track of each file (what has the same key is the same file), and the others.
fn first_of_each(undecoded: Vec<Keyed>) -> (Vec<Keyed>, Vec<Keyed>) {
    let mut seen = Hashes::default();
    let is_first = |(_, key): &Keyed| seen.insert(*key);
    undecoded.into_iter().partition(is_first)
}

/// What is wrong with a file is wrong with all its tracks.
fn tell_of_others(
    dataset: &Dataset,
    files: &[Keyed],
    others: &[Keyed],
    problems: &mut Vec<(usize, Problem)>,
) {
    let key_of: HashMap<usize, u128> = files.iter().copied().collect();
    let mut of_file: ByHash<(ProblemKind, String)> = ByHash::default();
    for (track_idx, found) in &*problems {
        if let Some(key) = key_of.get(track_idx) {
            of_file.insert(*key, (found.kind, found.message.clone()));
        }
    }
    for (track_idx, key) in others {
        if let Some((kind, message)) = of_file.get(key) {
            let track = &dataset.tracks[*track_idx];
            problems.push((*track_idx, problem(track, *kind, message.clone())));
        }
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
