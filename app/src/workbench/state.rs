//! Everything that the window shows, in one place. Panels read it; only commands and results of jobs change it.

use super::command::Notice;
use super::jobs::Activity;
use super::parts::{audition, library, model, runs, song, timeline, training};
use super::selection::Selection;
use attune_core::workspace::Workspace;

/// Everything that the window shows.
#[derive(Debug)]
pub struct State {
    /// Where Attune writes.
    pub workspace: Workspace,
    /// What the user has chosen.
    pub selection: Selection,
    /// What the user was told and when, in milliseconds since 1970 (UTC); oldest first.
    pub notices: Vec<(u64, Notice)>,
    /// Memory that the process occupies, in bytes, where the system tells.
    pub memory_bytes: Option<u64>,
    /// The runs on disk, and live views of the shown ones.
    pub runs: runs::State,
    /// The model in use.
    pub model: model::State,
    /// The open song.
    pub song: song::State,
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
            memory_bytes: None,
            runs: runs::State::default(),
            model: model::State::default(),
            song: song::State::default(),
            training: training::State::default(),
            audition: audition::State::default(),
            timeline: timeline::State::default(),
            library: library::State::default(),
        }
    }

    /// What is being computed in the background, training aside.
    pub fn activities(&self) -> impl Iterator<Item = Activity> {
        self.song
            .activity()
            .into_iter()
            .chain(self.model.activity())
            .chain(self.training.activities())
            .chain(self.runs.activities())
            .chain(self.audition.activities())
            .chain(self.timeline.activities())
            .chain(self.library.activities())
    }
}
