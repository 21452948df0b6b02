//! `attune models`: the networks that there are.

use super::{Console, Failure, ResultExt};
use attune_core::models::{presets, registry};

/// The networks of the paper by the names of their presets, with size, input, and the scores that were published.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  attune models
  attune models --variants
  attune train --preset short-chunk-cnn --data demo

The transformer of the paper also comes in the widths and depths of Table 5 and, like the ResNet, with the input lengths of Figure 2.")]
pub(super) struct Args {
    /// One JSON array
    #[arg(long)]
    json: bool,
    /// Also the variants of Table 5 and Figure 2
    #[arg(long)]
    variants: bool,
}

#[derive(serde::Serialize)]
struct Line {
    preset: String,
    architecture: &'static str,
    parameters: usize,
    input_secs: f64,
    sample_rate_hz: u32,
    citation: Option<&'static str>,
    published: Vec<Published>,
    note: Option<&'static str>,
}

#[derive(serde::Serialize)]
struct Published {
    setting: &'static str,
    roc_auc_macro: f64,
    average_precision_macro: f64,
}

pub(super) fn run(args: Args, console: &Console) -> Result<(), Failure> {
    let names = if args.variants {
        presets::names()
    } else {
        presets::networks().into_iter().map(str::to_owned).collect()
    };
    let lines = names
        .iter()
        .map(|name| line(name))
        .collect::<anyhow::Result<Vec<_>>>()
        .failed()?;
    if args.json {
        return console.json(&lines);
    }
    console.line("preset               parameters    clip     rate  published ROC-AUC / PR-AUC")?;
    for line in &lines {
        let scores: Vec<String> = line
            .published
            .iter()
            .map(|score| {
                format!(
                    "{}: {:.4} / {:.4}",
                    score.setting, score.roc_auc_macro, score.average_precision_macro
                )
            })
            .collect();
        console.line(&format!(
            "{:<20} {:>10}  {:>5.2} s  {:>6} Hz  {}",
            line.preset,
            grouped(line.parameters),
            line.input_secs,
            line.sample_rate_hz,
            scores.first().map_or("", String::as_str),
        ))?;
        for score in scores.iter().skip(1) {
            console.line(&format!("{:53}{score}", ""))?;
        }
        for text in line.citation.iter().chain(&line.note) {
            console.line(&format!("{:6}{text}", ""))?;
        }
    }
    Ok(())
}

fn line(name: &str) -> anyhow::Result<Line> {
    let preset = presets::preset(name)?;
    let card = registry().iter().find(|card| card.preset == name);
    Ok(Line {
        preset: name.to_owned(),
        architecture: preset.config.architecture(),
        parameters: preset.config.n_parameters()?,
        input_secs: preset.input_secs,
        sample_rate_hz: preset.config.input().sample_rate_hz(),
        citation: card.map(|card| card.citation),
        published: card
            .iter()
            .flat_map(|card| card.published)
            .map(|score| Published {
                setting: score.setting,
                roc_auc_macro: score.roc_auc,
                average_precision_macro: score.pr_auc,
            })
            .collect(),
        note: card.map(|card| card.note).filter(|note| !note.is_empty()),
    })
}

/// With commas between thousands.
fn grouped(n: usize) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    #[test]
    fn thousands_are_grouped() {
        assert_eq!(super::grouped(12_104_244), "12,104,244");
        assert_eq!(super::grouped(999), "999");
        assert_eq!(super::grouped(1000), "1,000");
    }
}
