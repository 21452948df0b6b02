//! `attune data tags`: how often each tag occurs in each part of a split, and which occur together.

use super::browse;
use crate::cli::{Console, Failure, ResultExt};
use attune_core::dataset::catalogue::{Balance, Query};
use attune_core::dataset::{Catalogue, Split};
use serde::Serialize;
use std::path::PathBuf;

/// Larger vocabularies are not written as a matrix of all tags by all tags: the list of pairs says the same.
const WHOLE: usize = 1024;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  attune data tags tunes
  attune data tags ~/music/jamendo#top50tags/split-0 --where split:train --pairs 20
  attune data tags tunes --json | jq '.pairs[0]'

Lift says how many times as often two tags occur together as they would by chance. Spread is the largest share of a tag among train, valid
and test over the smallest: 1 where it is spread evenly.")]
pub(super) struct Args {
    /// Name or folder of the data set, with #SPLIT for one of several splits
    #[arg(value_name = "DIR")]
    data: PathBuf,
    /// Count only tracks that fit, as for `attune data find`
    #[arg(long = "where", value_name = "WORDS", default_value = "")]
    filter: String,
    /// How many pairs of tags to list, the most frequent together first
    #[arg(long, value_name = "N", default_value_t = 10)]
    pairs: usize,
    /// Print one JSON object with all counts and pairs, and, of up to 1024 tags, the whole matrix (`together`)
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Counted<'a> {
    data: &'a str,
    split: &'a str,
    parts: [&'static str; 4],
    tags: Vec<&'a str>,
    balance: &'a Balance,
    pairs: Vec<Pair<'a>>,
    together: Option<Vec<Vec<u32>>>,
}

#[derive(Debug, Serialize)]
struct Pair<'a> {
    one: &'a str,
    other: &'a str,
    tracks: u32,
    lift: Option<f64>,
}

pub(super) fn run(args: Args, console: &Console) -> Result<(), Failure> {
    let mut catalogue = Catalogue::open(&console.workspace.catalogue()).failed()?;
    let set = browse::open(&mut catalogue, &args.data, console)?;
    let index = &set.index;
    let query = Query {
        split: set.split,
        terms: Query::parse(&args.filter).bad_input()?,
        ..Query::default()
    };
    let rows = index.select(&query).bad_input()?;
    let split = index.split_of(&query).bad_input()?;
    let balance = index.balance(&rows, split);
    let together = index.co_occurrence(&rows, split);
    let vocabulary = index.vocabulary_of(split);
    let tags: Vec<&str> = index.tags()[vocabulary]
        .iter()
        .map(|tag| tag.name.as_str())
        .collect();
    let mut pairs: Vec<(usize, usize, u32)> = together.pairs().collect();
    pairs.sort_by_key(|&(_, _, tracks)| std::cmp::Reverse(tracks));
    let pairs = pairs.into_iter().map(|(one, other, tracks)| Pair {
        one: tags[one],
        other: tags[other],
        tracks,
        lift: together.lift(one, other),
    });
    let pairs: Vec<Pair<'_>> = if args.json {
        pairs.collect()
    } else {
        pairs.take(args.pairs).collect()
    };
    let split_name = split.map_or("", |split| split.name.as_str());
    if args.json {
        return console.json(&Counted {
            data: &index.name,
            split: split_name,
            parts: Split::ALL.map(Split::name),
            together: (tags.len() <= WHOLE).then(|| {
                let tags = || 0..tags.len();
                let row = |one| tags().map(|other| together.count(one, other)).collect();
                tags().map(row).collect()
            }),
            tags,
            balance: &balance,
            pairs,
        });
    }
    let shown: Vec<usize> = (0..4).filter(|&part| balance.tracks[part] > 0).collect();
    let counts = |name: &str, of: &dyn Fn(usize) -> usize| {
        let all: usize = (0..4).map(of).sum();
        let cells: String = shown
            .iter()
            .map(|&part| format!("{:>18}", of(part)))
            .collect();
        format!("{name:<24}{all:>9}{cells}")
    };
    let heads: String = shown
        .iter()
        .map(|&part| format!("{:>18}", Split::ALL[part]))
        .collect();
    console.line(&format!("{:<24}{:>9}{heads}{:>9}", "", "all", "spread"))?;
    console.line(&counts("tracks", &|part| balance.tracks[part]))?;
    console.line(&counts("untagged", &|part| balance.untagged[part]))?;
    let artists: String = shown
        .iter()
        .map(|&part| format!("{:>18}", balance.artists[part]))
        .collect();
    console.line(&format!("{:<24}{:>9}{artists}", "artists", ""))?;
    for (tag, name) in tags.iter().enumerate() {
        let cells = shown.iter().map(|&part| {
            let share = 100.0 * balance.share(tag, part).unwrap_or(0.0);
            format!("{:>9} {share:>6.2} %", balance.tags[tag][part])
        });
        let cells: String = cells.collect();
        let spread = balance
            .unevenness(tag)
            .map_or_else(|| "–".to_owned(), |it| format!("{it:.2}"));
        console.line(&format!(
            "{name:<24}{:>9}{cells}{spread:>9}",
            balance.total(tag)
        ))?;
    }
    for one in 0..3 {
        for other in one + 1..3 {
            let n = balance.shared_artists[one][other];
            if n > 0 {
                let [one, other] = [one, other].map(|part| Split::ALL[part]);
                console.line(&format!("{n} artists are in {one} and in {other}"))?;
            }
        }
    }
    if !pairs.is_empty() {
        console.line(&format!("\n{:<48}{:>9}{:>9}", "together", "tracks", "lift"))?;
    }
    for pair in pairs {
        let lift = pair
            .lift
            .map_or_else(|| "–".to_owned(), |lift| format!("{lift:.2}"));
        let names = format!("{} + {}", pair.one, pair.other);
        console.line(&format!("{names:<48}{:>9}{lift:>9}", pair.tracks))?;
    }
    Ok(())
}
