//! `attune demo`: everything once, on the demo data set. Opens the window where there is a display; without one it says so,
//! trains in the terminal, prints the tags with their scores and writes a report folder.

use super::evaluate::print_table;
use super::training_console::follow;
use super::{Console, Failure, Fault, ResultExt, window};
use attune_core::audio::decode_mono;
use attune_core::dataset::{Dataset, Track};
use attune_core::interpret::{self, Backdrop, Drawing, DrawnTag, Method, SongSettings, draw};
use attune_core::job::Job;
use attune_core::predict::Model;
use attune_core::run::{History, NamedFigure, TestScores, write_report};
use attune_core::train::{self, Checkpoints, TrainConfig};
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
    summary.unless_stopped(console)?;

    let job = console.job();
    let model = Model::load(&Checkpoints::of(&summary.folder).best()).failed()?;
    let dataset = train::open_data(&train::DataChoice::Demo, &console.workspace, &job).failed()?;
    let report = summary.folder.join("report");
    let history = History::open(&summary.folder).failed()?;
    let Some((_, scores)) = history.evaluated() else {
        let why = "the demo's test split was not scored: see the run's log";
        return Err(Failure::new(Fault::Failed, anyhow::anyhow!(why)));
    };
    let test = TestScores {
        tags: dataset.tags.clone(),
        scores: scores.clone(),
    };
    write_report(
        &report,
        &history,
        &test,
        &[timeline(&model, &dataset, &job)?],
    )
    .failed()?;
    drop(job);

    if !args.json {
        print_table(&dataset.tags, scores, console)?;
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

/// The attention timeline of the longest song, with the tags that are true somewhere in it and when they are.
fn timeline(model: &Model, dataset: &Dataset, job: &Job) -> Result<NamedFigure, Failure> {
    let length = |track: &&Track| track.duration_secs.unwrap_or(0.0);
    let song = dataset
        .tracks
        .iter()
        .max_by(|a, b| length(a).total_cmp(&length(b)))
        .ok_or_else(|| {
            Failure::new(Fault::Failed, anyhow::anyhow!("the data set has no tracks"))
        })?;
    let rate_hz = model.sample_rate_hz();
    let wave = decode_mono(&song.path, rate_hz, job).failed()?;
    let explanation = interpret::song(model, &wave, &SongSettings::default(), job).failed()?;
    let mut tags: Vec<usize> = song.timeline.iter().map(|span| span.tag.index()).collect();
    tags.sort_unstable();
    tags.dedup();
    if tags.is_empty() {
        tags = explanation.over_time.by_probability();
        tags.truncate(6);
    }
    let method = explanation
        .maps
        .first()
        .map_or(Method::Contribution, |map| map.method);
    let rows = tags.iter().map(|&tag| {
        let spans = song.timeline.iter().filter(|span| span.tag.index() == tag);
        DrawnTag {
            tag,
            methods: vec![method],
            truth: spans.map(|span| span.start_secs..span.end_secs).collect(),
            other: None,
        }
    });
    let backdrop = Backdrop {
        wave: &wave,
        rate_hz,
        log_mel: None,
    };
    let caption = "Where the class token attends, and for each instrument its probability over time, when it \
                   truly sounds, and what each moment contributes (logits).";
    Ok(NamedFigure {
        name: "timeline".to_owned(),
        caption: caption.to_owned(),
        figure: draw(
            &explanation,
            &Drawing {
                title: &format!("{} — {}", song.id, model.name),
                backdrop,
                secs: 0.0..explanation.duration_secs,
                rows: rows.collect(),
            },
        ),
    })
}
