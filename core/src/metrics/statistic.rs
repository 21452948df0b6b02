//! What is reported of several numbers that measure the same: scores of several seeds, curves of several runs.

use serde::Serialize;

/// Mean and spread of a few numbers.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Statistic {
    /// Their mean.
    pub mean: f64,
    /// Their sample standard deviation (over n - 1); `None` of a single one.
    pub sd: Option<f64>,
    /// How many there are.
    pub n: usize,
}

impl Statistic {
    /// The standard error of the mean; `None` of a single one.
    pub fn standard_error(&self) -> Option<f64> {
        Some(self.sd? / (self.n as f64).sqrt())
    }

    /// That of `values`; `None` if there are none.
    pub fn of(values: &[f64]) -> Option<Self> {
        let n = values.len();
        if n == 0 {
            return None;
        }
        let mean = values.iter().sum::<f64>() / n as f64;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        Some(Self {
            mean,
            sd: (n > 1).then(|| (squares / (n - 1) as f64).sqrt()),
            n,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mean_and_sample_deviation_are_those_computed_by_hand() {
        // Deviations -2, 0, 2: squares 8, over 2 is 4.
        let found = Statistic::of(&[3.0, 5.0, 7.0]).unwrap();
        assert_eq!((found.mean, found.sd, found.n), (5.0, Some(2.0), 3));
        assert_eq!(found.standard_error(), Some(2.0 / 3f64.sqrt()));
        let single = Statistic::of(&[0.5]).unwrap();
        assert_eq!((single.mean, single.sd, single.n), (0.5, None, 1));
        assert_eq!(Statistic::of(&[]), None);
    }
}
