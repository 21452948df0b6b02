//! `attune sweep`: how strong an effect may get before a model loses the tags of a song.

use super::curve_files::CurveFiles;
use super::weights_argument::resolve_model;
use super::{Console, Failure, Fault, ResultExt};
use crate::robustness_files::write_sweep;
use anyhow::anyhow;
use attune_core::audio;
use attune_core::augment::{self, Draw, Effect, steps};
use attune_core::predict::{BreakPoint, Model, ShownSweep, Sweep, SweepPlan, sweep};
use std::path::PathBuf;

/// Sweeps one number of an effect over a clip and tells at which value each tag is lost.
///
/// A tag is lost where its probability falls below one half or, if it is below that without the effect already, below half of what it is
/// then.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  attune sweep song.mp3 --model tunes --effect pitch --from -700 --to 700 --steps 29
  attune sweep song.mp3 --model my-run --effect reverb:room=90 --parameter reverberance --tag \"female vocal\" flute --svg lost.svg
  attune sweep song.mp3 --model tunes --against my-run --effect low-pass --csv lost.csv

An effect is written as for `attune augment --effect`; numbers that are not swept keep what is given there.")]
pub(super) struct Args {
    /// Audio file
    song: PathBuf,
    /// A run (id or folder; its best checkpoint), a weights file, or `tunes` or `demo`, which come with Attune
    #[arg(long)]
    model: PathBuf,
    /// Another model beside it
    #[arg(long, value_name = "MODEL")]
    against: Option<PathBuf>,
    /// The effect
    #[arg(long, value_parser = Effect::parse)]
    effect: Effect,
    /// Which of its numbers runs (default: the one that says how strong the effect is)
    #[arg(long, value_name = "NAME")]
    parameter: Option<String>,
    /// Smallest value (default: what a slider in Audition begins with)
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    from: Option<f32>,
    /// Greatest value (default: what a slider in Audition ends with)
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    to: Option<f32>,
    /// How many values; by equal factors where the ear hears factors
    #[arg(long, value_name = "N", default_value_t = 29, value_parser = clap::value_parser!(u16).range(2..=1000))]
    steps: u16,
    /// Effects that are applied before it, at their own strengths
    #[arg(long, value_name = "EFFECT", num_args = 1.., value_parser = Effect::parse)]
    before: Vec<Effect>,
    /// Effects that are applied after it
    #[arg(long, value_name = "EFFECT", num_args = 1.., value_parser = Effect::parse)]
    after: Vec<Effect>,
    /// Seed of the noise
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Tags to tell of (default: the eight most probable)
    #[arg(long = "tag", value_name = "TAG", num_args = 1..)]
    tags: Vec<String>,
    /// Where the clip begins in the song, in seconds; it is as long as what the model hears at once
    #[arg(long, value_name = "SECONDS", default_value_t = 0.0)]
    start: f64,
    /// Take this probability for the threshold of every tag
    #[arg(long, value_name = "P")]
    threshold: Option<f32>,
    #[command(flatten)]
    files: CurveFiles,
}

/// Tags that are told of where none is named.
const TOP: usize = 8;

pub(super) fn run(args: Args, console: &Console) -> Result<(), Failure> {
    let files = args.files.named()?;
    let plan = plan(&args)?;
    let model = resolve_model(&args.model, console)?;
    let other = args.against.as_ref();
    let other = other
        .map(|other| resolve_model(other, console))
        .transpose()?;
    for tag in &args.tags {
        let knows = |model: &Model| model.tags.contains(tag);
        if !knows(&model) && !other.as_ref().is_some_and(knows) {
            let why = anyhow!(
                "the model knows no tag `{tag}`; it knows {}",
                model.tags.join(", ")
            );
            return Err(Failure::new(Fault::Usage, why));
        }
    }
    let job = console.job();
    let decoded = audio::decode(&args.song, &job).bad_input()?;
    let rate_hz = model.sample_rate_hz();
    let mono = decoded.clip.to_mono();
    let wave = audio::resample(&mono, decoded.clip.rate_hz, rate_hz).bad_input()?;
    let start = (args.start.max(0.0) * f64::from(rate_hz)) as usize;
    if start >= wave.len() {
        let secs = wave.len() as f64 / f64::from(rate_hz);
        let why = anyhow!(
            "--start {} lies behind the end of the song ({secs:.1} s)",
            args.start
        );
        return Err(Failure::new(Fault::Usage, why));
    }
    let clip = &wave[start..wave.len().min(start + model.input_samples)];
    let models: Vec<&Model> = std::iter::once(&model).chain(&other).collect();
    let found = sweep(&models, clip, rate_hz, &plan, &job, &|_| ()).failed()?;
    drop(job);
    for warning in &decoded.warnings {
        console.say(&format!("{}: {warning}", args.song.display()));
    }
    let tags = if args.tags.is_empty() {
        let top = found.by_probability(0).into_iter().take(TOP);
        top.map(|tag| model.tags[tag].clone()).collect()
    } else {
        args.tags.clone()
    };
    let song = args.song.file_stem().unwrap_or_default().to_string_lossy();
    let shown = ShownSweep {
        sweep: &found,
        song: &song,
        start_secs: start as f64 / f64::from(rate_hz),
        tags: &tags,
        threshold: args.threshold,
    };
    console.line(&format!(
        "{song} from {:.1} s, {:.1} s long",
        shown.start_secs,
        clip.len() as f64 / f64::from(rate_hz)
    ))?;
    for at in 0..found.models.len() {
        print(&shown, at, console)?;
    }
    for path in files {
        write_sweep(&shown, path, &args.files.print()).failed()?;
        console.say(&format!("written: {}", path.display()));
    }
    Ok(())
}

fn plan(args: &Args) -> Result<SweepPlan, Failure> {
    let kind = args.effect.kind();
    let idx = match &args.parameter {
        Some(name) => kind.parameter_idx(name).fault(Fault::Usage)?,
        None => match kind.strength() {
            Some((idx, _)) => idx,
            None => {
                let why = anyhow!("{} has no numbers to sweep", kind.name());
                return Err(Failure::new(Fault::Usage, why));
            }
        },
    };
    let parameter = &kind.parameters()[idx];
    let from = args.from.unwrap_or(parameter.by_ear.0);
    let to = args.to.unwrap_or(parameter.by_ear.1);
    let values = steps(from, to, args.steps.into(), parameter.logarithmic);
    let mut others = args.before.iter().chain(&args.after);
    if let Some(other) = others.find(|effect| effect.kind().needs_company()) {
        let effect = other.kind().name();
        return Err(augment::Error::NoCompany { effect }).fault(Fault::Usage);
    }
    let mut effects = args.before.clone();
    effects.push(args.effect);
    effects.extend(&args.after);
    SweepPlan::new(Draw::of(effects, args.seed), args.before.len(), idx, values).fault(Fault::Usage)
}

/// The break points of one model's tags.
fn print(shown: &ShownSweep<'_>, at: usize, console: &Console) -> Result<(), Failure> {
    let found: &Sweep = shown.sweep;
    let model = &found.models[at];
    let (plan, parameter) = (&found.plan, found.plan.parameter());
    let values = plan.values();
    let (low, high) = (values[0], values[values.len() - 1]);
    let unit = parameter.unit;
    console.line(&format!(
        "\n{}: {}, {} {} to {} {unit} in {} steps",
        model.name,
        plan.kind().label(),
        parameter.label,
        number(low),
        number(high),
        values.len()
    ))?;
    let width = shown.tags.iter().map(|tag| tag.chars().count());
    let width = width.max().unwrap_or(0).max(3);
    let unit = if unit.len() <= 5 { unit } else { "" };
    console.line(&format!(
        "{:<width$}  {:>6}  {:<22}  {:<22}  lost is",
        "tag", "clean", "lost going down", "lost going up"
    ))?;
    let words = |point: Option<BreakPoint>| match point {
        None => "-".to_owned(),
        Some(BreakPoint::At(x)) => format!("at {} {unit}", number(x)),
        Some(BreakPoint::Before(x)) => format!("before {} {unit}", number(x)),
        Some(BreakPoint::Never(x)) => format!("never up to {} {unit}", number(x)),
    };
    for tag in shown.tags {
        let Some(place) = model.tags.iter().position(|known| known == tag) else {
            console.line(&format!("{tag:<width$}  the model does not know it"))?;
            continue;
        };
        let (threshold, breaks) = found.breaks(at, place, shown.threshold);
        console.line(&format!(
            "{tag:<width$}  {:>6.3}  {:<22}  {:<22}  {}",
            model.clean[place],
            words(breaks.down).trim_end(),
            words(breaks.up).trim_end(),
            threshold.words()
        ))?;
    }
    Ok(())
}

/// A value with as many digits as mean something.
fn number(value: f32) -> String {
    if value.abs() >= 100.0 {
        format!("{value:.0}")
    } else {
        let text = format!("{value:.2}");
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    }
}
