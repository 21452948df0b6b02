//! All tags of a set of clips scored at once.

use super::rank::{Ranking, order_f32, order_f64};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// Macro and per-tag scores. The field names are the keys of `attune metrics --json`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Scores {
    /// Mean ROC-AUC over the tags where it is defined; `None` if it is defined nowhere.
    pub roc_auc_macro: Option<f64>,
    /// Mean average precision over the tags where it is defined; `None` if it is defined nowhere.
    pub average_precision_macro: Option<f64>,
    /// ROC-AUC of each tag; `None` for a tag without positives or without negatives.
    pub roc_auc_per_tag: Vec<Option<f64>>,
    /// Average precision of each tag; `None` for a tag without positives.
    pub average_precision_per_tag: Vec<Option<f64>>,
}

impl Scores {
    /// The macro means of per-tag scores.
    pub fn from_tags(
        roc_auc_per_tag: Vec<Option<f64>>,
        average_precision_per_tag: Vec<Option<f64>>,
    ) -> Self {
        Self {
            roc_auc_macro: mean_defined(roc_auc_per_tag.iter().copied()),
            average_precision_macro: mean_defined(average_precision_per_tag.iter().copied()),
            roc_auc_per_tag,
            average_precision_per_tag,
        }
    }
}

/// Scores clips tag by tag: `scores` and `labels` are row-major `[clips, n_tags]`.
///
/// A tag with a score that is not a number has no scores. The work is spread over the tags. Panics if the lengths
/// differ or are no multiple of `n_tags`.
pub fn score(scores: &[f32], labels: &[bool], n_tags: usize) -> Scores {
    score_by(scores, labels, n_tags, order_f32)
}

/// As [`score`], for scores in double precision.
pub fn score_f64(scores: &[f64], labels: &[bool], n_tags: usize) -> Scores {
    score_by(scores, labels, n_tags, order_f64)
}

fn score_by<S: Copy + Sync, K: Copy + Ord + Send>(
    scores: &[S],
    labels: &[bool],
    n_tags: usize,
    order: impl Fn(S) -> Option<K> + Sync,
) -> Scores {
    check_shape(scores.len(), labels.len(), n_tags);
    let (roc_auc, average_precision) = (0..n_tags)
        .into_par_iter()
        .map(|tag_idx| {
            let column = (tag_idx..scores.len()).step_by(n_tags);
            let pairs = column.map(|at| Some((order(scores[at])?, labels[at])));
            match pairs.collect::<Option<Vec<_>>>().map(Ranking::of) {
                Some(ranking) => (ranking.roc_auc(), ranking.average_precision()),
                None => (None, None),
            }
        })
        .unzip();
    Scores::from_tags(roc_auc, average_precision)
}

pub(super) fn check_shape(n_scores: usize, n_labels: usize, n_tags: usize) {
    assert_eq!(n_scores, n_labels, "a label for each score");
    assert!(
        n_scores == 0 || (n_tags > 0 && n_scores.is_multiple_of(n_tags)),
        "{n_scores} scores are no rows of {n_tags} tags"
    );
}

/// The mean of those that are defined; `None` if none is.
pub fn mean_defined(values: impl IntoIterator<Item = Option<f64>>) -> Option<f64> {
    let (sum, n) = values
        .into_iter()
        .flatten()
        .fold((0.0, 0usize), |(sum, n), value| (sum + value, n + 1));
    (n > 0).then(|| sum / n as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_macro_mean_leaves_out_undefined_tags() {
        // Two clips, three tags; the middle tag has no positive.
        let scores = [0.9, 0.5, 0.1, 0.2, 0.6, 0.3];
        let labels = [true, false, true, false, false, false];
        let scored = score(&scores, &labels, 3);
        assert_eq!(scored.roc_auc_per_tag, [Some(1.0), None, Some(0.0)]);
        assert_eq!(
            scored.average_precision_per_tag,
            [Some(1.0), None, Some(0.5)]
        );
        assert_eq!(scored.roc_auc_macro, Some(0.5));
        assert_eq!(scored.average_precision_macro, Some(0.75));
    }

    #[test]
    fn a_score_that_is_not_a_number_spoils_its_tag_only() {
        let scored = score(&[f32::NAN, 0.9, 0.1, 0.1], &[true, true, false, false], 2);
        assert_eq!(scored.roc_auc_per_tag, [None, Some(1.0)]);
    }

    #[test]
    fn no_clips_have_no_scores() {
        let scored = score(&[], &[], 2);
        assert_eq!(scored.roc_auc_macro, None);
        assert_eq!(scored.roc_auc_per_tag, [None, None]);
    }
}
