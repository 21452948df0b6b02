//! `attune metrics`: ROC-AUC and average precision of scores in a file.

use super::{Console, Failure, ResultExt};
use attune_core::metrics::{file, score_f64};
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  attune metrics predictions.safetensors
  attune metrics predictions.safetensors --json | jq .roc_auc_macro

The file holds two tensors of shape (clips, tags): `scores` (F32 or F64) and `labels` (U8 or F32, 0 or 1).
A tag without positives has no average precision, one without negatives no ROC-AUC either; the macro means
leave such tags out.")]
pub(super) struct Args {
    /// Safetensors file with the tensors `scores` and `labels`
    file: PathBuf,
    /// Print one JSON object with all digits
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: Args, console: &Console) -> Result<(), Failure> {
    let labelled = file::read(&args.file).bad_input()?;
    let scores = score_f64(&labelled.scores, &labelled.labels, labelled.n_tags);
    if args.json {
        return console.json(&scores);
    }
    let number = |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.4}"));
    let row = |name: &str, roc_auc, precision| {
        console.line(&format!(
            "{name:>6}  {:>7}  {:>6}",
            number(roc_auc),
            number(precision)
        ))
    };
    console.line("   tag  ROC-AUC  PR-AUC")?;
    let per_tag = scores
        .roc_auc_per_tag
        .iter()
        .zip(&scores.average_precision_per_tag);
    for (tag_idx, (&roc_auc, &precision)) in per_tag.enumerate() {
        row(&tag_idx.to_string(), roc_auc, precision)?;
    }
    row(
        "macro",
        scores.roc_auc_macro,
        scores.average_precision_macro,
    )
}
