//! A strength sweep of the clip: one number of one effect runs over a range, and the models say at each step what they still hear.

use super::ClipKey;
use super::draws::{free_path, safe_name};
use super::in_the_making::InTheMaking;
use crate::robustness_files::write_sweep;
use crate::workbench::jobs::{Activity, Slot};
use crate::workbench::{CommandSender, Jobs, Level, Notice, State as Whole};
use attune_core::augment::{Draw, Kind, steps};
use attune_core::figure::Print;
use attune_core::predict::{self, Model, ShownSweep, SweepPlan};
use std::path::PathBuf;
use std::sync::Arc;

/// What a sweep was asked for with.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// The clip.
    pub clip: ClipKey,
    plan: SweepPlan,
    models: Vec<String>,
}

/// The sweep that is shown, and the work on the next.
#[derive(Debug)]
pub struct State {
    sweeps: InTheMaking<Asked, predict::Sweep>,
    writing: Slot<u64, Vec<PathBuf>>,
    n_written: u64,
}

impl Default for State {
    fn default() -> Self {
        Self {
            sweeps: InTheMaking::new("sweep an effect"),
            writing: Slot::new("write the sweep"),
            n_written: 0,
        }
    }
}

impl State {
    /// The last sweep, as far as it is there, and what it is of.
    pub fn shown(&self) -> Option<(&Asked, &Arc<predict::Sweep>)> {
        self.sweeps.shown()
    }

    /// How far the work is.
    pub fn sweeping(&self) -> Option<Activity> {
        self.sweeps.activity()
    }

    /// Why the last sweep failed.
    pub fn error(&self) -> Option<&str> {
        self.sweeps.error()
    }

    pub(super) fn activities(&self) -> impl Iterator<Item = Activity> {
        let both = [self.sweeps.activity(), self.writing.activity()];
        both.into_iter().flatten()
    }

    pub(super) fn cancel(&mut self) {
        self.sweeps.cancel();
        self.writing.cancel();
    }
}

/// What the view can ask for.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Sweep a number of an effect; effects that are on are applied before and after it in their order.
    Start {
        /// The effect.
        kind: Kind,
        /// Which of its numbers.
        parameter_idx: usize,
        /// Smallest value, in the unit of the number.
        from: f32,
        /// Greatest value.
        to: f32,
        /// How many values.
        n_steps: usize,
    },
    /// Stop sweeping; what is there stays.
    Stop,
    /// Write the sweep that is shown for these tags, in these formats (endings of files).
    Export {
        /// The tags.
        tags: Vec<String>,
        /// Such as `csv`, `svg`.
        formats: &'static [&'static str],
    },
}

pub(super) fn run(command: Command, state: &mut Whole, jobs: &Jobs, sender: &CommandSender) {
    match command {
        Command::Start {
            kind,
            parameter_idx,
            from,
            to,
            n_steps,
        } => {
            let by_factors = kind.parameters().get(parameter_idx);
            let by_factors = by_factors.is_some_and(|parameter| parameter.logarithmic);
            let values = steps(from.min(to), from.max(to), n_steps, by_factors);
            if let Err(error) = start(kind, parameter_idx, values, state, jobs) {
                sender.send(Notice::new(Level::Error, error.to_string()));
            }
        }
        Command::Stop => state.audition.sweep.sweeps.cancel(),
        Command::Export { tags, formats } => export(tags, formats, state, jobs),
    }
}

fn start(
    kind: Kind,
    parameter_idx: usize,
    values: Vec<f32>,
    state: &mut Whole,
    jobs: &Jobs,
) -> anyhow::Result<()> {
    let audition = &mut state.audition;
    let at = audition
        .rows
        .iter()
        .position(|row| row.effect.kind() == kind);
    let model = state.model.current();
    let key = audition.key.as_ref();
    let original = key.and_then(|key| Some((key, audition.original.value_for(key)?)));
    let (Some(at), Some(model), Some((key, original))) = (at, model, original) else {
        anyhow::bail!("A sweep needs a song and a model.");
    };
    // Those that are on, and the swept one in its place among them.
    let rows = audition.rows.iter().enumerate();
    let rows = rows.filter(|(idx, row)| row.is_on || *idx == at);
    let (places, effects): (Vec<usize>, Vec<_>) = rows.map(|(idx, row)| (idx, row.effect)).unzip();
    let effect_idx = places.iter().position(|&place| place == at).unwrap_or(0);
    let address = audition.address;
    let draw = Draw { effects, address };
    let plan = SweepPlan::new(draw, effect_idx, parameter_idx, values)?;
    let mut models = vec![Arc::clone(model)];
    models.extend(audition.beside.model().cloned());
    let asked = Asked {
        clip: key.clone(),
        plan: plan.clone(),
        models: models
            .iter()
            .map(|model| model.fingerprint.clone())
            .collect(),
    };
    let clip = original.clip.clone();
    audition.sweep.sweeps.ask(jobs, asked, move |job, tell| {
        let models: Vec<&Model> = models.iter().map(Arc::as_ref).collect();
        Ok(predict::sweep(
            &models,
            &clip.samples,
            clip.rate_hz,
            &plan,
            job,
            tell,
        )?)
    });
    Ok(())
}

fn export(tags: Vec<String>, formats: &'static [&'static str], state: &mut Whole, jobs: &Jobs) {
    let folder = state.workspace.exports();
    let sweep = &mut state.audition.sweep;
    let Some((asked, swept)) = sweep.sweeps.shown() else {
        return;
    };
    let (song, start_secs) = (asked.clip.song.clone(), asked.clip.start_secs());
    let swept = Arc::clone(swept);
    sweep.n_written += 1;
    sweep.writing.ask_again(jobs, sweep.n_written, move |_| {
        let shown = ShownSweep {
            sweep: &swept,
            song: &song,
            start_secs,
            tags: &tags,
            threshold: None,
        };
        let stem = safe_name(&format!("{song} sweep of {}", swept.plan.kind().name()));
        let mut written = Vec::new();
        for format in formats {
            let path = free_path(&folder, &stem, format);
            write_sweep(&shown, &path, &Print::default())?;
            written.push(path);
        }
        Ok(written)
    });
}

/// Takes in results.
pub(super) fn poll(state: &mut State, jobs: &Jobs, sender: &CommandSender) {
    state.sweeps.poll(jobs);
    if state.writing.poll(jobs) {
        super::tell_written(state.writing.result(), sender);
    }
}
