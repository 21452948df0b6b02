//! How a command fails: an error and the exit code that goes with it.

use attune_core::job::Cancelled;
use std::process::ExitCode;

/// Why a command failed, as far as the exit code tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It was asked for correctly and did not work (exit code 1).
    Failed,
    /// It was asked for wrongly (2).
    Usage,
    /// A file that the user gave is missing, broken or of the wrong kind (3).
    BadInput,
    /// The user stopped it (130).
    Cancelled,
}

/// A failed command.
#[derive(Debug)]
pub struct Failure {
    fault: Fault,
    error: anyhow::Error,
}

impl Failure {
    /// A failure of kind `fault`, told as `error`.
    pub fn new(fault: Fault, error: impl Into<anyhow::Error>) -> Self {
        Self {
            fault,
            error: error.into(),
        }
    }

    /// What kind of failure it is.
    pub fn fault(&self) -> Fault {
        self.fault
    }

    /// Tells the user on stderr, with the whole chain of causes, and gives the exit code.
    pub fn report(&self) -> ExitCode {
        // A closed stderr is no reason to fail differently.
        drop(std::io::Write::write_fmt(
            &mut std::io::stderr(),
            format_args!("attune: {:#}\n", self.error),
        ));
        ExitCode::from(match self.fault {
            Fault::Failed => 1,
            Fault::Usage => 2,
            Fault::BadInput => 3,
            Fault::Cancelled => 130,
        })
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        let fault = if error.chain().any(|cause| cause.is::<Cancelled>()) {
            Fault::Cancelled
        } else {
            Fault::Failed
        };
        Self { fault, error }
    }
}

/// Says of a result's error what kind of failure it is.
pub trait ResultExt<T> {
    /// The error is of kind `fault`, unless the work was cancelled.
    fn fault(self, fault: Fault) -> Result<T, Failure>;

    /// A file of the user's is to blame (exit code 3).
    fn bad_input(self) -> Result<T, Failure>
    where
        Self: Sized,
    {
        self.fault(Fault::BadInput)
    }

    /// It did not work (exit code 1).
    fn failed(self) -> Result<T, Failure>
    where
        Self: Sized,
    {
        self.fault(Fault::Failed)
    }
}

impl<T, E: Into<anyhow::Error>> ResultExt<T> for Result<T, E> {
    fn fault(self, fault: Fault) -> Result<T, Failure> {
        self.map_err(|error| {
            let failure = Failure::from(error.into());
            if failure.fault == Fault::Cancelled {
                failure
            } else {
                Failure { fault, ..failure }
            }
        })
    }
}
