//! `attune augment`: what the network hears after augmentation, as a file, and the record that makes it again.

use super::chains::find;
use super::{Console, Failure, Fault, ResultExt};
use attune_core::audio;
use attune_core::augment::{Draw, Effect, Sidecar, Sounds};
use attune_core::rng::{Address, Purpose};
use std::path::{Path, PathBuf};

/// Apply augmentations to an audio file.
///
/// OUT is a mono WAV (32-bit float) with the rate and the exact length of IN, not dithered, not normalised.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Effects of the paper:
         polarity  noise:ratio=0.4  gain:db=-6  high-pass:hz=700  low-pass:hz=3000  delay:ms=300
         pitch:cents=-300  reverb:reverberance=50,damping=50,room=50
Further effects:
         time-stretch:percent=110  time-mask:start=40,ms=500  frequency-mask:hz=1000,octaves=1
         crop:start=25,keep=50  mp3:kbps=48  ogg:kbps=48
With another file (--with), or several of which `other` picks one, from 0 (the first) to 1 (the last):
         mixup:share=0.7,other=0.5  background:snr=12,other=0.5
         (a number that is not given is the one above)

Examples:
  attune augment song.mp3 low.wav --effect low-pass:hz=3000
  attune augment song.mp3 room.wav --effect pitch:cents=-300 reverb:room=80 gain:db=-3
  attune augment song.mp3 street.wav --effect background:snr=6 --with street.flac
  attune augment song.mp3 rolled.wav --draw --seed 7 --chain my-chain --sidecar
  attune augment song.mp3 again.wav --replay rolled.json")]
pub(super) struct Args {
    /// Audio file: MP3, OGG, Opus, FLAC, WAV, AIFF, AAC or M4A
    #[arg(value_name = "IN")]
    input: PathBuf,
    /// Where to write, as .wav
    #[arg(value_name = "OUT")]
    output: PathBuf,
    /// Effects, always applied, in this order
    #[arg(long = "effect", value_name = "EFFECT", num_args = 1.., value_parser = Effect::parse)]
    effects: Vec<Effect>,
    /// Roll the effects as training does; they are printed, one a line
    #[arg(long, conflicts_with = "effects", required_unless_present_any = ["effects", "replay"])]
    draw: bool,
    /// What is rolled from: a shipped chain (reference, paper, none), an own one (`attune chains list`), or a .toml file
    #[arg(
        long,
        value_name = "CHAIN",
        default_value = "reference",
        requires = "draw"
    )]
    chain: String,
    /// Seed of the draw and of the noise
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Another track for mixup and background; may be given several times
    #[arg(long = "with", value_name = "FILE")]
    company: Vec<PathBuf>,
    /// Write OUT.json beside OUT: what was applied to what, enough to make it again
    #[arg(long)]
    sidecar: bool,
    /// Apply what such a record says, to the clip that it says of IN
    #[arg(long, value_name = "OUT.json", conflicts_with_all = ["effects", "draw", "seed", "chain"])]
    replay: Option<PathBuf>,
}

pub(super) fn run(args: Args, console: &Console) -> Result<(), Failure> {
    let record = args.replay.as_deref().map(Sidecar::read).transpose();
    let record = record.bad_input()?;
    let draw = match &record {
        Some(record) => record.draw.clone(),
        None if args.draw => {
            find(&args.chain, console)?.draw(Address::new(args.seed, Purpose::Augment, 0))
        }
        None => Draw::of(args.effects, args.seed),
    };
    let company_files = match &record {
        Some(record) if args.company.is_empty() => record.company.clone(),
        _ => args.company,
    };
    if draw.needs_company() && company_files.is_empty() {
        let advice = "mixup and background need another track: name one with --with FILE";
        // A record without other tracks is of a draw that left them out, too. It keeps them, since the noise of an effect depends on its place.
        if args.draw || record.is_some() {
            console.say(&format!("left out: {advice}"));
        } else {
            return Err(Failure::new(Fault::Usage, anyhow::anyhow!(advice)));
        }
    }
    let (whole, rate_hz) = decode(&args.input, record.as_ref().map(|r| r.rate_hz), console)?;
    let (start_samples, mut wave) = match &record {
        Some(record) => (record.start_samples, record.cut(&whole)),
        None => (0, whole),
    };
    let mut company = Sounds::default();
    for file in &company_files {
        let (wave, _) = decode(file, Some(rate_hz), console)?;
        company.waves.push(wave.into());
    }
    let applied = draw.apply_among(&mut wave, rate_hz, &company);
    if applied.n_clipped > 0 {
        console.say(&format!(
            "{} of {} samples were clipped at full scale",
            applied.n_clipped,
            wave.len()
        ));
    }
    console.cancel.check().failed()?;
    audio::write_wav(&args.output, &wave, rate_hz).failed()?;
    if args.sidecar {
        let (chain, note) = match record {
            Some(record) => (record.chain, record.note),
            None => (args.draw.then_some(args.chain), String::new()),
        };
        let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let beside = Sidecar {
            attune: env!("CARGO_PKG_VERSION").to_owned(),
            source: absolute(&args.input),
            start_samples,
            n_samples: wave.len() as u64,
            rate_hz,
            draw: draw.clone(),
            chain,
            company: company_files.iter().map(|file| absolute(file)).collect(),
            note,
        };
        beside.write(&Sidecar::beside(&args.output)).failed()?;
    }
    if args.draw || args.replay.is_some() {
        for effect in &draw.effects {
            console.line(&effect.to_string())?;
        }
    }
    Ok(())
}

/// A file as one channel, at `rate_hz` if that is given, else at its own rate.
fn decode(
    file: &Path,
    rate_hz: Option<u32>,
    console: &Console,
) -> Result<(Vec<f32>, u32), Failure> {
    let job = console.job();
    let decoded = audio::decode(file, &job).bad_input()?;
    drop(job);
    for warning in &decoded.warnings {
        console.say(&format!("{}: {warning}", file.display()));
    }
    let own_hz = decoded.clip.rate_hz;
    let wave = decoded.clip.to_mono();
    match rate_hz {
        Some(rate_hz) if rate_hz != own_hz => {
            let wave = audio::resample(&wave, own_hz, rate_hz).bad_input()?;
            Ok((wave, rate_hz))
        }
        _ => Ok((wave, own_hz)),
    }
}
