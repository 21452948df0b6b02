//! What is measured at every training step, and how a row of it lies on the disk.

/// A measure of a training step. Each has its own file under `scalars/`.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Scalar {
    /// Training loss of the batch.
    Loss,
    /// Learning rate of the step.
    LearningRate,
    /// Clips trained on per second.
    ClipsPerSecond,
    /// Euclidean norm of all gradients together.
    GradientNorm,
    /// Macro ROC-AUC over the last training clips; not at every step.
    RunningRocAuc,
    /// Macro average precision over the last training clips; not at every step.
    RunningAveragePrecision,
    /// Seconds that the step waited for its batch.
    LoaderWait,
    /// Seconds that the step took in all.
    StepSeconds,
    /// Loss on the labelled clips alone; of a noisy student's run, whose [`Scalar::Loss`] is the sum of both.
    SupervisedLoss,
    /// Loss on the pseudo-labels of the unlabelled clips, its factor included.
    SemiSupervisedLoss,
    /// Agreement of student and teacher on unlabelled clips without augmentation (see [`crate::metrics::agreement`]); not at every step.
    AgreementClean,
    /// The same on the clips as the student hears them, augmented, in training.
    AgreementAugmented,
    /// Seconds of the step in network and loss.
    ForwardSeconds,
    /// Seconds of the step in gradients.
    BackwardSeconds,
    /// Seconds of the step in their norm, clipping and new weights.
    OptimizerSeconds,
    /// Seconds of the step in the teacher's answers, and in moving it after the student; of a noisy student's run.
    TeacherSeconds,
    /// Seconds that the loader's threads took to read and cut out the step's clips, added up over threads, ahead of the step.
    LoaderReading,
    /// The same to augment them.
    LoaderAugmenting,
    /// The same to compute what the network takes in.
    LoaderFeatures,
}

impl Scalar {
    /// All scalars, in the order of their values in [`StepScalars`].
    pub const ALL: [Self; 19] = [
        Self::Loss,
        Self::LearningRate,
        Self::ClipsPerSecond,
        Self::GradientNorm,
        Self::RunningRocAuc,
        Self::RunningAveragePrecision,
        Self::LoaderWait,
        Self::StepSeconds,
        Self::SupervisedLoss,
        Self::SemiSupervisedLoss,
        Self::AgreementClean,
        Self::AgreementAugmented,
        Self::ForwardSeconds,
        Self::BackwardSeconds,
        Self::OptimizerSeconds,
        Self::TeacherSeconds,
        Self::LoaderReading,
        Self::LoaderAugmenting,
        Self::LoaderFeatures,
    ];

    /// Name for files and tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Loss => "loss",
            Self::LearningRate => "learning_rate",
            Self::ClipsPerSecond => "clips_per_second",
            Self::GradientNorm => "gradient_norm",
            Self::RunningRocAuc => "running_roc_auc",
            Self::RunningAveragePrecision => "running_average_precision",
            Self::LoaderWait => "loader_wait_s",
            Self::StepSeconds => "step_s",
            Self::SupervisedLoss => "supervised_loss",
            Self::SemiSupervisedLoss => "semi_supervised_loss",
            Self::AgreementClean => "agreement_clean",
            Self::AgreementAugmented => "agreement_augmented",
            Self::ForwardSeconds => "forward_s",
            Self::BackwardSeconds => "backward_s",
            Self::OptimizerSeconds => "optimizer_s",
            Self::TeacherSeconds => "teacher_s",
            Self::LoaderReading => "loader_reading_s",
            Self::LoaderAugmenting => "loader_augmenting_s",
            Self::LoaderFeatures => "loader_features_s",
        }
    }

    /// Name for people.
    pub fn label(self) -> &'static str {
        match self {
            Self::Loss => "Training loss",
            Self::LearningRate => "Learning rate",
            Self::ClipsPerSecond => "Clips per second",
            Self::GradientNorm => "Gradient norm",
            Self::RunningRocAuc => "Running ROC-AUC",
            Self::RunningAveragePrecision => "Running PR-AUC",
            Self::LoaderWait => "Waiting for data",
            Self::StepSeconds => "Step time",
            Self::SupervisedLoss => "Supervised loss",
            Self::SemiSupervisedLoss => "Semi-supervised loss",
            Self::AgreementClean => "Agreement, clean",
            Self::AgreementAugmented => "Agreement, augmented",
            Self::ForwardSeconds => "Forward pass",
            Self::BackwardSeconds => "Backward pass",
            Self::OptimizerSeconds => "Optimizer",
            Self::TeacherSeconds => "Teacher",
            Self::LoaderReading => "Loader: reading",
            Self::LoaderAugmenting => "Loader: augmentation",
            Self::LoaderFeatures => "Loader: features",
        }
    }

    /// Unit, or empty.
    pub fn unit(self) -> &'static str {
        match self {
            Self::ClipsPerSecond => "clips/s",
            Self::LoaderWait
            | Self::StepSeconds
            | Self::ForwardSeconds
            | Self::BackwardSeconds
            | Self::OptimizerSeconds
            | Self::TeacherSeconds
            | Self::LoaderReading
            | Self::LoaderAugmenting
            | Self::LoaderFeatures => "s",
            _ => "",
        }
    }

    /// Position in [`Scalar::ALL`].
    pub(super) fn index(self) -> usize {
        self as usize
    }
}

/// What one training step measured. A value that was not measured is NaN.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepScalars {
    /// Training steps done with this one, from 1.
    pub step: u64,
    /// Epoch, from 0.
    pub epoch: u32,
    values: [f32; Scalar::ALL.len()],
}

impl StepScalars {
    /// A step of which nothing is known yet.
    pub fn new(step: u64, epoch: u32) -> Self {
        Self {
            step,
            epoch,
            values: [f32::NAN; Scalar::ALL.len()],
        }
    }

    /// The same with a value more.
    pub fn with(mut self, scalar: Scalar, value: f64) -> Self {
        self.values[scalar.index()] = value as f32;
        self
    }

    /// The value as it is stored, NaN if it was not measured.
    pub(super) fn raw(&self, scalar: Scalar) -> f32 {
        self.values[scalar.index()]
    }

    /// A value; `None` if it was not measured.
    pub fn get(&self, scalar: Scalar) -> Option<f32> {
        Some(self.values[scalar.index()]).filter(|value| !value.is_nan())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scalar_knows_its_place_and_has_a_name_of_its_own() {
        for (position, scalar) in Scalar::ALL.into_iter().enumerate() {
            assert_eq!(scalar.index(), position);
            assert_eq!(
                Scalar::ALL
                    .iter()
                    .filter(|s| s.name() == scalar.name())
                    .count(),
                1
            );
        }
    }
}
