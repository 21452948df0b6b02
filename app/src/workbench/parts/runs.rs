//! The runs on disk, and a live view of those that are shown.
//!
//! A thread per shown run follows its log: it reads what was appended, folds it, and publishes an immutable [`RunView`].
//! Frames only take the newest view. Whether the run is written by a thread next door, by another process or was written
//! last week makes no difference.

mod reader;
mod shelving;
mod system;
mod view;

pub use shelving::Said;
pub use system::RunSystem;
pub use view::{Facts, RunView};

use crate::workbench::following::Following;
use crate::workbench::jobs::Slot;
use crate::workbench::{CommandSender, Jobs, State as Whole};
use attune_core::dataset::{Dataset, Split};
use attune_core::run::{self, RunSummary};
use attune_core::train::{DataChange, DataWatch};
use shelving::{Change, What};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How often it is looked at the tables of the shown run's data sets, while there are frames.
const DATA_EVERY: Duration = Duration::from_secs(5);
/// How often the list is read anew while something trains.
const LIST_EVERY: Duration = Duration::from_secs(10);

/// The runs on disk.
#[derive(Debug)]
pub struct State {
    list: Slot<u64, Listed>,
    asked: u64,
    listed_at: Option<Instant>,
    followers: BTreeMap<PathBuf, Following<RunView>>,
    smoothing: Arc<AtomicU64>,
    positives: Slot<PathBuf, BTreeMap<String, usize>>,
    shelving: shelving::Shelving,
    data: Slot<PathBuf, DataWatch>,
    data_asked: Option<(PathBuf, Instant)>,
}

/// The list, and what goes through all of it and is therefore no work for a frame.
#[derive(Debug)]
struct Listed {
    runs: Vec<RunSummary>,
    differing: Vec<String>,
}

/// What can be asked.
#[derive(Debug)]
pub enum Command {
    /// Read the list of runs again.
    Refresh,
    /// Say something of these runs.
    Say(Vec<PathBuf>, Said),
    /// Move these runs to the trash.
    Discard(Vec<PathBuf>),
    /// Bring back what was discarded last.
    Restore,
    /// How much of the old average stays in the smoothed loss at each step, 0..1.
    SetSmoothing(f64),
}

impl Default for State {
    fn default() -> Self {
        Self {
            list: Slot::new("list runs"),
            asked: 0,
            listed_at: None,
            followers: BTreeMap::new(),
            smoothing: Arc::new(AtomicU64::new(0.9f64.to_bits())),
            positives: Slot::new("count labels"),
            shelving: shelving::Shelving::default(),
            data: Slot::new("look at the data"),
            data_asked: None,
        }
    }
}

impl State {
    /// The runs on disk as last listed, newest first; `None` before the first list has come in.
    pub fn list(&self) -> Option<&[RunSummary]> {
        self.list.value().map(|listed| &listed.runs[..])
    }

    /// Names of the settings in which the listed runs differ.
    pub fn differing(&self) -> &[String] {
        self.list.value().map_or(&[], |listed| &listed.differing)
    }

    /// Which reading of the disk [`Self::list`] is: another number, another list.
    pub fn reading(&self) -> Option<u64> {
        self.list.done_key().copied()
    }

    /// Whether there is something to bring back from the trash.
    pub fn can_restore(&self) -> bool {
        self.shelving.can_restore()
    }

    /// The newest view of a shown run.
    pub fn view(&self, folder: &Path) -> Option<Arc<RunView>> {
        self.followers.get(folder)?.found()
    }

    /// Why a run cannot be shown.
    pub fn error(&self, folder: &Path) -> Option<String> {
        self.followers.get(folder)?.error()
    }

    /// The share of the old average in the smoothed loss.
    pub fn smoothing(&self) -> f64 {
        f64::from_bits(self.smoothing.load(Ordering::Relaxed))
    }

    /// How many tracks of the validation split have each tag, for the data set of the shown run.
    pub fn positives(&self) -> Option<&BTreeMap<String, usize>> {
        self.positives.value()
    }

    /// How the data sets of the shown run on the disk differ from what they were when it began; nothing while that is not known.
    pub fn data_changes(&self, folder: &PathBuf) -> &[DataChange] {
        let watch = self.data.value_for(folder);
        watch.map_or(&[], DataWatch::changes)
    }

    /// Looks now and then whether the data sets of the shown run are still what they were. Nobody looks at a window without frames.
    fn look_at_data(&mut self, shown: Option<&PathBuf>, jobs: &Jobs) {
        self.data.poll(jobs);
        let Some(run) = shown else { return };
        let is_due = self
            .data_asked
            .as_ref()
            .is_none_or(|(asked, at)| asked != run || at.elapsed() > DATA_EVERY);
        if !is_due || self.data.is_busy() {
            return;
        }
        let mut watch = self.data.value_for(run).cloned().unwrap_or_default();
        self.data_asked = Some((run.clone(), Instant::now()));
        let folder = run.clone();
        self.data.ask_again(jobs, run.clone(), move |_| {
            watch.look(&folder);
            Ok(watch)
        });
    }

    pub(in crate::workbench) fn activities(
        &self,
    ) -> impl Iterator<Item = crate::workbench::jobs::Activity> {
        let activities = [self.positives.activity(), self.shelving.activity()];
        activities.into_iter().flatten()
    }

    fn lists(&self, folder: &Path) -> bool {
        self.list()
            .is_some_and(|list| list.iter().any(|run| run.folder == folder))
    }

    fn refresh(&mut self, jobs: &Jobs, runs: PathBuf) {
        self.asked += 1;
        self.listed_at = Some(Instant::now());
        self.list.ask_again(jobs, self.asked, move |_| {
            let mut list = run::list(&runs);
            list.sort_by_key(|run| std::cmp::Reverse(run.started_unix_ms));
            let differing = run::differing(list.iter().map(|run| &run.settings));
            Ok(Listed {
                runs: list,
                differing,
            })
        });
    }
}

/// Carries out a command, between frames.
pub fn run(command: Command, state: &mut Whole, jobs: &Jobs, _sender: &CommandSender) {
    match command {
        Command::Refresh => {
            let runs = state.workspace.runs();
            state.runs.refresh(jobs, runs);
        }
        Command::Say(folders, said) => {
            let what = What::Say(said);
            state.runs.shelving.ask(Change { folders, what });
        }
        Command::Discard(folders) => {
            let what = What::Discard;
            state.runs.shelving.ask(Change { folders, what });
        }
        Command::Restore => state.runs.shelving.restore(),
        Command::SetSmoothing(weight) => {
            state
                .runs
                .smoothing
                .store(weight.clamp(0.0, 0.9999).to_bits(), Ordering::Relaxed);
            for follower in state.runs.followers.values() {
                follower.poke();
            }
        }
    }
}

/// Called once before each frame: follows the shown runs and no others.
pub fn logic(state: &mut Whole, jobs: &Jobs, sender: &CommandSender) {
    let runs = &mut state.runs;
    runs.list.poll(jobs);
    if runs.shelving.logic(&state.workspace, jobs, sender) {
        runs.refresh(jobs, state.workspace.runs());
        // Nothing shows a run that is not there.
        let gone = runs.shelving.gone();
        let selection = &mut state.selection;
        selection.run = selection.run.take().filter(|run| !gone.contains(run));
        selection.overlays.retain(|run| !gone.contains(run));
        // A note to a step is seen at once.
        for follower in runs.followers.values() {
            follower.poke();
        }
    }
    runs.positives.poll(jobs);
    let stale = match runs.listed_at {
        None => true,
        Some(at) => match state.training.run_folder() {
            Some(folder) if !runs.lists(folder) => at.elapsed() > LIST_EVERY / 8,
            Some(_) => at.elapsed() > LIST_EVERY,
            None => state.experiments.is_working() && at.elapsed() > LIST_EVERY,
        },
    };
    if stale && !runs.list.is_busy() {
        runs.refresh(jobs, state.workspace.runs());
    }
    // The run in training is steered by what its log says, also while another is shown.
    let training = state.training.run_folder().map(Path::to_path_buf);
    let shown = state.selection.run.iter().chain(&state.selection.overlays);
    let wanted: Vec<&PathBuf> = shown.chain(&training).collect();
    runs.followers.retain(|folder, _| wanted.contains(&folder));
    for folder in wanted {
        if !runs.followers.contains_key(folder) {
            let follower = reader::follow(folder.clone(), Arc::clone(&runs.smoothing), jobs);
            runs.followers.insert(folder.clone(), follower);
        }
    }
    runs.look_at_data(state.selection.run.as_ref(), jobs);
    let data_folder = state
        .selection
        .run
        .as_ref()
        .and_then(|run| runs.view(run))
        .and_then(|view| view.data_folder.clone());
    if let Some(folder) = data_folder {
        runs.positives.request(jobs, folder.clone(), move |_| {
            let dataset = Dataset::open(&folder)?;
            let counts = dataset.tag_counts(Some(Split::Valid));
            Ok(dataset.tags.into_iter().zip(counts).collect())
        });
    }
}
