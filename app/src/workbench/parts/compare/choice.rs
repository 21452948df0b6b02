//! Which models can be compared and which are: chosen by where they come from, loaded in the background.

use super::{Side, best_of};
use crate::workbench::State as Whole;
use crate::workbench::jobs::{Activity, Jobs, Slot};
use crate::workbench::parts::model::{self, Origin};
use attune_core::predict::{Model, Shipped};
use attune_core::run::Status;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where a model to compare comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Whatever Audition and Timeline use.
    InUse,
    /// It ships with Attune.
    Shipped(Shipped),
    /// The best checkpoint of the run in this folder.
    Run(PathBuf),
    /// A file of weights.
    File(PathBuf),
}

impl Source {
    /// What it is called.
    pub fn name(&self, in_use: &model::State) -> String {
        let last = |path: &Path| {
            path.file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned()
        };
        match self {
            Self::InUse => match (in_use.current(), in_use.origin()) {
                (_, Some(Origin::Training)) => "in use: the run in training".to_owned(),
                (Some(model), _) => format!("in use: {}", model.name),
                (None, _) => "in use: none yet".to_owned(),
            },
            Self::Shipped(shipped) => format!("{} (shipped)", shipped.name()),
            Self::Run(folder) => last(folder),
            Self::File(path) => last(path),
        }
    }

    /// Where it comes from, in words.
    pub fn hint(&self) -> String {
        match self {
            Self::InUse => "The model that Audition and Timeline use".to_owned(),
            Self::Shipped(_) => "It comes with Attune".to_owned(),
            Self::Run(folder) => format!("Best checkpoint of the run {}", folder.display()),
            Self::File(path) => path.display().to_string(),
        }
    }

    fn load(&self) -> anyhow::Result<Arc<Model>> {
        Ok(Arc::new(match self {
            Self::InUse => anyhow::bail!("the model in use is loaded already"),
            Self::Shipped(shipped) => shipped.load()?,
            Self::Run(folder) => Model::load(&best_of(folder))?,
            Self::File(path) => Model::load(path)?,
        }))
    }
}

/// A run as it stood in the list when its checkpoints were looked for: its folder, its steps, and whether it was over.
type Seen = (PathBuf, u64, Status);

/// The two models.
#[derive(Debug)]
pub(super) struct Choice {
    sides: [Option<Source>; 2],
    models: [Slot<Source, Arc<Model>>; 2],
    /// The runs that have a best checkpoint.
    runs: Slot<Vec<Seen>, Vec<PathBuf>>,
    last_file: Option<PathBuf>,
}

impl Default for Choice {
    fn default() -> Self {
        Self {
            sides: [Some(Source::InUse), None],
            models: [
                Slot::new("load model to compare"),
                Slot::new("load model to compare"),
            ],
            runs: Slot::new("look for checkpoints"),
            last_file: None,
        }
    }
}

impl Choice {
    pub(super) fn sources(&self, whole: &Whole) -> Vec<(Source, String)> {
        let mut sources = vec![Source::InUse];
        sources.extend(Shipped::ALL.map(Source::Shipped));
        let runs = self.runs.value().map_or(&[][..], Vec::as_slice);
        sources.extend(runs.iter().cloned().map(Source::Run));
        let is_of_run = |file: &PathBuf| runs.iter().any(|folder| file.starts_with(folder));
        if let Some(file) = self.last_file.as_ref().filter(|file| !is_of_run(file)) {
            sources.push(Source::File(file.clone()));
        }
        // What was chosen can still be chosen after another file has been opened.
        for chosen in self.sides.iter().flatten() {
            if !sources.contains(chosen) {
                sources.push(chosen.clone());
            }
        }
        let named = |source: Source| {
            let name = source.name(&whole.model);
            (source, name)
        };
        sources.into_iter().map(named).collect()
    }

    pub(super) fn source(&self, side: Side) -> Option<&Source> {
        self.sides[side.idx()].as_ref()
    }

    pub(super) fn name(&self, side: Side, whole: &Whole) -> String {
        match self.source(side) {
            // What is in use may be another one tomorrow.
            Some(Source::InUse) => match whole.model.current() {
                Some(model) => model.name.clone(),
                None => String::new(),
            },
            Some(source) => source.name(&whole.model),
            None => String::new(),
        }
    }

    pub(super) fn model<'a>(
        &'a self,
        side: Side,
        in_use: &'a model::State,
    ) -> Option<&'a Arc<Model>> {
        match self.source(side)? {
            Source::InUse => in_use.current(),
            source => self.models[side.idx()].value_for(source),
        }
    }

    pub(super) fn error(&self, side: Side) -> Option<&str> {
        let slot = &self.models[side.idx()];
        let is_wanted = slot.done_key().is_some() && slot.done_key() == self.source(side);
        slot.error().filter(|_| is_wanted)
    }

    pub(super) fn is_loading(&self, side: Side) -> bool {
        self.models[side.idx()].is_busy()
    }

    /// `at_hand`: the model, if it is loaded already.
    pub(super) fn choose(
        &mut self,
        side: Side,
        source: Source,
        at_hand: Option<Arc<Model>>,
        jobs: &Jobs,
    ) {
        let slot = &mut self.models[side.idx()];
        if source == Source::InUse {
            slot.clear();
        } else {
            // A run's best checkpoint may be a better one by now.
            let wanted = source.clone();
            slot.ask_again(jobs, source.clone(), move |_| match at_hand {
                Some(model) => Ok(model),
                None => wanted.load(),
            });
        }
        self.sides[side.idx()] = Some(source);
    }

    pub(super) fn swap(&mut self) {
        self.sides.swap(0, 1);
        self.models.swap(0, 1);
    }

    pub(super) fn activities(&self) -> impl Iterator<Item = Activity> {
        self.models.iter().filter_map(Slot::activity)
    }

    pub(super) fn cancel(&mut self) {
        for (slot, source) in self.models.iter_mut().zip(&mut self.sides) {
            if slot.is_busy() {
                slot.cancel();
                *source = slot.done_key().cloned();
            }
        }
    }
}

/// Takes in loaded models, remembers the file that was opened last, and looks for checkpoints whenever the list of runs has changed.
pub(super) fn logic(state: &mut Whole, jobs: &Jobs) {
    let choice = &mut state.compare.choice;
    for slot in &mut choice.models {
        slot.poll(jobs);
    }
    if let Some(Origin::File(path)) = state.model.origin()
        && choice.last_file.as_ref() != Some(path)
    {
        choice.last_file = Some(path.clone());
    }
    choice.runs.poll(jobs);
    let Some(list) = state.runs.list() else {
        return;
    };
    let is_news = match choice.runs.busy_with().or(choice.runs.done_key()) {
        None => !list.is_empty(),
        Some(seen) => !seen
            .iter()
            .map(|(folder, steps, status)| (folder, *steps, *status))
            .eq(list.iter().map(|run| (&run.folder, run.steps, run.status))),
    };
    if is_news {
        let listed = list
            .iter()
            .map(|run| (run.folder.clone(), run.steps, run.status));
        let listed: Vec<Seen> = listed.collect();
        let folders: Vec<PathBuf> = list.iter().map(|run| run.folder.clone()).collect();
        choice.runs.request(jobs, listed, move |_| {
            let mut folders = folders;
            folders.retain(|folder| best_of(folder).is_file());
            Ok(folders)
        });
    }
}
