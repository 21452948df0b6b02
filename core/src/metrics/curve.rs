//! The curves behind the scores: ROC and precision–recall of one tag.

use super::rank::{Tie, order_f64};

/// False against true positives, from (0, 0) to (1, 1), one point per distinct score.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RocCurve {
    /// Share of the negatives at or above the threshold, rising.
    pub false_positive_rate: Vec<f64>,
    /// Share of the positives at or above the threshold, rising.
    pub true_positive_rate: Vec<f64>,
    /// Thresholds, falling; the first is infinite.
    pub thresholds: Vec<f64>,
}

/// Precision against recall, by rising threshold as in scikit-learn; the last point is (recall 0, precision 1).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PrecisionRecallCurve {
    /// Share of the clips at or above the threshold that have the tag.
    pub precision: Vec<f64>,
    /// Share of the clips with the tag that are at or above the threshold.
    pub recall: Vec<f64>,
    /// Thresholds, rising; one fewer than points.
    pub thresholds: Vec<f64>,
}

/// The ROC curve of one tag. `None` where [`roc_auc`](super::roc_auc) is.
pub fn roc_curve(scores: &[f64], labels: &[bool]) -> Option<RocCurve> {
    let (ties, thresholds) = ties(scores, labels)?;
    let (n_positives, n_negatives) = totals(&ties);
    if n_positives == 0 || n_negatives == 0 {
        return None;
    }
    let mut curve = RocCurve {
        false_positive_rate: vec![0.0],
        true_positive_rate: vec![0.0],
        thresholds: vec![f64::INFINITY],
    };
    let mut passed = Tie::default();
    for (tie, threshold) in ties.into_iter().zip(thresholds) {
        passed.positives += tie.positives;
        passed.negatives += tie.negatives;
        curve
            .false_positive_rate
            .push(passed.negatives as f64 / n_negatives as f64);
        curve
            .true_positive_rate
            .push(passed.positives as f64 / n_positives as f64);
        curve.thresholds.push(threshold);
    }
    Some(curve)
}

/// The precision–recall curve of one tag. `None` where [`average_precision`](super::average_precision) is.
pub fn precision_recall_curve(scores: &[f64], labels: &[bool]) -> Option<PrecisionRecallCurve> {
    let (ties, thresholds) = ties(scores, labels)?;
    let (n_positives, _) = totals(&ties);
    if n_positives == 0 {
        return None;
    }
    let mut curve = PrecisionRecallCurve {
        precision: vec![1.0],
        recall: vec![0.0],
        thresholds: Vec::new(),
    };
    let mut passed = Tie::default();
    for (tie, threshold) in ties.into_iter().zip(thresholds) {
        passed.positives += tie.positives;
        passed.negatives += tie.negatives;
        let clips = passed.positives + passed.negatives;
        curve.precision.push(passed.positives as f64 / clips as f64);
        curve
            .recall
            .push(passed.positives as f64 / n_positives as f64);
        curve.thresholds.push(threshold);
    }
    curve.precision.reverse();
    curve.recall.reverse();
    curve.thresholds.reverse();
    Some(curve)
}

/// Ties by falling score with their scores.
fn ties(scores: &[f64], labels: &[bool]) -> Option<(Vec<Tie>, Vec<f64>)> {
    assert_eq!(scores.len(), labels.len(), "a label for each score");
    let mut ranked = scores
        .iter()
        .zip(labels)
        .map(|(&score, &label)| Some((order_f64(score)?, score, label)))
        .collect::<Option<Vec<_>>>()?;
    ranked.sort_unstable_by_key(|clip| std::cmp::Reverse(clip.0));
    Some(
        ranked
            .chunk_by(|a, b| a.0 == b.0)
            .map(|equal| {
                let positives = equal.iter().filter(|clip| clip.2).count() as u64;
                let tie = Tie {
                    positives,
                    negatives: equal.len() as u64 - positives,
                };
                (tie, equal[0].1)
            })
            .unzip(),
    )
}

fn totals(ties: &[Tie]) -> (u64, u64) {
    ties.iter().fold((0, 0), |(positives, negatives), tie| {
        (positives + tie.positives, negatives + tie.negatives)
    })
}
