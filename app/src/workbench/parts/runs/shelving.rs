//! Keeping runs in order: what is said of them, the archive, the trash. One change after the other, none overtaken.

use crate::workbench::jobs::{Activity, Slot};
use crate::workbench::{CommandSender, Jobs, Level, Notice};
use attune_core::message::full_message;
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
pub(super) struct Change {
    pub(super) folders: Vec<PathBuf>,
    pub(super) what: What,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum What {
    Say(Said),
    /// Into the trash.
    Discard,
    /// Out of it.
    Restore,
}

/// What came of a change.
#[derive(Debug, Default)]
struct Made {
    /// Where discarded or restored runs lie.
    lie: Vec<PathBuf>,
    /// Why it stopped before the last run.
    problem: Option<run::Error>,
}

/// Changes to be made, and what can be taken back.
#[derive(Debug)]
pub(super) struct Shelving {
    waiting: VecDeque<Change>,
    made: Slot<(u64, Change), Made>,
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
        if let Some(folders) = self.discarded.pop() {
            let what = What::Restore;
            self.ask(Change { folders, what });
        }
    }

    pub(super) fn activity(&self) -> Option<Activity> {
        self.made.activity()
    }

    /// Runs that were moved into the trash by what has just been done.
    pub(super) fn gone(&self) -> &[PathBuf] {
        match (self.made.value(), self.made.done_key()) {
            (Some(made), Some((_, change))) if change.what == What::Discard => {
                &change.folders[..made.lie.len()]
            }
            _ => &[],
        }
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
            if let (Some(made), Some((_, change))) = (self.made.value(), self.made.done_key()) {
                if let Some(problem) = &made.problem {
                    sender.send(Notice::new(Level::Error, full_message(problem)));
                    if change.what == What::Restore {
                        // What is still there can be asked for again.
                        let left = change.folders[made.lie.len()..].to_vec();
                        self.discarded.push(left);
                    }
                }
                if change.what == What::Discard && !made.lie.is_empty() {
                    let text = match made.lie.len() {
                        1 => "The run lies in the trash.".to_owned(),
                        n => format!("{n} runs lie in the trash."),
                    };
                    let text = format!("{text} \"Bring back\" in Runs takes that back.");
                    sender.send(Notice::new(Level::Info, text));
                    self.discarded.push(made.lie.clone());
                }
            }
        }
        if !self.made.is_busy()
            && let Some(change) = self.waiting.pop_front()
        {
            self.n_asked += 1;
            let workspace = workspace.clone();
            let key = (self.n_asked, change.clone());
            self.made
                .ask_again(jobs, key, move |_| Ok(make(&change, &workspace)));
        }
        is_over
    }
}

/// Makes the change, run by run, up to the first that fails.
fn make(change: &Change, workspace: &Workspace) -> Made {
    let mut made = Made::default();
    for folder in &change.folders {
        let lies = match &change.what {
            What::Say(said) => {
                run::About::change(folder, |about| say(about, said.clone())).map(|_| None)
            }
            What::Discard => trash::discard(folder, &workspace.trash()).map(Some),
            What::Restore => {
                trash::restore(folder, &workspace.trash(), &workspace.runs()).map(Some)
            }
        };
        match lies {
            Ok(lies) => made.lie.extend(lies),
            Err(problem) => {
                made.problem = Some(problem);
                break;
            }
        }
    }
    made
}

fn say(about: &mut run::About, said: Said) {
    match said {
        Said::About { title, tags, note } => {
            (about.title, about.tags, about.note) = (title, tags, note);
        }
        Said::Archive(is_archived) => about.is_archived = is_archived,
        Said::Pin { step, text } => about.pin(step, &text),
    }
}
