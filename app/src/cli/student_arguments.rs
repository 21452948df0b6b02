//! Options of `attune train` for noisy student training.

use attune_core::train::{DataChoice, Passes, Targets, TrainConfig};
use std::path::PathBuf;

/// Learning from a teacher's answers to unlabelled clips.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Noisy student")]
pub(super) struct StudentArguments {
    /// Learn from this model's answers to unlabelled clips, which it hears clean and the student augmented: a run, a weights file, `tunes` or `demo`
    #[arg(long, value_name = "MODEL")]
    teacher: Option<PathBuf>,
    /// Take unlabelled tracks from this data set too; may be given several times
    #[arg(long, value_name = "DIR", requires = "teacher")]
    unlabelled: Vec<String>,
    /// Share of the training tracks that keep their labels (0.2: a fifth); the others count as unlabelled
    #[arg(long, value_name = "X")]
    label_fraction: Option<f64>,
    /// Seed of the choice of these tracks
    #[arg(long, value_name = "N")]
    label_seed: Option<u64>,
    /// Unlabelled clips of a step (default: half the batch)
    #[arg(long, value_name = "N", requires = "teacher")]
    unlabelled_clips: Option<usize>,
    /// Labelled and unlabelled clips in two passes instead of one
    #[arg(long, requires = "teacher")]
    two_passes: bool,
    /// Pseudo-labels are 1 from this probability on, else 0, instead of the probability itself
    #[arg(long, value_name = "THRESHOLD", requires = "teacher")]
    hard_labels: Option<f32>,
    /// Factor of the loss on pseudo-labels (default: 1)
    #[arg(long, value_name = "X", requires = "teacher")]
    semi_weight: Option<f64>,
    /// Beyond the paper: pseudo-labels of which the teacher is less sure count less
    #[arg(long, requires = "teacher")]
    confidence_weighting: bool,
    /// Beyond the paper: the teacher follows the student as a moving average of this decay, 0.999 for instance
    #[arg(long, value_name = "DECAY", requires = "teacher")]
    moving_average: Option<f64>,
    /// Beyond the paper: label every unlabelled track once and whole before training
    #[arg(long, requires = "teacher")]
    precomputed: bool,
    /// Train so many students, each with the one before as its teacher
    #[arg(long, value_name = "N", requires = "teacher", conflicts_with_all = ["resume", "estimate"], default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) iterations: u32,
}

impl StudentArguments {
    /// Changes a recipe as these options say. `chain_is_named`: the augmentation was chosen by name.
    pub(super) fn apply(&self, config: &mut TrainConfig, chain_is_named: bool) {
        config.label_fraction = self.label_fraction.unwrap_or(config.label_fraction);
        config.label_seed = self.label_seed.unwrap_or(config.label_seed);
        let Some(teacher) = &self.teacher else {
            return;
        };
        let named = chain_is_named.then(|| config.augmentation.clone());
        config.teach(teacher);
        if let Some(chain) = named {
            config.augmentation = chain;
        }
        let Some(student) = &mut config.noisy_student else {
            return;
        };
        let more = self.unlabelled.iter().map(|text| DataChoice::parse(text));
        student.unlabelled.extend(more);
        student.unlabelled_clips = self.unlabelled_clips.or(student.unlabelled_clips);
        if self.two_passes {
            student.passes = Passes::Two;
        }
        if let Some(threshold) = self.hard_labels {
            student.pseudo_labels = Targets::Hard { threshold };
        }
        student.weight = self.semi_weight.unwrap_or(student.weight);
        student.confidence_weighting |= self.confidence_weighting;
        student.moving_average = self.moving_average.or(student.moving_average);
        student.precomputed |= self.precomputed;
    }
}
