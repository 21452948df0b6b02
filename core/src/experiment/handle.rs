//! Working through an experiment on a thread, and the handle by which others follow and stop it.

use super::work::{Ending, Failed, work};
use super::{Error, Experiment};
use crate::job::{Cancel, Job, Progress};
use crate::message::panic_message;
use arc_swap::ArcSwapOption;
use std::sync::Arc;
use std::thread::JoinHandle;

/// A thread that works through an experiment, or has done so.
#[derive(Debug)]
pub struct Handle {
    /// The experiment.
    pub experiment: Experiment,
    cancel: Cancel,
    preparing: Arc<ArcSwapOption<Progress>>,
    thread: JoinHandle<Result<Ending, Error>>,
}

/// Trains what the experiment's plan asks for and is not done yet, one run after the other; then the differences between cells are
/// computed.
///
/// `wake` is called when a table folded now may differ from one folded before; it must return at once. A run that fails is entered with
/// its reason, and the others go on. The work fails if nobody could go on: another process is at it, the data set is another, the ledger
/// cannot be written.
pub fn start(
    experiment: Experiment,
    failed: Failed,
    wake: impl Fn() + Send + Sync + 'static,
) -> Result<Handle, Error> {
    let preparing = Arc::<ArcSwapOption<Progress>>::default();
    let cancel = Cancel::new();
    let wake: Arc<dyn Fn() + Send + Sync> = Arc::new(wake);
    let thread = {
        let (listener, heard) = (Arc::clone(&preparing), Arc::clone(&wake));
        let job = Job::new(cancel.clone(), move |progress| {
            // Nothing in words: it is prepared.
            listener.store((!progress.what.is_empty()).then(|| Arc::new(progress)));
            heard();
        });
        let (experiment, preparing) = (experiment.clone(), Arc::clone(&preparing));
        std::thread::Builder::new()
            .name("attune-experiment".to_owned())
            .spawn(move || {
                crate::device::enter_worker();
                let (told, at_end) = (Arc::clone(&wake), wake);
                let ending = work(&experiment, failed, &job, move || told());
                preparing.store(None);
                at_end();
                ending
            })
            .map_err(|source| Error::Thread { source })?
    };
    Ok(Handle {
        experiment,
        cancel,
        preparing,
        thread,
    })
}

impl Handle {
    /// Asks for an end: the run at work is stopped after a checkpoint.
    pub fn stop(&self) {
        self.cancel.cancel();
    }

    /// Whether somebody asked for an end.
    pub fn is_stopping(&self) -> bool {
        self.cancel.is_cancelled()
    }

    /// What is being made ready (rendering, decoding, validating), if no training step is.
    pub fn preparing(&self) -> Option<Arc<Progress>> {
        self.preparing.load_full()
    }

    /// Whether the thread has ended.
    pub fn is_finished(&self) -> bool {
        self.thread.is_finished()
    }

    /// Waits for the end.
    pub fn join(self) -> Result<Ending, Error> {
        self.thread.join().unwrap_or_else(|panic| {
            Err(Error::Panicked {
                message: panic_message(&*panic),
            })
        })
    }
}
