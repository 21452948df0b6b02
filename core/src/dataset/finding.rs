//! What is noteworthy about a data set: found while it is read, or looked for by the doctor.

use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Good to know; results do not suffer.
    Note,
    /// Results may suffer, or tracks are left out.
    Warning,
    /// Results would be wrong.
    Error,
}

/// What was looked at. The names are those of the machine-readable report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Check {
    /// Files of the data set that are not there.
    MissingFile,
    /// Lines of annotation that cannot be read.
    BadLine,
    /// Counts of tracks, tags or labels against those that were published.
    Counts,
    /// The tags and their order against those that were published.
    TagOrder,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// What was looked at.
    pub check: Check,
    /// How much it matters.
    pub severity: Severity,
    /// Ids of the tracks concerned, if it is about tracks; at most the first thousand.
    pub tracks: Vec<String>,
    /// How many tracks or lines are concerned.
    pub n_concerned: usize,
    /// The file concerned.
    pub file: Option<PathBuf>,
    /// The line in it, from 1.
    pub line: Option<u64>,
    /// What was found, in words.
    pub message: String,
    /// What the user can do about it, in words; empty where there is nothing to do.
    pub mend: String,
}
