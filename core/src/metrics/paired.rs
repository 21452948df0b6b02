//! Whether one model is better than another on the same clips: paired bootstrap of the difference, tag by tag.
//!
//! Both models are scored on the same resamples, so that what makes a resample easy for both does not count (Efron, Tibshirani, *An
//! introduction to the bootstrap*, 1993, chapter 15).

use super::bootstrap::{Interval, draw_clips, interval, rank, ties};
use super::rank::{average_precision_of, roc_auc_of};
use super::scores::{check_shape, mean_defined};
use crate::job::{Cancelled, Job};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::sync::atomic::{AtomicU64, Ordering};

/// How much more the second model scores than the first.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// On the clips as they are; `None` if a score is undefined.
    pub value: Option<f64>,
    /// Where the difference lies with the confidence that was asked for.
    pub interval: Option<Interval>,
}

impl Difference {
    /// Whether the interval lies on one side of zero.
    pub fn is_significant(&self) -> bool {
        self.interval
            .is_some_and(|interval| interval.low > 0.0 || interval.high < 0.0)
    }
}

/// The differences of a pair of models.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PairedDifferences {
    /// Macro ROC-AUC.
    pub roc_auc_macro: Difference,
    /// Macro average precision.
    pub average_precision_macro: Difference,
    /// `[tags]`: ROC-AUC.
    pub roc_auc_per_tag: Vec<Difference>,
    /// `[tags]`: average precision.
    pub average_precision_per_tag: Vec<Difference>,
}

/// Resamples between two reports.
const REPORT_EVERY: u64 = 20;

/// ROC-AUC and average precision of all tags, then both means.
type Measured = (Vec<Option<f64>>, Vec<Option<f64>>);

/// Scores `second` less `first` on `n_resamples` sets of clips drawn with replacement. All three are row-major `[clips, n_tags]`.
///
/// Repeats exactly for the same `seed`, whatever the number of threads. Fails only if the caller stops it. Panics if the shapes do not
/// fit.
#[expect(clippy::too_many_arguments, reason = "all are of one call")]
pub fn paired_bootstrap(
    first: &[f32],
    second: &[f32],
    labels: &[bool],
    n_tags: usize,
    n_resamples: usize,
    confidence: f64,
    seed: u64,
    job: &Job,
) -> Result<PairedDifferences, Cancelled> {
    paired_bootstrap_of_means(
        &[first],
        &[second],
        labels,
        n_tags,
        n_resamples,
        confidence,
        seed,
        job,
    )
}

/// As [`paired_bootstrap`] for models that were trained several times: the difference of the mean scores over the predictions of each
/// side, which need not be equally many. All predictions are scored on the same resamples.
///
/// The interval says how far the difference would move with other clips, for the models as they were trained; how far it would
/// move with other seeds is not in it. A mean is `None` where a prediction has no score. Panics also if a side has no prediction.
#[expect(clippy::too_many_arguments, reason = "all are of one call")]
pub fn paired_bootstrap_of_means(
    first: &[&[f32]],
    second: &[&[f32]],
    labels: &[bool],
    n_tags: usize,
    n_resamples: usize,
    confidence: f64,
    seed: u64,
    job: &Job,
) -> Result<PairedDifferences, Cancelled> {
    assert!(
        !first.is_empty() && !second.is_empty(),
        "each side has a prediction"
    );
    let n_clips = labels.len().checked_div(n_tags).unwrap_or(0);
    let ranked = |scores: &&[f32]| -> Vec<_> {
        check_shape(scores.len(), labels.len(), n_tags);
        (0..n_tags)
            .into_par_iter()
            .map(|tag_idx| rank(scores, labels, n_tags, tag_idx))
            .collect()
    };
    let ranked = |side: &[&[f32]]| -> Vec<Vec<_>> { side.iter().map(ranked).collect() };
    let (first, second) = (ranked(first), ranked(second));
    let differences = |counts: &[u32]| -> Measured {
        let measure = |rankings: &Vec<Option<Vec<_>>>| -> Measured {
            let of_tag = |clips: &Option<Vec<_>>| match clips {
                Some(clips) => (
                    roc_auc_of(ties(clips, counts)),
                    average_precision_of(ties(clips, counts)),
                ),
                None => (None, None),
            };
            let (mut roc, mut precision): Measured = rankings.iter().map(of_tag).unzip();
            roc.push(mean_defined(roc.iter().copied()));
            precision.push(mean_defined(precision.iter().copied()));
            (roc, precision)
        };
        let measure = |side: &[Vec<Option<Vec<_>>>]| -> Measured {
            let (roc, precision): (Vec<_>, Vec<_>) = side.iter().map(measure).unzip();
            (means(&roc), means(&precision))
        };
        let (first, second) = (measure(&first), measure(&second));
        let less = |b: Vec<Option<f64>>, a: Vec<Option<f64>>| -> Vec<Option<f64>> {
            b.into_iter().zip(a).map(|(b, a)| Some(b? - a?)).collect()
        };
        (less(second.0, first.0), less(second.1, first.1))
    };
    let whole = differences(&vec![1; n_clips]);
    let n_done = AtomicU64::new(0);
    let resampled: Vec<Measured> = (0..n_resamples)
        .into_par_iter()
        .map(|resample| {
            job.check()?;
            let done = n_done.fetch_add(1, Ordering::Relaxed);
            if done.is_multiple_of(REPORT_EVERY) {
                job.report(done, n_resamples as u64, "computing the intervals");
            }
            Ok(differences(&draw_clips(n_clips, seed, resample)))
        })
        .collect::<Result<_, Cancelled>>()?;
    let of = |pick: fn(&Measured) -> &Vec<Option<f64>>, at: usize| Difference {
        value: pick(&whole)[at],
        interval: interval(
            resampled.iter().map(|one| pick(one)[at]).collect(),
            confidence,
        ),
    };
    let roc = |at| of(|measured| &measured.0, at);
    let precision = |at| of(|measured| &measured.1, at);
    Ok(PairedDifferences {
        roc_auc_macro: roc(n_tags),
        average_precision_macro: precision(n_tags),
        roc_auc_per_tag: (0..n_tags).map(roc).collect(),
        average_precision_per_tag: (0..n_tags).map(precision).collect(),
    })
}

/// Place by place the mean over several predictions; of one prediction, itself.
fn means(predictions: &[Vec<Option<f64>>]) -> Vec<Option<f64>> {
    let n = predictions.len() as f64;
    (0..predictions[0].len())
        .map(|at| {
            let values = predictions.iter().map(|prediction| prediction[at]);
            Some(values.sum::<Option<f64>>()? / n)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::Cancel;
    use crate::metrics::score;
    use crate::rng::{Address, Purpose};

    /// 300 clips, 3 tags; a score rises with its label by `gain`, noise is common to all models.
    fn example(gain: f32) -> (Vec<f32>, Vec<bool>) {
        let mut draws = Address::new(3, Purpose::Check, 0).stream();
        let labels: Vec<bool> = (0..900).map(|_| draws.chance(0.3)).collect();
        let scores = labels
            .iter()
            .map(|&label| draws.normal() + if label { gain } else { 0.0 })
            .collect();
        (scores, labels)
    }

    #[test]
    fn a_better_model_is_significantly_better_and_the_difference_is_that_of_the_scores() {
        let ((worse, labels), (better, _)) = (example(0.5), example(1.0));
        let found =
            paired_bootstrap(&worse, &better, &labels, 3, 300, 0.95, 1, &Job::quiet()).unwrap();
        let (a, b) = (score(&worse, &labels, 3), score(&better, &labels, 3));
        let expected = b.roc_auc_macro.unwrap() - a.roc_auc_macro.unwrap();
        assert!((found.roc_auc_macro.value.unwrap() - expected).abs() < 1e-12);
        for (tag, difference) in found.average_precision_per_tag.iter().enumerate() {
            let (a, b) = (
                a.average_precision_per_tag[tag].unwrap(),
                b.average_precision_per_tag[tag].unwrap(),
            );
            assert!((difference.value.unwrap() - (b - a)).abs() < 1e-12);
        }
        assert!(found.roc_auc_macro.is_significant());
        assert!(found.average_precision_macro.interval.unwrap().low > 0.0);
        // Pairing narrows: the difference is known better than either score.
        let wide = crate::metrics::bootstrap(&worse, &labels, 3, 300, 0.95, 1);
        let width = |interval: Interval| interval.high - interval.low;
        assert!(width(found.roc_auc_macro.interval.unwrap()) < width(wide.roc_auc_macro.unwrap()));
    }

    #[test]
    fn several_predictions_count_by_their_mean_and_one_as_itself() {
        let ((worse, labels), (better, _), (best, _)) = (example(0.5), example(1.0), example(1.5));
        let compare = |first: &[&[f32]], second: &[&[f32]]| {
            let job = Job::quiet();
            paired_bootstrap_of_means(first, second, &labels, 3, 100, 0.95, 1, &job).unwrap()
        };
        let single =
            paired_bootstrap(&worse, &better, &labels, 3, 100, 0.95, 1, &Job::quiet()).unwrap();
        assert_eq!(compare(&[&worse], &[&better]), single);
        let twice = compare(&[&worse, &worse], &[&better, &better]);
        let low = |found: &PairedDifferences| found.roc_auc_macro.interval.unwrap().low;
        assert!((low(&twice) - low(&single)).abs() < 1e-12);

        let roc_auc = |scores: &[f32]| score(scores, &labels, 3).roc_auc_macro.unwrap();
        let expected = (roc_auc(&better) + roc_auc(&best)) / 2.0 - roc_auc(&worse);
        let uneven = compare(&[&worse], &[&better, &best]);
        assert!((uneven.roc_auc_macro.value.unwrap() - expected).abs() < 1e-12);
    }

    #[test]
    fn it_can_be_stopped() {
        let (scores, labels) = example(1.0);
        let cancel = Cancel::new();
        cancel.cancel();
        let job = Job::new(cancel, |_| ());
        assert!(paired_bootstrap(&scores, &scores, &labels, 3, 20, 0.95, 1, &job).is_err());
    }

    #[test]
    fn a_model_differs_from_itself_by_nothing_and_undefined_tags_have_no_difference() {
        let (scores, mut labels) = example(1.0);
        for label in labels.iter_mut().step_by(3) {
            *label = false;
        }
        let found =
            paired_bootstrap(&scores, &scores, &labels, 3, 50, 0.95, 1, &Job::quiet()).unwrap();
        assert_eq!(found.average_precision_per_tag[0].value, None);
        assert_eq!(found.average_precision_per_tag[1].value, Some(0.0));
        assert!(!found.roc_auc_macro.is_significant());
        assert_eq!(
            found,
            paired_bootstrap(&scores, &scores, &labels, 3, 50, 0.95, 1, &Job::quiet()).unwrap()
        );
    }
}
