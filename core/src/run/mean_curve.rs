//! The mean of several curves that need not have their values at the same places.

use super::Spread;
use crate::metrics::Statistic;

/// Mean and spread of several curves at one place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MeanPoint {
    /// Where.
    pub x: f64,
    /// Of the curves that reach from before this place to after it; how many these are is told.
    pub of: Statistic,
    /// The least of them.
    pub min: f64,
    /// The greatest of them.
    pub max: f64,
}

impl MeanPoint {
    /// The ends of the band around the mean. On a logarithmic axis, where a band that reaches to 0 has no end, the least of the curves.
    pub fn band(&self, spread: Spread, is_logarithmic: bool) -> [f64; 2] {
        let spread = spread.of(&self.of).unwrap_or(0.0);
        let low = self.of.mean - spread;
        let low = if is_logarithmic && low <= 0.0 {
            self.min
        } else {
            low
        };
        [low, self.of.mean + spread]
    }
}

/// The mean of curves (points by rising x) at each place where one of them has a value, or at `n_most` evenly spaced places if there
/// are more. Between two of its points a curve is a straight line; outside its first and last it does not count.
pub fn mean_curve(curves: &[Vec<[f64; 2]>], n_most: usize) -> Vec<MeanPoint> {
    let mut cursors: Vec<(usize, &[[f64; 2]])> =
        curves.iter().map(|curve| (0, &curve[..])).collect();
    let mut values = Vec::with_capacity(curves.len());
    places(curves, n_most)
        .into_iter()
        .filter_map(|x| {
            values.clear();
            for (at, curve) in &mut cursors {
                while curve.get(*at + 1).is_some_and(|next| next[0] <= x) {
                    *at += 1;
                }
                values.extend(between(&curve[(*at).min(curve.len())..], x));
            }
            Some(MeanPoint {
                x,
                of: Statistic::of(&values)?,
                min: values.iter().copied().fold(f64::INFINITY, f64::min),
                max: values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            })
        })
        .collect()
}

/// The value at `x` of a curve that starts at or before it.
fn between(curve: &[[f64; 2]], x: f64) -> Option<f64> {
    let [x0, y0] = *curve.first()?;
    if x0 == x {
        return Some(y0);
    }
    let [x1, y1] = *curve.get(1)?;
    (x0 < x).then(|| y0 + (y1 - y0) * (x - x0) / (x1 - x0))
}

fn places(curves: &[Vec<[f64; 2]>], n_most: usize) -> Vec<f64> {
    let mut all: Vec<f64> = curves.iter().flatten().map(|point| point[0]).collect();
    // They are few rising stretches: these are merged, not sorted anew.
    all.sort_by(f64::total_cmp);
    all.dedup();
    let (Some(&first), Some(&last)) = (all.first(), all.last()) else {
        return all;
    };
    if all.len() <= n_most || n_most < 2 {
        return all;
    }
    (0..n_most)
        .map(|n| first + (last - first) * n as f64 / (n_most - 1) as f64)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_curve_counts_where_it_is_and_nowhere_else() {
        let curves = [
            vec![[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]],
            vec![[2.0, 5.0], [3.0, 7.0]],
        ];
        let found: Vec<_> = mean_curve(&curves, 100)
            .iter()
            .map(|point| (point.x, point.of.mean, point.of.n, point.min, point.max))
            .collect();
        assert_eq!(
            found,
            [
                (0.0, 1.0, 1, 1.0, 1.0),
                (2.0, 4.0, 2, 3.0, 5.0),
                (3.0, 5.5, 2, 4.0, 7.0),
                (4.0, 5.0, 1, 5.0, 5.0),
            ]
        );
        assert!(mean_curve(&[], 10).is_empty());
    }

    proptest! {
        #[test]
        fn the_mean_of_equal_curves_is_that_curve(
            ys in prop::collection::vec(-5.0f64..5.0, 1..60),
            n_curves in 1usize..5,
            n_most in 2usize..80,
        ) {
            let curve: Vec<[f64; 2]> = ys.iter().enumerate().map(|(x, y)| [x as f64, *y]).collect();
            let curves = vec![curve.clone(); n_curves];
            for point in mean_curve(&curves, n_most) {
                prop_assert_eq!(point.of.n, n_curves);
                prop_assert!((point.max - point.min).abs() < 1e-9);
                let left = curve[point.x.floor() as usize][1];
                let right = curve[(point.x.ceil() as usize).min(curve.len() - 1)][1];
                prop_assert!(point.of.mean >= left.min(right) - 1e-9);
                prop_assert!(point.of.mean <= left.max(right) + 1e-9);
            }
        }
    }
}
