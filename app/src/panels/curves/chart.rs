//! What each chart shows: which measures, with which looks.

use crate::theme::Palette;
use attune_core::run::{Scalar, Validation};
use egui::Color32;

/// A chart of the panel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub(super) enum Chart {
    Loss,
    Scores,
    LearningRate,
    Speed,
    GradientNorm,
    Waiting,
}

/// Where the values of a trace come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Source {
    /// A measure of every step.
    Step(Scalar),
    /// The training loss, smoothed.
    SmoothedLoss,
    /// A value of each validation.
    Validated(Score),
}

/// A value of a validation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Score {
    Loss,
    RocAuc,
    AveragePrecision,
}

impl Score {
    /// The value, if it is defined.
    pub(super) fn of(self, validation: &Validation) -> Option<f64> {
        match self {
            Self::Loss => Some(validation.loss),
            Self::RocAuc => validation.scores.roc_auc_macro,
            Self::AveragePrecision => validation.scores.average_precision_macro,
        }
        .filter(|value| value.is_finite())
    }
}

/// How a trace is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// The range of the values of each column of pixels.
    Band,
    /// A thin line.
    Thin,
    /// A line.
    Line,
    /// A line with a mark at each value.
    Marked,
}

/// One curve of a chart.
#[derive(Clone, Copy, Debug)]
pub(super) struct Trace {
    pub(super) name: &'static str,
    pub(super) source: Source,
    pub(super) look: Look,
    /// Its colour while only one run is shown; otherwise it takes the run's.
    pub(super) colour: fn(&Palette) -> Color32,
}

impl Chart {
    /// All charts, the most telling first.
    pub(super) const ALL: [Self; 6] = [
        Self::Loss,
        Self::Scores,
        Self::LearningRate,
        Self::Speed,
        Self::GradientNorm,
        Self::Waiting,
    ];

    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Loss => "Loss",
            Self::Scores => "Scores",
            Self::LearningRate => "Learning rate",
            Self::Speed => "Speed",
            Self::GradientNorm => "Gradient norm",
            Self::Waiting => "Waiting for data",
        }
    }

    pub(super) fn unit(self) -> &'static str {
        match self {
            Self::Loss => "binary cross entropy",
            Self::Scores => "macro, 0 to 1",
            Self::LearningRate => "per step",
            Self::Speed => "clips/s",
            Self::GradientNorm => "Euclidean",
            Self::Waiting => "s per step",
        }
    }

    pub(super) fn help(self) -> &'static str {
        match self {
            Self::Loss => {
                "Training loss: the band is the range of the raw values, the line their moving average. Validation loss: the loss of the averaged probabilities of whole tracks."
            }
            Self::Scores => {
                "ROC-AUC and PR-AUC (average precision), means over the tags. Marked: on the validation split. Thin: over the last 2000 training clips."
            }
            Self::LearningRate => "Learning rate of Adam at each step.",
            Self::Speed => "Clips trained on per second.",
            Self::GradientNorm => {
                "Euclidean norm of all gradients together, before the step of Adam."
            }
            Self::Waiting => {
                "How long each step waited for its batch. High values: loading and augmenting is the bottleneck."
            }
        }
    }

    pub(super) fn traces(self) -> &'static [Trace] {
        match self {
            Self::Loss => &[
                Trace {
                    name: "raw",
                    source: Source::Step(Scalar::Loss),
                    look: Look::Band,
                    colour: |p| p.training,
                },
                Trace {
                    name: "training",
                    source: Source::SmoothedLoss,
                    look: Look::Line,
                    colour: |p| p.training,
                },
                Trace {
                    name: "validation",
                    source: Source::Validated(Score::Loss),
                    look: Look::Marked,
                    colour: |p| p.validation,
                },
            ],
            Self::Scores => &[
                Trace {
                    name: "running ROC-AUC",
                    source: Source::Step(Scalar::RunningRocAuc),
                    look: Look::Thin,
                    colour: |p| p.roc_auc,
                },
                Trace {
                    name: "running PR-AUC",
                    source: Source::Step(Scalar::RunningAveragePrecision),
                    look: Look::Thin,
                    colour: |p| p.average_precision,
                },
                Trace {
                    name: "ROC-AUC",
                    source: Source::Validated(Score::RocAuc),
                    look: Look::Marked,
                    colour: |p| p.roc_auc,
                },
                Trace {
                    name: "PR-AUC",
                    source: Source::Validated(Score::AveragePrecision),
                    look: Look::Marked,
                    colour: |p| p.average_precision,
                },
            ],
            Self::LearningRate => &[Trace {
                name: "learning rate",
                source: Source::Step(Scalar::LearningRate),
                look: Look::Line,
                colour: |p| p.accent,
            }],
            Self::Speed => &[
                Trace {
                    name: "range",
                    source: Source::Step(Scalar::ClipsPerSecond),
                    look: Look::Band,
                    colour: |p| p.good,
                },
                Trace {
                    name: "clips/s",
                    source: Source::Step(Scalar::ClipsPerSecond),
                    look: Look::Thin,
                    colour: |p| p.good,
                },
            ],
            Self::GradientNorm => &[
                Trace {
                    name: "range",
                    source: Source::Step(Scalar::GradientNorm),
                    look: Look::Band,
                    colour: |p| p.augmented,
                },
                Trace {
                    name: "gradient norm",
                    source: Source::Step(Scalar::GradientNorm),
                    look: Look::Thin,
                    colour: |p| p.augmented,
                },
            ],
            Self::Waiting => &[
                Trace {
                    name: "range",
                    source: Source::Step(Scalar::LoaderWait),
                    look: Look::Band,
                    colour: |p| p.warning,
                },
                Trace {
                    name: "waiting",
                    source: Source::Step(Scalar::LoaderWait),
                    look: Look::Thin,
                    colour: |p| p.warning,
                },
            ],
        }
    }

    /// Whether a logarithmic axis makes sense.
    pub(super) fn can_be_logarithmic(self) -> bool {
        matches!(self, Self::Loss | Self::LearningRate | Self::GradientNorm)
    }

    /// Whether 0 belongs on the axis.
    pub(super) fn starts_at_zero(self) -> bool {
        matches!(self, Self::Speed | Self::Waiting)
    }
}
