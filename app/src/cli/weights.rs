//! `attune weights`: what a file of weights holds, before anything is loaded; and turning it into safetensors.

use super::{Console, Failure, Fault, ResultExt};
use anyhow::Context;
use attune_core::message::full_message;
use attune_core::models::ModelConfig;
use attune_core::predict::{Checkpoint, ExportFormat, Key, LoadOptions};
use attune_core::weights::{Entry, Format, KeyMap, Report, Standing};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// Reads safetensors and PyTorch checkpoints (.pth, .pt, .ckpt; zip and legacy layout), told by their content. Reading runs no code.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  attune weights best_model.pth
  attune weights epoch=12.ckpt --prefix teacher_network. --json | jq .report.missing
  attune weights epoch=12.ckpt --tags tags.txt --convert student.safetensors")]
pub(super) struct Args {
    /// Weights: safetensors, or a PyTorch checkpoint
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// How the network's keys begin, e.g. teacher_network. (default: the likeliest; \"\" takes all keys)
    #[arg(long)]
    prefix: Option<String>,
    /// Which dictionary of the checkpoint (default: state_dict, or the likeliest)
    #[arg(long, value_name = "NAME")]
    dictionary: Option<String>,
    /// Attention heads, where the file does not say (default: 8)
    #[arg(long, value_name = "N")]
    heads: Option<usize>,
    /// The tags in the order of the network's answers, one a line
    #[arg(long, value_name = "FILE")]
    tags: Option<PathBuf>,
    /// Write the network as .safetensors or .onnx, with its configuration and tags
    #[arg(long, value_name = "OUT")]
    convert: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// What is told of a file.
#[derive(Debug, Serialize)]
struct Shown<'a> {
    file: &'a Path,
    format: Format,
    dictionary: Option<&'a str>,
    other_dictionaries: &'a [String],
    #[serde(flatten)]
    key_map: &'a KeyMap,
    /// The recognised network.
    network: Option<ShownNetwork<'a>>,
    /// Why none is recognised.
    unrecognised: Option<String>,
    report: Option<&'a Report>,
    keys: Vec<&'a Entry>,
}

#[derive(Debug, Serialize)]
struct ShownNetwork<'a> {
    n_parameters: usize,
    #[serde(flatten)]
    config: &'a ModelConfig,
    tags: &'a [String],
}

pub(super) fn run(args: Args, console: &Console) -> Result<(), Failure> {
    if let Some(out) = &args.convert {
        ExportFormat::of(out).fault(Fault::Usage)?;
    }
    let options = LoadOptions {
        n_heads: args.heads,
        prefix: args.prefix,
        dictionary: args.dictionary,
        tags: args.tags.as_deref().map(read_tags).transpose()?,
    };
    let checkpoint = Checkpoint::open(&args.file, &options).bad_input()?;
    let file = checkpoint.file();
    let shown = Shown {
        file: &args.file,
        format: file.format(),
        dictionary: file.dictionary(),
        other_dictionaries: file.other_dictionaries(),
        key_map: checkpoint.key_map(),
        network: checkpoint.config().ok().zip(checkpoint.n_parameters()).map(
            |(config, n_parameters)| ShownNetwork {
                n_parameters,
                config,
                tags: checkpoint.tags(),
            },
        ),
        unrecognised: checkpoint.config().err().map(|error| full_message(error)),
        report: checkpoint.report(),
        keys: file.entries().collect(),
    };
    if args.json {
        console.json(&shown)?;
    } else {
        print(&shown, &checkpoint.keys().collect::<Vec<_>>(), console)?;
    }
    if let Some(out) = args.convert {
        let model = checkpoint
            .load()
            .with_context(|| format!("cannot convert {}", args.file.display()))
            .bad_input()?;
        model.export(&out).failed()?;
        console.say(&format!("wrote {}", out.display()));
    }
    Ok(())
}

fn read_tags(path: &Path) -> Result<Vec<String>, Failure> {
    LoadOptions::read_tags(path)
        .with_context(|| format!("cannot read the tags in {}", path.display()))
        .bad_input()
}

fn print(shown: &Shown<'_>, keys: &[Key<'_>], console: &Console) -> Result<(), Failure> {
    let line = |name: &str, text: &str| console.line(&format!("{name:<11} {text}"));
    line("file", &shown.file.display().to_string())?;
    line("format", shown.format.label())?;
    if let Some(dictionary) = shown.dictionary {
        line("dictionary", &visible(dictionary))?;
    }
    if !shown.other_dictionaries.is_empty() {
        line("also there", &visible(&shown.other_dictionaries.join(", ")))?;
    }
    if !shown.key_map.prefix.is_empty() {
        line("prefix", &visible(&shown.key_map.prefix))?;
    }
    if !shown.key_map.left_out.is_empty() {
        let groups = shown.key_map.left_out.iter();
        let groups: Vec<_> = groups.map(|(name, n)| format!("{n} of {name}")).collect();
        line("left out", &visible(&groups.join(", ")))?;
    }
    match &shown.network {
        Some(ShownNetwork {
            n_parameters,
            config,
            ..
        }) => {
            let (architecture, n_tags) = (config.architecture(), config.n_tags());
            line(
                "network",
                &format!("{architecture}, {n_parameters} parameters, {n_tags} tags"),
            )?;
        }
        None => line(
            "network",
            &visible(shown.unrecognised.as_deref().unwrap_or("unknown")),
        )?,
    }
    if let Some(report) = shown.report {
        line("fits", if report.fits() { "yes" } else { "no" })?;
        line("compared", &visible(&report.to_string()))?;
    }
    console.line("")?;
    let width = |text: fn(&Entry) -> String| {
        let all = keys.iter().map(|key| text(key.entry).chars().count());
        all.max().unwrap_or(0)
    };
    let name = |entry: &Entry| visible(&entry.name);
    let shape = |entry: &Entry| format!("{:?}", entry.shape);
    let (name_width, shape_width) = (width(name), width(shape));
    for Key { entry, standing } in keys {
        // What is simply matched needs no word.
        let standing = standing.filter(|standing| *standing != Standing::Matched);
        let note = standing.map_or("", Standing::label);
        let row = format!(
            "{:<name_width$}  {:<4}  {:<shape_width$}  {note}",
            name(entry),
            entry.dtype,
            shape(entry)
        );
        console.line(row.trim_end())?;
    }
    let missing = shown.report.map_or(&[][..], |report| &report.missing);
    for missing in missing {
        console.line(&format!("{missing:<name_width$}  missing"))?;
    }
    Ok(())
}

/// Names come from a file: nothing in them may steer the terminal.
fn visible(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}
