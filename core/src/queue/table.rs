//! The queue as it stands, for window and terminal alike: folded from its entries and from the logs of their runs.

use super::estimate::Estimates;
use super::{Entry, Error, Queue, Unreadable};
use crate::run::{Advance, History, RunSummary, Status, has_writer};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The queue at one moment.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Table {
    /// Its entries, in their order.
    pub rows: Vec<Row>,
    /// Files that are no entries.
    pub unreadable: Vec<Unreadable>,
    /// Whether somebody works it off.
    pub is_worked_on: bool,
}

/// One entry.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// Its name.
    pub id: String,
    /// What it trains, in a few words.
    pub label: String,
    /// The folder of its run; empty before it is begun.
    pub run_folder: PathBuf,
    /// Whether there is a run in it to look at.
    pub has_run: bool,
    /// How long it will take if it waits or was interrupted, in seconds at most; `None` where nothing tells: no step of it was trained, nor of
    /// an earlier run with the same recipe.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
    /// Where it stands.
    #[serde(flatten)]
    pub state: State,
}

/// Where an entry stands.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum State {
    /// Its turn has not come.
    Waiting,
    /// Its data is made ready.
    Preparing,
    /// It trains.
    Running(Advance),
    /// It was begun and nobody works on it; it goes on from its last checkpoint.
    Interrupted {
        /// Steps done.
        step: u64,
    },
    /// It could not be trained; it waits to be tried again.
    Failed {
        /// Why.
        message: String,
    },
}

impl State {
    /// In a few words, for a column.
    pub fn label(&self) -> String {
        match self {
            Self::Waiting => "waits".to_owned(),
            Self::Preparing => "is prepared".to_owned(),
            Self::Running(Advance {
                epoch,
                epochs,
                step,
                steps,
                ..
            }) => format!("epoch {epoch} of {epochs}, step {step} of {steps}"),
            Self::Interrupted { step } => format!("interrupted at step {step}"),
            Self::Failed { .. } => "failed".to_owned(),
        }
    }
}

impl Table {
    /// Entries that have their turn if somebody works the queue off: those that wait, and those that were interrupted.
    pub fn n_open(&self) -> usize {
        let is_open = |row: &&Row| !matches!(row.state, State::Failed { .. });
        self.rows.iter().filter(is_open).count()
    }

    /// Entries that were begun and that nobody works on.
    pub fn n_interrupted(&self) -> usize {
        let is_so = |row: &&Row| matches!(row.state, State::Interrupted { .. });
        self.rows.iter().filter(is_so).count()
    }

    /// Entries that failed.
    pub fn n_failed(&self) -> usize {
        self.rows.len() - self.n_open()
    }

    /// `3 runs wait, 1 was interrupted, 1 failed`; empty for an empty queue.
    pub fn summary(&self) -> String {
        let n_interrupted = self.n_interrupted();
        let is_at_work = |row: &&Row| matches!(row.state, State::Running(_) | State::Preparing);
        let n_at_work = self.rows.iter().filter(is_at_work).count();
        let n_waiting = self.n_open() - n_interrupted - n_at_work;
        let words = [
            (n_at_work, "is in training", "are in training"),
            (n_waiting, "waits", "wait"),
            (n_interrupted, "was interrupted", "were interrupted"),
            (self.n_failed(), "failed", "failed"),
        ];
        let mut text = String::new();
        for (n, one, many) in words {
            if n > 0 {
                let (comma, run) = match (text.is_empty(), n) {
                    (true, 1) => ("", " run"),
                    (true, _) => ("", " runs"),
                    (false, _) => (", ", ""),
                };
                let verb = if n == 1 { one } else { many };
                text += &format!("{comma}{n}{run} {verb}");
            }
        }
        text
    }
}

/// Follows the queue: each table is what the files say at that moment.
#[derive(Debug)]
pub struct Follower {
    queue: Queue,
    running: BTreeMap<PathBuf, History>,
    estimates: Estimates,
}

impl Queue {
    /// Where it stands now. Who asks again and again asks a [`Follower`].
    pub fn table(&self) -> Result<Table, Error> {
        Follower::new(self.clone()).table()
    }
}

impl Follower {
    /// Follows `queue`.
    pub fn new(queue: Queue) -> Self {
        Self {
            queue,
            running: BTreeMap::new(),
            estimates: Estimates::default(),
        }
    }

    /// Where the queue stands now. Reads the log of the run in training, as far as it has grown. Fails if its folder cannot be read.
    pub fn table(&mut self) -> Result<Table, Error> {
        let is_worked_on = self.queue.is_worked_on();
        let found = self.queue.entries()?;
        let runs = self.queue.workspace().runs();
        let rows = found.entries.into_iter().map(|entry| {
            let run_folder = entry.run_folder(&runs);
            let state = self.state(&entry, &run_folder, is_worked_on);
            let is_to_come = matches!(state, State::Waiting | State::Interrupted { .. });
            Row {
                seconds: is_to_come
                    .then(|| self.estimates.seconds(&entry, &runs))
                    .flatten(),
                has_run: entry.recipe.is_none() || state != State::Waiting,
                state,
                label: entry.label(),
                id: entry.id,
                run_folder,
            }
        });
        let rows: Vec<Row> = rows.collect();
        self.estimates.keep_only(&rows);
        self.running
            .retain(|folder, _| rows.iter().any(|row| row.run_folder == *folder));
        Ok(Table {
            rows,
            unreadable: found.unreadable,
            is_worked_on,
        })
    }

    fn state(&mut self, entry: &Entry, run_folder: &PathBuf, is_worked_on: bool) -> State {
        if let Some(message) = &entry.failure {
            return State::Failed {
                message: message.clone(),
            };
        }
        let is_trained = has_writer(run_folder);
        if !entry.begun && !is_trained {
            return State::Waiting;
        }
        let summary = || RunSummary::read(run_folder).ok();
        let advance = self.advance(run_folder, is_trained);
        match (advance, is_worked_on || is_trained) {
            (Some(advance), _) => State::Running(advance),
            (None, true) => State::Preparing,
            (None, false) => State::Interrupted {
                step: summary().map_or(0, |summary| summary.steps),
            },
        }
    }

    /// How far a run is that somebody trains.
    fn advance(&mut self, run_folder: &PathBuf, is_trained: bool) -> Option<Advance> {
        if !is_trained {
            self.running.remove(run_folder);
            return None;
        }
        if let Some(history) = self.running.get_mut(run_folder) {
            // What cannot be read now can be read the next time.
            drop(history.refresh());
        } else if let Ok(history) = History::open(run_folder) {
            self.running.insert(run_folder.clone(), history);
        }
        let history = self.running.get(run_folder)?;
        let is_live = matches!(history.status(), Status::Running | Status::Paused);
        is_live.then(|| Advance::of(history)).flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_counts_in_words() {
        let row = |state: State| Row {
            id: String::new(),
            label: String::new(),
            run_folder: PathBuf::new(),
            has_run: false,
            seconds: None,
            state,
        };
        let waiting = || row(State::Waiting);
        let mut table = Table::default();
        assert_eq!(table.summary(), "");
        table.rows = vec![waiting()];
        assert_eq!(table.summary(), "1 run waits");
        table.rows = vec![
            row(State::Interrupted { step: 3 }),
            waiting(),
            waiting(),
            row(State::Failed {
                message: "disk full".to_owned(),
            }),
        ];
        assert_eq!(table.summary(), "2 runs wait, 1 was interrupted, 1 failed");
        assert_eq!((table.n_open(), table.n_failed()), (3, 1));
    }
}
