//! Everything that the window shows, in one place. Panels read it; only commands and results of jobs change it.

use super::command::Notice;
use super::parts::{audition, library, timeline, training};
use super::selection::Selection;
use attune_core::workspace::Workspace;

/// Everything that the window shows.
#[derive(Debug)]
pub struct State {
    /// Where Attune writes.
    pub workspace: Workspace,
    /// What the user has chosen.
    pub selection: Selection,
    /// What the user was told, oldest first.
    pub notices: Vec<Notice>,
    /// The run in training.
    pub training: training::State,
    /// Listening to augmentations.
    pub audition: audition::State,
    /// The explained song.
    pub timeline: timeline::State,
    /// Data sets and their tracks.
    pub library: library::State,
}

impl State {
    /// Nothing opened, nothing running.
    pub fn new(workspace: Workspace) -> Self {
        Self {
            workspace,
            selection: Selection::default(),
            notices: Vec::new(),
            training: training::State::default(),
            audition: audition::State::default(),
            timeline: timeline::State::default(),
            library: library::State::default(),
        }
    }
}
