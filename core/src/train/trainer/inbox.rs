//! What the run is told: by its handle, through a channel, and by other processes, through the folder.

use super::Run;
use crate::run::Event;
use crate::train::{Command, Error};
use crossbeam::channel::{Receiver, RecvTimeoutError, TryRecvError};
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// The folder is looked at this often at most: an `open` of a file, or the failure of one.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Where commands come in.
pub(super) struct Inbox {
    handle: Receiver<Command>,
    from_elsewhere: VecDeque<Command>,
    looked: Instant,
}

impl Inbox {
    pub(super) fn new(handle: Receiver<Command>) -> Self {
        Self {
            handle,
            from_elsewhere: VecDeque::new(),
            looked: Instant::now(),
        }
    }
}

impl Run {
    /// The next command, if there is one.
    pub(super) fn next_command(&mut self) -> Result<Option<Command>, Error> {
        self.look_into_folder()?;
        let told = self.inbox.handle.try_recv().ok();
        Ok(told.or_else(|| self.inbox.from_elsewhere.pop_front()))
    }

    /// Waits for the next command.
    pub(super) fn wait_for_command(&mut self) -> Result<Command, Error> {
        loop {
            self.look_into_folder()?;
            match self.inbox.handle.try_recv() {
                Ok(command) => return Ok(command),
                // The window is gone; a paused run that nobody can wake ends.
                Err(TryRecvError::Disconnected) => return Ok(Command::Stop),
                Err(TryRecvError::Empty) => {}
            }
            if let Some(command) = self.inbox.from_elsewhere.pop_front() {
                return Ok(command);
            }
            match self.inbox.handle.recv_timeout(LOOK_EVERY) {
                Ok(command) => return Ok(command),
                Err(RecvTimeoutError::Disconnected) => return Ok(Command::Stop),
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }

    fn look_into_folder(&mut self) -> Result<(), Error> {
        if self.inbox.looked.elapsed() < LOOK_EVERY {
            return Ok(());
        }
        self.inbox.looked = Instant::now();
        let mail = self.log.mail::<Command>();
        self.inbox.from_elsewhere.extend(mail.commands);
        for message in mail.complaints {
            self.event(Event::Warned { message })?;
        }
        Ok(())
    }
}
