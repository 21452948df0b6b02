//! The unlabelled half of a batch: clips as the student hears them, and what the teacher says of them.

use super::{NoisyStudent, Passes, Teacher};
use crate::dataset::{Batch, Loader, Spent};
use crate::metrics::{self, PseudoLabels};
use crate::train::Error;
use crate::train::learner::{FromTeacher, Learner};
use std::time::{Duration, Instant};

/// Unlabelled clips of one step and their pseudo-labels.
pub(in crate::train) struct Lesson {
    /// The clips. Their labels say nothing.
    pub(in crate::train) batch: Batch,
    /// `[clips, tags]`, before the sigmoid.
    pub(in crate::train) teacher_logits: Vec<f32>,
    /// `[clips, tags]`: what the student should answer.
    pub(in crate::train) targets: Vec<f32>,
    /// `[clips, tags]`: how much each counts in the loss.
    pub(in crate::train) weights: Vec<f32>,
    /// How long its clips were waited for.
    pub(in crate::train) waited: Duration,
    /// How long the teacher took to answer.
    pub(in crate::train) answered_in: Duration,
    /// Whether the student hears them together with the labelled clips.
    pub(in crate::train) passes: Passes,
}

/// Where lessons come from.
pub(in crate::train) struct Lessons {
    recipe: NoisyStudent,
    loader: Loader,
    pub(in crate::train) teacher: Teacher,
    /// Of the pseudo-labels since they were last told of.
    pub(in crate::train) statistics: PseudoLabels,
}

impl Lessons {
    /// Lessons of `recipe` from the unlabelled clips of `loader`.
    pub(in crate::train) fn new(
        recipe: NoisyStudent,
        loader: Loader,
        teacher: Teacher,
        statistics: PseudoLabels,
    ) -> Self {
        Self {
            recipe,
            loader,
            teacher,
            statistics,
        }
    }

    /// The next lesson; waits for its clips.
    pub(in crate::train) fn next(&mut self) -> Result<Lesson, Error> {
        let begun = Instant::now();
        let batch = self.loader.next()?;
        let waited = begun.elapsed();
        let teacher_logits = self.teacher.logits(&batch)?;
        let probabilities: Vec<f32> = teacher_logits
            .iter()
            .map(|logit| 1.0 / (1.0 + (-logit).exp()))
            .collect();
        self.statistics.push(&probabilities);
        let answered_in = begun.elapsed().saturating_sub(waited);
        Ok(Lesson {
            batch,
            teacher_logits,
            targets: self.recipe.pseudo_labels.of(&probabilities),
            weights: self.recipe.weights(&probabilities),
            waited,
            answered_in,
            passes: self.recipe.passes,
        })
    }

    /// The most that its clips take in memory.
    pub(in crate::train) fn memory_bytes(&self) -> u64 {
        self.loader.memory_bytes()
    }

    /// Takes back a lesson that is no longer needed, so that other clips are made in its memory.
    pub(in crate::train) fn give_back(&self, lesson: Lesson) {
        self.loader.give_back(lesson.batch);
    }

    /// What the loader's threads spent on the lessons since the last call.
    pub(in crate::train) fn take_spent(&mut self) -> Spent {
        self.loader.take_spent()
    }

    /// How many threads make its clips.
    pub(in crate::train) fn n_threads(&self) -> usize {
        self.loader.n_threads()
    }

    /// How much the student agrees with the teacher on the clips of a lesson without augmentation, as it is now, and with it, as it
    /// was in the step.
    pub(in crate::train) fn agreements(
        &self,
        lesson: &Lesson,
        learner: &Learner,
        learned: &FromTeacher,
    ) -> Result<(Option<f64>, Option<f64>), Error> {
        let clean = self.loader.clean_inputs(&lesson.batch)?;
        let answers = learner.answers(&clean, lesson.batch.clips.len())?;
        Ok((
            metrics::agreement(&lesson.teacher_logits, &answers),
            metrics::agreement(&lesson.teacher_logits, &learned.logits),
        ))
    }
}
