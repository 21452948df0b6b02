//! Steering the shown run where another process trains it: commands go into its folder, and its log answers.

use crate::workbench::jobs::Slot;
use crate::workbench::{CommandSender, Jobs, Level, Notice, State as Whole};
use attune_core::message::full_message;
use attune_core::run::Status;
use attune_core::train;
use std::path::{Path, PathBuf};

/// A command and the folder of the run that it is for.
type Letter = (PathBuf, train::Command);

/// Commands on their way: writing to a folder on a network may take time.
#[derive(Debug)]
pub(super) struct Post {
    slot: Slot<Vec<Letter>, Vec<Result<(), String>>>,
    waiting: Vec<Letter>,
}

impl Post {
    pub(super) fn new() -> Self {
        Self {
            slot: Slot::new("send command"),
            waiting: Vec::new(),
        }
    }

    pub(super) fn send(&mut self, folder: PathBuf, command: train::Command) {
        self.waiting.push((folder, command));
    }

    /// Called once before each frame.
    pub(super) fn logic(&mut self, jobs: &Jobs, sender: &CommandSender) {
        if self.slot.poll(jobs)
            && let Some(sent) = self.slot.take()
        {
            let sent = sent.unwrap_or_else(|error| vec![Err(error)]);
            for error in sent.into_iter().filter_map(Result::err) {
                let text = format!("The command was not sent: {error}");
                sender.send(Notice::new(Level::Error, text));
            }
        }
        if !self.waiting.is_empty() && !self.slot.is_busy() {
            let letters = std::mem::take(&mut self.waiting);
            self.slot.ask_again(jobs, letters.clone(), move |_| {
                let sent = letters.iter().map(|(folder, command)| {
                    let sent = command.post(folder);
                    sent.map_err(|error| full_message(&error))
                });
                Ok(sent.collect())
            });
        }
    }
}

/// The folder of the shown run and whether it is paused, if another process trains it.
pub fn trained_elsewhere(state: &Whole) -> Option<(&Path, Status)> {
    let folder = state.selection.run.as_deref()?;
    let training = &state.training;
    let is_own = [training.run_folder(), training.ended.as_deref()].contains(&Some(folder));
    // The runs of an experiment in this window are steered by the experiment.
    if is_own || state.experiments.is_working() {
        return None;
    }
    let status = state.runs.view(folder)?.status;
    is_live(status).then_some((folder, status))
}

/// Whether somebody trains a run of this status.
pub(super) fn is_live(status: Status) -> bool {
    matches!(status, Status::Running | Status::Paused)
}
