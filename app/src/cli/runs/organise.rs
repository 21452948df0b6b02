//! `attune runs tag`, `title`, `note`, `archive`, `discard` and what takes them back: keeping many runs in order.

use super::super::{Console, Failure, Fault, ResultExt};
use anyhow::anyhow;
use attune_core::run::{self, About, trash};
use std::path::PathBuf;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Add tags to runs, or take them away
    Tag {
        /// Ids, beginnings of ids, or run folders
        #[arg(required = true)]
        runs: Vec<String>,
        /// Tags to add
        #[arg(long, value_name = "TAG", num_args = 1..)]
        add: Vec<String>,
        /// Tags to take away
        #[arg(long, value_name = "TAG", num_args = 1..)]
        remove: Vec<String>,
    },
    /// Give a run a title; an empty one takes it away
    Title {
        /// Id, beginning of an id, or run folder
        run: String,
        /// The title
        title: String,
    },
    /// Write a note to a run, or to one of its steps; an empty one takes it away
    Note {
        /// Id, beginning of an id, or run folder
        run: String,
        /// The note
        text: String,
        /// Pin it to this training step of the curves
        #[arg(long, value_name = "N")]
        step: Option<u64>,
    },
    /// Put runs away: lists leave them out (`is:archived` finds them)
    Archive {
        /// Ids, beginnings of ids, or run folders
        #[arg(required = true)]
        runs: Vec<String>,
        /// Take them out again
        #[arg(long)]
        undo: bool,
    },
    /// Throw runs away: they can be taken back until the trash is emptied
    Discard {
        /// Ids, beginnings of ids, or run folders
        #[arg(required = true)]
        runs: Vec<String>,
    },
    /// What was thrown away
    Trash {
        /// Take these back, by id
        #[arg(long, value_name = "RUN", num_args = 1..)]
        restore: Vec<String>,
        /// Delete everything in it for good
        #[arg(long, conflicts_with = "restore")]
        empty: bool,
    },
}

pub(super) fn run(command: Command, console: &Console) -> Result<(), Failure> {
    match command {
        Command::Tag { runs, add, remove } => {
            if add.is_empty() && remove.is_empty() {
                let why = anyhow!("name tags to --add or to --remove");
                return Err(Failure::new(Fault::Usage, why));
            }
            for folder in found(&runs, console)? {
                let about = About::change(&folder, |about| {
                    remove.iter().for_each(|tag| about.untag(tag));
                    add.iter().for_each(|tag| about.tag(tag));
                })
                .bad_input()?;
                console.line(&format!("{}: {}", id(&folder), about.tags.join(", ")))?;
            }
            Ok(())
        }
        Command::Title { run, title } => {
            let folder = run::find(&console.workspace.runs(), &run).bad_input()?;
            About::change(&folder, |about| about.title = title).bad_input()?;
            Ok(())
        }
        Command::Note { run, text, step } => {
            let folder = run::find(&console.workspace.runs(), &run).bad_input()?;
            About::change(&folder, |about| match step {
                Some(step) => about.pin(step, &text),
                None => about.note = text,
            })
            .bad_input()?;
            Ok(())
        }
        Command::Archive { runs, undo } => {
            for folder in found(&runs, console)? {
                About::change(&folder, |about| about.is_archived = !undo).bad_input()?;
            }
            Ok(())
        }
        Command::Discard { runs } => {
            let folders = found(&runs, console)?;
            for folder in folders {
                let lies = trash::discard(&folder, &console.workspace.trash()).failed()?;
                console.line(&format!(
                    "{} lies in the trash: `attune runs trash --restore {}` takes it back",
                    id(&folder),
                    id(&lies)
                ))?;
            }
            Ok(())
        }
        Command::Trash { restore, empty } => in_trash(&restore, empty, console),
    }
}

fn in_trash(restore: &[String], empty: bool, console: &Console) -> Result<(), Failure> {
    let folder = console.workspace.trash();
    if empty {
        let n = trash::empty(&folder).failed()?;
        let runs = if n == 1 { "run" } else { "runs" };
        return console.line(&format!("{n} {runs} deleted"));
    }
    if restore.is_empty() {
        let discarded = trash::discarded(&folder);
        if discarded.is_empty() {
            console.say("nothing in the trash");
        }
        for run in discarded {
            console.line(&run.id)?;
        }
        return Ok(());
    }
    for run in restore {
        let discarded = run::find(&folder, run).bad_input()?;
        let back = trash::restore(&discarded, &folder, &console.workspace.runs()).bad_input()?;
        console.line(&back.display().to_string())?;
    }
    Ok(())
}

/// All of them, or the error of the first that is not there: then nothing is changed.
fn found(runs: &[String], console: &Console) -> Result<Vec<PathBuf>, Failure> {
    let folder = console.workspace.runs();
    let found = runs.iter().map(|run| run::find(&folder, run).bad_input());
    found.collect()
}

fn id(folder: &std::path::Path) -> String {
    let id = folder.file_name().unwrap_or_default();
    id.to_string_lossy().into_owned()
}
