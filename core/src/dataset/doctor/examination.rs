//! The order of an examination: listen to what is new, then look at everything that is known.

use super::copies::{self, Recordings};
use super::duplicates::{self, Listed};
use super::hearing::{Heard, Outcome};
use super::listening::{self, Listening};
use super::notebook::Notebook;
use super::report::{Entry, Report, Sound};
use super::{checksums, file_checks, label_checks, sound_checks, split_checks};
use crate::dataset::catalogue::{Checked, Status};
use crate::dataset::{Catalogue, Collection, Error, Split};
use crate::job::Job;
use std::collections::HashMap;
use std::path::Path;

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

impl<'a> Patient<'a> {
    /// A file of which nothing else is known.
    pub(super) fn of_file(path: &'a Path) -> Self {
        Self {
            id: "",
            path,
            stated_secs: None,
            outcome: None,
        }
    }

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
/// Decodes on all cores. After a cancel, what was heard so far is in the notebook. While there are files to decode, `found` is told what is
/// known already and then what is wrong with each file as soon as it is heard, from any thread; what takes all files together, such as
/// copies and leaks, is in the report alone. Where nothing is to be decoded, `found` is not called.
pub fn examine(
    collection: &Collection,
    split: Option<&str>,
    options: &Options,
    notebook: &mut Notebook,
    found: &(dyn Fn(&Entry) + Sync),
    job: &Job,
) -> Result<Report, Error> {
    let splits = splits_of(collection, split)?;
    let mut takes_part = vec![split.is_none(); collection.recordings.len()];
    let looked_at = collection.splits.iter();
    for known in looked_at.filter(|known| splits.contains(&known.name)) {
        for &(recording, _) in &known.parts {
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
    let mut listening = Listening::look_up(&patients, listening::MAX_WORDS, notebook, job)?;
    job.report(0, 0, "looking at the folder");
    let mut entries: Vec<Entry> = collection
        .findings
        .iter()
        .map(|finding| Entry::of_reader(finding, &collection.root))
        .collect();
    file_checks::check(collection, &patients, &mut entries);
    job.check()?;
    let unheard = if options.listen {
        listening.unheard()
    } else {
        Vec::new()
    };
    if !unheard.is_empty() {
        entries.iter().for_each(found);
        let tell = |idx: usize, outcome: &Outcome| {
            let patient: &Patient<'_> = &patients[idx];
            let alone = sound_checks::of_one(patient, outcome, options.min_secs);
            alone.iter().for_each(found);
        };
        for (idx, outcome) in listening.outcomes().iter().enumerate() {
            if let Some(outcome) = outcome {
                tell(idx, outcome);
            }
        }
        listening.listen(&unheard, notebook, &tell, job)?;
    }
    let (mut files, outcomes) = listening.finish();
    for (patient, outcome) in patients.iter_mut().zip(outcomes) {
        patient.outcome = outcome;
    }
    let checked: Vec<Checked> = patients.iter().filter_map(Patient::checked).collect();
    Catalogue::record_of(notebook.catalogue(), &collection.root, &checked)?;
    let copies = duplicates::find(&listed(&patients), job)?;
    job.check()?;
    job.report(0, 0, "reading the annotations again");
    sound_checks::check(&patients, options, &mut entries);
    if options.checksums {
        let of_split = split.is_some();
        files.n_compared =
            checksums::check(collection, &patients, of_split, notebook, &mut entries, job)?;
    }
    let numbers: HashMap<&str, usize> =
        patients.iter().map(|patient| patient.id).zip(0..).collect();
    let lists = copies::one_recording(&patients, &copies);
    let mut part_of: Vec<Option<Split>> = vec![None; patients.len()];
    let mut copied = Vec::new();
    for name in &splits {
        job.check()?;
        let dataset = collection.clone().into_dataset(Some(name))?;
        for track in &dataset.tracks {
            if let Some(&patient) = numbers.get(track.id.as_str()) {
                copies::note_part(&mut part_of[patient], track.split);
            }
        }
        label_checks::check(&dataset, name, &mut entries);
        let leaks = split_checks::leaks(&dataset, name, &lists, &numbers);
        entries.extend(leaks.told);
        copied.extend(leaks.copied);
    }
    // What else speaks against a track is known by now.
    let recordings = Recordings::choose(lists, &patients, &part_of, &entries);
    let leaks = copied.into_iter();
    entries.extend(leaks.map(|leak| leak.settle(&recordings, &patients)));
    recordings.tell_shared(&patients, &mut entries);
    recordings.tell_heard(&copies, &patients, &mut entries);
    Ok(Report::new(
        collection.name.clone(),
        collection.root.clone(),
        split,
        files,
        entries,
    ))
}

/// What earlier examinations know of copies among some files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownCopies {
    /// Files that are one recording, as lists of their numbers: one file under two numbers, and files that were heard to be copies.
    pub lists: Vec<Vec<usize>>,
    /// Which files have been listened to: of others no copies can be known. `[files]`
    pub is_heard: Vec<bool>,
}

/// Looks up which of some files are known to be the same recording. Listens to nothing.
pub fn copies_by_notebook<'a>(
    files: impl IntoIterator<Item = &'a Path>,
    notebook: &Notebook,
    job: &Job,
) -> Result<KnownCopies, Error> {
    let mut patients: Vec<Patient<'_>> = files.into_iter().map(Patient::of_file).collect();
    let known = Listening::look_up(&patients, listening::MAX_WORDS, notebook, job)?;
    for (patient, outcome) in patients.iter_mut().zip(known.finish().1) {
        patient.outcome = outcome;
    }
    let copies = duplicates::find(&listed(&patients), job)?;
    let is_heard = patients.iter().map(|patient| patient.outcome.is_some());
    Ok(KnownCopies {
        lists: copies::one_recording(&patients, &copies),
        is_heard: is_heard.collect(),
    })
}

/// The names of the splits that are looked at.
fn splits_of(collection: &Collection, split: Option<&str>) -> Result<Vec<String>, Error> {
    let names = collection.splits.iter().map(|known| known.name.as_str());
    let chosen = names
        .clone()
        .filter(|name| split.is_none_or(|of| of == *name));
    let chosen: Vec<String> = chosen.map(str::to_owned).collect();
    match split {
        Some(name) if chosen.is_empty() => Err(Error::NoSuchSplit {
            name: name.to_owned(),
            folder: collection.root.clone(),
            present: names.collect::<Vec<_>>().join(", "),
        }),
        _ => Ok(chosen),
    }
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
            is_silent: sound_checks::is_silent(heard),
        })
    });
    listed.collect()
}
