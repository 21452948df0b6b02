//! `attune explain`: the timeline of a song as picture and table.

use super::weights_argument::resolve_model;
use super::{Console, Failure, Fault, ResultExt};
use anyhow::{Context, anyhow};
use attune_core::audio;
use attune_core::dataset::Dataset;
use attune_core::interpret::{
    Backdrop, Method, SongExplanation, SongSettings, draw, song, write_csv,
};
use attune_core::predict::Model;
use attune_core::workspace::write_whole;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Shows which moments of a song make a model give a tag.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  attune explain tunes song.mp3 --out pictures
  attune explain weights.safetensors song.flac --tag guitar --tag \"female vocal\" --out pictures
  attune explain demo ~/music/tunes/audio/00/t00001.ogg --data ~/music/tunes --out pictures

Writes NAME.png, NAME.svg and NAME.csv into DIR, NAME being the song's. The table has one line per tag and token:
  time_s              centre of the token in the song
  probability         of the tag, if the class token reads this token only (Won et al. 2019)
  contribution_logit  logit of that, less the logit if the class token reads only itself: above 0 speaks for the tag

A network without a class token is explained by occlusion: contribution_logit is what the logit loses if the stretch around time_s is
silent, probability that of the windows around it.

Windows of the model's length slide over the song and are cross-faded.")]
pub(super) struct Args {
    /// A run (id or folder; its best checkpoint), a weights file, or `tunes` or `demo`, which come with Attune
    weights: PathBuf,
    /// An audio file: MP3, OGG Vorbis, Opus, FLAC, WAV, AAC or M4A
    file: PathBuf,
    /// Tag to explain; may be given several times
    #[arg(long = "tag", value_name = "TAG")]
    tags: Vec<String>,
    /// Without --tag: explain the N most probable tags
    #[arg(long, value_name = "N", default_value_t = 5, conflicts_with = "tags")]
    top: usize,
    /// Folder for the results
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Data set that FILE belongs to: where its timelines say that a tag holds is drawn behind the tag's probability
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Largest distance between two windows (default: half the model's length)
    #[arg(long, value_name = "SECONDS")]
    hop: Option<f64>,
}

pub(super) fn run(args: Args, console: &Console) -> Result<(), Failure> {
    if args.hop.is_some_and(|hop| !(hop > 0.0 && hop.is_finite())) {
        return Err(Failure::new(
            Fault::Usage,
            anyhow!("--hop must be more than 0 seconds"),
        ));
    }
    let model = resolve_model(&args.weights, console)?;
    let chosen = tag_idxs(&model, &args.tags)?;
    let known = match &args.data {
        Some(folder) => known_spans(folder, &args.file)?,
        None => Vec::new(),
    };
    let job = console.job();
    let wave = audio::decode_mono(&args.file, model.sample_rate_hz(), &job).bad_input()?;
    let settings = SongSettings {
        max_hop_secs: args.hop,
        ..SongSettings::default()
    };
    let explanation = song(&model, &wave, &settings, &job)
        .with_context(|| args.file.display().to_string())
        .failed()?;
    let tags = if args.tags.is_empty() {
        let mut order = explanation.over_time.by_probability();
        order.truncate(args.top.max(1));
        order
    } else {
        chosen
    };
    let written = write(&args, &model, &wave, &explanation, &tags, &known).failed()?;
    drop(job);
    for &tag in &tags {
        console.say(&format!(
            "{:.3}  {}",
            explanation.over_time.whole_song[tag], explanation.tags[tag]
        ));
    }
    if explanation.map(Method::Occlusion).is_some() {
        console.say("explained by occlusion: the network has no class token");
    }
    for path in written {
        console.line(&path.display().to_string())?;
    }
    Ok(())
}

/// The indices of tags, in the order given; a tag twice counts once.
fn tag_idxs(model: &Model, names: &[String]) -> Result<Vec<usize>, Failure> {
    let mut idxs = Vec::new();
    for name in names {
        let idx = model
            .tags
            .iter()
            .position(|tag| tag == name)
            .ok_or_else(|| {
                Failure::new(
                    Fault::Usage,
                    anyhow!(
                        "{} knows no tag {name:?}; it knows {}",
                        model.name,
                        model.tags.join(", ")
                    ),
                )
            })?;
        if !idxs.contains(&idx) {
            idxs.push(idx);
        }
    }
    Ok(idxs)
}

/// When tags are known to hold in `file`, a track of the data set in `folder`.
fn known_spans(folder: &Path, file: &Path) -> Result<Vec<(String, Range<f64>)>, Failure> {
    let dataset = Dataset::open(folder).bad_input()?;
    let wanted = file
        .canonicalize()
        .with_context(|| file.display().to_string())
        .bad_input()?;
    let track = dataset
        .tracks
        .iter()
        .find(|track| track.path.canonicalize().is_ok_and(|path| path == wanted))
        .ok_or_else(|| {
            let (file, folder) = (file.display(), folder.display());
            Failure::new(
                Fault::BadInput,
                anyhow!("{file} is no track of the data set in {folder}"),
            )
        })?;
    Ok(track
        .timeline
        .iter()
        .filter_map(|span| {
            let tag = dataset.tags.get(span.tag.0 as usize)?;
            Some((tag.clone(), span.start_secs..span.end_secs))
        })
        .collect())
}

fn write(
    args: &Args,
    model: &Model,
    wave: &[f32],
    explanation: &SongExplanation,
    tags: &[usize],
    known: &[(String, Range<f64>)],
) -> anyhow::Result<[PathBuf; 3]> {
    let name = args
        .file
        .file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let path = |extension: &str| args.out.join(format!("{name}.{extension}"));
    let front_end = model.config.input().picture();
    // A song too short for one frame has no picture, but may still be explained (padded).
    let log_mel = model.picture(wave).ok();
    let secs_per_frame = front_end.hop_samples as f64 / f64::from(front_end.sample_rate_hz);
    let backdrop = Backdrop {
        wave,
        rate_hz: model.sample_rate_hz(),
        log_mel: log_mel.as_ref().map(|log_mel| (log_mel, secs_per_frame)),
    };
    let figure = draw(
        explanation,
        &format!("{name} — {}", model.name),
        tags,
        &backdrop,
        |tag| {
            known
                .iter()
                .filter(|(name, _)| *name == explanation.tags[tag])
                .map(|(_, secs)| secs.clone())
                .collect()
        },
    );
    let [png, svg, csv] = ["png", "svg", "csv"].map(path);
    write_table(&csv, explanation, tags)?;
    figure.write_svg(&svg)?;
    figure.write_png(&png, 2.0)?;
    Ok([png, svg, csv])
}

fn write_table(path: &Path, explanation: &SongExplanation, tags: &[usize]) -> anyhow::Result<()> {
    write_whole(path, |file| write_csv(explanation, tags, file))
        .with_context(|| path.display().to_string())
}
