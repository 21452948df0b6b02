//! At which rates the files of a data set are.

use super::{Dataset, Error, Problem, ProblemKind};
use crate::audio;
use crate::job::Job;
use crate::message::full_message;
use rayon::prelude::*;
use std::collections::BTreeMap;

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
        let rates = tracks.par_iter().map(|&track_idx| {
            job.check()?;
            let path = &dataset.tracks[track_idx].path;
            Ok((track_idx, audio::rate_of(path)))
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
