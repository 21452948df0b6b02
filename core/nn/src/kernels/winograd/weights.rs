//! Weights as Winograd's products want them, `U = G w Gᵀ`, and back again for their gradient, `dw = Gᵀ dU G`.
//!
//! Both work on sixteen output channels at a time and walk through memory the way it lies: read channel by channel with the
//! stride of a matrix, a gradient of 128 × 128 channels took as long as the products it came from.
#![expect(
    unsafe_code,
    reason = "vector instructions, and tasks that write interleaved parts"
)]

use super::{A, B, IN, POSITIONS};
use crate::kernels::lanes::{Kernel, LANES, Lanes, dispatch};
use crate::kernels::shared::Shared;
use rayon::prelude::*;
use std::ops::Range;

/// Numbers of a kernel 3×3.
const TAPS: usize = 9;
/// Input channels of one task.
const IN_CHANNELS: usize = 16;

/// `G` (6×3).
fn weight_matrix() -> [[f32; 3]; IN] {
    let (a, b) = (f64::from(A), f64::from(B));
    let row = |point: f64, scale: f64| [scale, point * scale, point * point * scale];
    [
        [1.0, 0.0, 0.0],
        row(a, -1.0 / 1.5),
        row(-a, -1.0 / 1.5),
        row(b, 1.0 / 6.0),
        row(-b, 1.0 / 6.0),
        [0.0, 0.0, 1.0],
    ]
    .map(|row| row.map(|x| x as f32))
}

/// Which way the weights are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    /// From the input to the output.
    Forward,
    /// From the output's gradient to the input's: channels exchanged, kernel turned round.
    Backward,
}

/// Weights ready for products: `[36, out blocks, in channels, 16]`; channels that only fill a block are 0.
#[derive(Clone, Debug)]
pub(crate) struct Transformed {
    pub(super) data: Vec<f32>,
    pub(super) ins: usize,
    pub(super) outs: usize,
}

pub(super) fn padded(channels: usize) -> usize {
    channels.div_ceil(LANES) * LANES
}

/// Blocks of output channels and ranges of input channels, for the tasks: `(block, ins)`.
fn tasks(blocks: usize, ins: usize) -> impl IndexedParallelIterator<Item = (usize, Range<usize>)> {
    let ranges = ins.div_ceil(IN_CHANNELS);
    (0..blocks * ranges).into_par_iter().map(move |task| {
        let first = task % ranges * IN_CHANNELS;
        (task / ranges, first..(first + IN_CHANNELS).min(ins))
    })
}

/// Transforms weights `[out channels, in channels, 3, 3]`.
pub(crate) fn transform_weights(
    weight: &[f32],
    out_channels: usize,
    in_channels: usize,
    direction: Direction,
) -> Transformed {
    let (from, to) = match direction {
        Direction::Forward => (in_channels, out_channels),
        Direction::Backward => (out_channels, in_channels),
    };
    let (ins, outs) = (padded(from), padded(to));
    let mut data = vec![0.0; POSITIONS * ins * outs];
    let into = Shared::new(&mut data);
    tasks(outs / LANES, from).for_each(|(block, channels)| {
        for i in channels {
            let mut kernel = [[0f32; LANES]; TAPS];
            for lane in 0..LANES.min(to - block * LANES) {
                let o = block * LANES + lane;
                let start = match direction {
                    Direction::Forward => (o * in_channels + i) * TAPS,
                    Direction::Backward => (i * in_channels + o) * TAPS,
                };
                let taps = &weight[start..start + TAPS];
                for (k, &tap) in taps.iter().enumerate() {
                    let k = match direction {
                        Direction::Forward => k,
                        Direction::Backward => TAPS - 1 - k,
                    };
                    kernel[k][lane] = tap;
                }
            }
            dispatch(Transform {
                kernel,
                into,
                start: (block * ins + i) * LANES,
                stride: outs * ins,
            });
        }
    });
    Transformed { data, ins, outs }
}

/// `G w Gᵀ` of one input channel and sixteen output channels.
struct Transform {
    kernel: [[f32; LANES]; TAPS],
    into: Shared<f32>,
    start: usize,
    /// From one position to the next.
    stride: usize,
}

impl Kernel for Transform {
    type Output = ();

    #[inline(always)]
    unsafe fn run<L: Lanes>(self) {
        let g = weight_matrix();
        // SAFETY: the caller's promise; a task alone writes the numbers of its block and input channels.
        unsafe {
            let mut half = [[L::zero(); 3]; IN];
            for (r, half) in half.iter_mut().enumerate() {
                for (column, half) in half.iter_mut().enumerate() {
                    for row in 0..3 {
                        let tap = L::load(self.kernel[row * 3 + column].as_ptr());
                        *half = tap.times_plus(L::splat(g[r][row]), *half);
                    }
                }
            }
            for r in 0..IN {
                for s in 0..IN {
                    let mut sum = half[r][0].times(L::splat(g[s][0]));
                    sum = half[r][1].times_plus(L::splat(g[s][1]), sum);
                    sum = half[r][2].times_plus(L::splat(g[s][2]), sum);
                    let start = self.start + (r * IN + s) * self.stride;
                    sum.store(self.into.part(start, LANES).as_mut_ptr());
                }
            }
        }
    }
}

/// Partial sums of `dU` for some of the channels.
#[derive(Debug)]
pub(super) struct Quarter {
    /// Channels of the input and of the output; whole blocks.
    pub(super) ins: Range<usize>,
    pub(super) outs: Range<usize>,
    /// `[parts, 36, ins, outs]`
    pub(super) sums: Vec<f32>,
}

impl Quarter {
    pub(super) fn part_len(&self) -> usize {
        POSITIONS * self.ins.len() * self.outs.len()
    }
}

/// Adds the parts up, in order, and transforms them back: gradient of the weights `[out channels, in channels, 3, 3]`.
pub(super) fn collect_gradient(
    quarters: &[Quarter],
    out_channels: usize,
    in_channels: usize,
) -> Vec<f32> {
    let mut weight = vec![0f32; out_channels * in_channels * TAPS];
    let into = Shared::new(&mut weight);
    for quarter in quarters {
        let ins = quarter.ins.start..quarter.ins.end.min(in_channels);
        tasks(quarter.outs.len() / LANES, ins.len()).for_each(|(block, channels)| {
            for i in channels {
                let taps = dispatch(Collect { quarter, block, i });
                let first = quarter.outs.start + block * LANES;
                for lane in 0..LANES.min(out_channels.saturating_sub(first)) {
                    let start = ((first + lane) * in_channels + ins.start + i) * TAPS;
                    // SAFETY: this task alone writes the kernels of its block and input channels.
                    let kernel = unsafe { into.part(start, TAPS) };
                    for (tap, lanes) in kernel.iter_mut().zip(&taps) {
                        *tap = lanes[lane];
                    }
                }
            }
        });
    }
    weight
}

/// `Gᵀ dU G` of one input channel and a block of output channels.
struct Collect<'a> {
    quarter: &'a Quarter,
    /// Both counted within the quarter.
    block: usize,
    i: usize,
}

impl Kernel for Collect<'_> {
    type Output = [[f32; LANES]; TAPS];

    #[inline(always)]
    unsafe fn run<L: Lanes>(self) -> Self::Output {
        let Quarter { ins, outs, sums } = self.quarter;
        let g = weight_matrix();
        let mut taps = [[0f32; LANES]; TAPS];
        // SAFETY: the caller's promise; offsets stay within the sums.
        unsafe {
            let mut total = [[L::zero(); IN]; IN];
            for part in sums.chunks_exact(self.quarter.part_len()) {
                for r in 0..IN {
                    for s in 0..IN {
                        let row = (r * IN + s) * ins.len() + self.i;
                        let from = &part[row * outs.len() + self.block * LANES..][..LANES];
                        total[r][s] = total[r][s].plus(L::load(from.as_ptr()));
                    }
                }
            }
            let mut half = [[L::zero(); IN]; 3];
            for k in 0..3 {
                for s in 0..IN {
                    for r in 0..IN {
                        half[k][s] = total[r][s].times_plus(L::splat(g[r][k]), half[k][s]);
                    }
                }
            }
            for k in 0..3 {
                for l in 0..3 {
                    let mut sum = L::zero();
                    for s in 0..IN {
                        sum = half[k][s].times_plus(L::splat(g[s][l]), sum);
                    }
                    sum.store(taps[k * 3 + l].as_mut_ptr());
                }
            }
        }
        taps
    }
}
