//! Maximum and mean of whole rows: pooling over all of a clip.
//!
//! Equals `plain::pool`. Means are added up on sixteen lanes per piece and in f64 over pieces, so that minutes of audio lose nothing.
#![expect(
    unsafe_code,
    reason = "kernels are unsafe to call, though nothing here needs it"
)]

use super::lanes::{Kernel, LANES, Lanes, dispatch};
use super::sums::Sum;
use rayon::prelude::*;

/// Numbers that are added up in f32.
const PIECE: usize = 1 << 12;

/// Numbers of one task, about.
const TASK: usize = 1 << 14;

/// The larger of the two; what is not a number counts as the largest.
#[inline(always)]
fn larger(best: f32, x: f32) -> f32 {
    if (x > best) | x.is_nan() { x } else { best }
}

struct Largest<'a>(&'a [f32]);

impl Kernel for Largest<'_> {
    type Output = (f32, u32);
    #[inline(always)]
    unsafe fn run<L: Lanes>(self) -> (f32, u32) {
        let mut lanes = [self.0[0]; LANES];
        let groups = self.0.chunks_exact(LANES);
        let rest = groups.remainder();
        for group in groups {
            for (best, &x) in lanes.iter_mut().zip(group) {
                *best = larger(*best, x);
            }
        }
        let best = lanes.iter().chain(rest).copied().fold(self.0[0], larger);
        let first = self
            .0
            .iter()
            .position(|&x| x == best || (best.is_nan() && x.is_nan()));
        (best, first.unwrap_or(0) as u32)
    }
}

/// The largest number of each row of `n`, and where it stands; of equal ones the first.
pub(crate) fn row_max(n: usize, x: &[f32]) -> (Vec<f32>, Vec<u32>) {
    x.par_chunks_exact(n)
        .with_min_len((TASK / n).max(1))
        .map(|row| dispatch(Largest(row)))
        .unzip()
}

/// The mean of each row of `n`.
pub(crate) fn row_mean(n: usize, x: &[f32]) -> Vec<f32> {
    x.par_chunks_exact(n)
        .with_min_len((TASK / n).max(1))
        .map(|row| {
            let sums = row
                .chunks(PIECE)
                .map(|piece| f64::from(dispatch(Sum(piece))));
            (sums.sum::<f64>() / n as f64) as f32
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::lanes::Level;
    use super::*;
    use crate::plain;
    use crate::rng::{Address, Purpose};

    #[test]
    fn rows_of_any_length_give_the_plain_result() {
        for level in Level::available() {
            for n in [1, 2, 15, 16, 17, 100, 4096, 10_001] {
                let mut draws = Address::new(4, Purpose::Check, n as u64).stream();
                // Few different numbers, so that maxima are often equal.
                let x: Vec<f32> = (0..3 * n).map(|_| draws.normal().round()).collect();
                let wide: Vec<f64> = x.iter().map(|&x| f64::from(x)).collect();
                level.run(|| {
                    assert_eq!(row_max(n, &x), plain::pool::row_max(n, &x), "{level:?} {n}");
                    for (found, expected) in
                        row_mean(n, &x).iter().zip(plain::pool::row_mean(n, &wide))
                    {
                        assert!((f64::from(*found) - expected).abs() < 1e-6, "{level:?} {n}");
                    }
                });
            }
        }
    }

    #[test]
    fn what_is_not_a_number_is_the_largest() {
        for place in [0, 3, 16, 20, 36] {
            let mut x: Vec<f32> = (0..37).map(|i| i as f32).collect();
            x[place] = f32::NAN;
            let (y, argmax) = row_max(37, &x);
            assert!(y[0].is_nan());
            assert_eq!(argmax, [place as u32]);
            assert_eq!(plain::pool::row_max(37, &x).1, argmax);
        }
    }
}
