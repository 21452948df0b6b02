//! Norms over plain tensors: batch norm on `[batch, channels, plane]`, layer norm on rows.
//!
//! Equal `plain::norm`. Sums are taken over sixteen lanes per piece and in f64 over pieces.

use super::lanes::{Kernel, LANES, Lanes, dispatch};
use crate::element::{Moments, NormGradient};
use rayon::prelude::*;
use std::mem::MaybeUninit;

/// Numbers that one task adds up.
const PIECE: usize = 1 << 13;

/// Rows of a layer norm in one task.
const ROWS: usize = 32;

/// Sum of `f` over a slice, on sixteen lanes.
#[inline(always)]
pub(super) fn lane_sum(n: usize, f: impl Fn(usize) -> f32) -> f32 {
    let mut lanes = [0f32; LANES];
    for group in 0..n / LANES {
        for (lane, sum) in lanes.iter_mut().enumerate() {
            *sum += f(group * LANES + lane);
        }
    }
    let rest: f32 = (n / LANES * LANES..n).map(&f).sum();
    lanes.iter().sum::<f32>() + rest
}

/// For each channel the sums of two functions of `(channel, x, y)` over all its elements.
fn sums_by_channel<F>(channels: usize, plane: usize, x: &[f32], y: &[f32], f: F) -> Vec<[f64; 2]>
where
    F: Fn(usize, f32, f32) -> [f32; 2] + Sync,
{
    struct Piece<'a, F> {
        channel: usize,
        x: &'a [f32],
        y: &'a [f32],
        f: &'a F,
    }
    #[expect(unsafe_code, reason = "the trait's promise is not needed here")]
    impl<F: Fn(usize, f32, f32) -> [f32; 2]> Kernel for Piece<'_, F> {
        type Output = [f32; 2];
        #[inline(always)]
        unsafe fn run<L: Lanes>(self) -> [f32; 2] {
            let (x, y) = (self.x, &self.y[..self.x.len()]);
            [
                lane_sum(x.len(), |i| (self.f)(self.channel, x[i], y[i])[0]),
                lane_sum(x.len(), |i| (self.f)(self.channel, x[i], y[i])[1]),
            ]
        }
    }
    let pieces = plane.div_ceil(PIECE);
    let planes = x.len() / plane.max(1);
    let per_piece: Vec<[f32; 2]> = (0..planes * pieces)
        .into_par_iter()
        .map(|task| {
            let (i, piece) = (task / pieces, task % pieces);
            let range = i * plane + piece * PIECE..i * plane + ((piece + 1) * PIECE).min(plane);
            dispatch(Piece {
                channel: i % channels,
                x: &x[range.clone()],
                y: &y[range],
                f: &f,
            })
        })
        .collect();
    let mut totals = vec![[0f64; 2]; channels];
    for (task, sums) in per_piece.iter().enumerate() {
        let total = &mut totals[task / pieces % channels];
        total[0] += f64::from(sums[0]);
        total[1] += f64::from(sums[1]);
    }
    totals
}

/// `f(channel, x, y)` at every element.
#[expect(unsafe_code, reason = "memory that is not cleared before it is filled")]
fn map_by_channel<F>(channels: usize, plane: usize, x: &[f32], y: &[f32], f: F) -> Vec<f32>
where
    F: Fn(usize, f32, f32) -> f32 + Sync,
{
    struct Piece<'a, F> {
        channel: usize,
        x: &'a [f32],
        y: &'a [f32],
        to: &'a mut [MaybeUninit<f32>],
        f: &'a F,
    }
    impl<F: Fn(usize, f32, f32) -> f32> Kernel for Piece<'_, F> {
        type Output = ();
        #[inline(always)]
        unsafe fn run<L: Lanes>(self) {
            for ((to, &x), &y) in self.to.iter_mut().zip(self.x).zip(self.y) {
                to.write((self.f)(self.channel, x, y));
            }
        }
    }
    let mut to = Vec::with_capacity(x.len());
    let y = &y[..x.len()];
    to.spare_capacity_mut()[..x.len()]
        .par_chunks_mut(plane.max(1))
        .zip(x.par_chunks(plane.max(1)))
        .zip(y.par_chunks(plane.max(1)))
        .enumerate()
        .for_each(|(i, ((to, x), y))| {
            let channel = i % channels;
            dispatch(Piece {
                channel,
                x,
                y,
                to,
                f: &f,
            });
        });
    // SAFETY: each number was written above: the three have the same length, and so have their pieces.
    unsafe { to.set_len(x.len()) };
    to
}

pub(crate) fn channel_sums(channels: usize, plane: usize, x: &[f32]) -> Vec<f32> {
    sums_by_channel(channels, plane, x, x, |_, x, _| [x, 0.0])
        .into_iter()
        .map(|sums| sums[0] as f32)
        .collect()
}

pub(crate) fn batch_statistics(channels: usize, plane: usize, x: &[f32]) -> Vec<Moments<f32>> {
    let n = (x.len() / channels) as f64;
    let means: Vec<f64> = sums_by_channel(channels, plane, x, x, |_, x, _| [x, 0.0])
        .into_iter()
        .map(|sums| sums[0] / n)
        .collect();
    let rough: Vec<f32> = means.iter().map(|&mean| mean as f32).collect();
    sums_by_channel(channels, plane, x, x, |c, x, _| {
        let distance = x - rough[c];
        [distance * distance, 0.0]
    })
    .into_iter()
    .zip(means)
    .map(|(sums, mean)| Moments {
        mean: mean as f32,
        variance: (sums[0] / n) as f32,
    })
    .collect()
}

pub(crate) fn scale_channels(
    channels: usize,
    plane: usize,
    x: &[f32],
    scale: &[f32],
    shift: &[f32],
) -> Vec<f32> {
    map_by_channel(channels, plane, x, x, |c, x, _| x * scale[c] + shift[c])
}

pub(crate) fn batch_norm_gradient(
    plane: usize,
    x: &[f32],
    weight: &[f32],
    moments: &[Moments<f32>],
    epsilon: f64,
    dy: &[f32],
) -> NormGradient<f32> {
    let channels = weight.len();
    let n = (x.len() / channels) as f64;
    let sums = sums_by_channel(channels, plane, x, dy, |c, x, dy| {
        [dy, dy * (x - moments[c].mean)]
    });
    let inverse: Vec<f64> = moments
        .iter()
        .map(|m| 1.0 / (f64::from(m.variance) + epsilon).sqrt())
        .collect();
    let coefficients: Vec<[f32; 3]> = (0..channels)
        .map(|c| {
            let scale = f64::from(weight[c]) * inverse[c];
            [
                scale as f32,
                (sums[c][0] / n) as f32,
                (sums[c][1] * inverse[c] * inverse[c] / n) as f32,
            ]
        })
        .collect();
    NormGradient {
        x: map_by_channel(channels, plane, x, dy, |c, x, dy| {
            let [scale, mean, slope] = coefficients[c];
            scale * (dy - mean - (x - moments[c].mean) * slope)
        }),
        weight: sums
            .iter()
            .zip(&inverse)
            .map(|(sums, inverse)| (sums[1] * inverse) as f32)
            .collect(),
        bias: sums.iter().map(|sums| sums[0] as f32).collect(),
    }
}

/// Mean of a row and one over its deviation.
#[inline(always)]
fn row_norm(row: &[f32], epsilon: f32) -> (f32, f32) {
    let n = row.len() as f32;
    let mean = lane_sum(row.len(), |i| row[i]) / n;
    let variance = lane_sum(row.len(), |i| (row[i] - mean) * (row[i] - mean)) / n;
    (mean, 1.0 / (variance + epsilon).sqrt())
}

pub(crate) fn layer_norm(x: &[f32], weight: &[f32], bias: &[f32], epsilon: f64) -> Vec<f32> {
    struct Rows<'a> {
        x: &'a [f32],
        weight: &'a [f32],
        bias: &'a [f32],
        epsilon: f32,
        to: &'a mut [f32],
    }
    #[expect(unsafe_code, reason = "the trait's promise is not needed here")]
    impl Kernel for Rows<'_> {
        type Output = ();
        #[inline(always)]
        unsafe fn run<L: Lanes>(self) {
            let width = self.weight.len();
            let bias = &self.bias[..width];
            for (to, row) in self
                .to
                .chunks_exact_mut(width)
                .zip(self.x.chunks_exact(width))
            {
                let (mean, inverse) = row_norm(row, self.epsilon);
                for i in 0..width {
                    to[i] = (row[i] - mean) * inverse * self.weight[i] + bias[i];
                }
            }
        }
    }
    let task = ROWS * weight.len();
    let mut y = vec![0.0; x.len()];
    y.par_chunks_mut(task)
        .zip(x.par_chunks(task))
        .for_each(|(to, x)| {
            dispatch(Rows {
                x,
                weight,
                bias,
                epsilon: epsilon as f32,
                to,
            });
        });
    y
}

pub(crate) fn layer_norm_gradient(
    x: &[f32],
    weight: &[f32],
    epsilon: f64,
    dy: &[f32],
) -> NormGradient<f32> {
    struct Rows<'a> {
        x: &'a [f32],
        dy: &'a [f32],
        weight: &'a [f32],
        epsilon: f32,
        to: &'a mut [f32],
    }
    #[expect(unsafe_code, reason = "the trait's promise is not needed here")]
    impl Kernel for Rows<'_> {
        /// Gradients of weight and bias, one after the other.
        type Output = Vec<f32>;
        #[inline(always)]
        unsafe fn run<L: Lanes>(self) -> Vec<f32> {
            let width = self.weight.len();
            let weight = self.weight;
            let n = width as f32;
            let mut sums = vec![0f32; 2 * width];
            let (of_weight, of_bias) = sums.split_at_mut(width);
            for ((to, row), dy) in self
                .to
                .chunks_exact_mut(width)
                .zip(self.x.chunks_exact(width))
                .zip(self.dy.chunks_exact(width))
            {
                let (mean, inverse) = row_norm(row, self.epsilon);
                let sum = lane_sum(width, |i| dy[i] * weight[i]) / n;
                let product =
                    lane_sum(width, |i| dy[i] * weight[i] * (row[i] - mean)) * inverse / n;
                for i in 0..width {
                    let normal = (row[i] - mean) * inverse;
                    of_weight[i] += dy[i] * normal;
                    of_bias[i] += dy[i];
                    to[i] = inverse * (dy[i] * weight[i] - sum - normal * product);
                }
            }
            sums
        }
    }
    let width = weight.len();
    let task = ROWS * width;
    let mut dx = vec![0.0; x.len()];
    let parts: Vec<Vec<f32>> = dx
        .par_chunks_mut(task)
        .zip(x.par_chunks(task))
        .zip(dy.par_chunks(task))
        .map(|((to, x), dy)| {
            dispatch(Rows {
                x,
                dy,
                weight,
                epsilon: epsilon as f32,
                to,
            })
        })
        .collect();
    let mut sums = vec![0f32; 2 * width];
    for part in &parts {
        for (sum, part) in sums.iter_mut().zip(part) {
            *sum += part;
        }
    }
    let bias = sums.split_off(width);
    NormGradient {
        x: dx,
        weight: sums,
        bias,
    }
}
