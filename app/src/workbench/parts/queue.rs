//! The queue in the window: a live view of it, changes one after the other, and working it off by the same handle as any other training.
//!
//! Between two runs a job enters how the one has ended and begins the next; while a run trains, it is the Training panel's like any other. That it
//! is stopped, by whomever, pauses the queue.

use super::training;
use crate::workbench::following::Following;
use crate::workbench::jobs::{Activity, Slot};
use crate::workbench::{Command as AnyCommand, CommandSender, Jobs, Level, Notice, State as Whole};
use attune_core::message::full_message;
use attune_core::queue::{Begun, Entry, Follower, Queue, Table, Worker};
use attune_core::train::{self, Handle, More, Outcome, TrainConfig};
use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// How often the files are looked at while somebody works the queue off.
const LIVE: Duration = Duration::from_millis(700);
/// How often otherwise: another process may add a run.
const QUIET: Duration = Duration::from_secs(3);

/// The queue. Changed only by [`run`] and [`logic`].
#[derive(Debug)]
pub struct State {
    following: Option<Following<Table>>,
    changes: VecDeque<Change>,
    changing: Slot<u64, Vec<String>>,
    stepping: Slot<u64, Step>,
    n_asked: u64,
    /// While a run of the queue trains: who works it off, and the run's entry.
    at_work: Option<(Worker, Entry)>,
    /// How that run has ended, until it is entered.
    ended: Option<Result<Outcome, String>>,
    pausing: Pausing,
    offer: Offer,
    /// The run that the change under way puts into the queue, if it does.
    adding_run: Option<PathBuf>,
    /// What came of the last run that was to be put into it.
    answer: Option<Answer>,
}

/// Whether a run that is there already could be put into the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Its folder.
    pub folder: PathBuf,
    /// How many such answers there have been with this one.
    pub number: u64,
    /// Why it could not.
    pub refusal: Option<String>,
}

/// Whether it is to pause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pausing {
    No,
    Asked,
    /// The run in training was told to stop.
    Told,
}

/// Whether the user was asked if an unfinished queue is to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Offer {
    /// Not yet: what is in the queue is not known.
    ToCome,
    Open,
    Answered,
}

/// The queue between two runs.
#[derive(Debug)]
enum Step {
    /// The next run.
    Begun(Box<Worker>, Box<Begun>),
    /// It was to pause.
    Paused,
    /// Nothing is left but what failed, or what somebody else trains; and whether anything was trained before that.
    Over(Table, Worked),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Worked {
    Nothing,
    Runs,
}

/// What can be asked.
#[derive(Debug)]
pub enum Command {
    /// Put runs with this recipe at the end: so many students in a row, each taught by the one before, or one.
    Add(Box<TrainConfig>, u32),
    /// Put the run in this folder at the end, to go on, for longer if more is asked.
    AddRun(PathBuf, More),
    /// Take an entry out.
    Remove(String),
    /// Give an entry another place, from 1.
    Move(String, usize),
    /// Let an entry that failed have its turn again.
    Retry(String),
    /// Work it off.
    Start,
    /// Stop after a checkpoint.
    Pause,
    /// Leave an unfinished queue as it is for now.
    NotNow,
}

#[derive(Debug)]
enum Change {
    Add(Box<TrainConfig>, u32),
    AddRun(PathBuf, More),
    Remove(String),
    Move(String, usize),
    Retry(String),
}

impl Default for State {
    fn default() -> Self {
        Self {
            following: None,
            changes: VecDeque::new(),
            changing: Slot::new("change the queue"),
            stepping: Slot::new("next run of the queue"),
            n_asked: 0,
            at_work: None,
            ended: None,
            pausing: Pausing::No,
            offer: Offer::ToCome,
            adding_run: None,
            answer: None,
        }
    }
}

impl State {
    /// The queue as it was last seen; `None` before that, and while it cannot be read.
    pub fn table(&self) -> Option<Arc<Table>> {
        self.following.as_ref()?.found()
    }

    /// Why it cannot be read.
    pub fn error(&self) -> Option<String> {
        self.following.as_ref()?.error()
    }

    /// What came of the last run that was to be put into it.
    pub fn answer(&self) -> Option<&Answer> {
        self.answer.as_ref()
    }

    /// Whether it is worked off in this window.
    pub fn is_working(&self) -> bool {
        self.at_work.is_some() || self.stepping.is_busy()
    }

    /// Whether it was asked to pause, and has not yet.
    pub fn is_pausing(&self) -> bool {
        self.pausing != Pausing::No
    }

    /// Whether the user is to be asked if it shall go on.
    pub fn is_offered(&self) -> bool {
        self.offer == Offer::Open
    }

    /// Takes the work out of the window's hands, with the run that `handle` trains, to let it go on without a window. `None` between two runs.
    pub fn take_work(
        &mut self,
        handle: impl FnOnce() -> Option<Handle>,
    ) -> Option<(Worker, Begun)> {
        let (worker, entry) = self.at_work.take()?;
        let Some(handle) = handle() else {
            self.at_work = Some((worker, entry));
            return None;
        };
        Some((worker, Begun { entry, handle }))
    }

    /// Takes note of how the run in training has ended, if it is the queue's.
    pub(super) fn take_end(&mut self, outcome: Result<Outcome, String>) {
        if self.at_work.is_some() {
            self.ended = Some(outcome);
        }
    }

    pub(in crate::workbench) fn activities(&self) -> impl Iterator<Item = Activity> {
        [self.changing.activity(), self.stepping.activity()]
            .into_iter()
            .flatten()
    }

    /// Lets it stop where it is: after a checkpoint of the run in training, or before the next run.
    pub(in crate::workbench) fn pause(&mut self) {
        if self.is_working() && self.pausing == Pausing::No {
            self.pausing = Pausing::Asked;
        }
    }

    fn step(&mut self, jobs: &Jobs, work: impl FnOnce() -> anyhow::Result<Step> + Send + 'static) {
        self.n_asked += 1;
        self.stepping.ask_again(jobs, self.n_asked, move |_| work());
    }
}

/// Carries out a command, between frames.
pub fn run(command: Command, state: &mut Whole, jobs: &Jobs, sender: &CommandSender) {
    let is_busy = state.is_training();
    let queue = &mut state.queue;
    let change = match command {
        Command::Add(config, n) => Change::Add(config, n),
        Command::AddRun(folder, more) => Change::AddRun(folder, more),
        Command::Remove(id) => Change::Remove(id),
        Command::Move(id, place) => Change::Move(id, place),
        Command::Retry(id) => Change::Retry(id),
        Command::Start if is_busy => {
            let what = "Something is being trained: the queue can be started when that has ended.";
            return sender.send(Notice::new(Level::Warning, what));
        }
        Command::Start => {
            queue.offer = Offer::Answered;
            queue.pausing = Pausing::No;
            let (of, wake) = (Queue::of(&state.workspace), jobs.waker());
            return queue.step(jobs, move || next(of.work()?, &wake, Worked::Nothing));
        }
        Command::Pause => {
            queue.pause();
            return;
        }
        Command::NotNow => {
            queue.offer = Offer::Answered;
            return;
        }
    };
    queue.changes.push_back(change);
}

/// Called once before each frame, after the training's.
pub fn logic(state: &mut Whole, jobs: &Jobs, sender: &CommandSender) {
    follow(state, jobs);
    change(state, jobs, sender);
    take_step(state, jobs, sender);
    let queue = &mut state.queue;
    if let Some(outcome) = queue.ended.take()
        && let Some((mut worker, entry)) = queue.at_work.take()
    {
        let (wake, is_pausing) = (jobs.waker(), queue.is_pausing());
        queue.step(jobs, move || {
            let is_stopped = outcome == Ok(Outcome::Stopped);
            worker.ended(&entry, outcome.as_ref().copied().map_err(String::as_str))?;
            if is_stopped || is_pausing {
                return Ok(Step::Paused);
            }
            next(worker, &wake, Worked::Runs)
        });
    }
    if queue.pausing == Pausing::Asked && queue.at_work.is_some() {
        queue.pausing = Pausing::Told;
        let stop = training::Command::Steer(train::Command::Stop);
        sender.send(AnyCommand::Training(stop));
    }
}

fn next(
    mut worker: Worker,
    wake: &Arc<dyn Fn() + Send + Sync>,
    worked: Worked,
) -> anyhow::Result<Step> {
    Ok(match worker.next(wake)? {
        Some(begun) => Step::Begun(Box::new(worker), Box::new(begun)),
        None => Step::Over(worker.queue().table()?, worked),
    })
}

/// Keeps an eye on the files, and asks once whether an unfinished queue is to go on.
fn follow(state: &mut Whole, jobs: &Jobs) {
    let queue = &mut state.queue;
    if queue.following.is_none() {
        let mut follower = Follower::new(Queue::of(&state.workspace));
        queue.following = Some(Following::start("follow queue", jobs, move |look| {
            let found = follower.table();
            let is_live = matches!(&found, Ok(table) if table.is_worked_on);
            look.publish(found.map_err(|error| full_message(&error)));
            if is_live { LIVE } else { QUIET }
        }));
    }
    if queue.offer == Offer::ToCome
        && let Some(table) = queue.table()
    {
        let is_open = table.n_open() > 0 && !table.is_worked_on;
        queue.offer = if is_open {
            Offer::Open
        } else {
            Offer::Answered
        };
    }
    if queue.offer == Offer::Open && state.is_training() {
        state.queue.offer = Offer::Answered;
    }
}

/// Makes the changes that were asked for, in their order.
fn change(state: &mut Whole, jobs: &Jobs, sender: &CommandSender) {
    let queue = &mut state.queue;
    if queue.changing.poll(jobs) {
        if let Some(result) = queue.changing.take() {
            if let Some(folder) = queue.adding_run.take() {
                queue.answer = Some(Answer {
                    folder,
                    number: queue.answer.as_ref().map_or(1, |last| last.number + 1),
                    refusal: result.as_ref().err().map(ToString::to_string),
                });
            }
            match result {
                Ok(added) => {
                    for id in added {
                        let text = format!("In the queue: {id}");
                        sender.send(Notice::new(Level::Success, text));
                    }
                }
                Err(error) => sender.send(Notice::new(Level::Error, error)),
            }
        }
        if let Some(following) = &queue.following {
            following.poke();
        }
    }
    if queue.changing.is_busy() {
        return;
    }
    let Some(change) = queue.changes.pop_front() else {
        return;
    };
    let of = Queue::of(&state.workspace);
    queue.adding_run = match &change {
        Change::AddRun(folder, _) => Some(folder.clone()),
        _ => None,
    };
    queue.n_asked += 1;
    let asked = queue.n_asked;
    queue.changing.ask_again(jobs, asked, move |_| {
        let mut added = Vec::new();
        match change {
            Change::Add(mut config, n) => {
                let n = if config.noisy_student.is_some() {
                    n.max(1)
                } else {
                    1
                };
                for _ in 0..n {
                    let entry = of.add((*config).clone())?;
                    if config.noisy_student.is_some() {
                        config.teach(entry.run_folder(&of.workspace().runs()));
                    }
                    added.push(entry.id);
                }
            }
            Change::AddRun(folder, more) => added.push(of.add_run(&folder, more)?.id),
            Change::Remove(id) => of.remove(&id)?,
            Change::Move(id, place) => of.move_to(&id, place)?,
            Change::Retry(id) => of.retry(&id)?,
        }
        Ok(added)
    });
}

/// Takes in what came of the last step.
fn take_step(state: &mut Whole, jobs: &Jobs, sender: &CommandSender) {
    let queue = &mut state.queue;
    if !queue.stepping.poll(jobs) {
        return;
    }
    let Some(step) = queue.stepping.take() else {
        return;
    };
    if let Some(following) = &queue.following {
        following.poke();
    }
    match step {
        Ok(Step::Begun(worker, begun)) => {
            let Begun { entry, handle } = *begun;
            queue.at_work = Some((*worker, entry));
            state.training.take_up(handle, sender);
        }
        Ok(Step::Paused) => queue.pausing = Pausing::No,
        Ok(Step::Over(table, worked)) => {
            queue.pausing = Pausing::No;
            sender.send(over(&table, worked));
        }
        Err(error) => {
            queue.pausing = Pausing::No;
            let text = format!("The queue does not go on: {error}");
            sender.send(Notice::new(Level::Error, text));
        }
    }
}

/// What is said when no run is left to begin.
fn over(table: &Table, worked: Worked) -> Notice {
    let (n_failed, n_elsewhere) = (table.n_failed(), table.n_open());
    if n_failed + n_elsewhere == 0 {
        return match worked {
            Worked::Runs => Notice::new(Level::Success, "The queue is worked off."),
            Worked::Nothing => {
                let text = "The queue is empty: \u{201c}Add to queue\u{201d} in the Training panel puts a run into it.";
                Notice::new(Level::Info, text)
            }
        };
    }
    let mut left = Vec::new();
    if n_failed > 0 {
        left.push(format!(
            "{n_failed} that failed (the Training panel says why)"
        ));
    }
    if n_elsewhere > 0 {
        left.push(format!("{n_elsewhere} that somebody else trains"));
    }
    let left = left.join(" and ");
    Notice::new(
        Level::Warning,
        match worked {
            Worked::Runs => format!("The queue is worked off but for {left}."),
            Worked::Nothing => format!("Nothing in the queue can be begun: there is only {left}."),
        },
    )
}
