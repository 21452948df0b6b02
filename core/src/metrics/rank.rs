//! One tag's clips, ranked from the highest score down, and the two scores that depend on the ranking alone.
//!
//! Clips of equal score form one threshold: they are passed together. ROC-AUC is counted in integers (pairs of a
//! positive and a negative in the right order, ties half), so that it is exact up to its last division.

/// Area under the ROC curve of one tag, in 0..=1: the chance that a positive scores above a negative, ties half.
///
/// `None` without a positive, without a negative, or if a score is not a number. Panics if the lengths differ.
pub fn roc_auc(scores: &[f64], labels: &[bool]) -> Option<f64> {
    Ranking::of_f64(scores, labels)?.roc_auc()
}

/// Average precision (area under the precision–recall curve, without interpolation) of one tag, in 0..=1:
/// the sum over the thresholds of (recall gained) × (precision there).
///
/// `None` without a positive or if a score is not a number. Panics if the lengths differ.
pub fn average_precision(scores: &[f64], labels: &[bool]) -> Option<f64> {
    Ranking::of_f64(scores, labels)?.average_precision()
}

/// The clips that share one score.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tie {
    pub(super) positives: u64,
    pub(super) negatives: u64,
}

/// One tag's clips by falling score, clips of equal score counted together.
#[derive(Clone, Debug, Default)]
pub(super) struct Ranking {
    pub(super) ties: Vec<Tie>,
}

impl Ranking {
    pub(super) fn of_f64(scores: &[f64], labels: &[bool]) -> Option<Self> {
        assert_eq!(scores.len(), labels.len(), "a label for each score");
        let pairs = scores
            .iter()
            .zip(labels)
            .map(|(&score, &label)| Some((order_f64(score)?, label)));
        pairs.collect::<Option<Vec<_>>>().map(Self::of)
    }

    /// Ranks (key, label) pairs; a greater key is a higher score.
    pub(super) fn of<K: Copy + Ord>(mut pairs: Vec<(K, bool)>) -> Self {
        let mut ranking = Self::default();
        ranking.rank(&mut pairs);
        ranking
    }

    /// Ranks anew in the memory of this ranking; `pairs` comes out sorted.
    pub(super) fn rank<K: Copy + Ord>(&mut self, pairs: &mut [(K, bool)]) {
        pairs.sort_unstable_by_key(|pair| std::cmp::Reverse(pair.0));
        self.ties.clear();
        let mut last = None;
        for &(key, label) in pairs.iter() {
            if last != Some(key) {
                self.ties.push(Tie::default());
                last = Some(key);
            }
            if let Some(tie) = self.ties.last_mut() {
                tie.positives += u64::from(label);
                tie.negatives += u64::from(!label);
            }
        }
    }

    pub(super) fn roc_auc(&self) -> Option<f64> {
        roc_auc_of(self.ties.iter().copied())
    }

    pub(super) fn average_precision(&self) -> Option<f64> {
        average_precision_of(self.ties.iter().copied())
    }
}

/// ROC-AUC of ties in falling order of score.
pub(super) fn roc_auc_of(ties: impl Iterator<Item = Tie>) -> Option<f64> {
    let (mut positives, mut negatives) = (0u128, 0u128);
    // Twice the number of pairs in the right order, so that half a pair is a whole number.
    let mut twice_right = 0u128;
    for tie in ties {
        let (p, n) = (u128::from(tie.positives), u128::from(tie.negatives));
        twice_right += n * (2 * positives + p);
        positives += p;
        negatives += n;
    }
    let twice_pairs = 2 * positives * negatives;
    (twice_pairs > 0).then(|| twice_right as f64 / twice_pairs as f64)
}

/// Average precision of ties in falling order of score.
pub(super) fn average_precision_of(ties: impl Iterator<Item = Tie>) -> Option<f64> {
    let (mut positives, mut clips, mut sum) = (0u64, 0u64, 0f64);
    for tie in ties {
        positives += tie.positives;
        clips += tie.positives + tie.negatives;
        if tie.positives > 0 {
            sum += tie.positives as f64 * (positives as f64 / clips as f64);
        }
    }
    (positives > 0).then(|| sum / positives as f64)
}

/// An integer that orders as the number does; the two zeros are equal. `None` for what is not a number.
pub(super) fn order_f64(value: f64) -> Option<u64> {
    if value.is_nan() {
        return None;
    }
    // Adding zero turns -0.0 into 0.0.
    let bits = (value + 0.0).to_bits();
    Some(if bits >> 63 == 0 {
        bits | 1 << 63
    } else {
        !bits
    })
}

/// As [`order_f64`], in half the memory.
pub(super) fn order_f32(value: f32) -> Option<u32> {
    if value.is_nan() {
        return None;
    }
    let bits = (value + 0.0).to_bits();
    Some(if bits >> 31 == 0 {
        bits | 1 << 31
    } else {
        !bits
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_perfect_ranking_scores_one_and_a_reversed_one_zero() {
        let labels = [true, true, false, false];
        assert_eq!(roc_auc(&[0.9, 0.8, 0.2, 0.1], &labels), Some(1.0));
        assert_eq!(average_precision(&[0.9, 0.8, 0.2, 0.1], &labels), Some(1.0));
        assert_eq!(roc_auc(&[0.1, 0.2, 0.8, 0.9], &labels), Some(0.0));
    }

    #[test]
    fn equal_scores_say_nothing() {
        let labels = [true, false, false, false];
        assert_eq!(roc_auc(&[0.5; 4], &labels), Some(0.5));
        assert_eq!(average_precision(&[0.5; 4], &labels), Some(0.25));
        // The two zeros are one score.
        assert_eq!(roc_auc(&[0.0, -0.0], &[true, false]), Some(0.5));
    }

    #[test]
    fn what_is_not_defined_has_no_score() {
        assert_eq!(roc_auc(&[0.1, 0.2], &[false, false]), None);
        assert_eq!(average_precision(&[0.1, 0.2], &[false, false]), None);
        assert_eq!(roc_auc(&[0.1, 0.2], &[true, true]), None);
        assert_eq!(average_precision(&[0.1, 0.2], &[true, true]), Some(1.0));
        assert_eq!(roc_auc(&[], &[]), None);
        assert_eq!(roc_auc(&[f64::NAN, 0.2], &[true, false]), None);
    }

    #[test]
    fn scores_without_bounds_are_ranked_too() {
        let scores = [f64::INFINITY, 1e300, -1e-300, f64::NEG_INFINITY];
        assert_eq!(roc_auc(&scores, &[true, true, false, false]), Some(1.0));
        for pair in [-1.0f32, -1e-40, 0.0, 1e-40, 1.0].windows(2) {
            assert!(order_f32(pair[0]) < order_f32(pair[1]), "{pair:?}");
        }
    }
}
