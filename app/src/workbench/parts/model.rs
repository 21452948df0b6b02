//! The model in use: an immutable snapshot with which Audition and Timeline predict, never the live weights.

use super::song::USUAL_RATE_HZ;
use crate::workbench::jobs::{Activity, Slot};
use crate::workbench::{CommandSender, Jobs, Level, Notice, State as Whole};
use attune_core::predict::{Model, Shipped};
use std::path::PathBuf;
use std::sync::Arc;

/// Where the model in use comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// It ships with Attune.
    Shipped(Shipped),
    /// A file.
    File(PathBuf),
    /// The run in training, as of its last validation or snapshot.
    Training,
}

/// The model in use.
#[derive(Debug)]
pub struct State {
    current: Option<(Arc<Model>, Origin)>,
    loading: Slot<Origin, (Arc<Model>, Origin)>,
    exporting: Slot<PathBuf, PathBuf>,
    /// Whether weights that the training publishes replace the model in use.
    follows_training: bool,
    /// The next weights that the training publishes replace the model in use, once.
    takes_next: bool,
    /// What the training published last.
    seen: Option<Arc<Model>>,
    asked_for_shipped: bool,
}

impl Default for State {
    fn default() -> Self {
        Self {
            current: None,
            loading: Slot::new("load model"),
            exporting: Slot::new("export model"),
            follows_training: false,
            takes_next: false,
            seen: None,
            asked_for_shipped: false,
        }
    }
}

impl State {
    /// The model in use.
    pub fn current(&self) -> Option<&Arc<Model>> {
        self.current.as_ref().map(|(model, _)| model)
    }

    /// Where it comes from.
    pub fn origin(&self) -> Option<&Origin> {
        self.current.as_ref().map(|(_, origin)| origin)
    }

    /// How far loading and exporting are.
    pub fn activities(&self) -> impl Iterator<Item = Activity> {
        let loading = self.loading.activity();
        loading.into_iter().chain(self.exporting.activity())
    }

    /// The rate at which the model in use hears, in hertz.
    pub fn sample_rate_hz(&self) -> u32 {
        self.current()
            .map_or(USUAL_RATE_HZ, |model| model.sample_rate_hz())
    }

    /// Whether weights that the training publishes replace the model in use.
    pub fn follows_training(&self) -> bool {
        self.follows_training
    }

    /// Asks for the weights in a file. From then on the training's weights no longer replace the model in use.
    pub fn open(&mut self, path: PathBuf, jobs: &Jobs) {
        self.follows_training = false;
        let origin = Origin::File(path.clone());
        self.loading.ask_again(jobs, origin.clone(), move |_| {
            Ok((Arc::new(Model::load(&path)?), origin))
        });
    }

    /// Writes the model in use to a file: .onnx or .safetensors.
    pub fn export(&mut self, path: PathBuf, jobs: &Jobs) {
        let Some((model, _)) = &self.current else {
            return;
        };
        let model = Arc::clone(model);
        self.exporting.ask_again(jobs, path.clone(), move |_| {
            model.export(&path)?;
            Ok(path)
        });
    }

    /// Whether weights that the training publishes replace the model in use from now on.
    pub fn follow_training(&mut self, follow: bool) {
        self.follows_training = follow;
        self.takes_next = follow;
    }

    /// The next weights that the training publishes (the snapshot that was asked for) replace the model in use.
    pub fn take_next(&mut self) {
        self.takes_next = true;
    }

    /// Asks for a model that ships with Attune. From then on the training's weights no longer replace the model in use.
    pub fn use_shipped(&mut self, shipped: Shipped, jobs: &Jobs) {
        self.asked_for_shipped = true;
        self.follows_training = false;
        let origin = Origin::Shipped(shipped);
        self.loading.ask_again(jobs, origin.clone(), move |_| {
            Ok((Arc::new(shipped.load()?), origin))
        });
    }
}

/// Called once before each frame: takes in a loaded model, or newer weights of the training.
pub fn logic(state: &mut Whole, jobs: &Jobs, sender: &CommandSender) {
    let model = &mut state.model;
    if !model.asked_for_shipped {
        model.use_shipped(Shipped::default(), jobs);
    }
    if model.loading.poll(jobs) {
        match model.loading.take() {
            Some(Ok((loaded, origin))) => {
                if let Origin::File(path) = &origin {
                    let (name, n_tags) = (&loaded.name, loaded.tags.len());
                    let text = format!("Model in use: {name} ({n_tags} tags), {}", path.display());
                    sender.send(Notice::new(Level::Success, text));
                }
                model.current = Some((loaded, origin));
            }
            Some(Err(error)) => sender.send(Notice::new(
                Level::Error,
                format!("The model cannot be opened: {error}"),
            )),
            None => {}
        }
    }
    if model.exporting.poll(jobs)
        && let Some(exported) = model.exporting.take()
    {
        sender.send(match exported {
            Ok(path) => Notice::new(Level::Success, format!("Wrote {}", path.display())),
            Err(error) => Notice::new(
                Level::Error,
                format!("The model cannot be exported: {error}"),
            ),
        });
    }
    let newest = state.training.model();
    let is_news = match (&newest, &model.seen) {
        (Some(newest), Some(seen)) => !Arc::ptr_eq(newest, seen),
        (newest, _) => newest.is_some(),
    };
    if !is_news {
        return;
    }
    model.seen.clone_from(&newest);
    if let Some(newest) = newest
        && (model.follows_training || model.takes_next || model.current.is_none())
    {
        model.takes_next = false;
        model.current = Some((newest, Origin::Training));
    }
}
