//! Cancel and progress: what every piece of long work takes from its caller.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A flag that many may raise and the worker looks at between pieces of work.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// A flag that nobody has raised.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks the worker to stop at the next opportunity.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Takes the request back: it was answered, and work goes on.
    pub fn withdraw(&self) {
        self.0.store(false, Ordering::Relaxed);
    }

    /// Whether somebody asked to stop.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// `Err(Cancelled)` once somebody asked to stop, so that a worker can write `cancel.check()?`.
    pub fn check(&self) -> Result<(), Cancelled> {
        if self.is_cancelled() {
            Err(Cancelled)
        } else {
            Ok(())
        }
    }
}

/// The work was cancelled by its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cancelled")]
pub struct Cancelled;

/// How far a piece of work is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Pieces done.
    pub done: u64,
    /// Pieces in all; 0 while unknown.
    pub total: u64,
    /// What is being done, in words for the user ("rendering the demo songs").
    pub what: String,
}

/// What long work takes: a flag to stop it, and somebody to tell how far it is.
#[derive(Clone)]
pub struct Job {
    /// Raised by the caller to stop the work.
    pub cancel: Cancel,
    listener: Arc<dyn Fn(Progress) + Send + Sync>,
}

impl Job {
    /// A job that reports to `listener`, which must return quickly: it is called from worker threads.
    pub fn new(cancel: Cancel, listener: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        Self {
            cancel,
            listener: Arc::new(listener),
        }
    }

    /// A job that nobody watches or cancels.
    pub fn quiet() -> Self {
        Self::new(Cancel::new(), |_| ())
    }

    /// Tells the caller how far the work is.
    pub fn report(&self, done: u64, total: u64, what: &str) {
        (self.listener)(Progress {
            done,
            total,
            what: what.to_owned(),
        });
    }

    /// `Err(Cancelled)` once the caller asked to stop.
    pub fn check(&self) -> Result<(), Cancelled> {
        self.cancel.check()
    }
}

impl std::fmt::Debug for Job {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Job")
            .field("cancel", &self.cancel)
            .finish_non_exhaustive()
    }
}
