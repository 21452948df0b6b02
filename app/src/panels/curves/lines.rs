//! What is drawn as one curve: a run, or several that are put together.

use crate::workbench::parts::runs::{self, RunView};
use attune_core::run::{Grouping, RunSummary};
use std::path::PathBuf;
use std::sync::Arc;

/// One run, or several.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Line {
    /// The run's id, or what tells the group from the others.
    pub(super) label: String,
    /// Places among the shown runs; never empty.
    pub(super) members: Vec<usize>,
}

/// The lines of the shown runs, kept while these, their settings and the grouping are the same.
#[derive(Debug, Default)]
pub(super) struct Lines {
    key: Option<(Option<u64>, Vec<PathBuf>, Grouping)>,
    lines: Vec<Line>,
}

impl Lines {
    pub(super) fn of(
        &mut self,
        shown: &[Arc<RunView>],
        runs: &runs::State,
        grouping: &Grouping,
    ) -> Vec<Line> {
        let folders = shown.iter().map(|run| run.folder.clone()).collect();
        let key = Some((runs.reading(), folders, grouping.clone()));
        if self.key != key {
            self.key = key;
            self.lines = lines(shown, runs.list().unwrap_or_default(), grouping);
        }
        self.lines.clone()
    }
}

fn lines(shown: &[Arc<RunView>], list: &[RunSummary], grouping: &Grouping) -> Vec<Line> {
    let summaries: Vec<&RunSummary> = shown
        .iter()
        .filter_map(|run| list.iter().find(|summary| summary.folder == run.folder))
        .collect();
    // What is not listed yet has no settings to go by.
    if *grouping == Grouping::Single || summaries.len() < shown.len() {
        let single = |(idx, run): (usize, &Arc<RunView>)| Line {
            label: run.id.clone(),
            members: vec![idx],
        };
        return shown.iter().enumerate().map(single).collect();
    }
    let groups = grouping.of(&summaries).into_iter();
    groups
        .map(|group| Line {
            label: group.label,
            members: group.members,
        })
        .collect()
}
