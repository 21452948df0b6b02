//! Rows of the catalogue that somebody looks at, read when they are.

use super::{Catalogue, Index, Status, told};
use crate::dataset::{Error, Span, TagIdx};
use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use rusqlite::{Connection, OptionalExtension, params};
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
    #[serde(serialize_with = "in_words")]
    pub path: PathBuf,
    /// Title; empty where nobody says.
    pub title: String,
    /// Artist; empty where nobody says.
    pub artist: String,
    /// Album; empty where nobody says.
    pub album: String,
    /// Length as the data set states it, in seconds; where it does not, that of what was decoded, if that went without a fault.
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
    /// The rows of these numbers, in the same order; numbers beyond the last are left out. Fails with [`Error::Outdated`] if the data set was
    /// imported again since the index was read: other tracks have these numbers then.
    pub fn rows(&self, index: &Index, numbers: &[u32]) -> Result<Vec<TrackRow>, Error> {
        self.of_import(index, |connection| {
            let mut tracks = connection.prepare_cached(
                "SELECT tracks.track_id, path, title, duration_s, problems.message, decoded_s FROM tracks
                 LEFT JOIN problems USING (dataset, number)
                 LEFT JOIN checked ON checked.dataset = tracks.dataset AND checked.track_id = tracks.track_id
                 WHERE tracks.dataset = ?1 AND number = ?2",
            )?;
            let mut rows = Vec::with_capacity(numbers.len());
            for &number in numbers.iter().filter(|&&row| (row as usize) < index.len()) {
                let at = number as usize;
                let status = index.status_of(at);
                let found = tracks
                    .query_row(params![index.dataset, number], |row| {
                        // Without a problem there is nothing to say, even if another process has found one since.
                        let message: Option<String> = row.get(4)?;
                        let message = status.is_problem().then(|| {
                            message.unwrap_or_else(|| status.about().to_owned())
                        });
                        let decoded_secs: Option<f64> = row.get(5)?;
                        let is_whole = status == Status::Fine;
                        Ok(TrackRow {
                            row: number,
                            id: row.get(0)?,
                            path: index.root.join(path_of(row, 1)?),
                            title: row.get(2)?,
                            artist: index.artists.at(at).to_owned(),
                            album: index.albums.at(at).to_owned(),
                            duration_secs: row
                                .get::<_, Option<f64>>(3)?
                                .or(decoded_secs.filter(|_| is_whole)),
                            source: index.sources.at(at).to_owned(),
                            licence: index.licences.at(at).to_owned(),
                            status,
                            message: message.unwrap_or_default(),
                        })
                    })
                    .optional()?;
                rows.extend(found);
            }
            Ok(rows)
        })
    }

    /// When the tags of a vocabulary sound in a track, ascending by start; empty where nobody says. Fails as [`Catalogue::rows`] does.
    pub fn spans(&self, index: &Index, row: u32, vocabulary: usize) -> Result<Vec<Span>, Error> {
        self.of_import(index, |connection| {
            connection
                .prepare_cached(
                    "SELECT tag, start_s, end_s FROM timelines WHERE dataset = ?1 AND number = ?2 AND vocabulary = ?3
                     ORDER BY start_s, tag",
                )?
                .query_map(params![index.dataset, row, vocabulary as i64], |row| {
                    Ok(Span {
                        tag: TagIdx(row.get(0)?),
                        start_secs: row.get(1)?,
                        end_secs: row.get(2)?,
                    })
                })?
                .collect()
        })
    }

    /// Whether the data set was not imported again since the index was read.
    pub fn is_latest(&self, index: &Index) -> Result<bool, Error> {
        match self.of_import(index, |_| Ok(())) {
            Err(Error::Outdated(_)) => Ok(false),
            known => known.map(|()| true),
        }
    }

    /// Reads in the state that the index was made of: both are looked at in one snapshot.
    fn of_import<T>(
        &self,
        index: &Index,
        read: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, Error> {
        let told = || told(&self.path);
        let snapshot = self.connection.unchecked_transaction().map_err(told())?;
        let import: Option<i64> = snapshot
            .prepare_cached("SELECT import FROM datasets WHERE dataset = ?1")
            .and_then(|mut query| {
                query
                    .query_row([index.dataset], |row| row.get(0))
                    .optional()
            })
            .map_err(told())?;
        if import != Some(index.import) {
            return Err(Error::Outdated(index.root.clone()));
        }
        read(&snapshot).map_err(told())
    }
}

/// A path in JSON, which holds none that is not UTF-8.
pub(super) fn in_words<S: serde::Serializer>(path: &Path, out: S) -> Result<S::Ok, S::Error> {
    out.serialize_str(&path.to_string_lossy())
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
