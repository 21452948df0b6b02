//! `attune compare`: two models on the same tracks.

use super::weights_argument::resolve_model;
use super::{Console, Failure, Fault, ResultExt};
use attune_core::dataset::Split;
use attune_core::metrics::{Difference, PairedDifferences, Scores, paired_bootstrap};
use attune_core::train::{DataChoice, decode_split, evaluate, open_cache, open_data};
use serde::Serialize;
use std::path::PathBuf;

/// Confidence of the intervals.
const CONFIDENCE: f64 = 0.95;

/// Scores of two models on a split, the difference of each tag with a 95 % interval (paired bootstrap over the tracks), and the
/// tracks on which they disagree most.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  attune compare demo my-run --data demo
  attune compare teacher.safetensors student.ckpt --data ~/music/tunes --split valid --json

A difference is that of the second model less the first; a star marks those whose interval does not hold zero.")]
pub(super) struct Args {
    /// The first model: a run (id or folder; its best checkpoint), a weights file, or `tunes` or `demo`, which come with Attune
    first: PathBuf,
    /// The second model
    second: PathBuf,
    /// Data set: `demo`, or a folder in the generic format
    #[arg(long, value_name = "DIR")]
    data: String,
    /// Split to score: train, valid or test
    #[arg(long, default_value = "test")]
    split: String,
    /// Resamples of the bootstrap
    #[arg(long, value_name = "N", default_value_t = 1000)]
    resamples: usize,
    /// How many tracks of disagreement to list
    #[arg(long, value_name = "N", default_value_t = 10)]
    tracks: usize,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Comparison {
    tags: Vec<String>,
    first: Scores,
    second: Scores,
    difference: PairedDifferences,
    disagreements: Vec<Disagreement>,
}

/// A track, and the tag of which the models think most differently there.
#[derive(Serialize)]
struct Disagreement {
    track: String,
    /// Mean over tags of the distance between the probabilities.
    mean_distance: f64,
    tag: String,
    has_tag: bool,
    first: f32,
    second: f32,
}

pub(super) fn run(args: Args, console: &Console) -> Result<(), Failure> {
    let split: Split = args.split.parse().fault(Fault::Usage)?;
    let models = [
        resolve_model(&args.first, console)?,
        resolve_model(&args.second, console)?,
    ];
    let job = console.job();
    let dataset =
        open_data(&DataChoice::parse(&args.data), &console.workspace, &job).bad_input()?;
    let cache = open_cache(&console.workspace).failed()?;
    let (track_idxs, problems) = decode_split(&dataset, split, &cache, &job).bad_input()?;
    for problem in problems {
        console.say(&problem.to_string());
    }
    let evaluated = |model| evaluate(model, &dataset, &cache, &track_idxs, &job).failed();
    let (first, second) = (evaluated(&models[0])?, evaluated(&models[1])?);
    drop(job);

    let n_tags = dataset.n_tags();
    let mut labels = vec![false; first.track_idxs.len() * n_tags];
    for (row, &track_idx) in labels.chunks_exact_mut(n_tags).zip(&first.track_idxs) {
        for tag in &dataset.tracks[track_idx].tags {
            row[tag.index()] = true;
        }
    }
    let (a, b) = (&first.probabilities, &second.probabilities);
    let mut disagreements: Vec<Disagreement> = first
        .track_idxs
        .iter()
        .enumerate()
        .filter_map(|(row, &track_idx)| {
            let places = row * n_tags..(row + 1) * n_tags;
            let distance = |at: usize| f64::from((a[at] - b[at]).abs());
            let most = places
                .clone()
                .max_by(|&x, &y| distance(x).total_cmp(&distance(y)))?;
            Some(Disagreement {
                track: dataset.tracks[track_idx].id.clone(),
                mean_distance: places.map(distance).sum::<f64>() / n_tags as f64,
                tag: dataset.tags[most % n_tags].clone(),
                has_tag: labels[most],
                first: a[most],
                second: b[most],
            })
        })
        .collect();
    disagreements.sort_by(|x, y| y.mean_distance.total_cmp(&x.mean_distance));
    disagreements.truncate(args.tracks);
    let difference = paired_bootstrap(a, b, &labels, n_tags, args.resamples, CONFIDENCE, 1);
    let comparison = Comparison {
        tags: dataset.tags.clone(),
        difference,
        first: first.scores,
        second: second.scores,
        disagreements,
    };
    if args.json {
        return console.json(&comparison);
    }
    print(&comparison, console)
}

fn print(comparison: &Comparison, console: &Console) -> Result<(), Failure> {
    let Comparison {
        first,
        second,
        difference,
        ..
    } = comparison;
    let tags = &comparison.tags;
    let width = tags
        .iter()
        .map(|tag| tag.chars().count())
        .max()
        .unwrap_or(0)
        .max(5);
    console.line(&format!(
        "{:<width$}  {:^39}  {:^39}",
        "", "ROC-AUC", "PR-AUC"
    ))?;
    let half = "  first  second  difference (95 %)      ";
    console.line(&format!("{:<width$}  {half}  {half}", "tag"))?;
    let score = |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.4}"));
    let columns = |a: Option<f64>, b: Option<f64>, difference: &Difference| {
        let range = match (difference.value, difference.interval) {
            (Some(value), Some(range)) => format!(
                "{value:+.3} [{:+.3}, {:+.3}]{}",
                range.low,
                range.high,
                if difference.is_significant() {
                    "*"
                } else {
                    " "
                }
            ),
            _ => "-".to_owned(),
        };
        format!("{:>7} {:>7}  {range:<23}", score(a), score(b))
    };
    let mut order: Vec<usize> = (0..tags.len()).collect();
    let gain = |tag: usize| {
        difference.average_precision_per_tag[tag]
            .value
            .unwrap_or(0.0)
    };
    order.sort_by(|&x, &y| gain(y).total_cmp(&gain(x)));
    for tag in order {
        console.line(&format!(
            "{:<width$}  {}  {}",
            tags[tag],
            columns(
                first.roc_auc_per_tag[tag],
                second.roc_auc_per_tag[tag],
                &difference.roc_auc_per_tag[tag]
            ),
            columns(
                first.average_precision_per_tag[tag],
                second.average_precision_per_tag[tag],
                &difference.average_precision_per_tag[tag]
            )
        ))?;
    }
    console.line(&format!(
        "{:<width$}  {}  {}",
        "macro",
        columns(
            first.roc_auc_macro,
            second.roc_auc_macro,
            &difference.roc_auc_macro
        ),
        columns(
            first.average_precision_macro,
            second.average_precision_macro,
            &difference.average_precision_macro
        )
    ))?;
    if !comparison.disagreements.is_empty() {
        console.line("\nwhere they disagree most (probability of the first and of the second)")?;
    }
    for one in &comparison.disagreements {
        console.line(&format!(
            "{:<12}  mean {:.3}  {}: {:.2} and {:.2}, it {}",
            one.track,
            one.mean_distance,
            one.tag,
            one.first,
            one.second,
            if one.has_tag {
                "has the tag"
            } else {
                "has not"
            }
        ))?;
    }
    Ok(())
}
