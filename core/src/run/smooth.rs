//! A smoothed copy of a series that follows its original.

use super::Series;

/// An exponential moving average without the bias of its start, kept beside the series it follows.
///
/// `average ← weight · average + (1 − weight) · value`, divided by `1 − weightⁿ` after n values.
#[derive(Clone, Debug)]
pub struct Smoothed {
    weight: f64,
    series: Series,
    n_followed: usize,
    n_cuts: u64,
    average: f64,
    /// `weightⁿ`
    bias: f64,
}

impl Smoothed {
    /// Nothing yet; `weight` in 0..1 is the share of the old average in the new one (0: no smoothing).
    pub fn new(weight: f64) -> Self {
        Self {
            weight: weight.clamp(0.0, 0.9999),
            series: Series::default(),
            n_followed: 0,
            n_cuts: 0,
            average: 0.0,
            bias: 1.0,
        }
    }

    /// Takes in what `raw` has grown by; starts over if it was cut.
    pub fn follow(&mut self, raw: &Series) {
        if raw.n_cuts() != self.n_cuts || raw.len() < self.n_followed {
            *self = Self::new(self.weight);
            self.n_cuts = raw.n_cuts();
        }
        let Self {
            weight,
            average,
            bias,
            ..
        } = self;
        let smoothed = raw.iter_from(self.n_followed).map(|(step, value)| {
            *average = *weight * *average + (1.0 - *weight) * f64::from(value);
            *bias *= *weight;
            (step, (*average / (1.0 - *bias)) as f32)
        });
        self.series.extend(smoothed);
        self.n_followed = raw.len();
    }

    /// The average at each step.
    pub fn series(&self) -> &Series {
        &self.series
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn smooth(raw: &Series) -> Vec<(u64, f32)> {
        let mut smoothed = Smoothed::new(0.9);
        smoothed.follow(raw);
        smoothed.series().iter().collect()
    }

    #[test]
    fn a_level_line_stays_level_from_its_first_value() {
        let mut raw = Series::default();
        raw.extend((0..50).map(|step| (step, 3.0)));
        assert!(
            smooth(&raw)
                .iter()
                .all(|&(_, value)| (value - 3.0).abs() < 1e-5)
        );
    }

    #[test]
    fn following_in_pieces_equals_smoothing_at_once_also_after_a_cut() {
        let mut raw = Series::default();
        let mut follower = Smoothed::new(0.9);
        for piece in 0..10u64 {
            raw.extend((0..7).map(|i| (piece * 7 + i, (piece * i) as f32)));
            follower.follow(&raw);
        }
        assert_eq!(follower.series().iter().collect::<Vec<_>>(), smooth(&raw));
        raw.cut_after(30);
        raw.extend((31..80).map(|step| (step, 1.0)));
        follower.follow(&raw);
        assert_eq!(follower.series().iter().collect::<Vec<_>>(), smooth(&raw));
    }
}
