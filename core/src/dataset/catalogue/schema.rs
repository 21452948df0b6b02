//! The catalogue's tables, and how an older catalogue becomes one of today.
//!
//! | table | one row for |
//! |---|---|
//! | `datasets` | a data set; its number stays the same when it is imported again, `import` rises then |
//! | `vocabularies`, `tags` | a labelling and each of its tags, by position |
//! | `names` | an artist, album, source or licence, sorted within its field |
//! | `tracks` | a recording, by its place in the data set |
//! | `splits` | a named split |
//! | `columns` | all rows of one column as a blob (see [`super::Index`]): labels, parts of each split, statuses, search texts, orders |
//! | `timelines` | a stretch in which a tag sounds |
//! | `problems` | what is wrong with a track's file, if there is more to say than its status |
//! | `checked` | what decoding found of a file, with the file's size and time (-1 if it was not there); outlives a new import |
//! | `findings` | what reading the annotations found, as JSON |
//!
//! Tables that must outlive a new import refer to `(dataset, track_id)`, never to `tracks.number`.

use super::stored::refusal;
use crate::dataset::patient;
use rusqlite::{Connection, TransactionBehavior, params};

/// Version of the tables, kept in SQLite's `user_version`.
const VERSION: i64 = 3;

const DATASETS: &str = "
CREATE TABLE datasets (
    dataset INTEGER PRIMARY KEY, name TEXT NOT NULL, root TEXT NOT NULL UNIQUE, layout TEXT NOT NULL, fingerprint TEXT NOT NULL,
    stamp TEXT NOT NULL, imported_at_unix_s INTEGER NOT NULL, n_tracks INTEGER NOT NULL, n_tags INTEGER NOT NULL,
    n_artists INTEGER NOT NULL, n_problems INTEGER NOT NULL, total_secs REAL NOT NULL, import INTEGER NOT NULL DEFAULT 0
);";

const CONTENTS: &str = "
CREATE TABLE vocabularies (
    dataset INTEGER NOT NULL REFERENCES datasets ON DELETE CASCADE, vocabulary INTEGER NOT NULL, name TEXT NOT NULL,
    PRIMARY KEY (dataset, vocabulary)
) WITHOUT ROWID;
CREATE TABLE tags (
    dataset INTEGER NOT NULL REFERENCES datasets ON DELETE CASCADE, vocabulary INTEGER NOT NULL, tag INTEGER NOT NULL,
    name TEXT NOT NULL, PRIMARY KEY (dataset, vocabulary, tag)
) WITHOUT ROWID;
CREATE TABLE names (
    dataset INTEGER NOT NULL REFERENCES datasets ON DELETE CASCADE, field TEXT NOT NULL, number INTEGER NOT NULL,
    name TEXT NOT NULL, PRIMARY KEY (dataset, field, number)
) WITHOUT ROWID;
CREATE TABLE tracks (
    dataset INTEGER NOT NULL REFERENCES datasets ON DELETE CASCADE, number INTEGER NOT NULL, track_id TEXT NOT NULL,
    path NOT NULL, title TEXT NOT NULL, artist INTEGER NOT NULL, album INTEGER NOT NULL, source INTEGER NOT NULL,
    licence INTEGER NOT NULL, duration_s REAL, PRIMARY KEY (dataset, number)
) WITHOUT ROWID;
CREATE UNIQUE INDEX tracks_by_id ON tracks (dataset, track_id);
CREATE TABLE splits (
    dataset INTEGER NOT NULL REFERENCES datasets ON DELETE CASCADE, split INTEGER NOT NULL, name TEXT NOT NULL,
    vocabulary INTEGER NOT NULL, PRIMARY KEY (dataset, split)
) WITHOUT ROWID;
CREATE TABLE columns (
    dataset INTEGER NOT NULL REFERENCES datasets ON DELETE CASCADE, name TEXT NOT NULL, content BLOB NOT NULL,
    UNIQUE (dataset, name)
);
CREATE TABLE timelines (
    dataset INTEGER NOT NULL REFERENCES datasets ON DELETE CASCADE, number INTEGER NOT NULL, vocabulary INTEGER NOT NULL,
    tag INTEGER NOT NULL, start_s REAL NOT NULL, end_s REAL NOT NULL
);
CREATE INDEX timelines_of_track ON timelines (dataset, number);
CREATE TABLE problems (
    dataset INTEGER NOT NULL REFERENCES datasets ON DELETE CASCADE, number INTEGER NOT NULL, message TEXT NOT NULL,
    PRIMARY KEY (dataset, number)
) WITHOUT ROWID;
CREATE TABLE checked (
    dataset INTEGER NOT NULL REFERENCES datasets ON DELETE CASCADE, track_id TEXT NOT NULL, status TEXT NOT NULL,
    message TEXT NOT NULL, bytes INTEGER NOT NULL, modified_ns INTEGER NOT NULL, rate_hz INTEGER, decoded_s REAL,
    PRIMARY KEY (dataset, track_id)
) WITHOUT ROWID;
CREATE TABLE findings (
    dataset INTEGER NOT NULL REFERENCES datasets ON DELETE CASCADE, number INTEGER NOT NULL, finding TEXT NOT NULL,
    PRIMARY KEY (dataset, number)
) WITHOUT ROWID;
";

/// All tables of a catalogue, in the order in which they are made.
const TABLES: [&str; 2] = [DATASETS, CONTENTS];

/// What a new import of a data set replaces.
pub(super) const REPLACED: [&str; 9] = [
    "vocabularies",
    "tags",
    "names",
    "tracks",
    "splits",
    "columns",
    "timelines",
    "problems",
    "findings",
];

/// Makes or upgrades the tables. A catalogue of today is only read, so that opening it waits for nobody who writes.
pub(super) fn prepare(connection: &mut Connection) -> rusqlite::Result<()> {
    patient::prepare(connection)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // 64 MB of pages: enough for the index over the ids of a million tracks while they are written.
    connection.pragma_update(None, "cache_size", -65_536)?;
    if version(connection)? == VERSION {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    match version(&transaction)? {
        0 => make(&transaction)?,
        1 => upgrade_from_1(&transaction)?,
        2 => upgrade_from_2(&transaction)?,
        // Another process was faster.
        VERSION => {}
        other => {
            return Err(refusal(format!(
                "the catalogue has version {other}, this Attune knows version {VERSION}; use a newer Attune or move the file away"
            )));
        }
    }
    transaction.pragma_update(None, "user_version", VERSION)?;
    transaction.commit()
}

fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

fn make(connection: &Connection) -> rusqlite::Result<()> {
    TABLES
        .iter()
        .try_for_each(|tables| connection.execute_batch(tables))
}

/// Version 2 neither counted imports nor kept rate and length of what was decoded.
fn upgrade_from_2(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(
        "ALTER TABLE datasets ADD COLUMN import INTEGER NOT NULL DEFAULT 0;
         ALTER TABLE checked ADD COLUMN rate_hz INTEGER;
         ALTER TABLE checked ADD COLUMN decoded_s REAL;",
    )
}

/// Version 1 knew no search columns, titles or named splits. The list of data sets is kept; their empty stamp says that each must be
/// read again, which happens when it is opened.
fn upgrade_from_1(connection: &Connection) -> rusqlite::Result<()> {
    type Known = (String, String, String, i64, i64, i64, i64, f64);
    let known: Vec<Known> = connection
        .prepare(
            "SELECT name, root, fingerprint, imported_at_unix_s,
                (SELECT count(*) FROM tracks WHERE tracks.dataset = datasets.dataset),
                (SELECT count(*) FROM tags WHERE tags.dataset = datasets.dataset),
                (SELECT count(DISTINCT artist) FROM tracks WHERE tracks.dataset = datasets.dataset),
                (SELECT total(duration_s) FROM tracks WHERE tracks.dataset = datasets.dataset)
             FROM datasets ORDER BY dataset",
        )?
        .query_map([], |row| {
            Ok((
                row.get(0)?,
                row.get(1)?,
                row.get(2)?,
                row.get(3)?,
                row.get(4)?,
                row.get(5)?,
                row.get(6)?,
                row.get(7)?,
            ))
        })?
        .collect::<rusqlite::Result<_>>()?;
    // Those that are referred to go last.
    for table in [
        "timelines",
        "labels",
        "splits",
        "tracks",
        "tags",
        "datasets",
    ] {
        connection.execute_batch(&format!("DROP TABLE {table}"))?;
    }
    make(connection)?;
    let mut insert = connection.prepare(
        "INSERT INTO datasets (name, root, layout, fingerprint, stamp, imported_at_unix_s, n_tracks, n_tags, n_artists, n_problems, total_secs)
         VALUES (?1, ?2, 'generic', ?3, '', ?4, ?5, ?6, ?7, 0, ?8)",
    )?;
    for (name, root, fingerprint, imported_at, tracks, tags, artists, secs) in known {
        insert.execute(params![
            name,
            root,
            fingerprint,
            imported_at,
            tracks,
            tags,
            artists,
            secs
        ])?;
    }
    Ok(())
}
