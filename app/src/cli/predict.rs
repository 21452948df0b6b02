//! `attune predict`: tags of audio files, printed one by one; of many, written as a table.
//!
//! A broken file is named and skipped; it does not keep the others waiting.

use super::weights_argument::resolve_model;
use super::{Console, Failure, Fault, ResultExt};
use anyhow::{Context, anyhow};
use attune_core::audio;
use attune_core::dataset::{Split, import};
use attune_core::job::{Cancelled, Job};
use attune_core::predict::{Model, tag_track};
use attune_core::tagging::{Options, Summary, Tagger, ToTag, list_catalogue, list_paths};
use indicatif::HumanDuration;
use serde::ser::{Serialize, SerializeStruct, Serializer};
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Tags audio files of any format: the mean over chunks of the model's length.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  attune predict demo song.mp3
  attune predict runs/20260901-tiny ~/music/*.flac --top 5
  attune predict weights.safetensors a.ogg b.wav --json > tags.jsonl
  attune predict tunes ~/music --out tags.parquet
  attune predict tunes ~/sets/mtg#top50tags/split-0 --split test --out test.csv
  attune predict tunes --catalogue --out everything.parquet

With --json each file gives one line: {\"file\", \"duration_s\", \"tags\": {tag: probability}}, tags by falling probability.
With --out all cores work, and a table is written with a row a track: id, path, duration_s, error, warning, and a column a tag. Stopped or
killed work goes on where it was when the same command is given again; a finished table is gone on with, too, so that only new files are
tagged, and its rows of other tracks stay, behind the new ones. A file that was replaced since is tagged again: FILE.files says which state each
row is about. What is done so far lies in FILE.journal. The table is whole or absent.
A file that cannot be read is named on stderr and skipped (with --out a row with an error); the exit code is then 3.")]
pub(super) struct Args {
    /// A run (id or folder; its best checkpoint), a weights file, or `tunes` or `demo`, which come with Attune
    weights: PathBuf,
    /// Audio files (MP3, OGG Vorbis, Opus, FLAC, WAV, AAC or M4A), folders of them, data sets (DIR or DIR#SPLIT)
    #[arg(required_unless_present = "catalogue", value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Tag every recording of all imported data sets, once; with --split, those of that part of each data set's first split
    #[arg(long, conflicts_with = "paths")]
    catalogue: bool,
    /// Of data sets, this split only: train, valid, test or unlabelled
    #[arg(long, value_name = "SPLIT")]
    split: Option<Split>,
    /// Write a table: .parquet or .csv
    #[arg(long, value_name = "FILE", conflicts_with_all = ["json", "top"])]
    out: Option<PathBuf>,
    /// Tag everything anew, whatever the table or its journal holds; rows of other tracks go, too
    #[arg(long, requires = "out")]
    overwrite: bool,
    /// Tags to show per file (without --json)
    #[arg(long, value_name = "N", default_value_t = 8)]
    top: usize,
    /// Print one JSON object per file, with all tags
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: Args, console: &Console) -> Result<(), Failure> {
    let model = resolve_model(&args.weights, console)?;
    if let Some(out) = &args.out {
        let list = listed(&args, console)?;
        return write_table(&model, &list, out, args.overwrite, console);
    }
    // Files are taken as they are named, so that each that is not there is told by itself.
    let is_list = |path: &PathBuf| path.is_dir() || import::is_data_set(path);
    let files = if args.catalogue || args.split.is_some() || args.paths.iter().any(is_list) {
        let list = listed(&args, console)?;
        list.into_iter().map(|track| track.path).collect()
    } else {
        args.paths.clone()
    };
    print_all(&model, &files, &args, console)
}

fn listed(args: &Args, console: &Console) -> Result<Vec<ToTag>, Failure> {
    if args.catalogue {
        let file = console.workspace.catalogue();
        let mut skipped = |folder: &Path, error: &attune_core::dataset::Error| {
            let (folder, error) = (folder.display(), anyhow!("{error}"));
            console.say(&format!("attune: left out: {folder}: {error:#}"));
        };
        list_catalogue(&file, args.split, &mut skipped).bad_input()
    } else {
        let mut skipped = |folder: &Path, error: &std::io::Error| {
            console.say(&format!("attune: left out: {}: {error}", folder.display()));
        };
        list_paths(&args.paths, args.split, &mut skipped).bad_input()
    }
}

/// So many files that could not be tagged are named; the table names all.
const NAMED: usize = 1000;

/// How often progress is said where there is no terminal to draw it on.
const SAID_EVERY: Duration = Duration::from_mins(1);

fn write_table(
    model: &Model,
    list: &[ToTag],
    out: &Path,
    overwrite: bool,
    console: &Console,
) -> Result<(), Failure> {
    let bar = console.job();
    let quiet = Job::new(console.cancel.clone(), |_| ());
    let draws = std::io::stderr().is_terminal();
    let mut said = Instant::now();
    let mut failed = Vec::new();
    let catalogue = console.workspace.catalogue();
    let tagger = Tagger {
        model,
        list,
        catalogue: Some(&catalogue),
        options: Options {
            overwrite,
            ..Options::default()
        },
    };
    let (mut n_done, mut n_failed) = (0, 0);
    let outcome = tagger.run(out, &quiet, &mut |standing, row| {
        (n_done, n_failed) = (standing.n_done, standing.n_failed);
        let pace = standing.clips_per_sec.unwrap_or(0.0);
        let (done, all) = (standing.n_done, standing.n_tracks);
        bar.report(
            done as u64,
            all as u64,
            &format!("tagging, {pace:.1} clips/s"),
        );
        if !draws && said.elapsed() > SAID_EVERY {
            let left = HumanDuration(Duration::from_secs_f64(standing.secs_left.unwrap_or(0.0)));
            console.say(&format!(
                "{done} of {all} tracks, {pace:.1} clips/s, {left} left"
            ));
            said = Instant::now();
        }
        if !row.error.is_empty() && failed.len() < NAMED {
            failed.push(format!("attune: skipped: {}: {}", row.id, row.error));
        } else if !row.warning.is_empty() && failed.len() < NAMED {
            failed.push(format!("attune: {}: {}", row.id, row.warning));
        }
    });
    // The progress bar goes before anything is printed.
    drop(bar);
    for line in failed {
        console.say(&line);
    }
    if n_failed > NAMED {
        console.say(&format!("attune: … of {n_failed} that could not be tagged"));
    }
    let summary = match outcome {
        Err(error) if is_cancelled(&error) => {
            let why = format!(
                "stopped after {n_done} of {} tracks; the same command goes on from there",
                list.len()
            );
            return Err(Failure::new(Fault::Cancelled, anyhow!(why)));
        }
        outcome => outcome.failed()?,
    };
    console.say(&summary_text(&summary, out));
    if let Some(why) = &summary.not_noted {
        console.say(&format!(
            "attune: the catalogue does not know how files were decoded: {why}"
        ));
    }
    fail_if_any(summary.n_failed, summary.n_tracks)
}

fn is_cancelled(error: &attune_core::tagging::Error) -> bool {
    matches!(error, attune_core::tagging::Error::Cancelled(_))
}

fn summary_text(summary: &Summary, out: &Path) -> String {
    let n_now = summary.n_tracks - summary.n_before;
    let mut text = format!(
        "wrote {}: {} tracks, {n_now} of them tagged now in {} ({:.1} clips/s",
        out.display(),
        summary.n_tracks,
        HumanDuration(Duration::from_secs_f64(summary.secs)),
        n_now as f64 / summary.secs.max(1e-9)
    );
    if let Some((busy, cores)) = summary.busy_cores {
        text += &format!(", {busy:.1} of {cores:.0} cores busy");
    }
    text += ")";
    if summary.n_kept > 0 {
        text += &format!(
            "; {} rows of other tracks stay behind them (without them: --overwrite, or another file)",
            summary.n_kept
        );
    }
    text
}

fn fail_if_any(n_failed: usize, n_files: usize) -> Result<(), Failure> {
    if n_failed == 0 {
        return Ok(());
    }
    let why = anyhow!("{n_failed} of {n_files} files could not be tagged");
    Err(Failure::new(Fault::BadInput, why))
}

/// Tags files one after the other and prints each.
fn print_all(
    model: &Model,
    files: &[PathBuf],
    args: &Args,
    console: &Console,
) -> Result<(), Failure> {
    let mut n_failed = 0;
    for file in files {
        let job = console.job();
        let tagged = tag(model, file, &job);
        // The progress bar goes before anything is printed.
        drop(job);
        match tagged {
            Ok(tagged) => {
                for warning in &tagged.warnings {
                    console.say(&format!("attune: {}: {warning}", file.display()));
                }
                if args.json {
                    console.json(&tagged)?;
                } else {
                    print_table(&tagged, args.top, console)?;
                }
            }
            Err(error) if error.chain().any(|cause| cause.is::<Cancelled>()) => {
                return Err(error.into());
            }
            Err(error) => {
                n_failed += 1;
                console.say(&format!("attune: skipped: {error:#}"));
            }
        }
    }
    fail_if_any(n_failed, files.len())
}

/// A tagged file.
struct Tagged {
    file: PathBuf,
    duration_secs: f64,
    /// By falling probability.
    tags: Vec<(String, f32)>,
    warnings: Vec<String>,
}

fn tag(model: &Model, file: &Path, job: &Job) -> anyhow::Result<Tagged> {
    let named = || file.display().to_string();
    let decoded = audio::decode(file, job)?;
    let duration_secs = decoded.clip.duration_secs();
    let mono = decoded.clip.to_mono();
    let wave =
        audio::resample(&mono, decoded.clip.rate_hz, model.sample_rate_hz()).with_context(named)?;
    let probabilities = tag_track(model, &wave, job).with_context(named)?;
    let mut tags: Vec<_> = model.tags.iter().cloned().zip(probabilities).collect();
    tags.sort_by(|a, b| b.1.total_cmp(&a.1));
    Ok(Tagged {
        file: file.to_path_buf(),
        duration_secs,
        tags,
        warnings: decoded.warnings,
    })
}

impl Serialize for Tagged {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        struct Tags<'a>(&'a [(String, f32)]);
        impl Serialize for Tags<'_> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_map(self.0.iter().map(|(tag, p)| (tag, p)))
            }
        }
        let mut line = serializer.serialize_struct("Tagged", 3)?;
        line.serialize_field("file", &self.file.to_string_lossy())?;
        line.serialize_field("duration_s", &self.duration_secs)?;
        line.serialize_field("tags", &Tags(&self.tags))?;
        line.end()
    }
}

fn print_table(tagged: &Tagged, top: usize, console: &Console) -> Result<(), Failure> {
    let whole = tagged.duration_secs.round() as u64;
    console.line(&format!(
        "{}  ({}:{:02})",
        tagged.file.display(),
        whole / 60,
        whole % 60
    ))?;
    for (tag, probability) in tagged.tags.iter().take(top) {
        let bar = "█".repeat((probability * 24.0).round() as usize);
        console.line(&format!("  {probability:.3}  {bar:<24}  {tag}"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_json_has_the_promised_keys_and_tags_by_probability() {
        let tagged = Tagged {
            file: "a/b.ogg".into(),
            duration_secs: 12.5,
            tags: vec![("rock".to_owned(), 0.75), ("jazz".to_owned(), 0.5)],
            warnings: Vec::new(),
        };
        assert_eq!(
            serde_json::to_string(&tagged).unwrap(),
            r#"{"file":"a/b.ogg","duration_s":12.5,"tags":{"rock":0.75,"jazz":0.5}}"#
        );
    }
}
