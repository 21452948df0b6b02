//! The catalogue: one SQLite file per workspace that knows every imported data set.
//!
//! Audio stays where it is; the catalogue holds what the annotations say. Importing a folder again replaces what it said before, in one
//! transaction. A track belongs to any number of named splits; the generic format gives it one.

use super::{Dataset, Error};
use rusqlite::{Connection, OptionalExtension, params};
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Version of the tables, kept in SQLite's `user_version`.
const VERSION: i64 = 1;

const TABLES: &str = "
CREATE TABLE datasets (
    dataset INTEGER PRIMARY KEY, name TEXT NOT NULL, root TEXT NOT NULL UNIQUE, fingerprint TEXT NOT NULL,
    imported_at_unix_s INTEGER NOT NULL
);
CREATE TABLE tags (
    dataset INTEGER NOT NULL REFERENCES datasets ON DELETE CASCADE, tag INTEGER NOT NULL, name TEXT NOT NULL,
    PRIMARY KEY (dataset, tag)
) WITHOUT ROWID;
CREATE TABLE tracks (
    track INTEGER PRIMARY KEY, dataset INTEGER NOT NULL REFERENCES datasets ON DELETE CASCADE, track_id TEXT NOT NULL,
    path TEXT NOT NULL, artist TEXT NOT NULL, duration_s REAL, source TEXT NOT NULL, license TEXT NOT NULL,
    UNIQUE (dataset, track_id)
);
CREATE TABLE splits (
    track INTEGER NOT NULL REFERENCES tracks ON DELETE CASCADE, split TEXT NOT NULL, PRIMARY KEY (track, split)
) WITHOUT ROWID;
CREATE TABLE labels (
    track INTEGER NOT NULL REFERENCES tracks ON DELETE CASCADE, tag INTEGER NOT NULL, PRIMARY KEY (track, tag)
) WITHOUT ROWID;
CREATE TABLE timelines (
    track INTEGER NOT NULL REFERENCES tracks ON DELETE CASCADE, tag INTEGER NOT NULL, start_s REAL NOT NULL, end_s REAL NOT NULL
);
CREATE INDEX timelines_of_track ON timelines (track);
";

/// An open catalogue.
#[derive(Debug)]
pub struct Catalogue {
    connection: Connection,
    path: PathBuf,
}

/// One imported data set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CatalogueEntry {
    /// What it is called.
    pub name: String,
    /// Its folder.
    pub root: PathBuf,
    /// What [`Dataset::fingerprint`] said when it was imported.
    pub fingerprint: String,
    /// When it was imported, in seconds since 1970.
    pub imported_at_unix_s: i64,
    /// How many tracks it has.
    pub n_tracks: usize,
    /// Size of its vocabulary.
    pub n_tags: usize,
}

impl Catalogue {
    /// Opens the catalogue, made if it is not there.
    pub fn open(path: &Path) -> Result<Self, Error> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(Error::io("make", folder))?;
        }
        let told = |source| Error::Catalogue {
            path: path.to_path_buf(),
            source,
        };
        let mut connection = Connection::open(path).map_err(told)?;
        prepare(&mut connection).map_err(told)?;
        Ok(Self {
            connection,
            path: path.to_path_buf(),
        })
    }

    /// Puts a data set into the catalogue; what the catalogue knew of the same folder is replaced.
    pub fn import(&mut self, dataset: &Dataset) -> Result<(), Error> {
        import(&mut self.connection, dataset).map_err(|source| Error::Catalogue {
            path: self.path.clone(),
            source,
        })
    }

    /// The imported data sets, the latest first.
    pub fn datasets(&self) -> Result<Vec<CatalogueEntry>, Error> {
        list(&self.connection).map_err(|source| Error::Catalogue {
            path: self.path.clone(),
            source,
        })
    }
}

fn prepare(connection: &mut Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(Duration::from_secs(30))?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    let transaction =
        connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let version: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    match version {
        0 => {
            transaction.execute_batch(TABLES)?;
            transaction.pragma_update(None, "user_version", VERSION)?;
        }
        VERSION => {}
        other => {
            return Err(rusqlite::Error::SqliteFailure(
                rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_MISMATCH),
                Some(format!(
                    "the catalogue has version {other}, this Attune knows version {VERSION}; use a newer Attune or move the file away"
                )),
            ));
        }
    }
    transaction.commit()
}

fn import(connection: &mut Connection, dataset: &Dataset) -> rusqlite::Result<()> {
    let root = dataset.root.to_string_lossy();
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| since.as_secs() as i64);
    let transaction =
        connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let known: Option<i64> = transaction
        .query_row(
            "SELECT dataset FROM datasets WHERE root = ?1",
            [&root],
            |row| row.get(0),
        )
        .optional()?;
    if let Some(known) = known {
        transaction.execute("DELETE FROM datasets WHERE dataset = ?1", [known])?;
    }
    transaction.execute(
        "INSERT INTO datasets (name, root, fingerprint, imported_at_unix_s) VALUES (?1, ?2, ?3, ?4)",
        params![dataset.name, root, dataset.fingerprint(), now],
    )?;
    let id = transaction.last_insert_rowid();
    {
        let mut tag = transaction.prepare("INSERT INTO tags VALUES (?1, ?2, ?3)")?;
        for (index, name) in dataset.tags.iter().enumerate() {
            tag.execute(params![id, index as i64, name])?;
        }
        let mut insert_track = transaction.prepare(
            "INSERT INTO tracks (dataset, track_id, path, artist, duration_s, source, license) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?;
        let mut split = transaction.prepare("INSERT INTO splits VALUES (?1, ?2)")?;
        let mut label = transaction.prepare("INSERT INTO labels VALUES (?1, ?2)")?;
        let mut span = transaction.prepare("INSERT INTO timelines VALUES (?1, ?2, ?3, ?4)")?;
        for track in &dataset.tracks {
            insert_track.execute(params![
                id,
                track.id,
                track.path.to_string_lossy(),
                track.artist,
                track.duration_secs,
                track.source,
                track.license,
            ])?;
            let row = transaction.last_insert_rowid();
            split.execute(params![row, track.split.name()])?;
            for tag in &track.tags {
                label.execute(params![row, tag.0])?;
            }
            for sound in &track.timeline {
                span.execute(params![row, sound.tag.0, sound.start_secs, sound.end_secs])?;
            }
        }
    }
    transaction.commit()
}

fn list(connection: &Connection) -> rusqlite::Result<Vec<CatalogueEntry>> {
    let mut query = connection.prepare(
        "SELECT name, root, fingerprint, imported_at_unix_s,
            (SELECT count(*) FROM tracks WHERE tracks.dataset = datasets.dataset),
            (SELECT count(*) FROM tags WHERE tags.dataset = datasets.dataset)
         FROM datasets ORDER BY imported_at_unix_s DESC, dataset DESC",
    )?;
    let rows = query.query_map([], |row| {
        Ok(CatalogueEntry {
            name: row.get(0)?,
            root: PathBuf::from(row.get::<_, String>(1)?),
            fingerprint: row.get(2)?,
            imported_at_unix_s: row.get(3)?,
            n_tracks: row.get::<_, i64>(4)? as usize,
            n_tags: row.get::<_, i64>(5)? as usize,
        })
    })?;
    rows.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::{Span, Split, TagIdx, Track};

    fn dataset(n_tracks: usize) -> Dataset {
        Dataset {
            name: "set".into(),
            root: "/music/set".into(),
            place: "/music/set".into(),
            tags: vec!["piano".into(), "slow".into()],
            tracks: (0..n_tracks)
                .map(|number| Track {
                    id: format!("t{number}"),
                    path: format!("/music/set/{number}.ogg").into(),
                    artist: "somebody".into(),
                    album: String::new(),
                    title: String::new(),
                    split: Split::Train,
                    duration_secs: Some(20.0),
                    source: String::new(),
                    license: String::new(),
                    tags: vec![TagIdx(1)],
                    timeline: vec![Span {
                        tag: TagIdx(0),
                        start_secs: 1.0,
                        end_secs: 2.0,
                    }],
                })
                .collect(),
            problems: Vec::new(),
            findings: Vec::new(),
        }
    }

    #[test]
    fn importing_a_folder_again_replaces_what_was_known_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/catalogue.sqlite");
        let mut catalogue = Catalogue::open(&path).unwrap();
        catalogue.import(&dataset(3)).unwrap();
        catalogue.import(&dataset(2)).unwrap();
        drop(catalogue);
        let catalogue = Catalogue::open(&path).unwrap();
        let entries = catalogue.datasets().unwrap();
        assert_eq!(entries.len(), 1);
        assert_eq!((entries[0].n_tracks, entries[0].n_tags), (2, 2));
        for table in ["tracks", "splits", "labels", "timelines"] {
            let count: i64 = catalogue
                .connection
                .query_row(&format!("SELECT count(*) FROM {table}"), [], |row| {
                    row.get(0)
                })
                .unwrap();
            assert_eq!(count, 2, "nothing of the first import is left in {table}");
        }
    }

    #[test]
    fn a_catalogue_of_a_later_version_is_refused_with_a_reason() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("catalogue.sqlite");
        drop(Catalogue::open(&path).unwrap());
        let connection = Connection::open(&path).unwrap();
        connection.pragma_update(None, "user_version", 99).unwrap();
        drop(connection);
        let error = Catalogue::open(&path).unwrap_err();
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert!(cause.contains("version 99"), "{cause}");
    }
}
