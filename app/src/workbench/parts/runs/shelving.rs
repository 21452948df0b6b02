//! Keeping runs in order: what is said of them, the archive, the trash. One change after the other, none overtaken.

use crate::workbench::jobs::{Activity, Slot};
use crate::workbench::{CommandSender, Jobs, Level, Notice};
use attune_core::run::{self, trash};
use attune_core::workspace::Workspace;
use std::collections::VecDeque;
use std::path::PathBuf;

/// What is said of a run.
#[derive(Clone, Debug, PartialEq)]
pub enum Said {
    /// Title, tags and note, all of them.
    About {
        /// Its name for people.
        title: String,
        /// Words to find it by.
        tags: Vec<String>,
        /// What there is to say.
        note: String,
    },
    /// Put away, or taken out again.
    Archive(bool),
    /// A note to a step; an empty one takes away what is pinned there.
    Pin {
        /// Training steps done.
        step: u64,
        /// The note.
        text: String,
    },
}

/// What happens to run folders.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Change {
    Say(Vec<PathBuf>, Said),
    Discard(Vec<PathBuf>),
    /// Folders in the trash.
    Restore(Vec<PathBuf>),
}

/// Changes to be made, and what can be taken back.
#[derive(Debug)]
pub(super) struct Shelving {
    waiting: VecDeque<Change>,
    made: Slot<(u64, Change), Vec<PathBuf>>,
    n_asked: u64,
    /// What each discarding put into the trash, the newest last.
    discarded: Vec<Vec<PathBuf>>,
}

impl Default for Shelving {
    fn default() -> Self {
        Self {
            waiting: VecDeque::new(),
            made: Slot::new("put runs in order"),
            n_asked: 0,
            discarded: Vec::new(),
        }
    }
}

impl Shelving {
    pub(super) fn ask(&mut self, change: Change) {
        self.waiting.push_back(change);
    }

    pub(super) fn can_restore(&self) -> bool {
        !self.discarded.is_empty()
    }

    pub(super) fn restore(&mut self) {
        if let Some(discarded) = self.discarded.pop() {
            self.ask(Change::Restore(discarded));
        }
    }

    pub(super) fn activity(&self) -> Option<Activity> {
        self.made.activity()
    }

    /// Takes in what was done, begins what is next. Whether the list of runs has to be read again.
    pub(super) fn logic(
        &mut self,
        workspace: &Workspace,
        jobs: &Jobs,
        sender: &CommandSender,
    ) -> bool {
        let is_over = self.made.poll(jobs);
        if is_over {
            if let Some(error) = self.made.error() {
                sender.send(Notice::new(Level::Error, error.to_owned()));
            }
            if let (Some(lie), Some((_, Change::Discard(_)))) =
                (self.made.value(), self.made.done_key())
            {
                let text = match lie.len() {
                    1 => "The run lies in the trash.".to_owned(),
                    n => format!("{n} runs lie in the trash."),
                };
                let text = format!("{text} \"Bring back\" in Runs takes that back.");
                sender.send(Notice::new(Level::Info, text));
                self.discarded.push(lie.clone());
            }
        }
        if !self.made.is_busy()
            && let Some(change) = self.waiting.pop_front()
        {
            self.n_asked += 1;
            let workspace = workspace.clone();
            let key = (self.n_asked, change.clone());
            self.made
                .ask_again(jobs, key, move |_| Ok(make(change, &workspace)?));
        }
        is_over
    }
}

/// Makes the change; gives where discarded or restored runs lie.
fn make(change: Change, workspace: &Workspace) -> Result<Vec<PathBuf>, run::Error> {
    match change {
        Change::Say(folders, said) => {
            for folder in folders {
                let said = said.clone();
                run::About::change(&folder, |about| match said {
                    Said::About { title, tags, note } => {
                        (about.title, about.tags, about.note) = (title, tags, note);
                    }
                    Said::Archive(is_archived) => about.is_archived = is_archived,
                    Said::Pin { step, text } => about.pin(step, &text),
                })?;
            }
            Ok(Vec::new())
        }
        Change::Discard(folders) => {
            let discard = |folder: &PathBuf| trash::discard(folder, &workspace.trash());
            folders.iter().map(discard).collect()
        }
        Change::Restore(folders) => {
            let restore = |folder: &PathBuf| trash::restore(folder, &workspace.runs());
            folders.iter().map(restore).collect()
        }
    }
}
