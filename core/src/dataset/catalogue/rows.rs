//! Rows of the catalogue that somebody looks at, read when they are.

use super::{Catalogue, Index, Status, told};
use crate::dataset::{Error, Span, TagIdx};
use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use rusqlite::{OptionalExtension, params};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// A track as lists show it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TrackRow {
    /// Its place in the data set.
    #[serde(skip)]
    pub row: u32,
    /// Its id.
    pub id: String,
    /// The audio file, absolute.
    pub path: PathBuf,
    /// Title; empty where nobody says.
    pub title: String,
    /// Artist; empty where nobody says.
    pub artist: String,
    /// Album; empty where nobody says.
    pub album: String,
    /// Length as the data set states it, in seconds.
    pub duration_secs: Option<f64>,
    /// Where it comes from.
    pub source: String,
    /// Its licence.
    pub licence: String,
    /// What is known of its file.
    pub status: Status,
    /// What is wrong with the file, in words; empty if nothing is.
    pub message: String,
}

impl TrackRow {
    /// The head of [`TrackRow::csv_line`].
    pub const CSV_COLUMNS: [&str; 13] = [
        "data",
        "track_id",
        "title",
        "artist",
        "album",
        "split",
        "duration_s",
        "tags",
        "source",
        "license",
        "status",
        "message",
        "path",
    ];

    /// The row as a line of CSV (RFC 4180), without its end; data set, part and tags are known to whoever asks.
    pub fn csv_line(&self, data: &str, part: &str, tags: &str) -> String {
        let secs = self.duration_secs.map(|secs| secs.to_string());
        let words = [
            data,
            &self.id,
            &self.title,
            &self.artist,
            &self.album,
            part,
            secs.as_deref().unwrap_or_default(),
            tags,
            &self.source,
            &self.licence,
            self.status.name(),
            &self.message,
            &self.path.to_string_lossy(),
        ];
        let quoted = words.map(|word| {
            if word.contains(['"', ',', '\n', '\r']) {
                format!("\"{}\"", word.replace('"', "\"\""))
            } else {
                word.to_owned()
            }
        });
        quoted.join(",")
    }
}

impl Catalogue {
    /// The rows of these numbers, in the same order. Numbers that the data set no longer has are left out.
    pub fn rows(&self, index: &Index, numbers: &[u32]) -> Result<Vec<TrackRow>, Error> {
        let read = || -> rusqlite::Result<Vec<TrackRow>> {
            let mut tracks = self.connection.prepare_cached(
                "SELECT track_id, path, title, duration_s, message FROM tracks
                 LEFT JOIN problems USING (dataset, number) WHERE dataset = ?1 AND number = ?2",
            )?;
            let mut rows = Vec::with_capacity(numbers.len());
            for &number in numbers.iter().filter(|&&row| (row as usize) < index.len()) {
                let at = number as usize;
                let status = index.status_of(at);
                let found = tracks
                    .query_row(params![index.dataset, number], |row| {
                        let message: Option<String> = row.get(4)?;
                        Ok(TrackRow {
                            row: number,
                            id: row.get(0)?,
                            path: index.root.join(path_of(row, 1)?),
                            title: row.get(2)?,
                            artist: index.artists.at(at).to_owned(),
                            album: index.albums.at(at).to_owned(),
                            duration_secs: row.get(3)?,
                            source: index.sources.at(at).to_owned(),
                            licence: index.licences.at(at).to_owned(),
                            status,
                            message: match message {
                                Some(message) => message,
                                None if status.is_problem() => status.about().to_owned(),
                                None => String::new(),
                            },
                        })
                    })
                    .optional()?;
                rows.extend(found);
            }
            Ok(rows)
        };
        read().map_err(told(&self.path))
    }

    /// The row of the track with this id.
    pub fn row_of(&self, dataset: i64, track_id: &str) -> Result<Option<u32>, Error> {
        let read = || {
            self.connection
                .prepare_cached("SELECT number FROM tracks WHERE dataset = ?1 AND track_id = ?2")?
                .query_row(params![dataset, track_id], |row| row.get(0))
                .optional()
        };
        read().map_err(told(&self.path))
    }

    /// When the tags of a vocabulary sound in a track, ascending by start; empty where nobody says.
    pub fn spans(&self, dataset: i64, row: u32, vocabulary: usize) -> Result<Vec<Span>, Error> {
        let read = || -> rusqlite::Result<Vec<Span>> {
            self.connection
                .prepare_cached(
                    "SELECT tag, start_s, end_s FROM timelines WHERE dataset = ?1 AND number = ?2 AND vocabulary = ?3
                     ORDER BY start_s, tag",
                )?
                .query_map(params![dataset, row, vocabulary as i64], |row| {
                    Ok(Span {
                        tag: TagIdx(row.get(0)?),
                        start_secs: row.get(1)?,
                        end_secs: row.get(2)?,
                    })
                })?
                .collect()
        };
        read().map_err(told(&self.path))
    }
}

/// A path as SQLite keeps it: text, or bytes if it is not UTF-8, so that no file gets lost.
pub(super) fn stored_path(path: &Path) -> ToSqlOutput<'_> {
    match path.to_str() {
        Some(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
        None => ToSqlOutput::Borrowed(ValueRef::Blob(path.as_os_str().as_encoded_bytes())),
    }
}

/// What [`stored_path`] stored.
pub(super) fn path_of(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<PathBuf> {
    Ok(match row.get(column)? {
        Value::Text(text) => text.into(),
        #[cfg(unix)]
        Value::Blob(bytes) => {
            use std::os::unix::ffi::OsStringExt;
            std::ffi::OsString::from_vec(bytes).into()
        }
        #[cfg(not(unix))]
        Value::Blob(bytes) => String::from_utf8_lossy(&bytes).into_owned().into(),
        _ => return Err(super::stored::damaged("tracks")),
    })
}
