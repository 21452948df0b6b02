//! `attune features`: what a network would see of a file.

use super::{Console, Failure, ResultExt};
use anyhow::Context as _;
use attune_core::audio;
use attune_core::features::{FrontEnd, LogMelExtractor};
use clap::ValueEnum;
use std::path::PathBuf;

/// Compute the log-mel spectrogram of an audio file.
///
/// The file is mixed to mono and resampled to the front end's rate. OUT gets one tensor `logmel`, F32,
/// (bands, 1 + floor(samples / hop)), in dB.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: attune features song.mp3 song.safetensors --front-end sota96")]
pub(super) struct Args {
    /// Audio file: MP3, OGG, Opus, FLAC, WAV, AIFF, AAC or M4A
    #[arg(value_name = "IN")]
    input: PathBuf,
    /// Where to write, as .safetensors
    #[arg(value_name = "OUT")]
    output: PathBuf,
    /// Which networks' view: rate, window and bands
    #[arg(long, value_enum, default_value_t = Preset::Mtt)]
    front_end: Preset,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Preset {
    /// Music Tagging Transformer: 22,050 Hz, window 1024, 128 bands
    Mtt,
    /// FCN, Musicnn, CRNN: 16 kHz, window 512, 96 bands
    Sota96,
    /// Short-chunk CNN: 16 kHz, window 512, 128 bands
    Sota128,
}

pub(super) fn run(args: Args, console: &Console) -> Result<(), Failure> {
    let front_end = match args.front_end {
        Preset::Mtt => FrontEnd::mtt(),
        Preset::Sota96 => FrontEnd::sota96(),
        Preset::Sota128 => FrontEnd::sota128(),
    };
    let job = console.job();
    let decoded = audio::decode(&args.input, &job).bad_input()?;
    drop(job);
    for warning in &decoded.warnings {
        console.say(&format!("{}: {warning}", args.input.display()));
    }
    let clip = decoded.clip;
    let wave =
        audio::resample(&clip.to_mono(), clip.rate_hz, front_end.sample_rate_hz).bad_input()?;
    let log_mel = LogMelExtractor::new(&front_end)
        .failed()?
        .log_mel(&wave)
        .with_context(|| format!("no spectrogram of {}", args.input.display()))
        .bad_input()?;
    log_mel.write(&args.output, &front_end).failed()
}
