//! A run, or several compared, as one web page: everything in one file, nothing fetched, with what the models said of some test tracks and
//! the tracks to listen to.
//!
//! ```text
//! run folders ──► data (what the page says, as JSON) ──► page (HTML + page.css + page.js + data in one file)
//! ```
//!
//! Nothing of a run becomes markup: names, notes and tags travel as JSON, which the script puts into the page as text. The page's policy
//! forbids it to load anything and to run any script but its own.

mod compared;
mod curves;
mod data;
mod examples;
mod page;

pub use data::{Answer, Clip, Curve, Differences, Examples, Page, RunPart, Told};

use crate::job::{Cancelled, Job};
use crate::run::{self, History};
use crate::workspace::write_whole;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// What can go wrong with a report.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No run was named.
    #[error("a report needs a run")]
    NoRun,
    /// A run cannot be read.
    #[error("the run cannot be read")]
    Run(#[from] run::Error),
    /// What the page says cannot be put into it.
    #[error("the page's data cannot be written as JSON")]
    Data(#[from] serde_json::Error),
    /// The operating system refused.
    #[error("{}", path.display())]
    Io {
        /// The file or folder concerned.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The user stopped it.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

/// What goes into a page.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// Its heading; empty: the runs' names.
    pub title: String,
    /// So many test tracks at most, half with the best answers, half with the worst, of several runs some on which they differ most; 0: none.
    pub n_clips: usize,
    /// So much of each, from its middle, in seconds.
    pub clip_secs: f64,
    /// Points of a curve at most; of what becomes one point, lowest, mean and highest are kept.
    pub n_points: usize,
}

impl Default for Options {
    /// Eight clips of eight seconds, curves of 600 points.
    fn default() -> Self {
        Self {
            title: String::new(),
            n_clips: 8,
            clip_secs: 8.0,
            n_points: 600,
        }
    }
}

/// Reads the runs in these folders and writes the page, whole or not at all. Gives what it says.
///
/// What a run does not have (a test split, its data set) the page says in words. Fails if a run cannot be read or the file not be written.
pub fn write(path: &Path, runs: &[PathBuf], options: &Options, job: &Job) -> Result<Page, Error> {
    let page = gather(runs, options, job)?;
    let html = page::html(&page)?;
    write_whole(path, |file| file.write_all(html.as_bytes())).map_err(|source| Error::Io {
        path: path.to_owned(),
        source,
    })?;
    Ok(page)
}

/// What a page of these runs says.
pub fn gather(runs: &[PathBuf], options: &Options, job: &Job) -> Result<Page, Error> {
    if runs.is_empty() {
        return Err(Error::NoRun);
    }
    let mut histories = Vec::new();
    for (n_done, folder) in runs.iter().enumerate() {
        job.check()?;
        job.report(n_done as u64, runs.len() as u64, "reading the runs");
        histories.push(History::open(folder)?);
    }
    let mut parts = Vec::new();
    for history in &histories {
        parts.push(data::run_part(history, options.n_points)?);
    }
    let predictions = compared::predictions(&histories, &mut parts);
    let differences = compared::differences(&parts, &predictions, job)?;
    let examples = examples::examples(&histories, &predictions, options, job)?;
    Ok(data::page(options, parts, differences, examples))
}
