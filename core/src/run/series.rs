//! One measure over the steps, with a pyramid of extremes for drawing.

use std::ops::Range;

/// The extremes of the values that fall into one column of pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Column {
    /// Step in the middle of the column, or of the value where a column is narrower than a step.
    pub x: f64,
    /// Smallest value.
    pub min: f32,
    /// Greatest value.
    pub max: f32,
}

/// One measure over the steps. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Series {}

impl Series {
    /// How many values.
    pub fn len(&self) -> usize {
        unimplemented!()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Steps and values in order.
    pub fn iter(&self) -> impl Iterator<Item = (u64, f32)> + '_ {
        std::iter::empty()
    }

    /// The values in order.
    pub fn values(&self) -> Vec<f32> {
        unimplemented!()
    }

    /// The newest step and value.
    pub fn last(&self) -> Option<(u64, f32)> {
        unimplemented!()
    }

    /// First and last step.
    pub fn step_range(&self) -> Option<(u64, u64)> {
        unimplemented!()
    }

    /// The value at `step`, or at the last step before it.
    pub fn at(&self, step: u64) -> Option<(u64, f32)> {
        let _ = step;
        unimplemented!()
    }

    /// The extremes of `n_columns` equal columns of `steps`; columns without a value are left out. The cost grows with the
    /// columns, not with the values.
    pub fn min_max(&self, steps: Range<f64>, n_columns: usize) -> Vec<Column> {
        let _ = (steps, n_columns);
        unimplemented!()
    }

    /// Smallest and greatest finite value within `steps`.
    pub fn extent(&self, steps: Range<f64>) -> Option<(f32, f32)> {
        let _ = steps;
        unimplemented!()
    }
}
