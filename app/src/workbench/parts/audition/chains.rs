//! The chain from which is rolled: a preset, one of one's own, or what has been made of it here.

use crate::workbench::jobs::{Activity, Slot};
use crate::workbench::{CommandSender, Jobs, Level, Notice};
use attune_core::augment::{Chain, Chains as Folder, Difference, Entry, PRESETS};
use attune_core::workspace::Workspace;
use std::collections::VecDeque;
use std::sync::Arc;

/// Steps back that are remembered.
const MAX_UNDO: usize = 200;

/// The chain that stands, what it was, and which others there are. Changed only by commands.
#[derive(Debug)]
pub struct Chains {
    name: String,
    chain: Arc<Chain>,
    /// As it lies on disk.
    saved: Arc<Chain>,
    papers: Arc<Chain>,
    /// Of the chain for which they were found.
    differences: Option<(Arc<Chain>, Vec<Difference>)>,
    past: Vec<Arc<Chain>>,
    future: Vec<Arc<Chain>>,
    /// The newest change may still be carried on.
    is_under_way: bool,
    known: Slot<u64, Arc<[Entry]>>,
    opened: Slot<String, Arc<Chain>>,
    /// One after the other: none may be overtaken.
    to_write: VecDeque<Change>,
    written: Slot<(u64, Change), ()>,
    edition: u64,
}

/// What happens to a file.
#[derive(Clone, Debug, PartialEq)]
enum Change {
    Save { name: String, chain: Arc<Chain> },
    Remove { name: String },
}

/// What can be asked.
#[derive(Clone, Debug, PartialEq)]
pub enum ChainCommand {
    /// Roll from the chain of this name.
    Open(String),
    /// Let the chain be this one; it is not written yet.
    Edit {
        /// The chain.
        chain: Box<Chain>,
        /// Whether it only carries the change before on, as a drag does: one step back then takes back both.
        goes_on: bool,
    },
    /// Take the last change back.
    Undo,
    /// Make the change that was taken back after all.
    Redo,
    /// Write the chain under this name.
    Save {
        /// Its name.
        name: String,
    },
    /// Remove the chain of this name from the workspace; what stands here stays.
    Remove {
        /// Its name.
        name: String,
    },
    /// Look which chains there are.
    List,
}

impl Default for Chains {
    fn default() -> Self {
        // The first of all is what the paper's own code does.
        let (name, text) = PRESETS[0];
        // A preset that cannot be read is found by core's tests; an empty chain then stands here.
        let chain = Arc::new(Chain::from_toml(name, text).unwrap_or_default());
        Self {
            name: name.to_owned(),
            saved: Arc::clone(&chain),
            papers: Arc::clone(&chain),
            differences: None,
            chain,
            past: Vec::new(),
            future: Vec::new(),
            is_under_way: false,
            known: Slot::new("look for chains"),
            opened: Slot::new("open the chain"),
            to_write: VecDeque::new(),
            written: Slot::new("write the chain"),
            edition: 0,
        }
    }
}

impl Chains {
    /// Name of the chain, as it was opened or written last.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The chain as it stands.
    pub fn chain(&self) -> &Arc<Chain> {
        &self.chain
    }

    /// In what it differs from the paper's chain.
    pub fn differences(&self) -> &[Difference] {
        self.differences.as_ref().map_or(&[], |(_, found)| found)
    }

    /// Whether it differs from what lies under its name.
    pub fn is_changed(&self) -> bool {
        self.chain != self.saved
    }

    /// Whether there is a change to take back.
    pub fn can_undo(&self) -> bool {
        !self.past.is_empty()
    }

    /// Whether there is a change to make after all.
    pub fn can_redo(&self) -> bool {
        !self.future.is_empty()
    }

    /// Presets and the workspace's own chains, once they are known.
    pub fn known(&self) -> &[Entry] {
        self.known.value().map_or(&[], |known| known)
    }

    pub(super) fn activities(&self) -> impl Iterator<Item = Activity> {
        [self.opened.activity(), self.written.activity()]
            .into_iter()
            .flatten()
    }

    pub(super) fn run(&mut self, command: ChainCommand, workspace: &Workspace, jobs: &Jobs) {
        let folder = Folder::of(workspace);
        match command {
            ChainCommand::Open(name) => {
                self.opened.ask_again(jobs, name.clone(), move |_| {
                    Ok(Arc::new(folder.load(&name)?))
                });
            }
            ChainCommand::Edit { chain, .. } if *chain == *self.chain => {}
            ChainCommand::Edit { chain, goes_on } => {
                if !(goes_on && self.is_under_way) {
                    self.past.push(Arc::clone(&self.chain));
                }
                self.is_under_way = true;
                if self.past.len() > MAX_UNDO {
                    self.past.remove(0);
                }
                self.future.clear();
                self.chain = Arc::new(*chain);
            }
            ChainCommand::Undo => {
                self.is_under_way = false;
                if let Some(before) = self.past.pop() {
                    self.future.push(std::mem::replace(&mut self.chain, before));
                }
            }
            ChainCommand::Redo => {
                self.is_under_way = false;
                if let Some(after) = self.future.pop() {
                    self.past.push(std::mem::replace(&mut self.chain, after));
                }
            }
            ChainCommand::Save { name } => {
                let chain = Arc::clone(&self.chain);
                self.to_write.push_back(Change::Save { name, chain });
            }
            ChainCommand::Remove { name } => self.to_write.push_back(Change::Remove { name }),
            ChainCommand::List => {
                self.edition += 1;
                self.known
                    .ask_again(jobs, self.edition, move |_| Ok(folder.list().into()));
            }
        }
    }

    /// Called once before each frame: takes in what is ready.
    pub(super) fn logic(&mut self, workspace: &Workspace, jobs: &Jobs, sender: &CommandSender) {
        let is_compared = |(of, _): &(Arc<Chain>, Vec<Difference>)| Arc::ptr_eq(of, &self.chain);
        if !self.differences.as_ref().is_some_and(is_compared) {
            let found = self.chain.diff(&self.papers);
            self.differences = Some((Arc::clone(&self.chain), found));
        }
        if self.known.result().is_none() && !self.known.is_busy() {
            self.run(ChainCommand::List, workspace, jobs);
        }
        if self.known.poll(jobs) {
            tell(self.known.error(), sender);
        }
        if self.opened.poll(jobs) {
            tell(self.opened.error(), sender);
            if let (Some(chain), Some(name)) = (self.opened.value(), self.opened.done_key()) {
                (self.name, self.saved) = (name.clone(), Arc::clone(chain));
                // Undo leads back to what stood here before.
                self.past
                    .push(std::mem::replace(&mut self.chain, Arc::clone(chain)));
                self.future.clear();
                self.is_under_way = false;
            }
        }
        if self.written.poll(jobs) {
            tell(self.written.error(), sender);
            if let (Some(()), Some((_, Change::Save { name, chain }))) =
                (self.written.value(), self.written.done_key())
            {
                (self.name, self.saved) = (name.clone(), Arc::clone(chain));
                self.is_under_way = false;
                let text =
                    format!("Written: chain {name}. Training runs can use it: `--augment {name}`.");
                sender.send(Notice::new(Level::Info, text));
            }
            self.run(ChainCommand::List, workspace, jobs);
        }
        if !self.written.is_busy()
            && let Some(change) = self.to_write.pop_front()
        {
            self.edition += 1;
            let (wanted, folder) = ((self.edition, change.clone()), Folder::of(workspace));
            self.written.ask_again(jobs, wanted, move |_| {
                match change {
                    Change::Save { name, chain } => drop(folder.save(&name, &chain)?),
                    Change::Remove { name } => folder.delete(&name)?,
                }
                Ok(())
            });
        }
    }
}

fn tell(error: Option<&str>, sender: &CommandSender) {
    if let Some(error) = error {
        sender.send(Notice::new(Level::Error, error.to_owned()));
    }
}
