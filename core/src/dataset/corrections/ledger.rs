//! What counts of all that was decided: a fold of the journal's lines, with everything that can be taken back.

use crate::dataset::Error;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

/// What somebody thinks of a track's tags.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// The tags of the mark are right.
    Accepted,
    /// The track is of no use: it is left out of what is exported.
    Rejected,
    /// Cannot be told by ear: the data set's labels stay.
    Unsure,
}

impl Verdict {
    /// The word in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
            Self::Unsure => "unsure",
        }
    }
}

/// What was decided about a track.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// Its tags by name, all of them.
    pub tags: Vec<String>,
    /// `None`: tags were changed, and nothing said of the track as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
}

/// A line of the journal.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Line {
    at_unix_ms: u64,
    #[serde(flatten)]
    what: What,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "do")]
enum What {
    Mark {
        track: String,
        #[serde(flatten)]
        mark: Mark,
    },
    Undo,
    Redo,
}

impl Line {
    fn now(what: What) -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        Self {
            at_unix_ms: since.map_or(0, |since| since.as_millis() as u64),
            what,
        }
    }

    pub(super) fn mark(track: &str, mark: Mark) -> Self {
        let track = track.to_owned();
        Self::now(What::Mark { track, mark })
    }

    pub(super) fn undo() -> Self {
        Self::now(What::Undo)
    }

    pub(super) fn redo() -> Self {
        Self::now(What::Redo)
    }

    /// When it was decided, in milliseconds since 1970.
    pub(super) fn at_unix_ms(&self) -> u64 {
        self.at_unix_ms
    }

    /// As it stands in the file.
    pub(super) fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        let mut bytes = serde_json::to_vec(self)
            .map_err(|error| Error::BadConfig(format!("a decision cannot be written: {error}")))?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// The marks of a journal that are not taken back.
    pub(super) fn that_count(lines: Vec<Self>) -> Vec<Self> {
        let (mut done, mut undone) = (Vec::new(), Vec::new());
        for line in lines {
            match line.what {
                What::Mark { .. } => {
                    undone.clear();
                    done.push(line);
                }
                What::Undo => undone.extend(done.pop()),
                What::Redo => done.extend(undone.pop()),
            }
        }
        done
    }
}

/// One step: what was known of a track before and after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The track.
    pub track: String,
    /// `None`: nothing had been decided.
    pub before: Option<Mark>,
    /// What was decided.
    pub after: Mark,
}

/// What counts now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    marks: BTreeMap<String, Mark>,
    done: Vec<Step>,
    undone: Vec<Step>,
}

impl Ledger {
    /// What was decided about a track.
    pub fn mark(&self, track: &str) -> Option<&Mark> {
        self.marks.get(track)
    }

    /// All that was decided, by track.
    pub fn marks(&self) -> impl Iterator<Item = (&str, &Mark)> {
        self.marks
            .iter()
            .map(|(track, mark)| (track.as_str(), mark))
    }

    /// The step that undoing takes back.
    pub fn last_done(&self) -> Option<&Step> {
        self.done.last()
    }

    /// Tracks of which something was said as a whole, of those that `is_here` has: other splits may have others.
    pub fn n_decided(&self, is_here: impl Fn(&str) -> bool) -> usize {
        let marks = self.marks.iter();
        marks
            .filter(|(track, mark)| mark.verdict.is_some() && is_here(track))
            .count()
    }

    /// The step that would be done again.
    pub fn last_undone(&self) -> Option<&Step> {
        self.undone.last()
    }

    pub(super) fn apply(&mut self, line: Line) {
        match line.what {
            What::Mark { track, mark } => {
                let before = self.marks.insert(track.clone(), mark.clone());
                self.undone.clear();
                self.done.push(Step {
                    track,
                    before,
                    after: mark,
                });
            }
            // Nobody writes these where there is nothing to take back.
            What::Undo => {
                if let Some(step) = self.done.pop() {
                    match &step.before {
                        Some(mark) => drop(self.marks.insert(step.track.clone(), mark.clone())),
                        None => drop(self.marks.remove(&step.track)),
                    }
                    self.undone.push(step);
                }
            }
            What::Redo => {
                if let Some(step) = self.undone.pop() {
                    self.marks.insert(step.track.clone(), step.after.clone());
                    self.done.push(step);
                }
            }
        }
    }
}
