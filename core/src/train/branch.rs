//! A run that begins with the weights of another one: from its best or its last checkpoint, or from weights that it kept on the way.
//!
//! The branch is a run of its own, with its own recipe, steps counted from 0 and a log. What it begins with is copied into its folder, so that it
//! can be repeated, and gone on with when the other run is gone. The optimizer's state lies beside the last checkpoint only; it is taken
//! over if the branch has the same optimizer.

use super::checkpoint::{Checkpoints, RunFile};
use super::learner::Learner;
use super::{Error, TrainConfig};
use crate::nn::Optimizer;
use crate::predict::Model;
use crate::run::{self, History, snapshot_path};
use crate::workspace::Workspace;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// Where a branch begins; as text `RUN:best`, `RUN:last` or `RUN:step-N`, where `RUN` alone means its best checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BranchPoint {
    /// The run: its id, an unmistakable beginning of it, or its folder.
    pub run: PathBuf,
    /// Which of its weights.
    pub weights: BranchWeights,
}

/// Weights that a run has kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BranchWeights {
    /// Those with the lowest validation loss.
    Best,
    /// The latest.
    Last,
    /// Those of a step: of a validation, if the recipe kept them, or of a snapshot that was asked for.
    Step(u64),
}

/// Where a branch came from, as its `run.toml` tells.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BranchRecord {
    /// Id of the run.
    pub run: String,
    /// Which of its weights: `best`, `last` or `step-N`.
    pub weights: String,
    /// Training steps behind these weights, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<u64>,
    /// Of the model that they are; equal for equal answers.
    pub fingerprint: String,
    /// Whether the optimizer went on with the state that it had.
    pub optimizer_state: bool,
}

impl fmt::Display for BranchWeights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Best => f.write_str("best"),
            Self::Last => f.write_str("last"),
            Self::Step(step) => write!(f, "step-{step}"),
        }
    }
}

impl fmt::Display for BranchPoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.run.display(), self.weights)
    }
}

impl FromStr for BranchPoint {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        // A colon within a path is none of ours.
        let (run, weights) = match text.rsplit_once(':') {
            Some((run, weights)) if !weights.contains(['/', '\\']) => (run, Some(weights)),
            _ => (text, None),
        };
        let weights = match weights {
            None | Some("best") => Some(BranchWeights::Best),
            Some("last") => Some(BranchWeights::Last),
            Some(other) => other
                .strip_prefix("step-")
                .and_then(|step| step.parse().ok())
                .map(BranchWeights::Step),
        };
        match weights {
            Some(weights) if !run.is_empty() => Ok(Self {
                run: PathBuf::from(run),
                weights,
            }),
            _ => Err(Error::OutOfRange {
                what: "branch_from".to_owned(),
                why: format!("must be RUN, RUN:best, RUN:last or RUN:step-N, not `{text}`"),
            }),
        }
    }
}

impl TryFrom<String> for BranchPoint {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

impl From<BranchPoint> for String {
    fn from(point: BranchPoint) -> Self {
        point.to_string()
    }
}

impl BranchPoint {
    /// The recipe of a branch from here with nothing changed: that of the run, as it is in effect, under another name.
    ///
    /// Fails if there is no such run.
    pub fn recipe(&self, workspace: &Workspace) -> Result<TrainConfig, Error> {
        let folder = self.folder(workspace)?;
        let config = RunFile::in_effect(&folder)?.config;
        Ok(TrainConfig {
            name: format!("{}-branch", config.label()),
            branch_from: Some(self.clone()),
            ..config
        })
    }

    fn folder(&self, workspace: &Workspace) -> Result<PathBuf, Error> {
        Ok(run::find(&workspace.runs(), &self.run.to_string_lossy())?)
    }

    /// The file of weights. Fails if the run has not kept them.
    fn file(&self, folder: &Path) -> Result<PathBuf, Error> {
        let checkpoints = Checkpoints::of(folder);
        let candidates = match self.weights {
            BranchWeights::Best => vec![checkpoints.best()],
            BranchWeights::Last => vec![checkpoints.last()],
            BranchWeights::Step(step) => {
                vec![snapshot_path(folder, step), checkpoints.snapshot(step)]
            }
        };
        let found = candidates.into_iter().find(|path| path.is_file());
        found.ok_or_else(|| {
            let kept = run::snapshots(folder).unwrap_or_default();
            let kept: Vec<String> = kept.iter().map(|it| format!("step-{}", it.step)).collect();
            Error::NoSuchWeights {
                weights: self.weights.to_string(),
                kept: if kept.is_empty() {
                    "and no weights of single steps (a recipe with `snapshots` keeps them)"
                        .to_owned()
                } else {
                    format!("or {}", kept.join(", "))
                },
                run: folder.to_owned(),
            }
        })
    }
}

/// Gives `learner` the weights that the recipe's branch begins with, and the optimizer's state where it goes on. Nothing is written.
///
/// Fails if the run or its weights are not there, or if they are of other tags or another network.
pub(super) fn begin(
    point: &BranchPoint,
    config: &TrainConfig,
    learner: &mut Learner,
    workspace: &Workspace,
) -> Result<BranchRecord, Error> {
    let folder = point.folder(workspace)?;
    let file = point.file(&folder)?;
    let (model, state) = match point.weights {
        BranchWeights::Last => {
            let (model, state) = Checkpoints::of(&folder).last_whole()?;
            (model, Some(state))
        }
        BranchWeights::Best | BranchWeights::Step(_) => (Model::load(&file)?, None),
    };
    let tags = learner.tags();
    if model.tags != tags {
        return Err(Error::BranchTags {
            from: point.to_string(),
            n_then: model.tags.len(),
            n_now: tags.len(),
        });
    }
    take_over(&model, point, learner)?;
    let mut optimizer_state = false;
    let step = match (point.weights, state) {
        (BranchWeights::Step(step), _) => Some(step),
        (BranchWeights::Last, Some(state)) => {
            let then = RunFile::read(&folder)?.config.optimizer;
            optimizer_state = then.name() == config.optimizer.name();
            if optimizer_state {
                learner.optimizer = Optimizer::from_map(config.optimizer, &state.tensors)?;
            }
            Some(Checkpoints::of(&folder).position_of(&state)?.step)
        }
        (BranchWeights::Best | BranchWeights::Last, _) => {
            History::open(&folder)?.best().map(|best| best.step)
        }
    };
    Ok(BranchRecord {
        run: folder
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned(),
        weights: point.weights.to_string(),
        step,
        fingerprint: model.fingerprint,
        optimizer_state,
    })
}

/// As [`begin`], for a branch that goes on, from the copies in its folder; does nothing if it has a checkpoint of its own.
pub(super) fn begin_again(
    point: &BranchPoint,
    config: &TrainConfig,
    checkpoints: &Checkpoints,
    learner: &mut Learner,
) -> Result<(), Error> {
    if checkpoints.last().exists() {
        return Ok(());
    }
    take_over(&Model::load(&checkpoints.origin())?, point, learner)?;
    if let Some(optimizer) = checkpoints.origin_optimizer(config.optimizer)? {
        learner.optimizer = optimizer;
    }
    Ok(())
}

fn take_over(model: &Model, point: &BranchPoint, learner: &Learner) -> Result<(), Error> {
    let misfit = |why: String| Error::BranchNetwork {
        from: point.to_string(),
        why,
    };
    // The same shapes with other heads or another front end would mean something else.
    if model.config != learner.config {
        return Err(misfit("its configuration differs".to_owned()));
    }
    let theirs = model.parameters().to_map();
    let names: BTreeSet<String> = learner.parameters.to_map().into_keys().collect();
    // A smaller network would find all that it needs among the weights of a larger one, and still be another.
    if let Some(name) = theirs.keys().find(|name| !names.contains(*name)) {
        return Err(misfit(format!("it has no place for {name}")));
    }
    let taken = learner.parameters.load_from(&theirs);
    taken.map_err(|error| misfit(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_is_a_run_and_which_of_its_weights() {
        let read = |text: &str| text.parse::<BranchPoint>();
        for (text, run, weights) in [
            ("demo-3", "demo-3", BranchWeights::Best),
            ("demo-3:best", "demo-3", BranchWeights::Best),
            ("runs/demo-3:last", "runs/demo-3", BranchWeights::Last),
            ("a:b:step-120", "a:b", BranchWeights::Step(120)),
            ("C:\\runs\\demo-3", "C:\\runs\\demo-3", BranchWeights::Best),
        ] {
            let point = read(text).unwrap();
            assert_eq!(
                (point.run.as_path(), point.weights),
                (Path::new(run), weights)
            );
            assert_eq!(read(&point.to_string()).unwrap(), point);
        }
        for text in ["", ":best", "demo-3:", "demo-3:beest", "demo-3:step-x"] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains("RUN:step-N"), "{text}: {error}");
        }
    }
}
