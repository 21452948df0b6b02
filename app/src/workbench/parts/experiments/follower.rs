//! Follows the shown experiment's table, whoever works on it.

use crate::workbench::Jobs;
use crate::workbench::following::Following as Thread;
use attune_core::experiment::{Error, Experiment, Follower as Fold, Table};
use attune_core::job::Job;
use attune_core::workspace::Workspace;
use std::sync::Arc;
use std::time::Duration;

/// How often the files are looked at while somebody works on the experiment.
const LIVE: Duration = Duration::from_millis(700);
/// How often otherwise: another process may begin.
const QUIET: Duration = Duration::from_secs(3);

/// Follows an experiment until it is dropped.
#[derive(Debug)]
pub(super) struct Follower {
    name: String,
    thread: Thread<Table>,
}

impl Follower {
    pub(super) fn start(name: String, workspace: Workspace, jobs: &Jobs) -> Self {
        let mut following = Following::default();
        let wanted = name.clone();
        let thread = Thread::start("follow experiment", jobs, move |look| {
            let told = |found: Result<Table, Error>| {
                found.map_err(|error| format!("{:#}", anyhow::Error::new(error)))
            };
            let found = following.look(&wanted, &workspace);
            let is_live = matches!(&found, Ok(table) if table.is_worked_on);
            look.publish(told(found));
            if let Some(complete) = following.complete(look.job) {
                look.publish(told(complete));
            }
            if is_live { LIVE } else { QUIET }
        });
        Self { name, thread }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Makes it look at once.
    pub(super) fn poke(&self) {
        self.thread.poke();
    }

    pub(super) fn table(&self) -> Option<Arc<Table>> {
        self.thread.found()
    }

    pub(super) fn error(&self) -> Option<String> {
        self.thread.error()
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
