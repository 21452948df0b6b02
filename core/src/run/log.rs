//! The one writer of a run folder.

use super::{Error, Event, StepScalars};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// The writer of a run: holds the folder's lock as long as it lives.
///
/// Events reach the system at once, scalars at each event and at least every second (when the next step comes).
#[derive(Debug)]
pub struct RunLog {
    folder: PathBuf,
}

impl RunLog {
    /// Begins a run in `folder` (made if need be) and writes `configuration` to `run.toml`: everything needed to
    /// repeat the run. Fails with [`Error::Exists`] if there is a run in it, with [`Error::Locked`] if somebody
    /// writes it.
    pub fn create(folder: &Path, configuration: &impl Serialize) -> Result<Self, Error> {
        let _ = (folder, configuration);
        unimplemented!()
    }

    /// Goes on with the run in `folder` after `step` steps, in `epoch`: writes `Resumed`, which makes readers forget
    /// what came after. Fails with [`Error::NoRun`] or [`Error::Locked`].
    pub fn resume(folder: &Path, step: u64, epoch: u32) -> Result<Self, Error> {
        let _ = (folder, step, epoch);
        unimplemented!()
    }

    /// The run folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Appends an event, with all scalars before it.
    pub fn event(&mut self, step: u64, epoch: u32, event: Event) -> Result<(), Error> {
        let _ = (step, epoch, event);
        unimplemented!()
    }

    /// Appends what a step measured.
    pub fn step(&mut self, scalars: &StepScalars) -> Result<(), Error> {
        let _ = scalars;
        unimplemented!()
    }

    /// Hands everything to the system now.
    pub fn flush(&mut self) -> Result<(), Error> {
        unimplemented!()
    }
}
