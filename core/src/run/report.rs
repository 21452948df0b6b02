//! The folder that a finished run leaves for people: curves, a table of the tags, and a page that holds them together.

use super::{Error, History};
use crate::figure::Figure;
use crate::metrics::Scores;
use std::path::{Path, PathBuf};

/// Scores on the test split.
#[derive(Clone, Debug, PartialEq)]
pub struct TestScores {
    /// Names of the tags.
    pub tags: Vec<String>,
    /// Their scores, in that order.
    pub scores: Scores,
}

/// A figure and the file name (without ending) under which it lies in the report.
#[derive(Clone, Debug)]
pub struct NamedFigure {
    /// File name without ending, such as `attention`.
    pub name: String,
    /// What it shows, in a sentence below it.
    pub caption: String,
    /// The figure.
    pub figure: Figure,
}

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The folder.
    pub folder: PathBuf,
    /// The page: `report.md`.
    pub page: PathBuf,
    /// All files, the page among them.
    pub files: Vec<PathBuf>,
}

/// Writes `report.md`, `loss.{png,svg}`, `auc.{png,svg}`, `tags.{csv,md}` and the given figures into `folder`.
pub fn write(
    folder: &Path,
    history: &History,
    test: &TestScores,
    figures: &[NamedFigure],
) -> Result<Report, Error> {
    let _ = (folder, history, test, figures);
    unimplemented!()
}
