//! How reading and preparing a data set fails, told so that the user can mend it.

use super::Split;
use crate::audio;
use crate::job::Cancelled;
use std::path::PathBuf;

/// A data set could not be opened, prepared or loaded from.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The folder is not there or is a file of another kind.
    #[error("there is no data set here; name a folder that holds one, or a description of one (.toml): {}", .0.display())]
    NotAFolder(PathBuf),
    /// The folder holds no `tracks.csv`.
    #[error(
        "the folder has no tracks.csv{}; a data set is a folder with tracks.csv (columns {columns}) and, if it is labelled, labels.csv and tags.txt, or one as it was published (`attune data layouts`): {}",
        if *.n_audio > 0 { format!(" but {n_audio} audio files") } else { String::new() }, folder.display()
    )]
    NoTracksFile {
        /// The folder that was looked at.
        folder: PathBuf,
        /// How many audio files lie in it or below it (the search ends early in very large trees).
        n_audio: usize,
        /// The columns that `tracks.csv` must have.
        columns: String,
    },
    /// The data set has no split of that name.
    #[error("there is no split `{name}`; there are: {present} ({})", folder.display())]
    NoSuchSplit {
        /// The name that was asked for.
        name: String,
        /// The data set's folder.
        folder: PathBuf,
        /// The names that there are.
        present: String,
    },
    /// A line of one of the data set's files cannot be used.
    #[error("{problem}; {mend} ({}, line {line})", file.display())]
    BadLine {
        /// What is wrong.
        problem: String,
        /// What the user can do about it.
        mend: String,
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        line: u64,
    },
    /// One of the data set's files cannot be used as a whole.
    #[error("{problem}; {mend} ({})", file.display())]
    BadFile {
        /// What is wrong.
        problem: String,
        /// What the user can do about it.
        mend: String,
        /// The file.
        file: PathBuf,
    },
    /// A command asks for a split that has no tracks.
    #[error("split `{split}` of {name} is empty; {}", if present.is_empty() { "the data set has no tracks at all".to_owned() } else { format!("it has tracks in {present}") })]
    EmptySplit {
        /// The split that was asked for.
        split: Split,
        /// Name of the data set.
        name: String,
        /// The splits that are there, with their counts, in words.
        present: String,
    },
    /// Fewer usable tracks than one batch needs.
    #[error(
        "split `{split}` has {n_tracks} usable tracks, a batch needs {batch_size}; choose a smaller batch"
    )]
    TooFewTracks {
        /// The split that was asked for.
        split: Split,
        /// Tracks whose audio is in the cache.
        n_tracks: usize,
        /// Clips per batch.
        batch_size: usize,
    },
    /// A configuration that cannot work.
    #[error("{0}")]
    BadConfig(String),
    /// A track's audio is not in the cache: it was never prepared, could not be decoded, or the cache was deleted.
    #[error("the audio of track `{0}` is not in the cache; prepare the data set again")]
    NotCached(String),
    /// A track's samples in the cache are not what was written there, and its file gives no others.
    #[error(
        "the decoded sound of track `{track}` in the cache is damaged, and it cannot be decoded again: {reason}; run `attune data cache verify`, then begin again ({})", path.display()
    )]
    NotRepaired {
        /// The track.
        track: String,
        /// Why it cannot be decoded.
        reason: String,
        /// Its audio file.
        path: PathBuf,
    },
    /// What a run needs is more than the cache may hold.
    #[error(
        "the tracks of {name} take about {} decoded, but the cache of decoded audio may take {} only; allow it more (`attune data cache budget`, or the variable ATTUNE_CACHE_GB), or train on fewer tracks", gigabytes(*.needed_bytes), gigabytes(*.budget_bytes)
    )]
    OverBudget {
        /// Name of the data set.
        name: String,
        /// What all tracks need that were asked for so far.
        needed_bytes: u64,
        /// What the cache may take.
        budget_bytes: u64,
    },
    /// More files than the system lets this process open.
    #[error(
        "this process may not open more files{}, and uses one for each large file of the cache of decoded audio; allow it more (`ulimit -n 65536`) and begin again ({})",
        limit.map_or_else(String::new, |limit| format!(" than {limit}")), path.display()
    )]
    TooManyFiles {
        /// How many it may, where the system tells.
        limit: Option<u64>,
        /// The one that was too much.
        path: PathBuf,
    },
    /// A loader thread ended without a word.
    #[error("a loader thread stopped unexpectedly; this is a bug in Attune")]
    LoaderDied,
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
    /// The data set was imported again since it was opened: its tracks have other numbers.
    #[error("the data set was imported again meanwhile; open it once more: {}", .0.display())]
    Outdated(PathBuf),
    /// The catalogue refused.
    #[error("{} ({})", catalogue_words(source), path.display())]
    Catalogue {
        /// The catalogue's file.
        path: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
    /// What the doctor noted of files cannot be used.
    #[error("what was noted of audio files cannot be used; delete the file, it is made anew ({})", path.display())]
    Notebook {
        /// Its file.
        path: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
    /// Audio could not be decoded, resampled or turned into features.
    #[error(transparent)]
    Audio(#[from] audio::Error),
    /// Features could not be computed.
    #[error(transparent)]
    Features(#[from] crate::features::Error),
    /// The work was cancelled.
    #[error("stopped")]
    Cancelled(#[from] Cancelled),
}

/// What a refusal of SQLite means for the catalogue, and what helps.
fn catalogue_words(source: &rusqlite::Error) -> &'static str {
    use rusqlite::ErrorCode::{
        CannotOpen, DatabaseBusy, DatabaseCorrupt, DatabaseLocked, DiskFull, NotADatabase,
        PermissionDenied, ReadOnly,
    };
    match source.sqlite_error_code() {
        Some(DatabaseBusy | DatabaseLocked) => {
            "another process is writing to the catalogue; try again when it has finished"
        }
        Some(NotADatabase) => {
            "this file is no catalogue; move it away, a new one is made and data sets are imported when they are opened"
        }
        Some(DatabaseCorrupt) => {
            "the catalogue is damaged; move the file away, a new one is made and data sets are imported when they are opened"
        }
        Some(DiskFull) => "there is no room on the disk for the catalogue; make some",
        Some(CannotOpen | PermissionDenied | ReadOnly) => {
            "the catalogue cannot be opened for writing; look at the rights of the file and its folder"
        }
        _ => "the catalogue cannot be used",
    }
}

fn gigabytes(bytes: u64) -> String {
    format!("{:.3} GB", bytes as f64 / 1e9)
}

impl Error {
    /// Turns an I/O error into this module's, naming what was attempted on which file.
    pub(crate) fn io(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io {
            action,
            path,
            source,
        }
    }
}
