//! The part of the state about what Attune may take of this machine: the cache of decoded sound on disk, the loader's batches in memory. Both are
//! kept in the workspace, where the command line reads them as well.

use crate::workbench::jobs::{Activity, Slot};
use crate::workbench::{CommandSender, Jobs, Level, Notice, State as Whole};
use attune_core::dataset::pcm_cache::{Trimmed, contents, trim};
use attune_core::dataset::{Limit, bytes_from_gb};
use attune_core::device::set_loader_memory;

/// What holds now.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// What the cache may take, in gigabytes; `None`: as much as there is.
    pub cache_gb: Option<f64>,
    /// The environment variable that says so, if one does: then it cannot be changed here.
    pub variable: Option<&'static str>,
    /// What the cache takes, in bytes.
    pub cache_bytes: u64,
    /// What the loader's batches may take, in gigabytes; `None`: as usual.
    pub loader_gb: Option<f64>,
}

/// What the System panel shows. Changed only by [`run`] and [`logic`].
#[derive(Debug)]
pub struct State {
    looked: Slot<u64, Limits>,
    n_looks: u64,
    cache: Slot<Option<f64>, ()>,
    loader: Slot<Option<f64>, ()>,
    trimming: Slot<(), Trimmed>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            looked: Slot::new("look at the cache"),
            n_looks: 0,
            cache: Slot::new("set the cache's budget"),
            loader: Slot::new("set the loader's memory"),
            trimming: Slot::new("trim the cache"),
        }
    }
}

impl State {
    /// What holds, or why that cannot be told; `None` while it is looked up for the first time.
    pub fn limits(&self) -> Option<Result<&Limits, &str>> {
        let result = self.looked.result()?;
        Some(result.as_ref().map_err(String::as_str))
    }

    /// Whether it was asked for.
    pub fn is_asked(&self) -> bool {
        self.n_looks > 0
    }

    /// Whether the cache is being trimmed.
    pub fn is_trimming(&self) -> bool {
        self.trimming.is_busy()
    }

    /// Work in progress, for the status bar.
    pub fn activity(&self) -> Option<Activity> {
        self.trimming.activity()
    }
}

/// What can be asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Command {
    /// Look up what holds, and what the cache takes.
    Look,
    /// Let the cache take so many gigabytes; `None`: as much as there is.
    SetCache(Option<f64>),
    /// Let the loader's batches take so many gigabytes; `None`: as usual.
    SetLoader(Option<f64>),
    /// Throw away what was unused for longest, until the cache keeps to its budget.
    Trim,
}

/// Carries out a command, between frames.
pub fn run(command: Command, state: &mut Whole, jobs: &Jobs, _sender: &CommandSender) {
    let workspace = state.workspace.clone();
    let limits = &mut state.limits;
    match command {
        Command::Look => {
            limits.n_looks += 1;
            limits.looked.ask_again(jobs, limits.n_looks, move |_| {
                let rates = contents(&workspace.pcm_cache())?;
                Ok(Limits {
                    cache_gb: Limit::CACHE.of(&workspace)?,
                    variable: Limit::CACHE.variable_in_effect(),
                    cache_bytes: rates.iter().map(|rate| rate.bytes).sum(),
                    loader_gb: Limit::LOADER_MEMORY.of(&workspace)?,
                })
            });
        }
        Command::SetCache(gigabytes) => limits.cache.ask_again(jobs, gigabytes, move |_| {
            Ok(Limit::CACHE.save(&workspace, gigabytes)?)
        }),
        Command::SetLoader(gigabytes) => {
            // From the next loader on.
            set_loader_memory(gigabytes.map_or(0, |gb| bytes_from_gb(gb).max(1)));
            limits.loader.ask_again(jobs, gigabytes, move |_| {
                Ok(Limit::LOADER_MEMORY.save(&workspace, gigabytes)?)
            });
        }
        Command::Trim => limits.trimming.ask_again(jobs, (), move |_| {
            let budget = Limit::CACHE.of(&workspace)?;
            let budget = budget.map_or(u64::MAX, bytes_from_gb);
            Ok(trim(&workspace.pcm_cache(), budget)?)
        }),
    }
}

/// Called once before each frame: takes in what was looked up and set.
pub fn logic(state: &mut Whole, jobs: &Jobs, sender: &CommandSender) {
    let limits = &mut state.limits;
    limits.looked.poll(jobs);
    let mut has_changed = false;
    for slot in [&mut limits.cache, &mut limits.loader] {
        if slot.poll(jobs) {
            has_changed = true;
            if let Some(error) = slot.error() {
                let text = format!("The setting could not be kept: {error}");
                sender.send(Notice::new(Level::Error, text));
            }
        }
    }
    if limits.trimming.poll(jobs) {
        has_changed = true;
        match limits.trimming.result() {
            Some(Err(error)) => {
                let text = format!("The cache could not be trimmed: {error}");
                sender.send(Notice::new(Level::Error, text));
            }
            Some(Ok(trimmed)) if trimmed.n_in_use > 0 => {
                let text = "Some of the cache stays: a training uses it.";
                sender.send(Notice::new(Level::Info, text));
            }
            _ => {}
        }
    }
    if has_changed {
        run(Command::Look, state, jobs, sender);
    }
}
