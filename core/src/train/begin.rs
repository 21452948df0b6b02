//! From a recipe, or from the folder of an earlier run, to a run that is ready for its next step.

use super::checkpoint::{Checkpoints, DataRecord, Position, RunFile};
use super::handle::{Shared, Wake, preparing_job};
use super::learner::Learner;
use super::prepare::{CLIP_RATE_HZ, decode_split, open_cache, open_data};
use super::trainer::Run;
use super::{Command, EarlyStop, Error, TrainConfig};
use crate::dataset::{Dataset, Loader, LoaderConfig, Position as LoaderPosition, Split};
use crate::metrics::RunningScores;
use crate::models::ModelConfig;
use crate::run::{Event, RunLog};
use crate::workspace::Workspace;
use crossbeam::channel::Receiver;
use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// Where a run comes from.
pub(super) enum Begin {
    /// A recipe.
    New(Box<TrainConfig>),
    /// What an earlier run noted of itself.
    Again(Box<RunFile>),
}

/// Opens the data, decodes it, builds the network, takes up the last checkpoint if there is one.
pub(super) fn begin(
    from: Begin,
    run_folder: &Path,
    workspace: &Workspace,
    inbox: Receiver<Command>,
    shared: &Arc<Shared>,
    wake: &Wake,
) -> Result<Run, Error> {
    let job = preparing_job(shared, wake);
    let mut warnings = Vec::new();
    let is_resumed = matches!(from, Begin::Again(_));
    let (config, dataset, model) = match from {
        Begin::New(config) => {
            let dataset = open_data(&config.data, workspace, &job)?;
            let model = config.model.resolve(dataset.n_tags())?;
            (*config, dataset, model)
        }
        Begin::Again(run_file) => {
            let dataset = reopen(&run_file, &mut warnings)?;
            (run_file.config, dataset, run_file.model)
        }
    };
    let mut learner = Learner::new(&config, model, dataset.tags.clone())?;
    let cache = Arc::new(open_cache(workspace)?);
    let (train_idxs, problems) = decode_split(&dataset, Split::Train, &cache, &job)?;
    warnings.extend(problems.iter().map(ToString::to_string));
    let (valid_idxs, problems) = decode_split(&dataset, Split::Valid, &cache, &job)?;
    warnings.extend(problems.iter().map(ToString::to_string));
    if train_idxs.len() < config.batch_size {
        return Err(Error::TooFewTracks {
            tracks: train_idxs.len(),
            batch_size: config.batch_size,
        });
    }

    let checkpoints = Checkpoints::of(run_folder);
    let mut running = RunningScores::new(dataset.n_tags(), RunningScores::DEFAULT_CAPACITY);
    let position = if is_resumed && checkpoints.last().exists() {
        let (optimizer, position) =
            checkpoints.load_last(&learner.parameters, config.optimizer, &mut running)?;
        learner.optimizer = optimizer;
        position
    } else {
        Position {
            epoch: 0,
            step_in_epoch: 0,
            step: 0,
            learning_rate: config.learning_rate,
            early_stop: EarlyStop::new(config.patience_epochs),
            seconds: 0.0,
            validated_step: 0,
            end: None,
        }
    };

    let dataset = Arc::new(dataset);
    let loader = Loader::start(
        Arc::clone(&dataset),
        Arc::clone(&cache),
        LoaderConfig {
            split: Split::Train,
            crop_samples: (config.input_secs * f64::from(CLIP_RATE_HZ)).round() as usize,
            batch_size: config.batch_size,
            chain: config.augmentation.resolve()?,
            seed: config.seed,
            n_threads: loader_threads(),
            prefetch: 4,
            input: learner.network().input(),
        },
        LoaderPosition {
            epoch: position.epoch,
            step_in_epoch: position.step_in_epoch,
        },
    )?;

    let mut log = if is_resumed {
        RunLog::resume(run_folder, position.step, position.epoch)?
    } else {
        create_log(
            run_folder,
            &config,
            &dataset,
            &learner.config,
            learner.parameters.n_weights() as u64,
            loader.steps_per_epoch(),
        )?
    };
    for message in warnings {
        log.event(position.step, position.epoch, Event::Warned { message })?;
    }
    shared.progress.store(None);
    Run::new(
        config,
        super::trainer::Data {
            dataset,
            cache,
            valid_idxs,
            loader,
        },
        learner,
        position,
        running,
        log,
        checkpoints,
        super::trainer::Line {
            inbox,
            shared: Arc::clone(shared),
            wake: Arc::clone(wake),
        },
    )
}

/// The data set of a run that goes on, which must still have the same tags.
fn reopen(run_file: &RunFile, warnings: &mut Vec<String>) -> Result<Dataset, Error> {
    let dataset = Dataset::open(&run_file.data.folder)?;
    if run_file.data.tags != dataset.tags {
        return Err(Error::DataChanged {
            then: run_file.data.tags.len(),
            now: dataset.n_tags(),
        });
    }
    if run_file.data.fingerprint != dataset.fingerprint() {
        warnings.push("the data set has changed since the run began".to_owned());
    }
    Ok(dataset)
}

/// The folder's `run.toml` and the first line of its log.
fn create_log(
    run_folder: &Path,
    config: &TrainConfig,
    dataset: &Dataset,
    model: &ModelConfig,
    n_parameters: u64,
    steps_per_epoch: u32,
) -> Result<RunLog, Error> {
    let run_file = RunFile {
        attune: env!("CARGO_PKG_VERSION").to_owned(),
        created_unix_ms: SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |t| t.as_millis() as u64),
        parameters: n_parameters,
        data: DataRecord {
            name: dataset.name.clone(),
            folder: dataset.root.clone(),
            fingerprint: dataset.fingerprint(),
            tags: dataset.tags.clone(),
        },
        config: config.clone(),
        model: model.clone(),
    };
    let mut log = RunLog::create(run_folder, &run_file)?;
    let started = Event::Started {
        name: config.label(),
        model: config.model.label(),
        data: dataset.name.clone(),
        tags: dataset.tags.clone(),
        n_parameters,
        steps_per_epoch: u64::from(steps_per_epoch),
        epochs: config.epochs,
        patience_epochs: Some(config.patience_epochs).filter(|&epochs| epochs > 0),
        version: run_file.attune.clone(),
    };
    log.event(0, 0, started)?;
    Ok(log)
}

/// Training leaves one core to the loader only where there are more than two.
fn loader_threads() -> usize {
    std::thread::available_parallelism().map_or(1, |cores| (cores.get() / 4).max(1))
}
