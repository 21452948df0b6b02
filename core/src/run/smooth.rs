//! A smoothed copy of a series that follows its original.

use super::Series;

/// An exponential moving average without the bias of its start, kept beside the series it follows.
#[derive(Clone, Debug)]
pub struct Smoothed {
    series: Series,
}

impl Smoothed {
    /// Nothing yet; `weight` in 0..1 is the share of the old average in the new one.
    pub fn new(weight: f64) -> Self {
        let _ = weight;
        Self {
            series: Series::default(),
        }
    }

    /// Takes in what `raw` has grown by; starts over if it was cut.
    pub fn follow(&mut self, raw: &Series) {
        let _ = raw;
        unimplemented!()
    }

    /// The average at each step.
    pub fn series(&self) -> &Series {
        &self.series
    }
}
