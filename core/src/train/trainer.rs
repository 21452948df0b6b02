//! The training loop: binary cross entropy and Adam, supervised or as a noisy student (paper, sections 3 and 4).
//!
//! A run is a function of its configuration and its data: every draw is addressed by seed, epoch and track, and all sums
//! have a fixed order, so that a run that was killed and resumed ends with the same numbers, bit for bit.

mod inbox;
mod localising;
mod scoring;

use self::inbox::Inbox;
use super::checkpoint::{Checkpoints, Position};
use super::handle::{Outcome, Shared, Wake};
use super::learner::Learner;
use super::noisy_student::{Lesson, Lessons};
use super::{Command, Course, Error, TrainConfig, ValidateEvery, Verdict, disk_full};
use crate::dataset::{Batch, Dataset, Loader, PcmCache, Spent};
use crate::message::full_message;
use crate::metrics::RunningScores;
use crate::predict::Model;
use crate::run::{CheckpointKind, Event, LoaderTimes, RunLog, Sampler, Scalar, StepScalars};
use crate::workspace::is_disk_full;
use crossbeam::channel::Receiver;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The running scores are computed anew after so many steps.
const RUNNING_EVERY_STEPS: u64 = 10;
/// A checkpoint is written at least this often, in seconds.
const CHECKPOINT_SECS: f64 = 60.0;

/// What a run trains on.
pub(super) struct Data {
    pub(super) dataset: Arc<Dataset>,
    pub(super) cache: Arc<PcmCache>,
    pub(super) valid_idxs: Vec<usize>,
    /// Of these, the tracks on which localisation is measured; none if the recipe does not ask for it.
    pub(super) timeline_idxs: Vec<usize>,
    pub(super) loader: Loader,
    /// Unlabelled clips and their teacher, if there is one.
    pub(super) lessons: Option<Lessons>,
}

/// What the run publishes to its handle beside the log.
pub(super) struct Line {
    pub(super) shared: Arc<Shared>,
    pub(super) wake: Wake,
}

/// A run in progress, on its thread.
pub(super) struct Run {
    config: TrainConfig,
    data: Data,
    learner: Learner,
    position: Position,
    running: RunningScores,
    /// On the clips since the log last told of it.
    loader_spent: Spent,
    /// Before the log, whose lock it needs: it ends first.
    sampler: Sampler,
    log: RunLog,
    checkpoints: Checkpoints,
    line: Line,
    inbox: Inbox,
    sitting: Instant,
    seconds_before: f64,
    /// How long it has waited in pauses since then.
    paused: Duration,
    last_checkpoint: Instant,
    last_validation: Instant,
    wants_stop: bool,
    wants_validation: bool,
}

impl Run {
    /// A run that stands at `position`; publishes its weights.
    pub(super) fn new(
        config: TrainConfig,
        data: Data,
        learner: Learner,
        position: Position,
        running: RunningScores,
        log: RunLog,
        checkpoints: Checkpoints,
        line: Line,
        commands: Receiver<Command>,
    ) -> Result<Self, Error> {
        let mut run = Self {
            config,
            data,
            learner,
            seconds_before: position.seconds,
            position,
            running,
            loader_spent: Spent::default(),
            sampler: Sampler::start(log.folder(), log.holder()),
            log,
            checkpoints,
            line,
            inbox: Inbox::new(commands),
            sitting: Instant::now(),
            paused: Duration::ZERO,
            last_checkpoint: Instant::now(),
            last_validation: Instant::now(),
            wants_stop: false,
            wants_validation: false,
        };
        run.publish()?;
        run.set_base_learning_rate(run.position.learning_rate);
        (run.line.wake)();
        Ok(run)
    }

    /// Trains to the end, scores the test split with the best model, and writes into the log how it ended.
    pub(super) fn work(mut self) -> Result<Outcome, Error> {
        let outcome = self.epochs().and_then(|outcome| {
            // Stopped while it was scored, it is scored when it is resumed.
            if outcome != Outcome::Stopped && !self.test()? {
                return Ok(Outcome::Stopped);
            }
            Ok(outcome)
        });
        let outcome = outcome.map_err(|error| self.explained(error));
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
        // The cache may have spoken since the last checkpoint, while the test split was scored.
        let told = self.tell_cache().and_then(|()| self.event(event));
        // Where a full disk ended the run, it takes no last word either: the first error is the one to tell.
        let outcome = outcome.and_then(|outcome| told.map(|()| outcome));
        outcome.map_err(|error| self.explained(error))
    }

    /// An error in words that say what can be done about it.
    fn explained(&self, error: Error) -> Error {
        if !is_disk_full(&error) {
            return error;
        }
        let lessons = self.data.lessons.as_ref();
        let more = lessons.map(|lessons| lessons.teacher.to_map());
        let needed = Checkpoints::size(&self.learner, &self.running, &more.unwrap_or_default());
        disk_full::explained(error, self.log.folder(), needed.ok())
    }

    fn epochs(&mut self) -> Result<Outcome, Error> {
        // A run that was killed while its test split was scored.
        if let Some(outcome) = self.position.end {
            return Ok(outcome);
        }
        if self.position.step == 0 {
            self.score_teacher()?;
        }
        let steps_per_epoch = self.data.loader.steps_per_epoch();
        while self.position.epoch < self.config.epochs {
            if self.position.step_in_epoch == 0 {
                self.event(Event::EpochStarted)?;
            }
            loop {
                self.obey()?;
                let at_end = self.position.step_in_epoch >= steps_per_epoch;
                let is_last = at_end && self.position.epoch + 1 >= self.config.epochs;
                let out_of_time = self.out_of_time();
                if !self.wants_stop
                    && self.position.step != self.position.validated_step
                    && (is_last || out_of_time || self.validation_is_due(at_end))
                {
                    let verdict = self.validate()?;
                    if verdict == Some(Verdict::Stop) {
                        return self.end(Outcome::EarlyStopped);
                    }
                }
                if self.wants_stop {
                    // A validation that was interrupted is made up for on resuming: the position is still before it.
                    self.checkpoint()?;
                    return Ok(Outcome::Stopped);
                }
                if out_of_time {
                    return self.end(Outcome::Finished);
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
            if self.position.epoch < self.config.epochs {
                self.checkpoint()?;
            }
        }
        self.end(Outcome::Finished)
    }

    /// The last checkpoint of a run that will not train on.
    fn end(&mut self, outcome: Outcome) -> Result<Outcome, Error> {
        self.position.end = Some(outcome);
        self.checkpoint()?;
        Ok(outcome)
    }

    /// One step: batch, forward, backward, Adam, and a line in the log.
    fn step(&mut self) -> Result<(), Error> {
        let begun = Instant::now();
        let batch = self.data.loader.next()?;
        let mut waited = begun.elapsed();
        let lesson = self.data.lessons.as_mut().map(Lessons::next).transpose()?;
        let mut teaching = Duration::ZERO;
        if let Some(lesson) = &lesson {
            waited += lesson.waited;
            teaching += lesson.answered_in;
        }
        let learning_rate = self.learning_rate();
        let Some(learned) =
            self.learner
                .step(&batch, lesson.as_ref(), self.position.step, learning_rate)?
        else {
            return Err(self.not_finite(&batch, lesson.as_ref()));
        };
        if let Some(lessons) = &self.data.lessons {
            let since = Instant::now();
            lessons.teacher.follow(&self.learner.parameters)?;
            teaching += since.elapsed();
        }
        self.position.step += 1;
        self.position.step_in_epoch += 1;
        // Mixed labels are soft; for the running scores a tag counts as present from one half on.
        let labels: Vec<bool> = batch.labels.iter().map(|&label| label >= 0.5).collect();
        self.running.push(&learned.probabilities, &labels);

        let mut scalars = StepScalars::new(self.position.step, self.position.epoch)
            .with(Scalar::Loss, learned.loss)
            .with(Scalar::LearningRate, learning_rate)
            .with(Scalar::GradientNorm, learned.gradient_norm)
            .with(Scalar::LoaderWait, waited.as_secs_f64())
            .with(Scalar::ForwardSeconds, learned.took.forward.as_secs_f64())
            .with(Scalar::BackwardSeconds, learned.took.backward.as_secs_f64())
            .with(
                Scalar::OptimizerSeconds,
                learned.took.optimizer.as_secs_f64(),
            );
        let mut spent = self.data.loader.take_spent();
        if let Some(lessons) = &mut self.data.lessons {
            scalars = scalars.with(Scalar::TeacherSeconds, teaching.as_secs_f64());
            spent.add(&lessons.take_spent());
        }
        scalars = scalars
            .with(Scalar::LoaderReading, spent.reading.as_secs_f64())
            .with(Scalar::LoaderAugmenting, spent.augmenting.as_secs_f64())
            .with(Scalar::LoaderFeatures, spent.features.as_secs_f64());
        self.loader_spent.add(&spent);
        let or_nan = |score: Option<f64>| score.unwrap_or(f64::NAN);
        let is_running = self.position.step.is_multiple_of(RUNNING_EVERY_STEPS);
        if let (Some(lessons), Some(lesson), Some(found)) =
            (&self.data.lessons, &lesson, &learned.from_teacher)
        {
            scalars = scalars
                .with(Scalar::SupervisedLoss, found.supervised_loss)
                .with(Scalar::SemiSupervisedLoss, found.semi_supervised_loss);
            if is_running {
                let (clean, augmented) = lessons.agreements(lesson, &self.learner, found)?;
                scalars = scalars
                    .with(Scalar::AgreementClean, or_nan(clean))
                    .with(Scalar::AgreementAugmented, or_nan(augmented));
            }
        }
        if is_running {
            let scores = self.running.scores();
            scalars = scalars
                .with(Scalar::RunningRocAuc, or_nan(scores.roc_auc_macro))
                .with(
                    Scalar::RunningAveragePrecision,
                    or_nan(scores.average_precision_macro),
                );
        }
        let n_clips =
            batch.clips.len() + lesson.as_ref().map_or(0, |lesson| lesson.batch.clips.len());
        let seconds = begun.elapsed().as_secs_f64();
        scalars = scalars
            .with(Scalar::ClipsPerSecond, n_clips as f64 / seconds)
            .with(Scalar::StepSeconds, seconds);
        self.data.loader.give_back(batch);
        if let (Some(lessons), Some(lesson)) = (&self.data.lessons, lesson) {
            lessons.give_back(lesson);
        }
        self.log.step(&scalars)?;
        (self.line.wake)();
        Ok(())
    }

    fn set_base_learning_rate(&mut self, learning_rate: f64) {
        self.position.learning_rate = learning_rate;
        let shared = &self.line.shared.base_learning_rate;
        shared.store(Some(Arc::new(learning_rate)));
    }

    /// Of the next step: the base learning rate as the schedule scales it.
    fn learning_rate(&self) -> f64 {
        let course = Course {
            steps_per_epoch: self.data.loader.steps_per_epoch().into(),
            epochs: self.config.epochs,
        };
        let Position {
            learning_rate,
            step,
            waiting,
            ..
        } = &self.position;
        learning_rate * self.config.schedule.share(*step, course, waiting)
    }

    fn not_finite(&self, batch: &Batch, lesson: Option<&Lesson>) -> Error {
        let unlabelled = lesson.iter().flat_map(|lesson| &lesson.batch.clips);
        let tracks: Vec<&str> = batch
            .clips
            .iter()
            .chain(unlabelled)
            .map(|clip| self.data.dataset.tracks[clip.track_idx].id.as_str())
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
                let since = Instant::now();
                let command = self.wait_for_command();
                self.paused += since.elapsed();
                command?
            } else {
                match self.next_command()? {
                    Some(command) => command,
                    None => return Ok(()),
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
                        self.set_base_learning_rate(learning_rate);
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
                        path: self.relative(&path),
                    })?;
                }
                Command::Validate => self.wants_validation = true,
            }
        }
    }

    fn validation_is_due(&self, epoch_ended: bool) -> bool {
        let position = &self.position;
        self.wants_validation
            || match self.config.validate {
                ValidateEvery::Epochs(n) => epoch_ended && (position.epoch + 1).is_multiple_of(n),
                ValidateEvery::Steps(n) => position.step - position.validated_step >= n,
                ValidateEvery::Minutes(minutes) => {
                    self.last_validation.elapsed().as_secs_f64() >= minutes * 60.0
                }
            }
    }

    fn checkpoint(&mut self) -> Result<(), Error> {
        self.position.seconds = self.seconds_of_work();
        let lessons = self.data.lessons.as_ref();
        self.position.pseudo_labels = lessons.map(|lessons| lessons.statistics.clone());
        // A run that goes on from here has all steps before it in its log.
        self.log.flush()?;
        let path = self.checkpoints.save_last(
            &self.learner,
            &self.running,
            lessons
                .map(|lessons| lessons.teacher.to_map())
                .unwrap_or_default(),
            &self.position,
        )?;
        self.last_checkpoint = Instant::now();
        self.event(Event::Checkpointed {
            kind: CheckpointKind::Last,
            path: self.relative(&path),
        })?;
        self.tell_cache()?;
        self.tell_loader_times()
    }

    /// Tells what the cache has to say.
    fn tell_cache(&mut self) -> Result<(), Error> {
        for message in self.data.cache.take_warnings() {
            self.event(Event::Warned { message })?;
        }
        Ok(())
    }

    /// Tells what the loader's threads were busy with since the last time.
    fn tell_loader_times(&mut self) -> Result<(), Error> {
        if let Some(message) = self.sampler.take_complaint() {
            self.event(Event::Warned { message })?;
        }
        let spent = std::mem::take(&mut self.loader_spent);
        if spent.n_clips == 0 {
            return Ok(());
        }
        let lessons = self.data.lessons.as_ref();
        let n_threads = self.data.loader.n_threads() + lessons.map_or(0, Lessons::n_threads);
        let memory = self.data.loader.memory_bytes() + lessons.map_or(0, Lessons::memory_bytes);
        let effects = spent.effects();
        self.event(Event::LoaderTimed(LoaderTimes {
            threads: n_threads as u32,
            clips: spent.n_clips,
            memory_bytes: memory,
            reading_seconds: spent.reading.as_secs_f64(),
            augmenting_seconds: spent.augmenting.as_secs_f64(),
            features_seconds: spent.features.as_secs_f64(),
            effects: effects
                .map(|(kind, time)| (kind.name().to_owned(), time.as_secs_f64()))
                .collect(),
        }))
    }

    fn publish(&mut self) -> Result<Arc<Model>, Error> {
        let model = Arc::new(self.learner.model()?);
        self.line.shared.model.store(Some(Arc::clone(&model)));
        Ok(model)
    }

    /// `checkpoints/best.safetensors`: run folders may move.
    fn relative(&self, path: &Path) -> PathBuf {
        let relative = path.strip_prefix(self.log.folder());
        relative.unwrap_or(path).to_owned()
    }

    fn out_of_time(&self) -> bool {
        let spent = self.seconds_of_work();
        self.config
            .max_minutes
            .is_some_and(|minutes| spent >= minutes * 60.0)
    }

    /// Of all sittings, without pauses.
    fn seconds_of_work(&self) -> f64 {
        let worked = self.sitting.elapsed().saturating_sub(self.paused);
        self.seconds_before + worked.as_secs_f64()
    }

    fn event(&mut self, event: Event) -> Result<(), Error> {
        self.log
            .event(self.position.step, self.position.epoch, event)?;
        (self.line.wake)();
        Ok(())
    }
}
