//! From a ranking to a decision: the threshold that gives the best F1, found on the validation split.

use super::rank::order_f32;

/// The best F1 that any threshold gives one tag, and what it costs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BestF1 {
    /// A clip has the tag if its score is at least this; always one of the scores.
    pub threshold: f32,
    /// Harmonic mean of precision and recall, in 0..=1.
    pub f1: f64,
    /// Share of the clips above the threshold that have the tag.
    pub precision: f64,
    /// Share of the clips with the tag that are above the threshold.
    pub recall: f64,
}

/// Tries every score as a threshold; of equally good ones the highest is taken.
///
/// `None` without a positive or if a score is not a number. Panics if the lengths differ.
pub fn best_f1(scores: &[f32], labels: &[bool]) -> Option<BestF1> {
    assert_eq!(scores.len(), labels.len(), "a label for each score");
    let pairs = scores.iter().zip(labels);
    let mut ranked = pairs
        .map(|(&score, &label)| Some((order_f32(score)?, score, label)))
        .collect::<Option<Vec<_>>>()?;
    ranked.sort_unstable_by_key(|clip| std::cmp::Reverse(clip.0));
    let n_positives = labels.iter().filter(|&&label| label).count();
    let mut best: Option<BestF1> = None;
    let mut hits = 0usize;
    for (at, &(key, threshold, label)) in ranked.iter().enumerate() {
        hits += usize::from(label);
        if ranked.get(at + 1).is_some_and(|next| next.0 == key) || hits == 0 {
            continue;
        }
        let candidate = BestF1 {
            threshold,
            f1: 2.0 * hits as f64 / (at + 1 + n_positives) as f64,
            precision: hits as f64 / (at + 1) as f64,
            recall: hits as f64 / n_positives as f64,
        };
        if best.is_none_or(|best| candidate.f1 > best.f1) {
            best = Some(candidate);
        }
    }
    best
}

/// The threshold of [`best_f1`]: a clip has the tag if its score is at least this.
pub fn best_f1_threshold(scores: &[f32], labels: &[bool]) -> Option<f32> {
    best_f1(scores, labels).map(|best| best.threshold)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_threshold_separates_what_can_be_separated() {
        let best = best_f1(&[0.9, 0.2, 0.7, 0.1], &[true, false, true, false]);
        assert_eq!(
            best,
            Some(BestF1 {
                threshold: 0.7,
                f1: 1.0,
                precision: 1.0,
                recall: 1.0
            })
        );
    }

    #[test]
    fn equal_scores_are_taken_together() {
        // At 0.5 both the positive and the two negatives pass: precision 1/3.
        let best = best_f1(&[0.5, 0.5, 0.5, 0.1], &[true, false, false, false]).unwrap();
        assert_eq!((best.threshold, best.f1), (0.5, 0.5));
    }

    #[test]
    fn without_a_positive_there_is_no_threshold() {
        assert_eq!(best_f1_threshold(&[0.5, 0.1], &[false, false]), None);
        assert_eq!(best_f1_threshold(&[f32::NAN, 0.1], &[true, false]), None);
    }
}
