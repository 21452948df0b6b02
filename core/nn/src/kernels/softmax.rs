//! Softmax of rows. Equals `plain::softmax`.
#![expect(
    unsafe_code,
    reason = "kernels are unsafe to call, though nothing here needs it"
)]

use super::lanes::{Kernel, Lanes, dispatch};
use super::norm::lane_sum;
use super::pointwise::exp;
use rayon::prelude::*;

/// Numbers of one task, about.
const TASK: usize = 1 << 13;

struct Rows<'a> {
    width: usize,
    x: &'a [f32],
    y: &'a mut [f32],
}

impl Kernel for Rows<'_> {
    type Output = ();
    #[inline(always)]
    unsafe fn run<L: Lanes>(self) {
        for (x, y) in self
            .x
            .chunks_exact(self.width)
            .zip(self.y.chunks_exact_mut(self.width))
        {
            let highest = x
                .iter()
                .copied()
                .fold(x[0], |a, b| if b > a { b } else { a });
            for (y, &x) in y.iter_mut().zip(x) {
                *y = exp(x - highest);
            }
            let share = 1.0 / lane_sum(y.len(), |i| y[i]);
            for y in y {
                *y *= share;
            }
        }
    }
}

/// Of each row of `width` numbers.
pub(crate) fn softmax(width: usize, x: &[f32]) -> Vec<f32> {
    let mut y = vec![0.0; x.len()];
    let task = (TASK / width).max(1) * width;
    y.par_chunks_mut(task)
        .zip(x.par_chunks(task))
        .for_each(|(y, x)| dispatch(Rows { width, x, y }));
    y
}

struct Slopes<'a> {
    width: usize,
    y: &'a [f32],
    dy: &'a [f32],
    dx: &'a mut [f32],
}

impl Kernel for Slopes<'_> {
    type Output = ();
    #[inline(always)]
    unsafe fn run<L: Lanes>(self) {
        for ((y, dy), dx) in self
            .y
            .chunks_exact(self.width)
            .zip(self.dy.chunks_exact(self.width))
            .zip(self.dx.chunks_exact_mut(self.width))
        {
            let mean = lane_sum(y.len(), |i| y[i] * dy[i]);
            for ((dx, &y), &dy) in dx.iter_mut().zip(y).zip(dy) {
                *dx = y * (dy - mean);
            }
        }
    }
}

/// From the output.
pub(crate) fn gradient(width: usize, y: &[f32], dy: &[f32]) -> Vec<f32> {
    let mut dx = vec![0.0; y.len()];
    let task = (TASK / width).max(1) * width;
    dx.par_chunks_mut(task)
        .zip(y.par_chunks(task))
        .zip(dy.par_chunks(task))
        .for_each(|((dx, y), dy)| dispatch(Slopes { width, y, dy, dx }));
    dx
}

#[cfg(test)]
mod tests {
    use super::super::lanes::Level;
    use super::*;
    use crate::plain;
    use crate::rng::{Address, Purpose};

    #[test]
    fn rows_of_any_width_give_the_plain_result() {
        for level in Level::available() {
            for width in [1, 7, 16, 108, 431] {
                let mut draws = Address::new(6, Purpose::Check, width as u64).stream();
                let mut draw = |scale: f32| -> Vec<f32> {
                    (0..5 * width).map(|_| scale * draws.normal()).collect()
                };
                let (x, dy) = (draw(10.0), draw(1.0));
                let wide = |x: &[f32]| x.iter().map(|&x| f64::from(x)).collect::<Vec<_>>();
                let y = level.run(|| softmax(width, &x));
                let dx = level.run(|| gradient(width, &y, &dy));
                let expected = plain::softmax::softmax(width, &wide(&x));
                let slopes = plain::softmax::gradient(width, &wide(&y), &wide(&dy));
                for (found, expected) in y.iter().chain(&dx).zip(expected.iter().chain(&slopes)) {
                    assert!(
                        (f64::from(*found) - expected).abs() < 1e-6,
                        "{level:?}, {width} wide: {found} for {expected}"
                    );
                }
            }
        }
    }
}
