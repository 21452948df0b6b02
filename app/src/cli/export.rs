//! `attune export`: a model as a file for other programs.

use super::weights_argument::resolve_model;
use super::{Console, Failure, Fault, ResultExt};
use attune_core::predict::ExportFormat;
use std::path::PathBuf;

/// Writes a model, with its tags, front end and configuration, as ONNX or safetensors.
///
/// ONNX (opset 17) goes from the network's own input (log_mel or power_spectrum [batch, rows, frames], waveform [batch, samples]) to
/// probabilities and logits [batch, tags]. The batch is open, and so is the time within the lengths that the network takes. Tags, front
/// end and lengths stand in the metadata under `attune` and `columns`, as JSON.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  attune export tiny-tunes-1 tagger.onnx
  attune export tunes tagger.safetensors
  attune export best_model.pth tagger.onnx")]
pub(super) struct Args {
    /// A run, a file of weights, or a model that comes with Attune (tunes, demo)
    #[arg(value_name = "MODEL")]
    model: PathBuf,
    /// The file to write: .onnx or .safetensors
    #[arg(value_name = "OUT")]
    out: PathBuf,
}

pub(super) fn run(args: Args, console: &Console) -> Result<(), Failure> {
    ExportFormat::of(&args.out).fault(Fault::Usage)?;
    let model = resolve_model(&args.model, console)?;
    model.export(&args.out).failed()?;
    console.say(&format!("wrote {}", args.out.display()));
    Ok(())
}
