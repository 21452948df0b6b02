//! Recipes for the Training panel, read from the disk between frames: a file, the branch of a run, the run that is to go on for longer.

use super::jobs::{Jobs, Slot};
use attune_core::train::{BranchPoint, RunFile, TrainConfig};
use attune_core::workspace::Workspace;
use std::path::PathBuf;

/// A recipe that is asked for.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Wanted {
    /// That of a file.
    File(PathBuf),
    /// That of a run, to begin another run with its weights.
    Branch(BranchPoint),
    /// That of the run in this folder as it is in effect, to ask more of it.
    Extend(PathBuf),
}

/// Reads recipes; the newest request wins.
pub(super) struct Recipes {
    slot: Slot<Wanted, TrainConfig>,
}

impl Recipes {
    pub(super) fn new() -> Self {
        Self {
            slot: Slot::new("read recipe"),
        }
    }

    pub(super) fn ask(&mut self, wanted: Wanted, workspace: &Workspace, jobs: &Jobs) {
        let (asked, workspace) = (wanted.clone(), workspace.clone());
        self.slot.ask_again(jobs, wanted, move |_| {
            Ok(match asked {
                Wanted::File(path) => TrainConfig::read(&path)?,
                Wanted::Branch(point) => point.recipe(&workspace)?,
                Wanted::Extend(run) => RunFile::in_effect(&run)?.config,
            })
        });
    }

    /// Called once before each frame: what was read, or why it could not be.
    pub(super) fn poll(&mut self, jobs: &Jobs) -> Option<(Wanted, Result<TrainConfig, String>)> {
        if !self.slot.poll(jobs) {
            return None;
        }
        let wanted = self.slot.done_key()?.clone();
        Some((wanted, self.slot.take()?))
    }
}
