//! `attune runs pause|continue|stop|snapshot|validate|set-learning-rate`: commands to a run that another process trains.

use super::super::{Console, Failure, Fault, ResultExt};
use attune_core::run::event_words;
use attune_core::run::{self, Event, History, Record, Status};
use attune_core::train::Command;
use std::time::Duration;

/// How often the run's log is looked at for its answer.
const LOOK_EVERY: Duration = Duration::from_millis(100);

#[derive(Debug, clap::Subcommand)]
pub(super) enum Order {
    /// Let a run that another process trains wait, after a checkpoint
    Pause(To),
    /// Let a paused run go on
    Continue(To),
    /// End a run after a checkpoint; `attune train --resume` goes on
    Stop(To),
    /// Let a run keep a copy of its weights of this moment
    Snapshot(To),
    /// Let a run score the validation split now
    Validate(To),
    /// Change the learning rate of a run
    SetLearningRate {
        #[command(flatten)]
        to: To,
        /// The learning rate from the next step on
        rate: f64,
    },
}

/// Whom a command is for.
#[derive(Debug, clap::Args)]
pub(super) struct To {
    /// Id, beginning of an id, or run folder
    run: String,
    /// Do not wait for the run's answer
    #[arg(long)]
    no_wait: bool,
}

/// Sends the command and tells what the run answers.
pub(super) fn steer(order: Order, console: &Console) -> Result<(), Failure> {
    let (command, to) = match order {
        Order::Pause(to) => (Command::Pause, to),
        Order::Continue(to) => (Command::Continue, to),
        Order::Stop(to) => (Command::Stop, to),
        Order::Snapshot(to) => (Command::Snapshot, to),
        Order::Validate(to) => (Command::Validate, to),
        Order::SetLearningRate { to, rate } if rate.is_finite() && rate > 0.0 => {
            (Command::SetLearningRate(rate), to)
        }
        Order::SetLearningRate { rate, .. } => {
            let why = format!("a learning rate must be a positive number, not {rate}");
            return Err(Failure::new(Fault::Usage, anyhow::anyhow!(why)));
        }
    };
    let folder = run::find(&console.workspace.runs(), &to.run).bad_input()?;
    let mut history = History::open(&folder).bad_input()?;
    let id = history.id().to_owned();
    let is_so = match (command, history.status()) {
        (Command::Pause, Status::Paused) => Some("is paused already"),
        (Command::Continue, Status::Running) => Some("is not paused"),
        _ => None,
    };
    if let Some(is_so) = is_so {
        return console.line(&format!("{id} {is_so}"));
    }
    // A writer that has told its end may hold the folder for a moment more.
    if !matches!(history.status(), Status::Running | Status::Paused) {
        return Err(run::Error::NoWriter(folder)).failed();
    }
    let n_before = history.events().len();
    command.post(&folder).failed()?;
    if to.no_wait {
        return Ok(());
    }
    console.say("sent; the run answers after its present step (Ctrl-C: do not wait)");
    loop {
        history.refresh().failed()?;
        let news = history.events().get(n_before..).unwrap_or_default();
        if let Some(record) = news.iter().find(|record| answers(record, command)) {
            return console.line(&format!("{id} {}", event_words(record).unwrap_or_default()));
        }
        if !matches!(history.status(), Status::Running | Status::Paused) {
            let why = format!(
                "{id} ended before it answered: {}",
                history.status().label()
            );
            return Err(Failure::new(Fault::Failed, anyhow::anyhow!(why)));
        }
        if console.cancel.is_cancelled() {
            let why = format!("{id} has not answered yet; the command stays sent");
            return Err(Failure::new(Fault::Cancelled, anyhow::anyhow!(why)));
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

/// Whether an event is what `command` leads to.
fn answers(record: &Record, command: Command) -> bool {
    match (&record.event, command) {
        (Event::Paused, Command::Pause)
        | (Event::Continued, Command::Continue)
        | (Event::SnapshotTaken { .. }, Command::Snapshot)
        | (Event::Validated { .. }, Command::Validate)
        | (Event::Stopped, Command::Stop) => true,
        (Event::LearningRateSet { learning_rate }, Command::SetLearningRate(rate)) => {
            *learning_rate == rate
        }
        _ => false,
    }
}
