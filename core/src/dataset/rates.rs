//! At which rates the files of a data set are.

use super::{Dataset, Error, Problem, ProblemKind};
use crate::audio;
use crate::job::Job;
use crate::message::full_message;
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

/// The rates of a data set's files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceRates {
    /// Tracks (their numbers, ascending) by the rate of their files in hertz.
    pub tracks: BTreeMap<u32, Vec<usize>>,
    /// Files that do not tell: missing or broken.
    pub problems: Vec<Problem>,
}

impl SourceRates {
    /// Looks at the heads of the files of these tracks.
    pub fn of(dataset: &Dataset, tracks: &[usize], job: &Job) -> Result<Self, Error> {
        let (done, total) = (AtomicU64::new(0), tracks.len() as u64);
        let rates = tracks.par_iter().map(|&track_idx| {
            job.check()?;
            let rate_hz = audio::rate_of(&dataset.tracks[track_idx].path);
            let done = 1 + done.fetch_add(1, Ordering::Relaxed);
            job.report(done, total, "looking at the sample rates of files");
            Ok((track_idx, rate_hz))
        });
        let rates: Vec<_> = rates.collect::<Result<_, Error>>()?;
        let mut found = Self::default();
        for (track_idx, rate_hz) in rates {
            let track = &dataset.tracks[track_idx];
            match rate_hz {
                Ok(rate_hz) => found.tracks.entry(rate_hz).or_default().push(track_idx),
                Err(error) => found.problems.push(Problem {
                    track: track.id.clone(),
                    path: track.path.clone(),
                    kind: if track.path.exists() {
                        ProblemKind::Broken
                    } else {
                        ProblemKind::Missing
                    },
                    message: full_message(&error),
                }),
            }
        }
        Ok(found)
    }

    /// The one rate of all files. Fails with [`Error::BadConfig`] if there are several or none, and says how many files have which.
    pub fn only(&self) -> Result<u32, Error> {
        let mut rates = self.tracks.iter();
        match (rates.next(), rates.next()) {
            (Some((&rate_hz, _)), None) => Ok(rate_hz),
            (None, _) => Err(Error::BadConfig("no file tells its sample rate".into())),
            _ => {
                let rates = self.tracks.iter();
                let rates: Vec<String> = rates
                    .map(|(rate_hz, tracks)| format!("{rate_hz} Hz ({} files)", tracks.len()))
                    .collect();
                Err(Error::BadConfig(format!(
                    "the files have different sample rates: {}; name one of them",
                    rates.join(", ")
                )))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_set::{RATE_HZ, make};
    use super::*;
    use crate::job::Cancel;
    use std::sync::{Arc, Mutex};

    #[test]
    fn looking_at_files_tells_how_far_it_is_and_stops_when_asked() {
        let folder = tempfile::tempdir().unwrap();
        let dataset = make(folder.path(), &[100; 5]);
        let seen: Arc<Mutex<Vec<(u64, u64)>>> = Arc::default();
        let told = Arc::clone(&seen);
        let cancel = Cancel::new();
        let job = Job::new(cancel.clone(), move |progress| {
            told.lock().unwrap().push((progress.done, progress.total));
        });
        let rates = SourceRates::of(&dataset, &[0, 1, 2, 3, 4], &job).unwrap();
        assert_eq!(rates.only().unwrap(), RATE_HZ);
        let mut seen = std::mem::take(&mut *seen.lock().unwrap());
        seen.sort_unstable();
        assert_eq!(seen, [(1, 5), (2, 5), (3, 5), (4, 5), (5, 5)]);
        cancel.cancel();
        let stopped = SourceRates::of(&dataset, &[0, 1], &job);
        assert!(matches!(stopped, Err(Error::Cancelled(_))));
    }
}
