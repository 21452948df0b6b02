//! Everything that the window shows, in one place. Panels read it; only commands and results of jobs change it.

use super::command::Notice;
use super::jobs::Activity;
use super::parts::{
    audition, compare, doctor, experiments, labels, library, limits, model, pages, per_tag, plots,
    queue, runs, settings, song, student, timeline, training,
};
use super::selection::Selection;
use crate::playback::Player;
use attune_core::run::Status;
use attune_core::workspace::Workspace;

/// Everything that the window shows.
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
    /// Plays the song, or what Audition makes of it. Its calls are wishes that never wait, so that panels may make them.
    pub player: Player,
    /// The run in training.
    pub training: training::State,
    /// Runs that wait for their turn.
    pub queue: queue::State,
    /// Listening to augmentations.
    pub audition: audition::State,
    /// The explained song.
    pub timeline: timeline::State,
    /// Tags corrected by ear.
    pub labels: labels::State,
    /// Data sets and their tracks.
    pub library: library::State,
    /// What is wrong with the data set in use.
    pub doctor: doctor::State,
    /// What Attune may take of this machine.
    pub limits: limits::State,
    /// Two models side by side.
    pub compare: compare::State,
    /// Runs, tag by tag.
    pub per_tag: per_tag::State,
    /// The settings of two runs.
    pub settings: settings::State,
    /// What a noisy student hears.
    pub student: student::State,
    /// Tables of runs.
    pub experiments: experiments::State,
    /// Plots that are being written.
    pub plots: plots::State,
    /// A page of runs that is being made.
    pub pages: pages::State,
}

impl State {
    /// Nothing opened, nothing running.
    pub fn new(workspace: Workspace, player: Player) -> Self {
        Self {
            workspace,
            selection: Selection::default(),
            notices: Vec::new(),
            memory_bytes: None,
            runs: runs::State::default(),
            model: model::State::default(),
            song: song::State::default(),
            player,
            training: training::State::default(),
            queue: queue::State::default(),
            audition: audition::State::default(),
            timeline: timeline::State::default(),
            labels: labels::State::default(),
            library: library::State::default(),
            doctor: doctor::State::default(),
            limits: limits::State::default(),
            compare: compare::State::default(),
            per_tag: per_tag::State::default(),
            settings: settings::State::default(),
            student: student::State::default(),
            experiments: experiments::State::default(),
            plots: plots::State::default(),
            pages: pages::State::default(),
        }
    }

    /// Whether something trains in this window, or is about to: a run by itself, one of the queue or an experiment's.
    pub fn is_training(&self) -> bool {
        self.training.is_running() || self.queue.is_working() || self.experiments.is_working()
    }

    /// Whether the run in training here is paused, by whomever: its log says so.
    pub fn is_paused(&self) -> bool {
        let folder = self.training.run_folder();
        let view = folder.and_then(|folder| self.runs.view(folder));
        view.is_some_and(|view| view.status == Status::Paused)
    }

    /// Where the play head stands in the song, also while a clip or moments of it are played in its place.
    pub fn song_position_secs(&self) -> f64 {
        let of_moments = self.timeline.hearing().song_position_secs(&self.player);
        of_moments.unwrap_or_else(|| self.audition.song_position_secs(&self.player))
    }

    /// What is being computed in the background, training aside.
    pub fn activities(&self) -> impl Iterator<Item = Activity> {
        self.song
            .activity()
            .into_iter()
            .chain(self.model.activities())
            .chain(self.training.activities())
            .chain(self.queue.activities())
            .chain(self.runs.activities())
            .chain(self.audition.activities())
            .chain(self.timeline.activities())
            .chain(self.labels.activities())
            .chain(self.library.activities())
            .chain(self.doctor.activities())
            .chain(self.limits.activity())
            .chain(self.compare.activities())
            .chain(self.per_tag.activities())
            .chain(self.settings.activity())
            .chain(self.student.activities())
            .chain(self.experiments.activities())
            .chain(self.plots.activity())
            .chain(self.pages.activity())
    }
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State")
            .field("workspace", &self.workspace)
            .field("selection", &self.selection)
            .finish_non_exhaustive()
    }
}
