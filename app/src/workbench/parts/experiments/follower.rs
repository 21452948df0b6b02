//! A thread that folds the shown experiment's table anew, whoever works on it, so that no frame reads a file.

use crate::workbench::Jobs;
use arc_swap::ArcSwap;
use attune_core::experiment::{Error, Experiment, Follower as Fold, Table};
use attune_core::job::{Cancel, Job};
use attune_core::workspace::Workspace;
use crossbeam::channel::{RecvTimeoutError, Sender, TrySendError, bounded};
use std::sync::Arc;
use std::time::Duration;

/// How often the files are looked at while somebody works on the experiment.
const LIVE: Duration = Duration::from_millis(700);
/// How often otherwise: another process may begin.
const QUIET: Duration = Duration::from_secs(3);

enum News {
    Reading,
    Table(Arc<Table>),
    Failed(String),
}

/// Follows an experiment until it is dropped.
pub(super) struct Follower {
    name: String,
    news: Arc<ArcSwap<News>>,
    cancel: Cancel,
    /// Dropping it ends the thread.
    poke: Sender<()>,
}

impl std::fmt::Debug for Follower {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Follower of {}", self.name)
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

impl Follower {
    pub(super) fn start(name: String, workspace: Workspace, jobs: &Jobs) -> Self {
        let news = Arc::new(ArcSwap::from_pointee(News::Reading));
        let (poke, pokes) = bounded::<()>(1);
        let cancel = Cancel::new();
        let (published, wake) = (Arc::clone(&news), jobs.clone());
        let job = Job::new(cancel.clone(), |_| ());
        let wanted = name.clone();
        let thread = std::thread::Builder::new()
            .name("follow experiment".to_owned())
            .spawn(move || {
                attune_core::device::enter_worker();
                let mut following = Following::default();
                loop {
                    let found = following.look(&wanted, &workspace);
                    let is_live = matches!(&found, Ok(table) if table.is_worked_on);
                    let publish = |found| {
                        let news = match found {
                            Ok(table) => News::Table(Arc::new(table)),
                            Err(error) => News::Failed(format!("{:#}", anyhow::Error::new(error))),
                        };
                        if is_news(&published.load(), &news) {
                            published.store(Arc::new(news));
                            wake.wake();
                        }
                    };
                    publish(found);
                    if let Some(complete) = following.complete(&job) {
                        publish(complete);
                    }
                    if job.check().is_err() {
                        return;
                    }
                    let pause = if is_live { LIVE } else { QUIET };
                    if pokes.recv_timeout(pause) == Err(RecvTimeoutError::Disconnected) {
                        return;
                    }
                }
            });
        if let Err(error) = thread {
            news.store(Arc::new(News::Failed(format!(
                "cannot start a thread: {error}"
            ))));
        }
        Self {
            name,
            news,
            cancel,
            poke,
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Makes it look at once.
    pub(super) fn poke(&self) {
        match self.poke.try_send(()) {
            // Full: it will look anyway.
            Ok(()) | Err(TrySendError::Full(()) | TrySendError::Disconnected(())) => {}
        }
    }

    pub(super) fn table(&self) -> Option<Arc<Table>> {
        match &**self.news.load() {
            News::Table(table) => Some(Arc::clone(table)),
            News::Reading | News::Failed(_) => None,
        }
    }

    pub(super) fn error(&self) -> Option<String> {
        match &**self.news.load() {
            News::Failed(error) => Some(error.clone()),
            News::Reading | News::Table(_) => None,
        }
    }
}

fn is_news(before: &News, now: &News) -> bool {
    match (before, now) {
        (News::Table(before), News::Table(now)) => before != now,
        (News::Failed(before), News::Failed(now)) => before != now,
        _ => true,
    }
}

/// What is kept from one look to the next.
#[derive(Default)]
struct Following {
    fold: Option<Fold>,
    /// Whether differences may be missing.
    is_incomplete: bool,
    /// Whether nobody works on it, who would compute them.
    is_at_rest: bool,
}

impl Following {
    /// The table as it is.
    fn look(&mut self, name: &str, workspace: &Workspace) -> Result<Table, Error> {
        let experiment = Experiment::open(workspace, name)?;
        // Seeds may have been added.
        let fold = match self.fold.take() {
            Some(fold) if fold.experiment().plan == experiment.plan => fold,
            _ => {
                self.is_incomplete = true;
                Fold::new(experiment)
            }
        };
        let fold = self.fold.insert(fold);
        let table = fold.table()?;
        self.is_incomplete |= table.is_worked_on;
        self.is_at_rest = !table.is_worked_on;
        Ok(table)
    }

    /// The table with the differences that nobody else computes, if some may be missing.
    fn complete(&mut self, job: &Job) -> Option<Result<Table, Error>> {
        if !(self.is_at_rest && self.is_incomplete) {
            return None;
        }
        let fold = self.fold.as_mut()?;
        // Where they cannot be computed or kept, the table without them still holds.
        drop(fold.experiment().finished_table(job));
        self.is_incomplete = false;
        Some(fold.table())
    }
}
