//! Noisy student training (paper, section 3.3 and Table 2): a teacher answers for clips without labels, and the student, who hears them
//! augmented, learns from its answers beside the labelled clips.
//!
//! ```text
//! labelled clip ──augment──────────────► student ──► BCE with the labels ─────────┐
//! unlabelled clip ──augment────────────► student ──► BCE with the pseudo-labels ──┴─► both added, one gradient
//!        └──────────────► teacher ──► pseudo-labels
//! ```

mod lesson;
mod losses;
mod store;
mod targets;
mod teacher;

pub use losses::{Halves, Losses, losses};
pub use targets::Targets;

pub(super) use lesson::{Lesson, Lessons};
pub(super) use teacher::{Teacher, to_tensor};

use super::DataChoice;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// How a student learns from a teacher. With a student as large as the teacher or larger, the paper calls it knowledge expansion, with
/// a smaller one knowledge distillation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoisyStudent {
    /// The teacher: a file of weights, a run's folder or its id (its best checkpoint), or `tunes` or `demo`, which come with Attune.
    pub teacher: PathBuf,
    /// Data sets to take unlabelled tracks from, beside the `unlabelled` split of the data set itself and the training tracks whose
    /// labels are withheld.
    #[serde(default)]
    pub unlabelled: Vec<DataChoice>,
    /// Unlabelled clips of a step; the others of `batch_size` are labelled. `None`: half, as in the paper.
    #[serde(default)]
    pub unlabelled_clips: Option<usize>,
    /// Whether the student hears both halves of the batch in one pass.
    #[serde(default)]
    pub passes: Passes,
    /// What the teacher's probabilities become.
    #[serde(default)]
    pub pseudo_labels: Targets,
    /// Factor of the loss on pseudo-labels; 1 in the paper.
    #[serde(default = "one")]
    pub weight: f64,
    /// Beyond the paper: pseudo-labels of which the teacher is less sure count less.
    #[serde(default)]
    pub confidence_weighting: bool,
    /// Beyond the paper: after each step the teacher's weights move towards the student's, as an exponential moving average of this
    /// decay (0.999, say). Teacher and student must be of the same network and sizes. `None`: the teacher stays as it is.
    #[serde(default)]
    pub moving_average: Option<f64>,
    /// Beyond the paper: every track is labelled once and whole before training, and not each clip when it comes.
    #[serde(default)]
    pub precomputed: bool,
}

fn one() -> f64 {
    1.0
}

/// How the student hears labelled and unlabelled clips.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Passes {
    /// Together, as the reference code does: batch normalisation sees both.
    #[default]
    One,
    /// First the labelled, then the unlabelled ones: batch normalisation sees one kind at a time.
    Two,
}

impl NoisyStudent {
    /// The paper's way with this teacher.
    pub fn of(teacher: impl Into<PathBuf>) -> Self {
        Self {
            teacher: teacher.into(),
            unlabelled: Vec::new(),
            unlabelled_clips: None,
            passes: Passes::One,
            pseudo_labels: Targets::Soft,
            weight: 1.0,
            confidence_weighting: false,
            moving_average: None,
            precomputed: false,
        }
    }

    /// Labelled and unlabelled clips of a step of `batch_size` clips.
    pub fn clips(&self, batch_size: usize) -> (usize, usize) {
        let unlabelled = self.unlabelled_clips.unwrap_or(batch_size / 2);
        (batch_size.saturating_sub(unlabelled), unlabelled)
    }

    /// What of it is beyond the paper, in words.
    pub fn beyond_paper(&self) -> Vec<&'static str> {
        let options = [
            (self.confidence_weighting, "confidence weighting"),
            (self.moving_average.is_some(), "moving-average teacher"),
            (self.precomputed, "precomputed pseudo-labels"),
        ];
        let chosen = options.into_iter().filter(|(is_on, _)| *is_on);
        chosen.map(|(_, name)| name).collect()
    }

    /// Name and condition of the first setting that is out of range.
    pub(super) fn out_of_range(&self, batch_size: usize) -> Option<(&'static str, &'static str)> {
        let (labelled, unlabelled) = self.clips(batch_size);
        if self.teacher.as_os_str().is_empty() {
            return Some((
                "teacher",
                "must name a run, a folder of one, or a file of weights",
            ));
        }
        if labelled == 0 || unlabelled == 0 {
            return Some((
                "unlabelled_clips",
                "must leave at least one labelled and one unlabelled clip in a batch",
            ));
        }
        if self.passes == Passes::Two && (labelled < 2 || unlabelled < 2) {
            return Some((
                "passes",
                "of two need at least two labelled and two unlabelled clips: batch normalisation needs company",
            ));
        }
        if !(self.weight.is_finite() && self.weight > 0.0) {
            return Some(("weight", "must be a positive number"));
        }
        if let Targets::Hard { threshold } = self.pseudo_labels
            && !(threshold > 0.0 && threshold < 1.0)
        {
            return Some(("pseudo_labels.hard.threshold", "must lie between 0 and 1"));
        }
        if self
            .moving_average
            .is_some_and(|decay| !(0.0..1.0).contains(&decay))
        {
            return Some(("moving_average", "must be a decay from 0 to below 1"));
        }
        if self.moving_average.is_some() && self.precomputed {
            return Some((
                "precomputed",
                "and moving_average exclude each other: labels made before training know nothing of a teacher that changes",
            ));
        }
        None
    }
}
