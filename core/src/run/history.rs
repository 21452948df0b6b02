//! A run's history, folded from its files. Reading goes on where it ended, so that a run is followed while it grows.

use super::{Error, Record, Scalar, Series};
use crate::metrics::Scores;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// A writer is at work.
    Running,
    /// A writer waits to go on.
    Paused,
    /// All epochs are done.
    Finished,
    /// The user ended it.
    Stopped,
    /// It stopped getting better.
    EarlyStopped,
    /// It could not go on.
    Failed,
    /// Its writer went away without a word (killed, power cut). It can be resumed.
    Interrupted,
}

/// One scoring of the validation split.
#[derive(Clone, Debug, PartialEq)]
pub struct Validation {
    /// When, in milliseconds since 1970 (UTC).
    pub at_unix_ms: u64,
    /// Training steps done by then.
    pub step: u64,
    /// Epoch, from 0.
    pub epoch: u32,
    /// Binary cross entropy of the averaged probabilities.
    pub loss: f64,
    /// ROC-AUC and average precision.
    pub scores: Arc<Scores>,
    /// How long it took.
    pub seconds: f64,
}

/// What is known of a run. Cheap to clone: the data is shared, and a refreshed original copies only what it changes.
#[derive(Clone, Debug)]
pub struct History {
    folder: PathBuf,
}

impl History {
    /// Reads a run folder. Fails with [`Error::NoRun`] if it holds none.
    pub fn open(folder: &Path) -> Result<Self, Error> {
        let _ = folder;
        unimplemented!()
    }

    /// Reads what was appended since; whether anything changed. Starts over if the files became shorter.
    pub fn refresh(&mut self) -> Result<bool, Error> {
        unimplemented!()
    }

    /// The run folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The folder's name, by which the run is called.
    pub fn id(&self) -> &str {
        unimplemented!()
    }

    /// One measure over the steps.
    pub fn series(&self, scalar: Scalar) -> &Series {
        let _ = scalar;
        unimplemented!()
    }

    /// All validations that still count, by step.
    pub fn validations(&self) -> &[Validation] {
        unimplemented!()
    }

    /// Where the run stood at the last refresh.
    pub fn status(&self) -> Status {
        unimplemented!()
    }

    /// The validation with the lowest loss, the first of equals.
    pub fn best(&self) -> Option<&Validation> {
        unimplemented!()
    }

    /// Epochs begun since the best validation's, as early stopping counts them.
    pub fn epochs_since_best(&self) -> Option<u32> {
        unimplemented!()
    }

    /// `run.toml`, if it can be read.
    pub fn run_toml(&self) -> Option<&toml::Table> {
        unimplemented!()
    }

    /// All events in the order written, those that no longer count among them.
    pub fn events(&self) -> &[Arc<Record>] {
        unimplemented!()
    }

    /// Names of the tags, from `Started`; empty before it.
    pub fn tags(&self) -> &[String] {
        unimplemented!()
    }

    /// The run's `Started` event.
    pub fn started(&self) -> Option<&Record> {
        unimplemented!()
    }

    /// First step of each epoch that still counts: (epoch, steps done at its start), rising.
    pub fn epoch_starts(&self) -> &[(u32, u64)] {
        unimplemented!()
    }

    /// Training steps done, as far as written.
    pub fn last_step(&self) -> u64 {
        unimplemented!()
    }

    /// Lines of `events.jsonl` that could not be understood (they are skipped).
    pub fn n_bad_lines(&self) -> usize {
        unimplemented!()
    }
}
