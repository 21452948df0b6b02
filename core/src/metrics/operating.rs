//! What follows from a threshold. One tag's clips are ranked once; counts at any threshold, points of the ROC and precision–recall curves and the
//! clips behind a point are then read off.
//!
//! A clip is said to have the tag if its score is at least the threshold, as everywhere else here.

use super::rank::{Tie, average_precision_of, order_f32, roc_auc_of};
use super::{Counts, CurveKind, Outcome};

/// A point of a curve.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CurvePoint {
    /// False positive rate, or recall; in 0..=1.
    pub x: f64,
    /// True positive rate, or precision; in 0..=1.
    pub y: f64,
    /// The threshold that leads there; infinite where no clip is taken.
    pub threshold: f64,
}

/// One tag's clips, ranked, with every threshold that makes a difference.
#[derive(Clone, Debug, PartialEq)]
pub struct OperatingPoints {
    /// Clips by falling score.
    order: Vec<u32>,
    /// Whether they have the tag, in that order.
    labels: Vec<bool>,
    /// The distinct scores, falling.
    thresholds: Vec<f32>,
    /// How many clips score at least so much.
    taken: Vec<u32>,
    /// How many of these have the tag.
    hits: Vec<u32>,
}

impl OperatingPoints {
    /// Ranks the clips of one tag. `None` if a score is not a number. Panics if the lengths differ.
    pub fn of(scores: &[f32], labels: &[bool]) -> Option<Self> {
        assert_eq!(scores.len(), labels.len(), "a label for each score");
        let mut ranked = scores
            .iter()
            .enumerate()
            .map(|(clip, &score)| Some((order_f32(score)?, clip as u32)))
            .collect::<Option<Vec<_>>>()?;
        ranked.sort_unstable_by_key(|&(key, clip)| (std::cmp::Reverse(key), clip));
        let mut points = Self {
            order: ranked.iter().map(|(_, clip)| *clip).collect(),
            labels: ranked
                .iter()
                .map(|(_, clip)| labels[*clip as usize])
                .collect(),
            thresholds: Vec::new(),
            taken: Vec::new(),
            hits: Vec::new(),
        };
        let (mut taken, mut hits) = (0u32, 0u32);
        for tie in ranked.chunk_by(|one, other| one.0 == other.0) {
            let positives = tie.iter().filter(|(_, clip)| labels[*clip as usize]);
            taken += tie.len() as u32;
            hits += positives.count() as u32;
            points.thresholds.push(scores[tie[0].1 as usize]);
            points.taken.push(taken);
            points.hits.push(hits);
        }
        Some(points)
    }

    /// How many clips were ranked.
    pub fn n_clips(&self) -> u64 {
        self.order.len() as u64
    }

    /// How many of them have the tag.
    pub fn n_positives(&self) -> u64 {
        self.hits.last().map_or(0, |&hits| u64::from(hits))
    }

    /// The distinct scores, falling: between two of them nothing changes.
    pub fn thresholds(&self) -> &[f32] {
        &self.thresholds
    }

    /// What a threshold makes of the clips.
    pub fn counts(&self, threshold: f64) -> Counts {
        self.counts_after(self.n_above(threshold))
    }

    /// The clips (their places among those that were ranked) with an outcome at a threshold: mistakes from the worst on, the others from
    /// the surest on.
    pub fn clips(&self, outcome: Outcome, threshold: f64) -> Vec<u32> {
        let n_above = self.n_above(threshold);
        let n_taken = n_above.checked_sub(1).map_or(0, |at| self.taken[at]) as usize;
        let has_tag = matches!(outcome, Outcome::FalseNegative | Outcome::TruePositive);
        let is_wanted = |&place: &usize| self.labels[place] == has_tag;
        let clip = |place: usize| self.order[place];
        match outcome {
            Outcome::FalsePositive | Outcome::TruePositive => {
                (0..n_taken).filter(is_wanted).map(clip).collect()
            }
            Outcome::FalseNegative | Outcome::TrueNegative => {
                let below = (n_taken..self.order.len()).rev();
                below.filter(is_wanted).map(clip).collect()
            }
        }
    }

    /// A curve from where no clip is taken to where all are, `x` rising; empty where it is not defined (no positive; for ROC no negative
    /// either).
    ///
    /// With `n_columns` at most two points in each of so many equal parts of `x` are given, the lowest and the highest, besides both ends: as
    /// much as can be seen.
    pub fn curve(&self, kind: CurveKind, n_columns: Option<usize>) -> Vec<CurvePoint> {
        let n_negatives = self.n_clips() - self.n_positives();
        if self.n_positives() == 0 || (kind == CurveKind::Roc && n_negatives == 0) {
            return Vec::new();
        }
        let points = (0..=self.thresholds.len()).map(|n_above| {
            let counts = self.counts_after(n_above);
            let before = n_above.checked_sub(1);
            let threshold = before.map_or(f64::INFINITY, |at| f64::from(self.thresholds[at]));
            let (x, y) = counts.on_curve(kind).unwrap_or_default();
            CurvePoint { x, y, threshold }
        });
        match n_columns {
            None => points.collect(),
            Some(n_columns) => thinned(points, n_columns.max(1)),
        }
    }

    /// The threshold with the best F1 and what it makes of the clips; of equally good ones the highest. `None` without a positive.
    pub fn best_f1(&self) -> Option<(f64, Counts)> {
        let mut best: Option<(f64, f64, Counts)> = None;
        for (at, &threshold) in self.thresholds.iter().enumerate() {
            let counts = self.counts_after(at + 1);
            let f1 = counts.f1()?;
            if counts.true_positives > 0 && best.is_none_or(|(best, ..)| f1 > best) {
                best = Some((f1, f64::from(threshold), counts));
            }
        }
        best.map(|(_, threshold, counts)| (threshold, counts))
    }

    /// Area under the ROC curve; `None` where it is not defined.
    pub fn roc_auc(&self) -> Option<f64> {
        roc_auc_of(self.ties())
    }

    /// Average precision; `None` without a positive.
    pub fn average_precision(&self) -> Option<f64> {
        average_precision_of(self.ties())
    }

    /// The area that belongs to a curve: ROC-AUC or average precision.
    pub fn area(&self, kind: CurveKind) -> Option<f64> {
        match kind {
            CurveKind::Roc => self.roc_auc(),
            CurveKind::PrecisionRecall => self.average_precision(),
        }
    }

    /// How many of the distinct scores are at least the threshold.
    fn n_above(&self, threshold: f64) -> usize {
        self.thresholds
            .partition_point(|&score| f64::from(score) >= threshold)
    }

    fn counts_after(&self, n_above: usize) -> Counts {
        let before = n_above.checked_sub(1);
        let (taken, hits) = before.map_or((0, 0), |at| {
            (u64::from(self.taken[at]), u64::from(self.hits[at]))
        });
        let n_negatives = self.n_clips() - self.n_positives();
        Counts {
            true_positives: hits,
            false_positives: taken - hits,
            false_negatives: self.n_positives() - hits,
            true_negatives: n_negatives - (taken - hits),
        }
    }

    fn ties(&self) -> impl Iterator<Item = Tie> + '_ {
        let before = |list: &[u32], at: usize| at.checked_sub(1).map_or(0, |at| list[at]);
        (0..self.taken.len()).map(move |at| {
            let n = u64::from(self.taken[at] - before(&self.taken, at));
            let positives = u64::from(self.hits[at] - before(&self.hits, at));
            Tie {
                positives,
                negatives: n - positives,
            }
        })
    }
}

/// The threshold for all tags together with the best mean F1, and that mean; of equally good ones the highest.
///
/// The mean is over the tags with a positive; `None` if no tag has one. Every score of every tag is tried, in one pass over all of them.
pub fn best_shared_threshold(tags: &[&OperatingPoints]) -> Option<(f64, f64)> {
    let defined: Vec<_> = tags.iter().filter(|tag| tag.n_positives() > 0).collect();
    let mut steps: Vec<(u32, usize, usize)> = Vec::new();
    for (tag, points) in defined.iter().enumerate() {
        let keys = points
            .thresholds
            .iter()
            .map(|&score| order_f32(score).unwrap_or(0));
        steps.extend(keys.enumerate().map(|(at, key)| (key, tag, at)));
    }
    steps.sort_unstable_by_key(|&(key, ..)| std::cmp::Reverse(key));
    let mut f1_of = vec![0.0; defined.len()];
    let (mut sum, mut best) = (0.0, None::<(f64, f64)>);
    for equal in steps.chunk_by(|one, other| one.0 == other.0) {
        for &(_, tag, at) in equal {
            let f1 = defined[tag].counts_after(at + 1).f1().unwrap_or(0.0);
            sum += f1 - f1_of[tag];
            f1_of[tag] = f1;
        }
        let mean = sum / defined.len() as f64;
        // Sums differ in their last bits by the order in which tags come.
        if best.is_none_or(|(_, best)| mean > best + 1e-12) {
            let (_, tag, at) = equal[0];
            best = Some((f64::from(defined[tag].thresholds[at]), mean));
        }
    }
    best
}

fn thinned(points: impl Iterator<Item = CurvePoint>, n_columns: usize) -> Vec<CurvePoint> {
    let column = |point: &CurvePoint| ((point.x * n_columns as f64) as usize).min(n_columns - 1);
    let mut kept: Vec<CurvePoint> = Vec::new();
    let (mut low, mut high): (Option<CurvePoint>, Option<CurvePoint>) = (None, None);
    let mut last = None;
    let mut close = |low: &mut Option<CurvePoint>, high: &mut Option<CurvePoint>| {
        let mut pair = [low.take(), high.take()];
        // By falling threshold, as the curve runs.
        pair.sort_by(|one, other| {
            let threshold = |point: &Option<CurvePoint>| point.map_or(0.0, |point| point.threshold);
            threshold(other).total_cmp(&threshold(one))
        });
        for point in pair.into_iter().flatten() {
            if kept.last() != Some(&point) {
                kept.push(point);
            }
        }
    };
    for (n, point) in points.enumerate() {
        // The first point stands for itself: no threshold that occurs leads there.
        let is_new = last.is_none_or(|last| column(&last) != column(&point));
        if n <= 1 || is_new {
            close(&mut low, &mut high);
        }
        if low.is_none_or(|low| point.y < low.y) {
            low = Some(point);
        }
        // Of equal heights the last: so that the column is spanned.
        if high.is_none_or(|high| point.y >= high.y) {
            high = Some(point);
        }
        last = Some(point);
    }
    close(&mut low, &mut high);
    if let Some(last) = last
        && kept.last() != Some(&last)
    {
        kept.push(last);
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{
        average_precision, best_f1, precision_recall_curve, roc_auc, roc_curve, score,
    };
    use proptest::prelude::*;

    /// Clips whose scores repeat, so that there are ties.
    fn clips() -> impl Strategy<Value = Vec<(f32, bool)>> {
        proptest::collection::vec((0u8..12, any::<bool>()), 1..60).prop_map(|clips| {
            let clip = |(score, label)| (f32::from(score) / 11.0, label);
            clips.into_iter().map(clip).collect()
        })
    }

    proptest! {
        #[test]
        fn counts_at_a_threshold_of_a_curve_give_back_its_point(clips in clips()) {
            let (scores, labels): (Vec<f32>, Vec<bool>) = clips.into_iter().unzip();
            let doubles: Vec<f64> = scores.iter().map(|&score| f64::from(score)).collect();
            let points = OperatingPoints::of(&scores, &labels).unwrap();
            prop_assert_eq!(points.roc_auc(), roc_auc(&doubles, &labels));
            prop_assert_eq!(points.average_precision(), average_precision(&doubles, &labels));
            if let Some(curve) = roc_curve(&doubles, &labels) {
                let own = points.curve(CurveKind::Roc, None);
                prop_assert_eq!(own.len(), curve.thresholds.len());
                for (at, &threshold) in curve.thresholds.iter().enumerate() {
                    let counts = points.counts(threshold);
                    prop_assert_eq!(counts.n_clips(), scores.len() as u64);
                    prop_assert_eq!(counts.false_positive_rate(), Some(curve.false_positive_rate[at]));
                    prop_assert_eq!(counts.recall(), Some(curve.true_positive_rate[at]));
                    prop_assert_eq!(own[at].x, curve.false_positive_rate[at]);
                    prop_assert_eq!(own[at].y, curve.true_positive_rate[at]);
                }
            }
            if let Some(curve) = precision_recall_curve(&doubles, &labels) {
                for (at, &threshold) in curve.thresholds.iter().enumerate() {
                    let counts = points.counts(threshold);
                    prop_assert_eq!(counts.precision(), Some(curve.precision[at]));
                    prop_assert_eq!(counts.recall(), Some(curve.recall[at]));
                }
                let own = points.curve(CurveKind::PrecisionRecall, None);
                prop_assert_eq!(own.len(), curve.precision.len());
            }
            let best = best_f1(&scores, &labels);
            prop_assert_eq!(points.best_f1().map(|(threshold, _)| threshold), best.map(|best| f64::from(best.threshold)));
            prop_assert_eq!(points.best_f1().and_then(|(_, counts)| counts.f1()), best.map(|best| best.f1));
        }

        #[test]
        fn the_clips_behind_a_point_are_those_that_are_counted(clips in clips(), threshold in -0.1f64..1.1) {
            let (scores, labels): (Vec<f32>, Vec<bool>) = clips.into_iter().unzip();
            let points = OperatingPoints::of(&scores, &labels).unwrap();
            let counts = points.counts(threshold);
            prop_assert_eq!(counts.n_clips(), scores.len() as u64);
            let mut seen = Vec::new();
            for outcome in Outcome::ALL {
                let clips = points.clips(outcome, threshold);
                prop_assert_eq!(clips.len() as u64, counts.of(outcome));
                for &clip in &clips {
                    let (is_taken, has_tag) = (f64::from(scores[clip as usize]) >= threshold, labels[clip as usize]);
                    let is = match (is_taken, has_tag) {
                        (true, true) => Outcome::TruePositive,
                        (true, false) => Outcome::FalsePositive,
                        (false, true) => Outcome::FalseNegative,
                        (false, false) => Outcome::TrueNegative,
                    };
                    prop_assert_eq!(is, outcome);
                }
                // A false positive is the worse the higher it scores, a false negative the lower.
                let falls = matches!(outcome, Outcome::FalsePositive | Outcome::TruePositive);
                for pair in clips.windows(2) {
                    let [one, other] = [pair[0], pair[1]].map(|clip| scores[clip as usize]);
                    let is_sorted = if falls { one >= other } else { one <= other };
                    prop_assert!(is_sorted);
                }
                seen.extend(clips);
            }
            seen.sort_unstable();
            prop_assert_eq!(seen, (0..scores.len() as u32).collect::<Vec<_>>());
        }

        #[test]
        fn a_thinned_curve_keeps_its_ends_and_extremes(clips in clips(), n_columns in 1usize..9) {
            let (scores, labels): (Vec<f32>, Vec<bool>) = clips.into_iter().unzip();
            let points = OperatingPoints::of(&scores, &labels).unwrap();
            for kind in [CurveKind::Roc, CurveKind::PrecisionRecall] {
                let whole = points.curve(kind, None);
                let thin = points.curve(kind, Some(n_columns));
                prop_assert!(thin.len() <= 2 * n_columns + 2);
                prop_assert_eq!(thin.first(), whole.first());
                prop_assert_eq!(thin.last(), whole.last());
                prop_assert!(thin.iter().all(|point| whole.contains(point)));
                prop_assert!(thin.windows(2).all(|pair| pair[0].threshold > pair[1].threshold));
                let top = |points: &[CurvePoint]| points.iter().map(|point| point.y).fold(0.0, f64::max);
                prop_assert_eq!(top(&thin), top(&whole));
            }
        }

        #[test]
        fn the_shared_threshold_is_the_best_of_all_scores(one in clips(), other in clips()) {
            let tags: Vec<OperatingPoints> = [one, other].into_iter().map(|clips| {
                let (scores, labels): (Vec<f32>, Vec<bool>) = clips.into_iter().unzip();
                OperatingPoints::of(&scores, &labels).unwrap()
            }).collect();
            let mean = |threshold: f64| crate::metrics::mean_defined(tags.iter().map(|tag| tag.counts(threshold).f1()));
            let all = tags.iter().flat_map(|tag| tag.thresholds()).map(|&score| mean(f64::from(score)));
            let most = all.flatten().reduce(f64::max);
            let found = best_shared_threshold(&tags.iter().collect::<Vec<_>>());
            match (found, most) {
                (None, None) => {}
                (Some((threshold, f1)), Some(most)) => {
                    prop_assert!((f1 - most).abs() < 1e-9);
                    prop_assert!((mean(threshold).unwrap() - most).abs() < 1e-9);
                }
                other => prop_assert!(false, "{other:?}"),
            }
        }
    }

    #[test]
    fn what_is_not_defined_is_not_made_up() {
        let none = OperatingPoints::of(&[0.2, 0.8], &[false, false]).unwrap();
        assert_eq!(none.best_f1(), None);
        assert_eq!(best_shared_threshold(&[&none]), None);
        assert!(none.curve(CurveKind::PrecisionRecall, None).is_empty());
        assert_eq!(none.counts(0.5).precision(), Some(0.0));
        assert_eq!(none.counts(0.9).precision(), None);
        assert_eq!(none.counts(0.5).f1(), None);
        let all = OperatingPoints::of(&[0.2, 0.8], &[true, true]).unwrap();
        assert!(all.curve(CurveKind::Roc, None).is_empty());
        assert_eq!(all.area(CurveKind::PrecisionRecall), Some(1.0));
        assert_eq!(OperatingPoints::of(&[f32::NAN], &[true]), None);
        assert_eq!(OperatingPoints::of(&[], &[]).unwrap().n_clips(), 0);
    }

    #[test]
    fn areas_are_those_of_the_tables() {
        let (scores, labels) = ([0.9, 0.4, 0.4, 0.1], [true, false, true, false]);
        let points = OperatingPoints::of(&scores, &labels).unwrap();
        let table = score(&scores, &labels, 1);
        assert_eq!(points.area(CurveKind::Roc), table.roc_auc_macro);
        assert_eq!(
            points.area(CurveKind::PrecisionRecall),
            table.average_precision_macro
        );
    }
}
