//! How long an entry that waits will take: by its own steps if it has some, else by those of an earlier run of the same recipe.

use super::Entry;
use super::table::{Row, State};
use crate::run::{EVENTS_FILE, Ends, Event, History, Pace};
use crate::train::{RunFile, TrainConfig};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What was found out, kept while an entry stands as it does: a log is not read again and again. Where nothing could be told, it is looked
/// again as soon as there is more in the folder of runs.
#[derive(Debug, Default)]
pub(super) struct Estimates {
    known: BTreeMap<String, Known>,
    /// What there is in the folder of runs, looked at once for each table.
    runs: Option<RunsSeen>,
}

#[derive(Debug)]
struct Known {
    of: Entry,
    seconds: Option<f64>,
    /// What there was when nothing could be told.
    seen: RunsSeen,
}

/// The runs, and how long the log of each is.
type RunsSeen = Arc<BTreeMap<OsString, u64>>;

impl Estimates {
    /// Seconds until the entry's last epoch or time limit; `None` where nothing tells.
    pub(super) fn seconds(&mut self, entry: &Entry, runs: &Path) -> Option<f64> {
        let seen = Arc::clone(self.runs.get_or_insert_with(|| Arc::new(runs_in(runs))));
        if let Some(known) = self.known.get(&entry.id)
            && known.of == *entry
            && (known.seconds.is_some() || known.seen == seen)
        {
            return known.seconds;
        }
        let seconds = estimate(entry, runs);
        let of = entry.clone();
        self.known
            .insert(entry.id.clone(), Known { of, seconds, seen });
        seconds
    }

    /// Forgets entries that do not wait any more: when they do again, they have come further.
    pub(super) fn keep_only(&mut self, rows: &[Row]) {
        self.runs = None;
        let waits = |row: &Row| matches!(row.state, State::Waiting | State::Interrupted { .. });
        let is_to_come = |id: &String| rows.iter().any(|row| row.id == *id && waits(row));
        self.known.retain(|id, _| is_to_come(id));
    }
}

fn runs_in(runs: &Path) -> BTreeMap<OsString, u64> {
    let folders = std::fs::read_dir(runs).into_iter().flatten().flatten();
    let seen = folders.map(|folder| {
        let log = folder.path().join(EVENTS_FILE);
        (
            folder.file_name(),
            log.metadata().map_or(0, |log| log.len()),
        )
    });
    seen.collect()
}

fn estimate(entry: &Entry, runs: &Path) -> Option<f64> {
    if let Ok(history) = History::open(&entry.run_folder(runs))
        && history.started().is_some()
    {
        let ends = history.ends();
        let more = entry.more;
        let wanted = Ends {
            epochs: more.epochs.unwrap_or(ends.epochs),
            max_minutes: more.max_minutes.or(ends.max_minutes),
            ..ends
        };
        return Pace::seconds_to(&history, wanted);
    }
    let recipe = entry.recipe.as_deref()?;
    let (earlier, wanted) = (earlier_run(recipe, runs)?, recipe.epochs);
    let history = History::open(&earlier).ok()?;
    let Event::Started {
        steps_per_epoch, ..
    } = history.started()?.event
    else {
        return None;
    };
    let seconds = Pace::seconds_per_step(&history)? * (steps_per_epoch * u64::from(wanted)) as f64;
    let limit = recipe.max_minutes.map(|minutes| minutes * 60.0);
    Some(limit.map_or(seconds, |limit| seconds.min(limit)))
}

/// The newest run whose recipe differs in nothing on which the time of a step depends.
fn earlier_run(recipe: &TrainConfig, runs: &Path) -> Option<PathBuf> {
    let wanted = timed(recipe.clone());
    let folders = std::fs::read_dir(runs).ok()?.flatten();
    let found = folders.filter_map(|folder| {
        let path = folder.path();
        let config = RunFile::read(&path).ok()?.config;
        let changed = folder.metadata().and_then(|about| about.modified()).ok()?;
        (timed(config) == wanted).then_some((changed, path))
    });
    found.max().map(|(_, path)| path)
}

/// A recipe without what changes what is learned, but not how long a step takes.
fn timed(config: TrainConfig) -> TrainConfig {
    let usual = TrainConfig::default();
    TrainConfig {
        name: usual.name,
        learning_rate: usual.learning_rate,
        schedule: usual.schedule,
        epochs: usual.epochs,
        patience_epochs: usual.patience_epochs,
        max_minutes: usual.max_minutes,
        seed: usual.seed,
        label_seed: usual.label_seed,
        snapshots: usual.snapshots,
        tensorboard: usual.tensorboard,
        branch_from: None,
        ..config
    }
}
