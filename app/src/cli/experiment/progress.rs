//! Follows an experiment in the terminal: a live table on stderr, or a line for each thing that happens where there is no terminal.

use super::super::{Console, Failure, ResultExt};
use super::words;
use anyhow::anyhow;
use attune_core::experiment::{Ending, Experiment, Failed, Follower, State, Table, work};
use attune_core::job::{Job, Progress};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How often the table is folded anew.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// How soon the end of the work is noticed.
const WAIT: Duration = Duration::from_millis(50);

/// Works through an experiment on a thread and shows how it goes. Ctrl-C stops it after a checkpoint.
pub(super) fn follow(
    experiment: &Experiment,
    failed: Failed,
    console: &Console,
) -> Result<Ending, Failure> {
    let prepared: Arc<Mutex<Option<Progress>>> = Arc::default();
    let listener = Arc::clone(&prepared);
    let job = Job::new(console.cancel.clone(), move |progress| {
        *listener.lock().unwrap_or_else(PoisonError::into_inner) = Some(progress);
    });
    let worker = {
        let experiment = experiment.clone();
        std::thread::Builder::new()
            .name("work through an experiment".to_owned())
            .spawn(move || work(&experiment, failed, &job, || ()))
            .failed()?
    };
    let mut follower = Follower::new(experiment.clone());
    let mut screen = Screen::new();
    let mut looked = None;
    while !worker.is_finished() {
        std::thread::sleep(WAIT);
        if looked.is_some_and(|at: std::time::Instant| at.elapsed() < LOOK_EVERY) {
            continue;
        }
        looked = Some(std::time::Instant::now());
        let now = prepared
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        // What cannot be read now may be in a moment; the worker goes on.
        if let Ok(table) = follower.table() {
            screen.show(&table, now.as_ref(), console);
        }
    }
    screen.clear();
    let outcome = worker
        .join()
        .map_err(|_panic| {
            anyhow!("the thread that works through the experiment ended unexpectedly")
        })
        .failed()?;
    screen.tell(&follower.table().failed()?, console);
    outcome.failed()
}

/// Where progress is shown.
struct Screen {
    lines: MultiProgress,
    bars: Vec<ProgressBar>,
    /// States by cell, seed and iteration, as they were last told.
    told: BTreeMap<(String, u64, u32), String>,
    is_stopping: bool,
}

impl Screen {
    fn new() -> Self {
        Self {
            lines: MultiProgress::new(),
            bars: Vec::new(),
            told: BTreeMap::new(),
            is_stopping: false,
        }
    }

    fn show(&mut self, table: &Table, prepared: Option<&Progress>, console: &Console) {
        if console.cancel.is_cancelled() && !self.is_stopping {
            self.is_stopping = true;
            let text = "stopping after a checkpoint (press Ctrl-C again to end at once)";
            if self.lines.is_hidden() {
                console.say(text);
            } else {
                // A terminal that is gone misses nothing.
                drop(self.lines.println(text));
            }
        }
        if self.lines.is_hidden() {
            self.tell(table, console);
            return;
        }
        let mut lines = words::lines(table);
        lines.push(match prepared {
            Some(Progress { done, total, what }) if *total > 0 => {
                format!("{}; {what} {done}/{total}", words::summary(table))
            }
            _ => words::summary(table),
        });
        while self.bars.len() < lines.len() {
            let bar = ProgressBar::no_length();
            if let Ok(style) = ProgressStyle::with_template("{msg}") {
                bar.set_style(style);
            }
            self.bars.push(self.lines.add(bar));
        }
        for (bar, line) in self.bars.iter().zip(lines) {
            bar.set_message(line);
            bar.tick();
        }
    }

    /// Without a terminal: what has changed since, a line for each run.
    fn tell(&mut self, table: &Table, console: &Console) {
        if !self.lines.is_hidden() {
            return;
        }
        let rows = table.rows.iter().filter(|row| row.same_runs_as.is_none());
        for (row, run) in rows.flat_map(|row| row.runs.iter().map(move |run| (row, run))) {
            let key = (row.cell.clone(), run.seed, run.iteration);
            let state = run.state.label();
            if self.told.get(&key) == Some(&state) {
                continue;
            }
            let is_news = run.state != State::Waiting;
            self.told.insert(key, state.clone());
            if !is_news {
                continue;
            }
            let mut line = format!("{}, seed {}: {state}", row.label, run.seed);
            if run.iteration > 1 {
                line = format!(
                    "{}, seed {}, student {}: {state}",
                    row.label, run.seed, run.iteration
                );
            }
            match &run.state {
                State::Done => {
                    let score = |value: Option<f64>| {
                        value.map_or_else(|| "-".to_owned(), |value| format!("{value:.4}"))
                    };
                    line.push_str(&format!(
                        ", ROC-AUC {}, PR-AUC {} ({}); {}",
                        score(run.roc_auc),
                        score(run.average_precision),
                        run.run.as_deref().unwrap_or_default(),
                        words::summary(table)
                    ));
                }
                State::Failed { message } => line.push_str(&format!(": {message}")),
                _ => {}
            }
            console.say(&line);
        }
    }

    fn clear(&self) {
        // A terminal that is gone needs no clearing.
        drop(self.lines.clear());
    }
}
