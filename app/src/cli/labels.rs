//! `attune data labels`: tags that were corrected by ear, shown, exported as a new label set, imported from elsewhere.

use super::{Console, Failure, ResultExt};
use attune_core::dataset::Dataset;
use attune_core::dataset::corrections::{
    Corrections, Ledger, Mark, Verdict, export_labels, import_labels,
};
use serde::Serialize;
use std::path::{Path, PathBuf};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  attune data labels show ~/music/tunes\n  attune data labels export ~/music/tunes --out ~/music/tunes-by-ear\n  \
    attune data labels import ~/music/tunes labels.csv\n\n\
    Corrections are made in the window (Labels) and lie in the workspace, in corrections/; the data set's own files never change.\n\
    An exported folder has labels.csv, tags.txt and changes.csv (track_id,verdict,added,removed), and opens as a data set."
)]
pub(super) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Print what was decided, track by track
    Show {
        /// Data set: DIR or DIR#SPLIT
        #[arg(value_name = "DATA")]
        data: PathBuf,
        /// Print one JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// Write the corrected labels into a folder that opens as a data set
    Export {
        /// Data set: DIR or DIR#SPLIT
        #[arg(value_name = "DATA")]
        data: PathBuf,
        /// The folder
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Take over a labels.csv (track_id,tag): its tracks count as accepted with the tags it gives; in the window each can be undone
    Import {
        /// Data set: DIR or DIR#SPLIT
        #[arg(value_name = "DATA")]
        data: PathBuf,
        /// The file
        #[arg(value_name = "LABELS")]
        labels: PathBuf,
    },
}

pub(super) fn run(args: Args, console: &Console) -> Result<(), Failure> {
    match args.what {
        What::Show { data, json } => show(&data, json, console),
        What::Export { data, out, json } => {
            let dataset = Dataset::open(&data).bad_input()?;
            let ledger = Ledger::read(&console.workspace, &dataset).bad_input()?;
            let exported = export_labels(&dataset, &ledger, &out, &console.job()).failed()?;
            if json {
                return console.json(&exported);
            }
            console.say(&format!(
                "wrote {}: {} tracks, {} labels added, {} removed, {} tracks rejected and left out",
                out.display(),
                exported.tracks,
                exported.added,
                exported.removed,
                exported.rejected
            ));
            if !exported.opens {
                console.say(
                    "no tracks.csv was written: the audio files share no folder, or no link could be made to it; \
                    labels.csv and tags.txt fit the data set's own tracks",
                );
            }
            Ok(())
        }
        What::Import { data, labels } => {
            let dataset = Dataset::open(&data).bad_input()?;
            let mut corrections = Corrections::open(&console.workspace, &dataset).failed()?;
            let n = import_labels(&mut corrections, &dataset, &labels).bad_input()?;
            console.say(&format!("{n} tracks have other tags now"));
            Ok(())
        }
    }
}

/// A line of `attune data labels show --json`.
#[derive(Debug, Serialize)]
struct Shown<'a> {
    track: &'a str,
    verdict: &'static str,
    tags: &'a [String],
    was: Vec<&'a str>,
}

fn show(data: &Path, json: bool, console: &Console) -> Result<(), Failure> {
    let dataset = Dataset::open(data).bad_input()?;
    let ledger = Ledger::read(&console.workspace, &dataset).bad_input()?;
    let word = |mark: &Mark| mark.verdict.map_or("changed", Verdict::name);
    for (place, track) in dataset.tracks.iter().enumerate() {
        let Some(mark) = ledger.mark(&track.id) else {
            continue;
        };
        let shown = Shown {
            track: &track.id,
            verdict: word(mark),
            tags: &mark.tags,
            was: dataset.tag_names(place).collect(),
        };
        if json {
            console.json(&shown)?;
        } else {
            let (tags, was) = (shown.tags.join(", "), shown.was.join(", "));
            console.line(&format!(
                "{:<24}{:<10}{tags}  (was {was})",
                track.id, shown.verdict
            ))?;
        }
    }
    if !json {
        let tracks = dataset.tracks.iter();
        let ids: std::collections::HashSet<&str> = tracks.map(|track| track.id.as_str()).collect();
        let n = ledger.n_decided(|track| ids.contains(track));
        let all = dataset.tracks.len();
        console.say(&format!("decided {n} of {all} tracks"));
    }
    Ok(())
}
