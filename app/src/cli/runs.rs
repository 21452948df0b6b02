//! `attune runs`: the training runs on disk.

mod compared;
mod export;
mod group_arguments;
mod groups;
mod list;
mod organise;
mod plot;
mod steer;

use super::{Console, Failure, ResultExt};
use attune_core::metrics::Scores;
use attune_core::run::report::{self, TestScores};
use attune_core::run::{
    self, Bottleneck, Event, Extension, History, Loader, LoaderTime, Phase, RunSummary, Snapshot,
    SystemLog, utc_text,
};
use attune_core::train::{BranchRecord, DataChange, RunFile};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  attune runs list
  attune runs list tag:paper \"lr<1e-3\" model:tiny --sort test-pr-auc --differing
  attune runs tag demo-3 demo-4 --add paper
  attune runs note demo-3 \"the loss jumps here\" --step 340
  attune runs show demo-3
  attune runs diff demo-3 demo-4
  attune runs mistakes demo-3 --tag piano --m3u /tmp/piano.m3u8
  attune runs per-tag demo-3 demo-4 --baseline demo-3
  attune runs show demo-3 --json | jq '.validations[].roc_auc_macro'
  attune runs report demo-3 --out /tmp/report
  attune runs plot demo-3 demo-4 --measure loss,roc-auc --smoothing 0.9 --size single-column --out curves.pdf
  attune runs export demo-3 demo-4 --to tensorboard /tmp/boards
  attune runs export demo-3 --to mlflow ./mlruns
  attune runs pause demo-3
  attune runs set-learning-rate /mnt/server/attune/runs/demo-3 0.0003

A run is named by its id, an unmistakable beginning of it, or its folder.")]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// List the runs of the workspace
    List(list::Args),
    /// Show one run: its validations, its scores by tag, its warnings
    Show {
        /// Id, beginning of an id, or run folder
        run: String,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Write a run's curves and tables into a folder, as PNG, SVG, CSV and Markdown
    Report {
        /// Id, beginning of an id, or run folder
        run: String,
        /// Where to (default: the folder `report` of the run)
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
    },
    /// Draw curves of runs over each other, for papers and slides
    Plot(plot::Args),
    #[command(flatten)]
    Compared(compared::Command),
    #[command(flatten)]
    Organise(organise::Command),
    /// Write runs for other programs: TensorBoard, MLflow, or any that reads CSV
    Export(export::Args),
    #[command(flatten)]
    Steer(steer::Order),
}

pub(super) fn run(args: Args, console: &Console) -> Result<(), Failure> {
    match args.command {
        Command::List(args) => list::run(&args, console),
        Command::Compared(command) => compared::run(command, console),
        Command::Plot(args) => plot::run(&args, console),
        Command::Organise(command) => organise::run(command, console),
        Command::Show { run, json } => {
            let history = open(&run, console)?;
            let shown = Shown::new(&history)?;
            if json {
                console.json(&shown)
            } else {
                print(&shown, console)
            }
        }
        Command::Report { run, out } => {
            let history = open(&run, console)?;
            let shown = Shown::new(&history)?;
            let (split, scores) = match (shown.evaluated, shown.best) {
                (Some(evaluated), _) => (evaluated.split, evaluated.scores),
                (None, best) => ("valid".to_owned(), best.unwrap_or_default()),
            };
            let by_tag = TestScores {
                tags: shown.tags,
                scores,
            };
            let folder = out.unwrap_or_else(|| history.folder().join("report"));
            let report = report::write_on(&folder, &history, &split, &by_tag, &[]).failed()?;
            console.line(&report.page.display().to_string())
        }
        Command::Export(args) => export::export(&args, console),
        Command::Steer(order) => steer::steer(order, console),
    }
}

fn open(run: &str, console: &Console) -> Result<History, Failure> {
    let folder = run::find(&console.workspace.runs(), run).bad_input()?;
    History::open(&folder).bad_input()
}

/// What `attune runs show` tells.
#[derive(Debug, Serialize)]
struct Shown {
    #[serde(flatten)]
    summary: RunSummary,
    /// `run.toml`
    configuration: Option<toml::Table>,
    /// Where it came from, if it is a branch.
    branched_from: Option<BranchRecord>,
    /// How it was extended last, if it was.
    extended: Option<Extension>,
    tags: Vec<String>,
    validations: Vec<ShownValidation>,
    /// The weights that the run has kept, by step.
    snapshots: Vec<Snapshot>,
    /// Scores at the lowest validation loss.
    best: Option<Scores>,
    /// Scores on the split evaluated last.
    evaluated: Option<ShownEvaluation>,
    /// How its data sets on the disk differ from what they were when it began.
    data_changes: Vec<DataChange>,
    warnings: Vec<String>,
    /// Why the run failed, if it did.
    failure: Option<String>,
    /// Where the time of the newest steps goes; nothing before there are enough.
    step_time: Option<ShownStepTime>,
}

#[derive(Debug, Serialize)]
struct ShownStepTime {
    /// How many of the newest steps are counted.
    steps: u64,
    /// Mean time of a step.
    seconds: f64,
    /// Mean time of its phases; together they are the step's.
    phases: BTreeMap<Phase, f64>,
    /// What the loader's threads did for a step, beside it.
    loader: Option<LoaderTime>,
    /// Whether the steps wait for the loader.
    verdict: Loader,
    /// All in words.
    words: String,
}

impl ShownStepTime {
    fn of(found: Bottleneck) -> Self {
        let time = found.time;
        Self {
            steps: time.n_steps,
            seconds: time.seconds(),
            phases: Phase::ALL.map(|phase| (phase, time.of(phase))).into(),
            loader: time.loader(),
            verdict: found.loader,
            words: found.words(),
        }
    }
}

#[derive(Debug, Serialize)]
struct ShownValidation {
    step: u64,
    epoch: u32,
    loss: Option<f64>,
    roc_auc_macro: Option<f64>,
    average_precision_macro: Option<f64>,
    localisation_roc_auc: Option<f64>,
    pointing_game: Option<f64>,
    seconds: f64,
}

#[derive(Debug, Serialize)]
struct ShownEvaluation {
    split: String,
    #[serde(flatten)]
    scores: Scores,
}

impl Shown {
    fn new(history: &History) -> Result<Self, Failure> {
        let validations = history.validations().iter().map(|v| ShownValidation {
            step: v.step,
            epoch: v.epoch,
            loss: Some(v.loss).filter(|loss| loss.is_finite()),
            roc_auc_macro: v.scores.roc_auc_macro,
            average_precision_macro: v.scores.average_precision_macro,
            localisation_roc_auc: v.localisation_roc_auc(),
            pointing_game: v.pointing_game(),
            seconds: v.seconds,
        });
        let warnings = history
            .events()
            .iter()
            .filter_map(|record| match &record.event {
                Event::Warned { message } => Some(message.clone()),
                _ => None,
            });
        let failure = history
            .events()
            .last()
            .and_then(|record| match &record.event {
                Event::Failed { message } => Some(message.clone()),
                _ => None,
            });
        // Without what the machine did the words are fewer.
        let system = SystemLog::read(history.folder()).unwrap_or_default();
        Ok(Self {
            summary: RunSummary::read(history.folder()).failed()?,
            configuration: history.run_toml().cloned(),
            branched_from: history
                .run_toml()
                .and_then(|run| run.get("branched_from")?.clone().try_into().ok()),
            extended: history.extended().copied(),
            tags: history.tags().to_vec(),
            validations: validations.collect(),
            snapshots: run::snapshots(history.folder()).failed()?,
            best: history.best().map(|best| Scores::clone(&best.scores)),
            evaluated: history.evaluated().map(|(split, scores)| ShownEvaluation {
                split: split.to_owned(),
                scores: scores.clone(),
            }),
            // A run whose own file cannot be read is told of elsewhere.
            data_changes: RunFile::read(history.folder())
                .map_or_else(|_| Vec::new(), |run_file| run_file.data_changes()),
            warnings: warnings.collect(),
            failure,
            step_time: Bottleneck::of(history, &system).map(ShownStepTime::of),
        })
    }
}

fn print(shown: &Shown, console: &Console) -> Result<(), Failure> {
    let summary = &shown.summary;
    let started = summary
        .started_unix_ms
        .map_or("not yet".to_owned(), |at| utc_text(at) + " UTC");
    for (name, value) in [
        ("run", summary.id.clone()),
        ("name", summary.title().to_owned()),
        ("folder", summary.folder.display().to_string()),
        ("status", summary.status.label().to_owned()),
        ("started", started),
        ("model", summary.model.clone()),
        ("data", summary.data.clone()),
        (
            "teacher",
            summary.teacher.clone().unwrap_or("none".to_owned()),
        ),
        (
            "trained",
            format!("{} epochs begun, {} steps", summary.epochs, summary.steps),
        ),
    ] {
        console.line(&format!("{name:8} {value}"))?;
    }
    let about = &summary.about;
    if !about.tags.is_empty() {
        console.line(&format!("tags     {}", about.tags.join(", ")))?;
    }
    for line in about.note.lines() {
        console.line(&format!("note     {line}"))?;
    }
    for pin in &about.pins {
        console.line(&format!("step {:<4} {}", pin.step, pin.text))?;
    }
    if let Some(branch) = &shown.branched_from {
        let step = branch
            .step
            .map_or_else(String::new, |step| format!(", step {step}"));
        let state = if branch.optimizer_state {
            ", with the optimizer's state"
        } else {
            ""
        };
        let (run, weights) = (&branch.run, &branch.weights);
        console.line(&format!("branched from {run}:{weights}{step}{state}"))?;
    }
    if let Some(extension) = &shown.extended {
        console.line(&format!("extended to {}", extension.ends))?;
    }
    if let Some(first) = shown.snapshots.first() {
        let folder = first.path.parent().unwrap_or(&summary.folder);
        let n = shown.snapshots.len();
        console.line(&format!(
            "kept     weights of {n} validations in {}",
            folder.display()
        ))?;
    }
    if let Some(step_time) = &shown.step_time {
        console.line(&format!("time     {}", step_time.words))?;
    }
    if let Some(failure) = &shown.failure {
        console.line(&format!("failed   {failure}"))?;
    }
    for change in &shown.data_changes {
        let advice = if change.can_go_on() {
            "if it goes on, it learns from the data as it is now"
        } else {
            "it cannot go on with it"
        };
        console.line(&format!("changed  {change}; {advice}"))?;
    }
    for warning in &shown.warnings {
        console.line(&format!("warning  {warning}"))?;
    }
    if !shown.validations.is_empty() {
        console.line("")?;
        table(&validation_rows(shown), 0, console)?;
    }
    let by_tag = match (&shown.evaluated, &shown.best) {
        (Some(evaluated), _) => Some((evaluated.split.as_str(), &evaluated.scores)),
        (None, Some(best)) => Some(("valid", best)),
        (None, None) => None,
    };
    if let Some((split, scores)) = by_tag {
        console.line(&format!("\nscores on {split}"))?;
        let test = TestScores {
            tags: shown.tags.clone(),
            scores: scores.clone(),
        };
        console.line(report::tag_table(&test).trim_end())?;
    }
    Ok(())
}

/// The validations under a header; localisation only if it was measured.
fn validation_rows(shown: &Shown) -> Vec<Vec<String>> {
    let summary = &shown.summary;
    let validations = &shown.validations;
    let is_measured = |v: &ShownValidation| v.localisation_roc_auc.or(v.pointing_game).is_some();
    let has_localisation = validations.iter().any(is_measured);
    let mut header = vec!["epoch", "step", "loss", "ROC-AUC", "PR-AUC"];
    if has_localisation {
        header.extend(["localisation", "pointing"]);
    }
    header.push("");
    let header = header.into_iter().map(str::to_owned).collect();
    let rows = validations.iter().map(|v| {
        let mut row = vec![
            (v.epoch + 1).to_string(),
            v.step.to_string(),
            number(v.loss),
            number(v.roc_auc_macro),
            number(v.average_precision_macro),
        ];
        if has_localisation {
            row.extend([v.localisation_roc_auc, v.pointing_game].map(number));
        }
        let is_best = summary.best_epoch == Some(v.epoch) && v.loss == summary.best_loss;
        row.push(if is_best { "best" } else { "" }.to_owned());
        row
    });
    std::iter::once(header).chain(rows).collect()
}

fn number(value: Option<f64>) -> String {
    value.map_or("-".to_owned(), |value| format!("{value:.4}"))
}

/// Prints rows with aligned columns, the first `n_left` to the left, the others to the right.
fn table<R: AsRef<[String]>>(rows: &[R], n_left: usize, console: &Console) -> Result<(), Failure> {
    let n_columns = rows.first().map_or(0, |row| row.as_ref().len());
    let mut widths = vec![0; n_columns];
    for row in rows.iter().map(AsRef::as_ref) {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    for row in rows.iter().map(AsRef::as_ref) {
        let cells = row
            .iter()
            .zip(&widths)
            .enumerate()
            .map(|(at, (cell, &width))| {
                if at < n_left {
                    format!("{cell:<width$}")
                } else {
                    format!("{cell:>width$}")
                }
            });
        console.line(cells.collect::<Vec<_>>().join("  ").trim_end())?;
    }
    Ok(())
}
