//! The order of an examination: listen to what is new, then look at everything that is known.

use super::duplicates::{self, Copies, Listed};
use super::hearing::{Heard, Outcome, hear};
use super::notebook::{Notebook, State};
use super::report::{Entry, Files, Report, Sound};
use super::{checksums, file_checks, label_checks, sound_checks, split_checks};
use crate::dataset::catalogue::{Checked, Status};
use crate::dataset::{Catalogue, Check, Collection, Dataset, Error, Severity, Split};
use crate::job::Job;
use rayon::prelude::*;
use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What is heard is written down so often.
const NOTE_EVERY: Duration = Duration::from_secs(2);

/// What is looked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// Whether to listen to files that have not been heard yet. Without, only what is known of them counts.
    pub listen: bool,
    /// The sample rate that all files should have, in hertz; `None`: that of most.
    pub rate_hz: Option<u32>,
    /// Shorter files are too short, in seconds; `None`: what is clearly shorter than clips of one length, and below 1 s.
    pub min_secs: Option<f64>,
    /// Whether to compare files with the checksums that were published with them: reads all of them once.
    pub checksums: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: true,
            rate_hz: None,
            min_secs: None,
            checksums: false,
        }
    }
}

/// A recording with what was heard in its file.
pub(super) struct Patient<'a> {
    pub(super) id: &'a str,
    pub(super) path: &'a Path,
    pub(super) stated_secs: Option<f64>,
    pub(super) outcome: Option<Outcome>,
}

impl Patient<'_> {
    pub(super) fn heard(&self) -> Option<&Heard> {
        match &self.outcome {
            Some(Outcome::Heard(heard)) => Some(heard),
            _ => None,
        }
    }

    /// What the catalogue is to know of its file.
    fn checked(&self) -> Option<Checked> {
        let fine = Checked::fine(self.id, self.path);
        Some(match self.outcome.as_ref()? {
            Outcome::Heard(heard) => Checked {
                status: if heard.warnings.is_empty() {
                    Status::Fine
                } else {
                    Status::Damaged
                },
                message: heard.warnings.join("; "),
                rate_hz: Some(heard.rate_hz),
                duration_secs: Some(heard.secs),
                ..fine
            },
            Outcome::Unreadable(why) => Checked {
                status: Status::Broken,
                message: why.clone(),
                ..fine
            },
        })
    }

    pub(super) fn sound(&self, start_secs: f64) -> Sound {
        Sound {
            track: self.id.to_owned(),
            path: self.path.to_path_buf(),
            start_secs,
        }
    }
}

/// Examines a data set: the split of that name, or all if `None`. Fails if there is no such split or the notebook cannot be used; whatever is
/// wrong with the data is in the report.
///
/// Decodes on all cores. After a cancel, what was heard so far is in the notebook.
pub fn examine(
    collection: &Collection,
    split: Option<&str>,
    options: &Options,
    notebook: &mut Notebook,
    job: &Job,
) -> Result<Report, Error> {
    let splits = splits_of(collection, split)?;
    let mut takes_part = vec![split.is_none(); collection.recordings.len()];
    for (_, dataset) in &splits {
        for &(recording, _) in dataset {
            takes_part[recording as usize] = true;
        }
    }
    let recordings: Vec<&crate::dataset::Recording> =
        (collection.recordings.iter().zip(&takes_part))
            .filter(|(_, takes_part)| **takes_part)
            .map(|(recording, _)| recording)
            .collect();
    let mut patients: Vec<Patient<'_>> = recordings
        .iter()
        .map(|recording| Patient {
            id: &recording.id,
            path: &recording.path,
            stated_secs: recording.duration_secs,
            outcome: None,
        })
        .collect();
    let mut files = listen(&mut patients, options.listen, notebook, job)?;
    let checked: Vec<Checked> = patients.iter().filter_map(Patient::checked).collect();
    Catalogue::record_of(notebook.catalogue(), &collection.root, &checked)?;
    let copies = duplicates::find(&listed(&patients), job)?;
    job.check()?;
    job.report(0, 0, "reading the annotations again");

    let mut entries: Vec<Entry> = collection
        .findings
        .iter()
        .map(|finding| Entry {
            key: format!("{}/{}", finding.check, finding.message),
            finding: finding.clone(),
            sounds: Vec::new(),
            leave_out: Vec::new(),
        })
        .collect();
    file_checks::check(collection, &patients, &mut entries);
    sound_checks::check(&patients, options, &mut entries);
    if options.checksums {
        let of_split = split.is_some();
        files.n_compared =
            checksums::check(collection, &patients, of_split, notebook, &mut entries, job)?;
    }
    let numbers: HashMap<&str, usize> =
        patients.iter().map(|patient| patient.id).zip(0..).collect();
    let mut part_of: Vec<Option<Split>> = vec![None; patients.len()];
    for (name, parts) in &splits {
        job.check()?;
        split_checks::overlaps(collection, name, parts, &mut entries);
        let dataset = collection.clone().into_dataset(Some(name))?;
        let here: HashMap<usize, usize> = dataset
            .tracks
            .iter()
            .enumerate()
            .filter_map(|(idx, track)| Some((*numbers.get(track.id.as_str())?, idx)))
            .collect();
        for track in &dataset.tracks {
            if let Some(&patient) = numbers.get(track.id.as_str()) {
                part_of[patient].get_or_insert(track.split);
            }
        }
        let copies_here: Vec<Vec<usize>> = copies
            .iter()
            .map(|copies| {
                copies
                    .members
                    .iter()
                    .filter_map(|member| here.get(member).copied())
                    .collect()
            })
            .collect();
        label_checks::check(&dataset, name, &mut entries);
        split_checks::leaks(&dataset, name, &copies_here, &mut entries);
    }
    for copies in &copies {
        entries.push(copies_entry(copies, &patients, &part_of));
    }
    // The same vocabulary under several splits says the same several times.
    let mut seen = std::collections::HashSet::new();
    entries.retain(|entry| seen.insert(entry.key.clone()));
    Ok(Report::new(
        collection.name.clone(),
        collection.root.clone(),
        split,
        files,
        entries,
    ))
}

/// What of a data set is known to be the same recording, from earlier examinations: numbers of tracks. Listens to nothing.
pub fn copies_by_notebook(
    dataset: &Dataset,
    notebook: &mut Notebook,
    job: &Job,
) -> Result<Vec<Vec<usize>>, Error> {
    let mut patients: Vec<Patient<'_>> = dataset
        .tracks
        .iter()
        .map(|track| Patient {
            id: &track.id,
            path: &track.path,
            stated_secs: None,
            outcome: None,
        })
        .collect();
    listen(&mut patients, false, notebook, job)?;
    let copies = duplicates::find(&listed(&patients), job)?;
    Ok(copies.into_iter().map(|copies| copies.members).collect())
}

type Parts = Vec<(u32, Split)>;

fn splits_of(collection: &Collection, split: Option<&str>) -> Result<Vec<(String, Parts)>, Error> {
    let chosen = collection
        .splits
        .iter()
        .filter(|known| split.is_none_or(|name| known.name == name));
    let splits: Vec<(String, Parts)> = chosen
        .map(|known| (known.name.clone(), known.parts.clone()))
        .collect();
    if let (Some(name), true) = (split, splits.is_empty()) {
        let names: Vec<&str> = collection
            .splits
            .iter()
            .map(|split| split.name.as_str())
            .collect();
        return Err(Error::NoSuchSplit {
            name: name.to_owned(),
            folder: collection.root.clone(),
            present: names.join(", "),
        });
    }
    Ok(splits)
}

fn listed<'a>(patients: &'a [Patient<'_>]) -> Vec<Option<Listed<'a>>> {
    // Two ids of one file are a finding of their own.
    let mut paths = std::collections::HashSet::new();
    let listed = patients.iter().map(|patient| {
        let heard = patient.heard().filter(|_| paths.insert(patient.path))?;
        Some(Listed {
            digest: &heard.digest,
            print: &heard.print,
            secs: heard.secs,
        })
    });
    listed.collect()
}

/// Fills in what each file sounds like, each file once.
fn listen(
    patients: &mut [Patient<'_>],
    may_decode: bool,
    notebook: &mut Notebook,
    job: &Job,
) -> Result<Files, Error> {
    job.report(0, 0, "looking what is known of the files");
    let states: Vec<Option<State>> = patients
        .par_iter()
        .map(|patient| State::of(patient.path).ok())
        .collect();
    let mut outcomes = notebook.look_up(&states)?;
    let mut files = Files {
        n_listed: patients.len(),
        n_there: states.iter().flatten().count(),
        n_known: outcomes.iter().flatten().count(),
        ..Files::default()
    };
    if may_decode {
        let mut first_with: HashMap<&Path, usize> = HashMap::new();
        let mut unheard = Vec::new();
        for (idx, state) in states.iter().enumerate() {
            if let (Some(state), None) = (state, &outcomes[idx])
                && first_with.insert(state.path(), idx).is_none()
            {
                unheard.push((idx, state.clone()));
            }
        }
        files.n_decoded = unheard.len();
        decode(&unheard, notebook, &mut outcomes, job)?;
        for idx in 0..patients.len() {
            if let (Some(state), None) = (&states[idx], &outcomes[idx]) {
                let first = first_with.get(state.path());
                outcomes[idx] = first.and_then(|&first| outcomes[first].clone());
            }
        }
    }
    for (patient, outcome) in patients.iter_mut().zip(outcomes) {
        if let Some(Outcome::Heard(heard)) = &outcome {
            files.hours += heard.secs / 3600.0;
        }
        patient.outcome = outcome;
    }
    Ok(files)
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

fn decode(
    unheard: &[(usize, State)],
    notebook: &mut Notebook,
    outcomes: &mut [Option<Outcome>],
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
    let ended: Result<(), Error> = unheard.par_iter().try_for_each(|(idx, state)| {
        let outcome = hear(state.path(), &quiet)?;
        {
            let mut unnoted = unnoted.lock().unwrap_or_else(PoisonError::into_inner);
            unnoted.heard.push((state.clone(), outcome.clone()));
            if unnoted.since.elapsed() > NOTE_EVERY {
                unnoted.write()?;
            }
        }
        found
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push((*idx, outcome));
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
    for (idx, outcome) in found.into_inner().unwrap_or_else(PoisonError::into_inner) {
        outcomes[idx] = Some(outcome);
    }
    Ok(())
}

/// One entry per recording that is there more than once. The copy that stays is in the part that matters most for published results.
fn copies_entry(copies: &Copies, patients: &[Patient<'_>], part_of: &[Option<Split>]) -> Entry {
    let rank = |member: usize| match part_of[member] {
        Some(Split::Test) => 0,
        Some(Split::Valid) => 1,
        Some(Split::Train) => 2,
        Some(Split::Unlabelled) | None => 3,
    };
    let stays = copies
        .members
        .iter()
        .copied()
        .min_by_key(|&member| (rank(member), member))
        .unwrap_or(0);
    let first = &patients[copies.members[0]];
    let others: Vec<String> = copies
        .members
        .iter()
        .zip(&copies.matches)
        .skip(1)
        .map(|(&member, own)| {
            let how = match own {
                Some(own) if own.is_exact => "the same samples".to_owned(),
                Some(own) => format!(
                    "{:.0} % of the fingerprint's bits differ, {:+.1} s, {:.0} s compared",
                    100.0 * own.error,
                    own.offset_secs,
                    own.overlap_secs
                ),
                None => "a copy of a copy".to_owned(),
            };
            format!("{} ({how})", patients[member].id)
        })
        .collect();
    let mut entry = Entry::new(
        Check::DuplicateAudio,
        Severity::Warning,
        first.id,
        format!("the same recording as {}: {}", first.id, others.join(", ")),
        &format!(
            "keep {} and leave out the other{}",
            patients[stays].id,
            if copies.members.len() > 2 { "s" } else { "" }
        ),
    )
    .about(
        copies
            .members
            .iter()
            .map(|&member| patients[member].id.to_owned()),
    );
    entry.sounds = copies
        .members
        .iter()
        .zip(&copies.matches)
        .map(|(&member, own)| {
            // So that both are heard from the same place of the music on.
            let offset = own.map_or(0.0, |own| own.offset_secs);
            let earliest = copies
                .matches
                .iter()
                .flatten()
                .map(|own| own.offset_secs)
                .fold(0.0, f64::min);
            patients[member].sound((offset - earliest).max(0.0))
        })
        .collect();
    entry.leave_out = copies
        .members
        .iter()
        .filter(|&&member| member != stays)
        .map(|&member| patients[member].id.to_owned())
        .collect();
    entry.finding.file = Some(first.path.to_path_buf());
    entry
}
