//! `attune window`: opens the window, with files, a run or a data set if named.

use super::experiment;
use super::queue;
use super::train::iterate;
use super::training_console::follow;
use super::{Console, Failure, Fault, ResultExt};
use crate::playback::Player;
use crate::workbench::parts::training::{self, Students};
use crate::workbench::{Command, Kept, Opening, Services, open};
use anyhow::anyhow;
use attune_core::train::TrainConfig;
use std::path::PathBuf;
use std::time::Instant;

/// Options of `attune window`.
#[derive(Debug, Default, clap::Args)]
#[command(after_help = "\
Examples:
  attune window                    as it was left
  attune window song.mp3           with a song open
  attune window ~/music/dataset    with a data set (a folder with a tracks.csv)
  attune window /mnt/server/attune  with the newest run in training there (as attune --watch does)
  attune window model.safetensors song.flac")]
pub(super) struct Args {
    /// Songs, data set folders, weights (.safetensors, .pth, .pt, .ckpt), run folders, training configurations or plans (.toml) to open
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Write how long frames took to FILE, as JSON, when the window is closed
    #[arg(long, value_name = "FILE", hide = true)]
    frame_stats: Option<PathBuf>,
    /// Start the demo training at once
    #[arg(long, hide = true)]
    demo: bool,
}

impl Args {
    /// The window with one thing open.
    pub(super) fn opening(path: PathBuf) -> Self {
        Self {
            paths: vec![path],
            ..Self::default()
        }
    }

    /// The window in which the demo trains.
    pub(super) fn demo() -> Self {
        Self {
            demo: true,
            ..Self::default()
        }
    }
}

/// Whether there is a display to open a window on.
pub(super) fn has_display() -> bool {
    cfg!(not(target_os = "linux"))
        || ["DISPLAY", "WAYLAND_DISPLAY", "WAYLAND_SOCKET"]
            .iter()
            .any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
}

pub(super) fn run(args: Args, console: &Console) -> Result<(), Failure> {
    let since = Instant::now();
    if !has_display() {
        return Err(Failure::new(
            Fault::Failed,
            anyhow!(
                "there is no display (neither DISPLAY nor WAYLAND_DISPLAY is set); everything can be done in the terminal too: try `attune demo --headless` or `attune --help`"
            ),
        ));
    }
    attune_core::device::work_in_background();
    let mut commands: Vec<_> = args
        .paths
        .into_iter()
        .map(|path| std::path::absolute(&path).unwrap_or(path))
        .map(Command::Open)
        .collect();
    if args.demo {
        let start = training::Command::Start(Box::new(TrainConfig::demo()));
        commands.push(Command::Training(start));
    }
    let kept = open(Opening {
        services: Services {
            workspace: console.workspace.clone(),
            player: Player::open(),
            interrupt: console.cancel.clone(),
        },
        commands,
        frame_stats: args.frame_stats,
        since,
    })
    .failed()?;
    let Some(kept) = kept else {
        return Ok(());
    };
    console.say(
        "The window is closed; the training goes on here. Ctrl-C stops it after a checkpoint.",
    );
    match kept {
        Kept::Training(handle, students) => {
            let summary = follow(handle, console)?;
            console.say(&summary.to_string());
            summary.unless_stopped(console)?;
            let Some(Students { mut config, at, n }) = students else {
                return Ok(());
            };
            config.teach(summary.folder);
            iterate(*config, at + 1, n, false, console)
        }
        Kept::Queue(work) => queue::go_on(work.0, work.1, console),
        Kept::Experiment(handle) => experiment::attend(*handle, false, console),
    }
}
