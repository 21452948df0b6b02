//! What the user has chosen, shared by all panels: one value in the state.
//!
//! Things are held by name or id, never by index or reference: what is named may be gone in the next frame, so that
//! everybody looks it up anew.

use attune_core::run::{Grouping, Spread};
use std::path::PathBuf;

/// A stretch of time in a song, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct TimeRange {
    /// Where it begins.
    pub start_secs: f64,
    /// Where it ends; after the start.
    pub end_secs: f64,
}

impl TimeRange {
    /// The stretch between two points in time, in either order.
    pub fn between(one_secs: f64, other_secs: f64) -> Self {
        Self {
            start_secs: one_secs.min(other_secs),
            end_secs: one_secs.max(other_secs),
        }
    }

    /// How long it is, in seconds.
    pub fn duration_secs(&self) -> f64 {
        self.end_secs - self.start_secs
    }
}

/// What the user has chosen.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Selection {
    /// The run whose curves, tags and model are shown: its folder.
    pub run: Option<PathBuf>,
    /// More runs, drawn over it: their folders, in the order in which they were added.
    pub overlays: Vec<PathBuf>,
    /// Which runs are put together, in lists and as curves.
    pub grouping: Grouping,
    /// What is told of the spread of those.
    pub spread: Spread,
    /// The experiment whose table is shown: its name.
    pub experiment: Option<String>,
    /// The data set in use: its folder.
    pub dataset: Option<PathBuf>,
    /// The track of that data set that was chosen last: its id.
    pub track: Option<String>,
    /// Tags to show, by name, in the order in which they were chosen.
    pub tags: Vec<String>,
    /// Variants of a clip are heard at their own levels, not as loud as one another.
    pub levels_as_they_are: bool,
    /// A stretch of the open song.
    #[serde(skip)]
    pub time: Option<TimeRange>,
}

/// A change of the selection.
#[derive(Clone, Debug, PartialEq)]
pub enum Select {
    /// Show this run.
    Run(Option<PathBuf>),
    /// Draw this run over the shown one, or stop doing so.
    ToggleOverlay(PathBuf),
    /// Draw these runs, the first as the shown one.
    Runs(Vec<PathBuf>),
    /// Put runs together.
    Group(Grouping),
    /// Tell this of their spread.
    Spread(Spread),
    /// Show the table of this experiment; `None`: offer to begin one.
    Experiment(Option<String>),
    /// Choose a track of the data set in use.
    Track(Option<String>),
    /// Choose a tag, or let it go.
    ToggleTag(String),
    /// Choose exactly these tags.
    Tags(Vec<String>),
    /// Hear variants of a clip at their own levels, or as loud as one another.
    LevelsAsTheyAre(bool),
    /// Choose a stretch of the open song.
    Time(Option<TimeRange>),
}

impl Selection {
    /// Applies a change.
    pub fn apply(&mut self, change: Select) {
        fn toggle<T: PartialEq>(list: &mut Vec<T>, item: T) {
            match list.iter().position(|other| *other == item) {
                Some(idx) => drop(list.remove(idx)),
                None => list.push(item),
            }
        }
        match change {
            Select::Run(run) => {
                self.overlays
                    .retain(|overlay| Some(overlay) != run.as_ref());
                self.run = run;
            }
            Select::ToggleOverlay(run) => toggle(&mut self.overlays, run),
            Select::Runs(runs) => {
                let mut runs = runs.into_iter();
                self.run = runs.next();
                self.overlays = runs.collect();
            }
            Select::Group(grouping) => self.grouping = grouping,
            Select::Spread(spread) => self.spread = spread,
            Select::Experiment(experiment) => self.experiment = experiment,
            Select::Track(track) => self.track = track,
            Select::ToggleTag(tag) => toggle(&mut self.tags, tag),
            Select::Tags(tags) => self.tags = tags,
            Select::LevelsAsTheyAre(as_they_are) => self.levels_as_they_are = as_they_are,
            Select::Time(time) => self.time = time,
        }
    }
}
