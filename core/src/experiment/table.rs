//! An experiment's results so far, as plain data: for the window, the terminal and files alike.

use super::Metric;
use crate::metrics::{Difference, Statistic};
use serde::Serialize;

/// Where an experiment stands.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Table {
    /// The experiment's name.
    pub name: String,
    /// The plan's title.
    pub title: String,
    /// What the plan says of itself.
    pub about: String,
    /// The measures, in the order of [`Row::measures`].
    pub metrics: Vec<Metric>,
    /// The seeds.
    pub seeds: Vec<u64>,
    /// Confidence of the intervals of differences.
    pub confidence: f64,
    /// Resamples of the test tracks behind them.
    pub resamples: usize,
    /// The cells, in the order of the plan.
    pub rows: Vec<Row>,
    /// Runs in all: cells by seeds by iterations.
    pub n_runs: usize,
    /// Runs that are done.
    pub n_done: usize,
    /// Runs that failed, and those that wait for one of them.
    pub n_failed: usize,
    /// About how long it still takes, in seconds, failed runs left out; `None` while nothing is known.
    pub seconds_left: Option<f64>,
    /// Whether somebody works on it.
    pub is_worked_on: bool,
}

/// A cell of the plan: a row of the table.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// Its id.
    pub cell: String,
    /// The cell whose runs these are, if they are another's.
    pub same_runs_as: Option<String>,
    /// As it is called.
    pub label: String,
    /// Its group.
    pub group: Option<String>,
    /// What the reader should know of it.
    pub note: Option<String>,
    /// Where it stands, all its runs together.
    pub state: State,
    /// Its runs, seed by seed, iteration by iteration.
    pub runs: Vec<CellRun>,
    /// `[metrics]`
    pub measures: Vec<Measure>,
    /// Label of the cell that it is compared with.
    pub versus: Option<String>,
    /// Why it cannot be compared, in words.
    pub not_compared: Option<String>,
}

/// One run of a cell.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CellRun {
    /// Its seed.
    pub seed: u64,
    /// Which student, from 1.
    pub iteration: u32,
    /// Whether its scores count in the table: those of the last iteration do.
    pub counts: bool,
    /// Its id, once it was begun.
    pub run: Option<String>,
    /// Where it stands.
    pub state: State,
    /// Macro ROC-AUC on the test split.
    pub roc_auc: Option<f64>,
    /// Macro average precision on the test split.
    pub average_precision: Option<f64>,
    /// How long it took, in seconds, once it is done.
    pub seconds: Option<f64>,
}

/// One measure of a cell.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Measure {
    /// Which.
    pub metric: Metric,
    /// Over the seeds that are done; `None` if none is.
    pub measured: Option<Statistic>,
    /// The figure that the paper gives.
    pub paper: Option<f64>,
    /// This cell less the one it is compared with, by the means over the seeds that both have, with its interval; `None` while it is
    /// not computed.
    pub difference: Option<Difference>,
}

/// Where a run or a cell stands.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum State {
    /// Its turn has not come.
    Waiting,
    /// Its data is made ready.
    Preparing,
    /// It trains.
    Running {
        /// Epoch, from 1.
        epoch: u32,
        /// Epochs at most.
        epochs: u32,
        /// Steps done.
        step: u64,
        /// Steps at most.
        steps: u64,
        /// Until its last epoch, in seconds.
        seconds_left: Option<f64>,
    },
    /// Nobody works on it; it goes on from its last checkpoint.
    Interrupted,
    /// Trained and tested.
    Done,
    /// It could not be brought to its end.
    Failed {
        /// Why.
        message: String,
    },
    /// Its teacher failed.
    Blocked {
        /// The teacher's cell.
        teacher: String,
    },
}

impl State {
    /// In a few words, for a column.
    pub fn label(&self) -> String {
        match self {
            Self::Waiting => "waiting".to_owned(),
            Self::Preparing => "preparing".to_owned(),
            Self::Running { epoch, epochs, .. } => format!("epoch {epoch} of {epochs}"),
            Self::Interrupted => "interrupted".to_owned(),
            Self::Done => "done".to_owned(),
            Self::Failed { .. } => "failed".to_owned(),
            Self::Blocked { teacher } => format!("waits for {teacher}, which failed"),
        }
    }

    /// The state of a cell with runs in these states: what somebody should look at comes first.
    pub(super) fn of_all<'a>(states: impl Iterator<Item = &'a Self> + Clone) -> Self {
        let urgency = |state: &Self| match state {
            Self::Running { .. } => 6,
            Self::Preparing => 5,
            Self::Failed { .. } => 4,
            Self::Blocked { .. } => 3,
            Self::Interrupted => 2,
            Self::Waiting => 1,
            Self::Done => 0,
        };
        let most = states.max_by_key(|state| urgency(state));
        most.cloned().unwrap_or(Self::Waiting)
    }

    /// Whether nothing will happen to it by itself.
    pub(super) fn is_stuck(&self) -> bool {
        matches!(self, Self::Failed { .. } | Self::Blocked { .. })
    }
}

impl Row {
    /// Of its seeds, how many are done.
    pub fn n_done(&self) -> usize {
        let counting = self.runs.iter().filter(|run| run.counts);
        counting.filter(|run| run.state == State::Done).count()
    }
}

impl Measure {
    /// Whether the difference was computed and its interval holds zero.
    pub fn is_indistinguishable(&self) -> bool {
        self.difference
            .is_some_and(|difference| difference.interval.is_some() && !difference.is_significant())
    }
}
