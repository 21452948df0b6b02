//! Tags corrected by ear: what somebody decided about tracks of a data set, kept in the workspace. The data set's own files never change.
//!
//! Every step is a line of an append-only journal, undoing and doing again included, so that nothing that was decided is lost and everything
//! can be taken back, however long ago it was. A new label set is exported from what counts now.

mod export;
mod import;
mod journal;
mod ledger;
mod syncing;

pub use export::{Exported, export_labels};
pub use import::import_labels;
pub use ledger::{Ledger, Mark, Step, Verdict};

use super::{Dataset, Error};
use crate::workspace::Workspace;
use ledger::Line;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use syncing::Syncing;

/// The decisions about a data set, open for more. Others may read meanwhile, not write.
#[derive(Debug)]
pub struct Corrections {
    ledger: Ledger,
    file: File,
    path: PathBuf,
    /// Where the last whole line ends.
    end: u64,
    /// Something may lie behind that, which could not be cut off.
    is_torn: bool,
    syncing: Syncing,
}

impl Ledger {
    /// Reads what was decided about a data set, in whichever of the splits that share its labelling; nothing, if nobody has.
    pub fn read(workspace: &Workspace, dataset: &Dataset) -> Result<Self, Error> {
        let path = journal::path_of(workspace, dataset);
        match std::fs::read(&path) {
            Ok(bytes) => Ok(journal::fold(&bytes, &path)?.0),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let older = journal::older(workspace, dataset)?;
                Ok(journal::fold(&journal::joined(&older)?, &path)?.0)
            }
            Err(error) => Err(Error::io("read", path)(error)),
        }
    }
}

impl Corrections {
    /// Opens the decisions about a data set for more; a torn last line is cut off. Fails if another process has them open.
    pub fn open(workspace: &Workspace, dataset: &Dataset) -> Result<Self, Error> {
        let (mut file, path) = journal::open(workspace, dataset)?;
        let told = |action| Error::io(action, &path);
        let mut bytes = Vec::new();
        file.rewind().map_err(told("read"))?;
        file.read_to_end(&mut bytes).map_err(told("read"))?;
        let (ledger, end) = journal::fold(&bytes, &path)?;
        if end < bytes.len() as u64 {
            file.set_len(end).map_err(told("write"))?;
        }
        let syncing = Syncing::start(&file).map_err(told("open"))?;
        Ok(Self {
            ledger,
            file,
            path,
            end,
            is_torn: false,
            syncing,
        })
    }

    /// What counts now.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The journal.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Decides something about a track. With the system when this returns, and on the disk a moment later. After an error nothing of it is
    /// left, so that the next decision can be made; only where what was written could not be brought to the disk, it counts all the same.
    pub fn mark(&mut self, track: &str, mark: Mark) -> Result<(), Error> {
        self.put(Line::mark(track, mark))
    }

    /// Takes the last step back; which, or `None` if there is none.
    pub fn undo(&mut self) -> Result<Option<Step>, Error> {
        let step = self.ledger.last_done().cloned();
        if step.is_some() {
            self.put(Line::undo())?;
        }
        Ok(step)
    }

    /// Does the step again that was taken back last; which, or `None` if there is none.
    pub fn redo(&mut self) -> Result<Option<Step>, Error> {
        let step = self.ledger.last_undone().cloned();
        if step.is_some() {
            self.put(Line::redo())?;
        }
        Ok(step)
    }

    fn put(&mut self, line: Line) -> Result<(), Error> {
        let bytes = line.to_bytes()?;
        self.write(&bytes).map_err(Error::io("write", &self.path))?;
        self.end += bytes.len() as u64;
        self.ledger.apply(line);
        // The line is there; what could not be brought to the disk is to be known all the same.
        self.syncing.wish().map_err(Error::io("write", &self.path))
    }

    /// Puts bytes at the end of the file, all or none of them.
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.is_torn {
            self.file.set_len(self.end)?;
            self.is_torn = false;
        }
        let written = self.file.write_all(bytes);
        if written.is_err() {
            // Half a line would spoil the next one.
            self.is_torn = self.file.set_len(self.end).is_err();
        }
        written
    }
}

#[cfg(test)]
mod tests;
