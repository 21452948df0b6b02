//! `attune predict`: tags of audio files. A broken file is named and skipped; it does not keep the others waiting.

use super::weights_argument::resolve_model;
use super::{Console, Failure, Fault};
use anyhow::{Context, anyhow};
use attune_core::audio;
use attune_core::job::{Cancelled, Job};
use attune_core::predict::{Model, tag_track};
use serde::ser::{Serialize, SerializeStruct, Serializer};
use std::path::{Path, PathBuf};

/// Tags audio files of any format: the mean over chunks of the model's length.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  attune predict demo song.mp3
  attune predict runs/20260901-tiny ~/music/*.flac --top 5
  attune predict weights.safetensors a.ogg b.wav --json > tags.jsonl

With --json each file gives one line: {\"file\", \"duration_s\", \"tags\": {tag: probability}}, tags by falling probability.
A file that cannot be read is named on stderr and skipped; the exit code is then 3.")]
pub(super) struct Args {
    /// A run (id or folder; its best checkpoint), a weights file, or `tunes` or `demo`, which come with Attune
    weights: PathBuf,
    /// Audio files: MP3, OGG Vorbis, Opus, FLAC, WAV, AAC or M4A
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Tags to show per file (without --json)
    #[arg(long, value_name = "N", default_value_t = 8)]
    top: usize,
    /// Print one JSON object per file, with all tags
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: Args, console: &Console) -> Result<(), Failure> {
    let model = resolve_model(&args.weights, console)?;
    let mut n_failed = 0;
    for file in &args.files {
        let job = console.job();
        let tagged = tag(&model, file, &job);
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
    if n_failed > 0 {
        return Err(Failure::new(
            Fault::BadInput,
            anyhow!(
                "{n_failed} of {} files could not be tagged",
                args.files.len()
            ),
        ));
    }
    Ok(())
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
