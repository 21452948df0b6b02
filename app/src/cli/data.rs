//! `attune data`: look at data sets and import them into the catalogue.

use super::{Console, Failure, ResultExt};
use attune_core::dataset::{Catalogue, Dataset, Problem, Split, demo};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  attune data info ~/music/tunes\n  attune data import ~/music/tunes\n  attune data list\n\n\
    A data set is a folder with tracks.csv (track_id,path,artist,split,duration_s,source,license; split is train, valid, test or \
    unlabelled) and optionally labels.csv (track_id,tag), tags.txt and timelines.csv (track_id,tag,start_s,end_s)."
)]
pub(super) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Say what is in a data set folder
    Info {
        /// Folder with tracks.csv
        #[arg(value_name = "DIR")]
        folder: PathBuf,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Put a data set into the catalogue; importing again updates it
    Import {
        /// Folder with tracks.csv
        #[arg(value_name = "DIR")]
        folder: PathBuf,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Compose and render the demo data set, if that has not been done yet, and print its folder
    Demo,
    /// Tags that were corrected by ear in the window: show them, export them as a new label set, import those of elsewhere
    Labels(super::labels::Args),
    /// List the imported data sets
    List {
        /// Print one JSON array
        #[arg(long)]
        json: bool,
    },
}

pub(super) fn run(args: Args, console: &Console) -> Result<(), Failure> {
    match args.what {
        What::Info { folder, json } => {
            let dataset = Dataset::open(&folder).bad_input()?;
            show(&dataset, json, console)
        }
        What::Import { folder, json } => {
            let dataset = Dataset::open(&folder).bad_input()?;
            let mut catalogue = Catalogue::open(&console.workspace.catalogue()).failed()?;
            catalogue.import(&dataset).failed()?;
            console.say(&format!(
                "imported {} into {}",
                dataset.name,
                console.workspace.catalogue().display()
            ));
            show(&dataset, json, console)
        }
        What::Demo => {
            let folder = demo::ensure(&console.workspace, &console.job()).failed()?;
            console.line(&folder.to_string_lossy())
        }
        What::Labels(args) => super::labels::run(args, console),
        What::List { json } => list(json, console),
    }
}

/// What `attune data info --json` prints.
#[derive(Debug, Serialize)]
struct Info<'a> {
    name: &'a str,
    root: String,
    tracks: usize,
    tags: usize,
    artists: usize,
    splits: BTreeMap<Split, usize>,
    labels: usize,
    timelines: usize,
    problems: &'a [Problem],
}

fn show(dataset: &Dataset, json: bool, console: &Console) -> Result<(), Failure> {
    let artists: BTreeSet<&str> = dataset
        .tracks
        .iter()
        .map(|track| track.artist.as_str())
        .collect();
    let info = Info {
        name: &dataset.name,
        root: dataset.root.to_string_lossy().into_owned(),
        tracks: dataset.tracks.len(),
        tags: dataset.n_tags(),
        artists: artists.len(),
        splits: dataset.split_counts(),
        labels: dataset.tracks.iter().map(|track| track.tags.len()).sum(),
        timelines: dataset
            .tracks
            .iter()
            .map(|track| track.timeline.len())
            .sum(),
        problems: &dataset.problems,
    };
    if json {
        return console.json(&info);
    }
    console.line(&format!("{} ({})", info.name, info.root))?;
    let known: Vec<f64> = dataset
        .tracks
        .iter()
        .filter_map(|track| track.duration_secs)
        .collect();
    let hours = known.iter().sum::<f64>() / 3600.0;
    for (name, value) in [
        ("tracks", info.tracks.to_string()),
        ("hours", format!("{hours:.2}")),
        ("artists", info.artists.to_string()),
        ("tags", info.tags.to_string()),
        ("labels", info.labels.to_string()),
        ("timelines", info.timelines.to_string()),
        ("problems", info.problems.len().to_string()),
    ] {
        console.line(&format!("{name:<12}{value:>9}"))?;
    }
    let splits: Vec<Split> = info.splits.keys().copied().collect();
    let row = |name: &str, all: usize, per_split: &dyn Fn(Split) -> usize| {
        let cells: String = splits
            .iter()
            .map(|&split| format!("{:>12}", per_split(split)))
            .collect();
        format!("{name:<24}{all:>8}{cells}")
    };
    let heads: String = splits.iter().map(|split| format!("{split:>12}")).collect();
    console.line(&format!("\n{:<24}{:>8}{heads}", "", "all"))?;
    console.line(&row("tracks", info.tracks, &|split| info.splits[&split]))?;
    let counts: BTreeMap<Split, Vec<usize>> = splits
        .iter()
        .map(|&split| (split, dataset.tag_counts(Some(split))))
        .collect();
    for (tag, (name, all)) in dataset
        .tags
        .iter()
        .zip(dataset.tag_counts(None))
        .enumerate()
    {
        console.line(&row(name, all, &|split| counts[&split][tag]))?;
    }
    for problem in &dataset.problems {
        console.say(&format!("problem: {problem}"));
    }
    Ok(())
}

fn list(json: bool, console: &Console) -> Result<(), Failure> {
    let catalogue = Catalogue::open(&console.workspace.catalogue()).failed()?;
    let entries = catalogue.datasets().failed()?;
    if json {
        return console.json(&entries);
    }
    if entries.is_empty() {
        console.say("no data set has been imported yet; see `attune data import --help`");
    }
    for entry in entries {
        console.line(&format!(
            "{:<24}{:>9} tracks{:>6} tags  {}",
            entry.name,
            entry.n_tracks,
            entry.n_tags,
            entry.root.display()
        ))?;
    }
    Ok(())
}
