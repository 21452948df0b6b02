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
    let single = |idx: usize| Line {
        label: shown[idx].id.clone(),
        members: vec![idx],
    };
    if *grouping == Grouping::Single {
        return (0..shown.len()).map(single).collect();
    }
    // What is not listed (yet, or because it lies elsewhere) has no settings to go by.
    let summary = |run: &RunView| list.iter().find(|summary| summary.folder == run.folder);
    let listed: Vec<(usize, &RunSummary)> = shown
        .iter()
        .enumerate()
        .filter_map(|(idx, run)| Some((idx, summary(run)?)))
        .collect();
    let summaries: Vec<&RunSummary> = listed.iter().map(|(_, summary)| *summary).collect();
    let groups = grouping.of(&summaries).into_iter();
    let groups = groups.map(|group| Line {
        label: group.label,
        members: group.members.iter().map(|at| listed[*at].0).collect(),
    });
    let others = (0..shown.len()).filter(|idx| listed.iter().all(|(other, _)| other != idx));
    groups.chain(others.map(single)).collect()
}
