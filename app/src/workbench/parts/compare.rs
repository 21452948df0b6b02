//! The part of the state about two models side by side: which ones, how they score on a split, and what they say of the open song.

mod choice;
mod over_time;

use crate::workbench::jobs::{Activity, Slot};
use crate::workbench::parts::library::Shelf;
use crate::workbench::parts::{model, song::OpenSong};
use crate::workbench::{CommandSender, Jobs, Level, Notice, State as Whole};
use attune_core::dataset::{Problem, Split};
use attune_core::predict::{Model, TagTimeline};
use attune_core::train::{self, Comparison};
use std::path::PathBuf;
use std::sync::Arc;

use choice::Choice;
pub use choice::Source;
use over_time::OverTime;

/// Resamples of the bootstrap.
const N_RESAMPLES: usize = 1000;

/// Which of the two models.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The one from which differences are counted.
    First,
    /// The other.
    Second,
}

impl Side {
    /// Both.
    pub const BOTH: [Self; 2] = [Self::First, Self::Second];

    /// 0 or 1: its colour among the series.
    pub fn idx(self) -> usize {
        match self {
            Self::First => 0,
            Self::Second => 1,
        }
    }
}

/// A comparison and what it was made of.
#[derive(Debug)]
pub struct Compared {
    /// What came out.
    pub comparison: Comparison,
    /// What is wrong with tracks: some could not be decoded, some are damaged and used all the same.
    pub problems: Vec<Problem>,
}

/// What a comparison was asked for with.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Fingerprints of the models.
    models: [String; 2],
    /// What they were called.
    pub names: [String; 2],
    shelf: Arc<Shelf>,
    /// Which tracks.
    pub split: Split,
}

impl PartialEq for Asked {
    fn eq(&self, other: &Self) -> bool {
        self.models == other.models
            && self.split == other.split
            && Arc::ptr_eq(&self.shelf, &other.shelf)
    }
}

/// What the panel shows. Changed only by [`run`] and [`logic`].
#[derive(Debug)]
pub struct State {
    choice: Choice,
    comparisons: Slot<Asked, Arc<Compared>>,
    /// The last one that came to its end.
    last: Option<(Asked, Arc<Compared>)>,
    over_time: OverTime,
}

impl Default for State {
    fn default() -> Self {
        Self {
            choice: Choice::default(),
            comparisons: Slot::new("compare models"),
            last: None,
            over_time: OverTime::default(),
        }
    }
}

impl State {
    /// What can be chosen, with what it is called.
    pub fn sources(&self, whole: &Whole) -> Vec<(Source, String)> {
        self.choice.sources(whole)
    }

    /// What was chosen for a side.
    pub fn source(&self, side: Side) -> Option<&Source> {
        self.choice.source(side)
    }

    /// The model of a side, once it is loaded.
    pub fn model<'a>(&'a self, side: Side, in_use: &'a model::State) -> Option<&'a Arc<Model>> {
        self.choice.model(side, in_use)
    }

    /// Why the model of a side cannot be had.
    pub fn model_error(&self, side: Side) -> Option<&str> {
        self.choice.error(side)
    }

    /// Whether the model of a side is being read.
    pub fn is_loading(&self, side: Side) -> bool {
        self.choice.is_loading(side)
    }

    /// The last comparison on the data set in use, and what it is of. It may be of other models than those now chosen.
    pub fn compared(&self, shelf: &Arc<Shelf>) -> Option<(&Asked, &Arc<Compared>)> {
        let (asked, compared) = self.last.as_ref()?;
        Arc::ptr_eq(&asked.shelf, shelf).then_some((asked, compared))
    }

    /// Whether a comparison is what the choice now asks for.
    pub fn is_current(&self, asked: &Asked, split: Split, in_use: &model::State) -> bool {
        asked.split == split
            && Side::BOTH.iter().all(|&side| {
                self.model(side, in_use)
                    .is_some_and(|model| model.fingerprint == asked.models[side.idx()])
            })
    }

    /// Why the comparison that the choice asks for failed.
    pub fn error(&self, shelf: &Arc<Shelf>, split: Split, in_use: &model::State) -> Option<&str> {
        let asked = self.comparisons.done_key()?;
        let is_it = Arc::ptr_eq(&asked.shelf, shelf) && self.is_current(asked, split, in_use);
        let error = self.comparisons.error()?;
        (is_it && !self.comparisons.is_busy()).then_some(error)
    }

    /// How far comparing is.
    pub fn comparing(&self) -> Option<Activity> {
        self.comparisons
            .activity()
            .filter(|_| self.comparisons.is_busy())
    }

    /// What both models say of `song` over time, as far as it is there.
    pub fn over_time(
        &self,
        song: &Arc<OpenSong>,
        models: [&Arc<Model>; 2],
    ) -> [Option<&Arc<TagTimeline>>; 2] {
        Side::BOTH.map(|side| self.over_time.of(side, song, models[side.idx()]))
    }

    /// Whether that is there or on its way, or was stopped by the user.
    pub fn is_settled(&self, song: &Arc<OpenSong>, models: [&Arc<Model>; 2]) -> bool {
        Side::BOTH
            .iter()
            .all(|&side| self.over_time.is_settled(side, song, models[side.idx()]))
    }

    /// How far that is.
    pub fn tagging(&self) -> Option<Activity> {
        self.over_time.activities().next()
    }

    /// Why that failed for a side.
    pub fn over_time_error(&self, side: Side, song: &Arc<OpenSong>, model: &Model) -> Option<&str> {
        self.over_time.error(side, song, model)
    }

    /// Work in progress, for the status bar.
    pub fn activities(&self) -> impl Iterator<Item = Activity> {
        self.choice
            .activities()
            .chain(self.comparing())
            .chain(self.over_time.activities())
    }

    /// Cancels it.
    pub fn cancel_jobs(&mut self) {
        self.choice.cancel();
        self.comparisons.cancel();
        self.over_time.cancel();
    }
}

/// What the panel can ask for.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Take this model for a side.
    Choose(Side, Source),
    /// Exchange the two sides.
    Swap,
    /// Compare them on a split of the data set in use.
    Compare(Split),
    /// Stop comparing.
    Stop,
    /// Compute what the models say of the open song over time, as far as it is missing.
    Refresh,
    /// The same, even if the user stopped it before.
    GoOn,
}

/// Carries out a command, between frames.
pub fn run(command: Command, state: &mut Whole, jobs: &Jobs, _sender: &CommandSender) {
    match command {
        Command::Choose(side, source) => {
            // The user may have told more about the file in use than is in it.
            let at_hand = match (&source, state.model.origin()) {
                (Source::File(file), Some(model::Origin::File(in_use))) if file == in_use => {
                    state.model.current().map(Arc::clone)
                }
                _ => None,
            };
            state.compare.choice.choose(side, source, at_hand, jobs);
        }
        Command::Swap => {
            state.compare.choice.swap();
            state.compare.over_time.swap();
        }
        Command::Compare(split) => compare(split, state, jobs),
        Command::Stop => state.compare.comparisons.cancel(),
        Command::GoOn => {
            state.compare.over_time.forget_stopped();
            refresh(state, jobs);
        }
        Command::Refresh => refresh(state, jobs),
    }
}

fn compare(split: Split, state: &mut Whole, jobs: &Jobs) {
    let Some(shelf) = state
        .selection
        .dataset
        .as_ref()
        .and_then(|folder| state.library.shelf(folder))
    else {
        return;
    };
    let compare = &state.compare;
    let model = |side| compare.model(side, &state.model).map(Arc::clone);
    let (Some(first), Some(second)) = (model(Side::First), model(Side::Second)) else {
        return;
    };
    let name = |side| compare.choice.name(side, state);
    let asked = Asked {
        models: [first.fingerprint.clone(), second.fingerprint.clone()],
        names: [name(Side::First), name(Side::Second)],
        shelf: Arc::clone(shelf),
        split,
    };
    let (shelf, workspace) = (Arc::clone(shelf), state.workspace.clone());
    let slot = &mut state.compare.comparisons;
    slot.ask_again(jobs, asked, move |job| {
        let (models, dataset) = ([&*first, &*second], &shelf.dataset);
        // Before tracks are decoded in vain.
        train::tags_in_common(models, dataset)?;
        let rate_hz = train::usual_scoring_rate_hz(&models);
        let cache = train::open_cache_at(&workspace, rate_hz)?;
        let (track_idxs, problems) = train::decode_split(dataset, split, &cache, job)?;
        let comparison = train::compare(models, dataset, &cache, &track_idxs, N_RESAMPLES, job)?;
        Ok(Arc::new(Compared {
            comparison,
            problems,
        }))
    });
}

fn refresh(state: &mut Whole, jobs: &Jobs) {
    let Some(song) = state.song.current() else {
        return;
    };
    for side in Side::BOTH {
        let compare = &mut state.compare;
        if let Some(model) = compare.choice.model(side, &state.model) {
            compare.over_time.request(side, song, model, jobs);
        }
    }
}

/// Called once before each frame: takes in results of jobs.
pub fn logic(state: &mut Whole, jobs: &Jobs, sender: &CommandSender) {
    choice::logic(state, jobs);
    let compare = &mut state.compare;
    compare.over_time.poll(jobs);
    if compare.comparisons.poll(jobs) {
        let done = compare.comparisons.done_key();
        if let (Some(asked), Some(compared)) = (done, compare.comparisons.value()) {
            compare.last = Some((asked.clone(), Arc::clone(compared)));
        }
        if let Some(error) = compare.comparisons.error() {
            sender.send(Notice::new(
                Level::Error,
                format!("The models cannot be compared: {error}"),
            ));
        }
    }
}

/// The best checkpoint of a run.
fn best_of(folder: &std::path::Path) -> PathBuf {
    train::Checkpoints::of(folder).best()
}
