//! `attune augment`: what the network hears after augmentation, as a file.

use super::{Console, Failure, Fault, ResultExt};
use attune_core::audio;
use attune_core::augment::{Chain, Draw, Effect, Error};
use attune_core::rng::{Address, Purpose};
use std::path::PathBuf;

/// Apply augmentations to an audio file.
///
/// OUT is a mono WAV (32-bit float) with the rate and the exact length of IN, not dithered, not normalised.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Effects: polarity  noise:ratio=0.4  gain:db=-6  high-pass:hz=700  low-pass:hz=3000  delay:ms=300
         pitch:cents=-300  reverb:reverberance=50,damping=50,room=50
         (a number that is not given is the one above)

Examples:
  attune augment song.mp3 low.wav --effect low-pass:hz=3000
  attune augment song.mp3 room.wav --effect pitch:cents=-300 reverb:room=80 gain:db=-3
  attune augment song.mp3 rolled.wav --draw --seed 7")]
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
    #[arg(long, conflicts_with = "effects", required_unless_present = "effects")]
    draw: bool,
    /// What is rolled from: a preset (reference, paper, none) or a .toml file
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
}

pub(super) fn run(args: Args, console: &Console) -> Result<(), Failure> {
    let draw = if args.draw {
        chain(&args.chain)?.draw(Address::new(args.seed, Purpose::Augment, 0))
    } else {
        Draw::of(args.effects, args.seed)
    };
    let job = console.job();
    let decoded = audio::decode(&args.input, &job).bad_input()?;
    drop(job);
    for warning in &decoded.warnings {
        console.say(&format!("{}: {warning}", args.input.display()));
    }
    let rate_hz = decoded.clip.rate_hz;
    let mut wave = decoded.clip.to_mono();
    let n_clipped = draw.apply_in_place(&mut wave, rate_hz);
    if n_clipped > 0 {
        console.say(&format!(
            "{n_clipped} of {} samples were clipped at full scale",
            wave.len()
        ));
    }
    console.cancel.check().failed()?;
    audio::write_wav(&args.output, &wave, rate_hz).failed()?;
    if args.draw {
        for effect in &draw.effects {
            console.line(&effect.to_string())?;
        }
    }
    Ok(())
}

fn chain(name: &str) -> Result<Chain, Failure> {
    Chain::named(name).map_err(|error| {
        let fault = match error {
            Error::UnknownChain { .. } => Fault::Usage,
            _ => Fault::BadInput,
        };
        Failure::new(fault, error)
    })
}
