//! Checkpoints: weights, and beside the last ones everything else that a run needs to go on as if it had never stopped.
//!
//! `checkpoints/best.safetensors` and `last.safetensors` are complete models that load anywhere. The optimizer's moments,
//! the clips behind the running scores and the position of `last` lie in `last-STEP.state.safetensors`, which is written first; renaming
//! `last.safetensors`, whose metadata name that state, is the moment at which the checkpoint counts. A run that is killed
//! between the two goes on from the checkpoint before.

use super::learner::Learner;
use super::{BranchRecord, EarlyStop, Error, Outcome, Waiting};
use crate::dataset::Contents;
use crate::device::cpu;
use crate::metrics::{PseudoLabels, RunningScores};
use crate::models::ModelConfig;
use crate::nn::{Optimizer, OptimizerConfig, Parameters};
use crate::predict::{Checkpoint, LoadOptions, Model};
use crate::weights::{self, Weights};
use candle_core::Tensor;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Where a run stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Position {
    /// Epoch of the next step, from 0.
    pub epoch: u32,
    /// Number of the next step within its epoch.
    pub step_in_epoch: u32,
    /// Steps done.
    pub step: u64,
    /// Base learning rate in force, before the schedule: that of the recipe, or the one set by hand since.
    pub learning_rate: f64,
    /// Early stopping so far.
    pub early_stop: EarlyStop,
    /// What a schedule that waits for the validation loss has seen so far.
    #[serde(default, skip_serializing_if = "Waiting::is_new")]
    pub waiting: Waiting,
    /// Time spent training so far, over all sittings, in seconds.
    pub seconds: f64,
    /// Step of the last validation.
    pub validated_step: u64,
    /// Of a noisy student's run: the pseudo-labels since the log last told of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pseudo_labels: Option<PseudoLabels>,
    /// How training ended, once it has: all that is left is to score the test split.
    #[serde(default)]
    pub end: Option<Outcome>,
}

impl Position {
    /// The beginning of a run.
    pub(super) fn start(config: &super::TrainConfig) -> Self {
        Self {
            epoch: 0,
            step_in_epoch: 0,
            step: 0,
            learning_rate: config.learning_rate,
            early_stop: EarlyStop::new(config.patience_epochs),
            waiting: Waiting::default(),
            seconds: 0.0,
            validated_step: 0,
            pseudo_labels: None,
            end: None,
        }
    }
}

const STATE_KEY: &str = "attune.train.state";
const POSITION_KEY: &str = "attune.train.position";
const RUNNING_KEYS: &str = "running.keys";
const RUNNING_MARKS: &str = "running.marks";

/// The checkpoints of one run folder.
#[derive(Clone, Debug)]
pub struct Checkpoints {
    folder: PathBuf,
}

impl Checkpoints {
    /// Those of the run in `run_folder`.
    pub fn of(run_folder: &Path) -> Self {
        Self {
            folder: run_folder.join("checkpoints"),
        }
    }

    /// The model with the lowest validation loss.
    pub fn best(&self) -> PathBuf {
        self.folder.join("best.safetensors")
    }

    /// The latest model.
    pub fn last(&self) -> PathBuf {
        self.folder.join("last.safetensors")
    }

    /// The teacher of a noisy student's run, as it was when the run began.
    pub fn teacher(&self) -> PathBuf {
        self.folder.join("teacher.safetensors")
    }

    /// Of a branch: the model that it began with.
    pub(super) fn origin(&self) -> PathBuf {
        self.folder.join("origin.safetensors")
    }

    /// Of a branch: the optimizer's state that it began with, if it took over one.
    fn origin_state(&self) -> PathBuf {
        self.folder.join("origin.state.safetensors")
    }

    /// Where a snapshot that was asked for lies.
    pub(super) fn snapshot(&self, step: u64) -> PathBuf {
        self.folder.join(format!("step-{step}.safetensors"))
    }

    /// Keeps what a branch begins with: the model, and the optimizer's state if `with_state`.
    pub(super) fn save_origin(&self, learner: &Learner, with_state: bool) -> Result<(), Error> {
        if with_state {
            let state = learner.optimizer.to_map()?;
            weights::write(&self.origin_state(), &state, &BTreeMap::new())?;
        }
        Ok(learner.model()?.save(&self.origin())?)
    }

    /// The optimizer with the state that a branch began with; `None` if it took over none.
    pub(super) fn origin_optimizer(
        &self,
        config: OptimizerConfig,
    ) -> Result<Option<Optimizer>, Error> {
        let path = self.origin_state();
        if !path.is_file() {
            return Ok(None);
        }
        let state = weights::read(&path)?;
        Ok(Some(Optimizer::from_map(config, &state.tensors)?))
    }

    /// Keeps `model` as the best.
    pub fn save_best(&self, model: &Model) -> Result<PathBuf, Error> {
        model.save(&self.best())?;
        Ok(self.best())
    }

    /// Keeps a copy of `model` under the number of its step.
    pub fn save_snapshot(&self, model: &Model, step: u64) -> Result<PathBuf, Error> {
        let path = self.snapshot(step);
        model.save(&path)?;
        Ok(path)
    }

    /// Keeps everything needed to go on from `position`; `more` are tensors of the state beyond the optimizer's.
    pub(super) fn save_last(
        &self,
        learner: &Learner,
        running: &RunningScores,
        more: BTreeMap<String, Tensor>,
        position: &Position,
    ) -> Result<PathBuf, Error> {
        let state_name = format!("last-{}.state.safetensors", position.step);
        let position_json =
            serde_json::to_string(position).map_err(|source| Error::Position { source })?;
        let metadata = BTreeMap::from([(POSITION_KEY.to_owned(), position_json)]);
        let mut state = learner.optimizer.to_map()?;
        state.extend(running_to_map(running)?);
        state.extend(more);
        let state_path = self.folder.join(&state_name);
        // The last checkpoint may be of this very step and need its state.
        let is_new = !state_path.exists();
        weights::write(&state_path, &state, &metadata)?;
        let model = learner.model()?;
        let mut metadata = model.metadata()?;
        metadata.insert(STATE_KEY.to_owned(), state_name.clone());
        let written = weights::write(&self.last(), &model.parameters().to_map(), &metadata);
        if written.is_err() && is_new {
            // Nothing names it, and where the disk is full its room is wanted.
            drop(std::fs::remove_file(&state_path));
        }
        written?;
        self.remove_states_but(&state_name);
        Ok(self.last())
    }

    /// About how many bytes a checkpoint and the best model take, `more` as for [`Self::save_last`].
    pub(super) fn size(
        learner: &Learner,
        running: &RunningScores,
        more: &BTreeMap<String, Tensor>,
    ) -> Result<u64, Error> {
        let bytes_of = |tensors: &BTreeMap<String, Tensor>| -> u64 {
            let sizes = tensors.values();
            sizes
                .map(|tensor| (tensor.elem_count() * tensor.dtype().size_in_bytes()) as u64)
                .sum()
        };
        let state = [
            &learner.optimizer.to_map()?,
            &running_to_map(running)?,
            more,
        ]
        .map(bytes_of);
        let weights = bytes_of(&learner.parameters.to_map());
        Ok(state.iter().sum::<u64>() + 2 * weights)
    }

    /// Takes away what a killed writer left half written. For the run's writer.
    pub(super) fn forget_unfinished(&self) {
        let entries = std::fs::read_dir(&self.folder);
        for entry in entries.into_iter().flatten().flatten() {
            if entry.path().extension().is_some_and(|end| end == "part") {
                // It costs space and nothing else.
                drop(std::fs::remove_file(entry.path()));
            }
        }
    }

    /// Puts the last checkpoint's values into `parameters` and `running` and gives its optimizer and position, and all tensors of its
    /// state.
    pub(super) fn load_last(
        &self,
        parameters: &Parameters,
        optimizer: OptimizerConfig,
        running: &mut RunningScores,
    ) -> Result<(Optimizer, Position, BTreeMap<String, Tensor>), Error> {
        let last = weights::read(&self.last())?;
        let state = self.state_of(&last)?;
        let position = self.position_of(&state)?;
        parameters.load_from(&last.tensors)?;
        if let (Some(keys), Some(marks)) = (
            state.tensors.get(RUNNING_KEYS),
            state.tensors.get(RUNNING_MARKS),
        ) {
            let (keys, marks) = (keys.to_vec1::<u32>()?, marks.to_vec1::<u8>()?);
            if !running.restore(&keys, &marks) {
                return Err(self.broken("its running scores are of other tags"));
            }
        }
        let optimizer = Optimizer::from_map(optimizer, &state.tensors)?;
        Ok((optimizer, position, state.tensors))
    }

    /// The last checkpoint's model and the state beside it, of one moment, also while the run is in training.
    pub(super) fn last_whole(&self) -> Result<(Model, Weights), Error> {
        let mut missed: Option<String> = None;
        loop {
            // In memory as a whole: the model and the name of its state cannot be of two checkpoints.
            let last = Checkpoint::open(&self.last(), &LoadOptions::default())?;
            let name = self.state_name(last.file().metadata())?.to_owned();
            match weights::read(&self.folder.join(&name)) {
                Ok(state) => return Ok((last.load()?, state)),
                // The run's next checkpoint has just taken its place.
                Err(weights::Error::Io { source, .. })
                    if source.kind() == std::io::ErrorKind::NotFound
                        && missed.as_ref() != Some(&name) =>
                {
                    missed = Some(name);
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Where the run stood that left this state.
    pub(super) fn position_of(&self, state: &Weights) -> Result<Position, Error> {
        let position = state.metadata.get(POSITION_KEY);
        let position = position.ok_or_else(|| self.broken("its state has no position"))?;
        serde_json::from_str(position).map_err(|source| Error::Position { source })
    }

    /// The state beside the last checkpoint: what is not the model's.
    pub(super) fn last_state(&self) -> Result<Weights, Error> {
        self.state_of(&weights::read(&self.last())?)
    }

    fn state_of(&self, last: &Weights) -> Result<Weights, Error> {
        let name = self.state_name(&last.metadata)?;
        Ok(weights::read(&self.folder.join(name))?)
    }

    fn state_name<'a>(&self, metadata: &'a BTreeMap<String, String>) -> Result<&'a str, Error> {
        let name = metadata.get(STATE_KEY).map(String::as_str);
        name.ok_or_else(|| self.broken("it does not name the optimizer's state"))
    }

    fn broken(&self, why: &str) -> Error {
        Error::Checkpoint {
            path: self.last(),
            why: why.to_owned(),
        }
    }

    /// A state that stays behind costs space and nothing else, so failing to remove one is no error.
    fn remove_states_but(&self, keep: &str) {
        for entry in std::fs::read_dir(&self.folder)
            .into_iter()
            .flatten()
            .flatten()
        {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if name.starts_with("last-") && name.ends_with(".state.safetensors") && name != keep {
                drop(std::fs::remove_file(entry.path()));
            }
        }
    }
}

/// The clips behind the running scores, as tensors.
fn running_to_map(running: &RunningScores) -> Result<BTreeMap<String, Tensor>, Error> {
    let (keys, marks) = running.snapshot();
    let n = keys.len();
    Ok(BTreeMap::from([
        (RUNNING_KEYS.to_owned(), Tensor::from_vec(keys, n, &cpu())?),
        (
            RUNNING_MARKS.to_owned(),
            Tensor::from_vec(marks, n, &cpu())?,
        ),
    ]))
}

/// What `run.toml` holds: everything needed to repeat the run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunFile {
    /// Version of Attune that began the run.
    pub attune: String,
    /// When it began, in milliseconds since 1970.
    pub created_unix_ms: u64,
    /// Trainable parameters of the network.
    pub parameters: u64,
    /// The data set as it was.
    pub data: DataRecord,
    /// The data sets that unlabelled tracks came from, in the order of the configuration.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unlabelled: Vec<DataRecord>,
    /// The teacher, if it is a noisy student's run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub teacher: Option<TeacherRecord>,
    /// Where it came from, if it is a branch. What it began with lies beside the checkpoints.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branched_from: Option<BranchRecord>,
    /// The configuration.
    pub config: super::TrainConfig,
    /// The network in full, the number of tags included.
    pub model: ModelConfig,
}

/// Who taught a run. The model itself lies beside the checkpoints.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TeacherRecord {
    /// Its name: of its run or its file.
    pub name: String,
    /// Equal for equal answers.
    pub fingerprint: String,
    /// Trained numbers.
    pub parameters: u64,
}

/// Which data a run was trained on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DataRecord {
    /// Its name.
    pub name: String,
    /// Its folder.
    pub folder: PathBuf,
    /// Changes when tracks, labels or splits change.
    pub fingerprint: String,
    /// The tags, in the order of the network's outputs.
    pub tags: Vec<String>,
    /// Its parts, by which a change is told; `None` in runs from before they were kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contents: Option<Contents>,
}

impl RunFile {
    /// Reads it from a run folder.
    pub fn read(run_folder: &Path) -> Result<Self, Error> {
        let path = run_folder.join("run.toml");
        let text = std::fs::read_to_string(&path).map_err(|source| Error::Read {
            path: path.clone(),
            source,
        })?;
        toml::from_str(&text).map_err(|source| Error::Config {
            path,
            source: Box::new(source),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::TrainConfig;

    #[test]
    fn a_position_of_an_earlier_version_is_read_and_written_as_it_was() {
        let text = r#"{"epoch":3,"step_in_epoch":0,"step":24,"learning_rate":0.001,"early_stop":{"patience_epochs":20,"best":{"loss":0.5,"epoch":1,"step":16}},"seconds":12.5,"validated_step":24,"end":null}"#;
        let position: Position = serde_json::from_str(text).unwrap();
        assert!(position.waiting.is_new());
        assert_eq!(serde_json::to_string(&position).unwrap(), text);
    }

    fn learner(seed: u64) -> Learner {
        let recipe = TrainConfig {
            seed,
            ..TrainConfig::for_preset("tiny-student")
        };
        let config = recipe.model.resolve(1).unwrap();
        Learner::new(&recipe, config, vec!["a".to_owned()]).unwrap()
    }

    /// The weights tell which checkpoint they are of, its state at which step it was.
    #[test]
    fn weights_and_state_are_of_one_checkpoint_also_while_the_run_writes_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let checkpoints = Checkpoints::of(folder.path());
        let (writing, reading) = (checkpoints.clone(), checkpoints.clone());
        let prints: Vec<String> = [0, 1]
            .map(|seed| learner(seed).model().unwrap().fingerprint)
            .to_vec();
        assert_ne!(prints[0], prints[1]);
        let save = move |step: u64, learner: &Learner| {
            let position = Position {
                step,
                ..Position::start(&TrainConfig::default())
            };
            let running = RunningScores::new(1, 8);
            writing
                .save_last(learner, &running, BTreeMap::new(), &position)
                .unwrap();
        };
        save(0, &learner(0));
        let writer = std::thread::Builder::new().name("writer".to_owned());
        let writer = writer
            .spawn(move || {
                let learners = [learner(0), learner(1)];
                for step in 1..=60 {
                    save(step, &learners[step as usize % 2]);
                }
            })
            .unwrap();
        let mut is_last = false;
        while !is_last {
            is_last = writer.is_finished();
            let (model, state) = reading.last_whole().unwrap();
            let step = reading.position_of(&state).unwrap().step;
            assert_eq!(model.fingerprint, prints[step as usize % 2], "step {step}");
        }
        writer.join().unwrap();
        std::fs::remove_file(folder.path().join("checkpoints/last-60.state.safetensors")).unwrap();
        assert!(
            checkpoints.last_whole().is_err(),
            "it does not wait for ever"
        );
    }
}
