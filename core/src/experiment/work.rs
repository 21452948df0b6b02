//! Working through an experiment: one run after the other, going on where an earlier call was stopped or killed.

use super::fold::Standing;
use super::ledger::Ledger;
use super::{Error, Experiment, Task};
use crate::job::Job;
use crate::message::full_message;
use crate::run::{self, Event, History};
use crate::train::{self, Command, Handle, Outcome, TrainConfig};
use serde::Serialize;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How soon a run's end and a request to stop are noticed.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// How working through an experiment ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    /// Every run is done.
    Complete,
    /// All that could be done is done; some runs failed, or wait for one that did.
    WithFailures,
    /// The caller stopped it. Another call goes on.
    Stopped,
}

/// What to do about runs that failed in an earlier call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Failed {
    /// Leave them.
    #[default]
    Leave,
    /// Try them again, from their last checkpoint if there is one.
    Retry,
}

/// The work itself, see [`super::start`]. When `job` is cancelled, the run at work is stopped after a checkpoint.
pub(super) fn work(
    experiment: &Experiment,
    failed: Failed,
    job: &Job,
    wake: impl Fn() + Send + Sync + 'static,
) -> Result<Ending, Error> {
    let mut worker = Worker {
        lock: experiment.lock()?,
        ledger: experiment.ledger()?,
        experiment,
        job,
        wake: Arc::new(wake),
    };
    match worker.all(failed) {
        // However the wish to stop came back: nothing is lost.
        Err(_) if job.cancel.is_cancelled() => Ok(Ending::Stopped),
        other => other,
    }
}

struct Worker<'a> {
    lock: run::WriterLock,
    experiment: &'a Experiment,
    ledger: Ledger,
    job: &'a Job,
    wake: Arc<dyn Fn() + Send + Sync>,
}

/// How one run went.
enum Done {
    Whole,
    Failed,
    Stopped,
}

impl Worker<'_> {
    fn all(&mut self, failed: Failed) -> Result<Ending, Error> {
        self.experiment.check_data(self.job)?;
        let mut ending = Ending::Complete;
        for task in self.experiment.plan.tasks() {
            self.job.check()?;
            self.check_lock()?;
            if self.is_done(&task) {
                continue;
            }
            let teacher = self.experiment.plan.teacher(&task);
            let is_taught = teacher.as_ref().is_none_or(|teacher| self.is_done(teacher));
            let has_failed = self.ledger.of(&task).failure.is_some();
            if !is_taught || (has_failed && failed == Failed::Leave) {
                ending = Ending::WithFailures;
                continue;
            }
            let teacher_run = teacher.and_then(|teacher| self.ledger.of(&teacher).run);
            let done = self.train(&task, teacher_run.as_deref())?;
            self.check_lock()?;
            match done {
                Done::Whole => self.experiment.compute_differences(self.job)?,
                Done::Failed => ending = Ending::WithFailures,
                Done::Stopped => return Ok(Ending::Stopped),
            }
            (self.wake)();
        }
        // Those that an earlier call was stopped in.
        self.experiment.compute_differences(self.job)?;
        (self.wake)();
        Ok(ending)
    }

    /// Whoever works through it on another machine since keeps the ledger: nothing more is written here.
    fn check_lock(&mut self) -> Result<(), Error> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        Ok(self
            .lock
            .check(now.map_or(0, |now| now.as_millis() as u64))?)
    }

    fn is_done(&self, task: &Task) -> bool {
        let run = self.ledger.of(task).run;
        run.is_some_and(|run| {
            matches!(
                Standing::of(&self.experiment.run_folder(&run)),
                Standing::Done(_)
            )
        })
    }

    /// Brings a run to its end, as far as it goes.
    fn train(&mut self, task: &Task, teacher_run: Option<&str>) -> Result<Done, Error> {
        let mut config = self.experiment.plan.config(task, teacher_run)?;
        config.name = self.run_name(task);
        let outcome = match self.begin(task, config)? {
            Ok(handle) => {
                (self.wake)();
                let folder = handle.run_folder.clone();
                self.follow(handle)?.map(|outcome| (outcome, folder))
            }
            Err(error) => Err(error),
        };
        let message = match outcome {
            Ok((Outcome::Stopped, _)) => return Ok(Done::Stopped),
            Ok((_, folder)) if matches!(Standing::of(&folder), Standing::Done(_)) => {
                return Ok(Done::Whole);
            }
            // Stopped while it was tested.
            Ok(_) if self.job.cancel.is_cancelled() => return Ok(Done::Stopped),
            Ok((_, folder)) => untested(&folder),
            Err(train::Error::Cancelled(_)) => return Ok(Done::Stopped),
            // Somebody trains this very run: it has not failed, and cannot be waited for.
            Err(error @ train::Error::Run(run::Error::Locked(_))) => return Err(error.into()),
            Err(error) => full_message(&error),
        };
        self.check_lock()?;
        self.ledger.failed(task, &message)?;
        (self.wake)();
        Ok(Done::Failed)
    }

    /// Starts the run of a task, or goes on with it. It is in the ledger before anything is in its folder.
    fn begin(
        &mut self,
        task: &Task,
        config: TrainConfig,
    ) -> Result<Result<Handle, train::Error>, Error> {
        let workspace = &self.experiment.workspace;
        let wake = Arc::clone(&self.wake);
        let wake = move || wake();
        let folder = self
            .ledger
            .of(task)
            .run
            .map(|run| self.experiment.run_folder(&run));
        let place = train::place(folder, &config, &workspace.runs())?;
        let (folder, is_new) = (place.folder, !place.is_begun);
        let id = folder.file_name().unwrap_or_default().to_string_lossy();
        self.ledger.began(task, &id)?;
        Ok(if is_new {
            train::start_in(folder, config, workspace, wake)
        } else {
            train::resume(&folder, workspace, wake)
        })
    }

    /// Waits for the end of a run; passes on what it prepares and the caller's wish to stop. If the experiment is taken over meanwhile, the run
    /// is stopped after a checkpoint, for whoever goes on with it.
    fn follow(&mut self, handle: Handle) -> Result<Result<Outcome, train::Error>, Error> {
        let (mut is_stopping, mut was_preparing) = (false, true);
        while !handle.is_finished() {
            if let Err(taken_over) = self.check_lock() {
                handle.send(Command::Stop);
                drop(handle.join());
                return Err(taken_over);
            }
            if self.job.cancel.is_cancelled() && !is_stopping {
                is_stopping = handle.send(Command::Stop);
            }
            let preparing = handle.preparing();
            if let Some(progress) = &preparing {
                self.job
                    .report(progress.done, progress.total, &progress.what);
            } else if was_preparing {
                self.job.report(0, 0, "");
            }
            was_preparing = preparing.is_some();
            std::thread::sleep(LOOK_EVERY);
        }
        Ok(handle.join())
    }

    fn run_name(&self, task: &Task) -> String {
        let mut name = format!("{}-{}-seed{}", self.experiment.name, task.cell, task.seed);
        if task.iteration > 1 {
            name.push_str(&format!("-student{}", task.iteration));
        }
        name
    }
}

/// Why a run that was trained to its end has no score.
fn untested(folder: &Path) -> String {
    let history = History::open(folder).ok();
    let warning = history.and_then(|history| {
        let mut events = history.events().iter().rev();
        events.find_map(|record| match &record.event {
            Event::Warned { message } => Some(message.clone()),
            _ => None,
        })
    });
    warning.unwrap_or_else(|| "the test split has no score".to_owned())
}
