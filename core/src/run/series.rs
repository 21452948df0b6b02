//! One measure over the steps, with a pyramid of extremes for drawing.
//!
//! Values stand in chunks of 4,096. Each chunk keeps the extremes of its groups of 16, of 256 and of all its values, so that
//! the extremes of any stretch cost a few dozen comparisons and one per whole chunk. Chunks are shared between clones:
//! a reader thread appends to its own series and hands clones to the window, and only the last chunk is copied.

mod steps;

use std::ops::Range;
use std::sync::Arc;
use steps::Steps;

const CHUNK: usize = 4096;
const FAN_OUT: usize = 16;

/// The extremes of the values that fall into one column of pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Column {
    /// Step in the middle of the column, or of the value where it is alone in its column.
    pub x: f64,
    /// Smallest value.
    pub min: f32,
    /// Greatest value.
    pub max: f32,
    /// Mean of all values.
    pub mean: f32,
}

impl Column {
    /// A value alone in its column.
    pub fn single(x: f64, value: f32) -> Self {
        Self {
            x,
            min: value,
            max: value,
            mean: value,
        }
    }
}

/// One measure over the steps, which rise. Holds finite values only. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Series {
    chunks: Vec<Arc<Chunk>>,
    /// How often values were taken away again.
    n_cuts: u64,
}

#[derive(Clone, Debug, Default)]
struct Chunk {
    steps: Steps,
    values: Vec<f32>,
    /// Extremes and sums of groups of 16, of 256 and of 4,096 values.
    levels: [Vec<Extent>; 3],
}

#[derive(Clone, Copy, Debug)]
struct Extent {
    min: f32,
    max: f32,
    sum: f64,
}

impl Series {
    /// How many values.
    pub fn len(&self) -> usize {
        self.chunks.last().map_or(0, |last| {
            (self.chunks.len() - 1) * CHUNK + last.values.len()
        })
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    /// Steps and values in order.
    pub fn iter(&self) -> impl Iterator<Item = (u64, f32)> + '_ {
        self.iter_from(0)
    }

    /// Steps and values in order, without the first `row` of them.
    pub fn iter_from(&self, row: usize) -> impl Iterator<Item = (u64, f32)> + '_ {
        let chunks = self.chunks.iter().skip(row / CHUNK);
        chunks
            .flat_map(|chunk| chunk.steps.iter().zip(chunk.values.iter().copied()))
            .skip(row % CHUNK)
    }

    /// Steps and values in order, from step `first` on.
    pub(super) fn iter_from_step(&self, first: u64) -> impl Iterator<Item = (u64, f32)> + '_ {
        self.iter_from(self.partition(|step| step < first))
    }

    /// The values in order.
    pub fn values(&self) -> Vec<f32> {
        self.iter().map(|(_, value)| value).collect()
    }

    /// The newest step and value.
    pub fn last(&self) -> Option<(u64, f32)> {
        self.len().checked_sub(1).map(|row| self.row(row))
    }

    /// First and last step.
    pub fn step_range(&self) -> Option<(u64, u64)> {
        let first = self.len().checked_sub(1).map(|_| self.row(0).0)?;
        Some((first, self.last()?.0))
    }

    /// The value at `step`, or at the last step before it.
    pub fn at(&self, step: u64) -> Option<(u64, f32)> {
        let after = self.partition(|s| s <= step);
        after.checked_sub(1).map(|row| self.row(row))
    }

    /// The extremes and means of `n_columns` equal columns of `steps`, and the values just before and after `steps` alone, so that a
    /// line can be drawn up to the edges. Columns without a value are left out. The cost grows with the columns, not
    /// with the values.
    pub fn min_max(&self, steps: Range<f64>, n_columns: usize) -> Vec<Column> {
        let width = (steps.end - steps.start) / n_columns as f64;
        if !(width > 0.0 && width.is_finite()) {
            return Vec::new();
        }
        let edges = (0..n_columns).map(|column| steps.start + width * column as f64);
        let edges: Vec<f64> = edges.chain([steps.end]).collect();
        self.min_max_between(&edges)
    }

    /// As [`Self::min_max`], for columns between edges that rise but need not be evenly spaced.
    pub fn min_max_between(&self, edges: &[f64]) -> Vec<Column> {
        let mut columns = Vec::with_capacity(edges.len() + 1);
        let Some(&start) = edges.first() else {
            return columns;
        };
        let mut row = self.row_from(0, start);
        if let Some(before) = row.checked_sub(1) {
            columns.push(self.column(before..row, 0.0));
        }
        for pair in edges.windows(2) {
            let next = self.row_from(row, pair[1]);
            if next > row {
                columns.push(self.column(row..next, (pair[0] + pair[1]) / 2.0));
                row = next;
            }
        }
        if row < self.len() {
            columns.push(self.column(row..row + 1, 0.0));
        }
        columns
    }

    /// Smallest and greatest value within `steps`.
    pub fn extent(&self, steps: Range<f64>) -> Option<(f32, f32)> {
        let from = self.partition(|s| (s as f64) < steps.start);
        let to = self.partition(|s| (s as f64) < steps.end);
        self.extent_of_rows(from..to)
            .map(|extent| (extent.min, extent.max))
    }

    /// How often values were taken away again: a follower starts over when this changes.
    pub(super) fn n_cuts(&self) -> u64 {
        self.n_cuts
    }

    /// Appends values of rising steps; what is not finite is left out.
    pub(super) fn extend(&mut self, values: impl IntoIterator<Item = (u64, f32)>) {
        let mut values = values
            .into_iter()
            .filter(|(_, value)| value.is_finite())
            .peekable();
        while values.peek().is_some() {
            if self
                .chunks
                .last()
                .is_none_or(|last| last.values.len() == CHUNK)
            {
                self.chunks.push(Arc::default());
            }
            if let Some(last) = self.chunks.last_mut() {
                let chunk = Arc::make_mut(last);
                while chunk.values.len() < CHUNK
                    && let Some((step, value)) = values.next()
                {
                    chunk.push(step, value);
                }
            }
        }
    }

    /// Takes away the values of steps after `step`.
    pub(super) fn cut_after(&mut self, step: u64) {
        let n_kept = self.partition(|s| s <= step);
        if n_kept == self.len() {
            return;
        }
        self.n_cuts += 1;
        self.chunks.truncate(n_kept.div_ceil(CHUNK));
        if let Some(last) = self.chunks.last_mut()
            && !n_kept.is_multiple_of(CHUNK)
        {
            let mut kept = Chunk::default();
            for (step, &value) in last.steps.iter().zip(&last.values).take(n_kept % CHUNK) {
                kept.push(step, value);
            }
            *last = Arc::new(kept);
        }
    }

    fn row(&self, row: usize) -> (u64, f32) {
        let chunk = &self.chunks[row / CHUNK];
        (chunk.steps.get(row % CHUNK), chunk.values[row % CHUNK])
    }

    /// The first row from `row` on whose step is not before `edge`. Edges rise: the chunk is the same or one of the next.
    fn row_from(&self, row: usize, edge: f64) -> usize {
        let chunks = self.chunks.iter().enumerate().skip(row / CHUNK);
        for (at, chunk) in chunks {
            let within = chunk.steps.n_before(edge);
            if within < chunk.steps.len() {
                return (at * CHUNK + within).max(row);
            }
        }
        self.len()
    }

    /// The first row whose step does not satisfy `is_before`.
    fn partition(&self, is_before: impl Fn(u64) -> bool) -> usize {
        // The chunk to search is the last that begins before.
        let after = self
            .chunks
            .partition_point(|chunk| is_before(chunk.steps.get(0)));
        let Some(chunk_idx) = after.checked_sub(1) else {
            return 0;
        };
        let within = self.chunks[chunk_idx].steps.partition(is_before);
        chunk_idx * CHUNK + within
    }

    /// `rows` must not be empty.
    fn column(&self, rows: Range<usize>, middle: f64) -> Column {
        let (step, value) = self.row(rows.start);
        let n = rows.len();
        let extent = self.extent_of_rows(rows).unwrap_or(Extent::of(value));
        Column {
            x: if n == 1 { step as f64 } else { middle },
            min: extent.min,
            max: extent.max,
            mean: (extent.sum / n as f64) as f32,
        }
    }

    fn extent_of_rows(&self, rows: Range<usize>) -> Option<Extent> {
        let is_empty = rows.is_empty();
        let mut extent = Extent::NONE;
        let mut row = rows.start;
        while row < rows.end {
            let chunk = &self.chunks[row / CHUNK];
            let end = rows.end.min((row / CHUNK + 1) * CHUNK);
            let part = chunk.extent(row % CHUNK..row % CHUNK + (end - row));
            extent = extent.with(part);
            row = end;
        }
        (!is_empty).then_some(extent)
    }
}

impl Chunk {
    fn push(&mut self, step: u64, value: f32) {
        let mut group = self.values.len();
        self.steps.push(step);
        self.values.push(value);
        for level in &mut self.levels {
            group /= FAN_OUT;
            match level.get_mut(group) {
                Some(extent) => *extent = extent.with(Extent::of(value)),
                None => level.push(Extent::of(value)),
            }
        }
    }

    /// Extremes of a stretch that is not empty: single values up to the next group, groups up to the next greater one,
    /// and down again.
    fn extent(&self, rows: Range<usize>) -> Extent {
        let mut extent = Extent::NONE;
        let mut row = rows.start;
        while row < rows.end {
            // A group that ends with the data holds no more than the stretch asks for.
            let (mut level_idx, mut size) = (None, 1);
            let mut next = FAN_OUT;
            for level in 0..self.levels.len() {
                let is_whole = row.is_multiple_of(next)
                    && (row + next <= rows.end || rows.end == self.values.len());
                if !is_whole {
                    break;
                }
                (level_idx, size) = (Some(level), next);
                next *= FAN_OUT;
            }
            extent = extent.with(match level_idx {
                Some(level) => self.levels[level][row / size],
                None => Extent::of(self.values[row]),
            });
            row += size;
        }
        extent
    }
}

impl Extent {
    /// Of no value.
    const NONE: Self = Self {
        min: f32::INFINITY,
        max: f32::NEG_INFINITY,
        sum: 0.0,
    };

    fn of(value: f32) -> Self {
        Self {
            min: value,
            max: value,
            sum: f64::from(value),
        }
    }

    fn with(self, other: Self) -> Self {
        Self {
            min: self.min.min(other.min),
            max: self.max.max(other.max),
            sum: self.sum + other.sum,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Address, Purpose};

    /// `n` values at every third step, in pieces of an odd size.
    fn example(n: usize) -> (Series, Vec<(u64, f32)>) {
        let mut draws = Address::new(1, Purpose::Check, n as u64).stream();
        let all: Vec<_> = (0..n as u64).map(|i| (3 * i, draws.normal())).collect();
        let mut series = Series::default();
        for piece in all.chunks(777) {
            series.extend(piece.iter().copied());
        }
        (series, all)
    }

    #[test]
    fn values_come_out_as_they_went_in() {
        let (series, all) = example(10_000);
        assert_eq!(series.len(), all.len());
        assert!(series.iter().eq(all.iter().copied()));
        assert!(series.iter_from(5000).eq(all[5000..].iter().copied()));
        assert_eq!(series.last(), all.last().copied());
        assert_eq!(series.step_range(), Some((0, 29_997)));
        assert_eq!(series.at(301), Some(all[100]));
        assert_eq!(Series::default().at(3), None);
    }

    #[test]
    fn extremes_of_any_stretch_equal_those_found_one_by_one() {
        let (series, all) = example(9001);
        let mut draws = Address::new(2, Purpose::Check, 0).stream();
        for _ in 0..500 {
            let from = draws.index(all.len());
            let to = from + 1 + draws.index(all.len() - from);
            let values = all[from..to].iter().map(|&(_, value)| value);
            let expected = (
                values.clone().fold(f32::INFINITY, f32::min),
                values.fold(f32::NEG_INFINITY, f32::max),
            );
            let steps = all[from].0 as f64..all[to - 1].0 as f64 + 1.0;
            assert_eq!(series.extent(steps), Some(expected), "{from}..{to}");
        }
    }

    #[test]
    fn columns_hold_every_value_once() {
        let (series, all) = example(5000);
        let columns = series.min_max(0.0..15_000.0, 100);
        assert_eq!(columns.len(), 100);
        for (column, values) in columns.iter().zip(all.chunks(50)) {
            let max = values.iter().map(|v| v.1).fold(f32::NEG_INFINITY, f32::max);
            assert_eq!(column.max, max);
            let mean = values.iter().map(|v| v.1).sum::<f32>() / 50.0;
            assert!((column.mean - mean).abs() < 1e-5, "{column:?} {mean}");
        }
        // Zoomed in further than a value a column: each value alone at its step, with its neighbours outside.
        let steps: Vec<f64> = series
            .min_max(30.0..42.0, 400)
            .iter()
            .map(|c| c.x)
            .collect();
        assert_eq!(steps, [27.0, 30.0, 33.0, 36.0, 39.0, 42.0]);
    }

    #[test]
    fn a_cut_series_is_as_if_the_rest_had_never_been() {
        for n_kept in [0, 1, 100, 4096, 4097, 8192, 9000] {
            let (mut series, all) = example(9001);
            series.cut_after((3 * n_kept as u64).saturating_sub(1));
            // Step 0 is not after step 0.
            let n_kept = n_kept.max(1);
            assert!(series.iter().eq(all[..n_kept].iter().copied()), "{n_kept}");
            series.extend(all[n_kept..].iter().copied());
            assert_eq!(
                series.min_max(0.0..27_003.0, 33),
                example(9001).0.min_max(0.0..27_003.0, 33)
            );
        }
    }

    #[test]
    fn what_is_not_finite_is_left_out() {
        let mut series = Series::default();
        series.extend([(1, f32::NAN), (2, 0.5), (3, f32::INFINITY)]);
        assert_eq!(series.iter().collect::<Vec<_>>(), [(2, 0.5)]);
        assert!(series.min_max(5.0..5.0, 10).is_empty());
    }
}
