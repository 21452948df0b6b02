//! Where a run stands, as its events tell.

use super::Event;
use serde::{Deserialize, Serialize};

/// Where a run stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// A writer is at work.
    #[default]
    Running,
    /// A writer waits to go on.
    Paused,
    /// All epochs are done.
    Finished,
    /// The user ended it.
    Stopped,
    /// It stopped getting better.
    EarlyStopped,
    /// It could not go on.
    Failed,
    /// Its writer went away without a word (killed, power cut). It can be resumed.
    Interrupted,
}

impl Status {
    /// In words, for tables.
    pub fn label(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Finished => "finished",
            Self::Stopped => "stopped",
            Self::EarlyStopped => "early stop",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
        }
    }

    /// Whether it is so only while somebody writes the run.
    pub(super) fn needs_writer(self) -> bool {
        matches!(self, Self::Running | Self::Paused)
    }

    /// Where the run stands after an event.
    pub(super) fn after(self, event: &Event) -> Self {
        match event {
            Event::Started { .. } | Event::Resumed { .. } | Event::Continued => Self::Running,
            Event::Paused => Self::Paused,
            Event::Stopped => Self::Stopped,
            Event::EarlyStopped { .. } => Self::EarlyStopped,
            Event::Finished => Self::Finished,
            Event::Failed { .. } => Self::Failed,
            _ => self,
        }
    }
}
