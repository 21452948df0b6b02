//! What a panel gets for one frame: the state to read, and somewhere to send commands.

use super::State;
use super::command::Command;
use crossbeam::channel::{Receiver, Sender, TrySendError, bounded};

/// More commands than a frame can ever give; beyond that something is in a loop.
const CAPACITY: usize = 1024;

/// Where commands are sent. Clones go to dialogs on other threads.
#[derive(Clone, Debug)]
pub struct CommandSender(Sender<Command>);

impl CommandSender {
    /// A sender and the receiver of the one who runs the commands.
    pub fn channel() -> (Self, Receiver<Command>) {
        let (sender, receiver) = bounded(CAPACITY);
        (Self(sender), receiver)
    }

    /// Asks for something; it is done after this frame.
    pub fn send(&self, command: impl Into<Command>) {
        match self.0.try_send(command.into()) {
            Ok(()) => {}
            // The window is closing.
            Err(TrySendError::Disconnected(_)) => {}
            Err(TrySendError::Full(command)) => {
                panic!("more than {CAPACITY} commands in a frame, the last one {command:?}")
            }
        }
    }
}

/// What a panel gets for one frame.
#[derive(Debug)]
pub struct Ctx<'a> {
    /// Everything there is to show. Read only: ask for changes with [`Ctx::send`].
    pub state: &'a State,
    pub(super) sender: &'a CommandSender,
}

impl<'a> Ctx<'a> {
    /// A context for one frame.
    pub fn new(state: &'a State, sender: &'a CommandSender) -> Self {
        Self { state, sender }
    }

    /// Asks for something; it is done after this frame.
    pub fn send(&self, command: impl Into<Command>) {
        self.sender.send(command);
    }
}
