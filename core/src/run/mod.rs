//! The event log of a training run, and the history folded from it.
//!
//! A run is a folder of plain files with one writer ([`RunLog`]) and any number of readers ([`History`], [`list`]):
//!
//! ```text
//! run.toml            everything needed to repeat the run, written once
//! events.jsonl        one JSON object a line: at_unix_ms, step, epoch, event, …
//! scalars/NAME.TYPE   one file per column, fixed width, little endian, one value per training step
//! about.toml          what people say of it: title, tags, notes ([`About`])
//! summary.json        what `list` needs, with the length of events.jsonl that it covers; may be deleted
//! system.jsonl        processor and memory while it trained, a JSON object about every second ([`SystemLog`])
//! commands.jsonl      what other processes ask of the writer, a JSON object a line; it answers by events
//! snapshots/          the weights of each validation, if the recipe asks for them ([`snapshots()`])
//! tensorboard/        scalars and scores once more, for TensorBoard, if the recipe asks for it
//! writer.lock         held by the writer as long as it lives
//! ```
//!
//! Files only grow. A line without its end and a row that is not in every column yet do not count, so that a writer
//! may be killed at any byte. `Resumed` at a step makes the fold forget what came after that step.

mod about;
mod bottleneck;
mod clock;
mod columns;
mod data_versions;
mod event;
mod event_words;
mod export;
mod extension;
mod field;
mod field_axis;
mod filter;
mod group;
mod history;
mod lines;
mod lock;
mod log;
mod mailbox;
mod mean_curve;
mod pace;
mod pauses;
mod plot;
pub mod report;
mod ruler;
mod scalar;
mod series;
mod settings;
mod smooth;
mod snapshots;
mod status;
mod step_time;
mod store;
mod summary;
mod system;
mod tag_scores;
mod tag_table;
mod time;
pub mod trash;

pub use about::{About, Pin};
pub use bottleneck::{Bottleneck, Loader};
use clock::Clock;
pub use data_versions::{DataVersion, data_versions, different_data_words};
pub use event::{CheckpointKind, Event, LoaderTimes, Record, Teaching, TimelineScores};
pub use event_words::{event_words, news_words};
pub use export::{write_csv, write_mlflow, write_tensorboard};
pub use extension::{Ends, Extension, extensions};
pub use field::{Field, Measure, Pick, Value};
pub use field_axis::{Brush, FieldAxis};
pub use filter::quoted as quoted_word;
pub(crate) use filter::words as filter_words;
pub use filter::{Filter, FilterError};
pub use group::{Group, Grouping, Spread};
pub use history::{History, Validation};
pub(crate) use lines::FILE as EVENTS_FILE;
pub(crate) use lock::{WriterLock, has_writer};
pub use log::{ResumePoint, RunLog};
pub use mailbox::{Mail, post};
pub use mean_curve::{MeanPoint, mean_curve};
pub use pace::{Advance, Pace, seconds_spent};
pub use plot::{Plot, Plotted};
pub use report::{NamedFigure, Report, TestScores, write as write_report};
pub use ruler::{Ruler, XAxis};
pub use scalar::{Scalar, StepScalars};
pub use series::{Column, Series};
pub use settings::{Setting, Settings, differing};
pub use smooth::Smoothed;
pub use snapshots::{Snapshot, forget_snapshots_after, snapshot_path, snapshots};
pub use status::Status;
pub use step_time::{LoaderTime, Phase, StepTime, StepTimes, Stretch};
pub use store::{allocate, find, list};
pub use summary::RunSummary;
pub(crate) use system::Sampler;
pub use system::{Sample, SystemLog};
pub use tag_scores::{RunTagScores, ScoredOn};
pub use tag_table::{ColumnOrder, Missing, RowOrder, TagMeasure, TagRow, TagTable};
pub use time::utc_text;

use std::path::PathBuf;

/// What can go wrong with a run folder.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Somebody else writes this run.
    #[error("another process is writing this run: {}", .0.display())]
    Locked(PathBuf),
    /// The writer slept or was cut off for so long that another machine has gone on with its work.
    #[error("another machine has taken over: this one was silent for too long (it slept, or the folder was out of reach). Nothing more is written here; what that machine does counts: {}", .0.display())]
    TakenOver(PathBuf),
    /// A command for a run that nobody would carry out.
    #[error("nobody writes this run, so that nobody would do it (an ended run is taken up by `attune train --resume`): {}", .0.display())]
    NoWriter(PathBuf),
    /// A run of another workspace was to be thrown away.
    #[error("this run lies in another workspace and can only be discarded there: {}", .0.display())]
    Foreign(PathBuf),
    /// A new run was to be written where one is already.
    #[error("there is a run in this folder already: {}", .0.display())]
    Exists(PathBuf),
    /// The folder holds no run.
    #[error("no run in this folder (neither run.toml nor events.jsonl): {}", .0.display())]
    NoRun(PathBuf),
    /// No run, or more than one, goes by that name.
    #[error("{found} runs match {id:?} in {}", folder.display())]
    NotFound {
        /// What was asked for.
        id: String,
        /// How many runs it could mean.
        found: usize,
        /// Where it was looked for.
        folder: PathBuf,
    },
    /// `run.toml` cannot be written as TOML.
    #[error("the run's configuration cannot be written as TOML")]
    Configuration(#[from] toml::ser::Error),
    /// The operating system refused.
    #[error("{}", path.display())]
    Io {
        /// The file or folder concerned.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A figure of the report could not be drawn.
    #[error("a figure could not be drawn")]
    Figure(#[from] crate::figure::Error),
}

impl Error {
    fn io(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }
}
