//! What a run finds out about its model between steps: the validation split, the teacher's scores, and at the end the test split.

use super::{Data, Run};
use crate::dataset::Split;
use crate::job::Progress;
use crate::message::full_message;
use crate::metrics::PseudoLabels;
use crate::predict::Model;
use crate::run::{self, CheckpointKind, Event};
use crate::train::evaluation::{Evaluation, Evaluator};
use crate::train::handle::preparing_job;
use crate::train::prepare::decode_split;
use crate::train::{Error, Predictions, Verdict};
use crate::workspace::is_disk_full;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

impl Run {
    /// Scores the validation split and judges the loss. `None` if the user stopped the run meanwhile.
    pub(super) fn validate(&mut self) -> Result<Option<Verdict>, Error> {
        let begun = Instant::now();
        let model = self.publish()?;
        let track_idxs = self.data.valid_idxs.clone();
        let Some(evaluation) = self.score(&model, &track_idxs, "validating")? else {
            return Ok(None);
        };
        let localisation = match self.localise(&model) {
            Err(Error::Cancelled(_)) => return Ok(None),
            localisation => localisation?,
        };
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
            localisation,
        })?;
        let position = &mut self.position;
        let schedule = &self.config.schedule;
        if schedule.judge(evaluation.loss, position.epoch, &mut position.waiting) {
            let learning_rate = self.learning_rate();
            self.event(Event::LearningRateLowered { learning_rate })?;
        }
        self.keep_snapshot(&model)?;
        self.tell_pseudo_labels()?;
        if verdict == Verdict::Improved {
            let path = self.checkpoints.save_best(&model)?;
            self.event(Event::Checkpointed {
                kind: CheckpointKind::Best,
                path: self.relative(&path),
            })?;
        }
        Ok(Some(verdict))
    }

    /// Keeps the weights that were scored, if the recipe asks for it. What goes wrong here does not undo the training: it is a warning.
    /// Whether it was not stopped meanwhile.
    fn keep_snapshot(&mut self, model: &Model) -> Result<(), Error> {
        if !self.config.snapshots {
            return Ok(());
        }
        let step = self.position.step;
        let path = run::snapshot_path(self.log.folder(), step);
        let event = match model.save(&path) {
            Ok(()) => Event::SnapshotTaken {
                path: self.relative(&path),
            },
            Err(error) => Event::Warned {
                message: format!(
                    "the weights of step {step} were not kept: {}",
                    full_message(&error)
                ),
            },
        };
        self.event(event)
    }

    /// Scores the teacher on the validation split, for comparison. Stops without an event if the user stopped the run meanwhile.
    pub(super) fn score_teacher(&mut self) -> Result<(), Error> {
        let Some(lessons) = &self.data.lessons else {
            return Ok(());
        };
        let model = Arc::clone(lessons.teacher.model());
        let track_idxs = self.data.valid_idxs.clone();
        match self.score(&model, &track_idxs, "scoring the teacher")? {
            Some(evaluation) => self.event(Event::TeacherScored {
                loss: evaluation.loss,
                scores: evaluation.scores,
            }),
            None => Ok(()),
        }
    }

    /// Tells of the teacher's answers since the last time.
    fn tell_pseudo_labels(&mut self) -> Result<(), Error> {
        let n_tags = self.data.dataset.n_tags();
        let Some(lessons) = &mut self.data.lessons else {
            return Ok(());
        };
        let labels = std::mem::replace(&mut lessons.statistics, PseudoLabels::new(n_tags));
        if labels.n_clips == 0 {
            return Ok(());
        }
        self.event(Event::PseudoLabelled { labels })
    }

    /// Scores the test split with the best model, if there are both. What goes wrong here does not undo the training: it is a warning.
    /// Whether it was not stopped meanwhile.
    pub(super) fn test(&mut self) -> Result<bool, Error> {
        let best = self.checkpoints.best();
        if !best.exists() || self.data.dataset.split(Split::Test).is_err() {
            return Ok(true);
        }
        let told = match self.test_scores(&best) {
            Ok(None) => return Ok(false),
            Ok(Some(evaluation)) => self.event(Event::Evaluated {
                split: Split::Test.to_string(),
                loss: evaluation.loss,
                scores: evaluation.scores,
            }),
            // Resumed when there is room again, the run is scored.
            Err(error) if is_disk_full(&error) => Err(error),
            Err(error) => self.event(Event::Warned {
                message: format!("the test split was not scored: {}", full_message(&error)),
            }),
        };
        told.map(|()| true)
    }

    fn test_scores(&mut self, best: &Path) -> Result<Option<Evaluation>, Error> {
        let job = preparing_job(&self.line.shared, &self.line.wake);
        let model = Model::load(best)?;
        let Data { dataset, cache, .. } = &self.data;
        let (track_idxs, _) = decode_split(dataset, Split::Test, cache, &job)?;
        let evaluation = self.score(&model, &track_idxs, "testing")?;
        if let Some(evaluation) = &evaluation {
            Predictions::of(evaluation, &self.data.dataset).save(self.log.folder())?;
        }
        Ok(evaluation)
    }

    /// Scores `model` on some tracks, obeying commands in between. `None` if the user stopped the run meanwhile.
    fn score(
        &mut self,
        model: &Model,
        track_idxs: &[usize],
        what: &str,
    ) -> Result<Option<Evaluation>, Error> {
        let (dataset, cache) = (Arc::clone(&self.data.dataset), Arc::clone(&self.data.cache));
        let mut evaluator = Evaluator::new(model, &dataset, &cache, track_idxs)?;
        while evaluator.next_track()? {
            self.tell_progress(evaluator.n_done(), track_idxs.len(), what);
            self.obey()?;
            if self.wants_stop {
                self.line.shared.progress.store(None);
                return Ok(None);
            }
        }
        self.line.shared.progress.store(None);
        evaluator.finish().map(Some)
    }

    /// Says how far work between steps is.
    pub(super) fn tell_progress(&self, done: usize, total: usize, what: &str) {
        self.line.shared.progress.store(Some(Arc::new(Progress {
            done: done as u64,
            total: total as u64,
            what: what.to_owned(),
        })));
        (self.line.wake)();
    }
}
