//! The runs on disk, and a live view of those that are shown.
//!
//! A thread per shown run follows its log: it reads what was appended, folds it, and publishes an immutable [`RunView`].
//! Frames only take the newest view. Whether the run is written by a thread next door, by another process or was written
//! last week makes no difference.

mod shelving;
mod system;

pub use shelving::Said;
pub use system::RunSystem;

use crate::workbench::jobs::Slot;
use crate::workbench::{CommandSender, Jobs, State as Whole};
use arc_swap::ArcSwap;
use attune_core::dataset::{Dataset, Split};
use attune_core::metrics::{PseudoLabels, Scores};
use attune_core::run::{
    self, Ends, Event, History, Pace, Pin, Record, Ruler, RunSummary, Scalar, Series, Smoothed,
    Status, Teaching, Validation, XAxis,
};
use attune_core::train::{DataChange, DataWatch};
use crossbeam::channel::{RecvTimeoutError, Sender, TrySendError, bounded};
use shelving::{Change, What};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use system::SystemFollower;

/// How often the log of a run in progress is looked at.
const LIVE: Duration = Duration::from_millis(250);
/// How often the log of a run that is over is looked at: it may be resumed by another process.
const QUIET: Duration = Duration::from_secs(2);
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
    followers: BTreeMap<PathBuf, Follower>,
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
        match &**self.followers.get(folder)?.news.load() {
            News::View(view) => Some(Arc::clone(view)),
            News::Reading | News::Failed(_) => None,
        }
    }

    /// Why a run cannot be shown.
    pub fn error(&self, folder: &Path) -> Option<String> {
        match &**self.followers.get(folder)?.news.load() {
            News::Failed(error) => Some(error.clone()),
            News::Reading | News::View(_) => None,
        }
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
            let follower = Follower::start(folder.clone(), Arc::clone(&runs.smoothing), jobs);
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

/// A run as it stood when its log was last read. Immutable; a newer one replaces it.
#[derive(Debug)]
pub struct RunView {
    /// Its folder.
    pub folder: PathBuf,
    /// The folder's name.
    pub id: String,
    /// Grows with each view of the same run.
    pub revision: u64,
    /// Where it stands.
    pub status: Status,
    /// Names of the tags.
    pub tags: Vec<String>,
    /// All validations that count, by step.
    pub validations: Vec<Validation>,
    /// The one with the lowest loss.
    pub best: Option<Validation>,
    /// Name and scores of the split that was scored after training, as a rule the test split.
    pub evaluated: Option<(String, Scores)>,
    /// What ends it, by its recipe or as it was extended since.
    pub ends: Ends,
    /// Epochs since the best validation, as early stopping counts.
    pub epochs_waited: Option<u32>,
    /// (epoch, step) at which each epoch began.
    pub epoch_starts: Vec<(u32, u64)>,
    /// Everything that was logged, oldest first.
    pub events: Vec<Arc<Record>>,
    /// Steps done.
    pub last_step: u64,
    /// How fast it is, and how long it will still take.
    pub pace: Pace,
    /// The training loss, smoothed.
    pub smoothed_loss: Series,
    /// Where its data set lies, if the run says so.
    pub data_folder: Option<PathBuf>,
    /// Name and fingerprint of its data set as it was, if the run says so.
    pub data: Option<(String, String)>,
    /// Who teaches, if it is a noisy student's run.
    pub teaching: Option<Teaching>,
    /// Loss and scores of the teacher on the validation split.
    pub teacher_scored: Option<(f64, Scores)>,
    /// What the teacher answered to unlabelled clips before the last validation.
    pub pseudo_labels: Option<Arc<PseudoLabels>>,
    /// Notes to single steps, by step.
    pub pins: Vec<Pin>,
    /// Where its time goes, and what its machine is doing.
    pub system: RunSystem,
    /// The learning rate of its recipe.
    learning_rate: Option<f64>,
    series: Vec<Series>,
    /// In the order of [`XAxis::ALL`].
    rulers: [Ruler; XAxis::ALL.len()],
}

impl RunView {
    fn new(
        history: &History,
        smoothed_loss: Series,
        pins: Vec<Pin>,
        system: RunSystem,
        revision: u64,
    ) -> Self {
        let data_folder = history
            .run_toml()
            .and_then(|run| run.get("data")?.get("folder")?.as_str().map(PathBuf::from));
        let data = history.run_toml().and_then(|run| {
            let told = |key: &str| Some(run.get("data")?.get(key)?.as_str()?.to_owned());
            Some((told("name")?, told("fingerprint")?))
        });
        Self {
            folder: history.folder().to_owned(),
            id: history.id().to_owned(),
            revision,
            status: history.status(),
            tags: history.tags().to_vec(),
            validations: history.validations().to_vec(),
            best: history.best().cloned(),
            evaluated: history
                .evaluated()
                .map(|(split, scores)| (split.to_owned(), scores.clone())),
            ends: history.ends(),
            epochs_waited: history.epochs_waited(),
            epoch_starts: history.epoch_starts().to_vec(),
            events: history.events().to_vec(),
            last_step: history.last_step(),
            pace: Pace::of(history),
            smoothed_loss,
            data_folder,
            data,
            teaching: history.teaching().cloned(),
            teacher_scored: history
                .teacher_scored()
                .map(|(loss, scores)| (loss, scores.clone())),
            pseudo_labels: history.pseudo_labels().cloned(),
            pins,
            system,
            learning_rate: history
                .run_toml()
                .and_then(|run| run.get("config")?.get("learning_rate")?.as_float()),
            series: Scalar::ALL
                .iter()
                .map(|scalar| history.series(*scalar).clone())
                .collect(),
            rulers: XAxis::ALL.map(|axis| Ruler::of(history, axis)),
        }
    }

    /// One measure over the steps.
    pub fn series(&self, scalar: Scalar) -> &Series {
        &self.series[scalar as usize]
    }

    /// How its steps lie on an axis.
    pub fn ruler(&self, axis: XAxis) -> &Ruler {
        &self.rulers[axis as usize]
    }

    /// The learning rate that a schedule scales: as it was set by hand last, else the recipe's.
    pub fn base_learning_rate(&self) -> Option<f64> {
        // What a resumption has voided does not count.
        let mut counts_up_to = u64::MAX;
        for record in self.events.iter().rev() {
            match record.event {
                Event::Resumed {
                    learning_rate: Some(learning_rate),
                    ..
                } if record.step <= counts_up_to => return Some(learning_rate),
                Event::Resumed { .. } => counts_up_to = counts_up_to.min(record.step),
                Event::LearningRateSet { learning_rate } if record.step <= counts_up_to => {
                    return Some(learning_rate);
                }
                _ => {}
            }
        }
        self.learning_rate
    }

    /// The facts with which the run began.
    pub fn facts(&self) -> Facts {
        self.events
            .iter()
            .find_map(|record| match &record.event {
                Event::Started {
                    name,
                    model,
                    data,
                    n_parameters,
                    steps_per_epoch,
                    ..
                } => Some(Facts {
                    name: name.clone(),
                    model: model.clone(),
                    data: data.clone(),
                    n_parameters: *n_parameters,
                    steps_per_epoch: *steps_per_epoch,
                }),
                _ => None,
            })
            .unwrap_or_default()
    }

    /// The epoch in which `step` lies.
    pub fn epoch_at(&self, step: u64) -> u32 {
        let after = self
            .epoch_starts
            .partition_point(|(_, start)| *start < step);
        self.epoch_starts[..after]
            .last()
            .map_or(0, |(epoch, _)| *epoch)
    }

    /// The epoch now in progress, or the last one.
    pub fn epoch(&self) -> u32 {
        self.epoch_starts.last().map_or(0, |(epoch, _)| *epoch)
    }
}

/// The facts with which a run began. Counts are 0 where an old log lacks them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The user's name for it.
    pub name: String,
    /// Model preset.
    pub model: String,
    /// Name of the data set.
    pub data: String,
    /// Trained numbers.
    pub n_parameters: u64,
    /// Steps of an epoch.
    pub steps_per_epoch: u64,
}

enum News {
    Reading,
    View(Arc<RunView>),
    Failed(String),
}

struct Follower {
    news: Arc<ArcSwap<News>>,
    /// Dropping it ends the thread.
    poke: Sender<()>,
}

impl std::fmt::Debug for Follower {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Follower")
    }
}

impl Follower {
    fn start(folder: PathBuf, smoothing: Arc<AtomicU64>, jobs: &Jobs) -> Self {
        let news = Arc::new(ArcSwap::from_pointee(News::Reading));
        let (poke, pokes) = bounded::<()>(1);
        let published = Arc::clone(&news);
        let jobs = jobs.clone();
        let thread = std::thread::Builder::new()
            .name("follow run".to_owned())
            .spawn(move || {
                let publish = |news| {
                    published.store(Arc::new(news));
                    jobs.wake();
                };
                // A run that prepares its data has no log yet.
                let mut history = loop {
                    match History::open(&folder) {
                        Ok(history) => break history,
                        Err(error) => {
                            publish(News::Failed(format!("{:#}", anyhow::Error::new(error))));
                        }
                    }
                    if pokes.recv_timeout(QUIET / 4) == Err(RecvTimeoutError::Disconnected) {
                        return;
                    }
                };
                let mut weight = f64::NAN;
                let mut smoothed = Smoothed::new(0.0);
                // What cannot be read is told where it is about to be changed.
                let read_pins = || run::About::read(&folder).unwrap_or_default().pins;
                let mut pins = read_pins();
                let mut system = SystemFollower::default();
                system.refresh(&history);
                let mut changed = true;
                let mut is_out_of_reach = false;
                for revision in 0.. {
                    let wanted = f64::from_bits(smoothing.load(Ordering::Relaxed));
                    if wanted.to_bits() != weight.to_bits() {
                        weight = wanted;
                        smoothed = Smoothed::new(weight);
                        changed = true;
                    }
                    if changed {
                        smoothed.follow(history.series(Scalar::Loss));
                        let series = smoothed.series().clone();
                        let (pins, system) = (pins.clone(), system.view(&history));
                        let view = RunView::new(&history, series, pins, system, revision);
                        publish(News::View(Arc::new(view)));
                    }
                    let pause = match history.status() {
                        Status::Running | Status::Paused => LIVE,
                        _ => QUIET,
                    };
                    if pokes.recv_timeout(pause) == Err(RecvTimeoutError::Disconnected) {
                        return;
                    }
                    let newest = read_pins();
                    let is_repinned = newest != pins;
                    pins = newest;
                    let has_samples = system.refresh(&history);
                    let status = history.status();
                    changed = match history.refresh() {
                        Ok(changed) => {
                            let status_changed = history.status() != status;
                            let is_other = is_repinned || is_out_of_reach || status_changed;
                            changed || has_samples || is_other
                        }
                        // A folder on a network comes back.
                        Err(error) => {
                            let why = format!("{:#}", anyhow::Error::new(error));
                            publish(News::Failed(why));
                            (is_out_of_reach, changed) = (true, false);
                            continue;
                        }
                    };
                    is_out_of_reach = false;
                }
            });
        if let Err(error) = thread {
            news.store(Arc::new(News::Failed(format!(
                "cannot start a thread: {error}"
            ))));
        }
        Self { news, poke }
    }

    fn poke(&self) {
        match self.poke.try_send(()) {
            // Full: it will look anyway. Disconnected: the run failed, and its error is shown.
            Ok(()) | Err(TrySendError::Full(()) | TrySendError::Disconnected(())) => {}
        }
    }
}
