//! `attune evaluate`: macro and per-tag scores of a model on a split, as DESIGN fixes the evaluation.

use super::weights_argument::resolve_model;
use super::{Console, Failure, ResultExt};
use attune_core::dataset::Split;
use attune_core::train::{
    DataChoice, decode_split, evaluate, open_cache_at, open_data, scoring_rate_hz,
};
use std::path::PathBuf;

/// Options of `attune evaluate`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  attune evaluate demo --data demo --split test
  attune evaluate 20261122-101500-tiny-tunes --data ~/music/tunes --split test --json")]
pub(super) struct Args {
    /// A run (id or folder; its best checkpoint), a weights file, or `tunes` or `demo`, which come with Attune
    #[arg(value_name = "RUN|WEIGHTS")]
    model: PathBuf,
    /// Data set: `demo`, or a folder in the generic format
    #[arg(long, value_name = "DIR")]
    data: String,
    /// Split to score: train, valid or test
    #[arg(long, default_value = "test")]
    split: String,
    /// Print one JSON object in the keys of `attune metrics`
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: Args, console: &Console) -> Result<(), Failure> {
    let model = resolve_model(&args.model, console)?;
    let job = console.job();
    let dataset =
        open_data(&DataChoice::parse(&args.data), &console.workspace, &job).bad_input()?;
    let split: Split = args.split.parse().fault(super::Fault::Usage)?;
    let rate_hz = scoring_rate_hz(&args.model, &model, &console.workspace);
    let cache = open_cache_at(&console.workspace, rate_hz).failed()?;
    let (track_idxs, problems) = decode_split(&dataset, split, &cache, &job).bad_input()?;
    for problem in problems {
        console.say(&problem.to_string());
    }
    let evaluation = evaluate(&model, &dataset, &cache, &track_idxs, &job).failed()?;
    drop(job);
    for warning in cache.take_warnings() {
        console.say(&warning);
    }
    if args.json {
        return console.json(&evaluation.scores);
    }
    print_table(&dataset.tags, &evaluation.scores, console)?;
    console.line(&format!(
        "{} tracks of split {split}, loss {:.4}",
        evaluation.track_idxs.len(),
        evaluation.loss
    ))
}

/// Prints a table of tags with their scores, best average precision first, and the macro scores below.
pub(super) fn print_table(
    tags: &[String],
    scores: &attune_core::metrics::Scores,
    console: &Console,
) -> Result<(), Failure> {
    let show =
        |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.4}"));
    let width = tags
        .iter()
        .map(|tag| tag.chars().count())
        .max()
        .unwrap_or(0)
        .max("macro".len());
    console.line(&format!(
        "{:<width$}  {:>7}  {:>7}",
        "tag", "ROC-AUC", "PR-AUC"
    ))?;
    let mut order: Vec<usize> = (0..tags.len()).collect();
    let ap = |idx: usize| scores.average_precision_per_tag[idx].unwrap_or(-1.0);
    order.sort_by(|&a, &b| ap(b).total_cmp(&ap(a)));
    for idx in order {
        let (roc, ap) = (
            scores.roc_auc_per_tag[idx],
            scores.average_precision_per_tag[idx],
        );
        console.line(&format!(
            "{:<width$}  {:>7}  {:>7}",
            tags[idx],
            show(roc),
            show(ap)
        ))?;
    }
    let (roc, ap) = (scores.roc_auc_macro, scores.average_precision_macro);
    console.line(&format!(
        "{:<width$}  {:>7}  {:>7}",
        "macro",
        show(roc),
        show(ap)
    ))
}
