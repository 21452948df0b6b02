//! Plans: tables of runs, worked through one after the other, and what came out of them.
//!
//! A [`Plan`] is a file; an [`Experiment`] is a folder of the workspace in which a plan was taken up. [`start`] trains what is not
//! trained yet. A [`Table`] is folded from the ledger and from the runs' own logs, so that window and command line see the same, and may
//! be drawn by anybody at any time, also while another process works.

mod difference;
mod export;
mod fold;
mod folder;
mod handle;
mod ledger;
mod merge;
mod overrides;
mod plan;
mod shipped;
mod table;
mod work;

pub use export::{Format, Grid};
pub use fold::Follower;
pub use folder::Experiment;
pub use handle::{Handle, start};
pub use overrides::{BadSetting, Overrides};
pub use plan::{Cell, Metric, Plan, Report, Task};
pub use shipped::shipped;
pub use table::{CellRun, Measure, Row, State, Table};
pub use work::{Ending, Failed};

use std::path::PathBuf;

/// What can go wrong with a plan or an experiment.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum Error {
    #[error("cannot read {}", path.display())]
    Read {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("cannot write {}", path.display())]
    Write {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("not a plan that Attune understands: {plan}")]
    Syntax {
        plan: String,
        source: Box<toml::de::Error>,
    },
    #[error("{plan}: {why}")]
    Plan { plan: String, why: String },
    #[error("{plan}: cell {cell:?}: {why}")]
    Cell {
        plan: String,
        cell: String,
        why: String,
    },
    #[error(
        "{plan}: cell {cell:?}: a setting is no recipe's (under `set` of the cell, or in `base`)"
    )]
    Setting {
        plan: String,
        cell: String,
        source: Box<toml::de::Error>,
    },
    #[error("{plan}: cell {cell:?}: the recipe is not possible")]
    Recipe {
        plan: String,
        cell: String,
        source: Box<crate::train::Error>,
    },
    #[error("{plan}: the augmentation chain cannot be used")]
    Chain {
        plan: String,
        source: Box<crate::train::Error>,
    },
    #[error(
        "{plan} does not say on which data: name a data set (--data DIR); it is meant for {needs}"
    )]
    NoData { plan: String, needs: String },
    #[error("there is no plan {name:?}; shipped are {known}, and a file ends in .toml")]
    UnknownPlan { name: String, known: String },
    #[error(
        "{name:?} cannot be the name of an experiment: letters, digits, `-`, `_` and `.` can be in it"
    )]
    Name { name: String },
    #[error("there is no experiment {name:?} (there are {known:?}) in {}", folder.display())]
    NoExperiment {
        name: String,
        known: Vec<String>,
        folder: PathBuf,
    },
    #[error(
        "the experiment {name:?} was begun with another plan; it differs in {differs}. Begin a new one under another name (--name), or go \
         on with the plan as it was by naming the plan.toml in the experiment's folder"
    )]
    OtherPlan { name: String, differs: String },
    #[error(
        "the data set {data} has changed since the experiment {name:?} began: its numbers would not be comparable. Begin a new one under another name (--name)"
    )]
    DataChanged { name: String, data: String },
    #[error("somebody else is working on the experiment {name:?}")]
    Locked { name: String },
    #[error("line {line} of the ledger is not understood: {}", path.display())]
    Ledger {
        path: PathBuf,
        line: usize,
        source: serde_json::Error,
    },
    #[error("an experiment cannot be written as TOML")]
    Toml(#[from] toml::ser::Error),
    #[error("the thread that works through the experiment could not be started")]
    Thread { source: std::io::Error },
    #[error("the thread that works through the experiment ended unexpectedly: {message}")]
    Panicked { message: String },
    #[error("stopped")]
    Cancelled(#[from] crate::job::Cancelled),
    #[error(transparent)]
    Run(#[from] crate::run::Error),
    #[error(transparent)]
    Train(#[from] crate::train::Error),
    #[error(transparent)]
    Dataset(#[from] crate::dataset::Error),
}
