//! `attune runs curves|mistakes|per-tag|diff`: runs held against each other, tag by tag and setting by setting.

mod curves;
mod diff;
mod mistakes;
mod per_tag;

use super::super::{Console, Failure, Fault, ResultExt};
use super::{number, table};
use anyhow::anyhow;
use attune_core::run;
use attune_core::train::{Predictions, Ranked};
use std::path::{Path, PathBuf};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// ROC and precision–recall curves of each tag, and what a threshold makes of the test split
    Curves(curves::Args),
    /// The tracks that a run gets wrong at a threshold, worst first, also as a playlist to listen to
    Mistakes(mistakes::Args),
    /// Runs against tags: a score in each cell, or its difference to a baseline
    PerTag(per_tag::Args),
    /// In which settings and facts two runs, or two recipes, differ
    Diff(diff::Args),
}

pub(super) fn run(command: Command, console: &Console) -> Result<(), Failure> {
    match command {
        Command::Curves(args) => curves::run(&args, console),
        Command::Mistakes(args) => mistakes::run(&args, console),
        Command::PerTag(args) => per_tag::run(&args, console),
        Command::Diff(args) => diff::run(&args, console),
    }
}

/// The folders of runs, all of them or an error.
fn folders(runs: &[String], console: &Console) -> Result<Vec<PathBuf>, Failure> {
    let folder = console.workspace.runs();
    let found = runs.iter().map(|run| run::find(&folder, run).bad_input());
    found.collect()
}

fn id(folder: &Path) -> String {
    let id = folder.file_name().unwrap_or_default();
    id.to_string_lossy().into_owned()
}

/// The predictions that a run has kept, ranked; with `score` they are made if there are none.
fn ranked(folder: &Path, score: bool, console: &Console) -> Result<Ranked, Failure> {
    let predictions = if Predictions::path(folder).is_file() {
        Predictions::read(folder).bad_input()?
    } else if score {
        Predictions::make(folder, &console.workspace, &console.job()).bad_input()?
    } else {
        let id = id(folder);
        let why = anyhow!(
            "the run {id} has kept no predictions of the test split: a run keeps them when it ends and is tested. \
             `attune runs curves {id} --score` scores its best model and keeps them; `attune train --resume {id}` goes on \
             with a run that was stopped: {}",
            Predictions::path(folder).display()
        );
        return Err(Failure::new(Fault::BadInput, why));
    };
    Ok(Ranked::of(predictions))
}

/// Fails unless a run knows a tag.
fn check_tag(ranked: &Ranked, tag: &str, run: &str) -> Result<usize, Failure> {
    ranked.predictions.tag_idx(tag).ok_or_else(|| {
        let known = ranked.predictions.tags.join(", ");
        let why = anyhow!("the run {run} does not know the tag `{tag}`; it knows {known}");
        Failure::new(Fault::Usage, why)
    })
}
