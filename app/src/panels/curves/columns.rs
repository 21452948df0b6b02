//! Values reduced to columns of pixels, kept until the run has grown or the view has moved.

use super::chart::{Score, Source};
use crate::workbench::parts::runs::RunView;
use attune_core::run::Column;
use std::collections::HashMap;
use std::ops::Range;
use std::path::PathBuf;

#[derive(Clone, Copy, Debug, PartialEq)]
struct Key {
    revision: u64,
    start: f64,
    end: f64,
    n_columns: usize,
}

/// The reduced values of all traces in view.
#[derive(Debug, Default)]
pub(super) struct Columns {
    kept: HashMap<(PathBuf, Source), (Key, Vec<Column>)>,
}

impl Columns {
    /// The values of `source` within `steps`, at most one pair of extremes per column.
    pub(super) fn of(
        &mut self,
        run: &RunView,
        source: Source,
        steps: &Range<f64>,
        n_columns: usize,
    ) -> &[Column] {
        let key = Key {
            revision: run.revision,
            start: steps.start,
            end: steps.end,
            n_columns,
        };
        let (kept_for, columns) = self
            .kept
            .entry((run.folder.clone(), source))
            .or_insert_with(|| {
                (
                    Key {
                        n_columns: 0,
                        ..key
                    },
                    Vec::new(),
                )
            });
        if *kept_for != key {
            *kept_for = key;
            *columns = reduce(run, source, steps, n_columns);
        }
        columns
    }

    /// Forgets runs that are shown no more.
    pub(super) fn keep_only(&mut self, runs: &[std::sync::Arc<RunView>]) {
        self.kept
            .retain(|(folder, _), _| runs.iter().any(|run| run.folder == *folder));
    }
}

/// The values of `source` within `steps` and just outside, at most one pair of extremes per column.
pub(super) fn reduce(
    run: &RunView,
    source: Source,
    steps: &Range<f64>,
    n_columns: usize,
) -> Vec<Column> {
    // One step more on either side, so that lines run out of the picture instead of ending in it.
    let width = (steps.end - steps.start) / n_columns.max(1) as f64;
    let wide = steps.start - width.max(1.0)..steps.end + width.max(1.0);
    match source {
        Source::Step(scalar) => run.series(scalar).min_max(wide, n_columns + 2),
        Source::SmoothedLoss => run.smoothed_loss.min_max(wide, n_columns + 2),
        Source::Validated(score) => {
            let points = run.validations.iter().filter_map(|validation| {
                Some(column(validation.step as f64, score.of(validation)?))
            });
            merge(points, width)
        }
        Source::Teacher(score) => of_teacher(run, score).map_or_else(Vec::new, |value| {
            // The ends of the view too, so that the line counts for the range of values.
            let xs = [wide.start, steps.start, steps.end, wide.end];
            xs.map(|x| column(x, value)).to_vec()
        }),
    }
}

fn column(x: f64, value: f64) -> Column {
    Column {
        x,
        min: value as f32,
        max: value as f32,
    }
}

fn of_teacher(run: &RunView, score: Score) -> Option<f64> {
    let (loss, scores) = run.teacher_scored.as_ref()?;
    score.among(*loss, scores)
}

/// Joins what lies within one column. Keeps what lies outside the view, so that lines enter from there.
fn merge(points: impl Iterator<Item = Column>, width: f64) -> Vec<Column> {
    let mut columns: Vec<Column> = Vec::new();
    for point in points {
        match columns.last_mut() {
            Some(last) if point.x - last.x < width => {
                last.min = last.min.min(point.min);
                last.max = last.max.max(point.max);
            }
            _ => columns.push(point),
        }
    }
    columns
}

/// The value at `step`, or at the last one before it that has any.
pub(super) fn value_at(run: &RunView, source: Source, step: u64) -> Option<f64> {
    match source {
        Source::Step(scalar) => run
            .series(scalar)
            .at(step)
            .map(|(_, value)| f64::from(value)),
        Source::SmoothedLoss => run
            .smoothed_loss
            .at(step)
            .map(|(_, value)| f64::from(value)),
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
        let columns = merge(
            points.into_iter().map(|(x, value)| Column {
                x,
                min: value,
                max: value,
            }),
            1.0,
        );
        let found: Vec<_> = columns.iter().map(|c| (c.x, c.min, c.max)).collect();
        assert_eq!(found, [(0.0, 1.0, 5.0), (2.0, 2.0, 2.0)]);
    }
}
