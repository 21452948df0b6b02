//! Runs as web pages, made in the background.

use crate::workbench::jobs::{Activity, Slot};
use crate::workbench::{CommandSender, Jobs, Level, Notice, State as Whole};
use attune_core::report::{self, Options};
use std::path::PathBuf;

/// What can be asked.
#[derive(Debug)]
pub enum Command {
    /// Ask the user where to write a page of the runs in these folders.
    Ask(Vec<PathBuf>),
    /// Write it.
    Write {
        /// The runs' folders.
        runs: Vec<PathBuf>,
        /// The page.
        path: PathBuf,
    },
}

/// The page that is being made.
#[derive(Debug)]
pub struct State {
    writing: Slot<PathBuf, PathBuf>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            writing: Slot::new("write page"),
        }
    }
}

impl State {
    /// How far it is.
    pub fn activity(&self) -> Option<Activity> {
        self.writing.activity()
    }

    /// Stops making it.
    pub fn cancel_jobs(&mut self) {
        self.writing.cancel();
    }

    /// Makes a page; one that is being made is given up for it.
    pub(in crate::workbench) fn write(&mut self, runs: Vec<PathBuf>, path: PathBuf, jobs: &Jobs) {
        self.writing.ask_again(jobs, path.clone(), move |job| {
            let ending = path.extension();
            anyhow::ensure!(
                ending.is_some_and(|ending| ending.eq_ignore_ascii_case("html")),
                "a page is written as .html, not as {}",
                path.display()
            );
            report::write(&path, &runs, &Options::default(), job)?;
            Ok(path)
        });
    }
}

/// Called once before each frame: tells of the page that is done.
pub fn logic(state: &mut Whole, jobs: &Jobs, sender: &CommandSender) {
    let pages = &mut state.pages;
    if !pages.writing.poll(jobs) {
        return;
    }
    match pages.writing.take() {
        Some(Ok(path)) => {
            let text = format!("Wrote {}: open it in a browser", path.display());
            sender.send(Notice::new(Level::Success, text));
        }
        Some(Err(error)) => {
            let text = format!("The page cannot be written: {error}");
            sender.send(Notice::new(Level::Error, text));
        }
        None => {}
    }
}
