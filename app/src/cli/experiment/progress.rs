//! Follows an experiment in the terminal: a live table on stderr, or a line for each thing that happens where there is no terminal.

use super::super::{Console, Failure, ResultExt};
use super::words;
use attune_core::experiment::{Ending, Follower, Handle, State, Table};
use attune_core::job::Progress;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// How often the table is folded anew.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// How soon the end of the work is noticed.
const WAIT: Duration = Duration::from_millis(50);

/// Shows how the work on an experiment goes, until it ends. Ctrl-C stops it after a checkpoint.
pub(super) fn follow(handle: Handle, console: &Console) -> Result<Ending, Failure> {
    let mut follower = Follower::new(handle.experiment.clone());
    let mut screen = Screen::new();
    let mut looked = None;
    while !handle.is_finished() {
        std::thread::sleep(WAIT);
        if console.cancel.is_cancelled() && !handle.is_stopping() {
            handle.stop();
            screen.say_stopping(console);
        }
        if looked.is_some_and(|at: Instant| at.elapsed() < LOOK_EVERY) {
            continue;
        }
        looked = Some(Instant::now());
        // What cannot be read now may be in a moment; the work goes on.
        if let Ok(table) = follower.table() {
            screen.show(&table, handle.preparing().as_deref(), console);
        }
    }
    screen.clear();
    let outcome = handle.join();
    screen.tell(&follower.table().failed()?, console);
    outcome.failed()
}

/// Where progress is shown.
struct Screen {
    lines: MultiProgress,
    bars: Vec<ProgressBar>,
    /// States by cell, seed and iteration, as they were last told.
    told: BTreeMap<(String, u64, u32), String>,
}

impl Screen {
    fn new() -> Self {
        Self {
            lines: MultiProgress::new(),
            bars: Vec::new(),
            told: BTreeMap::new(),
        }
    }

    fn say_stopping(&self, console: &Console) {
        let text = "stopping after a checkpoint (press Ctrl-C again to end at once)";
        if self.lines.is_hidden() {
            console.say(text);
        } else {
            // A terminal that is gone misses nothing.
            drop(self.lines.println(text));
        }
    }

    fn show(&mut self, table: &Table, prepared: Option<&Progress>, console: &Console) {
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
            let state = match run.state {
                // A line for each epoch would fill the log of a night.
                State::Running { epochs, .. } => format!("training, {epochs} epochs at most"),
                _ => run.state.label(),
            };
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
