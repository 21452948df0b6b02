//! The part of the state about the settings of two runs, side by side.

use crate::workbench::jobs::{Activity, Slot};
use crate::workbench::{CommandSender, Jobs, State as Whole};
use attune_core::train::{Configured, SettingPair, setting_pairs};
use std::path::PathBuf;
use std::sync::Arc;

/// Two runs, setting by setting.
#[derive(Debug)]
pub struct Compared {
    /// Their ids.
    pub names: [String; 2],
    /// What differs first, each part in alphabetical order.
    pub pairs: Vec<SettingPair>,
}

/// What the dialog shows. Changed only by [`run`] and [`logic`].
#[derive(Debug)]
pub struct State {
    slot: Slot<[PathBuf; 2], Arc<Compared>>,
    shown: Option<[PathBuf; 2]>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            slot: Slot::new("compare settings"),
            shown: None,
        }
    }
}

impl State {
    /// The two runs whose settings are asked for.
    pub fn shown(&self) -> Option<&[PathBuf; 2]> {
        self.shown.as_ref()
    }

    /// Their settings, or why they cannot be compared; `None` while they are being read.
    pub fn compared(&self) -> Option<Result<&Arc<Compared>, &str>> {
        if self.slot.done_key() != self.shown() {
            return None;
        }
        let result = self.slot.result()?;
        Some(result.as_ref().map_err(String::as_str))
    }

    /// Work in progress, for the status bar.
    pub fn activity(&self) -> Option<Activity> {
        self.slot.activity()
    }
}

/// What can be asked for.
#[derive(Debug)]
pub enum Command {
    /// Show in which settings these runs differ.
    Compare([PathBuf; 2]),
    /// No longer.
    Close,
}

/// Carries out a command, between frames.
pub fn run(command: Command, state: &mut Whole, jobs: &Jobs, _sender: &CommandSender) {
    match command {
        Command::Close => state.settings.shown = None,
        Command::Compare(runs) => {
            state.settings.shown = Some(runs.clone());
            let folders = runs.clone();
            // Again each time: a run may have been extended since.
            state.settings.slot.ask_again(jobs, runs, move |_| {
                let [first, second] = folders.each_ref().map(|run| Configured::of_run(run));
                let (first, second) = (first?, second?);
                let mut pairs = setting_pairs(&first, &second);
                pairs.sort_by_key(|pair| !pair.differs);
                Ok(Arc::new(Compared {
                    names: [first.name, second.name],
                    pairs,
                }))
            });
        }
    }
}

/// Called once before each frame: takes in what has been read.
pub fn logic(state: &mut Whole, jobs: &Jobs, _sender: &CommandSender) {
    state.settings.slot.poll(jobs);
}
