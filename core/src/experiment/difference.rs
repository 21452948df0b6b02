//! Whether a cell differs from the one it is compared with by more than chance, computed once for each set of predictions.
//!
//! Results are kept by a hash of the files that they come from: what is kept is never of other predictions, and may be deleted.

use super::{Error, Experiment, Metric, Report};
use crate::job::Job;
use crate::message::full_message;
use crate::metrics::{Difference, paired_bootstrap_of_means};
use crate::train::Predictions;
use crate::workspace::write_whole;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const FILE: &str = "differences.json";

/// The draws of the bootstrap are the same for every comparison, so that it repeats exactly.
const SEED: u64 = 1;

/// What came out of a comparison.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Outcome {
    Compared {
        roc_auc: Difference,
        average_precision: Difference,
    },
    /// The predictions are of other tracks or tags.
    NotComparable { why: String },
}

impl Outcome {
    pub(super) fn of(&self, metric: Metric) -> Option<Difference> {
        match self {
            Self::Compared {
                roc_auc,
                average_precision,
            } => Some(match metric {
                Metric::RocAuc => *roc_auc,
                Metric::AveragePrecision => *average_precision,
            }),
            Self::NotComparable { .. } => None,
        }
    }
}

/// Two cells to be compared: the folders of their runs for the seeds that both have, and a hash of the predictions in them.
#[derive(Clone, Debug)]
pub(super) struct Pair {
    pub(super) key: String,
    pub(super) versus: Vec<PathBuf>,
    pub(super) cell: Vec<PathBuf>,
}

/// Hash of the predictions in a run's folder; `None` if there are none.
pub(super) fn hash(run_folder: &Path) -> Option<String> {
    let bytes = std::fs::read(Predictions::path(run_folder)).ok()?;
    Some(blake3::hash(&bytes).to_hex().to_string())
}

/// The key of a comparison: predictions of both sides, in the order of the seeds, and how it is made.
pub(super) fn key(report: &Report, versus: &[String], cell: &[String]) -> String {
    let text = format!(
        "{} {} {} / {}",
        report.resamples,
        report.confidence,
        versus.join(" "),
        cell.join(" ")
    );
    blake3::hash(text.as_bytes()).to_hex().to_string()
}

/// All results that are kept.
#[derive(Clone, Debug, Default)]
pub(super) struct Kept(BTreeMap<String, Outcome>);

impl Kept {
    /// Those of an experiment's folder; a file that is missing or broken keeps nothing.
    pub(super) fn read(folder: &Path) -> Self {
        let bytes = std::fs::read(folder.join(FILE)).ok();
        Self(
            bytes
                .and_then(|bytes| serde_json::from_slice(&bytes).ok())
                .unwrap_or_default(),
        )
    }

    pub(super) fn get(&self, key: &str) -> Option<&Outcome> {
        self.0.get(key)
    }

    fn save(&self, folder: &Path) -> Result<(), Error> {
        let path = folder.join(FILE);
        write_whole(&path, |file| Ok(serde_json::to_writer(file, &self.0)?))
            .map_err(|source| Error::Write { path, source })
    }
}

impl Experiment {
    /// Computes the differences that are not known yet, for whoever shows the table next. Fails if the
    /// caller stops it; what was computed by then is kept. Predictions that cannot be read cannot be compared.
    pub(super) fn compute_differences(&self, job: &Job) -> Result<(), Error> {
        let pairs = super::Follower::new(self.clone()).pairs()?;
        let mut kept = Kept::read(&self.folder);
        for pair in pairs {
            if kept.get(&pair.key).is_none() {
                let outcome = compare(&pair, &self.plan.report, job)?;
                kept.0.insert(pair.key, outcome);
                kept.save(&self.folder)?;
            }
        }
        Ok(())
    }
}

fn compare(pair: &Pair, report: &Report, job: &Job) -> Result<Outcome, Error> {
    let read = |folders: &[PathBuf]| -> Result<Vec<Predictions>, Error> {
        let all = folders.iter().map(|folder| Predictions::read(folder));
        Ok(all.collect::<Result<_, _>>()?)
    };
    let (versus, cell) = match (read(&pair.versus), read(&pair.cell)) {
        (Ok(versus), Ok(cell)) => (versus, cell),
        // The key is made of the files' content: mended ones are compared anew.
        (Err(error), _) | (_, Err(error)) => {
            return Ok(Outcome::NotComparable {
                why: full_message(&error),
            });
        }
    };
    let Some(like) = versus.first() else {
        return Ok(Outcome::NotComparable {
            why: "no seed is done for both".to_owned(),
        });
    };
    let mut all = versus.iter().chain(&cell);
    if !all.all(|predictions| predictions.are_of_the_same_tracks(like)) {
        return Ok(Outcome::NotComparable {
            why: "they were not tested on the same tracks and tags".to_owned(),
        });
    }
    let (versus, cell) = (probabilities(&versus), probabilities(&cell));
    let found = paired_bootstrap_of_means(
        &versus,
        &cell,
        &like.labels,
        like.tags.len(),
        report.resamples,
        report.confidence,
        SEED,
        job,
    )?;
    Ok(Outcome::Compared {
        roc_auc: found.roc_auc_macro,
        average_precision: found.average_precision_macro,
    })
}

fn probabilities(all: &[Predictions]) -> Vec<&[f32]> {
    all.iter().map(|one| &*one.probabilities).collect()
}
