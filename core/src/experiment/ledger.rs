//! Which run belongs to which cell, seed and iteration: a line for each beginning and each failure.
//!
//! How far a run is, is not in here: its own log says so. A run is entered before there is anything in its folder, so that no run
//! is lost sight of however the program ends. The file is replaced whole with each entry; it has a few lines for each run.

use super::{Error, Task};
use crate::workspace::write_whole;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

const FILE: &str = "ledger.jsonl";

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Line {
    #[serde(flatten)]
    task: Task,
    #[serde(flatten)]
    entry: Entry,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "entry", rename_all = "kebab-case")]
enum Entry {
    /// The run of that id is begun, or begun again.
    Began { run: String },
    /// It could not be brought to its end.
    Failed { message: String },
}

/// What the ledger says of a task.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Entered {
    /// Id of its run.
    pub(super) run: Option<String>,
    /// Why it failed, if it did since it was last begun.
    pub(super) failure: Option<String>,
}

/// The ledger of an experiment's folder.
#[derive(Clone, Debug)]
pub(super) struct Ledger {
    path: PathBuf,
    lines: Vec<Line>,
}

impl Ledger {
    /// Reads it; none yet is an empty one.
    pub(super) fn read(folder: &Path) -> Result<Self, Error> {
        let path = folder.join(FILE);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(source) => return Err(Error::Read { path, source }),
        };
        let lines = text.lines().enumerate().map(|(at, line)| {
            serde_json::from_str(line).map_err(|source| Error::Ledger {
                path: path.clone(),
                line: at + 1,
                source,
            })
        });
        let lines = lines.collect::<Result<_, _>>()?;
        Ok(Self { path, lines })
    }

    /// What is entered of each task.
    pub(super) fn entered(&self) -> BTreeMap<Task, Entered> {
        let mut all: BTreeMap<Task, Entered> = BTreeMap::new();
        for Line { task, entry } in &self.lines {
            let entered = all.entry(task.clone()).or_default();
            match entry {
                Entry::Began { run } => {
                    *entered = Entered {
                        run: Some(run.clone()),
                        failure: None,
                    };
                }
                Entry::Failed { message } => entered.failure = Some(message.clone()),
            }
        }
        all
    }

    pub(super) fn of(&self, task: &Task) -> Entered {
        self.entered().remove(task).unwrap_or_default()
    }

    pub(super) fn began(&mut self, task: &Task, run: &str) -> Result<(), Error> {
        self.enter(
            task,
            Entry::Began {
                run: run.to_owned(),
            },
        )
    }

    pub(super) fn failed(&mut self, task: &Task, message: &str) -> Result<(), Error> {
        self.enter(
            task,
            Entry::Failed {
                message: message.to_owned(),
            },
        )
    }

    fn enter(&mut self, task: &Task, entry: Entry) -> Result<(), Error> {
        self.lines.push(Line {
            task: task.clone(),
            entry,
        });
        let written = write_whole(&self.path, |file| {
            for line in &self.lines {
                serde_json::to_writer(&mut *file, line)?;
                file.write_all(b"\n")?;
            }
            Ok(())
        });
        written.map_err(|source| Error::Write {
            path: self.path.clone(),
            source,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_entry_counts_and_survives_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let task = |seed| Task {
            cell: "a".to_owned(),
            seed,
            iteration: 1,
        };
        let mut ledger = Ledger::read(folder.path()).unwrap();
        assert_eq!(ledger.of(&task(1)), Entered::default());
        ledger.began(&task(1), "run-1").unwrap();
        ledger.began(&task(2), "run-2").unwrap();
        ledger.failed(&task(1), "disk on fire").unwrap();
        let read = Ledger::read(folder.path()).unwrap();
        assert_eq!(read.of(&task(1)).failure.as_deref(), Some("disk on fire"));
        assert_eq!(read.of(&task(1)).run.as_deref(), Some("run-1"));
        assert_eq!(read.of(&task(2)).failure, None);
        ledger.began(&task(1), "run-1").unwrap();
        assert_eq!(
            Ledger::read(folder.path()).unwrap().of(&task(1)).failure,
            None
        );
    }

    #[test]
    fn a_line_that_is_none_is_an_error_that_names_it() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(FILE), "rubbish\n").unwrap();
        let error = Ledger::read(folder.path()).unwrap_err().to_string();
        assert!(error.contains("line 1") && error.contains(FILE), "{error}");
    }
}
