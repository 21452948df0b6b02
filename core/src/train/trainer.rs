//! The training thread: supervised training with binary cross entropy and Adam (paper, sections 3 and 4).
//!
//! A run is a function of its configuration and its data: every draw is addressed by seed, epoch and track, and all sums
//! have a fixed order, so that a run that was killed and resumed ends with the same numbers, bit for bit.

use super::checkpoint::{Checkpoints, DataRecord, Position, RunFile};
use super::evaluation::Evaluator;
use super::prepare::{CLIP_RATE_HZ, decode_split, open_cache, open_data};
use super::{Command, EarlyStop, Error, TrainConfig, ValidateEvery, Verdict};
use crate::dataset::{
    Batch, Dataset, Loader, LoaderConfig, PcmCache, Position as LoaderPosition, Split,
};
use crate::job::{Cancel, Job, Progress};
use crate::metrics::RunningScores;
use crate::models::{ModelConfig, Network, Pass};
use crate::nn::{self, Adam, AdamConfig, Parameters};
use crate::predict::Model;
use crate::run::{self, CheckpointKind, Event, RunLog, Scalar, StepScalars};
use crate::workspace::Workspace;
use arc_swap::ArcSwapOption;
use candle_core::{DType, Tensor};
use crossbeam::channel::{Receiver, Sender, bounded};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// The running scores between validations look back over so many training clips.
const RUNNING_CLIPS: usize = 2000;
/// The running scores are computed anew after so many steps.
const RUNNING_EVERY_STEPS: u64 = 10;
/// A checkpoint is written at least this often, in seconds.
const CHECKPOINT_SECS: f64 = 60.0;

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
struct Shared {
    model: ArcSwapOption<Model>,
    progress: ArcSwapOption<Progress>,
    stop_preparing: Cancel,
}

type Wake = Arc<dyn Fn() + Send + Sync>;

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
    config.check()?;
    let run_folder = run::allocate(&workspace.runs(), &config.label())?;
    spawn(Begin::New(Box::new(config)), run_folder, workspace, wake)
}

/// Goes on with the run in `run_folder` from its last checkpoint.
pub fn resume(
    run_folder: &Path,
    workspace: &Workspace,
    wake: impl Fn() + Send + Sync + 'static,
) -> Result<Handle, Error> {
    let run_file = RunFile::read(run_folder)?;
    spawn(
        Begin::Again(Box::new(run_file)),
        run_folder.to_owned(),
        workspace,
        wake,
    )
}

enum Begin {
    New(Box<TrainConfig>),
    Again(Box<RunFile>),
}

fn spawn(
    begin: Begin,
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
                let outcome =
                    match Run::prepare(begin, &run_folder, &workspace, inbox, &shared, &wake) {
                        Ok(run) => run.work(),
                        Err(error) => {
                            // Nothing but an empty folder is lost: a run begins with its log.
                            drop(std::fs::remove_dir(&run_folder));
                            if matches!(error, Error::Cancelled(_)) {
                                Ok(Outcome::Stopped)
                            } else {
                                Err(error)
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
fn preparing_job(shared: &Arc<Shared>, wake: &Wake) -> Job {
    let (listener, wake) = (Arc::clone(shared), Arc::clone(wake));
    Job::new(shared.stop_preparing.clone(), move |progress| {
        listener.progress.store(Some(Arc::new(progress)));
        wake();
    })
}

fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned())
}

/// A run in progress, on its thread.
struct Run {
    config: TrainConfig,
    model_config: ModelConfig,
    input_samples: usize,
    dataset: Arc<Dataset>,
    cache: Arc<PcmCache>,
    valid_idxs: Vec<usize>,
    loader: Loader,
    parameters: Parameters,
    network: Box<dyn Network>,
    optimizer: Adam,
    position: Position,
    running: RunningScores,
    log: RunLog,
    checkpoints: Checkpoints,
    inbox: Receiver<Command>,
    shared: Arc<Shared>,
    wake: Wake,
    sitting: Instant,
    seconds_before: f64,
    last_checkpoint: Instant,
    last_validation: Instant,
    wants_stop: bool,
    wants_validation: bool,
}

impl Run {
    /// Opens the data, decodes it, builds the network.
    fn prepare(
        begin: Begin,
        run_folder: &Path,
        workspace: &Workspace,
        inbox: Receiver<Command>,
        shared: &Arc<Shared>,
        wake: &Wake,
    ) -> Result<Self, Error> {
        let job = preparing_job(shared, wake);
        let is_resumed = matches!(begin, Begin::Again(_));
        let config = match &begin {
            Begin::New(config) => (**config).clone(),
            Begin::Again(run_file) => run_file.config.clone(),
        };
        let dataset = match &begin {
            Begin::New(_) => open_data(&config.data, workspace, &job)?,
            Begin::Again(run_file) => Dataset::open(&run_file.data.folder)?,
        };
        let mut warnings = Vec::new();
        let model_config = match &begin {
            Begin::New(config) => config.model.resolve(dataset.n_tags())?,
            Begin::Again(run_file) => {
                if run_file.data.tags != dataset.tags {
                    return Err(Error::DataChanged {
                        then: run_file.data.tags.len(),
                        now: dataset.n_tags(),
                    });
                }
                if run_file.data.fingerprint != dataset.fingerprint() {
                    warnings.push("the data set has changed since the run began".to_owned());
                }
                run_file.model.clone()
            }
        };

        let parameters = Parameters::initialise(config.seed, DType::F32);
        let network = model_config.build(parameters.var_builder())?;
        let front_end = network.front_end().clone();
        let input_samples =
            (config.input_secs * f64::from(front_end.sample_rate_hz)).round() as usize;
        let cache = Arc::new(open_cache(workspace)?);
        let (train_idxs, problems) = decode_split(&dataset, Split::Train, &cache, &job)?;
        let (valid_idxs, problems_valid) = decode_split(&dataset, Split::Valid, &cache, &job)?;
        warnings.extend(
            problems
                .iter()
                .chain(&problems_valid)
                .map(ToString::to_string),
        );
        if train_idxs.len() < config.batch_size {
            return Err(Error::TooFewTracks {
                tracks: train_idxs.len(),
                batch_size: config.batch_size,
            });
        }

        let adam = AdamConfig {
            weight_decay: config.weight_decay,
            ..AdamConfig::default()
        };
        let checkpoints = Checkpoints::of(run_folder);
        let (optimizer, position) = if is_resumed && checkpoints.last().exists() {
            checkpoints.load_last(&parameters, adam)?
        } else {
            let position = Position {
                epoch: 0,
                step_in_epoch: 0,
                step: 0,
                learning_rate: config.learning_rate,
                early_stop: EarlyStop::new(config.patience_epochs),
                seconds: 0.0,
                validated_step: 0,
            };
            (Adam::new(adam), position)
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
                front_end: front_end.clone(),
            },
            LoaderPosition {
                epoch: position.epoch,
                step_in_epoch: position.step_in_epoch,
            },
        )?;

        let mut log = if is_resumed {
            RunLog::resume(run_folder, position.step, position.epoch)?
        } else {
            let run_file = RunFile {
                attune: env!("CARGO_PKG_VERSION").to_owned(),
                created_unix_ms: SystemTime::now()
                    .duration_since(UNIX_EPOCH)
                    .map_or(0, |t| t.as_millis() as u64),
                parameters: parameters.n_weights() as u64,
                data: DataRecord {
                    name: dataset.name.clone(),
                    folder: dataset.root.clone(),
                    fingerprint: dataset.fingerprint(),
                    tags: dataset.tags.clone(),
                },
                config: config.clone(),
                model: model_config.clone(),
            };
            let mut log = RunLog::create(run_folder, &run_file)?;
            let started = Event::Started {
                name: config.label(),
                model: config.model.label(),
                data: dataset.name.clone(),
                tags: dataset.tags.clone(),
                n_parameters: run_file.parameters,
                steps_per_epoch: u64::from(loader.steps_per_epoch()),
                epochs: config.epochs,
                patience_epochs: Some(config.patience_epochs).filter(|&epochs| epochs > 0),
                version: run_file.attune.clone(),
            };
            log.event(0, 0, started)?;
            log
        };
        for message in warnings {
            log.event(position.step, position.epoch, Event::Warned { message })?;
        }
        shared.progress.store(None);
        let n_tags = dataset.n_tags();
        let mut run = Self {
            model_config,
            input_samples,
            dataset,
            cache,
            valid_idxs,
            loader,
            parameters,
            network,
            optimizer,
            seconds_before: position.seconds,
            position,
            running: RunningScores::new(n_tags, RUNNING_CLIPS),
            log,
            checkpoints,
            inbox,
            shared: Arc::clone(shared),
            wake: Arc::clone(wake),
            sitting: Instant::now(),
            last_checkpoint: Instant::now(),
            last_validation: Instant::now(),
            wants_stop: false,
            wants_validation: false,
            config,
        };
        run.publish()?;
        (run.wake)();
        Ok(run)
    }

    /// Trains to the end, and writes into the log how it ended.
    fn work(mut self) -> Result<Outcome, Error> {
        let outcome = self.epochs();
        let event = match &outcome {
            Ok(Outcome::Finished) => Event::Finished,
            Ok(Outcome::EarlyStopped) => Event::EarlyStopped {
                best_epoch: self.position.early_stop.best().map_or(0, |best| best.epoch),
            },
            Ok(Outcome::Stopped) => Event::Stopped,
            Err(error) => Event::Failed {
                message: full_message(error),
            },
        };
        self.event(event)?;
        outcome
    }

    fn epochs(&mut self) -> Result<Outcome, Error> {
        let steps_per_epoch = self.loader.steps_per_epoch();
        while self.position.epoch < self.config.epochs {
            if self.position.step_in_epoch == 0 {
                self.event(Event::EpochStarted)?;
            }
            loop {
                self.obey()?;
                let at_end = self.position.step_in_epoch >= steps_per_epoch;
                let is_last = at_end && self.position.epoch + 1 >= self.config.epochs;
                let out_of_time = self.out_of_time();
                if !self.wants_stop && (is_last || out_of_time || self.validation_is_due(at_end)) {
                    let verdict = self.validate()?;
                    if verdict == Some(Verdict::Stop) {
                        self.checkpoint()?;
                        return Ok(Outcome::EarlyStopped);
                    }
                }
                if self.wants_stop || out_of_time {
                    // A validation that was interrupted is made up for on resuming: the position is still before it.
                    self.checkpoint()?;
                    return Ok(if self.wants_stop {
                        Outcome::Stopped
                    } else {
                        Outcome::Finished
                    });
                }
                if at_end {
                    break;
                }
                self.step()?;
                if self.last_checkpoint.elapsed().as_secs_f64() > CHECKPOINT_SECS {
                    self.checkpoint()?;
                }
            }
            self.position.epoch += 1;
            self.position.step_in_epoch = 0;
            self.checkpoint()?;
        }
        Ok(Outcome::Finished)
    }

    /// One step: batch, forward, backward, Adam.
    fn step(&mut self) -> Result<(), Error> {
        let begun = Instant::now();
        let batch = self.loader.next()?;
        let waited = begun.elapsed().as_secs_f64();
        let log_mels = Tensor::from_slice(
            &batch.log_mels,
            (batch.clips.len(), batch.n_mels, batch.n_frames),
            &crate::device::cpu(),
        )?;
        let labels = Tensor::from_slice(
            &batch.labels,
            (batch.clips.len(), batch.n_tags),
            &crate::device::cpu(),
        )?;

        let pass = Pass::training(self.config.seed, self.position.step);
        let output = self.network.forward(&pass, &log_mels)?;
        let loss = nn::bce_with_logits(&output.logits, &labels)?;
        let loss_value = f64::from(loss.tensor().to_scalar::<f32>()?);
        if !loss_value.is_finite() {
            return Err(self.not_finite(&batch));
        }
        let gradients = nn::backward(&loss)?;
        let gradient_norm = gradients.norm()?;
        if !gradient_norm.is_finite() {
            return Err(self.not_finite(&batch));
        }
        self.optimizer
            .step(&self.parameters, &gradients, self.position.learning_rate)?;

        self.position.step += 1;
        self.position.step_in_epoch += 1;
        self.note_running(&output.logits.tensor().to_vec2::<f32>()?, &batch);
        let seconds = begun.elapsed().as_secs_f64();
        let mut scalars = StepScalars::new(self.position.step, self.position.epoch)
            .with(Scalar::Loss, loss_value)
            .with(Scalar::LearningRate, self.position.learning_rate)
            .with(Scalar::ClipsPerSecond, batch.clips.len() as f64 / seconds)
            .with(Scalar::GradientNorm, gradient_norm)
            .with(Scalar::LoaderWait, waited / seconds)
            .with(Scalar::StepSeconds, seconds);
        if self.position.step.is_multiple_of(RUNNING_EVERY_STEPS) {
            let scores = self.running.scores();
            scalars = scalars
                .with(
                    Scalar::RunningRocAuc,
                    scores.roc_auc_macro.unwrap_or(f64::NAN),
                )
                .with(
                    Scalar::RunningAveragePrecision,
                    scores.average_precision_macro.unwrap_or(f64::NAN),
                );
        }
        self.log.step(&scalars)?;
        (self.wake)();
        Ok(())
    }

    fn note_running(&mut self, logits: &[Vec<f32>], batch: &Batch) {
        for (row, labels) in logits.iter().zip(batch.labels.chunks(batch.n_tags)) {
            let probabilities: Vec<f32> = row
                .iter()
                .map(|&logit| 1.0 / (1.0 + (-logit).exp()))
                .collect();
            // Mixed labels are soft; for the running scores a tag counts as present from one half on.
            let labels: Vec<bool> = labels.iter().map(|&label| label >= 0.5).collect();
            self.running.push(&probabilities, &labels);
        }
    }

    fn not_finite(&self, batch: &Batch) -> Error {
        let tracks: Vec<&str> = batch
            .clips
            .iter()
            .map(|clip| self.dataset.tracks[clip.track_idx].id.as_str())
            .collect();
        Error::NotFinite {
            step: self.position.step + 1,
            tracks: tracks.join(", "),
        }
    }

    /// Does what the user asked for; while paused, waits for the next command.
    fn obey(&mut self) -> Result<(), Error> {
        let mut is_paused = false;
        loop {
            let command = if is_paused {
                match self.inbox.recv() {
                    Ok(command) => command,
                    // The window is gone; a paused run that nobody can wake ends.
                    Err(_) => Command::Stop,
                }
            } else {
                match self.inbox.try_recv() {
                    Ok(command) => command,
                    Err(_) => return Ok(()),
                }
            };
            match command {
                Command::Pause if !is_paused => {
                    is_paused = true;
                    self.checkpoint()?;
                    self.event(Event::Paused)?;
                }
                Command::Continue if is_paused => {
                    is_paused = false;
                    self.event(Event::Continued)?;
                }
                Command::Pause | Command::Continue => {}
                Command::Stop => {
                    self.wants_stop = true;
                    return Ok(());
                }
                Command::SetLearningRate(learning_rate) => {
                    if learning_rate.is_finite() && learning_rate > 0.0 {
                        self.position.learning_rate = learning_rate;
                        self.event(Event::LearningRateSet { learning_rate })?;
                    } else {
                        let message = format!(
                            "a learning rate must be a positive number, not {learning_rate}"
                        );
                        self.event(Event::Warned { message })?;
                    }
                }
                Command::Snapshot => {
                    let model = self.publish()?;
                    let path = self.checkpoints.save_snapshot(&model, self.position.step)?;
                    self.event(Event::SnapshotTaken {
                        path: relative_to_run(&path),
                    })?;
                }
                Command::Validate => self.wants_validation = true,
            }
        }
    }

    fn validation_is_due(&self, epoch_ended: bool) -> bool {
        let position = &self.position;
        if position.step == position.validated_step {
            return false;
        }
        self.wants_validation
            || match self.config.validate {
                ValidateEvery::Epochs(n) => epoch_ended && (position.epoch + 1).is_multiple_of(n),
                ValidateEvery::Steps(n) => position.step - position.validated_step >= n,
                ValidateEvery::Minutes(minutes) => {
                    self.last_validation.elapsed().as_secs_f64() >= minutes * 60.0
                }
            }
    }

    /// Scores the validation split and judges the loss. `None` if the user stopped the run meanwhile.
    fn validate(&mut self) -> Result<Option<Verdict>, Error> {
        let begun = Instant::now();
        let model = self.publish()?;
        let (dataset, cache) = (Arc::clone(&self.dataset), Arc::clone(&self.cache));
        let track_idxs = self.valid_idxs.clone();
        let mut evaluator = Evaluator::new(&model, &dataset, &cache, &track_idxs)?;
        while evaluator.next_track()? {
            let progress = Progress {
                done: evaluator.n_done() as u64,
                total: track_idxs.len() as u64,
                what: "validating".to_owned(),
            };
            self.shared.progress.store(Some(Arc::new(progress)));
            (self.wake)();
            self.obey()?;
            if self.wants_stop {
                self.shared.progress.store(None);
                return Ok(None);
            }
        }
        self.shared.progress.store(None);
        let evaluation = evaluator.finish()?;
        self.wants_validation = false;
        self.last_validation = Instant::now();
        self.position.validated_step = self.position.step;
        let verdict = self.position.early_stop.judge(
            evaluation.loss,
            self.position.epoch,
            self.position.step,
        );
        self.event(Event::Validated {
            loss: evaluation.loss,
            scores: evaluation.scores,
            seconds: begun.elapsed().as_secs_f64(),
        })?;
        if verdict == Verdict::Improved {
            let path = self.checkpoints.save_best(&model)?;
            self.event(Event::Checkpointed {
                kind: CheckpointKind::Best,
                path: relative_to_run(&path),
            })?;
        }
        Ok(Some(verdict))
    }

    fn checkpoint(&mut self) -> Result<(), Error> {
        self.position.seconds = self.seconds_before + self.sitting.elapsed().as_secs_f64();
        let path = self
            .checkpoints
            .save_last(&self.model()?, &self.optimizer, &self.position)?;
        self.last_checkpoint = Instant::now();
        self.event(Event::Checkpointed {
            kind: CheckpointKind::Last,
            path: relative_to_run(&path),
        })
    }

    /// An immutable copy of the current weights.
    fn model(&self) -> Result<Model, Error> {
        let config = self.model_config.clone();
        Ok(Model::from_parameters(
            config,
            self.dataset.tags.clone(),
            self.input_samples,
            &self.parameters,
        )?)
    }

    fn publish(&mut self) -> Result<Arc<Model>, Error> {
        let model = Arc::new(self.model()?);
        self.shared.model.store(Some(Arc::clone(&model)));
        Ok(model)
    }

    fn out_of_time(&self) -> bool {
        let spent = self.seconds_before + self.sitting.elapsed().as_secs_f64();
        self.config
            .max_minutes
            .is_some_and(|minutes| spent >= minutes * 60.0)
    }

    fn event(&mut self, event: Event) -> Result<(), Error> {
        self.log
            .event(self.position.step, self.position.epoch, event)?;
        (self.wake)();
        Ok(())
    }
}

/// Training leaves one core to the loader only where there are more than two.
fn loader_threads() -> usize {
    std::thread::available_parallelism().map_or(1, |cores| (cores.get() / 4).max(1))
}

/// `checkpoints/best.safetensors`: run folders may move.
fn relative_to_run(path: &Path) -> PathBuf {
    Path::new("checkpoints").join(path.file_name().unwrap_or_default())
}

fn full_message(error: &dyn std::error::Error) -> String {
    let mut message = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        message.push_str(": ");
        message.push_str(&cause.to_string());
        source = cause.source();
    }
    message
}
