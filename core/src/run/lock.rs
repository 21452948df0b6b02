//! One writer per folder (of a run, of an experiment): a lock that the system takes back when its holder dies, however it dies.

use super::Error;
use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;
use std::time::Duration;

const FILE: &str = "writer.lock";

/// Held by the writer of a run as long as it lives.
#[derive(Debug)]
pub(crate) struct WriterLock(#[expect(dead_code, reason = "dropping it gives the lock back")] File);

impl WriterLock {
    /// Takes the lock of a run folder.
    pub(crate) fn take(folder: &Path) -> Result<Self, Error> {
        let path = folder.join(FILE);
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(Error::io(&path))?;
        // A reader that looks whether there is a writer holds the lock for an instant.
        for _ in 0..20 {
            match file.try_lock() {
                Ok(()) => return Ok(Self(file)),
                Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(5)),
                Err(TryLockError::Error(source)) => return Err(Error::Io { path, source }),
            }
        }
        Err(Error::Locked(folder.to_owned()))
    }
}

/// Whether somebody writes the run. Where locks do not work the answer is yes: nobody is declared dead on a guess.
pub(crate) fn has_writer(folder: &Path) -> bool {
    match File::open(folder.join(FILE)) {
        Ok(file) => file.try_lock_shared().is_err(),
        Err(error) => error.kind() != std::io::ErrorKind::NotFound,
    }
}
