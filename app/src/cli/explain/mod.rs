//! `attune explain`: the timeline of a song as picture and table, and how far such pictures can be trusted.

mod trust;

use super::print_arguments::PrintArguments;
use super::weights_argument::resolve_model;
use super::{Console, Failure, Fault, ResultExt};
use crate::explanation_files::{Format, Shown, write_sounds};
use anyhow::{Context, anyhow};
use attune_core::audio::{self, Clip};
use attune_core::dataset::{Dataset, Split};
use attune_core::interpret::{
    DrawnTag, Error, Explainer, ExplanationCache, Listening, Method, SongSettings, sounds,
};
use attune_core::predict::{Model, by_probability, tag_track};
use clap::builder::PossibleValuesParser;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Shows which moments of a song make a model give a tag.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  attune explain tunes song.mp3 --out pictures
  attune explain weights.safetensors song.flac --tag guitar --tag \"female vocal\" --out pictures
  attune explain demo ~/music/tunes/audio/00/t00001.ogg --data ~/music/tunes --out pictures
  attune explain tunes song.mp3 --method integrated-gradients --tag piano --out pictures
  attune explain my-musicnn-run song.mp3 --method grad-cam --out pictures   # for networks without a class token
  attune explain tunes song.mp3 --format json,jams,svl --out values
  attune explain tunes song.mp3 --tag piano --sounds --out sounds   # hear the evidence, and the song without it
  attune explain tunes --evaluate --data ~/music/tunes         # how far each method can be trusted
  attune explain tunes --splice --data ~/music/tunes           # two clips joined: is the evidence in the right half?

Writes into DIR what --format names, NAME being the song's:
  png, svg   NAME.png, NAME.svg: the picture; also pdf, and tex for pgfplots
  csv        NAME.csv: a table, one line per tag and token; Sonic Visualiser and others import it
  json       NAME.json: all values, also by the methods made beside the chosen one, with units, grids and probabilities over time
  jams       NAME.jams: JSON Annotated Music Specification; tag_open: the stretches that speak for a tag; vector: its values
  svl        NAME.TAG.METHOD.svl: for each tag a layer for Sonic Visualiser, in samples of FILE's own rate

Columns of the table:
  time_s              centre of the token in the song
  probability         of the tag, if the class token reads this token only (Won et al. 2019), or else that of the windows around it
  contribution_logit  logit of that, less the logit if the class token reads only itself: above 0 speaks for the tag

The last column has the name and the unit of the method. A network without a class token is explained by occlusion if not otherwise
said: occlusion_logit is what the logit loses if the stretch around time_s is silent.

Windows of the model's length slide over the song and are cross-faded.")]
pub(super) struct Args {
    /// A run (id or folder; its best checkpoint), a weights file, or `tunes` or `demo`, which come with Attune
    weights: PathBuf,
    /// An audio file: MP3, OGG Vorbis, Opus, FLAC, WAV, AAC or M4A
    #[arg(required_unless_present_any = ["evaluate", "splice"])]
    file: Option<PathBuf>,
    /// Tag to explain; may be given several times
    #[arg(long = "tag", value_name = "TAG")]
    tags: Vec<String>,
    /// Without --tag: explain the N most probable tags
    #[arg(long, value_name = "N", default_value_t = 5, conflicts_with = "tags")]
    top: usize,
    /// Folder for the results
    #[arg(long, value_name = "DIR", required_unless_present_any = ["evaluate", "splice"])]
    out: Option<PathBuf>,
    /// How to explain; with --evaluate and --splice several times (default: all that apply)
    #[arg(
        long = "method",
        value_name = "METHOD",
        value_parser = PossibleValuesParser::new(Method::ALL.map(Method::name))
    )]
    methods: Vec<String>,
    /// What to write; several with commas between them
    #[arg(
        long = "format",
        value_name = "FORMAT,…",
        value_delimiter = ',',
        default_values_t = [Format::Png, Format::Svg, Format::Csv]
    )]
    formats: Vec<Format>,
    #[command(flatten)]
    print: PrintArguments,
    /// Data set that FILE belongs to: where its timelines say that a tag holds is drawn behind the tag's probability
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Write as well what the evidence of each tag sounds like: NAME.TAG.moments.wav, .evidence.wav and .without.wav
    #[arg(long, requires = "file")]
    sounds: bool,
    /// With --sounds: so many of a tag's strongest moments
    #[arg(long, value_name = "N", default_value_t = 5, requires = "sounds")]
    moments: usize,
    /// Largest distance between two windows (default: half the model's length)
    #[arg(long, value_name = "SECONDS")]
    hop: Option<f64>,
    /// Measure over a data set (--data) how far each method can be trusted
    #[arg(long, requires = "data", conflicts_with_all = ["file", "splice", "tags"])]
    evaluate: bool,
    /// Join clips of a data set (--data) and measure how much of a tag's evidence lies in the half where it is true
    #[arg(long, requires = "data", conflicts_with_all = ["file", "tags"])]
    splice: bool,
    /// With --evaluate and --splice: the split
    #[arg(long, default_value_t = Split::Test, conflicts_with = "file")]
    split: Split,
    /// With --evaluate: at most so many tracks
    #[arg(long, value_name = "N", default_value_t = 50, conflicts_with_all = ["file", "splice"])]
    max_tracks: usize,
    /// With --splice: so many pairs
    #[arg(long, value_name = "N", default_value_t = 200, conflicts_with_all = ["file", "evaluate"])]
    pairs: usize,
    /// With --evaluate and --splice: seed of the draws
    #[arg(long, default_value_t = 1, conflicts_with = "file")]
    seed: u64,
    /// With --evaluate and --splice: print one JSON object
    #[arg(long, conflicts_with = "file")]
    json: bool,
}

pub(super) fn run(args: Args, console: &Console) -> Result<(), Failure> {
    if args.hop.is_some_and(|hop| !(hop > 0.0 && hop.is_finite())) {
        return Err(Failure::new(
            Fault::Usage,
            anyhow!("--hop must be more than 0 seconds"),
        ));
    }
    let model = resolve_model(&args.weights, console)?;
    let methods = methods(&model, &args.methods)?;
    match (&args.data, &args.file, &args.out) {
        (Some(folder), _, _) if args.evaluate => {
            trust::evaluate(&args, &model, methods, folder, console)
        }
        (Some(folder), _, _) if args.splice => {
            trust::splice(&args, &model, methods, folder, console)
        }
        (_, Some(file), Some(out)) => explain(&args, &model, &methods, file, out, console),
        _ => Err(Failure::new(
            Fault::Usage,
            anyhow!("name a file and --out DIR, or --evaluate or --splice with --data DIR"),
        )),
    }
}

/// The methods of these names; empty if none is named. Fails if the model has not one of them.
fn methods(model: &Model, names: &[String]) -> Result<Vec<Method>, Failure> {
    let known = model.methods();
    let mut chosen = Vec::new();
    // Names of no method at all are refused with the arguments.
    for method in names.iter().filter_map(|name| Method::of_name(name)) {
        if !known.contains(&method) {
            let names: Vec<&str> = known.iter().map(|method| method.name()).collect();
            let why = anyhow!(
                "{} needs {}, which {} has not; it has {}",
                method.name(),
                method.needs().name(),
                model.name,
                names.join(", ")
            );
            return Err(Failure::new(Fault::Usage, why));
        }
        if !chosen.contains(&method) {
            chosen.push(method);
        }
    }
    Ok(chosen)
}

fn explain(
    args: &Args,
    model: &Model,
    methods: &[Method],
    file: &Path,
    out: &Path,
    console: &Console,
) -> Result<(), Failure> {
    if methods.len() > 1 {
        return Err(Failure::new(
            Fault::Usage,
            anyhow!("a picture shows one method: name a single --method"),
        ));
    }
    let chosen = tag_idxs(model, &args.tags)?;
    let known = match &args.data {
        Some(folder) => known_spans(folder, file)?,
        None => Vec::new(),
    };
    let job = console.job();
    let clip = audio::decode(file, &job).bad_input()?.clip;
    let rate_hz = Model::sample_rate_hz(model);
    let wave = audio::resample(&clip.to_mono(), clip.rate_hz, rate_hz).bad_input()?;
    let mut wanted = model.usual_methods();
    let method = *methods.first().unwrap_or(&wanted[0]);
    if !wanted.contains(&method) {
        wanted.push(method);
    }
    let top = |answer: &[f32]| {
        let mut tags = by_probability(answer);
        tags.truncate(args.top.max(1));
        tags
    };
    // Only where each tag costs passes of its own must the tags be known before.
    let mut tags = Some(chosen).filter(|chosen| !chosen.is_empty());
    if tags.is_none() && method.is_per_tag() {
        let answer = tag_track(model, &wave, &job)
            .with_context(|| file.display().to_string())
            .failed()?;
        tags = Some(top(&answer));
    }
    let settings = SongSettings {
        max_hop_secs: args.hop,
        methods: wanted,
        tags: tags.clone(),
    };
    let cache = ExplanationCache::below(&console.workspace.cache());
    let explanation = cache
        .song_in_parts(model, &wave, &settings, 0.0, &job, &mut |_| {})
        .with_context(|| file.display().to_string())
        .failed()?;
    let tags = tags.unwrap_or_else(|| top(&explanation.over_time.whole_song));
    let name = file.file_stem().unwrap_or_default().to_string_lossy();
    let rows = tags.iter().map(|&tag| {
        let of_tag = |(name, _): &&(String, Range<f64>)| *name == explanation.tags[tag];
        let spans = known.iter().filter(of_tag);
        DrawnTag {
            tag,
            methods: vec![method],
            truth: spans.map(|(_, secs)| secs.clone()).collect(),
            other: None,
        }
    });
    let shown = Shown {
        name: &name,
        model,
        out,
        file_rate_hz: clip.rate_hz,
        wave: &wave,
        explanation: &explanation,
        method,
        secs: 0.0..explanation.duration_secs,
        rows: rows.collect(),
        print: args.print.print(),
    };
    let mut written = shown.write(&args.formats).failed()?;
    let mut answers = Vec::new();
    if args.sounds {
        let heard = Clip::mono(wave.clone(), Model::sample_rate_hz(model));
        for &tag in &tags {
            let listening = Listening {
                song: &clip,
                heard: &heard,
                explanation: &explanation,
                method,
                tag,
                n_moments: args.moments.max(1),
            };
            let tag = &explanation.tags[tag];
            match sounds(model, &listening, &job) {
                Ok(sounds) => {
                    let files = write_sounds(out, &name, tag, &sounds, &written).failed()?;
                    written.extend(files);
                    let [whole, kept, without] = sounds.answers;
                    let share = 100.0 * sounds.share;
                    answers.push(format!(
                        "{tag}: {whole:.3} as it is, {kept:.3} with all but {share:.0} % of the song faded down, {without:.3} without it"
                    ));
                }
                Err(error @ Error::NoEvidence { .. }) => answers.push(error.to_string()),
                Err(error) => return Err(error).failed(),
            }
        }
    }
    drop(job);
    for &tag in &tags {
        console.say(&format!(
            "{:.3}  {}",
            explanation.over_time.whole_song[tag], explanation.tags[tag]
        ));
    }
    for answer in answers {
        console.say(&answer);
    }
    if args.methods.is_empty() && method == Method::Occlusion {
        console.say("explained by occlusion: the network has no class token");
    }
    if let Some(error) = explanation.completeness_error {
        console.say(&format!(
            "the parts sum to the whole within {:.2} % in every window",
            100.0 * error
        ));
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
