//! Curves of several runs put together: their mean, and how far they lie apart.

use super::chart::Source;
use super::columns::{Columns, View};
use crate::workbench::parts::runs::RunView;
use attune_core::run::{MeanPoint, mean_curve};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

/// The mean curves in view, kept until a run has grown or the view has moved.
#[derive(Debug, Default)]
pub(super) struct Means {
    kept: HashMap<(String, Source), (Key, Vec<MeanPoint>)>,
}

/// What a mean curve was computed from.
#[derive(Clone, Debug, PartialEq)]
struct Key {
    runs: Vec<(PathBuf, u64)>,
    view: View,
}

impl Means {
    /// The mean of `source` over these runs within the view; `name` tells groups apart. Places are positions.
    pub(super) fn of(
        &mut self,
        name: &str,
        members: &[&Arc<RunView>],
        source: Source,
        view: &View,
        columns: &mut Columns,
    ) -> &[MeanPoint] {
        let key = Key {
            runs: members
                .iter()
                .map(|run| (run.folder.clone(), run.revision))
                .collect(),
            view: *view,
        };
        let (kept_for, points) = self
            .kept
            .entry((name.to_owned(), source))
            .or_insert_with(|| {
                let none = Key {
                    runs: Vec::new(),
                    view: *view,
                };
                (none, Vec::new())
            });
        if *kept_for != key {
            *kept_for = key;
            let curves: Vec<Vec<[f64; 2]>> = members
                .iter()
                .map(|run| {
                    let columns = columns.of(run, source, view).iter();
                    columns
                        .map(|column| [column.x, f64::from(column.mean)])
                        .collect()
                })
                .collect();
            *points = mean_curve(&curves, view.n_columns);
        }
        points
    }

    /// Forgets groups that are shown no more.
    pub(super) fn keep_only(&mut self, names: &[&str]) {
        self.kept
            .retain(|(name, _), _| names.contains(&name.as_str()));
    }
}
