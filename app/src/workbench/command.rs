//! What panels ask for. Panels push commands; `run` (one `match`) carries them out between frames.

use super::parts::{
    audition, compare, doctor, experiments, labels, library, limits, model, pages, per_tag, plots,
    queue, runs, settings, student, timeline, training,
};
use super::selection::Select;
use super::ui_command::UiCommand;
use crate::panels::Panel;
use std::path::PathBuf;

/// A request of a panel, a menu, a dialog or a dropped file.
#[derive(Debug)]
pub enum Command {
    /// One of the commands without payload.
    Ui(UiCommand),
    /// Open whatever lies at this path: song, data set, model or run.
    Open(PathBuf),
    /// Open an audio file as the song.
    OpenSong(PathBuf),
    /// Use a folder with a tracks.csv as the data set.
    OpenDataset(PathBuf),
    /// Use these weights (safetensors, PyTorch) in Audition and Timeline.
    OpenModel(PathBuf),
    /// Write the model in use to this file: .onnx or .safetensors.
    ExportModel(PathBuf),
    /// Show the run in this folder.
    OpenRun(PathBuf),
    /// Ask the user for a path in a dialog of the system.
    Pick(Pick),
    /// Change the selection.
    Select(Select),
    /// Bring a panel to the front.
    Show(Panel),
    /// Tell the user something, in passing.
    Tell(Notice),
    /// Use a training configuration (.toml) in the Training panel.
    OpenConfig(PathBuf),
    /// Fill the Training panel's form with the recipe of the run in this folder, to begin with its best weights.
    Branch(PathBuf),
    /// Ask in the Training panel how much longer the run in this folder is to go on.
    Extend(PathBuf),
    /// About the runs on disk.
    Runs(runs::Command),
    /// About the run in training.
    Training(training::Command),
    /// About the runs that wait for their turn.
    Queue(queue::Command),
    /// About playing the song.
    Play(Play),
    /// About Audition.
    Audition(audition::Command),
    /// About Timeline.
    Timeline(timeline::Command),
    /// About tags corrected by ear.
    Labels(labels::Command),
    /// About Library.
    Library(library::Command),
    /// About what is wrong with a data set.
    Doctor(doctor::Command),
    /// About what Attune may take of this machine.
    Limits(limits::Command),
    /// About the model in use.
    Model(model::Command),
    /// About Compare.
    Compare(compare::Command),
    /// About runs tag by tag.
    PerTag(per_tag::Command),
    /// About the settings of two runs.
    Settings(settings::Command),
    /// About what a noisy student hears.
    Student(student::Command),
    /// About experiments.
    Experiments(experiments::Command),
    /// About plots as files.
    Plots(plots::Command),
    /// About runs as web pages.
    Pages(pages::Command),
    /// Use a folder as the data set of a new experiment.
    ExperimentData(PathBuf),
    /// Offer a plan (.toml) in the Experiments panel.
    OpenPlan(PathBuf),
}

/// What a dialog asks for.
#[expect(missing_docs, reason = "the names say it all")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pick {
    Song,
    Dataset,
    Model,
    Run,
    Plan,
    ExperimentData,
    PlotFile,
}

/// About playing the song.
#[derive(Clone, Debug, PartialEq)]
pub enum Play {
    /// Play, or pause.
    Toggle,
    /// Play on from the play head.
    Start,
    /// Pause.
    Pause,
    /// Move the play head.
    Seek {
        /// Where to, from the start of the song.
        to_secs: f64,
    },
    /// Move the play head by so much.
    Skip {
        /// Forward if positive.
        by_secs: f64,
    },
    /// Repeat the selected stretch (or the whole song), or stop doing so.
    ToggleLoop,
    /// Repeat this stretch of the song, in seconds; `None`: play on.
    Loop {
        /// Start and end.
        region_secs: Option<(f64, f64)>,
    },
    /// Set the volume, 0..=1.
    Volume(f32),
    /// Change the volume by so much.
    Louder {
        /// Softer if negative; 1 is the whole range.
        by: f32,
    },
    /// Switch between the recording and what the network hears.
    ToggleListening,
    /// Play through this device; `None` is the system's default.
    Device(Option<String>),
}

/// How serious a notice is.
#[expect(missing_docs, reason = "the names say it all")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Level {
    Info,
    Success,
    Warning,
    Error,
}

/// Something to tell the user: shown for a moment, kept in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// How serious it is.
    pub level: Level,
    /// What to say, in a sentence.
    pub text: String,
}

impl Notice {
    /// A notice.
    pub fn new(level: Level, text: impl Into<String>) -> Self {
        Self {
            level,
            text: text.into(),
        }
    }
}

impl From<UiCommand> for Command {
    fn from(command: UiCommand) -> Self {
        Self::Ui(command)
    }
}

impl From<Select> for Command {
    fn from(change: Select) -> Self {
        Self::Select(change)
    }
}

impl From<Play> for Command {
    fn from(play: Play) -> Self {
        Self::Play(play)
    }
}

impl From<Notice> for Command {
    fn from(notice: Notice) -> Self {
        Self::Tell(notice)
    }
}
