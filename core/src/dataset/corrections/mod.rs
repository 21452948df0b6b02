//! Tags corrected by ear: what somebody decided about tracks of a data set, kept in the workspace. The data set's own files never change.
//!
//! Every step is a line of an append-only journal, undoing and doing again included, so that nothing that was decided is lost and everything
//! can be taken back, however long ago it was. A new label set is exported from what counts now.

mod export;
mod import;
mod ledger;

pub use export::{Exported, export_labels};
pub use import::import_labels;
pub use ledger::{Ledger, Mark, Step, Verdict};

use super::{Dataset, Error};
use crate::workspace::Workspace;
use ledger::Line;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};

/// The decisions about a data set, open for more. Others may read meanwhile, not write.
#[derive(Debug)]
pub struct Corrections {
    ledger: Ledger,
    file: File,
    path: PathBuf,
}

/// The journal of a data set: by its name, for people, and by its place.
fn file_of(workspace: &Workspace, dataset: &Dataset) -> PathBuf {
    let place = dataset.place.as_os_str().as_encoded_bytes();
    let hash = blake3::hash(place).to_hex();
    let name = dataset.name.replace(['/', '\\', '\0'], "-");
    let file = format!("{name}-{}.jsonl", &hash.as_str()[..8]);
    workspace.corrections().join(file)
}

impl Ledger {
    /// Reads what was decided about a data set; nothing, if nobody has.
    pub fn read(workspace: &Workspace, dataset: &Dataset) -> Result<Self, Error> {
        let path = file_of(workspace, dataset);
        match std::fs::read(&path) {
            Ok(bytes) => Ok(fold(&bytes, &path)?.0),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(Error::io("read", path)(error)),
        }
    }
}

/// What the whole lines of a journal lead to, and where they end.
fn fold(bytes: &[u8], path: &Path) -> Result<(Ledger, u64), Error> {
    let mut ledger = Ledger::default();
    let mut end = 0;
    for (number, line) in (1..).zip(bytes.split_inclusive(|&byte| byte == b'\n')) {
        let Some((b'\n', text)) = line.split_last() else {
            // Torn by a kill or a power cut.
            break;
        };
        let line_read: Line = serde_json::from_slice(text).map_err(|error| Error::BadLine {
            problem: format!("a decision cannot be read ({error})"),
            mend: "mend or remove this line".to_owned(),
            file: path.to_path_buf(),
            line: number,
        })?;
        ledger.apply(line_read);
        end += line.len() as u64;
    }
    Ok((ledger, end))
}

impl Corrections {
    /// Opens the decisions about a data set for more; a torn last line is cut off. Fails if another process has them open.
    pub fn open(workspace: &Workspace, dataset: &Dataset) -> Result<Self, Error> {
        let path = file_of(workspace, dataset);
        let folder = workspace.corrections();
        std::fs::create_dir_all(&folder).map_err(Error::io("make", folder))?;
        let told = |action| Error::io(action, &path);
        let mut options = OpenOptions::new();
        let options = options.read(true).append(true).create(true);
        let mut file = options.open(&path).map_err(told("open"))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Error::BadConfig(format!(
                    "another window or command has the corrections of {} open; close it first: {}",
                    dataset.name,
                    path.display()
                )));
            }
            // Where there are no locks, there is nobody to ask.
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {}
            Err(TryLockError::Error(error)) => return Err(told("lock")(error)),
        }
        let mut bytes = Vec::new();
        file.rewind().map_err(told("read"))?;
        file.read_to_end(&mut bytes).map_err(told("read"))?;
        let (ledger, end) = fold(&bytes, &path)?;
        if end < bytes.len() as u64 {
            file.set_len(end).map_err(told("write"))?;
        }
        Ok(Self { ledger, file, path })
    }

    /// What counts now.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The journal.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Decides something about a track. With the system when this returns.
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
        let mut bytes = serde_json::to_vec(&line)
            .map_err(|error| Error::io("write", &self.path)(error.into()))?;
        bytes.push(b'\n');
        // One call, at the end of the file: a line is there or not.
        let written = self.file.write_all(&bytes);
        written.map_err(Error::io("write", &self.path))?;
        self.ledger.apply(line);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
