//! `attune watch`: follows runs that other processes train, through their folders, over any file system.

use super::training_console::{line, show, summary};
use super::{Console, Failure, Fault, ResultExt};
use anyhow::anyhow;
use attune_core::message::full_message;
use attune_core::run::news_words;
use attune_core::run::{self, History, Status};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget};
use serde::Serialize;
use serde_json::json;
use std::io::{IsTerminal as _, stdout};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How often the logs are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// How often a folder of runs is searched for new ones.
const SEARCH_EVERY: Duration = Duration::from_secs(5);

/// Options of `attune watch`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  attune watch                              the newest run of the workspace that is in training
  attune watch demo-3
  attune watch /mnt/server/attune --all     every run in training there, a line each
  attune watch /mnt/server/attune/runs/demo-3 --json | jq 'select(.event == \"validated\").loss'

Ctrl-C ends the watching; the run goes on. Steer it with `attune runs pause|continue|stop|snapshot|validate`.
The exit code is that of the run (with --all always 0): 0 finished, 1 failed or its process is gone, 130 stopped.")]
pub(super) struct Args {
    /// A run (id or folder), a folder of runs or a workspace (default: this one)
    #[arg(value_name = "DIR")]
    target: Option<String>,
    /// All runs in training, also those that begin meanwhile, until none is left
    #[arg(long)]
    all: bool,
    /// Wait for a run to begin if there is none in training
    #[arg(long)]
    wait: bool,
    /// Seconds between two lines of progress where stdout is no terminal
    #[arg(long, value_name = "S", default_value_t = 10.0)]
    every: f64,
    /// Print one JSON object for each event, from the first of the run on, and for each line of progress
    #[arg(long)]
    json: bool,
}

/// What is watched.
enum Target {
    Run(PathBuf),
    Runs(PathBuf),
}

pub(super) fn run(args: Args, console: &Console) -> Result<(), Failure> {
    if !(args.every.is_finite() && args.every > 0.0) {
        let why = format!(
            "--every must be a positive number of seconds, not {}",
            args.every
        );
        return Err(Failure::new(Fault::Usage, anyhow!(why)));
    }
    let board = Board {
        lines: MultiProgress::with_draw_target(if args.json {
            ProgressDrawTarget::hidden()
        } else {
            ProgressDrawTarget::stdout()
        }),
        is_live: !args.json && stdout().is_terminal(),
        json: args.json,
        every: Duration::from_secs_f64(args.every),
        console,
    };
    match target(args.target.as_deref(), console)? {
        Target::Run(folder) => one(Watched::open(&folder, &board)?, &board),
        Target::Runs(runs) if args.all => all(&runs, args.wait, &board),
        Target::Runs(runs) => {
            let folder = loop {
                if let Some(folder) = in_training(&runs).into_iter().next() {
                    break folder;
                }
                if !args.wait {
                    let why = format!(
                        "no run is in training in {} (--wait waits for one; a run that has ended is shown by `attune runs show`)",
                        runs.display()
                    );
                    return Err(Failure::new(Fault::Failed, anyhow!(why)));
                }
                board.pause(SEARCH_EVERY)?;
            };
            one(Watched::open(&folder, &board)?, &board)
        }
    }
}

fn target(named: Option<&str>, console: &Console) -> Result<Target, Failure> {
    let Some(named) = named else {
        return Ok(Target::Runs(console.workspace.runs()));
    };
    let missing = match run::find(&console.workspace.runs(), named) {
        Ok(folder) => return Ok(Target::Run(folder)),
        Err(missing) => missing,
    };
    let folder = Path::new(named);
    if !folder.is_dir() {
        return Err(missing).bad_input();
    }
    let runs = folder.join("runs");
    Ok(Target::Runs(if runs.is_dir() {
        runs
    } else {
        folder.to_owned()
    }))
}

/// The runs that somebody trains, the newest first.
fn in_training(runs: &Path) -> Vec<PathBuf> {
    run::list(runs)
        .into_iter()
        .filter(|summary| is_in_training(summary.status))
        .map(|summary| summary.folder)
        .collect()
}

fn is_in_training(status: Status) -> bool {
    matches!(status, Status::Running | Status::Paused)
}

/// Watches one run to its end, and ends as it did.
fn one(mut watched: Watched, board: &Board<'_>) -> Result<(), Failure> {
    while is_in_training(watched.history.status()) {
        watched.tell(board)?;
        board.pause(LOOK_EVERY)?;
        watched.refresh(board);
    }
    watched.end(board)?;
    let history = &watched.history;
    let (fault, advice) = match history.status() {
        Status::Finished | Status::EarlyStopped => return Ok(()),
        Status::Stopped => (Fault::Cancelled, "was stopped; go on with"),
        Status::Interrupted => (
            Fault::Failed,
            "was left by its process without a word (killed, power cut); go on with",
        ),
        _ => {
            return Err(Failure::new(
                Fault::Failed,
                anyhow!("{} failed", history.id()),
            ));
        }
    };
    let why = format!("{0} {advice}: attune train --resume {0}", history.id());
    Err(Failure::new(fault, anyhow!(why)))
}

/// Watches all runs in training until there is none.
fn all(runs: &Path, wait: bool, board: &Board<'_>) -> Result<(), Failure> {
    let mut watched: Vec<Watched> = Vec::new();
    let mut searched: Option<Instant> = None;
    let mut has_seen_one = false;
    loop {
        if watched.is_empty() || searched.is_none_or(|at| at.elapsed() >= SEARCH_EVERY) {
            searched = Some(Instant::now());
            for folder in in_training(runs) {
                if !watched.iter().any(|known| known.history.folder() == folder) {
                    watched.push(Watched::open(&folder, board)?);
                }
            }
        }
        has_seen_one |= !watched.is_empty();
        if watched.is_empty() && (has_seen_one || !wait) {
            if !has_seen_one {
                board
                    .console
                    .say(&format!("no run is in training in {}", runs.display()));
            }
            return Ok(());
        }
        let mut going = Vec::new();
        for mut run in watched {
            if is_in_training(run.history.status()) {
                run.tell(board)?;
                going.push(run);
            } else {
                run.end(board)?;
            }
        }
        watched = going;
        board.pause(if watched.is_empty() && !has_seen_one {
            SEARCH_EVERY
        } else {
            LOOK_EVERY
        })?;
        for run in &mut watched {
            run.refresh(board);
        }
    }
}

/// Where things are told.
struct Board<'a> {
    lines: MultiProgress,
    /// Whether a line of each run is kept up to date on a terminal.
    is_live: bool,
    json: bool,
    every: Duration,
    console: &'a Console,
}

impl Board<'_> {
    fn print(&self, text: &str) -> Result<(), Failure> {
        if self.is_live {
            self.lines.println(text).failed()
        } else {
            self.console.line(text)
        }
    }

    /// Waits; fails as cancelled if the user has seen enough.
    fn pause(&self, how_long: Duration) -> Result<(), Failure> {
        let begun = Instant::now();
        while begun.elapsed() < how_long {
            if self.console.cancel.is_cancelled() {
                drop(self.lines.clear());
                let why = anyhow!("no longer watching; the run goes on");
                return Err(Failure::new(Fault::Cancelled, why));
            }
            std::thread::sleep(LOOK_EVERY.min(how_long));
        }
        Ok(())
    }
}

/// A run, and what was told of it.
struct Watched {
    history: History,
    bar: ProgressBar,
    n_told: usize,
    line_at: Option<Instant>,
    line_of: u64,
    /// Whether the folder cannot be read at the moment, and that was told.
    is_out_of_reach: bool,
}

impl Watched {
    fn open(folder: &Path, board: &Board<'_>) -> Result<Self, Failure> {
        Ok(Self {
            history: History::open(folder).bad_input()?,
            bar: board.lines.add(ProgressBar::no_length()),
            n_told: 0,
            line_at: None,
            line_of: 0,
            is_out_of_reach: false,
        })
    }

    /// Reads what was appended. A network that is down for a while is waited for.
    fn refresh(&mut self, board: &Board<'_>) {
        let refreshed = self.history.refresh();
        if let (Err(error), false) = (&refreshed, self.is_out_of_reach) {
            let why = full_message(error);
            board.console.say(&format!("trying again and again: {why}"));
        }
        self.is_out_of_reach = refreshed.is_err();
    }

    /// Tells what is new.
    fn tell(&mut self, board: &Board<'_>) -> Result<(), Failure> {
        self.tell_events(board)?;
        let history = &self.history;
        if board.is_live {
            show(history, &self.bar);
            let message = format!("{}  {}", history.id(), line(history));
            self.bar.set_message(message);
            self.bar.tick();
            return Ok(());
        }
        let is_due = self.line_at.is_none_or(|at| at.elapsed() >= board.every);
        if is_due && history.last_step() != self.line_of {
            self.line_at = Some(Instant::now());
            self.line_of = history.last_step();
            if board.json {
                board.console.json(&progress(history))?;
            } else {
                board.print(&format!("{}  {}", history.id(), line(history)))?;
            }
        }
        Ok(())
    }

    fn tell_events(&mut self, board: &Board<'_>) -> Result<(), Failure> {
        let events = self.history.events();
        // Fewer than were told: the files were replaced, and reading started over.
        let n_told = self.n_told.min(events.len());
        for record in &events[n_told..] {
            if board.json {
                board.console.json(&Told {
                    run: self.history.id(),
                    record,
                })?;
            } else if let Some(text) = news_words(record) {
                board.print(&format!("{}  {text}", self.history.id()))?;
            }
        }
        self.n_told = events.len();
        Ok(())
    }

    /// Tells how the run ended.
    fn end(&mut self, board: &Board<'_>) -> Result<(), Failure> {
        self.tell_events(board)?;
        self.bar.finish_and_clear();
        board.lines.remove(&self.bar);
        let history = &self.history;
        let outcome = match history.status() {
            Status::Finished => "finished",
            Status::EarlyStopped => "early-stopped",
            Status::Stopped => "stopped",
            Status::Failed => "failed",
            _ => "interrupted",
        };
        let summary = summary(history, history.folder().to_owned(), outcome);
        if board.json {
            board
                .console
                .json(&json!({ "run": history.id(), "event": "ended", "summary": summary }))
        } else {
            board.console.line(&summary.to_string())
        }
    }
}

/// An event and whose it is.
#[derive(Serialize)]
struct Told<'a> {
    run: &'a str,
    #[serde(flatten)]
    record: &'a run::Record,
}

/// How far a run is, for programs.
fn progress(history: &History) -> serde_json::Value {
    let last = |scalar| history.series(scalar).last().map(|(_, value)| value);
    let scores = history.validations().last().map(|newest| &newest.scores);
    let pace = run::Pace::of(history);
    json!({
        "run": history.id(),
        "event": "progress",
        "status": history.status(),
        "step": history.last_step(),
        "epoch": history.epoch_starts().last().map(|start| start.0),
        "loss": last(run::Scalar::Loss),
        "roc_auc_macro": scores.and_then(|scores| scores.roc_auc_macro),
        "average_precision_macro": scores.and_then(|scores| scores.average_precision_macro),
        "learning_rate": last(run::Scalar::LearningRate),
        "clips_per_second": pace.clips_per_second,
        "seconds_left": pace.seconds_left,
    })
}
