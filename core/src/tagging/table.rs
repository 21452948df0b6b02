//! A table of answers: a row a track, a column a tag, and what it was made with. CSV or Parquet by the ending of its name.
//!
//! | column | what |
//! |---|---|
//! | `id`, `path` | the track, as the list named it |
//! | `duration_s` | length of what could be decoded, in seconds |
//! | `error` | why the track could not be tagged; empty if it was |
//! | `warning` | what was wrong with a file that was tagged all the same |
//! | a tag | its probability, f32; empty (CSV) or null (Parquet) if the track could not be tagged |
//!
//! Parquet carries [`About`] in its metadata under the key `attune`; CSV has no place for it, so that it lies beside, in `NAME.csv.json`.

use super::{Error, csv_table, parquet_table};
use crate::predict::Model;
use serde::{Deserialize, Serialize};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// How the answer for a whole track is made, as `attune evaluate` makes it.
pub const EVALUATION: &str = "mean over ceil(L/N) chunks, the last one ending with the track";

/// The columns before those of the tags.
pub(super) const FIXED: [&str; 5] = ["id", "path", "duration_s", "error", "warning"];

/// What a table was made with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// Name of the model.
    pub model: String,
    /// [`Model::fingerprint`]: equal for equal answers.
    pub fingerprint: String,
    /// [`EVALUATION`].
    pub evaluation: String,
    /// Version of Attune.
    pub version: String,
    /// The tags, in the order of their columns.
    pub tags: Vec<String>,
}

impl About {
    /// Answers of a model.
    pub fn of(model: &Model) -> Self {
        Self {
            model: model.name.clone(),
            fingerprint: model.fingerprint.clone(),
            evaluation: EVALUATION.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            tags: model.tags.clone(),
        }
    }

    /// The model, in words.
    pub fn model_text(&self) -> String {
        format!("{} {}", self.model, self.fingerprint)
    }

    /// Fails with [`Error::OtherModel`] if what was found at `path` cannot be gone on with. The name of a model says nothing.
    pub(super) fn check_same(&self, found: &Self, path: &Path) -> Result<(), Error> {
        let of = |about: &Self| {
            (
                about.fingerprint.clone(),
                about.evaluation.clone(),
                about.tags.clone(),
            )
        };
        if of(self) == of(found) {
            return Ok(());
        }
        Err(Error::OtherModel {
            found: found.model_text(),
            wanted: self.model_text(),
            path: path.to_path_buf(),
        })
    }

    /// Names of all columns. A tag that is called like one of the first ones has `tag ` before it.
    pub(super) fn columns(&self) -> Vec<String> {
        let tags = self.tags.iter().map(|tag| {
            if FIXED.contains(&tag.as_str()) {
                format!("tag {tag}")
            } else {
                tag.clone()
            }
        });
        FIXED.map(str::to_owned).into_iter().chain(tags).collect()
    }
}

/// What is known of a track.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Row {
    /// Its id.
    pub id: String,
    /// Its file.
    pub path: String,
    /// Length in seconds, if it could be decoded.
    pub duration_secs: Option<f64>,
    /// `[tags]`; empty if it could not be tagged.
    pub probabilities: Vec<f32>,
    /// Why it could not be tagged; empty if it was.
    pub error: String,
    /// What was wrong with its file all the same.
    pub warning: String,
}

/// How a table is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// RFC 4180, UTF-8.
    Csv,
    /// Apache Parquet.
    Parquet,
}

impl Format {
    /// The one that a file's name asks for. Fails with [`Error::Extension`] if it asks for none.
    pub fn of(path: &Path) -> Result<Self, Error> {
        let extension = path.extension().and_then(OsStr::to_str);
        match extension.map(str::to_lowercase).as_deref() {
            Some("csv") => Ok(Self::Csv),
            Some("parquet") => Ok(Self::Parquet),
            _ => Err(Error::Extension(path.to_path_buf())),
        }
    }
}

/// `NAME` with something behind it.
pub(super) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// Writes a table, whole or not at all, in pieces that do not depend on how many rows there are.
pub fn write_table(
    path: &Path,
    about: &About,
    rows: &mut dyn Iterator<Item = Result<Row, Error>>,
) -> Result<(), Error> {
    match Format::of(path)? {
        Format::Csv => csv_table::write(path, about, rows),
        Format::Parquet => parquet_table::write(path, about, rows),
    }
}

/// Reads a table row by row. One that another program wrote will do if it has a column `id` or `path` and numbers in others.
///
/// What `visit` fails with ends the reading.
pub fn read_table(
    path: &Path,
    visit: &mut dyn FnMut(&About, Row) -> Result<(), Error>,
) -> Result<About, Error> {
    match Format::of(path)? {
        Format::Csv => csv_table::read(path, visit),
        Format::Parquet => parquet_table::read(path, visit),
    }
}

/// Which column of a file is what.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) about: About,
    /// Places of [`FIXED`], where there are such columns.
    pub(super) fixed: [Option<usize>; 5],
    /// Places of the tags.
    pub(super) tags: Vec<usize>,
}

impl Layout {
    /// By the names of the columns. `about` is what the file says of itself; without it, every other column is a tag.
    pub(super) fn of(path: &Path, columns: &[String], about: Option<About>) -> Result<Self, Error> {
        let place = |name: &str| columns.iter().position(|column| column == name);
        let fixed = FIXED.map(place);
        if fixed[0].is_none() && fixed[1].is_none() {
            return Err(Error::not_a_table(path, "it has no column `id` or `path`"));
        }
        let (about, tags) = match about {
            Some(about) => {
                let names = about.columns();
                let places = names[FIXED.len()..].iter().map(|name| {
                    let missing = || Error::not_a_table(path, format!("no column `{name}`"));
                    place(name).ok_or_else(missing)
                });
                let places = places.collect::<Result<_, _>>()?;
                (about, places)
            }
            None => {
                let tags: Vec<usize> = (0..columns.len())
                    .filter(|place| !fixed.contains(&Some(*place)))
                    .collect();
                let about = About {
                    model: String::new(),
                    fingerprint: String::new(),
                    evaluation: String::new(),
                    version: String::new(),
                    tags: tags.iter().map(|&place| columns[place].clone()).collect(),
                };
                (about, tags)
            }
        };
        Ok(Self { about, fixed, tags })
    }
}
