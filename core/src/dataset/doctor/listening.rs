//! Listening to files: each one that has changed is decoded once, on all cores, written down, and told as soon as it is heard.
//!
//! However many files there are, memory stays small: sounds pass by in pieces, and of a file only its figures and its fingerprint stay. All
//! fingerprints together keep to [`MAX_WORDS`]; of more files than fit, the first seconds of each are compared, and that is told.

use super::examination::Patient;
use super::fingerprint::HOP_SECS;
use super::hearing::{Outcome, hear};
use super::notebook::{Notebook, State};
use super::report::Files;
use crate::dataset::Error;
use crate::job::Job;
use rayon::prelude::*;
use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What is heard is written down so often.
const NOTE_EVERY: Duration = Duration::from_secs(2);
/// Words of all fingerprints that are in memory at once: 512 MB, whole ones of 100,000 long files, twelve seconds of a million.
pub(super) const MAX_WORDS: usize = 128 << 20;
/// But so many of each file, or copies could not be known: 6 s.
const LEAST_WORDS: usize = 64;

/// What is known of files, in the order in which they were asked for.
pub(super) struct Listening {
    states: Vec<Option<State>>,
    outcomes: Vec<Option<Outcome>>,
    files: Files,
    /// Words that are kept of each fingerprint, and whether one had more.
    n_words: usize,
    is_shortened: AtomicBool,
}

impl Listening {
    /// Looks up what is known of the patients' files, so that all fingerprints together have no more than `max_words`.
    pub(super) fn look_up(
        patients: &[Patient<'_>],
        max_words: usize,
        notebook: &Notebook,
        job: &Job,
    ) -> Result<Self, Error> {
        job.report(0, 0, "looking what is known of the files");
        let states: Vec<Option<State>> = patients
            .par_iter()
            .map(|patient| State::of(patient.path).ok())
            .collect();
        let n_there = states.iter().flatten().count();
        let n_words = (max_words / n_there.max(1)).max(LEAST_WORDS);
        // One more shows that there were more.
        let outcomes = notebook.look_up(&states, n_words + 1)?;
        let mut listening = Self {
            files: Files {
                n_listed: patients.len(),
                n_there,
                n_known: outcomes.iter().flatten().count(),
                ..Files::default()
            },
            states,
            outcomes: Vec::with_capacity(patients.len()),
            n_words,
            is_shortened: AtomicBool::new(false),
        };
        for outcome in outcomes {
            let outcome = outcome.map(|outcome| listening.shortened(outcome));
            listening.outcomes.push(outcome);
        }
        Ok(listening)
    }

    fn shortened(&self, mut outcome: Outcome) -> Outcome {
        if let Outcome::Heard(heard) = &mut outcome
            && heard.print.len() > self.n_words
        {
            heard.print.truncate(self.n_words);
            heard.print.shrink_to_fit();
            self.is_shortened.store(true, Ordering::Relaxed);
        }
        outcome
    }

    /// What is known, file by file. `[patients]`
    pub(super) fn outcomes(&self) -> &[Option<Outcome>] {
        &self.outcomes
    }

    /// The numbers of files that are there and have not been heard; of several tracks with one file, the first.
    pub(super) fn unheard(&self) -> Vec<usize> {
        let mut seen: HashMap<&Path, usize> = HashMap::new();
        let known = self.states.iter().zip(&self.outcomes).enumerate();
        known
            .filter_map(|(idx, (state, outcome))| match (state, outcome) {
                (Some(state), None) if seen.insert(state.path(), idx).is_none() => Some(idx),
                _ => None,
            })
            .collect()
    }

    /// Listens to the files of these numbers, and hands each to `heard` at once, from any thread. After a cancel, what was heard so far is in
    /// the notebook.
    pub(super) fn listen(
        &mut self,
        unheard: &[usize],
        notebook: &mut Notebook,
        heard: &(dyn Fn(usize, &Outcome) + Sync),
        job: &Job,
    ) -> Result<(), Error> {
        let (done, total) = (AtomicU64::new(0), unheard.len() as u64);
        let unnoted = Mutex::new(Unnoted {
            notebook,
            heard: Vec::new(),
            since: Instant::now(),
        });
        let found: Mutex<Vec<(usize, Outcome)>> = Mutex::new(Vec::new());
        // Decoders report their own progress; the doctor's counts files.
        let quiet = Job::new(job.cancel.clone(), |_| ());
        let ended: Result<(), Error> = unheard.par_iter().try_for_each(|&idx| {
            let Some(state) = &self.states[idx] else {
                return Ok(());
            };
            let outcome = hear(state.path(), &quiet)?;
            heard(idx, &outcome);
            {
                let mut unnoted = unnoted.lock().unwrap_or_else(PoisonError::into_inner);
                unnoted.heard.push((state.clone(), outcome.clone()));
                if unnoted.since.elapsed() > NOTE_EVERY {
                    unnoted.write()?;
                }
            }
            let outcome = self.shortened(outcome);
            found
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push((idx, outcome));
            job.report(
                done.fetch_add(1, Ordering::Relaxed) + 1,
                total,
                "listening to the files",
            );
            Ok(())
        });
        // Also after a cancel: what is heard is heard.
        let written = unnoted
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)
            .write();
        ended.and(written)?;
        let found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
        self.files.n_decoded = found.len();
        for (idx, outcome) in found {
            self.outcomes[idx] = Some(outcome);
        }
        self.share();
        Ok(())
    }

    /// What was heard of a file counts for all tracks that have it.
    fn share(&mut self) {
        let mut first_with: HashMap<&Path, usize> = HashMap::new();
        for (idx, state) in self.states.iter().enumerate() {
            if let (Some(state), Some(_)) = (state, &self.outcomes[idx]) {
                first_with.entry(state.path()).or_insert(idx);
            }
        }
        for (idx, state) in self.states.iter().enumerate() {
            if let (Some(state), None) = (state, &self.outcomes[idx]) {
                let first = first_with.get(state.path());
                self.outcomes[idx] = first.and_then(|&first| self.outcomes[first].clone());
            }
        }
    }

    /// What was listened to, and what each file sounds like. `[patients]`
    pub(super) fn finish(self) -> (Files, Vec<Option<Outcome>>) {
        let secs = self.outcomes.iter().flatten().map(|outcome| match outcome {
            Outcome::Heard(heard) => heard.secs,
            Outcome::Unreadable(_) => 0.0,
        });
        let is_shortened = self.is_shortened.into_inner();
        let files = Files {
            hours: secs.sum::<f64>() / 3600.0,
            compared_secs: is_shortened.then_some(self.n_words as f64 * HOP_SECS),
            ..self.files
        };
        (files, self.outcomes)
    }
}

/// What has been heard and not been written down.
struct Unnoted<'a> {
    notebook: &'a mut Notebook,
    heard: Vec<(State, Outcome)>,
    since: Instant,
}

impl Unnoted<'_> {
    fn write(&mut self) -> Result<(), Error> {
        self.since = Instant::now();
        self.notebook.note(&std::mem::take(&mut self.heard))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::write_wav;
    use crate::workspace::Workspace;

    fn print_lens(listening: &Listening) -> Vec<usize> {
        let heard = listening.outcomes().iter().flatten();
        heard
            .map(|outcome| match outcome {
                Outcome::Heard(heard) => heard.print.len(),
                Outcome::Unreadable(_) => 0,
            })
            .collect()
    }

    #[test]
    fn fingerprints_of_all_files_keep_to_their_budget_whether_heard_now_or_before() {
        let folder = tempfile::tempdir().unwrap();
        let paths: Vec<_> = [4.0, 12.0, 20.0, 12.0]
            .iter()
            .enumerate()
            .map(|(number, secs)| {
                let path = folder.path().join(format!("{number}.wav"));
                let wave: Vec<f32> = (0..(secs * 8000.0) as usize)
                    .map(|i| 0.3 * (i as f32 * (0.2 + 0.1 * number as f32)).sin())
                    .collect();
                write_wav(&path, &wave, 8000).unwrap();
                path
            })
            .collect();
        let patients: Vec<Patient<'_>> = paths.iter().map(|path| Patient::of_file(path)).collect();
        let workspace = Workspace::at(folder.path().join("home"));
        let mut notebook = Notebook::open(&workspace).unwrap();
        let job = Job::quiet();
        let whole = [38, 124, 210, 124];
        for (max_words, wanted, compared_secs) in [
            (400, [38, 100, 100, 100], Some(100.0 * HOP_SECS)),
            (
                0,
                [38, LEAST_WORDS, LEAST_WORDS, LEAST_WORDS],
                Some(LEAST_WORDS as f64 * HOP_SECS),
            ),
            (840, whole, None),
            (MAX_WORDS, whole, None),
        ] {
            let mut notebook_of_none = Notebook::open(&Workspace::at(
                folder.path().join(format!("home of {max_words}")),
            ))
            .unwrap();
            // Heard now, then from what the same notebook knows, then from one that others have filled.
            for notebook in [&mut notebook_of_none, &mut notebook] {
                for _ in 0..2 {
                    let mut listening =
                        Listening::look_up(&patients, max_words, notebook, &job).unwrap();
                    let unheard = listening.unheard();
                    listening
                        .listen(&unheard, notebook, &|_, _| (), &job)
                        .unwrap();
                    assert_eq!(print_lens(&listening), wanted, "{max_words}");
                    let (files, _) = listening.finish();
                    assert_eq!(files.compared_secs, compared_secs, "{max_words}");
                    assert_eq!(files.n_known + files.n_decoded, 4);
                }
            }
        }
    }
}
