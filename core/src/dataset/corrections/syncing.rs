//! Decisions brought to the disk behind the back of whoever makes them: a window waits for no disk, and what was decided survives a power cut
//! a moment later.

use crossbeam::channel::{Sender, TrySendError, bounded};
use std::fs::File;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

/// A thread that syncs a file whenever something was written. Dropping it waits for the last time.
#[derive(Debug)]
pub(super) struct Syncing {
    wish: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
    failed: Arc<Mutex<Option<io::Error>>>,
}

impl Syncing {
    pub(super) fn start(file: &File) -> io::Result<Self> {
        let file = file.try_clone()?;
        // One that waits stands for all that come until it is looked at.
        let (wish, wishes) = bounded::<()>(1);
        let failed = Arc::<Mutex<Option<io::Error>>>::default();
        let told = Arc::clone(&failed);
        let thread = std::thread::Builder::new().name("attune-corrections".to_owned());
        let thread = thread.spawn(move || {
            for () in wishes {
                if let Err(error) = file.sync_data() {
                    *told.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                }
            }
        })?;
        Ok(Self {
            wish: Some(wish),
            thread: Some(thread),
            failed,
        })
    }

    /// Has what was written so far brought to the disk, soon. Fails if that could not be done with what was written earlier.
    pub(super) fn wish(&self) -> io::Result<()> {
        let failed = self.failed.lock();
        if let Some(error) = failed.unwrap_or_else(PoisonError::into_inner).take() {
            return Err(error);
        }
        match self.wish.as_ref().map(|wish| wish.try_send(())) {
            Some(Err(TrySendError::Disconnected(()))) => {
                Err(io::Error::other("the thread that syncs it has ended"))
            }
            _ => Ok(()),
        }
    }
}

impl Drop for Syncing {
    fn drop(&mut self) {
        drop(self.wish.take());
        if let Some(thread) = self.thread.take() {
            // It cannot panic, and nobody is left to be told.
            drop(thread.join());
        }
    }
}
