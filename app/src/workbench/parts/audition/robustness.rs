//! The robustness table: how the scores on a split of the data set in use fall as effects grow stronger, for one model or two.

use super::draws::{free_path, safe_name};
use super::in_the_making::InTheMaking;
use crate::robustness_files::write_robustness;
use crate::workbench::jobs::{Activity, Slot};
use crate::workbench::parts::library::Shelf;
use crate::workbench::{CommandSender, Jobs, Level, Notice, State as Whole};
use attune_core::augment::Ladder;
use attune_core::dataset::Split;
use attune_core::figure::Print;
use attune_core::predict::Model;
use attune_core::train::{self, Robustness, RobustnessPlan};
use std::path::PathBuf;
use std::sync::Arc;

/// What a table was asked for with.
#[derive(Clone, Debug)]
pub struct Asked {
    models: Vec<String>,
    shelf: Arc<Shelf>,
    plan: RobustnessPlan,
}

impl PartialEq for Asked {
    fn eq(&self, other: &Self) -> bool {
        self.models == other.models
            && self.plan == other.plan
            && Arc::ptr_eq(&self.shelf, &other.shelf)
    }
}

/// The table that is shown, and the work on it.
#[derive(Debug)]
pub struct State {
    tables: InTheMaking<Asked, Robustness>,
    writing: Slot<u64, Vec<PathBuf>>,
    n_written: u64,
}

impl Default for State {
    fn default() -> Self {
        Self {
            tables: InTheMaking::new("test robustness"),
            writing: Slot::new("write the robustness table"),
            n_written: 0,
        }
    }
}

impl State {
    /// The last table, as far as it is there.
    pub fn shown(&self) -> Option<&Arc<Robustness>> {
        self.tables.shown().map(|(_, table)| table)
    }

    /// How far the work is.
    pub fn testing(&self) -> Option<Activity> {
        self.tables.activity()
    }

    /// Why the last table failed.
    pub fn error(&self) -> Option<&str> {
        self.tables.error()
    }

    pub(super) fn activities(&self) -> impl Iterator<Item = Activity> {
        let both = [self.tables.activity(), self.writing.activity()];
        both.into_iter().flatten()
    }

    pub(super) fn cancel(&mut self) {
        self.tables.cancel();
        self.writing.cancel();
    }
}

/// What the view can ask for.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Test the model in use, and the other beside it if there is one.
    Start {
        /// On these tracks of the data set in use.
        split: Split,
        /// So many strengths of each effect.
        n_strengths: usize,
        /// Effects beyond the paper's, too.
        beyond_paper: bool,
        /// So many tracks at most.
        max_tracks: Option<usize>,
    },
    /// Stop; what is there stays, and what has been computed is not computed again.
    Stop,
    /// Write the table that is shown in these formats (endings of files).
    Export {
        /// Such as `csv`, `svg`.
        formats: &'static [&'static str],
    },
}

pub(super) fn run(command: Command, state: &mut Whole, jobs: &Jobs, sender: &CommandSender) {
    match command {
        Command::Start {
            split,
            n_strengths,
            beyond_paper,
            max_tracks,
        } => {
            let mut plan = RobustnessPlan {
                split,
                max_tracks,
                ..RobustnessPlan::new(n_strengths)
            };
            if beyond_paper {
                plan.ladders = Ladder::all(n_strengths);
            }
            if !start(plan, state, jobs) {
                let text = "The robustness table needs a model and a data set.";
                sender.send(Notice::new(Level::Info, text));
            }
        }
        Command::Stop => state.audition.robustness.tables.cancel(),
        Command::Export { formats } => export(formats, state, jobs),
    }
}

/// Whether there was all that is needed.
fn start(plan: RobustnessPlan, state: &mut Whole, jobs: &Jobs) -> bool {
    let folder = state.selection.dataset.as_ref();
    let shelf = folder.and_then(|folder| state.library.shelf(folder));
    let (Some(shelf), Some(model)) = (shelf, state.model.current()) else {
        return false;
    };
    let mut models = vec![Arc::clone(model)];
    models.extend(state.audition.beside.model().cloned());
    let asked = Asked {
        models: models
            .iter()
            .map(|model| model.fingerprint.clone())
            .collect(),
        shelf: Arc::clone(shelf),
        plan: plan.clone(),
    };
    let (shelf, workspace) = (Arc::clone(shelf), state.workspace.clone());
    let tables = &mut state.audition.robustness.tables;
    tables.ask(jobs, asked, move |job, tell| {
        let models: Vec<&Model> = models.iter().map(Arc::as_ref).collect();
        let dataset = &shelf.dataset;
        if let [first, second] = models[..] {
            // Before tracks are decoded in vain.
            train::tags_in_common([first, second], dataset)?;
        }
        let rate_hz = train::usual_scoring_rate_hz(&models);
        let cache = train::open_cache_at(&workspace, rate_hz)?;
        let (track_idxs, _) = plan.decode(dataset, &cache, job)?;
        let keep_in = workspace.cache().join("robustness");
        let keep_in = Some(&*keep_in);
        Ok(train::robustness(
            &models,
            dataset,
            &cache,
            &track_idxs,
            &plan,
            keep_in,
            job,
            tell,
        )?)
    });
    true
}

fn export(formats: &'static [&'static str], state: &mut Whole, jobs: &Jobs) {
    let folder = state.workspace.exports();
    let robustness = &mut state.audition.robustness;
    let Some(table) = robustness.shown().map(Arc::clone) else {
        return;
    };
    robustness.n_written += 1;
    let nth = robustness.n_written;
    robustness.writing.ask_again(jobs, nth, move |_| {
        let models: Vec<&str> = table
            .models
            .iter()
            .map(|model| model.name.as_str())
            .collect();
        let stem = format!("robustness of {} on {}", models.join(" and "), table.data);
        let stem = safe_name(&stem);
        let mut written = Vec::new();
        for format in formats {
            let path = free_path(&folder, &stem, format);
            written.extend(write_robustness(&table, &path, &Print::default())?);
        }
        Ok(written)
    });
}

/// Takes in results.
pub(super) fn poll(state: &mut State, jobs: &Jobs, sender: &CommandSender) {
    state.tables.poll(jobs);
    if state.writing.poll(jobs) {
        super::tell_written(state.writing.result(), sender);
    }
}
