//! `attune runs curves`: the curves of each tag, and what a threshold makes of the test split.

use super::{Console, Failure, Fault, ResultExt, check_tag, folders, id, number, ranked, table};
use crate::cli::print_arguments::PrintArguments;
use attune_core::figure::palette;
use attune_core::metrics::CurveKind;
use attune_core::train::{
    Ranked, TagCurves, TagCurvesPlot, TagJudgement, ThresholdChoice, mean_f1, write_judgements_csv,
};
use serde::Serialize;
use std::path::{Path, PathBuf};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  attune runs curves demo-3
  attune runs curves demo-3 demo-4 --tag piano --threshold best-f1
  attune runs curves demo-3 demo-4 --out curves.pdf --curve pr --across 4    # small multiples
  attune runs curves demo-3 --csv /tmp/demo-3        # counts.csv, and points.csv with every threshold

The predictions are those of the best model on the test split. A threshold chosen by its F1 on the same split flatters the run.")]
pub(in crate::cli::runs) struct Args {
    /// Ids, beginnings of ids, or run folders
    #[arg(required = true, value_name = "RUN")]
    runs: Vec<String>,
    /// These tags alone
    #[arg(long, value_name = "TAG", num_args = 1..)]
    tag: Vec<String>,
    /// A track has a tag if its probability is at least this: a number from 0 to 1, `best-f1` (each tag's own) or `best-mean-f1` (one for all tags)
    #[arg(long, value_name = "NUMBER", default_value = "0.5")]
    threshold: String,
    /// Score the best model of a run that has kept no predictions, and keep them in the run's folder
    #[arg(long)]
    score: bool,
    /// Print a JSON array with counts and thinned curves
    #[arg(long)]
    json: bool,
    /// Write counts.csv and points.csv (every threshold) into this folder
    #[arg(long, value_name = "DIR")]
    csv: Option<PathBuf>,
    /// Draw the curves, a small plot for each tag: .svg, .png, .pdf, .tex (pgfplots) or .csv (the numbers)
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Which curves --out draws: roc or pr (precision against recall)
    #[arg(long, default_value = "roc", value_parser = curve_kind)]
    curve: CurveKind,
    /// How many plots stand side by side in --out, at most 6
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=6))]
    across: u8,
    #[command(flatten)]
    print: PrintArguments,
}

#[derive(Serialize)]
struct Shown<'a> {
    run: &'a str,
    n_tracks: usize,
    mean_f1: Option<f64>,
    tags: Vec<ShownTag>,
}

#[derive(Serialize)]
struct ShownTag {
    #[serde(flatten)]
    judged: TagJudgement,
    curves: Option<TagCurves>,
}

pub(super) fn run(args: &Args, console: &Console) -> Result<(), Failure> {
    let choice: ThresholdChoice = args.threshold.parse().fault(Fault::Usage)?;
    let mut runs: Vec<(String, Ranked)> = Vec::new();
    for folder in folders(&args.runs, console)? {
        let ranked = ranked(&folder, args.score, console)?;
        for tag in &args.tag {
            check_tag(&ranked, tag, &id(&folder))?;
        }
        runs.push((id(&folder), ranked));
    }
    if let Some(folder) = &args.csv {
        let written = write_judgements_csv(folder, &runs, &args.tag, choice).failed()?;
        for path in written {
            console.say(&format!("wrote {}", path.display()));
        }
    }
    if let Some(path) = &args.out {
        draw(args, path, &runs, choice)?;
        console.say(&format!("wrote {}", path.display()));
    }
    let judged: Vec<(&String, &Ranked, Vec<TagJudgement>)> = runs
        .iter()
        .map(|(run, ranked)| {
            let mut judged = ranked.judge(choice);
            judged.retain(|tag| args.tag.is_empty() || args.tag.contains(&tag.tag));
            (run, ranked, judged)
        })
        .collect();
    if args.json {
        let shown = judged.into_iter().map(|(run, ranked, judged)| Shown {
            run,
            n_tracks: ranked.predictions.tracks.len(),
            mean_f1: mean_f1(&judged),
            tags: judged
                .into_iter()
                .map(|judged| ShownTag {
                    curves: ranked.curves(&judged.tag),
                    judged,
                })
                .collect(),
        });
        return console.json(&shown.collect::<Vec<_>>());
    }
    if !matches!(choice, ThresholdChoice::At(_)) {
        console.say("these thresholds are the best on the test split itself: the F1 flatters");
    }
    for (at, (run, ranked, judged)) in judged.iter().enumerate() {
        if at > 0 {
            console.line("")?;
        }
        let n_tracks = ranked.predictions.tracks.len();
        console.line(&format!("{run}: {n_tracks} tracks of the test split"))?;
        table(&rows(judged), 1, console)?;
    }
    Ok(())
}

fn draw(
    args: &Args,
    path: &Path,
    runs: &[(String, Ranked)],
    choice: ThresholdChoice,
) -> Result<(), Failure> {
    let mut tags = args.tag.clone();
    if tags.is_empty() {
        for tag in runs.iter().flat_map(|(_, ranked)| &ranked.predictions.tags) {
            if !tags.contains(tag) {
                tags.push(tag.clone());
            }
        }
    }
    let plot = TagCurvesPlot {
        kind: args.curve,
        tags,
        threshold: choice,
        n_columns: args.across.into(),
    };
    let runs = runs.iter().enumerate();
    let figure = plot.figure(runs.map(|(at, (run, ranked))| (run.as_str(), palette(at), ranked)));
    args.print.print().apply(&figure).write(path).failed()
}

fn curve_kind(word: &str) -> Result<CurveKind, String> {
    match word {
        "roc" => Ok(CurveKind::Roc),
        "pr" => Ok(CurveKind::PrecisionRecall),
        _ => Err("there are roc and pr".to_owned()),
    }
}

fn rows(judged: &[TagJudgement]) -> Vec<Vec<String>> {
    let header = [
        "tag",
        "positives",
        "ROC-AUC",
        "PR-AUC",
        "threshold",
        "TP",
        "FP",
        "FN",
        "TN",
        "precision",
        "recall",
        "F1",
        "best F1",
        "at",
    ];
    let row = |tag: &TagJudgement| {
        let counts = tag.counts.map(|counts| {
            [
                counts.true_positives,
                counts.false_positives,
                counts.false_negatives,
                counts.true_negatives,
            ]
            .map(|count| count.to_string())
        });
        let mut row = vec![
            tag.tag.clone(),
            tag.n_positives.to_string(),
            number(tag.roc_auc),
            number(tag.average_precision),
            number(tag.threshold),
        ];
        row.extend(counts.unwrap_or_else(|| ["-"; 4].map(str::to_owned)));
        row.extend(
            [
                tag.precision,
                tag.recall,
                tag.f1,
                tag.best_f1,
                tag.best_f1_threshold,
            ]
            .map(number),
        );
        row
    };
    let mut rows = vec![header.map(str::to_owned).to_vec()];
    rows.extend(judged.iter().map(row));
    if judged.len() > 1 {
        let mut mean = vec![String::new(); header.len()];
        "mean".clone_into(&mut mean[0]);
        let of = |value: fn(&TagJudgement) -> Option<f64>| {
            number(attune_core::metrics::mean_defined(judged.iter().map(value)))
        };
        mean[2] = of(|tag| tag.roc_auc);
        mean[3] = of(|tag| tag.average_precision);
        mean[11] = number(mean_f1(judged));
        mean[12] = of(|tag| tag.best_f1);
        rows.push(mean);
    }
    rows
}
