//! Files against the checksums that were published with the data set. A sum is kept by path, size and time of change, as what was heard is.

use super::examination::Patient;
use super::notebook::{Notebook, State};
use super::report::{Entry, Sound};
use crate::dataset::{Check, Checksum, Collection, Error, Severity, import};
use crate::job::Job;
use rayon::prelude::*;
use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

/// Sums of so many files are computed before they are written down: at most so much is lost by a cancel.
const AT_ONCE: usize = 256;

/// Compares all files that have a published sum, of a named split only its tracks. Gives how many were compared.
pub(super) fn check(
    collection: &Collection,
    patients: &[Patient<'_>],
    of_split: bool,
    notebook: &mut Notebook,
    entries: &mut Vec<Entry>,
    job: &Job,
) -> Result<usize, Error> {
    job.report(0, 0, "looking for published checksums");
    let track_of: HashMap<&Path, &str> = patients
        .iter()
        .map(|patient| (patient.path, patient.id))
        .collect();
    let mut published = import::checksums(&collection.root)?;
    if of_split {
        published.retain(|file| track_of.contains_key(&*file.path));
    }
    let published: Vec<(Checksum, State)> = published
        .into_iter()
        .filter_map(|file| {
            let state = State::of(&file.path).ok()?;
            Some((file, state))
        })
        .collect();
    if published.is_empty() {
        let message = "no checksums were published for the files that are here".to_owned();
        let mend = "nothing is to be done: FMA, MTG-Jamendo and mirdata publish some";
        entries.push(Entry::new(
            Check::Checksum,
            Severity::Note,
            "none",
            message,
            mend,
        ));
    }
    let (done, total) = (AtomicU64::new(0), published.len() as u64);
    for some in published.chunks(AT_ONCE) {
        let known = notebook.sums(some)?;
        let computed = some.par_iter().zip(known).map(|((file, _), known)| {
            let sum = match known {
                Some(sum) => Ok(sum),
                None => file.algorithm.of_file(&file.path, job),
            };
            let done = done.fetch_add(1, Ordering::Relaxed) + 1;
            job.report(done, total, "comparing checksums");
            sum
        });
        let computed: Vec<io::Result<String>> = computed.collect();
        notebook.note_sums(some.iter().zip(&computed).filter_map(|(of, sum)| {
            let (file, state) = of;
            Some((state, file.algorithm, sum.as_ref().ok()?.as_str()))
        }))?;
        job.check()?;
        for ((file, _), sum) in some.iter().zip(computed) {
            let found = match sum {
                Ok(sum) if sum == file.sum => continue,
                Ok(sum) => format!("its {} is {sum}", file.algorithm.name()),
                Err(error) => format!("it cannot be read: {error}"),
            };
            let name = track_of.get(&*file.path);
            let name = name.map_or_else(|| file.path.to_string_lossy(), |&id| id.into());
            let message = format!("{found}, the published one is {}", file.sum);
            let mend = "get the file again; one that was converted or whose tags were edited has another sum, too";
            let mut entry = Entry::new(Check::Checksum, Severity::Warning, &name, message, mend);
            if let Some(&id) = track_of.get(&*file.path) {
                entry = entry.about([id.to_owned()]);
                entry.sounds.push(Sound {
                    track: id.to_owned(),
                    path: file.path.clone(),
                    start_secs: 0.0,
                });
            }
            entry.finding.file = Some(file.path.clone());
            entries.push(entry);
        }
    }
    Ok(published.len())
}
