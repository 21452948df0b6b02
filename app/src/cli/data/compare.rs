//! `attune data compare`: two named splits of a data set.

use super::browse;
use crate::cli::{Console, Failure, ResultExt};
use anyhow::anyhow;
use attune_core::dataset::catalogue::Comparison;
use attune_core::dataset::{Catalogue, Split};
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  attune data compare ~/music/jamendo#top50tags/split-0 ~/music/jamendo#top50tags/split-1

Rows are the parts of the first split, columns those of the second. Artists off the diagonal are heard in training by the one split and
scored by the other.")]
pub(super) struct Args {
    /// Name or folder of the data set, and the first split
    #[arg(value_name = "DIR#SPLIT")]
    first: PathBuf,
    /// The same data set, and the second split
    #[arg(value_name = "DIR#SPLIT")]
    second: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: Args, console: &Console) -> Result<(), Failure> {
    let mut catalogue = Catalogue::open(&console.workspace.catalogue()).failed()?;
    let first = browse::open(&mut catalogue, &args.first, console)?;
    let second = browse::open(&mut catalogue, &args.second, console)?;
    if first.index.root != second.index.root {
        let error = anyhow!(
            "splits of one data set are compared, these are two: {} and {}",
            first.index.root.display(),
            second.index.root.display()
        );
        return Err(error).bad_input();
    }
    let index = &second.index;
    let column = |name: Option<&str>| {
        let missing = || anyhow!("{} has no splits", index.name);
        index.split(name).ok_or_else(missing).bad_input()
    };
    let compared = index.compare(
        column(first.split.as_deref())?,
        column(second.split.as_deref())?,
    );
    if args.json {
        return console.json(&compared);
    }
    show(&compared, console)
}

fn show(compared: &Comparison, console: &Console) -> Result<(), Failure> {
    let (first, second) = (&compared.first, &compared.second);
    let names = Split::ALL.map(Split::name);
    let names: Vec<&str> = names.into_iter().chain(["in none"]).collect();
    for (what, matrix) in [("tracks", &compared.tracks), ("artists", &compared.artists)] {
        let is_shown = |part: usize| {
            matrix[part].iter().any(|&n| n > 0) || matrix.iter().any(|row| row[part] > 0)
        };
        let shown: Vec<usize> = (0..names.len()).filter(|&part| is_shown(part)).collect();
        let heads: String = shown
            .iter()
            .map(|&part| format!("{:>12}", names[part]))
            .collect();
        console.line(&format!("{what:<12}{heads}   <- {}", second.name))?;
        for &row in &shown {
            let cells: String = shown
                .iter()
                .map(|&part| format!("{:>12}", matrix[row][part]))
                .collect();
            console.line(&format!("{:<12}{cells}", names[row]))?;
        }
        console.line(&format!("^ {}\n", first.name))?;
    }
    console.line(&format!(
        "{} tracks are in another part",
        compared.n_moved()
    ))?;
    for side in [first, second] {
        for (one, row) in side.shared_artists.iter().enumerate() {
            for (other, &n) in row
                .iter()
                .enumerate()
                .skip(one + 1)
                .filter(|(_, n)| **n > 0)
            {
                console.line(&format!(
                    "{}: {n} artists are in {} and in {}",
                    side.name, names[one], names[other]
                ))?;
            }
        }
    }
    let shown: Vec<usize> = (0..4)
        .filter(|&part| first.tracks[part] + second.tracks[part] > 0)
        .collect();
    let heads: String = shown
        .iter()
        .map(|&part| format!("{:>20}", names[part]))
        .collect();
    console.line(&format!("\n{:<24}{heads}", "share of tracks"))?;
    for tag in &compared.tags {
        let cells = shown.iter().map(|&part| {
            let text = |share: Option<f64>| {
                share.map_or_else(|| "–".to_owned(), |share| format!("{:.2}", 100.0 * share))
            };
            format!(
                "{:>8} ->{:>7} %",
                text(tag.first[part]),
                text(tag.second[part])
            )
        });
        console.line(&format!("{:<24}{}", tag.name, cells.collect::<String>()))?;
    }
    Ok(())
}
