//! Tagging of many tracks: what to tag, on all cores, into a table that is whole or absent.
//!
//! ```text
//! list ──► decoders ──bounded──► taggers ──bounded──► journal ──► CSV or Parquet
//!          (a thread a core)     (predict::tag_track)  (beside the table, appended to)
//! ```
//!
//! What is done lies in the journal, a record a track, so that stopped work goes on where it was and the table, written from it in the order of
//! the list, is the same bit for bit however often it was stopped. In memory are a few dozen bytes a track beside its names, and as many waves as
//! the channels hold: one channel at the model's rate, decoded in pieces.

mod answers;
mod csv_table;
mod journal;
mod list;
mod marks;
mod noting;
mod parquet_table;
mod pipeline;
mod table;

pub use answers::{Answers, disagreement};
pub use list::{ToTag, list_catalogue, list_paths};
pub use pipeline::{Options, Standing, Summary, Tagger};
pub use table::{About, EVALUATION, Format, Row, read_table, write_table};

use crate::job::Cancelled;
use std::path::PathBuf;

/// Why many tracks cannot be tagged, or a table of answers cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The caller stopped the work; the journal keeps what was done.
    #[error("stopped")]
    Cancelled(#[from] Cancelled),
    /// There is nothing to tag.
    #[error("there is no audio file to tag in {}", .0.display())]
    Nothing(PathBuf),
    /// A path that is not there.
    #[error("no such file or folder: {}", .0.display())]
    NotThere(PathBuf),
    /// A table whose name says no format.
    #[error("tables of answers are written as .csv or .parquet, not as {}", .0.display())]
    Extension(PathBuf),
    /// Somebody else writes the same table.
    #[error("another process is writing this table; wait for it or name another file: {}", .0.display())]
    Busy(PathBuf),
    /// The table or its journal is of another model.
    #[error("it holds answers of another model ({found}) than {wanted}; name another file, or have it overwritten: {}", path.display())]
    OtherModel {
        /// Model of the file, in words.
        found: String,
        /// The model in use, in words.
        wanted: String,
        /// The table or the journal.
        path: PathBuf,
    },
    /// A file that is no table of answers.
    #[error("not a table of answers: {why}: {}", path.display())]
    NotATable {
        /// What is wrong.
        why: String,
        /// The file.
        path: PathBuf,
    },
    /// A file could not be read or written.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was attempted ("read", "write" …).
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A data set, or the catalogue.
    #[error(transparent)]
    Dataset(#[from] crate::dataset::Error),
    /// The model gives no answer, to whatever file.
    #[error(transparent)]
    Model(#[from] crate::predict::Error),
}

impl Error {
    /// Turns an I/O error into this module's, naming what was attempted on which file.
    fn io(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io {
            action,
            path,
            source,
        }
    }

    fn not_a_table(path: impl Into<PathBuf>, why: impl std::fmt::Display) -> Self {
        Self::NotATable {
            why: why.to_string(),
            path: path.into(),
        }
    }
}
