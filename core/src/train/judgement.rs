//! What thresholds make of a run's predictions, tag by tag: a row a tag, for terminal, files and other programs.

use super::{Error, Predictions};
use crate::metrics::{
    Counts, CurveKind, CurvePoint, OperatingPoints, best_shared_threshold, mean_defined,
};
use crate::workspace::write_whole;
use serde::Serialize;
use std::io::{self, Write};
use std::path::Path;
use std::str::FromStr;

/// Curves in JSON have at most two points in each of so many parts of their width; tables have all points.
const COLUMNS: usize = 100;

/// Which threshold decides.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ThresholdChoice {
    /// This one, for all tags.
    At(f64),
    /// For each tag the one with its best F1.
    BestF1,
    /// For all tags the one with the best mean F1.
    BestMeanF1,
}

/// A word that is no threshold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "no threshold: `{0}` (a number from 0 to 1, best-f1 for that of each tag, best-mean-f1 for one for all tags)"
)]
pub struct UnknownThreshold(String);

impl FromStr for ThresholdChoice {
    type Err = UnknownThreshold;

    fn from_str(word: &str) -> Result<Self, UnknownThreshold> {
        match word {
            "best-f1" => Ok(Self::BestF1),
            "best-mean-f1" => Ok(Self::BestMeanF1),
            _ => word
                .parse()
                .ok()
                .filter(|threshold| (0.0..=1.0).contains(threshold))
                .map(Self::At)
                .ok_or_else(|| UnknownThreshold(word.to_owned())),
        }
    }
}

/// What a threshold makes of one tag.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TagJudgement {
    /// Name of the tag.
    pub tag: String,
    /// Tracks with it.
    pub n_positives: u64,
    /// `None` where it is not defined.
    pub roc_auc: Option<f64>,
    /// `None` without a positive.
    pub average_precision: Option<f64>,
    /// The threshold that decides; `None` for a tag without positives, if its best F1 was asked for.
    pub threshold: Option<f64>,
    /// What it makes of the tracks.
    #[serde(flatten)]
    pub counts: Option<Counts>,
    /// Share of what is taken that has the tag.
    pub precision: Option<f64>,
    /// Share of what has the tag that is taken.
    pub recall: Option<f64>,
    /// Harmonic mean of both.
    pub f1: Option<f64>,
    /// The threshold with the best F1.
    pub best_f1_threshold: Option<f64>,
    /// That F1.
    pub best_f1: Option<f64>,
}

/// The curves of one tag, thinned to what can be seen; a point is (x, y, threshold), the threshold null where nothing is taken.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TagCurves {
    /// Name of the tag.
    pub tag: String,
    /// False positive rate, true positive rate.
    pub roc: Vec<(f64, f64, Option<f64>)>,
    /// Recall, precision.
    pub precision_recall: Vec<(f64, f64, Option<f64>)>,
}

/// A run's predictions, ranked tag by tag.
#[derive(Debug)]
pub struct Ranked {
    /// What was ranked.
    pub predictions: Predictions,
    /// `[tags]`; `None` for a tag with a probability that is not a number.
    pub points: Vec<Option<OperatingPoints>>,
}

impl Ranked {
    /// Ranks them.
    pub fn of(predictions: Predictions) -> Self {
        let points = (0..predictions.tags.len()).map(|tag| predictions.operating_points(tag));
        Self {
            points: points.collect(),
            predictions,
        }
    }

    /// The points of a tag, if the run knows it.
    pub fn tag(&self, tag: &str) -> Option<&OperatingPoints> {
        self.points[self.predictions.tag_idx(tag)?].as_ref()
    }

    /// The threshold for all tags with the best mean F1, and that mean.
    pub fn best_shared_threshold(&self) -> Option<(f64, f64)> {
        best_shared_threshold(&self.points.iter().flatten().collect::<Vec<_>>())
    }

    /// What a choice of thresholds makes of each tag.
    pub fn judge(&self, choice: ThresholdChoice) -> Vec<TagJudgement> {
        let shared = match choice {
            ThresholdChoice::At(threshold) => Some(threshold),
            ThresholdChoice::BestF1 => None,
            ThresholdChoice::BestMeanF1 => {
                self.best_shared_threshold().map(|(threshold, _)| threshold)
            }
        };
        let judge = |(tag, points): (&String, &Option<OperatingPoints>)| {
            let points = points.as_ref();
            let best = points.and_then(OperatingPoints::best_f1);
            let threshold = match choice {
                ThresholdChoice::BestF1 => best.map(|(threshold, _)| threshold),
                _ => shared,
            };
            let counts = points
                .zip(threshold)
                .map(|(points, threshold)| points.counts(threshold));
            TagJudgement {
                tag: tag.clone(),
                n_positives: points.map_or(0, OperatingPoints::n_positives),
                roc_auc: points.and_then(OperatingPoints::roc_auc),
                average_precision: points.and_then(OperatingPoints::average_precision),
                threshold,
                precision: counts.and_then(|counts| counts.precision()),
                recall: counts.and_then(|counts| counts.recall()),
                f1: counts.and_then(|counts| counts.f1()),
                counts,
                best_f1_threshold: best.map(|(threshold, _)| threshold),
                best_f1: best.and_then(|(_, counts)| counts.f1()),
            }
        };
        self.predictions
            .tags
            .iter()
            .zip(&self.points)
            .map(judge)
            .collect()
    }

    /// Both curves of a tag, as far as they can be told apart on a screen. `None` if the run does not know it.
    pub fn curves(&self, tag: &str) -> Option<TagCurves> {
        let points = self.tag(tag)?;
        let of = |kind| {
            let threshold = |point: &CurvePoint| Some(point.threshold).filter(|at| at.is_finite());
            let points = points.curve(kind, Some(COLUMNS));
            points
                .iter()
                .map(|point| (point.x, point.y, threshold(point)))
                .collect()
        };
        Some(TagCurves {
            tag: tag.to_owned(),
            roc: of(CurveKind::Roc),
            precision_recall: of(CurveKind::PrecisionRecall),
        })
    }
}

/// Mean F1 over the tags where it is defined.
pub fn mean_f1(judged: &[TagJudgement]) -> Option<f64> {
    mean_defined(judged.iter().map(|tag| tag.f1))
}

/// Writes two tables into `folder`: `counts.csv` (a row for each run and tag, at the thresholds chosen) and `points.csv` (a row for each
/// threshold that makes a difference). Each is whole or not there. `tags`: these alone; all if empty.
pub fn write_judgements_csv(
    folder: &Path,
    runs: &[(String, Ranked)],
    tags: &[String],
    choice: ThresholdChoice,
) -> Result<[std::path::PathBuf; 2], Error> {
    let is_wanted = |tag: &String| tags.is_empty() || tags.contains(tag);
    let mut counts = csv::Writer::from_writer(Vec::new());
    let mut points = csv::Writer::from_writer(Vec::new());
    let mut write = || -> Result<(), csv::Error> {
        const RATES: [&str; 8] = [
            "threshold",
            "true_positives",
            "false_positives",
            "false_negatives",
            "true_negatives",
            "precision",
            "recall",
            "f1",
        ];
        let head = ["run", "tag", "positives", "roc_auc", "pr_auc"];
        let tail = ["best_f1_threshold", "best_f1"];
        counts.write_record(head.iter().chain(&RATES).chain(&tail))?;
        points.write_record(["run", "tag"].iter().chain(&RATES))?;
        let number = |value: Option<f64>| value.map_or(String::new(), |value| value.to_string());
        let rates = |threshold: Option<f64>, counts: Option<Counts>| {
            let n = |of: fn(&Counts) -> u64| {
                counts.map_or(String::new(), |counts| of(&counts).to_string())
            };
            [
                number(threshold),
                n(|counts| counts.true_positives),
                n(|counts| counts.false_positives),
                n(|counts| counts.false_negatives),
                n(|counts| counts.true_negatives),
                number(counts.and_then(|counts| counts.precision())),
                number(counts.and_then(|counts| counts.recall())),
                number(counts.and_then(|counts| counts.f1())),
            ]
        };
        for (run, ranked) in runs {
            for tag in ranked.judge(choice) {
                if !is_wanted(&tag.tag) {
                    continue;
                }
                let head = [
                    run.clone(),
                    tag.tag.clone(),
                    tag.n_positives.to_string(),
                    number(tag.roc_auc),
                    number(tag.average_precision),
                ];
                let tail = [number(tag.best_f1_threshold), number(tag.best_f1)];
                let rates_of = rates(tag.threshold, tag.counts);
                counts.write_record(head.iter().chain(&rates_of).chain(&tail))?;
            }
            for (tag, of_tag) in ranked.predictions.tags.iter().zip(&ranked.points) {
                let of_tag = of_tag.as_ref().filter(|_| is_wanted(tag));
                for threshold in of_tag.iter().flat_map(|of_tag| of_tag.thresholds()) {
                    let at = f64::from(*threshold);
                    let counts = of_tag.map(|of_tag| of_tag.counts(at));
                    let rates_of = rates(Some(at), counts);
                    points.write_record([run, tag].into_iter().chain(&rates_of))?;
                }
            }
        }
        Ok(())
    };
    let outcome = write().map_err(io::Error::other);
    let files = [("counts.csv", counts), ("points.csv", points)];
    let mut written = files.each_ref().map(|(name, _)| folder.join(name));
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| Error::Write { path, source }
    };
    outcome.map_err(failed(folder))?;
    for ((_, writer), path) in files.into_iter().zip(&mut written) {
        let bytes = writer
            .into_inner()
            .map_err(|error| failed(path)(error.into_error()))?;
        write_whole(path, |file| file.write_all(&bytes)).map_err(failed(path))?;
    }
    Ok(written)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranked() -> Ranked {
        Ranked::of(Predictions {
            probabilities: vec![0.9, 0.1, 0.6, 0.8, 0.3, 0.3, 0.2, 0.2],
            labels: vec![true, false, false, false, true, false, false, false],
            tracks: ["a", "b", "c", "d"].map(str::to_owned).to_vec(),
            tags: ["calm", "loud"].map(str::to_owned).to_vec(),
        })
    }

    #[test]
    fn thresholds_are_chosen_by_words_and_numbers() {
        let parse = |word: &str| word.parse::<ThresholdChoice>().ok();
        assert_eq!(parse("0.25"), Some(ThresholdChoice::At(0.25)));
        assert_eq!(parse("best-f1"), Some(ThresholdChoice::BestF1));
        assert_eq!(parse("best-mean-f1"), Some(ThresholdChoice::BestMeanF1));
        for wrong in ["1.5", "-0.1", "nan", "half"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn each_tag_is_judged_and_one_without_positives_says_nothing() {
        let ranked = ranked();
        let at = ranked.judge(ThresholdChoice::At(0.5));
        let counts = at[0].counts.unwrap();
        assert_eq!((counts.true_positives, counts.false_positives), (1, 1));
        assert_eq!((counts.false_negatives, counts.true_negatives), (1, 1));
        assert_eq!(
            (at[0].precision, at[0].recall, at[0].f1),
            (Some(0.5), Some(0.5), Some(0.5))
        );
        assert_eq!((at[1].f1, at[1].roc_auc, at[1].best_f1), (None, None, None));
        assert_eq!(mean_f1(&at), Some(0.5));
        let best = ranked.judge(ThresholdChoice::BestF1);
        assert_eq!(best[0].threshold, Some(f64::from(0.3f32)));
        assert_eq!(best[0].f1, Some(0.8));
        assert_eq!((best[1].threshold, best[1].counts), (None, None));
        let shared = ranked.judge(ThresholdChoice::BestMeanF1);
        assert_eq!(shared[1].threshold, best[0].threshold);
    }

    #[test]
    fn tables_hold_every_threshold() {
        let folder = tempfile::tempdir().unwrap();
        let runs = [("one".to_owned(), ranked())];
        let tags = ["calm".to_owned()];
        let choice = ThresholdChoice::At(0.5);
        let [counts, points] = write_judgements_csv(folder.path(), &runs, &tags, choice).unwrap();
        let counts = std::fs::read_to_string(counts).unwrap();
        assert!(counts.contains("one,calm,2,0.75,"), "{counts}");
        assert!(!counts.contains("loud"));
        let points = std::fs::read_to_string(points).unwrap();
        assert_eq!(points.lines().count(), 1 + 4);
        assert!(points.contains(",1,0,1,2,1,0.5,"), "{points}");
    }
}
