//! Values reduced to columns of pixels, kept until the run has grown or the view has moved.

use super::chart::{Score, Source};
use super::horizontal::Horizontal;
use crate::workbench::parts::runs::RunView;
use attune_core::run::{Column, Series};
use std::collections::HashMap;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

/// What is in view, in how many columns.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct View {
    pub(super) x: Horizontal,
    /// In positions.
    pub(super) start: f64,
    pub(super) end: f64,
    pub(super) n_columns: usize,
}

/// The reduced values of all traces in view. Their `x` is a position.
#[derive(Debug, Default)]
pub(super) struct Columns {
    kept: HashMap<(PathBuf, Source), (u64, View, Vec<Column>)>,
}

impl Columns {
    /// The values of `source` within the view, at most one pair of extremes per column.
    pub(super) fn of(&mut self, run: &RunView, source: Source, view: &View) -> &[Column] {
        let (revision, kept_for, columns) = self
            .kept
            .entry((run.folder.clone(), source))
            .or_insert_with(|| {
                let none = View {
                    n_columns: 0,
                    ..*view
                };
                (run.revision, none, Vec::new())
            });
        if *revision != run.revision || kept_for != view {
            (*revision, *kept_for) = (run.revision, *view);
            *columns = reduce(run, source, view);
        }
        columns
    }

    /// Forgets runs that are shown no more.
    pub(super) fn keep_only(&mut self, runs: &[Arc<RunView>]) {
        self.kept
            .retain(|(folder, _), _| runs.iter().any(|run| run.folder == *folder));
    }
}

/// The values of `source` within the view and just outside, at most one pair of extremes per column.
pub(super) fn reduce(run: &RunView, source: Source, view: &View) -> Vec<Column> {
    // A column more on either side, so that lines run out of the picture instead of ending in it.
    let width = (view.end - view.start) / view.n_columns.max(1) as f64;
    let wide = view.start - width..view.end + width;
    let position = |step: f64| view.x.position(run, step);
    match source {
        Source::Step(scalar) => of_series(run, run.series(scalar), view, &wide),
        Source::SmoothedLoss => of_series(run, &run.smoothed_loss, view, &wide),
        Source::Validated(score) => {
            let points = run.validations.iter().filter_map(|validation| {
                let value = score.of(validation)?;
                Some(Column::single(
                    position(validation.step as f64),
                    value as f32,
                ))
            });
            merge(points, width)
        }
        Source::Teacher(score) => of_teacher(run, score).map_or_else(Vec::new, |value| {
            // The ends of the view too, so that the line counts for the range of values.
            let xs = [wide.start, view.start, view.end, wide.end];
            xs.map(|x| Column::single(x, value as f32)).to_vec()
        }),
    }
}

fn of_series(run: &RunView, series: &Series, view: &View, wide: &Range<f64>) -> Vec<Column> {
    let n = view.n_columns + 2;
    let width = (wide.end - wide.start) / n as f64;
    let edges: Vec<f64> = (0..=n)
        .map(|column| view.x.step(run, wide.start + width * column as f64))
        .collect();
    let mut columns = series.min_max_between(&edges);
    for column in &mut columns {
        column.x = view.x.position(run, column.x);
    }
    columns
}

fn of_teacher(run: &RunView, score: Score) -> Option<f64> {
    let (loss, scores) = run.teacher_scored.as_ref()?;
    score.among(*loss, scores)
}

/// Joins what lies within one column. Keeps what lies outside the view, so that lines enter from there.
fn merge(points: impl Iterator<Item = Column>, width: f64) -> Vec<Column> {
    let mut columns: Vec<Column> = Vec::new();
    let mut n_joined = 1.0;
    for point in points {
        match columns.last_mut() {
            Some(last) if point.x - last.x < width => {
                last.min = last.min.min(point.min);
                last.max = last.max.max(point.max);
                n_joined += 1.0;
                last.mean += (point.mean - last.mean) / n_joined;
            }
            _ => {
                n_joined = 1.0;
                columns.push(point);
            }
        }
    }
    columns
}

/// The value at `step`, or at the last one before it that has any.
pub(super) fn value_at(run: &RunView, source: Source, step: u64) -> Option<f64> {
    let of_series = |series: &Series| series.at(step).map(|(_, value)| f64::from(value));
    match source {
        Source::Step(scalar) => of_series(run.series(scalar)),
        Source::SmoothedLoss => of_series(&run.smoothed_loss),
        Source::Validated(score) => run
            .validations
            .iter()
            .take_while(|validation| validation.step <= step)
            .filter_map(|validation| score.of(validation))
            .last(),
        Source::Teacher(score) => of_teacher(run, score),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn validations_that_share_a_column_of_pixels_become_one_and_keep_their_extremes() {
        let points = [(0.0, 1.0), (0.4, 5.0), (0.9, 3.0), (2.0, 2.0)];
        let points = points
            .into_iter()
            .map(|(x, value)| Column::single(x, value));
        let found: Vec<_> = merge(points, 1.0)
            .iter()
            .map(|c| (c.x, c.min, c.max, c.mean))
            .collect();
        assert_eq!(found, [(0.0, 1.0, 5.0, 3.0), (2.0, 2.0, 2.0, 2.0)]);
    }
}
