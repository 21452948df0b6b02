//! How long an entry that waits will take: by its own steps if it has some, else by those of an earlier run of the same recipe.

use super::Entry;
use super::table::{Row, State};
use crate::run::{Ends, Event, History, Pace};
use crate::train::{RunFile, TrainConfig};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What was found out, kept while an entry stands as it does: a log is not read again and again.
#[derive(Debug, Default)]
pub(super) struct Estimates {
    known: BTreeMap<String, (Entry, Option<f64>)>,
}

impl Estimates {
    /// Seconds until the entry's last epoch or time limit; `None` where nothing tells.
    pub(super) fn seconds(&mut self, entry: &Entry, runs: &Path) -> Option<f64> {
        if let Some((of, seconds)) = self.known.get(&entry.id)
            && of == entry
        {
            return *seconds;
        }
        let seconds = estimate(entry, runs);
        self.known
            .insert(entry.id.clone(), (entry.clone(), seconds));
        seconds
    }

    /// Forgets entries that do not wait any more: when they do again, they have come further.
    pub(super) fn keep_only(&mut self, rows: &[Row]) {
        let waits = |row: &Row| matches!(row.state, State::Waiting | State::Interrupted { .. });
        let is_to_come = |id: &String| rows.iter().any(|row| row.id == *id && waits(row));
        self.known.retain(|id, _| is_to_come(id));
    }
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
