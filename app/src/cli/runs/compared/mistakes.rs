//! `attune runs mistakes`: the tracks that a run gets wrong at a threshold, to read, to listen to, or for other programs.

use super::{Console, Failure, Fault, ResultExt, check_tag, id, ranked, table};
use anyhow::anyhow;
use attune_core::dataset::Dataset;
use attune_core::metrics::{Counts, Outcome};
use attune_core::run;
use attune_core::train::{Judged, RunFile, ThresholdChoice, write_mistakes};
use serde::Serialize;
use std::collections::HashMap;
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  attune runs mistakes demo-3 --tag piano
  attune runs mistakes demo-3 --tag piano --threshold best-f1 --m3u /tmp/piano.m3u8 && mpv /tmp/piano.m3u8
  attune runs mistakes demo-3 --tag piano --only false-negatives --json

The worst come first: false positives by falling, false negatives by rising probability.")]
pub(in crate::cli::runs) struct Args {
    /// Id, beginning of an id, or run folder
    run: String,
    /// The tag
    #[arg(long)]
    tag: String,
    /// A track has the tag if its probability is at least this: a number from 0 to 1, `best-f1` (this tag's own) or `best-mean-f1` (one for all tags)
    #[arg(long, value_name = "NUMBER", default_value = "0.5")]
    threshold: String,
    /// One kind alone: false-positives, false-negatives, true-positives or true-negatives (default: both kinds of mistakes)
    #[arg(long, value_name = "KIND")]
    only: Option<String>,
    /// At most so many of each kind
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// Where the data set lies now, if it was moved since
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Write a playlist (.m3u8) that any player opens
    #[arg(long, value_name = "FILE")]
    m3u: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Shown<'a> {
    run: &'a str,
    tag: &'a str,
    threshold: f64,
    counts: Counts,
    tracks: Vec<ShownTrack<'a>>,
}

#[derive(Serialize)]
struct ShownTrack<'a> {
    outcome: Outcome,
    #[serde(flatten)]
    judged: &'a Judged,
}

pub(super) fn run(args: &Args, console: &Console) -> Result<(), Failure> {
    let choice: ThresholdChoice = args.threshold.parse().fault(Fault::Usage)?;
    let kinds = kinds(args.only.as_deref())?;
    let folder = run::find(&console.workspace.runs(), &args.run).bad_input()?;
    let id = id(&folder);
    let ranked = ranked(&folder, false, console)?;
    let tag_idx = check_tag(&ranked, &args.tag, &id)?;
    let judged = ranked.judge(choice).swap_remove(tag_idx);
    let points = ranked.points[tag_idx].as_ref();
    let Some(((points, threshold), counts)) = points.zip(judged.threshold).zip(judged.counts)
    else {
        let why = anyhow!(
            "no track of the test split has the tag `{}`: no threshold is best",
            args.tag
        );
        return Err(Failure::new(Fault::BadInput, why));
    };
    let data = match &args.data {
        Some(data) => data.clone(),
        None => RunFile::read(&folder).bad_input()?.data.folder,
    };
    let dataset = match Dataset::open(&data) {
        Ok(dataset) => Some(dataset),
        Err(error) => {
            let why = attune_core::message::full_message(&error);
            console.say(&format!(
                "the run's data set is not there, so that tracks are told by their ids alone (--data names where it lies now): {why}"
            ));
            None
        }
    };
    let by_id: HashMap<&str, _> = dataset
        .iter()
        .flat_map(|dataset| &dataset.tracks)
        .map(|track| (track.id.as_str(), track))
        .collect();
    let mut tracks = Vec::new();
    for outcome in kinds {
        let mut rows = points.clips(outcome, threshold);
        rows.truncate(args.limit.unwrap_or(usize::MAX));
        let judged = ranked
            .predictions
            .judged(tag_idx, &rows, |id| by_id.get(id).copied());
        tracks.extend(judged.into_iter().map(|judged| (outcome, judged)));
    }
    if let Some(path) = &args.m3u {
        let title = format!("{id}: {} at {threshold:.3}", args.tag);
        let n = write_mistakes(path, &title, &args.tag, &tracks).failed()?;
        console.say(&format!(
            "wrote {} with {n} of {} tracks",
            path.display(),
            tracks.len()
        ));
    }
    if args.json {
        let tracks = tracks.iter().map(|(outcome, judged)| ShownTrack {
            outcome: *outcome,
            judged,
        });
        return console.json(&Shown {
            run: &id,
            tag: &args.tag,
            threshold,
            counts,
            tracks: tracks.collect(),
        });
    }
    console.line(&format!(
        "{id}, {} at {threshold:.4}: {} true and {} false positives, {} false and {} true negatives",
        args.tag,
        counts.true_positives,
        counts.false_positives,
        counts.false_negatives,
        counts.true_negatives
    ))?;
    let header = ["judged", "track", "artist", "probability"].map(str::to_owned);
    let rows = tracks.iter().map(|(outcome, judged)| {
        [
            outcome.name().trim_end_matches('s').replace('-', " "),
            judged.track.clone(),
            judged.artist.clone().unwrap_or_else(|| "-".to_owned()),
            format!("{:.4}", judged.probability),
        ]
    });
    let rows: Vec<_> = std::iter::once(header).chain(rows).collect();
    table(&rows, 3, console)
}

/// Both kinds of mistakes, or the one that is asked for.
fn kinds(only: Option<&str>) -> Result<Vec<Outcome>, Failure> {
    let Some(only) = only else {
        return Ok(Outcome::ALL[..2].to_vec());
    };
    let found = Outcome::ALL.into_iter().find(|kind| kind.name() == only);
    found.map(|kind| vec![kind]).ok_or_else(|| {
        let names = Outcome::ALL.map(Outcome::name).join(", ");
        let why = anyhow!("no such kind: {only} (there are {names})");
        Failure::new(Fault::Usage, why)
    })
}
