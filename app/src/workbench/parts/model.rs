//! The model in use: an immutable snapshot with which Audition and Timeline predict, never the live weights.

use super::song::USUAL_RATE_HZ;
use crate::workbench::jobs::{Activity, Slot};
use crate::workbench::{CommandSender, Jobs, Level, Notice, State as Whole};
use anyhow::Context as _;
use attune_core::predict::{Checkpoint, Key, LoadOptions, Model, Shipped};
use attune_core::weights::Standing;
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

/// A file of weights that another program wrote, before it is used.
#[derive(Debug)]
pub struct Preview {
    /// The file.
    pub path: PathBuf,
    /// What was found in it.
    pub checkpoint: Checkpoint,
    /// Its keys, as they are shown.
    pub keys: Vec<KeyRow>,
}

/// A key of a file, in words.
#[derive(Debug)]
pub struct KeyRow {
    /// Its name.
    pub name: String,
    /// Type and shape.
    pub kind: String,
    /// What becomes of it, if a network was recognised.
    pub standing: Option<Standing>,
}

impl Preview {
    fn new(path: PathBuf, checkpoint: Checkpoint) -> Self {
        let row = |key: Key<'_>| KeyRow {
            name: key.entry.name.clone(),
            kind: format!("{} {:?}", key.entry.dtype, key.entry.shape),
            standing: key.standing,
        };
        let mut keys: Vec<_> = checkpoint.keys().map(row).collect();
        // What needs attention comes first.
        keys.sort_by_key(|row| row.standing == Some(Standing::Matched));
        Self {
            path,
            checkpoint,
            keys,
        }
    }
}

/// What opening a file of weights led to.
#[derive(Debug)]
enum Opened {
    Model(Arc<Model>, Origin),
    Preview(Box<Preview>),
}

/// What can be asked.
#[derive(Debug)]
pub enum Command {
    /// Use the weights that are shown; what the user knows better than the file goes along.
    UsePreview {
        /// Attention heads.
        n_heads: Option<usize>,
        /// A file with the tags, one a line.
        tags: Option<PathBuf>,
    },
    /// Do not use them.
    DropPreview,
}

/// The model in use.
#[derive(Debug)]
pub struct State {
    current: Option<(Arc<Model>, Origin)>,
    loading: Slot<Origin, Opened>,
    preview: Option<Box<Preview>>,
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
            preview: None,
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

    /// Weights of another program that wait for the user's word.
    pub fn preview(&self) -> Option<&Preview> {
        self.preview.as_deref()
    }

    /// Asks for the weights in a file. From then on the training's weights no longer replace the model in use. Weights that another
    /// program wrote are shown first.
    pub fn open(&mut self, path: PathBuf, jobs: &Jobs) {
        self.preview = None;
        let origin = Origin::File(path.clone());
        self.loading.ask_again(jobs, origin.clone(), move |_| {
            let checkpoint = Checkpoint::open(&path, &LoadOptions::default())?;
            Ok(if checkpoint.is_complete() {
                Opened::Model(Arc::new(checkpoint.load()?), origin)
            } else {
                Opened::Preview(Box::new(Preview::new(path, checkpoint)))
            })
        });
    }

    /// Carries out a command, between frames.
    pub fn run(&mut self, command: Command, jobs: &Jobs) {
        let (n_heads, tags) = match command {
            Command::UsePreview { n_heads, tags } => (n_heads, tags),
            Command::DropPreview => {
                self.preview = None;
                self.loading.cancel();
                // Looking at the file may have overtaken the first model.
                if self.current.is_none() {
                    self.use_shipped(Shipped::default(), jobs);
                }
                return;
            }
        };
        // It stays until they are loaded: tags or heads may be mended.
        let Some(preview) = &self.preview else { return };
        let path = preview.path.clone();
        let origin = Origin::File(path.clone());
        self.loading.ask_again(jobs, origin.clone(), move |_| {
            let read = |tags: &PathBuf| {
                let named = || format!("cannot read the tags in {}", tags.display());
                LoadOptions::read_tags(tags).with_context(named)
            };
            let options = LoadOptions {
                n_heads,
                tags: tags.as_ref().map(read).transpose()?,
                ..LoadOptions::default()
            };
            let model = Checkpoint::open(&path, &options)?.load()?;
            Ok(Opened::Model(Arc::new(model), origin))
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
        let origin = Origin::Shipped(shipped);
        self.loading.ask_again(jobs, origin.clone(), move |_| {
            Ok(Opened::Model(Arc::new(shipped.load()?), origin))
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
            Some(Ok(Opened::Preview(preview))) => model.preview = Some(preview),
            Some(Ok(Opened::Model(loaded, origin))) => {
                if let Origin::File(path) = &origin {
                    let (name, n_tags) = (&loaded.name, loaded.tags.len());
                    let text = format!("Model in use: {name} ({n_tags} tags), {}", path.display());
                    sender.send(Notice::new(Level::Success, text));
                }
                model.preview = None;
                model.follows_training = false;
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
