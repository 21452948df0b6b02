//! What the doctor has heard, and the checksums of files, kept in the workspace's cache: a file that has not changed is not decoded again.
//!
//! SQLite, so that two processes may use it and one that is killed leaves whole rows. It may be deleted at any time.

use super::fingerprint;
use super::hearing::{Heard, Outcome};
use crate::dataset::{Algorithm, Checksum, Error, patient};
use crate::workspace::Workspace;
use rusqlite::{Connection, OptionalExtension, params};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// Version of the figures. Raise it whenever they are measured otherwise.
const VERSION: i64 = 1_000 + fingerprint::VERSION;

const TABLE: &str = "
CREATE TABLE IF NOT EXISTS heard (
    path BLOB PRIMARY KEY, size INTEGER NOT NULL, changed_ns INTEGER NOT NULL, version INTEGER NOT NULL,
    outcome TEXT NOT NULL, print BLOB NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sums (
    path BLOB NOT NULL, algorithm TEXT NOT NULL, size INTEGER NOT NULL, changed_ns INTEGER NOT NULL, sum TEXT NOT NULL,
    PRIMARY KEY (path, algorithm)
) WITHOUT ROWID;
";

/// What is kept of files that were listened to.
#[derive(Debug)]
pub struct Notebook {
    connection: Connection,
    file: PathBuf,
    catalogue: PathBuf,
}

/// A state of a file: by these it is known again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct State {
    path: PathBuf,
    size: i64,
    changed_ns: i64,
}

impl State {
    /// The state of a file now. Fails if it is not there.
    pub(super) fn of(path: &Path) -> std::io::Result<Self> {
        let meta = path.metadata()?;
        let changed = meta
            .modified()?
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Ok(Self {
            path: path.to_path_buf(),
            size: meta.len() as i64,
            changed_ns: changed.as_nanos() as i64,
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Notebook {
    /// The catalogue of the same workspace.
    pub(super) fn catalogue(&self) -> &Path {
        &self.catalogue
    }

    /// Opens the workspace's notebook, made if it is not there.
    pub fn open(workspace: &Workspace) -> Result<Self, Error> {
        let folder = workspace.cache();
        std::fs::create_dir_all(&folder).map_err(Error::io("make", &folder))?;
        let file = folder.join("doctor.sqlite");
        let told = |source| Error::Notebook {
            path: file.clone(),
            source,
        };
        let connection = Connection::open(&file).map_err(told)?;
        let prepare = || {
            patient::prepare(&connection)?;
            connection.execute_batch(TABLE)
        };
        prepare().map_err(told)?;
        Ok(Self {
            connection,
            file,
            catalogue: workspace.catalogue(),
        })
    }

    fn told(&self) -> impl FnOnce(rusqlite::Error) -> Error + use<> {
        let path = self.file.clone();
        move |source| Error::Notebook { path, source }
    }

    /// What is known of files in these states, with the first `n_words` of each fingerprint. `[states]`
    pub(super) fn look_up(
        &self,
        states: &[Option<State>],
        n_words: usize,
    ) -> Result<Vec<Option<Outcome>>, Error> {
        let look_up = || {
            let mut query = self.connection.prepare(
                "SELECT outcome, substr(print, 1, ?5) FROM heard WHERE path = ?1 AND size = ?2 AND changed_ns = ?3 AND version = ?4",
            )?;
            let mut known = Vec::with_capacity(states.len());
            for state in states {
                let Some(state) = state else {
                    known.push(None);
                    continue;
                };
                let row = query
                    .query_row(
                        params![
                            state.path.as_os_str().as_encoded_bytes(),
                            state.size,
                            state.changed_ns,
                            VERSION,
                            n_words.saturating_mul(4) as i64
                        ],
                        |row| Ok((row.get::<_, String>(0)?, row.get::<_, Option<Vec<u8>>>(1)?)),
                    )
                    .optional()?;
                // A part of nothing is none.
                known.push(
                    row.and_then(|(outcome, print)| read(&outcome, &print.unwrap_or_default())),
                );
            }
            Ok(known)
        };
        look_up().map_err(self.told())
    }

    /// What is known of the sums of files in these states, each by the algorithm of its published one. `[files]`
    pub(super) fn sums(&self, files: &[(Checksum, State)]) -> Result<Vec<Option<String>>, Error> {
        let look_up = || {
            let mut query = self.connection.prepare(
                "SELECT sum FROM sums WHERE path = ?1 AND algorithm = ?2 AND size = ?3 AND changed_ns = ?4",
            )?;
            let found = files.iter().map(|(file, state)| {
                let path = state.path.as_os_str().as_encoded_bytes();
                let name = file.algorithm.name();
                query
                    .query_row(params![path, name, state.size, state.changed_ns], |row| {
                        row.get(0)
                    })
                    .optional()
            });
            found.collect::<rusqlite::Result<Vec<Option<String>>>>()
        };
        look_up().map_err(self.told())
    }

    /// Notes sums that were computed, all or nothing.
    pub(super) fn note_sums<'a>(
        &mut self,
        sums: impl Iterator<Item = (&'a State, Algorithm, &'a str)>,
    ) -> Result<(), Error> {
        let told = self.told();
        let note = || {
            let transaction = self.connection.transaction()?;
            {
                let mut insert = transaction
                    .prepare("INSERT OR REPLACE INTO sums VALUES (?1, ?2, ?3, ?4, ?5)")?;
                for (state, algorithm, sum) in sums {
                    let path = state.path.as_os_str().as_encoded_bytes();
                    let name = algorithm.name();
                    insert.execute(params![path, name, state.size, state.changed_ns, sum])?;
                }
            }
            transaction.commit()
        };
        note().map_err(told)
    }

    /// Notes what was heard, all or nothing.
    pub(super) fn note(&mut self, heard: &[(State, Outcome)]) -> Result<(), Error> {
        let told = self.told();
        let mut note = || {
            let transaction = self.connection.transaction()?;
            {
                let mut insert = transaction
                    .prepare("INSERT OR REPLACE INTO heard VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?;
                for (state, outcome) in heard {
                    let print = match outcome {
                        Outcome::Heard(heard) => heard
                            .print
                            .iter()
                            .flat_map(|word| word.to_le_bytes())
                            .collect(),
                        Outcome::Unreadable(_) => Vec::new(),
                    };
                    let text = serde_json::to_string(outcome)
                        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
                    insert.execute(params![
                        state.path.as_os_str().as_encoded_bytes(),
                        state.size,
                        state.changed_ns,
                        VERSION,
                        text,
                        print
                    ])?;
                }
            }
            transaction.commit()
        };
        note().map_err(told)
    }
}

/// A row; one that cannot be read is heard anew.
fn read(outcome: &str, print: &[u8]) -> Option<Outcome> {
    let outcome = serde_json::from_str(outcome).ok()?;
    Some(match outcome {
        Outcome::Heard(heard) => {
            let words = print
                .chunks_exact(4)
                .map(|word| u32::from_le_bytes([word[0], word[1], word[2], word[3]]));
            Outcome::Heard(Box::new(Heard {
                print: words.collect(),
                ..*heard
            }))
        }
        unreadable @ Outcome::Unreadable(_) => unreadable,
    })
}
