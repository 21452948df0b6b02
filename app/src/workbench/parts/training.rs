//! The run in training: its handle, what can be asked of it, and the estimate before it.

mod elsewhere;

pub use elsewhere::trained_elsewhere;

use super::runs;
use crate::workbench::jobs::{Activity, Slot};
use crate::workbench::{
    Command as AnyCommand, CommandSender, Jobs, Level, Notice, Select, State as Whole,
};
use attune_core::augment::{Chains, Entry};
use attune_core::dataset::{Dataset, Split};
use attune_core::interpret::has_timeline;
use attune_core::message::full_message;
use attune_core::run::Status;
use attune_core::train::{self, Estimate, Handle, More, Outcome, TrainConfig};
use elsewhere::Post;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The run in training.
#[derive(Debug)]
pub struct State {
    starting: Slot<u64, Handle>,
    asked: u64,
    handle: Option<Handle>,
    estimate: Slot<Box<TrainConfig>, Estimate>,
    timelines: Slot<PathBuf, bool>,
    /// Keyed by how often it was asked for.
    chains: Slot<u64, Vec<Entry>>,
    chains_asked: u64,
    /// The run that was asked for more and has not gone on yet.
    extending: Option<PathBuf>,
    /// The run that was asked for more last and could not go on, and why.
    refused: Option<(PathBuf, String)>,
    /// Of several students in a row, the one in training.
    students: Option<Students>,
    /// Commands to runs that other processes train.
    post: Post,
    /// The run that ended here, until its view tells so as well.
    ended: Option<PathBuf>,
}

/// Students that are trained one after the other, each with the one before as its teacher.
#[derive(Clone, Debug)]
pub struct Students {
    /// The recipe of the one in training.
    pub config: Box<TrainConfig>,
    /// Which one it is, from 1.
    pub at: u32,
    /// How many there will be.
    pub n: u32,
}

/// What can be asked.
#[derive(Debug)]
pub enum Command {
    /// Begin a run.
    Start(Box<TrainConfig>),
    /// Begin several runs in a row, each with the model of the one before as its teacher.
    StartStudents(Students),
    /// Go on with the run in this folder from its last checkpoint.
    Resume(PathBuf),
    /// Go on with the run in this folder for longer than was asked of it so far.
    Extend(PathBuf, More),
    /// Tell the run something; without one here, the shown run if another process trains it.
    Steer(train::Command),
    /// Tell the run in this folder something, which another process trains.
    SteerElsewhere(PathBuf, train::Command),
    /// Pause the run, or let it go on; without one here, as [`Command::Steer`].
    TogglePause,
    /// Find out what a run of this configuration would cost.
    Estimate(Box<TrainConfig>),
    /// Find out whether the data set in this folder has validation tracks with timelines.
    LookForTimelines(PathBuf),
    /// List the augmentation chains anew.
    LookForChains,
}

impl Default for State {
    fn default() -> Self {
        Self {
            starting: Slot::new("start training"),
            asked: 0,
            handle: None,
            estimate: Slot::new("estimate the run"),
            timelines: Slot::new("look for timelines"),
            chains: Slot::new("list the chains"),
            chains_asked: 0,
            extending: None,
            refused: None,
            students: None,
            post: Post::new(),
            ended: None,
        }
    }
}

impl State {
    /// Whether a run is in training here (or about to begin).
    pub fn is_running(&self) -> bool {
        self.handle.is_some() || self.starting.is_busy()
    }

    /// Why the run in this folder did not go on when it was asked for more, if it was asked last.
    pub fn refused(&self, folder: &Path) -> Option<&str> {
        let (refused, why) = self.refused.as_ref()?;
        (refused == folder).then_some(why)
    }

    /// Takes up a run that the queue has begun.
    pub(super) fn take_up(&mut self, handle: Handle, sender: &CommandSender) {
        sender.send(Select::Run(Some(handle.run_folder.clone())));
        sender.send(AnyCommand::Runs(runs::Command::Refresh));
        self.students = None;
        self.estimate.cancel();
        self.handle = Some(handle);
    }

    /// The folder of the run in training.
    pub fn run_folder(&self) -> Option<&Path> {
        self.handle
            .as_ref()
            .map(|handle| handle.run_folder.as_path())
    }

    /// What the run does while it is not in a training step (rendering, decoding, validating).
    pub fn preparing(&self) -> Option<Activity> {
        let progress = self.handle.as_ref()?.preparing()?;
        Some(Activity {
            name: "training",
            progress: progress.as_ref().clone(),
            seconds: 0.0,
        })
    }

    /// The learning rate in force before the schedule scales it.
    pub fn base_learning_rate(&self) -> Option<f64> {
        self.handle.as_ref()?.base_learning_rate()
    }

    /// The newest weights that the run has published.
    pub fn model(&self) -> Option<Arc<attune_core::predict::Model>> {
        self.handle.as_ref()?.model()
    }

    /// The estimate for exactly this configuration, or why there is none.
    pub fn estimate(&self, config: &TrainConfig) -> Option<Result<&Estimate, &str>> {
        if self.estimate.done_key().map(AsRef::as_ref) != Some(config) {
            return None;
        }
        match self.estimate.result()? {
            Ok(estimate) => Some(Ok(estimate)),
            Err(error) => Some(Err(error)),
        }
    }

    /// Whether an estimate is being made.
    pub fn is_estimating(&self) -> bool {
        self.estimate.is_busy()
    }

    /// Whether the data set in this folder has validation tracks with timelines; `None` if that is not known (yet).
    pub fn has_timelines(&self, folder: &PathBuf) -> Option<bool> {
        self.timelines.value_for(folder).copied()
    }

    /// The augmentation chains as they were last listed; empty until then.
    pub fn chains(&self) -> &[Entry] {
        self.chains.value().map_or(&[], Vec::as_slice)
    }

    /// Of several students in a row, the one in training.
    pub fn students(&self) -> Option<&Students> {
        self.students.as_ref()
    }

    /// Takes the students after the one in training out of the window's hands.
    pub fn take_students(&mut self) -> Option<Students> {
        self.students
            .take()
            .filter(|students| students.at < students.n)
    }

    /// Takes the run out of the window's hands, to let it go on without a window.
    pub fn take_handle(&mut self) -> Option<Handle> {
        self.handle.take()
    }

    pub(in crate::workbench) fn activities(&self) -> impl Iterator<Item = Activity> {
        [
            self.starting.activity(),
            self.estimate.activity(),
            self.timelines.activity(),
            self.chains.activity(),
        ]
        .into_iter()
        .flatten()
    }

    pub(in crate::workbench) fn cancel_jobs(&mut self) {
        self.estimate.cancel();
        self.timelines.cancel();
        self.chains.cancel();
    }
}

/// Carries out a command, between frames.
pub fn run(command: Command, state: &mut Whole, jobs: &Jobs, sender: &CommandSender) {
    let workspace = state.workspace.clone();
    let elsewhere = trained_elsewhere(state)
        .filter(|_| !state.training.is_running())
        .map(|(folder, status)| (folder.to_owned(), status));
    let in_experiment = state.experiments.is_working();
    let in_queue = state.queue.is_working();
    let is_paused = state.is_paused();
    let training = &mut state.training;
    let busy = || {
        let what = if in_experiment {
            "An experiment is at work: stop it before beginning a training."
        } else {
            "A training is running: stop it before beginning another, or add this one to the queue."
        };
        Notice::new(Level::Warning, what)
    };
    match command {
        Command::Start(_)
        | Command::StartStudents(_)
        | Command::Resume(_)
        | Command::Extend(..)
            if in_experiment || in_queue || training.is_running() =>
        {
            sender.send(busy());
        }
        Command::StartStudents(students) => {
            let config = students.config.clone();
            run(Command::Start(config), state, jobs, sender);
            state.training.students = Some(students);
        }
        Command::Start(config) => {
            training.students = None;
            training.asked += 1;
            training.estimate.cancel();
            let wake = jobs.clone();
            training.starting.ask_again(jobs, training.asked, move |_| {
                Ok(train::start(*config, &workspace, move || wake.wake())?)
            });
        }
        Command::Resume(folder) => {
            let same = Command::Extend(folder, More::default());
            run(same, state, jobs, sender);
        }
        Command::Extend(folder, more) => {
            training.students = None;
            training.asked += 1;
            training.refused = None;
            training.extending = (!more.is_nothing()).then(|| folder.clone());
            let wake = jobs.clone();
            training.starting.ask_again(jobs, training.asked, move |_| {
                let wake = move || wake.wake();
                Ok(train::extend(&folder, more, &workspace, wake)?)
            });
        }
        Command::SteerElsewhere(folder, order) => training.post.send(folder, order),
        Command::Steer(order) => {
            if let Some((folder, _)) = elsewhere {
                return training.post.send(folder, order);
            }
            let heard = training
                .handle
                .as_ref()
                .is_some_and(|handle| handle.send(order));
            if order == train::Command::Stop {
                training.students = None;
            }
            if !heard {
                sender.send(Notice::new(Level::Warning, "No training is running."));
            }
        }
        Command::TogglePause => {
            let is_paused = elsewhere.map_or(is_paused, |(_, status)| status == Status::Paused);
            let order = if is_paused {
                train::Command::Continue
            } else {
                train::Command::Pause
            };
            run(Command::Steer(order), state, jobs, sender);
        }
        Command::Estimate(config) => {
            training.estimate.request(jobs, config.clone(), move |job| {
                Ok(train::estimate(&config, &workspace, job)?)
            });
        }
        Command::LookForTimelines(folder) => {
            training.timelines.request(jobs, folder.clone(), move |_| {
                let dataset = Dataset::open(&folder)?;
                let mut valid = dataset.split(Split::Valid).unwrap_or_default().into_iter();
                Ok(valid.any(|track_idx| has_timeline(&dataset.tracks[track_idx])))
            });
        }
        Command::LookForChains => {
            training.chains_asked += 1;
            let asked = training.chains_asked;
            training
                .chains
                .ask_again(jobs, asked, move |_| Ok(Chains::of(&workspace).list()));
        }
    }
}

/// Called once before each frame: takes in a run that has begun or ended.
pub fn logic(state: &mut Whole, jobs: &Jobs, sender: &CommandSender) {
    let training = &mut state.training;
    training.estimate.poll(jobs);
    training.timelines.poll(jobs);
    training.chains.poll(jobs);
    training.post.logic(jobs, sender);
    let is_told = |folder: &PathBuf| {
        let view = state.runs.view(folder);
        view.is_none_or(|view| !elsewhere::is_live(view.status))
    };
    training.ended = training.ended.take().filter(|folder| !is_told(folder));
    if training.starting.poll(jobs) {
        match training.starting.take() {
            Some(Ok(handle)) => {
                sender.send(Select::Run(Some(handle.run_folder.clone())));
                sender.send(AnyCommand::Runs(runs::Command::Refresh));
                training.handle = Some(handle);
            }
            Some(Err(error)) => {
                training.students = None;
                let extending = training.extending.take();
                training.refused = extending.map(|folder| (folder, error.clone()));
                let text = format!("The training did not begin: {error}");
                sender.send(Notice::new(Level::Error, text));
            }
            None => {}
        }
    }
    if training.handle.as_ref().is_some_and(Handle::is_finished)
        && let Some(handle) = training.handle.take()
    {
        sender.send(AnyCommand::Runs(runs::Command::Refresh));
        let has_begun = handle.base_learning_rate().is_some();
        let folder = handle.run_folder.clone();
        training.ended = Some(folder.clone());
        let name = handle
            .run_folder
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default();
        // The thread has ended: joining it does not wait.
        let outcome = handle.join();
        let told = outcome.as_ref().map_err(|error| full_message(error));
        if let (Some(folder), Err(why), false) = (training.extending.take(), &told, has_begun) {
            training.refused = Some((folder, why.clone()));
        }
        state.queue.take_end(told.copied());
        let next = training.students.take().filter(|students| {
            let is_done = matches!(outcome, Ok(Outcome::Finished | Outcome::EarlyStopped));
            is_done && students.at < students.n
        });
        if let Some(mut students) = next {
            students.config.teach(folder);
            students.at += 1;
            sender.send(AnyCommand::Training(Command::StartStudents(students)));
        }
        sender.send(match outcome {
            Ok(Outcome::Finished) => {
                Notice::new(Level::Success, format!("Training finished: {name}"))
            }
            Ok(Outcome::EarlyStopped) => Notice::new(
                Level::Success,
                format!("Training ended, the validation loss no longer fell: {name}"),
            ),
            Ok(Outcome::Stopped) if state.queue.is_working() => Notice::new(
                Level::Info,
                format!(
                    "Training stopped; the queue goes on with it when it is started again: {name}"
                ),
            ),
            Ok(Outcome::Stopped) => Notice::new(
                Level::Info,
                format!("Training stopped; it can be resumed from the Runs panel: {name}"),
            ),
            Err(error) => Notice::new(
                Level::Error,
                format!("Training failed: {:#}: {name}", anyhow::Error::new(error)),
            ),
        });
    }
}
