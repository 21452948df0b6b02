//! What counts of all that was decided: a fold of the journal's lines, with everything that can be taken back.

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

    /// Tracks of which something was said as a whole.
    pub fn n_decided(&self) -> usize {
        let marks = self.marks.values();
        marks.filter(|mark| mark.verdict.is_some()).count()
    }

    /// The step that undoing takes back.
    pub fn last_done(&self) -> Option<&Step> {
        self.done.last()
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
