//! `attune data`: look at data sets and import them into the catalogue.

mod browse;
mod compare;
mod find;
mod published;
mod tags;

use super::{Console, Failure, ResultExt, cache};
use attune_core::dataset::split::known_name;
use attune_core::dataset::{Catalogue, Dataset, Finding, Place, Problem, Split, demo};
pub(super) use find::with_minus_signs;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// So many problems are printed one by one.
const PROBLEMS_SHOWN: usize = 100;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  attune data info ~/music/tunes\n  attune data layouts\n  attune data splits ~/mtg-jamendo-dataset\n  \
    attune data info ~/mtg-jamendo-dataset#genre/split-2\n  \
    attune data import ~/mtg-jamendo-dataset --audio /music/jamendo --save-as jamendo.toml\n  attune data list\n  \
    attune data find bach tag:solo split:test --data tunes\n  attune data tags tunes\n  attune data compare ~/music/jamendo#genre/split-0 ~/music/jamendo#genre/split-1\n\n\
    A data set is a folder as it was published (attune data layouts), a description of one (.toml: annotations, audio), or a folder with tracks.csv (track_id,path,artist,split,duration_s,source,license; split is train, valid, test or \
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
        /// Folder of a data set or its description (.toml); #SPLIT behind it names a split
        #[arg(value_name = "DIR[#SPLIT]")]
        folder: PathBuf,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// List the layouts of data sets that are recognised, and where their files come from
    Layouts {
        /// Print one JSON array
        #[arg(long)]
        json: bool,
    },
    /// List the named splits of a data set with their counts
    Splits {
        /// Folder of a data set or its description (.toml)
        #[arg(value_name = "DIR")]
        folder: PathBuf,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Put a data set into the catalogue; importing again updates it
    Import {
        /// Folder of a data set or its description (.toml); #SPLIT behind it names a split
        #[arg(value_name = "DIR[#SPLIT]")]
        folder: PathBuf,
        #[command(flatten)]
        apart: published::Apart,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    Check(super::data_check::Args),
    Split(super::data_split::Args),
    Leaks(super::data_leaks::Args),
    /// Compose and render the demo data set, if that has not been done yet, and print its folder
    Demo,
    /// Decoded audio: make it ahead of training, look at it, keep it small
    Cache(cache::Args),
    /// Show or set what batches of training clips that lie ready may take in memory; holds for window and terminal (loader.toml)
    LoaderMemory {
        /// Gigabytes (10⁹ bytes), or `none` for the usual 1.07; --loader-memory goes before it for one command
        #[arg(value_name = "GB")]
        gigabytes: Option<String>,
    },
    /// Tags that were corrected by ear in the window: show them, export them as a new label set, import those of elsewhere
    Labels(super::labels::Args),
    /// List the imported data sets
    List {
        /// Print one JSON array
        #[arg(long)]
        json: bool,
    },
    /// Find tracks by words, tags, parts of splits, artists, lengths and the state of their files
    Find(find::Args),
    /// Count the tags in each part of a split, and which occur together
    Tags(tags::Args),
    /// Compare two named splits of a data set
    Compare(compare::Args),
}

pub(super) fn run(args: Args, console: &Console) -> Result<(), Failure> {
    match args.what {
        What::Info { folder, json } => {
            let dataset = Dataset::open(&folder).bad_input()?;
            show(&dataset, json, console)
        }
        What::Layouts { json } => published::layouts(json, console),
        What::Splits { folder, json } => published::splits(&folder, json, console),
        What::Import {
            folder,
            apart,
            json,
        } => {
            let folder = apart.place(folder, console)?;
            let place = Place::parse(&folder);
            let mut catalogue = Catalogue::open(&console.workspace.catalogue()).failed()?;
            let imported = catalogue.import_folder(&place.folder, &console.job());
            let (_, collection) = imported.bad_input()?;
            let dataset = collection
                .into_dataset(place.split.as_deref())
                .bad_input()?;
            console.say(&format!(
                "imported {} into {}",
                dataset.name,
                console.workspace.catalogue().display()
            ));
            show(&dataset, json, console)
        }
        What::Check(args) => super::data_check::run(args, console),
        What::Split(args) => super::data_split::run(args, console),
        What::Leaks(args) => super::data_leaks::run(args, console),
        What::Demo => {
            let folder = demo::ensure(&console.workspace, &console.job()).failed()?;
            console.line(&folder.to_string_lossy())
        }
        What::Cache(args) => cache::run(args, console),
        What::LoaderMemory { gigabytes } => cache::loader_memory(gigabytes.as_deref(), console),
        What::Labels(args) => super::labels::run(args, console),
        What::List { json } => list(json, console),
        What::Find(args) => find::run(args, console),
        What::Tags(args) => tags::run(args, console),
        What::Compare(args) => compare::run(args, console),
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
    findings: &'a [Finding],
}

fn show(dataset: &Dataset, json: bool, console: &Console) -> Result<(), Failure> {
    // As splits count them: an empty name and "Various Artists" are nobody's.
    let artists: BTreeSet<String> = dataset
        .tracks
        .iter()
        .filter_map(|track| known_name(&track.artist))
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
        findings: &dataset.findings,
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
        ("findings", info.findings.len().to_string()),
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
    published::say_findings(&dataset.findings, console);
    // What is missing as a whole would else fill the terminal.
    for problem in dataset.problems.iter().take(PROBLEMS_SHOWN) {
        console.say(&format!("problem: {problem}"));
    }
    if let Some(more) = dataset.problems.len().checked_sub(PROBLEMS_SHOWN + 1) {
        console.say(&format!("and {} more problems; --json has all", more + 1));
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
