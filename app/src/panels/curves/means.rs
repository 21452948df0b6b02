//! Curves of several runs put together: their mean, and how far they lie apart.

use super::chart::Source;
use super::columns::{Columns, View};
use crate::workbench::parts::runs::RunView;
use attune_core::run::{MeanPoint, mean_curve};
use std::collections::HashMap;
use std::sync::Arc;

/// The mean curves in view, kept until a run has grown or the view has moved.
#[derive(Debug, Default)]
pub(super) struct Means {
    kept: HashMap<(String, Source), (Key, Vec<MeanPoint>)>,
}

/// What a mean curve was computed from: the numbers of its members' columns.
type Key = Vec<u64>;

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
        let known = columns.of_all(members, source, view);
        let key: Key = known.iter().map(|known| known.number).collect();
        let (kept_for, points) = self.kept.entry((name.to_owned(), source)).or_default();
        if *kept_for != key {
            *kept_for = key;
            *points = columns.spend(|| {
                let curves = known.iter().map(|known| {
                    let points = known.all().iter();
                    points
                        .map(|column| [column.x, f64::from(column.mean)])
                        .collect()
                });
                let curves: Vec<Vec<[f64; 2]>> = curves.collect();
                // The columns reach beyond the view.
                mean_curve(&curves, 2 * view.n_columns)
            });
        }
        view.cut(points, |point| point.x)
    }

    /// Forgets groups that are shown no more.
    pub(super) fn keep_only(&mut self, names: &[&str]) {
        self.kept
            .retain(|(name, _), _| names.contains(&name.as_str()));
    }
}
