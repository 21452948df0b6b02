//! `attune forward`: a network on tensors from a file, as they are; for checking against other implementations.

use super::{Console, Failure, Fault, ResultExt};
use anyhow::{Context, anyhow};
use attune_core::models::{Pass, presets, registry};
use attune_core::nn::probabilities;
use attune_core::predict::{Checkpoint, LoadOptions};
use attune_core::weights;
use std::collections::BTreeMap;
use std::path::PathBuf;

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
    let named = args.model.as_deref().map(architecture).transpose()?;
    let options = LoadOptions {
        n_heads: args.heads,
        prefix: args.prefix,
        ..LoadOptions::default()
    };
    let model = Checkpoint::open(&args.weights, &options)
        .and_then(Checkpoint::load)
        .with_context(|| format!("cannot use the weights in {}", args.weights.display()))
        .bad_input()?;
    let found = model.config.architecture();
    if let Some(named) = named
        && named != found
    {
        let advice = anyhow!(
            "the weights in {} are those of a {found}, not of a {named}",
            args.weights.display()
        );
        return Err(Failure::new(Fault::BadInput, advice));
    }

    let input = weights::read(&args.input).bad_input()?;
    let pass = Pass {
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
            .inputs(&waves)
            .and_then(|inputs| model.forward(&inputs, &pass))
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

/// The architecture that `--model` names: by its folder in the reference data, or by a preset.
fn architecture(name: &str) -> Result<&'static str, Failure> {
    let preset = registry()
        .iter()
        .find(|card| card.reference == name)
        .map_or(name, |card| card.preset);
    let Ok(preset) = presets::preset(preset) else {
        let mut known: Vec<_> = registry().iter().map(|card| card.reference).collect();
        known.dedup();
        let advice = anyhow!("no network {name:?}; there are {}", known.join(", "));
        return Err(Failure::new(Fault::Usage, advice));
    };
    Ok(preset.config.architecture())
}
