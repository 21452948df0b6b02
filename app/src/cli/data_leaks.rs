//! `attune data leaks`: what is on both sides of a data set's splits.

use super::{Console, Failure, Fault, ResultExt};
use attune_core::dataset::doctor::{Notebook, copies_by_notebook};
use attune_core::dataset::split::{Leak, find_leaks};
use attune_core::dataset::{Collection, Place};
use serde::Serialize;
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
#[command(
    about = "Find artists, albums, files and copies of recordings that are on both sides of a split",
    after_help = "Examples:\n  attune data leaks ~/music/msd\n  attune data leaks ~/music/jamendo#top50tags/split-0 --strict\n\n\
    Copies of recordings are found once `attune data check` has listened to the files.\n\
    Tracks of unknown artists share them with nobody.\n\
    Exit codes: 0 looked (with --strict: and found nothing), 1 with --strict: found leaks."
)]
pub(super) struct Args {
    /// Folder of the data set (all its splits), or FOLDER#SPLIT
    #[arg(value_name = "DIR")]
    place: PathBuf,
    /// End with exit code 1 if anything is on both sides
    #[arg(long)]
    strict: bool,
    /// Print one JSON array, an object per split
    #[arg(long)]
    json: bool,
}

/// The leaks of one split.
#[derive(Debug, Serialize)]
struct OfSplit {
    split: String,
    leaks: Vec<Leak>,
}

pub(super) fn run(args: Args, console: &Console) -> Result<(), Failure> {
    let place = Place::parse(&args.place);
    let collection = Collection::open(&place.folder).bad_input()?;
    let mut notebook = Notebook::open(&console.workspace).failed()?;
    let names: Vec<String> = match place.split {
        Some(name) => vec![name],
        None => collection
            .splits
            .iter()
            .map(|split| split.name.clone())
            .collect(),
    };
    let job = console.job();
    let mut found = Vec::new();
    for name in names {
        let dataset = collection.clone().into_dataset(Some(&name)).bad_input()?;
        let copies = copies_by_notebook(&dataset, &mut notebook, &job).failed()?;
        found.push(OfSplit {
            split: name,
            leaks: find_leaks(&dataset, &copies),
        });
    }
    drop(job);
    if args.json {
        console.json(&found)?;
    } else {
        for OfSplit { split, leaks } in &found {
            if !split.is_empty() {
                console.line(split)?;
            }
            if leaks.is_empty() {
                console.line("nothing is on both sides")?;
            }
            for leak in leaks {
                console.line(&leak.words())?;
                for example in leak.examples.iter().take(3) {
                    console.line(&format!(
                        "  {}: {} in {}, {} in {} ({}, {})",
                        example.name,
                        example.n_from,
                        leak.from,
                        example.n_into,
                        leak.into,
                        example.tracks[0],
                        example.tracks[1]
                    ))?;
                }
            }
        }
    }
    let n_leaks: usize = found.iter().map(|of| of.leaks.len()).sum();
    if args.strict && n_leaks > 0 {
        let why = anyhow::anyhow!("something is on both sides of a split");
        return Err(Failure::new(Fault::Failed, why));
    }
    Ok(())
}
