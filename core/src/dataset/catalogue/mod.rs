//! The catalogue: one SQLite file per workspace that knows every imported data set.
//!
//! Audio stays where it is; the catalogue holds what the annotations say. Importing a folder again replaces what it said before, in one
//! transaction. A data set is searched through its [`Index`], which is in memory; the rows that are looked at are read one by one.

mod bits;
mod compare;
mod counts;
mod import;
mod index;
mod query;
mod rows;
mod schema;
mod search;
mod stamp;
mod status;
mod stored;
mod texts;

pub use bits::Bits;
pub use compare::{Comparison, SplitSide, TagShares};
pub use counts::{Balance, CoOccurrence};
pub use index::{Index, SplitColumn, Tag, Vocabulary};
pub use query::{LengthRange, Query, QueryError, Sort, Term, Test, TextField};
pub use rows::TrackRow;
pub(crate) use status::FileMark;
pub use status::{Checked, Status, UnknownStatus};

use super::{Error, Finding};
use crate::job::Job;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// An open catalogue.
#[derive(Debug)]
pub struct Catalogue {
    connection: Connection,
    path: PathBuf,
}

/// One imported data set.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CatalogueEntry {
    /// Its number, the same for as long as it is in the catalogue.
    #[serde(skip)]
    pub dataset: i64,
    /// What it is called.
    pub name: String,
    /// Its folder.
    #[serde(serialize_with = "rows::in_words")]
    pub root: PathBuf,
    /// Id of the layout that read it.
    pub layout: String,
    /// What [`super::Collection::fingerprint`] said when it was imported.
    pub fingerprint: String,
    /// When it was imported, in seconds since 1970.
    pub imported_at_unix_s: i64,
    /// How many tracks it has.
    pub n_tracks: usize,
    /// Size of its vocabularies.
    pub n_tags: usize,
    /// How many different artists.
    pub n_artists: usize,
    /// Tracks whose files were missing or unreadable when it was imported.
    pub n_problems: usize,
    /// Sum of the stated lengths, in seconds.
    pub total_secs: f64,
    /// Sizes and times of its annotations when they were read; empty if they must be read again.
    #[serde(skip)]
    stamp: String,
}

impl Catalogue {
    /// Opens the catalogue, made if it is not there, upgraded if it is of an earlier version.
    pub fn open(path: &Path) -> Result<Self, Error> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(Error::io("make", folder))?;
        }
        let mut connection = Connection::open(path).map_err(told(path))?;
        schema::prepare(&mut connection).map_err(told(path))?;
        Ok(Self {
            connection,
            path: path.to_path_buf(),
        })
    }

    /// The imported data sets, the latest first.
    pub fn datasets(&self) -> Result<Vec<CatalogueEntry>, Error> {
        list(&self.connection).map_err(told(&self.path))
    }

    /// The data set of a folder.
    pub fn dataset(&self, root: &Path) -> Result<Option<CatalogueEntry>, Error> {
        let root = std::path::absolute(root).map_err(Error::io("find", root))?;
        let all = self.datasets()?;
        Ok(all.into_iter().find(|entry| entry.root == root))
    }

    /// Whether the annotations of a data set lie as they did when they were imported. Looks at all its folders, which takes a moment.
    pub fn is_current(entry: &CatalogueEntry, job: &Job) -> Result<bool, Error> {
        Ok(!entry.stamp.is_empty() && stamp::of(&entry.root, job)? == entry.stamp)
    }

    /// Reads what searching a data set needs. Fails if it was never imported since the catalogue was upgraded, or is damaged.
    pub fn index(&self, dataset: i64) -> Result<Index, Error> {
        // One snapshot: another process may be importing it again.
        let load = || -> rusqlite::Result<Index> {
            let transaction = self.connection.unchecked_transaction()?;
            Index::load(&transaction, dataset)
        };
        load().map_err(told(&self.path))
    }

    /// What reading the annotations found.
    pub fn findings(&self, dataset: i64) -> Result<Vec<Finding>, Error> {
        let read = || -> rusqlite::Result<Vec<Finding>> {
            let mut query = self
                .connection
                .prepare("SELECT finding FROM findings WHERE dataset = ?1 ORDER BY number")?;
            let texts = query.query_map([dataset], |row| row.get::<_, String>(0))?;
            let parsed = texts.map(|text| {
                serde_json::from_str(&text?).map_err(|_unknown| stored::damaged("findings"))
            });
            parsed.collect()
        };
        read().map_err(told(&self.path))
    }

    /// Takes a data set out of the catalogue, with all that is kept about it here; its files stay, and need not be there. Whether it was
    /// known.
    pub fn forget(&mut self, root: &Path) -> Result<bool, Error> {
        let Some(entry) = self.dataset(root)? else {
            return Ok(false);
        };
        let path = self.path.clone();
        self.write(|connection| {
            connection.execute("DELETE FROM datasets WHERE dataset = ?1", [entry.dataset])
        })
        .map_err(told(&path))?;
        Ok(true)
    }

    /// One transaction that writes: all of `change` or nothing.
    fn write<T>(
        &mut self,
        change: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let made = change(&transaction)?;
        transaction.commit()?;
        Ok(made)
    }
}

/// Turns what SQLite says into this module's error.
fn told(path: &Path) -> impl FnOnce(rusqlite::Error) -> Error {
    let path = path.to_path_buf();
    move |source| Error::Catalogue { path, source }
}

fn list(connection: &Connection) -> rusqlite::Result<Vec<CatalogueEntry>> {
    let mut query = connection.prepare(
        "SELECT dataset, name, root, layout, fingerprint, stamp, imported_at_unix_s, n_tracks, n_tags, n_artists, n_problems, total_secs
         FROM datasets ORDER BY imported_at_unix_s DESC, dataset DESC",
    )?;
    let count = |row: &rusqlite::Row<'_>, column| row.get::<_, i64>(column).map(|n| n as usize);
    let rows = query.query_map([], |row| {
        Ok(CatalogueEntry {
            dataset: row.get(0)?,
            name: row.get(1)?,
            root: rows::path_of(row, 2)?,
            layout: row.get(3)?,
            fingerprint: row.get(4)?,
            stamp: row.get(5)?,
            imported_at_unix_s: row.get(6)?,
            n_tracks: count(row, 7)?,
            n_tags: count(row, 8)?,
            n_artists: count(row, 9)?,
            n_problems: count(row, 10)?,
            total_secs: row.get(11)?,
        })
    })?;
    rows.collect()
}

/// The number of a folder's data set.
fn number_of_root(connection: &Connection, root: &Path) -> rusqlite::Result<Option<i64>> {
    connection
        .query_row(
            "SELECT dataset FROM datasets WHERE root = ?1",
            [rows::stored_path(root)],
            |row| row.get(0),
        )
        .optional()
}

#[cfg(test)]
mod tests;
