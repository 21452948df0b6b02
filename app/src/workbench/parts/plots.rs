//! Plots of the panels as files: what was shown when it was asked for is drawn and written in the background.
//!
//! A panel hands over a [`Drawing`]: cheap handles to what it shows, and how a figure is made of them. Nothing is drawn in a frame.

use crate::workbench::jobs::{Activity, Slot};
use crate::workbench::{CommandSender, Jobs, Level, Notice, State as Whole};
use attune_core::figure::{Figure, Format, Print};
use std::collections::VecDeque;
use std::path::{Path, PathBuf};

/// A plot that can be drawn.
pub struct Drawing {
    /// Names its file.
    pub name: String,
    draw: Box<dyn FnOnce() -> anyhow::Result<Figure> + Send>,
}

impl Drawing {
    /// The plot that `draw` makes, on another thread.
    pub fn new(
        name: impl Into<String>,
        draw: impl FnOnce() -> anyhow::Result<Figure> + Send + 'static,
    ) -> Self {
        Self {
            name: name.into(),
            draw: Box::new(draw),
        }
    }
}

impl std::fmt::Debug for Drawing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Drawing").field(&self.name).finish()
    }
}

/// What can be asked.
#[derive(Debug)]
pub enum Command {
    /// Ask the user where to write this plot, and how.
    Ask(Drawing),
    /// The user has chosen this file in a dialog of the system.
    Chosen(PathBuf),
    /// Write it. The ending of the file says as what.
    Write {
        /// The plot.
        drawing: Drawing,
        /// Where to.
        path: PathBuf,
        /// How large.
        print: Print,
    },
}

/// Plots that are being written, and how the last one was.
#[derive(Debug)]
pub struct State {
    waiting: VecDeque<(Drawing, PathBuf, Print)>,
    writing: Slot<PathBuf, PathBuf>,
    folder: Option<PathBuf>,
    format: Format,
    print: Print,
}

impl Default for State {
    fn default() -> Self {
        Self {
            waiting: VecDeque::new(),
            writing: Slot::new("save plot"),
            folder: None,
            format: Format::Pdf,
            print: Print::default(),
        }
    }
}

impl State {
    /// What is being written.
    pub fn activity(&self) -> Option<Activity> {
        self.writing.activity()
    }

    /// How the last plot was printed, or the next one is if nothing else is chosen.
    pub fn print(&self) -> Print {
        self.print
    }

    /// Where a plot of this name goes if nothing else is chosen: beside the last one, as what that was.
    pub fn usual_path(&self, name: &str, exports: &Path) -> PathBuf {
        let folder = self.folder.as_deref().unwrap_or(exports);
        let safe = |c: char| {
            if c.is_alphanumeric() || "-_.() ".contains(c) {
                c
            } else {
                '-'
            }
        };
        let name: String = name.chars().map(safe).collect();
        folder.join(format!("{}.{}", name.trim(), self.format.ending()))
    }

    /// Takes up a plot to be written.
    pub(in crate::workbench) fn write(&mut self, drawing: Drawing, path: PathBuf, print: Print) {
        self.folder = path.parent().map(Path::to_path_buf);
        self.format = Format::of(&path).unwrap_or(self.format);
        self.print = print;
        self.waiting.push_back((drawing, path, print));
    }
}

/// Called once before each frame: one plot is written after the other.
pub fn logic(state: &mut Whole, jobs: &Jobs, sender: &CommandSender) {
    let plots = &mut state.plots;
    if plots.writing.poll(jobs) {
        match plots.writing.take() {
            Some(Ok(path)) => {
                let text = format!("Wrote {}", path.display());
                sender.send(Notice::new(Level::Success, text));
            }
            Some(Err(error)) => {
                let text = format!("The plot cannot be saved: {error}");
                sender.send(Notice::new(Level::Error, text));
            }
            None => {}
        }
    }
    if plots.writing.is_busy() {
        return;
    }
    if let Some((drawing, path, print)) = plots.waiting.pop_front() {
        plots.writing.ask_again(jobs, path.clone(), move |_| {
            let figure = (drawing.draw)()?;
            print.apply(&figure).write(&path)?;
            Ok(path)
        });
    }
}
