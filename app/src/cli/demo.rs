//! `attune demo`: everything once, on the demo data set. Opens the window where there is a display; without one it says so,
//! trains in the terminal, prints the tags with their scores and writes a report folder.

use super::evaluate::print_table;
use super::training_console::follow;
use super::{Console, Failure, ResultExt, window};
use attune_core::dataset::{Dataset, Split};
use attune_core::metrics::Scores;
use attune_core::predict::Model;
use attune_core::run::{History, TestScores, write_report};
use attune_core::train::{self, Checkpoints, TrainConfig, evaluate};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;

/// Options of `attune demo`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  attune demo             window, if there is a display
  attune demo --headless  in the terminal
  attune demo --json      in the terminal, the result as one JSON object")]
pub(super) struct Args {
    /// Do not open a window
    #[arg(long)]
    headless: bool,
    /// Print the result as one JSON object; never opens a window
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Outcome {
    tags: BTreeMap<String, TagScores>,
    report: PathBuf,
    seconds: f64,
    roc_auc_macro: Option<f64>,
    average_precision_macro: Option<f64>,
    run: String,
}

#[derive(Debug, Serialize)]
struct TagScores {
    roc_auc: Option<f64>,
    average_precision: Option<f64>,
}

pub(super) fn run(args: Args, console: &Console) -> Result<(), Failure> {
    if !args.json && !args.headless {
        if window::has_display() {
            return window::run(window::Args::demo(), console);
        }
        console.say("There is no display (neither DISPLAY nor WAYLAND_DISPLAY is set): the demo runs in the terminal.");
    }
    let begun = Instant::now();
    let handle = train::start(TrainConfig::demo(), &console.workspace, || ()).failed()?;
    let summary = follow(handle, console)?;
    console.say(&summary.to_string());

    let job = console.job();
    let model = Model::load(&Checkpoints::of(&summary.folder).best()).failed()?;
    let dataset = train::open_data(&train::DataChoice::Demo, &console.workspace, &job).failed()?;
    let scores = test_scores(&model, &dataset, console)?;
    let report = summary.folder.join("report");
    let history = History::open(&summary.folder).failed()?;
    let test = TestScores {
        tags: dataset.tags.clone(),
        scores: scores.clone(),
    };
    write_report(&report, &history, &test, &[]).failed()?;
    drop(job);

    if !args.json {
        print_table(&dataset.tags, &scores, console)?;
        return console.line(&format!("report: {}", report.display()));
    }
    let tags = dataset.tags.iter().enumerate().map(|(idx, tag)| {
        let (roc_auc, average_precision) = (
            scores.roc_auc_per_tag[idx],
            scores.average_precision_per_tag[idx],
        );
        (
            tag.clone(),
            TagScores {
                roc_auc,
                average_precision,
            },
        )
    });
    console.json(&Outcome {
        tags: tags.collect(),
        report,
        seconds: begun.elapsed().as_secs_f64(),
        roc_auc_macro: scores.roc_auc_macro,
        average_precision_macro: scores.average_precision_macro,
        run: summary.id,
    })
}

fn test_scores(model: &Model, dataset: &Dataset, console: &Console) -> Result<Scores, Failure> {
    let job = console.job();
    let cache = train::open_cache(&console.workspace).failed()?;
    let (track_idxs, _) = train::decode_split(dataset, Split::Test, &cache, &job).failed()?;
    Ok(evaluate(model, dataset, &cache, &track_idxs, &job)
        .failed()?
        .scores)
}
