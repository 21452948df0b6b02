//! Experiments: which there are, a live table of the shown one, and the one at work here.

mod follower;

use super::runs;
use crate::workbench::jobs::{Activity, Slot};
use crate::workbench::{
    Command as AnyCommand, CommandSender, Jobs, Level, Notice, Select, State as Whole,
};
use anyhow::Context as _;
use attune_core::experiment::{
    self, Ending, Experiment, Failed, Format, Handle, Overrides, Plan, State as RunState, Table,
    shipped,
};
use attune_core::workspace::{Workspace, write_whole};
use follower::Follower;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What there is to choose from.
#[derive(Debug, Default)]
pub struct Shelf {
    /// The plans that come with Attune.
    pub plans: Vec<Plan>,
    /// Name and title of each experiment of the workspace, by name.
    pub experiments: Vec<(String, String)>,
}

impl Shelf {
    /// Whether there is an experiment of that name.
    pub fn has(&self, name: &str) -> bool {
        self.experiments.iter().any(|(known, _)| known == name)
    }
}

impl Order {
    /// What the experiment will be called.
    pub fn name(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.plan.name)
    }
}

/// Experiments. Changed only by [`run`] and [`logic`].
#[derive(Debug)]
pub struct State {
    shelf: Slot<u64, Shelf>,
    /// How often it was asked for.
    looked: u64,
    asked: u64,
    plan: Slot<PathBuf, Plan>,
    /// How many runs an order is, or why it is not possible.
    checking: Slot<Box<Order>, usize>,
    taking: Slot<u64, (Experiment, Failed)>,
    working: Option<Handle>,
    /// Follow the shown experiment and the one at work.
    followers: Vec<Follower>,
    export: Slot<(String, &'static str), PathBuf>,
    /// The run at work, shown because it is.
    shown_run: Option<PathBuf>,
}

/// What can be asked.
#[derive(Debug)]
pub enum Command {
    /// Look again which experiments there are.
    Refresh,
    /// Read a plan's file, to be offered.
    ReadPlan(PathBuf),
    /// Find out whether an order is possible.
    Check(Box<Order>),
    /// Take a plan up and work through it.
    Begin(Box<Order>),
    /// Go on with an experiment of the workspace.
    GoOn {
        /// Its name.
        name: String,
        /// What to do with runs that failed.
        failed: Failed,
    },
    /// Stop after a checkpoint.
    Stop,
    /// Write the table to the workspace's exports.
    Export {
        /// The experiment.
        name: String,
        /// How.
        format: Format,
    },
}

/// A plan to be taken up.
#[derive(Clone, Debug, PartialEq)]
pub struct Order {
    /// The plan.
    pub plan: Plan,
    /// Name of the experiment, if not the plan's.
    pub name: Option<String>,
    /// What is wanted otherwise than in the plan.
    pub overrides: Overrides,
}

impl Default for State {
    fn default() -> Self {
        Self {
            shelf: Slot::new("look for experiments"),
            looked: 0,
            asked: 0,
            plan: Slot::new("read the plan"),
            checking: Slot::new("check the plan"),
            taking: Slot::new("take up the plan"),
            working: None,
            followers: Vec::new(),
            export: Slot::new("write the table"),
            shown_run: None,
        }
    }
}

impl State {
    /// Plans and experiments, once they were looked for.
    pub fn shelf(&self) -> Option<&Shelf> {
        self.shelf.value()
    }

    /// The plan that was read from a file, and the file.
    pub fn plan_of_file(&self) -> Option<(&Path, &Plan)> {
        Some((self.plan.done_key()?, self.plan.value()?))
    }

    /// How many runs an order is, or why it is not possible; `None` until [`Command::Check`] was carried out.
    pub fn n_runs(&self, order: &Order) -> Option<Result<usize, &str>> {
        let is_of_it = self
            .checking
            .done_key()
            .is_some_and(|done| **done == *order);
        let result = self.checking.result().filter(|_| is_of_it)?;
        Some(result.as_ref().copied().map_err(String::as_str))
    }

    /// The newest table of the shown experiment, or the one at work.
    pub fn table(&self, name: &str) -> Option<Arc<Table>> {
        self.of(name)?.table()
    }

    /// Why it has none.
    pub fn error(&self, name: &str) -> Option<String> {
        self.of(name)?.error()
    }

    fn of(&self, name: &str) -> Option<&Follower> {
        self.followers
            .iter()
            .find(|follower| follower.name() == name)
    }

    /// The experiment at work in this window.
    pub fn working_on(&self) -> Option<&str> {
        let handle = self.working.as_ref();
        handle.map(|handle| handle.experiment.name.as_str())
    }

    /// Whether an experiment is at work in this window, or about to begin.
    pub fn is_working(&self) -> bool {
        self.working.is_some() || self.taking.is_busy()
    }

    /// Whether it was asked to stop.
    pub fn is_stopping(&self) -> bool {
        self.working.as_ref().is_some_and(Handle::is_stopping)
    }

    /// What the run at work makes ready, if it is not in a training step.
    pub fn preparing(&self) -> Option<Activity> {
        let progress = self.working.as_ref()?.preparing()?;
        Some(Activity {
            name: "experiment",
            progress: progress.as_ref().clone(),
            seconds: 0.0,
        })
    }

    /// Takes the work out of the window's hands, to let it go on without a window.
    pub fn take_handle(&mut self) -> Option<Handle> {
        self.working.take()
    }

    pub(in crate::workbench) fn activities(&self) -> impl Iterator<Item = Activity> {
        [
            self.taking.activity(),
            self.plan.activity(),
            self.export.activity(),
        ]
        .into_iter()
        .flatten()
    }

    /// Whether a table is being written.
    pub fn is_exporting(&self) -> bool {
        self.export.is_busy()
    }

    pub(in crate::workbench) fn cancel_jobs(&mut self) {
        self.plan.cancel();
        self.export.cancel();
    }

    /// Stops what is at work, or about to begin.
    pub(in crate::workbench) fn stop(&mut self) {
        self.taking.cancel();
        if let Some(handle) = &self.working {
            handle.stop();
        }
    }

    fn refresh(&mut self, workspace: &Workspace, jobs: &Jobs) {
        self.looked += 1;
        let workspace = workspace.clone();
        self.shelf.ask_again(jobs, self.looked, move |_| {
            let names = Experiment::list(&workspace).into_iter();
            let experiments = names.map(|name| {
                let opened = Experiment::open(&workspace, &name);
                let title = opened.map_or_else(
                    |error| format!("{:#}", anyhow::Error::new(error)),
                    |opened| opened.plan.title,
                );
                (name, title)
            });
            Ok(Shelf {
                experiments: experiments.collect(),
                plans: shipped()?,
            })
        });
    }
}

/// Carries out a command, between frames.
pub fn run(command: Command, state: &mut Whole, jobs: &Jobs, sender: &CommandSender) {
    let workspace = state.workspace.clone();
    let training = state.training.is_running() || state.queue.is_working();
    let experiments = &mut state.experiments;
    let is_start = matches!(command, Command::Begin(_) | Command::GoOn { .. });
    if is_start && (training || experiments.is_working()) {
        let what = if training {
            "A training is running: stop it before beginning an experiment."
        } else {
            "An experiment is at work: stop it before beginning another."
        };
        sender.send(Notice::new(Level::Warning, what));
        return;
    }
    match command {
        Command::Refresh => experiments.refresh(&workspace, jobs),
        Command::ReadPlan(path) => {
            experiments
                .plan
                .ask_again(jobs, path.clone(), move |_| Ok(Plan::read(&path)?));
        }
        Command::Check(order) => {
            experiments.checking.request(jobs, order.clone(), move |_| {
                let plan = order.plan.with(&order.overrides)?;
                plan.check()?;
                Ok(plan.tasks().len())
            });
        }
        Command::Begin(order) => {
            experiments.asked += 1;
            let asked = experiments.asked;
            experiments.taking.ask_again(jobs, asked, move |_| {
                let Order {
                    plan,
                    name,
                    overrides,
                } = *order;
                let taken = Experiment::take(&plan, name.as_deref(), &overrides, &workspace)?;
                Ok((taken, Failed::Leave))
            });
        }
        Command::GoOn { name, failed } => {
            experiments.asked += 1;
            let asked = experiments.asked;
            experiments.taking.ask_again(jobs, asked, move |_| {
                Ok((Experiment::open(&workspace, &name)?, failed))
            });
        }
        Command::Stop => experiments.stop(),
        Command::Export { name, format } => {
            let ending = match format {
                Format::Markdown => "md",
                Format::Csv => "csv",
                Format::Latex => "tex",
            };
            let path = workspace.exports().join(format!("{name}.{ending}"));
            let key = (name.clone(), ending);
            experiments.export.ask_again(jobs, key, move |job| {
                let table = Experiment::open(&workspace, &name)?.finished_table(job)?;
                let text = table.export(format);
                write_whole(&path, |file| file.write_all(text.as_bytes()))
                    .with_context(|| format!("cannot write {}", path.display()))?;
                Ok(path)
            });
        }
    }
}

/// Called once before each frame.
pub fn logic(state: &mut Whole, jobs: &Jobs, sender: &CommandSender) {
    let experiments = &mut state.experiments;
    experiments.shelf.poll(jobs);
    experiments.checking.poll(jobs);
    if experiments.looked == 0 {
        experiments.refresh(&state.workspace, jobs);
    }
    if experiments.plan.poll(jobs)
        && let Some(error) = experiments.plan.error()
    {
        let text = format!("Cannot use the plan: {error}");
        sender.send(Notice::new(Level::Error, text));
    }
    if experiments.export.poll(jobs)
        && let Some(result) = experiments.export.take()
    {
        sender.send(match result {
            Ok(path) => Notice::new(Level::Success, format!("Written: {}", path.display())),
            Err(error) => Notice::new(Level::Error, error),
        });
    }
    take_up(state, jobs, sender);
    follow(state, jobs);
    show_run(state, sender);
    end(state, jobs, sender);
}

/// Begins to work on what was taken up.
fn take_up(state: &mut Whole, jobs: &Jobs, sender: &CommandSender) {
    let experiments = &mut state.experiments;
    if !experiments.taking.poll(jobs) {
        return;
    }
    let Some(taken) = experiments.taking.take() else {
        return;
    };
    let wake = jobs.clone();
    let begun = taken.and_then(|(experiment, failed)| {
        experiment::start(experiment, failed, move || wake.wake())
            .map_err(|error| format!("{:#}", anyhow::Error::new(error)))
    });
    match begun {
        Ok(handle) => {
            let name = handle.experiment.name.clone();
            sender.send(Select::Experiment(Some(name)));
            experiments.working = Some(handle);
            // That it was begun means that it is to be seen.
            experiments.shown_run.clone_from(&state.selection.run);
            experiments.refresh(&state.workspace, jobs);
        }
        Err(error) => sender.send(Notice::new(
            Level::Error,
            format!("The experiment did not begin: {error}"),
        )),
    }
}

/// Follows the shown experiment and the one at work, and no other.
fn follow(state: &mut Whole, jobs: &Jobs) {
    let experiments = &mut state.experiments;
    let at_work = experiments.working_on().map(str::to_owned);
    let wanted: Vec<String> = state
        .selection
        .experiment
        .clone()
        .into_iter()
        .chain(at_work)
        .collect();
    experiments
        .followers
        .retain(|follower| wanted.iter().any(|name| name == follower.name()));
    for name in wanted {
        if experiments.of(&name).is_none() {
            let follower = Follower::start(name, state.workspace.clone(), jobs);
            experiments.followers.push(follower);
        }
    }
}

/// Shows the run at work in all panels, unless the user looks at another.
fn show_run(state: &mut Whole, sender: &CommandSender) {
    let experiments = &mut state.experiments;
    let Some(table) = experiments
        .working_on()
        .and_then(|name| experiments.table(name))
    else {
        return;
    };
    let mut runs = table.rows.iter().flat_map(|row| &row.runs);
    let at_work = runs.find(|run| matches!(run.state, RunState::Running { .. }));
    let Some(id) = at_work.and_then(|run| run.run.as_ref()) else {
        return;
    };
    let folder = state.workspace.runs().join(id);
    if experiments.shown_run.as_ref() == Some(&folder) {
        return;
    }
    if state.selection.run.is_none() || state.selection.run == experiments.shown_run {
        sender.send(Select::Run(Some(folder.clone())));
    }
    sender.send(AnyCommand::Runs(runs::Command::Refresh));
    experiments.shown_run = Some(folder);
}

/// Takes in the end of the work.
fn end(state: &mut Whole, jobs: &Jobs, sender: &CommandSender) {
    let experiments = &mut state.experiments;
    if !experiments
        .working
        .as_ref()
        .is_some_and(Handle::is_finished)
    {
        return;
    }
    let Some(handle) = experiments.working.take() else {
        return;
    };
    let name = handle.experiment.name.clone();
    if let Some(follower) = experiments.of(&name) {
        follower.poke();
    }
    // The thread has ended: joining it does not wait.
    sender.send(match handle.join() {
        Ok(Ending::Complete) => {
            Notice::new(Level::Success, format!("Experiment {name}: every run is done"))
        }
        Ok(Ending::WithFailures) => Notice::new(
            Level::Warning,
            format!("Experiment {name}: all is done but runs that failed; the Experiments panel says why"),
        ),
        Ok(Ending::Stopped) => Notice::new(
            Level::Info,
            format!("Experiment {name} stopped; it goes on where it was from the Experiments panel"),
        ),
        Err(error) => Notice::new(
            Level::Error,
            format!("Experiment {name} ended: {:#}", anyhow::Error::new(error)),
        ),
    });
    sender.send(AnyCommand::Runs(runs::Command::Refresh));
    experiments.refresh(&state.workspace, jobs);
}
