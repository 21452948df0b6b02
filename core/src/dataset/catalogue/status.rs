//! What is known of the audio files: whether they are there, and whether they can be decoded.

use super::{Catalogue, told};
use crate::dataset::{Error, Problem, ProblemKind};
use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::{Path, PathBuf};

/// Outcomes that one transaction keeps: a second of work, for which others wait.
const AT_ONCE: usize = 16_384;

/// What is known of a track's audio file.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// The file is there; nobody has decoded it yet.
    #[default]
    Unchecked,
    /// It was decoded without a fault.
    Fine,
    /// It could be decoded in part only.
    Damaged,
    /// It cannot be decoded at all.
    Broken,
    /// There is no such file.
    Missing,
}

impl Status {
    /// All of them, in the order in which they sort. Their places are what the catalogue stores.
    pub const ALL: [Self; 5] = [
        Self::Unchecked,
        Self::Fine,
        Self::Damaged,
        Self::Broken,
        Self::Missing,
    ];

    /// The name in files and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unchecked => "unchecked",
            Self::Fine => "fine",
            Self::Damaged => "damaged",
            Self::Broken => "broken",
            Self::Missing => "missing",
        }
    }

    /// A sentence about it.
    pub fn about(self) -> &'static str {
        match self {
            Self::Unchecked => "the audio file is there and was not decoded yet",
            Self::Fine => "the audio file was decoded without a fault",
            Self::Damaged => "the audio file can be decoded in part only",
            Self::Broken => "the audio file cannot be decoded",
            Self::Missing => "the audio file is missing",
        }
    }

    /// Whether something is wrong with the file.
    pub fn is_problem(self) -> bool {
        !matches!(self, Self::Unchecked | Self::Fine)
    }

    pub(super) fn stored(number: u32) -> Option<Self> {
        Self::ALL.get(number as usize).copied()
    }

    pub(super) fn number(self) -> u32 {
        Self::ALL
            .iter()
            .position(|&other| other == self)
            .unwrap_or(0) as u32
    }
}

impl From<ProblemKind> for Status {
    fn from(kind: ProblemKind) -> Self {
        match kind {
            ProblemKind::Missing => Self::Missing,
            ProblemKind::Broken => Self::Broken,
            ProblemKind::Damaged => Self::Damaged,
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl std::str::FromStr for Status {
    type Err = UnknownStatus;

    fn from_str(name: &str) -> Result<Self, UnknownStatus> {
        Self::ALL
            .into_iter()
            .find(|status| status.name() == name)
            .ok_or_else(|| UnknownStatus(name.to_owned()))
    }
}

/// A word that names no status.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown status `{0}`: there are unchecked, fine, damaged, broken and missing")]
pub struct UnknownStatus(pub String);

/// What decoding a track found.
#[derive(Clone, Debug, PartialEq)]
pub struct Checked {
    /// Id of the track.
    pub track: String,
    /// The file that was decoded: what the track's file is called now, if it is to count.
    pub path: PathBuf,
    /// What was found.
    pub status: Status,
    /// In words; empty if there is nothing to say beyond the status.
    pub message: String,
    /// The file's own sample rate in hertz, where whoever decoded it tells.
    pub rate_hz: Option<u32>,
    /// Length of what was decoded, in seconds, where whoever decoded it tells.
    pub duration_secs: Option<f64>,
}

impl Checked {
    /// Decoded without a fault.
    pub fn fine(track: &str, path: &Path) -> Self {
        Self {
            track: track.to_owned(),
            path: path.to_path_buf(),
            status: Status::Fine,
            message: String::new(),
            rate_hz: None,
            duration_secs: None,
        }
    }
}

impl From<&Problem> for Checked {
    fn from(problem: &Problem) -> Self {
        Self {
            status: problem.kind.into(),
            message: problem.message.clone(),
            ..Self::fine(&problem.track, &problem.path)
        }
    }
}

/// By size and time of the last change, a file is known to be the one that was decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FileMark {
    pub(crate) bytes: i64,
    pub(crate) modified_ns: i64,
}

impl FileMark {
    /// That of a file which is not there.
    const MISSING: Self = Self {
        bytes: -1,
        modified_ns: -1,
    };

    pub(crate) fn of(path: &Path) -> Self {
        let read = || {
            let facts = std::fs::metadata(path).ok()?;
            let modified = facts.modified().ok()?;
            let since = modified.duration_since(std::time::UNIX_EPOCH).ok()?;
            Some(Self {
                bytes: facts.len() as i64,
                modified_ns: since.as_nanos() as i64,
            })
        };
        read().unwrap_or(Self::MISSING)
    }
}

impl Catalogue {
    /// Keeps what decoding found, for as long as the files stay as they are; importing the data set again does not lose it. Passed over are
    /// tracks that the data set does not have, or has with another file, and what is no longer so: a missing file that has come, one that was
    /// decoded and has gone. Returns how many were kept. One transaction: give it many at once.
    pub fn record(&mut self, dataset: i64, found: &[Checked]) -> Result<usize, Error> {
        let path = self.path.clone();
        self.write(|connection| record(connection, dataset, found))
            .map_err(told(&path))
    }

    /// The same for the data set of a folder or description, in the catalogue `file`: nothing if there is no catalogue, or it does not know
    /// the data set. In pieces, so that others need not wait for all of it.
    pub fn record_of(file: &Path, root: &Path, found: &[Checked]) -> Result<usize, Error> {
        if found.is_empty() || !file.exists() {
            return Ok(0);
        }
        let mut catalogue = Self::open(file)?;
        let Some(entry) = catalogue.dataset(root)? else {
            return Ok(0);
        };
        let mut n_kept = 0;
        for piece in found.chunks(AT_ONCE) {
            n_kept += catalogue.record(entry.dataset, piece)?;
        }
        Ok(n_kept)
    }
}

fn record(connection: &Connection, dataset: i64, found: &[Checked]) -> rusqlite::Result<usize> {
    let root = connection.query_row(
        "SELECT root FROM datasets WHERE dataset = ?1",
        [dataset],
        |row| super::rows::path_of(row, 0),
    )?;
    let mut of_id = connection
        .prepare("SELECT number, path FROM tracks WHERE dataset = ?1 AND track_id = ?2")?;
    let mut keep = connection.prepare(
        "INSERT INTO checked (dataset, track_id, status, message, bytes, modified_ns, rate_hz, decoded_s)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
         ON CONFLICT (dataset, track_id) DO UPDATE SET status = excluded.status, message = excluded.message,
            rate_hz = coalesce(excluded.rate_hz, CASE WHEN bytes = excluded.bytes AND modified_ns = excluded.modified_ns THEN rate_hz END),
            decoded_s = coalesce(excluded.decoded_s, CASE WHEN bytes = excluded.bytes AND modified_ns = excluded.modified_ns THEN decoded_s END),
            bytes = excluded.bytes, modified_ns = excluded.modified_ns",
    )?;
    let mut statuses = super::index::read_column(connection, dataset, "status")?;
    let mut forget =
        connection.prepare("DELETE FROM problems WHERE dataset = ?1 AND number = ?2")?;
    let mut explain = connection.prepare("INSERT INTO problems VALUES (?1, ?2, ?3)")?;
    let mut n_known = 0;
    for checked in found {
        let known = of_id
            .query_row(params![dataset, checked.track], |row| {
                Ok((row.get::<_, u32>(0)?, super::rows::path_of(row, 1)?))
            })
            .optional()?;
        let Some((number, path)) = known else {
            continue;
        };
        let path = root.join(path);
        let mark = FileMark::of(&path);
        let is_missing = checked.status == Status::Missing;
        if !is_same(&path, &checked.path) || is_missing != (mark == FileMark::MISSING) {
            continue;
        }
        let Some(status) = statuses.get_mut(number as usize) else {
            continue;
        };
        *status = checked.status.number();
        keep.execute(params![
            dataset,
            checked.track,
            checked.status.name(),
            checked.message,
            mark.bytes,
            mark.modified_ns,
            checked.rate_hz,
            checked.duration_secs,
        ])?;
        forget.execute(params![dataset, number])?;
        if !checked.message.is_empty() && checked.message != checked.status.about() {
            explain.execute(params![dataset, number, checked.message])?;
        }
        n_known += 1;
    }
    super::index::write_column(
        connection,
        dataset,
        "status",
        &super::stored::numbers(&statuses),
    )?;
    let is_problem = |status: &&u32| Status::stored(**status).is_some_and(Status::is_problem);
    let n_problems = statuses.iter().filter(is_problem).count();
    connection.execute(
        "UPDATE datasets SET n_problems = ?2 WHERE dataset = ?1",
        params![dataset, n_problems as i64],
    )?;
    Ok(n_known)
}

/// Whether two paths are those of one file, however it was named.
fn is_same(one: &Path, other: &Path) -> bool {
    let resolved = || (one.canonicalize(), other.canonicalize());
    let absolute = || std::path::absolute(other).is_ok_and(|other| one == other);
    one == other || absolute() || matches!(resolved(), (Ok(one), Ok(other)) if one == other)
}
