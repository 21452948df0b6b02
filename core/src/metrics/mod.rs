//! Scores of a multi-label tagger: how well clips are ranked, tag by tag and over all tags.
//!
//! Definitions are scikit-learn's (golden values in the tests), except that nothing is made up: a score that is not
//! defined (no positive, no negative, a score that is not a number) is `None`, and the macro mean is taken over the
//! tags where the score is defined.

mod bootstrap;
mod counts;
mod curve;
pub mod file;
mod localised;
mod operating;
mod paired;
mod pseudo_labels;
mod rank;
mod rank_correlation;
mod running;
mod scores;
mod statistic;
mod threshold;

pub use bootstrap::{Interval, Intervals, bootstrap, bootstrap_of_mean};
pub use counts::{Counts, CurveKind, Outcome};
pub use curve::{PrecisionRecallCurve, RocCurve, precision_recall_curve, roc_curve};
pub use localised::Localised;
pub use operating::{CurvePoint, OperatingPoints, best_shared_threshold};
pub use paired::{Difference, PairedDifferences, paired_bootstrap, paired_bootstrap_of_means};
pub use pseudo_labels::{PseudoLabels, agreement, entropy_bits};
pub use rank::{average_precision, roc_auc};
pub use rank_correlation::rank_correlation;
pub use running::RunningScores;
pub use scores::{Scores, mean_defined, score, score_f64};
pub use statistic::Statistic;
pub use threshold::{BestF1, best_f1, best_f1_threshold};
