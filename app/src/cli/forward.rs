//! `attune forward`: a network on tensors from a file, as they are; for checking against other implementations.

use super::{Console, Failure, Fault, ResultExt};
use anyhow::{Context, anyhow};
use attune_core::models::{ModelConfig, Pass};
use attune_core::nn::{Tape, probabilities};
use attune_core::predict::{Checkpoint, LoadOptions};
use attune_core::weights;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Folder names under reference/models of the networks that exist.
const KNOWN: [&str; 2] = ["mtt_teacher", "mtt_student"];

/// Each F32 tensor T of the input, (batch, samples) or (samples) at the model's rate, goes whole through the network in
/// evaluation mode. The output holds T.probs, T.logits and with --attention T.attention.layerK (batch, heads, n, n).
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  attune forward --weights teacher.safetensors --input waves.safetensors --output out.safetensors\n  attune forward --weights noisy.ckpt --prefix teacher_network. --input waves.safetensors --output out.safetensors"
)]
pub(super) struct Args {
    /// Weights (safetensors or a PyTorch checkpoint), with the keys of the published checkpoints
    #[arg(long, value_name = "FILE")]
    weights: PathBuf,
    /// Which network it is, e.g. mtt_teacher (default: recognised from the keys)
    #[arg(long)]
    model: Option<String>,
    /// Attention heads, where the file does not say (default: 8)
    #[arg(long, value_name = "N")]
    heads: Option<usize>,
    /// How the network's keys begin, e.g. teacher_network. (default: the likeliest)
    #[arg(long)]
    prefix: Option<String>,
    /// Write the attention weights as well
    #[arg(long)]
    attention: bool,
    /// Waves (safetensors)
    #[arg(long, value_name = "FILE")]
    input: PathBuf,
    /// Where to write (safetensors)
    #[arg(long, value_name = "FILE")]
    output: PathBuf,
}

pub(super) fn run(args: Args, console: &Console) -> Result<(), Failure> {
    if let Some(name) = &args.model
        && !KNOWN.contains(&name.as_str())
    {
        return Err(Failure::new(
            Fault::Usage,
            anyhow!("no network {name:?}; there are {}", KNOWN.join(", ")),
        ));
    }
    let options = LoadOptions {
        n_heads: args.heads,
        prefix: args.prefix,
        ..LoadOptions::default()
    };
    let model = Checkpoint::open(&args.weights, &options)
        .and_then(Checkpoint::load)
        .with_context(|| format!("cannot use the weights in {}", args.weights.display()))
        .bad_input()?;
    // Every network that `--model` may name so far is of this one architecture.
    let ModelConfig::MusicTaggingTransformer(_) = &model.config;

    let input = weights::read(&args.input).bad_input()?;
    let pass = Pass {
        tape: Tape::off(),
        record_attention: args.attention,
        ..Pass::inference()
    };
    let mut out = BTreeMap::new();
    for (name, tensor) in &input.tensors {
        console.cancel.check().map_err(anyhow::Error::from)?;
        let rows = match tensor.rank() {
            1 => tensor.unsqueeze(0),
            _ => Ok(tensor.clone()),
        }
        .and_then(|tensor| tensor.to_vec2::<f32>())
        .with_context(|| format!("{name} is not F32 of shape (batch, samples) or (samples)"))
        .bad_input()?;
        let waves: Vec<&[f32]> = rows.iter().map(Vec::as_slice).collect();
        let (logits, attention) = model
            .log_mels(&waves)
            .and_then(|log_mels| model.forward(&log_mels, &pass))
            .with_context(|| format!("the network cannot take {name}"))
            .bad_input()?;
        out.insert(format!("{name}.probs"), probabilities(&logits).failed()?);
        out.insert(format!("{name}.logits"), logits);
        for (layer, weights) in attention.into_iter().enumerate() {
            out.insert(format!("{name}.attention.layer{layer}"), weights);
        }
    }
    weights::write(&args.output, &out, &BTreeMap::new()).failed()?;
    console.say(&format!("wrote {} tensors", out.len()));
    Ok(())
}
