//! Weights as Winograd's products want them: `U = G w Gᵀ`.
#![expect(unsafe_code, reason = "tasks write interleaved parts of one buffer")]

use super::{A, B, IN, POSITIONS};
use crate::nn::kernels::lanes::LANES;
use crate::nn::kernels::shared::Shared;
use rayon::prelude::*;

/// `G` (6×3).
pub(super) fn weight_matrix() -> [[f64; 3]; IN] {
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
    let g = weight_matrix().map(|row| row.map(|x| x as f32));
    let mut data = vec![0.0; POSITIONS * ins * outs];
    let shared = Shared::new(&mut data);
    (0..outs / LANES * ins).into_par_iter().for_each(|task| {
        let (block, i) = (task / ins, task % ins);
        let mut kernel = [[0f32; LANES]; 9];
        for lane in 0..LANES {
            let o = block * LANES + lane;
            if o >= to || i >= from {
                continue;
            }
            for (k, kernel) in kernel.iter_mut().enumerate() {
                kernel[lane] = match direction {
                    Direction::Forward => weight[(o * in_channels + i) * 9 + k],
                    Direction::Backward => weight[(i * in_channels + o) * 9 + 8 - k],
                };
            }
        }
        let mut half = [[0f32; LANES]; IN * 3];
        for r in 0..IN {
            for column in 0..3 {
                for lane in 0..LANES {
                    half[r * 3 + column][lane] = g[r][0] * kernel[column][lane]
                        + g[r][1] * kernel[3 + column][lane]
                        + g[r][2] * kernel[6 + column][lane];
                }
            }
        }
        for r in 0..IN {
            for s in 0..IN {
                let start = (((r * IN + s) * (outs / LANES) + block) * ins + i) * LANES;
                // SAFETY: this task alone writes this block's numbers of this input channel.
                let to = unsafe { shared.part(start, LANES) };
                for (lane, to) in to.iter_mut().enumerate() {
                    *to = half[r * 3][lane] * g[s][0]
                        + half[r * 3 + 1][lane] * g[s][1]
                        + half[r * 3 + 2][lane] * g[s][2];
                }
            }
        }
    });
    Transformed { data, ins, outs }
}
