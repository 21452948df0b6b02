//! What a threshold makes of clips: how many it judges rightly and wrongly, the rates that follow, and the curves that these draw.

use serde::Serialize;

/// How many clips a threshold judges rightly and wrongly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// At or above the threshold, with the tag.
    pub true_positives: u64,
    /// At or above the threshold, without the tag.
    pub false_positives: u64,
    /// Below the threshold, with the tag.
    pub false_negatives: u64,
    /// Below the threshold, without the tag.
    pub true_negatives: u64,
}

impl Counts {
    /// Share of the clips at or above the threshold that have the tag, in 0..=1; `None` if there is no such clip.
    pub fn precision(&self) -> Option<f64> {
        share(
            self.true_positives,
            self.true_positives + self.false_positives,
        )
    }

    /// Share of the clips with the tag that are at or above the threshold, in 0..=1; `None` without a positive.
    pub fn recall(&self) -> Option<f64> {
        share(
            self.true_positives,
            self.true_positives + self.false_negatives,
        )
    }

    /// Share of the clips without the tag that are at or above the threshold, in 0..=1; `None` without a negative.
    pub fn false_positive_rate(&self) -> Option<f64> {
        share(
            self.false_positives,
            self.false_positives + self.true_negatives,
        )
    }

    /// Harmonic mean of precision and recall, in 0..=1; `None` without a positive.
    pub fn f1(&self) -> Option<f64> {
        self.recall()?;
        let twice = 2 * self.true_positives;
        share(twice, twice + self.false_positives + self.false_negatives)
    }

    /// Where the threshold lies on a curve; `None` where that is not defined. Where no clip is taken, precision begins at 1.
    pub fn on_curve(&self, kind: CurveKind) -> Option<(f64, f64)> {
        match kind {
            CurveKind::Roc => Some((self.false_positive_rate()?, self.recall()?)),
            CurveKind::PrecisionRecall => Some((self.recall()?, self.precision().unwrap_or(1.0))),
        }
    }

    /// All of them.
    pub fn n_clips(&self) -> u64 {
        self.true_positives + self.false_positives + self.false_negatives + self.true_negatives
    }

    /// How many clips have this outcome.
    pub fn of(&self, outcome: Outcome) -> u64 {
        match outcome {
            Outcome::FalsePositive => self.false_positives,
            Outcome::FalseNegative => self.false_negatives,
            Outcome::TruePositive => self.true_positives,
            Outcome::TrueNegative => self.true_negatives,
        }
    }
}

fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// What a threshold makes of a clip.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Taken for one with the tag, and is none.
    FalsePositive,
    /// Has the tag, and is missed.
    FalseNegative,
    /// Has the tag, and is found.
    TruePositive,
    /// Has it not, and is left alone.
    TrueNegative,
}

impl Outcome {
    /// All, mistakes first.
    pub const ALL: [Self; 4] = [
        Self::FalsePositive,
        Self::FalseNegative,
        Self::TruePositive,
        Self::TrueNegative,
    ];

    /// What several such clips are called.
    pub fn label(self) -> &'static str {
        match self {
            Self::FalsePositive => "False positives",
            Self::FalseNegative => "False negatives",
            Self::TruePositive => "True positives",
            Self::TrueNegative => "True negatives",
        }
    }

    /// Its name on the command line and in file names.
    pub fn name(self) -> &'static str {
        match self {
            Self::FalsePositive => "false-positives",
            Self::FalseNegative => "false-negatives",
            Self::TruePositive => "true-positives",
            Self::TrueNegative => "true-negatives",
        }
    }
}

/// Which curve.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, serde::Deserialize)]
pub enum CurveKind {
    /// True against false positives.
    #[default]
    Roc,
    /// Precision against recall.
    PrecisionRecall,
}
