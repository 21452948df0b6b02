//! What ends a run, and how it was extended: asked, after it had begun, for more than its recipe.
//!
//! `run.toml` keeps the recipe with which the run began. What was asked of it since stands in the log, with its moment: the last one counts.

use super::{Event, Record, lines};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::io;
use std::path::Path;

/// What ends a run if nothing else does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Ends {
    /// It ends after so many epochs; 0 where an old log does not tell.
    pub epochs: u32,
    /// It ends after so many epochs without a lower validation loss; `None`: it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patience_epochs: Option<u32>,
    /// It ends after so many minutes of training; `None`: it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_minutes: Option<f64>,
}

/// A run is asked for more than before.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Extension {
    /// What ends it from now on.
    #[serde(flatten)]
    pub ends: Ends,
    /// If the patience was used up: the epoch from which it counts anew, unless a better one comes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits_from: Option<u32>,
}

/// `at most 60 epochs, patience 20 epochs, at most 30 minutes`.
impl fmt::Display for Ends {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at most {} epochs", self.epochs)?;
        if let Some(patience) = self.patience_epochs {
            write!(f, ", patience {patience} epochs")?;
        }
        if let Some(minutes) = self.max_minutes {
            write!(f, ", at most {minutes} minutes")?;
        }
        Ok(())
    }
}

/// How the run in a folder was extended, in the order of the log. Reads the events and no scalars.
///
/// Fails if they cannot be read.
pub fn extensions(run_folder: &Path) -> io::Result<Vec<Extension>> {
    let appended = lines::Reader::default().read::<Record>(&run_folder.join(lines::FILE))?;
    let records = appended.unwrap_or_default().values.into_iter();
    Ok(records
        .filter_map(|record| match record.event {
            Event::Extended(extension) => Some(extension),
            _ => None,
        })
        .collect())
}
