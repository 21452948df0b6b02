//! How far the macro scores would move with other clips of the same kind: percentile bootstrap over the clips.
//!
//! Each tag is ranked once; a resample only says how often each clip counts, so that it costs one pass over the
//! ranking and no sort.

use super::rank::{Tie, average_precision_of, order_f32, roc_auc_of};
use super::scores::{check_shape, mean_defined};
use crate::rng::{Address, Purpose};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// A range that holds the value with the confidence that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// Confidence intervals of the macro scores.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Intervals {
    /// Of the macro ROC-AUC; `None` if no resample had one.
    pub roc_auc_macro: Option<Interval>,
    /// Of the macro average precision; `None` if no resample had one.
    pub average_precision_macro: Option<Interval>,
}

/// Draws `n_resamples` sets of clips with replacement and gives the central `confidence` (such as 0.95) of the
/// macro scores. `scores` and `labels` are row-major `[clips, n_tags]`.
///
/// A tag that a resample leaves undefined does not count in that resample. Repeats exactly for the same `seed`,
/// whatever the number of threads. Panics if the shapes do not fit.
pub fn bootstrap(
    scores: &[f32],
    labels: &[bool],
    n_tags: usize,
    n_resamples: usize,
    confidence: f64,
    seed: u64,
) -> Intervals {
    check_shape(scores.len(), labels.len(), n_tags);
    let n_clips = scores.len().checked_div(n_tags).unwrap_or(0);
    let ranked: Vec<Vec<Ranked>> = (0..n_tags)
        .into_par_iter()
        .filter_map(|tag_idx| rank(scores, labels, n_tags, tag_idx))
        .collect();
    let (roc_auc, average_precision): (Vec<_>, Vec<_>) = (0..n_resamples)
        .into_par_iter()
        .map(|resample| {
            let counts = draw_clips(n_clips, seed, resample);
            let ties = |clips| ties(clips, &counts);
            let roc_auc: Vec<_> = ranked.iter().map(|tag| roc_auc_of(ties(tag))).collect();
            let precision: Vec<_> = ranked
                .iter()
                .map(|tag| average_precision_of(ties(tag)))
                .collect();
            (
                mean_defined(roc_auc.iter().copied()),
                mean_defined(precision.iter().copied()),
            )
        })
        .unzip();
    Intervals {
        roc_auc_macro: interval(roc_auc, confidence),
        average_precision_macro: interval(average_precision, confidence),
    }
}

/// The central `confidence` of the means of `n_resamples` resamples of `values`. `None` without values.
pub fn bootstrap_of_mean(
    values: &[f64],
    n_resamples: usize,
    confidence: f64,
    seed: u64,
) -> Option<Interval> {
    if values.is_empty() {
        return None;
    }
    let means = (0..n_resamples).map(|resample| {
        let counts = draw_clips(values.len(), seed, resample);
        let sum: f64 = values
            .iter()
            .zip(counts)
            .map(|(value, n)| value * f64::from(n))
            .sum();
        Some(sum / values.len() as f64)
    });
    interval(means.collect(), confidence)
}

/// How often each clip comes in a resample.
pub(super) fn draw_clips(n_clips: usize, seed: u64, resample: usize) -> Vec<u32> {
    let mut counts = vec![0u32; n_clips];
    let mut draws = Address::new(seed, Purpose::Bootstrap, resample as u64).stream();
    for _ in 0..n_clips {
        counts[draws.index(n_clips)] += 1;
    }
    counts
}

/// A clip in a tag's ranking.
#[derive(Clone, Copy)]
pub(super) struct Ranked {
    key: u32,
    clip_idx: u32,
    label: bool,
}

pub(super) fn rank(
    scores: &[f32],
    labels: &[bool],
    n_tags: usize,
    tag_idx: usize,
) -> Option<Vec<Ranked>> {
    let column = (tag_idx..scores.len()).step_by(n_tags);
    let mut clips = column
        .enumerate()
        .map(|(clip_idx, at)| {
            Some(Ranked {
                key: order_f32(scores[at])?,
                clip_idx: clip_idx as u32,
                label: labels[at],
            })
        })
        .collect::<Option<Vec<_>>>()?;
    clips.sort_unstable_by_key(|clip| std::cmp::Reverse(clip.key));
    Some(clips)
}

pub(super) fn ties<'a>(clips: &'a [Ranked], counts: &'a [u32]) -> impl Iterator<Item = Tie> + 'a {
    clips
        .chunk_by(|a, b| a.key == b.key)
        .map(|equal| {
            equal.iter().fold(Tie::default(), |mut tie, clip| {
                let count = u64::from(counts[clip.clip_idx as usize]);
                if clip.label {
                    tie.positives += count;
                } else {
                    tie.negatives += count;
                }
                tie
            })
        })
        // A tie that the resample left empty.
        .filter(|tie| tie.positives + tie.negatives > 0)
}

/// The central part of the values, by linear interpolation between neighbours.
pub(super) fn interval(values: Vec<Option<f64>>, confidence: f64) -> Option<Interval> {
    let mut values: Vec<f64> = values.into_iter().flatten().collect();
    values.sort_unstable_by(f64::total_cmp);
    let last = values.len().checked_sub(1)?;
    let quantile = |q: f64| {
        let at = q.clamp(0.0, 1.0) * last as f64;
        let below = at.floor() as usize;
        let above = (below + 1).min(last);
        values[below] + (values[above] - values[below]) * (at - below as f64)
    };
    let tail = (1.0 - confidence) / 2.0;
    Some(Interval {
        low: quantile(tail),
        high: quantile(1.0 - tail),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::score;

    /// Scores that rise with the label but overlap: 300 clips, 4 tags.
    fn example() -> (Vec<f32>, Vec<bool>) {
        let mut draws = Address::new(3, Purpose::Check, 0).stream();
        let labels: Vec<bool> = (0..1200).map(|_| draws.chance(0.3)).collect();
        let scores = labels
            .iter()
            .map(|&label| draws.normal() + if label { 1.0 } else { 0.0 })
            .collect();
        (scores, labels)
    }

    #[test]
    fn the_interval_holds_the_score_and_narrows_with_less_confidence() {
        let (scores, labels) = example();
        let point = score(&scores, &labels, 4);
        let wide = bootstrap(&scores, &labels, 4, 400, 0.95, 1);
        let narrow = bootstrap(&scores, &labels, 4, 400, 0.5, 1);
        for (point, wide, narrow) in [
            (
                point.roc_auc_macro,
                wide.roc_auc_macro,
                narrow.roc_auc_macro,
            ),
            (
                point.average_precision_macro,
                wide.average_precision_macro,
                narrow.average_precision_macro,
            ),
        ] {
            let (point, wide, narrow) = (point.unwrap(), wide.unwrap(), narrow.unwrap());
            assert!(wide.low < point && point < wide.high, "{point} in {wide:?}");
            assert!(wide.low < narrow.low && narrow.high < wide.high);
            assert!(wide.high - wide.low < 0.15, "{wide:?}");
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_interval() {
        let (scores, labels) = example();
        let run = |seed| bootstrap(&scores, &labels, 4, 50, 0.95, seed);
        assert_eq!(run(1), run(1));
        assert_ne!(run(1), run(2));
    }

    #[test]
    fn every_clip_counted_once_gives_the_plain_scores() {
        let (scores, labels) = example();
        let clips = rank(&scores, &labels, 4, 2).unwrap();
        let counts = vec![1; 300];
        let plain = score(&scores, &labels, 4);
        assert_eq!(roc_auc_of(ties(&clips, &counts)), plain.roc_auc_per_tag[2]);
        assert_eq!(
            average_precision_of(ties(&clips, &counts)),
            plain.average_precision_per_tag[2]
        );
    }

    #[test]
    fn nothing_to_score_has_no_interval() {
        let none = bootstrap(&[], &[], 4, 10, 0.95, 1);
        assert_eq!(none.roc_auc_macro, None);
        let negatives = bootstrap(&[0.1, 0.2], &[false, false], 1, 10, 0.95, 1);
        assert_eq!(negatives.average_precision_macro, None);
    }
}
