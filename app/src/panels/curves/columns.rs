//! Values reduced to columns of pixels, kept until the run has grown or the view has left them.
//!
//! Columns lie on a grid whose step is a power of two, and reach beyond the view on both sides: they serve for many frames of moving and zooming.
//! When a view wants other columns, only as many curves are reduced anew in a frame as there is time for; the others are drawn by what they have,
//! if need be not up to the edges, until it is their turn a few frames later.

use super::chart::{Score, Source};
use super::horizontal::Horizontal;
use crate::workbench::parts::runs::RunView;
use attune_core::run::{Column, Series};
use std::collections::HashMap;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// So many curves are reduced anew in any frame, however slow the machine is: all get their turn.
const REDUCED_AT_LEAST: usize = 8;
/// More than these, as long as no more time than this was spent on it in a frame, if they can still be drawn by what they have …
const FOR_WHAT_CAN_WAIT: Duration = Duration::from_micros(800);
/// … and as this if they cannot.
const FOR_WHAT_IS_DUE: Duration = Duration::from_micros(1500);
/// Columns that are so many times too wide or too narrow can still be drawn for a moment.
const STILL_GOOD: f64 = 4.0;
/// How far columns reach beyond the view on either side, in views.
const BEYOND: f64 = 0.5;

/// What is in view, in how many columns.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct View {
    pub(super) x: Horizontal,
    /// In positions.
    pub(super) start: f64,
    pub(super) end: f64,
    pub(super) n_columns: usize,
}

impl View {
    /// The columns that are within the view, and one more on either side, so that lines run out of the picture instead of ending in it.
    pub(super) fn cut<'a, T>(&self, columns: &'a [T], x: impl Fn(&T) -> f64) -> &'a [T] {
        &columns[self.range_of(columns, x)]
    }

    fn range_of<T>(&self, columns: &[T], x: impl Fn(&T) -> f64) -> Range<usize> {
        let from = columns.partition_point(|column| x(column) < self.start);
        let to = columns.partition_point(|column| x(column) <= self.end);
        from.saturating_sub(1)..(to + 1).min(columns.len())
    }

    /// Step of the grid, so that at most `n_columns` lie in view.
    fn grid_step(&self) -> f64 {
        let widest = (self.end - self.start) / self.n_columns.max(1) as f64;
        if widest > 0.0 && widest.is_finite() {
            2f64.powi(widest.log2().ceil() as i32)
        } else {
            1.0
        }
    }
}

/// A stretch of the horizontal axis in equal columns.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Grid {
    x: Horizontal,
    /// Width of a column, in positions.
    step: f64,
    /// Where the first begins, in columns from 0.
    first: f64,
    n_columns: usize,
}

impl Grid {
    fn of(view: &View) -> Self {
        let step = view.grid_step();
        let beyond = BEYOND * (view.end - view.start);
        let first = ((view.start - beyond) / step).floor();
        let end = ((view.end + beyond) / step).ceil();
        Self {
            x: view.x,
            step,
            first,
            n_columns: (end - first).max(1.0) as usize,
        }
    }

    fn start(&self) -> f64 {
        self.first * self.step
    }

    fn end(&self) -> f64 {
        (self.first + self.n_columns as f64) * self.step
    }

    fn covers(&self, view: &View) -> bool {
        self.x == view.x
            && self.start() <= view.start - self.step
            && self.end() >= view.end + self.step
    }

    /// Whether it is the one that a view wants, as far as the view goes.
    fn suits(&self, view: &View) -> bool {
        self.covers(view) && self.step == view.grid_step()
    }

    /// Whether it can be drawn for a moment.
    fn is_still_good(&self, view: &View) -> bool {
        let times = self.step / view.grid_step();
        self.covers(view) && (1.0 / STILL_GOOD..=STILL_GOOD).contains(&times)
    }
}

/// The columns of a trace.
#[derive(Debug)]
struct Kept {
    revision: u64,
    grid: Grid,
    /// Others have another number.
    number: u64,
    columns: Arc<[Column]>,
}

/// The columns of a curve, as far as they are known.
#[derive(Clone, Debug)]
pub(super) struct Known {
    /// Other columns have another number.
    pub(super) number: u64,
    all: Arc<[Column]>,
    shown: Range<usize>,
}

impl Known {
    /// All columns of a curve, of which a view shows some.
    pub(super) fn of(number: u64, all: Arc<[Column]>, view: &View) -> Self {
        Self {
            number,
            shown: view.range_of(&all, |column| column.x),
            all,
        }
    }

    /// Of a curve that has not been reduced yet.
    fn nothing() -> Self {
        Self {
            number: 0,
            all: Arc::new([]),
            shown: 0..0,
        }
    }

    /// Within the view and just outside.
    pub(super) fn shown(&self) -> &[Column] {
        &self.all[self.shown.clone()]
    }

    /// Within the view and far around it.
    pub(super) fn all(&self) -> &[Column] {
        &self.all
    }
}

/// The reduced values of all traces in view. Their `x` is a position.
#[derive(Debug, Default)]
pub(super) struct Columns {
    kept: HashMap<PathBuf, HashMap<Source, Kept>>,
    /// How many curves were reduced in this frame, and how long it took.
    n_in_frame: usize,
    spent: Duration,
    is_late: bool,
    n_reduced: u64,
}

/// How badly a curve needs other columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Need {
    None,
    CanWait,
    Due,
}

impl Columns {
    /// Begins a frame, and forgets runs that are shown no more.
    pub(super) fn begin_frame(&mut self, runs: &[Arc<RunView>]) {
        self.n_in_frame = 0;
        self.spent = Duration::ZERO;
        self.is_late = false;
        if self.kept.len() > runs.len() {
            self.kept
                .retain(|folder, _| runs.iter().any(|run| run.folder == *folder));
        }
    }

    /// Whether something was drawn by columns that are to be made anew: another frame is due.
    pub(super) fn is_late(&self) -> bool {
        self.is_late
    }

    /// The values of `source` over the view and around it, at most one pair of extremes per column.
    pub(super) fn of(&mut self, run: &RunView, source: Source, view: &View) -> Known {
        let need = self.need(run, source, view);
        if self.has_time_for(need) {
            self.reduce(run, source, view);
        }
        self.known(run, source, view)
    }

    /// The same of several runs whose columns are used together: all are reduced anew in the same frame, or none is.
    pub(super) fn of_all(
        &mut self,
        runs: &[&Arc<RunView>],
        source: Source,
        view: &View,
    ) -> Vec<Known> {
        let needs = runs.iter().map(|run| self.need(run, source, view));
        let needs: Vec<Need> = needs.collect();
        let worst = needs.iter().copied().max_by_key(|need| *need as u8);
        if self.has_time_for(worst.unwrap_or(Need::None)) {
            for (run, need) in runs.iter().zip(&needs) {
                if *need != Need::None {
                    self.reduce(run, source, view);
                }
            }
        }
        let known = runs.iter().map(|run| self.known(run, source, view));
        known.collect()
    }

    /// Counts what is made of columns as time spent on them.
    pub(super) fn spend<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let begun = Instant::now();
        let made = work();
        self.spent += begun.elapsed();
        made
    }

    fn need(&self, run: &RunView, source: Source, view: &View) -> Need {
        let of_run = self.kept.get(&run.folder);
        match of_run.and_then(|of_run| of_run.get(&source)) {
            Some(kept) if kept.revision == run.revision && kept.grid.suits(view) => Need::None,
            Some(kept) if kept.grid.is_still_good(view) => Need::CanWait,
            _ => Need::Due,
        }
    }

    /// Whether it is to be reduced in this frame; what has no time is late.
    fn has_time_for(&mut self, need: Need) -> bool {
        let most = match need {
            Need::None => return false,
            Need::CanWait => FOR_WHAT_CAN_WAIT,
            Need::Due => FOR_WHAT_IS_DUE,
        };
        let has_time = self.n_in_frame < REDUCED_AT_LEAST || self.spent < most;
        self.is_late |= !has_time;
        has_time
    }

    fn reduce(&mut self, run: &RunView, source: Source, view: &View) {
        self.n_in_frame += 1;
        self.n_reduced += 1;
        let grid = Grid::of(view);
        let columns = self.spend(|| reduced(run, source, &grid).into());
        let kept = Kept {
            revision: run.revision,
            grid,
            number: self.n_reduced,
            columns,
        };
        if !self.kept.contains_key(&run.folder) {
            self.kept.insert(run.folder.clone(), HashMap::new());
        }
        if let Some(of_run) = self.kept.get_mut(&run.folder) {
            of_run.insert(source, kept);
        }
    }

    fn known(&self, run: &RunView, source: Source, view: &View) -> Known {
        let of_run = self.kept.get(&run.folder);
        let kept = of_run.and_then(|of_run| of_run.get(&source));
        // Places on another axis are no places on this one.
        let Some(kept) = kept.filter(|kept| kept.grid.x == view.x) else {
            return Known::nothing();
        };
        Known::of(kept.number, Arc::clone(&kept.columns), view)
    }
}

/// The values of `source` within the view and just outside, at most one pair of extremes per column, for print.
pub(super) fn reduce(run: &RunView, source: Source, view: &View) -> Vec<Column> {
    let step = (view.end - view.start) / view.n_columns.max(1) as f64;
    let grid = Grid {
        x: view.x,
        step,
        first: view.start / step - 1.0,
        n_columns: view.n_columns + 2,
    };
    let mut columns = reduced(run, source, &grid);
    if matches!(source, Source::Teacher(_))
        && let [first, .., last] = &mut columns[..]
    {
        (first.x, last.x) = (view.start, view.end);
    }
    columns
}

fn reduced(run: &RunView, source: Source, grid: &Grid) -> Vec<Column> {
    match source {
        Source::Step(scalar) => of_series(run, run.series(scalar), grid),
        Source::SmoothedLoss => of_series(run, &run.smoothed_loss, grid),
        Source::Validated(score) => {
            let points = run.validations.iter().filter_map(|validation| {
                let value = score.of(validation)?;
                let x = grid.x.position(run, validation.step as f64);
                Some(Column::single(x, value as f32))
            });
            merge(points, grid.step)
        }
        Source::Teacher(score) => of_teacher(run, score).map_or_else(Vec::new, |value| {
            // A point a column, so that the line counts for the range of values wherever the view is.
            let xs = (0..=grid.n_columns).map(|at| grid.start() + grid.step * at as f64);
            xs.map(|x| Column::single(x, value as f32)).collect()
        }),
    }
}

fn of_series(run: &RunView, series: &Series, grid: &Grid) -> Vec<Column> {
    let edges: Vec<f64> = (0..=grid.n_columns)
        .map(|column| grid.x.step(run, grid.start() + grid.step * column as f64))
        .collect();
    let mut columns = series.min_max_between(&edges);
    for column in &mut columns {
        column.x = grid.x.position(run, column.x);
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

    fn view(start: f64, end: f64) -> View {
        View {
            x: Horizontal::default(),
            start,
            end,
            n_columns: 100,
        }
    }

    #[test]
    fn columns_serve_while_the_view_stays_within_them_and_are_never_more_than_asked_for() {
        let first = view(1000.0, 2000.0);
        let grid = Grid::of(&first);
        assert_eq!(grid.step, 16.0, "the next power of two after ten");
        assert!(grid.suits(&first));
        assert!(grid.suits(&view(1200.0, 2200.0)), "moved a little");
        assert!(grid.suits(&view(1050.0, 1950.0)), "zoomed a little");
        assert!(!grid.covers(&view(1800.0, 2800.0)), "moved out of them");
        let closer = view(1400.0, 1600.0);
        assert!(!grid.suits(&closer) && !grid.is_still_good(&closer));
        let near = view(1250.0, 1650.0);
        assert!(!grid.suits(&near) && grid.is_still_good(&near));
    }

    #[test]
    fn a_line_runs_out_of_the_view_on_both_sides() {
        let places = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0];
        let cut = |start, end| view(start, end).cut(&places, |place| *place).to_vec();
        assert_eq!(cut(1.5, 3.5), [1.0, 2.0, 3.0, 4.0]);
        assert_eq!(cut(-3.0, 0.5), [0.0, 1.0]);
        assert_eq!(cut(2.2, 2.4), [2.0, 3.0]);
        assert_eq!(cut(6.0, 9.0), [5.0]);
    }

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
