//! `attune runs diff`: in which settings and facts two runs, or two recipes, differ.

use super::{Console, Failure, ResultExt, table};
use attune_core::run::Setting;
use attune_core::train::{Configured, SettingPair, setting_pairs};

/// So much of a long value is printed; `--json` tells it whole.
const LONGEST: usize = 60;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  attune runs diff demo-3 demo-4
  attune runs diff demo-3 recipe.toml --all
  attune runs diff a.toml b.toml --json | jq '.settings[] | select(.differs)'

Besides the recipe: data set, fingerprint and tags under dataset., the network in full under network., version, teacher and origin under run.
What a recipe leaves out counts as its default.")]
pub(in crate::cli::runs) struct Args {
    /// A run (id, beginning of an id, or folder) or a recipe in a .toml file
    first: String,
    /// Another one
    second: String,
    /// List what is the same, too
    #[arg(long)]
    all: bool,
    /// Print one JSON object with everything
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, console: &Console) -> Result<(), Failure> {
    let first = Configured::open(&args.first, &console.workspace).bad_input()?;
    let second = Configured::open(&args.second, &console.workspace).bad_input()?;
    let pairs = setting_pairs(&first, &second);
    if args.json {
        return console.json(&serde_json::json!({
            "first": first.name,
            "second": second.name,
            "settings": pairs,
        }));
    }
    let n_same = pairs.iter().filter(|pair| !pair.differs).count();
    let shown: Vec<&SettingPair> = pairs
        .iter()
        .filter(|pair| pair.differs || args.all)
        .collect();
    if shown.is_empty() {
        console.say(&format!("all {n_same} settings are the same"));
        return Ok(());
    }
    let header = ["", "setting", &first.name, &second.name].map(str::to_owned);
    let rows = shown.iter().map(|pair| {
        let mark = if pair.differs { "*" } else { "" };
        [
            mark.to_owned(),
            pair.name.clone(),
            value(pair.first.as_ref()),
            value(pair.second.as_ref()),
        ]
    });
    let rows: Vec<_> = std::iter::once(header).chain(rows).collect();
    table(&rows, 4, console)?;
    for pair in shown {
        if let Some(entries) = &pair.entries {
            console.line(&format!("  {}: {entries}", pair.name))?;
        }
    }
    if !args.all {
        console.say(&format!(
            "{n_same} settings are the same (--all lists them)"
        ));
    }
    Ok(())
}

fn value(setting: Option<&Setting>) -> String {
    let text = setting.map_or("-".to_owned(), ToString::to_string);
    if text.chars().count() <= LONGEST {
        return text;
    }
    let start: String = text.chars().take(LONGEST - 1).collect();
    format!("{start}…")
}
