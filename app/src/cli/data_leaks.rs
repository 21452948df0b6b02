//! `attune data leaks`: what is on both sides of a data set's splits.

use super::{Console, Failure, Fault, ResultExt};
use attune_core::dataset::doctor::{Notebook, copies_by_notebook};
use attune_core::dataset::split::{Leak, Unnamed, find_leaks};
use attune_core::dataset::{Check, Collection, Finding, Place};
use serde::Serialize;
use std::collections::HashMap;
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
#[command(
    about = "Find artists, albums, files and copies of recordings that are on both sides of a split",
    after_help = "Examples:\n  attune data leaks ~/music/msd\n  attune data leaks ~/music/jamendo#top50tags/split-0 --strict\n\n\
    Copies of recordings are found once `attune data check` has listened to the files.\n\
    Tracks of unknown artists share them with nobody that can be seen; how many there are is said.\n\
    Exit codes: 0 looked (with --strict: and found nothing), 1 with --strict: found leaks, or no artist of a split is known."
)]
pub(super) struct Args {
    /// Folder of the data set (all its splits), or FOLDER#SPLIT
    #[arg(value_name = "DIR")]
    place: PathBuf,
    /// End with exit code 1 if anything is on both sides, or if no artist is known, so that nobody can say
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
    #[serde(flatten)]
    unnamed: Unnamed,
    /// Tracks whose files were not listened to, so that copies of them are not known.
    n_unheard: usize,
    /// Parts that have tracks.
    n_sides: usize,
    leaks: Vec<Leak>,
}

pub(super) fn run(args: Args, console: &Console) -> Result<(), Failure> {
    let place = Place::parse(&args.place);
    let collection = Collection::open(&place.folder).bad_input()?;
    let notebook = Notebook::open(&console.workspace).failed()?;
    let names: Vec<String> = match place.split {
        Some(name) => vec![name],
        None => collection
            .splits
            .iter()
            .map(|split| split.name.clone())
            .collect(),
    };
    let job = console.job();
    // Once for all splits.
    let files = collection.recordings.iter();
    let files = files.map(|recording| recording.path.as_path());
    let copies = copies_by_notebook(files, &notebook, &job).failed()?;
    let mut found = Vec::new();
    for name in names {
        let dataset = collection.clone().into_dataset(Some(&name)).bad_input()?;
        let tracks = dataset.tracks.iter().map(|track| track.id.as_str());
        let idx_of: HashMap<&str, usize> = tracks.zip(0..).collect();
        let heard = collection.recordings.iter().zip(&copies.is_heard);
        let n_unheard = heard
            .filter(|(recording, is_heard)| {
                !**is_heard && idx_of.contains_key(recording.id.as_str())
            })
            .count();
        let copies: Vec<Vec<usize>> = copies
            .lists
            .iter()
            .map(|list| {
                let ids = list.iter().map(|&at| collection.recordings[at].id.as_str());
                ids.filter_map(|id| idx_of.get(id).copied()).collect()
            })
            .collect();
        found.push(OfSplit {
            split: name,
            unnamed: Unnamed::of(&dataset),
            n_unheard,
            n_sides: dataset.split_counts().len(),
            leaks: find_leaks(&dataset, &copies),
        });
    }
    drop(job);
    if args.json {
        console.json(&found)?;
    } else {
        for of in &found {
            show(of, console)?;
        }
    }
    for finding in collection.findings.iter().filter(|of| is_about_parts(of)) {
        console.say(&finding.to_string());
    }
    if !args.strict {
        return Ok(());
    }
    let failed = |why: String| Err(Failure::new(Fault::Failed, anyhow::anyhow!(why)));
    if found.iter().any(|of| !of.leaks.is_empty()) {
        return failed("something is on both sides of a split".to_owned());
    }
    match found
        .iter()
        .find(|of| of.n_sides > 1 && of.unnamed.is_blind())
    {
        Some(of) if of.split.is_empty() => failed(
            "no artist is known: nobody can say whether artists are on both sides".to_owned(),
        ),
        Some(of) => failed(format!(
            "no artist is known in the split {}: nobody can say whether artists are on both sides",
            of.split
        )),
        None => Ok(()),
    }
}

/// Whether a finding of the import says something about parts, or about a file without which less is known of the tracks.
fn is_about_parts(finding: &Finding) -> bool {
    match finding.check {
        Check::MadeSplit | Check::SplitOverlap => true,
        Check::MissingFile => finding.file.is_some(),
        _ => false,
    }
}

fn show(of: &OfSplit, console: &Console) -> Result<(), Failure> {
    if !of.split.is_empty() {
        console.line(&of.split)?;
    }
    let n_tracks = of.unnamed.n_tracks;
    if of.n_sides < 2 {
        return console.line(&format!(
            "there are no two sides: all {n_tracks} tracks are in one part"
        ));
    }
    let unheard = (of.n_unheard > 0).then(|| {
        format!(
            "the files of {} of its {n_tracks} tracks have not been listened to: copies of them are found after `attune data check`",
            of.n_unheard
        )
    });
    let unseen: Vec<String> = of.unnamed.words().into_iter().chain(unheard).collect();
    if of.leaks.is_empty() {
        console.line(if unseen.is_empty() {
            "nothing is on both sides"
        } else {
            "nothing that is known is on both sides"
        })?;
    }
    for leak in &of.leaks {
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
    unseen.iter().try_for_each(|words| console.line(words))
}
