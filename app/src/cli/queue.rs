//! `attune queue`: runs that wait for their turn, and working them off without a window.

use super::train::{self, Order};
use super::training_console::{Followed, Summary, follow_through};
use super::{Console, Failure, Fault, ResultExt};
use anyhow::anyhow;
use attune_core::message::full_message;
use attune_core::queue::{Begun, Entry, Error, Queue, State, Table, Worker};
use attune_core::train::Outcome;
use indicatif::HumanDuration;
use std::sync::Arc;
use std::time::Duration;

/// How often an empty queue is looked at that is waited for.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Runs that wait for their turn.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  attune queue add --preset tiny --data ~/music/tunes --epochs 60
  attune queue add my-recipe.toml --seed 2
  attune queue add --preset tiny,crnn --data ~/music/tunes     # two entries
  attune queue add --resume tiny-tunes-1 --epochs 300
  attune queue list
  attune queue move tiny-tunes-4 1
  attune queue run

An entry is named after its run, whose id is settled when it is added: a later entry may name it as its --teacher.
Ctrl-C stops the run in training after a checkpoint; the next `attune queue run` goes on with it. So it does after a crash.")]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Put a run at the end of the queue; takes what `attune train` takes
    Add(Box<train::Args>),
    /// List the queue: its order, what trains, what failed and why
    List {
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Take entries out; a run that was begun stays, as one that was stopped
    Remove {
        /// Names of entries
        #[arg(value_name = "ENTRY", required = true)]
        ids: Vec<String>,
    },
    /// Move an entry to another place
    Move {
        /// Name of the entry
        #[arg(value_name = "ENTRY")]
        id: String,
        /// Its place from now on, counted from 1
        #[arg(value_name = "PLACE", value_parser = clap::value_parser!(u32).range(1..))]
        place: u32,
    },
    /// Let entries that failed have their turn again, from their last checkpoint
    Retry {
        /// Names of entries; none: all that failed
        #[arg(value_name = "ENTRY")]
        ids: Vec<String>,
    },
    /// Work the queue off, one run after the other
    Run {
        /// When all is done, wait for further entries until Ctrl-C
        #[arg(long)]
        keep_waiting: bool,
        /// Print what `attune train --json` prints of each run that was worked on, as one JSON array
        #[arg(long)]
        json: bool,
    },
}

pub(super) fn run(args: Args, console: &Console) -> Result<(), Failure> {
    let queue = Queue::of(&console.workspace);
    match args.command {
        Command::Add(args) => add(&queue, &args, console),
        Command::List { json } => list(&queue, json, console),
        Command::Remove { ids } => ids
            .iter()
            .try_for_each(|id| queue.remove(id).map_err(failure)),
        Command::Move { id, place } => {
            queue.move_to(&id, place as usize).map_err(failure)?;
            list(&queue, false, console)
        }
        Command::Retry { ids } => retry(&queue, ids, console),
        Command::Run { keep_waiting, json } => {
            let worker = queue.work().failed()?;
            let work = Work {
                keep_waiting,
                json,
                console,
            };
            work.off(worker, None)
        }
    }
}

/// Goes on with what a window that was closed has begun.
pub(super) fn go_on(worker: Worker, begun: Begun, console: &Console) -> Result<(), Failure> {
    let work = Work {
        keep_waiting: false,
        json: false,
        console,
    };
    work.off(worker, Some(begun))
}

fn failure(error: Error) -> Failure {
    let fault = match &error {
        Error::NoEntry { .. } | Error::Twice { .. } | Error::Ended { .. } | Error::Train(_) => {
            Fault::Usage
        }
        _ => Fault::Failed,
    };
    Failure::new(fault, error)
}

fn add(queue: &Queue, args: &train::Args, console: &Console) -> Result<(), Failure> {
    let mut added: Vec<Entry> = Vec::new();
    for order in args.orders(console)? {
        match order {
            Order::GoOn(folder, more) => {
                added.push(queue.add_run(&folder, more).map_err(failure)?);
            }
            Order::New(mut config, n_students) => {
                for student in 1..=n_students {
                    let entry = queue.add((*config).clone()).map_err(failure)?;
                    if student < n_students {
                        config.teach(entry.run_folder(&console.workspace.runs()));
                    }
                    added.push(entry);
                }
            }
        }
    }
    if args.is_json() {
        let ids: Vec<&str> = added.iter().map(|entry| entry.id.as_str()).collect();
        return console.json(&ids);
    }
    for entry in &added {
        console.line(&format!("{}  {}", entry.id, entry.label()))?;
    }
    if !queue.is_worked_on() {
        console.say("in the queue; work it off with: attune queue run");
    }
    Ok(())
}

fn list(queue: &Queue, json: bool, console: &Console) -> Result<(), Failure> {
    let table = queue.table().failed()?;
    if json {
        return console.json(&table);
    }
    for file in &table.unreadable {
        let path = queue.folder().join(format!("{}.toml", file.id));
        console.say(&format!(
            "no entry: {}: {}",
            path.display(),
            file.why.trim()
        ));
    }
    if table.rows.is_empty() {
        console.say("the queue is empty; add a run with: attune queue add");
        return Ok(());
    }
    for line in lines(&table) {
        console.line(&line)?;
    }
    let who = match (table.is_worked_on, table.n_open()) {
        (true, _) => "; somebody works it off",
        (false, 0) => "",
        (false, _) => "; work it off with: attune queue run",
    };
    console.say(&format!("{}{who}", table.summary()));
    Ok(())
}

/// `1  tiny-demo-3  tiny on demo, at most 60 epochs  waits`
fn lines(table: &Table) -> Vec<String> {
    let width = |of: fn(&attune_core::queue::Row) -> &str| {
        let widths = table.rows.iter().map(|row| of(row).chars().count());
        widths.max().unwrap_or(0)
    };
    let (ids, labels) = (width(|row| &row.id), width(|row| &row.label));
    let rows = table.rows.iter().enumerate();
    rows.map(|(at, row)| {
        let mut line = format!(
            "{:>3}  {:<ids$}  {:<labels$}  {}",
            at + 1,
            row.id,
            row.label,
            row.state.label()
        );
        match &row.state {
            State::Running(advance) => {
                if let Some(left) = advance.seconds_left {
                    let left = Duration::from_secs(left.round() as u64);
                    line += &format!(", {} left at most", HumanDuration(left));
                }
            }
            State::Failed { message } => line += &format!(": {message}"),
            _ => {
                if let Some(seconds) = row.seconds {
                    let time = Duration::from_secs(seconds.round() as u64);
                    line += &format!(", {} at most", HumanDuration(time));
                }
            }
        }
        line
    })
    .collect()
}

fn retry(queue: &Queue, ids: Vec<String>, console: &Console) -> Result<(), Failure> {
    let ids = if ids.is_empty() {
        let entries = queue.entries().failed()?.entries.into_iter();
        let failed = entries.filter(|entry| entry.failure.is_some());
        failed.map(|entry| entry.id).collect()
    } else {
        ids
    };
    for id in &ids {
        queue.retry(id).map_err(failure)?;
    }
    list(queue, false, console)
}

/// How the queue is worked off.
struct Work<'a> {
    keep_waiting: bool,
    json: bool,
    console: &'a Console,
}

impl Work<'_> {
    /// Begins with `begun`, if something is.
    fn off(&self, mut worker: Worker, mut begun: Option<Begun>) -> Result<(), Failure> {
        let mut done: Vec<Summary> = Vec::new();
        let ending = self.each(&mut worker, &mut begun, &mut done);
        if self.json {
            self.console.json(&done)?;
        }
        if !ending? {
            let advice = anyhow!("stopped; go on with: attune queue run");
            return Err(Failure::new(Fault::Cancelled, advice));
        }
        let table = worker.queue().table().failed()?;
        if table.n_open() > 0 {
            let n = table.n_open();
            self.console.say(&format!(
                "somebody else trains {n} of its runs: these stay in the queue"
            ));
        } else if done.is_empty() && table.rows.is_empty() {
            self.console
                .say("the queue is empty; add a run with: attune queue add");
        }
        let n_left = table.n_failed() + table.unreadable.len();
        if n_left > 0 {
            let why = anyhow!(
                "all is done but {n_left} that failed (attune queue list says why); try again with: attune queue retry"
            );
            return Err(Failure::new(Fault::Failed, why));
        }
        Ok(())
    }

    /// Whether it came to the end of the queue; else it was stopped.
    fn each(
        &self,
        worker: &mut Worker,
        begun: &mut Option<Begun>,
        done: &mut Vec<Summary>,
    ) -> Result<bool, Failure> {
        let console = self.console;
        let wake: Arc<dyn Fn() + Send + Sync> = Arc::new(|| ());
        let mut is_idle = false;
        loop {
            if console.cancel.is_cancelled() && begun.is_none() {
                return Ok(false);
            }
            let next = match begun.take() {
                Some(begun) => Some(begun),
                None => worker.next(&wake).failed()?,
            };
            let Some(Begun { entry, handle }) = next else {
                if !self.keep_waiting {
                    return Ok(true);
                }
                if !is_idle {
                    console.say("the queue is done; waiting for further entries (Ctrl-C ends)");
                }
                is_idle = true;
                std::thread::sleep(LOOK_EVERY);
                continue;
            };
            is_idle = false;
            let n_after = worker.queue().table().failed()?.n_open().saturating_sub(1);
            console.say(&match n_after {
                0 => format!("{}: {}", entry.id, entry.label()),
                n => format!("{}: {} ({n} after it)", entry.id, entry.label()),
            });
            let Followed { outcome, summary } = follow_through(handle, console)?;
            let told = outcome.as_ref().map_err(|error| full_message(error));
            let told = told.as_ref().map(|outcome| **outcome);
            worker
                .ended(&entry, told.map_err(String::as_str))
                .failed()?;
            match &told {
                Err(why) => console.say(&format!("{} failed: {why}", entry.id)),
                Ok(outcome) => {
                    if let Some(summary) = &summary
                        && !self.json
                    {
                        console.line(&summary.to_string())?;
                    }
                    if *outcome == Outcome::Stopped {
                        done.extend(summary);
                        return Ok(false);
                    }
                }
            }
            done.extend(summary);
        }
    }
}
