//! `attune compare`: two models on the same tracks.

use super::weights_argument::resolve_model;
use super::{Console, Failure, Fault, ResultExt};
use attune_core::dataset::Split;
use attune_core::metrics::Difference;
use attune_core::train::{
    Comparison, DataChoice, compare, decode_split, open_cache_at, open_data, scoring_rate_hz,
    tags_in_common,
};
use std::path::PathBuf;

/// Scores of two models on a split for the tags that both know, the difference of each tag with a 95 % interval (paired bootstrap over the tracks), and the
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

pub(super) fn run(args: Args, console: &Console) -> Result<(), Failure> {
    let split: Split = args.split.parse().fault(Fault::Usage)?;
    let models = [
        resolve_model(&args.first, console)?,
        resolve_model(&args.second, console)?,
    ];
    let job = console.job();
    let dataset =
        open_data(&DataChoice::parse(&args.data), &console.workspace, &job).bad_input()?;
    let [first, second] = &models;
    tags_in_common([first, second], &dataset).bad_input()?;
    // Of two rates the higher: neither misses anything.
    let rate_of = |name, model| scoring_rate_hz(name, model, &console.workspace);
    let rate_hz = rate_of(&args.first, first).max(rate_of(&args.second, second));
    let cache = open_cache_at(&console.workspace, rate_hz).failed()?;
    let (track_idxs, problems) = decode_split(&dataset, split, &cache, &job).bad_input()?;
    for problem in problems {
        console.say(&problem.to_string());
    }
    let mut comparison = compare(
        [first, second],
        &dataset,
        &cache,
        &track_idxs,
        args.resamples,
        &job,
    )
    .failed()?;
    drop(job);
    for warning in cache.take_warnings() {
        console.say(&warning);
    }
    comparison.disagreements.truncate(args.tracks);
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
    if !comparison.left_out.is_empty() {
        console.say(&format!(
            "not compared, because one of the models does not know it: {}",
            comparison.left_out.join(", ")
        ));
    }
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
