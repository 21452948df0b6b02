//! Opening things: what a path is, dialogs of the system, dropped files. Nothing of it happens within a frame.

use super::command::{Command, Level, Notice, Pick};
use super::ctx::CommandSender;
use super::jobs::{Jobs, Slot};
use super::parts::plots;
use anyhow::anyhow;
use attune_core::dataset::{Description, import};
use attune_core::figure::Format as PlotFormat;
use attune_core::run::{self, RunSummary, Status};
use attune_core::weights::Format;
use std::path::{Path, PathBuf};

/// File endings of audio files, in lower case.
const AUDIO: [&str; 12] = [
    "mp3", "ogg", "oga", "opus", "flac", "wav", "wave", "aac", "m4a", "mp4", "aif", "aiff",
];

/// Usual file endings of weights, in lower case.
const WEIGHTS: [&str; 4] = ["safetensors", "pth", "pt", "ckpt"];

/// Finds out in the background what a path is, and opens it.
pub(super) struct Opening {
    slot: Slot<Vec<PathBuf>, Vec<anyhow::Result<Command>>>,
    waiting: Vec<PathBuf>,
}

impl Opening {
    /// Nothing asked yet.
    pub(super) fn new() -> Self {
        Self {
            slot: Slot::new("open"),
            waiting: Vec::new(),
        }
    }

    /// Opens whatever lies at `path`.
    pub(super) fn open(&mut self, path: PathBuf) {
        self.waiting.push(path);
    }

    /// Called once before each frame.
    pub(super) fn logic(&mut self, jobs: &Jobs, sender: &CommandSender) {
        if self.slot.poll(jobs)
            && let Some(Ok(found)) = self.slot.take()
        {
            for what in found {
                match what {
                    Ok(command) => sender.send(command),
                    Err(error) => {
                        sender.send(Notice::new(Level::Error, format!("Cannot open: {error:#}")))
                    }
                }
            }
        }
        if !self.waiting.is_empty() && !self.slot.is_busy() {
            let paths = std::mem::take(&mut self.waiting);
            self.slot.ask_again(jobs, paths.clone(), move |_| {
                Ok(paths.iter().map(|path| what_is(path)).collect())
            });
        }
    }
}

/// What opening `path` means.
fn what_is(path: &Path) -> anyhow::Result<Command> {
    let shown = path.display();
    let ending = path
        .extension()
        .map(|ending| ending.to_string_lossy().to_lowercase())
        .unwrap_or_default();
    let named = path.file_name().and_then(|name| name.to_str());
    let parent = || path.parent().map(Path::to_path_buf).unwrap_or_default();
    let owned = path.to_path_buf();
    if path.is_dir() {
        return if path.join("tracks.csv").is_file() {
            Ok(Command::OpenDataset(owned))
        } else if path.join("run.toml").is_file() || path.join("events.jsonl").is_file() {
            Ok(Command::OpenRun(owned))
        } else if let Some(run) = newest_run(path) {
            Ok(Command::OpenRun(run))
        } else if import::is_data_set(path) {
            Ok(Command::OpenDataset(owned))
        } else {
            Err(anyhow!(
                "neither a data set (no tracks.csv in it, and none of the layouts of `attune data layouts`) nor a run (no run.toml in it) nor a folder of runs: {shown}"
            ))
        };
    }
    if !path.exists() && import::is_data_set(path) {
        // FOLDER#SPLIT
        return Ok(Command::OpenDataset(owned));
    }
    if !path.is_file() {
        return Err(anyhow!("there is nothing at {shown}"));
    }
    match (named, ending.as_str()) {
        (Some("tracks.csv"), _) => Ok(Command::OpenDataset(parent())),
        (Some("run.toml" | "events.jsonl"), _) => Ok(Command::OpenRun(parent())),
        (_, ending) if WEIGHTS.contains(&ending) => Ok(Command::OpenModel(owned)),
        (_, "toml") if Description::is_one(path) => Ok(Command::OpenDataset(owned)),
        // A plan has cells; nothing else that Attune reads has.
        (_, "toml") if has_cells(path) => Ok(Command::OpenPlan(owned)),
        (_, "toml") => Ok(Command::OpenConfig(owned)),
        (_, ending) if AUDIO.contains(&ending) => Ok(Command::OpenSong(owned)),
        // Weights are known by their content, whatever they are called.
        _ if Format::of_file(path).is_some() => Ok(Command::OpenModel(owned)),
        _ => Err(anyhow!(
            "neither audio nor weights (safetensors, PyTorch) nor a configuration or a plan (.toml): {shown}"
        )),
    }
}

/// Of a folder of runs, or a workspace, the newest run in training, else the newest.
fn newest_run(folder: &Path) -> Option<PathBuf> {
    let runs = Some(folder.join("runs")).filter(|runs| runs.is_dir());
    let list = run::list(&runs.unwrap_or_else(|| folder.to_owned()));
    let is_live = |run: &&RunSummary| matches!(run.status, Status::Running | Status::Paused);
    let newest = list.iter().find(is_live).or(list.first())?;
    Some(newest.folder.clone())
}

fn has_cells(path: &Path) -> bool {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let table = text.parse::<toml::Table>();
    table.is_ok_and(|table| table.contains_key("cells"))
}

/// Asks for a path in a dialog of the system, on a thread of its own; the answer comes as a command.
pub(super) fn pick(what: Pick, start: Option<PathBuf>, sender: CommandSender, jobs: Jobs) {
    let failed = sender.clone();
    let thread = std::thread::Builder::new().name("file dialog".to_owned()).spawn(move || {
        let mut dialog = rfd::FileDialog::new();
        if let Some(start) = start {
            dialog = dialog.set_directory(start);
        }
        let answer = match what {
            Pick::Song => dialog
                .set_title("Open song")
                .add_filter("Audio", &AUDIO)
                .pick_file()
                .map(Command::OpenSong),
            Pick::Dataset => dialog.set_title("Open data set").pick_folder().map(Command::Open),
            Pick::Model => dialog
                .set_title("Open model")
                .add_filter("Weights", &WEIGHTS)
                .pick_file()
                .map(Command::OpenModel),
            Pick::Run => dialog.set_title("Open run").pick_folder().map(Command::OpenRun),
            Pick::ExperimentData => dialog
                .set_title("Data set of the experiment")
                .pick_folder()
                .map(Command::ExperimentData),
            Pick::PlotFile => plot_filters(dialog.set_title("Save plot"))
                .save_file()
                .map(|path| Command::Plots(plots::Command::Chosen(path))),
            Pick::Plan => dialog
                .set_title("Open plan")
                .add_filter("Plan", &["toml"])
                .pick_file()
                .map(Command::OpenPlan),
        };
        if let Some(command) = answer {
            sender.send(command);
        } else {
            // Cancelled, or no dialog service is running; rfd does not tell which.
            sender.send(Notice::new(
                Level::Info,
                "Nothing chosen. If no dialog came up: paste a path with Ctrl+L, or drop a file onto the window.",
            ));
        }
        jobs.wake();
    });
    if let Err(error) = thread {
        failed.send(Notice::new(
            Level::Error,
            format!("cannot start a thread: {error}"),
        ));
    }
}

/// One for each format.
fn plot_filters(dialog: rfd::FileDialog) -> rfd::FileDialog {
    let formats = PlotFormat::ALL.into_iter();
    formats.fold(dialog, |dialog, format| {
        dialog.add_filter(format.label(), &[format.ending()])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &Path, expected: impl Fn(&Command) -> bool) {
        let found = what_is(path);
        assert!(
            found.as_ref().is_ok_and(expected),
            "{}: {found:?}",
            path.display()
        );
    }

    #[test]
    fn a_dropped_path_is_opened_as_what_it_is() {
        let folder = std::env::temp_dir().join(format!("attune-opening-{}", std::process::id()));
        let at = |name: &str| folder.join(name);
        for sub in ["data", "run", "empty", "workspace/runs/a-1"] {
            std::fs::create_dir_all(at(sub)).unwrap();
        }
        for file in [
            "data/tracks.csv",
            "run/run.toml",
            "workspace/runs/a-1/run.toml",
            "Song.MP3",
            "w.safetensors",
            "c.toml",
            "teacher.pth",
            "x.pdf",
        ] {
            std::fs::write(at(file), "").unwrap();
        }
        std::fs::write(at("p.toml"), "[[cells]]").unwrap();
        std::fs::write(at("set.toml"), "annotations = 'data'").unwrap();
        std::fs::write(at("no-ending"), b"\x02\0\0\0\0\0\0\0{}").unwrap();
        check(&at("data"), |c| matches!(c, Command::OpenDataset(_)));
        check(
            &at("data/tracks.csv"),
            |c| matches!(c, Command::OpenDataset(p) if p.ends_with("data")),
        );
        check(&at("run"), |c| matches!(c, Command::OpenRun(_)));
        let run = |c: &Command| matches!(c, Command::OpenRun(p) if p.ends_with("runs/a-1"));
        check(&at("workspace"), run);
        check(&at("workspace/runs"), run);
        check(&at("Song.MP3"), |c| matches!(c, Command::OpenSong(_)));
        check(&at("w.safetensors"), |c| matches!(c, Command::OpenModel(_)));
        check(&at("teacher.pth"), |c| matches!(c, Command::OpenModel(_)));
        check(&at("no-ending"), |c| matches!(c, Command::OpenModel(_)));
        check(&at("c.toml"), |c| matches!(c, Command::OpenConfig(_)));
        check(&at("p.toml"), |c| matches!(c, Command::OpenPlan(_)));
        check(&at("set.toml"), |c| matches!(c, Command::OpenDataset(_)));
        check(&at("data#late"), |c| matches!(c, Command::OpenDataset(_)));
        for (path, why) in [
            ("empty", "tracks.csv"),
            ("x.pdf", "neither audio"),
            ("none", "nothing at"),
        ] {
            let error = what_is(&at(path)).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
        std::fs::remove_dir_all(folder).unwrap();
    }
}
