//! What each chart shows: which measures, with which looks.

use crate::theme::Palette;
use attune_core::metrics::Scores;
use attune_core::run::{Scalar, Validation};
use egui::Color32;
use std::borrow::Cow;

/// A chart of the panel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub(super) enum Chart {
    Loss,
    Scores,
    StudentLoss,
    Agreement,
    LearningRate,
    Speed,
    GradientNorm,
    Waiting,
    /// A single measure of every step.
    Step(Scalar),
    /// A single score of the validation split.
    Validated(Score),
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
    /// The same of a noisy student's teacher, as it was in the beginning.
    Teacher(Score),
}

/// A value of a validation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub(super) enum Score {
    Loss,
    RocAuc,
    AveragePrecision,
    Localisation,
    PointingGame,
}

impl Score {
    const ALL: [Self; 5] = [
        Self::Loss,
        Self::RocAuc,
        Self::AveragePrecision,
        Self::Localisation,
        Self::PointingGame,
    ];

    fn title(self) -> &'static str {
        match self {
            Self::Loss => "Validation loss",
            Self::RocAuc => "Validation ROC-AUC",
            Self::AveragePrecision => "Validation PR-AUC",
            Self::Localisation => "Localisation",
            Self::PointingGame => "Pointing game",
        }
    }

    /// The value, if it is defined.
    pub(super) fn of(self, validation: &Validation) -> Option<f64> {
        match self {
            Self::Localisation => validation.localisation_roc_auc(),
            Self::PointingGame => validation.pointing_game(),
            _ => self.among(validation.loss, &validation.scores),
        }
    }

    /// The value of one of these, if it is defined; localisation is not among them.
    pub(super) fn among(self, loss: f64, scores: &Scores) -> Option<f64> {
        match self {
            Self::Loss => Some(loss),
            Self::RocAuc => scores.roc_auc_macro,
            Self::AveragePrecision => scores.average_precision_macro,
            Self::Localisation | Self::PointingGame => None,
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
    /// A dashed line.
    Dashed,
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
    pub(super) const ALL: [Self; 8] = [
        Self::Loss,
        Self::Scores,
        Self::StudentLoss,
        Self::Agreement,
        Self::LearningRate,
        Self::Speed,
        Self::GradientNorm,
        Self::Waiting,
    ];

    /// Charts of one measure alone, of those that have no chart of their own.
    pub(super) fn singles() -> impl Iterator<Item = Self> {
        let of_steps = Scalar::ALL.into_iter().filter(|scalar| {
            !matches!(
                scalar,
                Scalar::LearningRate
                    | Scalar::ClipsPerSecond
                    | Scalar::GradientNorm
                    | Scalar::LoaderWait
            )
        });
        let of_validations = Score::ALL.into_iter().map(Self::Validated);
        of_validations.chain(of_steps.map(Self::Step))
    }

    /// Its place among all charts.
    pub(super) fn place(self) -> usize {
        let all = Self::ALL.into_iter().chain(Self::singles());
        all.take_while(|other| *other != self).count()
    }

    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Step(scalar) => scalar.label(),
            Self::Validated(score) => score.title(),
            Self::Loss => "Loss",
            Self::Scores => "Scores",
            Self::StudentLoss => "Student's losses",
            Self::Agreement => "Agreement",
            Self::LearningRate => "Learning rate",
            Self::Speed => "Speed",
            Self::GradientNorm => "Gradient norm",
            Self::Waiting => "Waiting for data",
        }
    }

    pub(super) fn unit(self) -> &'static str {
        match self {
            Self::Step(scalar) => scalar.unit(),
            Self::Validated(Score::Loss) => "binary cross entropy",
            Self::Validated(_) => "macro, 0 to 1",
            Self::Loss => "binary cross entropy",
            Self::Scores => "macro, 0 to 1",
            Self::StudentLoss => "binary cross entropy",
            Self::Agreement => "correlation",
            Self::LearningRate => "per step",
            Self::Speed => "clips/s",
            Self::GradientNorm => "Euclidean",
            Self::Waiting => "s per step",
        }
    }

    pub(super) fn help(self) -> &'static str {
        match self {
            Self::Step(_) => "A measure of every training step, of all shown runs.",
            Self::Validated(_) => "A score of the validation split, of all shown runs.",
            Self::Loss => {
                "Training loss: the band is the range of the raw values, the line their moving average; of a noisy student, on labels and pseudo-labels added. Validation loss: the loss of the averaged probabilities of whole tracks. Dashed: the validation loss of a noisy student's teacher."
            }
            Self::Scores => {
                "ROC-AUC and PR-AUC (average precision), means over the tags. Marked: on the validation split. Thin: over the last 2000 training clips. Dashed: a noisy student's teacher on the validation split. Localisation, if the recipe asks for it: ROC-AUC over the moments of validation tracks whose timelines are known, of the usual explanation; thin in the same colour the pointing game, the share of tracks whose most telling moment is a true one."
            }
            Self::StudentLoss => {
                "Loss on the labels and loss on the teacher's pseudo-labels, apart and added: what a noisy student learns from."
            }
            Self::Agreement => {
                "How much the student agrees with its teacher on unlabelled clips: correlation of their logits over the clips and tags of a batch, every ten steps. Clean: both hear the clip as it is. Augmented: the student hears it as in training."
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

    pub(super) fn traces(self) -> Cow<'static, [Trace]> {
        match self {
            Self::Step(scalar) => Cow::Owned(vec![Trace {
                name: scalar.label(),
                source: match scalar {
                    Scalar::Loss => Source::SmoothedLoss,
                    _ => Source::Step(scalar),
                },
                look: Look::Line,
                colour: |palette| palette.accent,
            }]),
            Self::Validated(score) => Cow::Owned(vec![Trace {
                name: score.title(),
                source: Source::Validated(score),
                look: Look::Marked,
                colour: match score {
                    Score::Loss => |palette| palette.validation,
                    Score::RocAuc => |palette| palette.roc_auc,
                    Score::AveragePrecision => |palette| palette.average_precision,
                    Score::Localisation | Score::PointingGame => |palette| palette.truth,
                },
            }]),
            chart => Cow::Borrowed(chart.fixed_traces()),
        }
    }

    /// Whether a trace is among those that stay where many lines are drawn over each other.
    pub(super) fn is_main(self, trace: &Trace) -> bool {
        match trace.look {
            Look::Band => false,
            Look::Marked | Look::Line => true,
            Look::Thin | Look::Dashed => self.traces().len() <= 2,
        }
    }

    fn fixed_traces(self) -> &'static [Trace] {
        match self {
            Self::Step(_) | Self::Validated(_) => &[],
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
                Trace {
                    name: "teacher",
                    source: Source::Teacher(Score::Loss),
                    look: Look::Dashed,
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
                Trace {
                    name: "localisation",
                    source: Source::Validated(Score::Localisation),
                    look: Look::Marked,
                    colour: |p| p.truth,
                },
                Trace {
                    name: "pointing game",
                    source: Source::Validated(Score::PointingGame),
                    look: Look::Thin,
                    colour: |p| p.truth,
                },
                Trace {
                    name: "teacher's ROC-AUC",
                    source: Source::Teacher(Score::RocAuc),
                    look: Look::Dashed,
                    colour: |p| p.roc_auc,
                },
                Trace {
                    name: "teacher's PR-AUC",
                    source: Source::Teacher(Score::AveragePrecision),
                    look: Look::Dashed,
                    colour: |p| p.average_precision,
                },
            ],
            Self::StudentLoss => &[
                Trace {
                    name: "labels",
                    source: Source::Step(Scalar::SupervisedLoss),
                    look: Look::Line,
                    colour: |p| p.training,
                },
                Trace {
                    name: "pseudo-labels",
                    source: Source::Step(Scalar::SemiSupervisedLoss),
                    look: Look::Line,
                    colour: |p| p.augmented,
                },
                Trace {
                    name: "both",
                    source: Source::SmoothedLoss,
                    look: Look::Line,
                    colour: |p| p.strong,
                },
            ],
            Self::Agreement => &[
                Trace {
                    name: "clean",
                    source: Source::Step(Scalar::AgreementClean),
                    look: Look::Line,
                    colour: |p| p.original,
                },
                Trace {
                    name: "augmented",
                    source: Source::Step(Scalar::AgreementAugmented),
                    look: Look::Line,
                    colour: |p| p.augmented,
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

    /// Whether only the runs of noisy students have something to show here.
    pub(super) fn is_of_students(self) -> bool {
        matches!(self, Self::StudentLoss | Self::Agreement)
    }

    /// Whether a logarithmic axis makes sense.
    pub(super) fn can_be_logarithmic(self) -> bool {
        matches!(
            self,
            Self::Loss
                | Self::StudentLoss
                | Self::LearningRate
                | Self::GradientNorm
                | Self::Step(_)
                | Self::Validated(Score::Loss)
        )
    }

    /// Whether 0 belongs on the axis.
    pub(super) fn starts_at_zero(self) -> bool {
        matches!(self, Self::Speed | Self::Waiting)
    }
}
