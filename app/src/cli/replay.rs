//! `attune replay`: a clip that a run's network got, made again as a file.

use super::{Console, Failure, ResultExt};
use attune_core::audio;
use attune_core::train::{self, ReplayOf};
use std::path::PathBuf;

/// Make a training clip of a run again, to the bit: cut where it was cut, augmented as it was augmented.
///
/// OUT is a mono WAV (32-bit float). The effects that were rolled are printed, one a line.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  attune replay my-run --track s00017 --epoch 12 heard.wav
  attune replay my-run --track s00017 --epoch 12 heard.wav --original clean.wav")]
pub(super) struct Args {
    /// The run: its id or its folder
    run: PathBuf,
    /// Where to write, as .wav
    #[arg(value_name = "OUT")]
    output: PathBuf,
    /// Id of a track that the run learns from
    #[arg(long, value_name = "ID")]
    track: String,
    /// Epoch, from 1
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    epoch: u32,
    /// How often the track had come before in that epoch: 0 unless a noisy student goes round its shorter stream
    #[arg(long, value_name = "N", default_value_t = 0)]
    visit: u32,
    /// Write the clip before augmentation, too
    #[arg(long, value_name = "FILE")]
    original: Option<PathBuf>,
}

pub(super) fn run(args: Args, console: &Console) -> Result<(), Failure> {
    let of = ReplayOf {
        run: console.run_folder(&args.run)?,
        epoch: args.epoch - 1,
        visit: args.visit,
        track: args.track,
    };
    let job = console.job();
    let replay = train::replay(&of, &console.workspace, &job).bad_input()?;
    drop(job);
    for warning in &replay.warnings {
        console.say(warning);
    }
    audio::write_wav(&args.output, &replay.wave, replay.rate_hz).failed()?;
    if let Some(path) = &args.original {
        audio::write_wav(path, &replay.original, replay.rate_hz).failed()?;
    }
    for effect in replay.draw.iter().flat_map(|draw| &draw.effects) {
        console.line(&effect.to_string())?;
    }
    Ok(())
}
