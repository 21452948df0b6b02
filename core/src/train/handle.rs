//! Starting a run on its thread, and the handle by which others talk to it.

use super::begin::{Begin, begin};
use super::checkpoint::RunFile;
use super::{Command, Error, More, TrainConfig, disk_full};
use crate::job::{Cancel, Job, Progress};
use crate::message::panic_message;
use crate::predict::Model;
use crate::run;
use crate::workspace::Workspace;
use arc_swap::ArcSwapOption;
use crossbeam::channel::{Sender, bounded};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// All epochs, or all minutes, are done.
    Finished,
    /// The validation loss no longer fell.
    EarlyStopped,
    /// The user stopped it; it can be resumed.
    Stopped,
}

/// A running (or ended) training thread.
#[derive(Debug)]
pub struct Handle {
    /// Its folder: the log, the checkpoints.
    pub run_folder: PathBuf,
    commands: Sender<Command>,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<Result<Outcome, Error>>>,
}

/// What the thread publishes beside the log.
#[derive(Default)]
pub(super) struct Shared {
    pub(super) model: ArcSwapOption<Model>,
    pub(super) progress: ArcSwapOption<Progress>,
    pub(super) base_learning_rate: ArcSwapOption<f64>,
    stop_preparing: Cancel,
}

/// Says that the log has grown.
pub(super) type Wake = Arc<dyn Fn() + Send + Sync>;

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

impl Handle {
    /// Sends a command; it is answered by an event within one step. Returns false if the run has ended.
    pub fn send(&self, command: Command) -> bool {
        if command == Command::Stop {
            self.shared.stop_preparing.cancel();
        }
        // The channel is never full in practice (the thread empties it each step); a command too many is dropped.
        self.commands.try_send(command).is_ok()
    }

    /// The latest weights that the run published: after each validation and on [`Command::Snapshot`].
    pub fn model(&self) -> Option<Arc<Model>> {
        self.shared.model.load_full()
    }

    /// What the run is preparing (rendering, decoding, validating), if it is not in a training step.
    pub fn preparing(&self) -> Option<Arc<Progress>> {
        self.shared.progress.load_full()
    }

    /// The learning rate in force before the schedule scales it; `None` until the run begins.
    pub fn base_learning_rate(&self) -> Option<f64> {
        self.shared.base_learning_rate.load().as_deref().copied()
    }

    /// Whether the thread has ended.
    pub fn is_finished(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Waits for the end of the run.
    pub fn join(mut self) -> Result<Outcome, Error> {
        let Some(thread) = self.thread.take() else {
            return Ok(Outcome::Stopped);
        };
        match thread.join() {
            Ok(outcome) => outcome,
            Err(panic) => Err(Error::Panicked {
                message: panic_message(&*panic),
            }),
        }
    }
}

/// Begins a run in a new folder under the workspace's `runs/`.
///
/// `wake` is called when the log has grown; it must return at once. Everything that takes time (rendering, decoding)
/// happens on the thread.
pub fn start(
    config: TrainConfig,
    workspace: &Workspace,
    wake: impl Fn() + Send + Sync + 'static,
) -> Result<Handle, Error> {
    let config = config.in_full(workspace)?;
    config.check()?;
    let run_folder = run::allocate(&workspace.runs(), &config.label())?;
    start_in(run_folder, config, workspace, wake)
}

/// As [`start`], in an empty folder that the caller made ([`run::allocate`]): for those who have to write down which run it is before
/// there is anything in it.
pub fn start_in(
    run_folder: PathBuf,
    config: TrainConfig,
    workspace: &Workspace,
    wake: impl Fn() + Send + Sync + 'static,
) -> Result<Handle, Error> {
    let config = config.in_full(workspace)?;
    config.check()?;
    spawn(Begin::New(Box::new(config)), run_folder, workspace, wake)
}

/// Goes on with the run in `run_folder` from its last checkpoint.
pub fn resume(
    run_folder: &Path,
    workspace: &Workspace,
    wake: impl Fn() + Send + Sync + 'static,
) -> Result<Handle, Error> {
    extend(run_folder, More::default(), workspace, wake)
}

/// As [`resume`], for longer than was asked of the run so far: so a run goes on that has finished or stopped early.
pub fn extend(
    run_folder: &Path,
    more: More,
    workspace: &Workspace,
    wake: impl Fn() + Send + Sync + 'static,
) -> Result<Handle, Error> {
    let run_file = RunFile::in_effect(run_folder)?;
    spawn(
        Begin::Again(Box::new(run_file), more),
        run_folder.to_owned(),
        workspace,
        wake,
    )
}

fn spawn(
    from: Begin,
    run_folder: PathBuf,
    workspace: &Workspace,
    wake: impl Fn() + Send + Sync + 'static,
) -> Result<Handle, Error> {
    let (commands, inbox) = bounded(64);
    let shared = Arc::new(Shared::default());
    let wake: Wake = Arc::new(wake);
    let thread = {
        let (run_folder, workspace, shared) =
            (run_folder.clone(), workspace.clone(), Arc::clone(&shared));
        std::thread::Builder::new()
            .name("attune-train".to_owned())
            .spawn(move || {
                crate::device::enter_worker();
                let outcome = match begin(from, &run_folder, &workspace, inbox, &shared, &wake) {
                    Ok(run) => run.work(),
                    Err(error) => {
                        // Nothing but an empty folder is lost: a run begins with its log.
                        drop(std::fs::remove_dir(&run_folder));
                        if matches!(error, Error::Cancelled(_)) {
                            Ok(Outcome::Stopped)
                        } else {
                            Err(disk_full::explained(error, &run_folder, None))
                        }
                    }
                };
                shared.progress.store(None);
                wake();
                outcome
            })
            .map_err(|source| Error::Thread { source })?
    };
    Ok(Handle {
        run_folder,
        commands,
        shared,
        thread: Some(thread),
    })
}

/// Reports preparations to whoever watches the handle.
pub(super) fn preparing_job(shared: &Arc<Shared>, wake: &Wake) -> Job {
    let (listener, wake) = (Arc::clone(shared), Arc::clone(wake));
    Job::new(shared.stop_preparing.clone(), move |progress| {
        listener.progress.store(Some(Arc::new(progress)));
        wake();
    })
}
