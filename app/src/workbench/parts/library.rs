//! The part of the state about data sets and their tracks: values, commands, and the code that runs them between frames.

use crate::workbench::jobs::Activity;
use crate::workbench::{CommandSender, Jobs, State as Whole};

/// What the panel shows. Changed only by [`run`] and [`logic`].
#[derive(Debug, Default)]
pub struct State {}

impl State {
    /// Work in progress, for the status bar.
    pub fn activities(&self) -> impl Iterator<Item = Activity> {
        std::iter::empty()
    }

    /// Cancels it.
    pub fn cancel_jobs(&mut self) {}
}

/// What the panel can ask for.
#[derive(Debug)]
pub enum Command {}

/// Carries out a command, between frames. Must not block: heavy work goes into a [`crate::workbench::jobs::Slot`].
pub fn run(command: Command, _state: &mut Whole, _jobs: &Jobs, _sender: &CommandSender) {
    match command {}
}

/// Called once before each frame: takes in results of jobs, asks for what has become stale.
pub fn logic(_state: &mut Whole, _jobs: &Jobs, _sender: &CommandSender) {}
