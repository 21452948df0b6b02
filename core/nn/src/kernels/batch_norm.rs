//! Batch norm on `[batch, channels, plane]`.
//!
//! Equals `plain::norm`. It goes channel by channel: the planes of one channel mostly fit into the second-level cache, so that the statistics
//! and the result take one way through memory and not two or three. Sums are taken over lanes per piece and in f64 over pieces.
#![expect(
    unsafe_code,
    reason = "vector instructions; memory that is not cleared before it is filled"
)]

use super::buffer::filled_vec;
use super::lanes::{Kernel, Lanes, dispatch};
use super::pointwise::Map;
use super::shared::Shared;
use super::sums::{Products, Sum, squares, sum};
use crate::element::{Moments, NormGradient};
use rayon::prelude::*;
use std::ops::Range;

/// The most numbers that are added up in f32: they stay in the first-level cache.
const PIECE: usize = 1 << 13;

/// Sum of some numbers, and that of their squared distances from their mean.
struct PieceMoments<'a>(&'a [f32]);

impl Kernel for PieceMoments<'_> {
    type Output = [f32; 2];
    #[inline(always)]
    unsafe fn run<L: Lanes>(self) -> [f32; 2] {
        // SAFETY: the caller's promise.
        unsafe {
            let sum = sum::<L>(self.0);
            [sum, squares::<L>(self.0, sum / self.0.len() as f32)]
        }
    }
}

/// How `[batch, channels, plane]` lies.
#[derive(Clone, Copy)]
struct Planes {
    channels: usize,
    plane: usize,
    /// All numbers.
    len: usize,
}

impl Planes {
    /// Numbers per channel.
    fn n(&self) -> f64 {
        (self.len / self.channels) as f64
    }

    /// A channel's numbers in pieces, for any thread that has nothing else to do.
    fn pieces(self, channel: usize) -> impl IndexedParallelIterator<Item = Range<usize>> {
        let per_plane = self.plane.div_ceil(PIECE);
        let planes = self.len / (self.channels * self.plane).max(1);
        (0..planes * per_plane)
            .into_par_iter()
            .with_min_len((PIECE / self.plane.max(1)).max(1))
            .map(move |i| {
                let start = (i / per_plane * self.channels + channel) * self.plane;
                let piece = i % per_plane * PIECE;
                start + piece..start + self.plane.min(piece + PIECE)
            })
    }

    /// What `of_channel` gives for each, in order.
    fn each<R: Send>(&self, of_channel: impl Fn(usize) -> R + Sync + Send) -> Vec<R> {
        (0..self.channels).into_par_iter().map(of_channel).collect()
    }

    /// What `fill` writes for each channel, and what it gives.
    ///
    /// # Safety
    /// `fill` writes every number of its channel and no other, and reads none before.
    unsafe fn filled<R: Send>(
        &self,
        fill: impl Fn(usize, Shared<f32>) -> R + Sync + Send,
    ) -> (Vec<f32>, Vec<R>) {
        // SAFETY: each number is some channel's.
        unsafe { filled_vec(self.len, |to| self.each(|channel| fill(channel, to))) }
    }

    /// Writes `f(x, y)` at every number of a channel.
    ///
    /// # Safety
    /// Nobody else touches the channel's numbers in `to`.
    unsafe fn map(
        self,
        channel: usize,
        x: &[f32],
        y: &[f32],
        to: Shared<f32>,
        f: impl Fn(f32, f32) -> f32 + Copy + Sync,
    ) {
        self.pieces(channel).for_each(|piece| {
            // SAFETY: inside of `to`, which is as long as `x`.
            let to = unsafe { Shared::of(to.pointer(piece.start), piece.len()) };
            let (x, y) = (&x[piece.clone()], &y[piece]);
            dispatch(Map { x, y, to, f });
        });
    }

    /// Writes `x * scale + shift` at every number of a channel.
    ///
    /// # Safety
    /// As for [`Self::map`].
    unsafe fn scale(self, channel: usize, x: &[f32], to: Shared<f32>, [scale, shift]: [f32; 2]) {
        // SAFETY: the caller's promise.
        unsafe {
            self.map(
                channel,
                x,
                x,
                to,
                #[inline(always)]
                |x, _| x * scale + shift,
            );
        }
    }
}

pub(crate) fn channel_sums(channels: usize, plane: usize, x: &[f32]) -> Vec<f32> {
    let planes = Planes {
        channels,
        plane,
        len: x.len(),
    };
    planes.each(|channel| {
        let sums: Vec<f32> = planes
            .pieces(channel)
            .map(|piece| dispatch(Sum(&x[piece])))
            .collect();
        sums.into_iter().map(f64::from).sum::<f64>() as f32
    })
}

/// Mean and variance of a channel (Chan's formula, piece by piece, in order).
fn moments_of(planes: Planes, channel: usize, x: &[f32]) -> Moments<f32> {
    let pieces: Vec<(usize, [f32; 2])> = planes
        .pieces(channel)
        .map(|piece| (piece.len(), dispatch(PieceMoments(&x[piece]))))
        .collect();
    let mut n = 0f64;
    let mut sum = 0f64;
    let mut squares = 0f64;
    for (count, [piece_sum, piece_squares]) in pieces {
        let (count, piece_sum) = (count as f64, f64::from(piece_sum));
        squares += f64::from(piece_squares);
        if n > 0.0 {
            let apart = piece_sum / count - sum / n;
            squares += apart * apart * n * count / (n + count);
        }
        sum += piece_sum;
        n += count;
    }
    Moments {
        mean: (sum / n) as f32,
        variance: (squares / n) as f32,
    }
}

/// The batch norm of a batch, and its statistics.
pub(crate) fn batch_norm(
    plane: usize,
    x: &[f32],
    weight: &[f32],
    bias: &[f32],
    epsilon: f64,
) -> (Vec<f32>, Vec<Moments<f32>>) {
    let planes = Planes {
        channels: weight.len(),
        plane,
        len: x.len(),
    };
    // SAFETY: all numbers of the channel are written, by this call alone.
    unsafe {
        planes.filled(|channel, to| {
            let moments = moments_of(planes, channel, x);
            let [scale, shift] = moments.affine(weight[channel], bias[channel], epsilon);
            planes.scale(channel, x, to, [scale, shift]);
            moments
        })
    }
}

pub(crate) fn scale_channels(
    channels: usize,
    plane: usize,
    x: &[f32],
    scale: &[f32],
    shift: &[f32],
) -> Vec<f32> {
    let planes = Planes {
        channels,
        plane,
        len: x.len(),
    };
    // SAFETY: all numbers of the channel are written, by this call alone.
    unsafe {
        planes.filled(|channel, to| {
            planes.scale(channel, x, to, [scale[channel], shift[channel]]);
        })
    }
    .0
}

pub(crate) fn batch_norm_gradient(
    plane: usize,
    x: &[f32],
    weight: &[f32],
    moments: &[Moments<f32>],
    epsilon: f64,
    dy: &[f32],
) -> NormGradient<f32> {
    let planes = Planes {
        channels: weight.len(),
        plane,
        len: x.len(),
    };
    // SAFETY: all numbers of the channel are written, by this call alone.
    let (dx, of_parameters) = unsafe {
        planes.filled(|channel, to| {
            let mean = moments[channel].mean;
            let parts: Vec<[f32; 2]> = planes
                .pieces(channel)
                .map(|piece| {
                    dispatch(Products {
                        x: &x[piece.clone()],
                        dy: &dy[piece],
                        mean,
                    })
                })
                .collect();
            let [sum, product] = parts.iter().fold([0f64; 2], |[a, b], part| {
                [a + f64::from(part[0]), b + f64::from(part[1])]
            });
            let inverse = 1.0 / (f64::from(moments[channel].variance) + epsilon).sqrt();
            let scale = (f64::from(weight[channel]) * inverse) as f32;
            let shift = (sum / planes.n()) as f32;
            let slope = (product * inverse * inverse / planes.n()) as f32;
            planes.map(
                channel,
                x,
                dy,
                to,
                #[inline(always)]
                |x, dy| scale * (dy - shift - (x - mean) * slope),
            );
            [(product * inverse) as f32, sum as f32]
        })
    };
    NormGradient {
        x: dx,
        weight: of_parameters.iter().map(|of| of[0]).collect(),
        bias: of_parameters.iter().map(|of| of[1]).collect(),
    }
}
