//! The way of a track from its file to the journal: decoders and taggers beside each other, bounded channels between them.
//!
//! Decoders are plain threads, one a core: each takes the next track of the list, so that a slow file holds up nobody. Taggers ask the model
//! as [`crate::predict::tag_track`] does for one file, so that answers are those of `attune predict FILE`; the engine spreads one pass
//! over its workers, and a second tagger fills what that leaves idle. Tracks end in any order: the journal does not mind.

use super::journal::Journal;
use super::marks::{self, Marks};
use super::noting::{Decoding, Noting};
use super::table::{About, Row, read_table, write_table};
use super::{Error, Format, ToTag};
use crate::audio;
use crate::dataset::catalogue::Status;
use crate::job::{Cancelled, Job};
use crate::machine::Probe;
use crate::message::full_message;
use crate::predict::{self, Model, tag_track};
use crossbeam::channel::{Receiver, Sender, bounded};
use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

/// Rows of an earlier table that lie in memory while it is written anew.
const KEPT_AT_ONCE: usize = 256;

/// How many work on it.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Threads that decode.
    pub n_decoders: usize,
    /// Threads that ask the model.
    pub n_taggers: usize,
    /// What the table or its journal holds is forgotten, whatever model and tracks it is of, and everything tagged anew.
    pub overwrite: bool,
}

impl Default for Options {
    /// As suits the machine.
    fn default() -> Self {
        let n_cores = crate::device::n_threads().max(1);
        Self {
            n_decoders: n_cores,
            // Each holds the inner values of six chunks: some hundred megabytes with a large network.
            n_taggers: n_cores.div_ceil(4).clamp(2, 8),
            overwrite: false,
        }
    }
}

impl Options {
    /// The most decoded waves that are in memory at once: one a thread, and as many in the channel as there are taggers.
    pub fn most_waves(&self) -> usize {
        self.n_decoders.max(1) + 2 * self.n_taggers.max(1)
    }
}

/// How far the work is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Standing {
    /// Tracks that are done, with those of earlier sittings.
    pub n_done: usize,
    /// Tracks in all.
    pub n_tracks: usize,
    /// Tracks of this sitting that could not be tagged.
    pub n_failed: usize,
    /// Tracks of this sitting in a second; `None` before the first.
    pub clips_per_sec: Option<f64>,
    /// At this pace, in seconds.
    pub secs_left: Option<f64>,
}

/// What was done.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Summary {
    /// Tracks of the list.
    pub n_tracks: usize,
    /// Rows of tracks that are not in the list, which an earlier table had and the new one has behind the others.
    pub n_kept: usize,
    /// Tracks that had been tagged in earlier sittings.
    pub n_before: usize,
    /// Tracks that could not be tagged.
    pub n_failed: usize,
    /// How long this sitting took, in seconds.
    pub secs: f64,
    /// Cores that this process kept busy meanwhile, of those that the machine has; where the system tells.
    pub busy_cores: Option<(f64, f64)>,
    /// The most decoded waves that were in memory at once.
    pub most_waves: usize,
    /// Why the catalogue was not told of all that decoding found; `None` if it was.
    pub not_noted: Option<String>,
}

/// A track that was tagged or failed, before its row goes into the journal.
struct Done {
    number: usize,
    row: Row,
    decoding: Decoding,
}

/// A decoded track.
struct Decoded {
    number: usize,
    wave: Vec<f32>,
    row: Row,
    decoding: Decoding,
}

/// Tags a list of tracks into a table.
#[derive(Clone, Copy, Debug)]
pub struct Tagger<'a> {
    /// The model.
    pub model: &'a Model,
    /// The tracks, in the order of the table.
    pub list: &'a [ToTag],
    /// How many work on it.
    pub options: Options,
    /// The catalogue that is told what decoding the files of its data sets finds, if any is.
    pub catalogue: Option<&'a Path>,
}

impl Tagger<'_> {
    /// Writes the table `out` (.csv or .parquet), whole or not at all. Tracks that `out` or its journal has are not tagged again, and what
    /// `out` has of other tracks (told by their ids) stays in it, unless everything is to be overwritten. A file that was replaced since it was
    /// tagged is tagged again.
    ///
    /// `told` hears of each track of this sitting as it is done, with its row; both on the calling thread. Cancelled work goes on when it is
    /// asked for again. Files that cannot be tagged are rows with an error.
    pub fn run(
        &self,
        out: &Path,
        job: &Job,
        told: &mut dyn FnMut(&Standing, &Row),
    ) -> Result<Summary, Error> {
        Format::of(out)?;
        let about = About::of(self.model);
        let mut journal = Journal::open(out, &about, self.options.overwrite)?;
        let is_new = journal.is_empty();
        job.report(0, 0, "looking at the files");
        let mut keys = Vec::with_capacity(self.list.len());
        for track in self.list {
            job.check()?;
            keys.push(track.key_now());
        }
        let keys = keys.as_slice();
        let (mut n_kept, mut earlier) = (0, Marks::new());
        if !self.options.overwrite && out.exists() {
            job.report(0, 0, "reading what is done");
            earlier = marks::read(out)?;
            let taken = self.take_over(out, keys, &earlier, &about, &mut journal, is_new);
            n_kept = match taken {
                Ok(n_kept) => n_kept,
                // Work that began with leave to overwrite what is there goes on.
                Err(Error::OtherModel { .. }) if !is_new => 0,
                Err(error) => {
                    if is_new {
                        // Left behind, it would claim the table for this model.
                        journal.remove()?;
                    }
                    return Err(error);
                }
            };
        }
        let todo: Vec<usize> = (0..self.list.len())
            .filter(|&number| !journal.has(keys[number]))
            .collect();
        let n_before = self.list.len() - todo.len();
        let since = Instant::now();
        let mut probe = Probe::new();
        let mut standing = Standing {
            n_done: n_before,
            n_tracks: self.list.len(),
            ..Standing::default()
        };
        let mut noting = Noting::new(self.catalogue);
        let mut write = |done: Done| {
            let track = &self.list[done.number];
            journal.append(keys[done.number], &done.row)?;
            noting.note(track, &done.row, done.decoding);
            standing.n_done += 1;
            standing.n_failed += usize::from(!done.row.error.is_empty());
            let secs = since.elapsed().as_secs_f64().max(1e-9);
            let pace = (standing.n_done - n_before) as f64 / secs;
            standing.clips_per_sec = Some(pace);
            standing.secs_left = Some((standing.n_tracks - standing.n_done) as f64 / pace);
            let row = Row {
                id: track.id.clone(),
                path: track.path.to_string_lossy().into_owned(),
                ..done.row
            };
            job.report(standing.n_done as u64, standing.n_tracks as u64, "tagging");
            told(&standing, &row);
            Ok(())
        };
        let tagged = self.tag(&todo, job, &mut write);
        // Also of work that was stopped.
        let not_noted = noting.finish();
        let most_waves = tagged?;
        job.check()?;
        let activity = probe.as_mut().map(Probe::look);
        job.report(
            self.list.len() as u64,
            self.list.len() as u64,
            "writing the table",
        );
        if n_kept > 0 {
            self.write_with_kept(out, &about, &journal, keys)?;
        } else {
            write_table(out, &about, &mut journal.rows(self.list, keys))?;
            earlier.clear();
        }
        // Behind the table: of one that is newer than these, rows are tagged once too often, not once too rarely.
        marks::write(out, self.list, keys, earlier)?;
        journal.remove()?;
        Ok(Summary {
            n_tracks: self.list.len(),
            n_kept,
            n_before,
            n_failed: standing.n_failed,
            secs: since.elapsed().as_secs_f64(),
            busy_cores: activity.and_then(|seen| seen.process_cores.zip(seen.cores)),
            most_waves,
            not_noted,
        })
    }

    /// Puts the answers of a finished table, as far as they are of the list, into a journal that is new; one that is not has them, or began with
    /// leave to overwrite them. Rows about a state of a file that is gone are left out. Gives how many rows are of other tracks.
    fn take_over(
        &self,
        out: &Path,
        keys: &[u64],
        marks: &Marks,
        about: &About,
        journal: &mut Journal,
        is_new: bool,
    ) -> Result<usize, Error> {
        let pairs = self.list.iter().map(ToTag::key).zip(keys.iter().copied());
        let wanted: HashMap<u64, u64> = pairs.collect();
        let ids = self.ids();
        let mut n_kept = 0;
        let found = read_table(out, &mut |found, row| {
            about.check_same(found, out)?;
            n_kept += usize::from(!ids.contains(row.id.as_str()));
            let key = ToTag::key_of(&row.id, Path::new(&row.path));
            let now = wanted.get(&key).copied();
            // Of what an earlier version wrote, no state is known.
            let now = now.filter(|now| marks.get(&key).is_none_or(|then| then == now));
            if let Some(now) = now.filter(|_| is_new && row.error.is_empty()) {
                journal.append(now, &row)?;
            }
            Ok(())
        })?;
        about.check_same(&found, out)?;
        Ok(n_kept)
    }

    /// What a track is called tells whether a row is about it: its file may lie elsewhere by now.
    fn ids(&self) -> HashSet<&str> {
        self.list.iter().map(|track| track.id.as_str()).collect()
    }

    /// Writes the table anew, with the rows of other tracks that it has so far at its end. They are read while it is written: there
    /// may be any number of them, and until the new table is whole the old one stays where it is.
    fn write_with_kept(
        &self,
        out: &Path,
        about: &About,
        journal: &Journal,
        keys: &[u64],
    ) -> Result<(), Error> {
        let ids = self.ids();
        let (sender, kept) = bounded::<Result<Row, Error>>(KEPT_AT_ONCE);
        std::thread::scope(|scope| {
            let read = move || {
                let outcome = read_table(out, &mut |_, row| {
                    if !ids.contains(row.id.as_str()) {
                        // Nobody listens when the writing has failed, which is told there.
                        sender.send(Ok(row)).map_err(|_closed| Cancelled)?;
                    }
                    Ok(())
                });
                if let Err(error) = outcome {
                    drop(sender.send(Err(error)));
                }
            };
            spawn(scope, "tag-kept".to_owned(), read)?;
            write_table(out, about, &mut journal.rows(self.list, keys).chain(kept))
        })
    }

    /// Tags the tracks with the numbers `todo`, and gives the most waves that were in memory at once.
    fn tag(
        &self,
        todo: &[usize],
        job: &Job,
        write: &mut dyn FnMut(Done) -> Result<(), Error>,
    ) -> Result<usize, Error> {
        let n_taggers = self.options.n_taggers.max(1);
        let (to_tag, decoded) = bounded::<Decoded>(n_taggers);
        let (to_write, done) = bounded::<Done>(4 * n_taggers);
        let next = AtomicUsize::new(0);
        let waves = Waves::default();
        // Whoever watches hears of tracks, not of pieces of them.
        let silent = Job::new(job.cancel.clone(), |_| ());
        let stop = crate::job::Cancel::new();
        let outcome = std::thread::scope(|scope| {
            for n in 0..self.options.n_decoders.max(1).min(todo.len()) {
                let (to_tag, to_write) = (to_tag.clone(), to_write.clone());
                let (next, waves, silent, stop) = (&next, &waves, &silent, &stop);
                let decode = move || {
                    crate::device::enter_worker();
                    while let Some(&number) = todo.get(next.fetch_add(1, Ordering::Relaxed)) {
                        if stop.is_cancelled()
                            || !self.decode(number, silent, waves, &to_tag, &to_write)
                        {
                            break;
                        }
                    }
                };
                spawn(scope, format!("tag-decode-{n}"), decode)?;
            }
            drop(to_tag);
            for n in 0..n_taggers {
                let (decoded, to_write) = (decoded.clone(), to_write.clone());
                let (waves, silent) = (&waves, &silent);
                let tag = move || {
                    crate::device::enter_worker();
                    self.ask(&decoded, silent, waves, &to_write);
                };
                spawn(scope, format!("tag-ask-{n}"), tag)?;
            }
            // They end when nobody listens.
            drop((to_write, decoded));
            for done in done {
                if let Err(error) = write(done) {
                    stop.cancel();
                    return Err(error);
                }
            }
            Ok(())
        });
        outcome?;
        Ok(waves.most.into_inner())
    }

    /// Decodes one track and hands it on; false when work is to end.
    fn decode(
        &self,
        number: usize,
        job: &Job,
        waves: &Waves,
        to_tag: &Sender<Decoded>,
        to_write: &Sender<Done>,
    ) -> bool {
        let path = &self.list[number].path;
        waves.come();
        match audio::decode_mono_told(path, self.model.sample_rate_hz(), job) {
            Ok(decoded) => {
                let decoding = Decoding {
                    status: if decoded.warnings.is_empty() {
                        Status::Fine
                    } else {
                        Status::Damaged
                    },
                    rate_hz: Some(decoded.rate_hz),
                };
                let row = Row {
                    duration_secs: Some(decoded.duration_secs),
                    warning: decoded.warnings.join("; "),
                    ..Row::default()
                };
                let decoded = Decoded {
                    number,
                    wave: decoded.wave,
                    row,
                    decoding,
                };
                to_tag.send(decoded).is_ok()
            }
            Err(audio::Error::Cancelled(_)) => false,
            Err(error) => {
                waves.go();
                let status = if path.exists() {
                    Status::Broken
                } else {
                    Status::Missing
                };
                let done = Done {
                    number,
                    row: Row {
                        error: full_message(&error),
                        ..Row::default()
                    },
                    decoding: Decoding {
                        status,
                        rate_hz: None,
                    },
                };
                to_write.send(done).is_ok()
            }
        }
    }

    /// Asks the model about decoded tracks until none comes.
    fn ask(&self, decoded: &Receiver<Decoded>, job: &Job, waves: &Waves, to_write: &Sender<Done>) {
        for Decoded {
            number,
            wave,
            mut row,
            decoding,
        } in decoded
        {
            match tag_track(self.model, &wave, job) {
                Ok(probabilities) => row.probabilities = probabilities,
                Err(predict::Error::Cancelled(Cancelled)) => return,
                Err(error) => row.error = full_message(&error),
            }
            drop(wave);
            waves.go();
            let done = Done {
                number,
                row,
                decoding,
            };
            if to_write.send(done).is_err() {
                return;
            }
        }
    }
}

fn spawn<'scope>(
    scope: &'scope std::thread::Scope<'scope, '_>,
    name: String,
    work: impl FnOnce() + Send + 'scope,
) -> Result<(), Error> {
    let thread = std::thread::Builder::new().name(name);
    match thread.spawn_scoped(scope, work) {
        Ok(_) => Ok(()),
        Err(source) => Err(Error::Io {
            action: "start a thread for",
            path: "tagging".into(),
            source,
        }),
    }
}

/// How many decoded waves are in memory.
#[derive(Debug, Default)]
struct Waves {
    now: AtomicUsize,
    most: AtomicUsize,
}

impl Waves {
    fn come(&self) {
        let now = 1 + self.now.fetch_add(1, Ordering::Relaxed);
        self.most.fetch_max(now, Ordering::Relaxed);
    }

    fn go(&self) {
        self.now.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;
