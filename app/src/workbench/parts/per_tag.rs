//! The part of the state about runs tag by tag: ranked predictions of the shown runs, and the scores of all runs.

mod map;
mod ranked;

use crate::workbench::jobs::{Activity, Slot};
use crate::workbench::{CommandSender, Jobs, Level, Notice, State as Whole};
use attune_core::metrics::Outcome;
use attune_core::run::Event;
use attune_core::train::{Predictions, write_mistakes};
use map::Counted;
pub use map::TagMap;
use ranked::Asked;
pub use ranked::{RankedRun, RankedRuns, Unranked};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What the panel shows. Changed only by [`run`] and [`logic`].
#[derive(Debug)]
pub struct State {
    ranked: Slot<Vec<Asked>, Arc<RankedRuns>>,
    making: Slot<PathBuf, ()>,
    map: Slot<(u64, u64), Arc<TagMap>>,
    counted: Slot<Vec<PathBuf>, Arc<Counted>>,
    writing: Slot<PathBuf, usize>,
    /// Another number, another look at the files.
    look: u64,
}

impl Default for State {
    fn default() -> Self {
        Self {
            ranked: Slot::new("rank predictions"),
            making: Slot::new("score the test split"),
            map: Slot::new("read scores of all runs"),
            counted: Slot::new("count labels of data sets"),
            writing: Slot::new("write playlist"),
            look: 0,
        }
    }
}

impl State {
    /// The predictions of the runs that are shown, as far as they are ranked: of exactly those runs, or none.
    pub fn ranked(&self, whole: &Whole) -> Option<&Arc<RankedRuns>> {
        self.ranked.value_for(&asked(whole)?)
    }

    /// Whether they are there or on their way.
    pub fn is_ranked_or_soon(&self, whole: &Whole) -> bool {
        let Some(asked) = asked(whole) else {
            // Its log is being read.
            return true;
        };
        let soon = self.ranked.busy_with().or(self.ranked.done_key());
        soon == Some(&asked) || self.ranked.cancelled_key() == Some(&asked)
    }

    /// Whether reading them was cancelled, and is not to begin again before the user asks for it.
    pub fn is_ranking_cancelled(&self) -> bool {
        self.ranked.cancelled_key().is_some()
    }

    /// Whether reading the scores of all runs was.
    pub fn is_mapping_cancelled(&self) -> bool {
        let cancelled = self.map.cancelled_key();
        // However often the list is read meanwhile.
        cancelled.is_some_and(|(_, look)| *look == self.look)
    }

    /// Whether the test split of this run is being scored.
    pub fn is_making(&self, folder: &Path) -> bool {
        self.making.busy_with().is_some_and(|other| other == folder)
    }

    /// How far that is.
    pub fn making(&self) -> Option<Activity> {
        self.making.activity()
    }

    /// The scores of all runs as they were last read.
    pub fn map(&self) -> Option<&Arc<TagMap>> {
        self.map.value()
    }

    /// Whether they are those of this reading of the list, or will be.
    pub fn is_mapped_or_soon(&self, reading: u64) -> bool {
        // One that is under way is not begun again, however often the list is read: what it has read it knows the next time.
        self.map.is_busy()
            || self.map.done_key() == Some(&(reading, self.look))
            || self.is_mapping_cancelled()
    }

    /// How many tracks of the data sets of all runs have each tag.
    pub fn counted(&self) -> Option<&Arc<Counted>> {
        self.counted.value()
    }

    /// Work in progress, for the status bar.
    pub fn activities(&self) -> impl Iterator<Item = Activity> {
        [
            self.ranked.activity(),
            self.making.activity(),
            self.map.activity(),
            self.counted.activity(),
            self.writing.activity(),
        ]
        .into_iter()
        .flatten()
    }

    /// Cancels it.
    pub fn cancel_jobs(&mut self) {
        self.ranked.cancel();
        self.making.cancel();
        self.map.cancel();
        self.counted.cancel();
        self.writing.cancel();
    }
}

/// What the panel can ask for.
#[derive(Debug)]
pub enum Command {
    /// Read and rank the predictions of the shown runs.
    Rank,
    /// Score the test split with the best model of a run, and keep the predictions.
    Make(PathBuf),
    /// Read the scores of all runs of the list.
    Map,
    /// Look at all files again.
    LookAgain,
    /// Write the tracks behind a point as a playlist into the workspace's exports.
    WriteList {
        /// The run.
        run: Arc<RankedRun>,
        /// The tag.
        tag: String,
        /// Which tracks.
        outcome: Outcome,
        /// At or above it a track has the tag.
        threshold: f64,
    },
}

/// Carries out a command, between frames.
pub fn run(command: Command, state: &mut Whole, jobs: &Jobs, _sender: &CommandSender) {
    match command {
        Command::Rank => rank(state, jobs),
        Command::Make(folder) => {
            let workspace = state.workspace.clone();
            let run = folder.clone();
            state.per_tag.making.ask_again(jobs, folder, move |job| {
                Predictions::make(&run, &workspace, job)?;
                Ok(())
            });
        }
        Command::Map => {
            let Some((list, reading)) = state.runs.list().zip(state.runs.reading()) else {
                return;
            };
            let runs: Vec<PathBuf> = list.iter().map(|run| run.folder.clone()).collect();
            let per_tag = &mut state.per_tag;
            let before = per_tag.map.value().cloned();
            let key = (reading, per_tag.look);
            per_tag.map.request(jobs, key, move |job| {
                Ok(Arc::new(TagMap::read(&runs, before.as_deref(), job)?))
            });
        }
        Command::LookAgain => state.per_tag.look += 1,
        Command::WriteList {
            run,
            tag,
            outcome,
            threshold,
        } => {
            let name = format!("{} {tag} {} at {threshold:.3}", run.id, outcome.name());
            // A tag may be called anything.
            let name = name.replace(['/', '\\', '\0'], "-");
            let path = state.workspace.exports().join(format!("{name}.m3u8"));
            let file = path.clone();
            state.per_tag.writing.ask_again(jobs, path, move |_| {
                let judged = run.judged(&tag, outcome, threshold);
                Ok(write_mistakes(&file, &name, &tag, &judged)?)
            });
        }
    }
}

/// The shown runs with what their predictions depend on; `None` while the log of one is being read.
fn asked(state: &Whole) -> Option<Vec<Asked>> {
    let shown = state.selection.run.iter().chain(&state.selection.overlays);
    let asked = shown.map(|folder| {
        let view = state.runs.view(folder);
        if view.is_none() && state.runs.error(folder).is_none() {
            return None;
        }
        let is_test = |event: &Event| matches!(event, Event::Evaluated { .. });
        let tested = view.as_ref().and_then(|view| {
            let found = view.events.iter().rfind(|record| is_test(&record.event));
            found.map(|record| record.at_unix_ms)
        });
        Some(Asked {
            folder: folder.clone(),
            data: view.and_then(|view| view.data_folder.clone()),
            tested_unix_ms: tested,
            look: state.per_tag.look,
        })
    });
    asked.collect()
}

fn rank(state: &mut Whole, jobs: &Jobs) {
    let Some(asked) = asked(state) else { return };
    // What is open already need not be read again.
    let dataset = &state.selection.dataset;
    let shelf = dataset
        .as_ref()
        .and_then(|folder| state.library.shelf(folder))
        .cloned();
    let before = state.per_tag.ranked.value().cloned();
    let runs = asked.clone();
    state.per_tag.ranked.request(jobs, asked, move |job| {
        let ranked = RankedRuns::read(&runs, before.as_deref(), shelf, job)?;
        Ok(Arc::new(ranked))
    });
}

/// Called once before each frame: takes in results of jobs.
pub fn logic(state: &mut Whole, jobs: &Jobs, sender: &CommandSender) {
    let per_tag = &mut state.per_tag;
    per_tag.ranked.poll(jobs);
    if per_tag.making.poll(jobs) {
        match per_tag.making.error() {
            Some(error) => sender.send(Notice::new(
                Level::Error,
                format!("The test split cannot be scored: {error}"),
            )),
            None => per_tag.look += 1,
        }
    }
    if per_tag.map.poll(jobs)
        && let Some(map) = per_tag.map.value()
    {
        let folders = map.data_folders();
        let before = per_tag.counted.value().cloned();
        per_tag.counted.request(jobs, folders.clone(), move |job| {
            Ok(Arc::new(Counted::read(&folders, before.as_deref(), job)?))
        });
    }
    per_tag.counted.poll(jobs);
    if per_tag.writing.poll(jobs)
        && let Some(path) = per_tag.writing.done_key()
    {
        sender.send(match per_tag.writing.result() {
            Some(Ok(n)) => Notice::new(
                Level::Success,
                format!("Wrote a playlist of {n} tracks: {}", path.display()),
            ),
            Some(Err(error)) => Notice::new(
                Level::Error,
                format!("The playlist cannot be written: {error}"),
            ),
            None => return,
        });
    }
}
