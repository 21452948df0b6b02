//! Training runs that wait for their turn and are worked off one after the other, by the window or by `attune queue run`.
//!
//! ```text
//! queue/ID.toml        an entry: its place, and the recipe of its run or what more is asked of one; may be written and edited by hand
//! queue/writer.lock    held by whoever works the queue off
//! queue/edit.lock      held for the moment of a change
//! ```
//!
//! An entry is named after its run, whose folder is kept free from the beginning: so a later entry can name an earlier one's run as its teacher.
//! A change writes, renames or removes one small file. How far a run is, its own log says: a run that was stopped or killed goes on from its last
//! checkpoint, with the bits of one that was not. A run that has ended leaves the queue; one that failed stays, with its reason.

mod entry;
mod estimate;
mod folder;
mod table;
mod work;

pub use entry::Entry;
pub use folder::{Entries, Queue, Unreadable};
pub use table::{Follower, Row, State, Table};
pub use work::{Begun, Worker};

use std::path::PathBuf;

/// What can go wrong with the queue.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum Error {
    #[error("cannot read {}", path.display())]
    Read {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("cannot write {}", path.display())]
    Write {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("an entry of the queue cannot be written as TOML")]
    Toml(#[from] toml::ser::Error),
    #[error(
        "there is no entry {id:?} in the queue{}",
        if known.is_empty() { ", which is empty".to_owned() } else { format!(" (there are {})", known.join(", ")) }
    )]
    NoEntry { id: String, known: Vec<String> },
    #[error("the run {id} is in the queue already")]
    Twice { id: String },
    #[error("the run {id} has ended: ask for more epochs, patience or minutes")]
    Ended { id: String },
    #[error("the run {id} is in training: stop the queue first")]
    InTraining { id: String },
    #[error("somebody else is working off the queue: {}", folder.display())]
    Locked { folder: PathBuf },
    #[error("somebody else is changing the queue: {}", folder.display())]
    Busy { folder: PathBuf },
    #[error(transparent)]
    Run(#[from] crate::run::Error),
    #[error(transparent)]
    Train(#[from] crate::train::Error),
}
