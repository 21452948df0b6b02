//! The part of the state about the run in training: values, commands, and the code that runs them between frames.

use crate::workbench::{CommandSender, Jobs, State as Whole};

/// The run in training.
#[derive(Debug, Default)]
pub struct State {}

/// What can be asked of it.
#[derive(Debug)]
pub enum Command {}

/// Carries out a command, between frames.
pub fn run(command: Command, _state: &mut Whole, _jobs: &Jobs, _sender: &CommandSender) {
    match command {}
}

/// Called once before each frame.
pub fn logic(_state: &mut Whole, _jobs: &Jobs, _sender: &CommandSender) {}
