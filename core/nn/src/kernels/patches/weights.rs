//! Weights as the products with patches want them.
#![expect(unsafe_code, reason = "tasks that write interleaved parts")]

use super::Lattice;
use crate::element::ConvShape;
use crate::kernels::lanes::LANES;
use crate::kernels::shared::Shared;
use crate::kernels::winograd::Direction;
use rayon::prelude::*;

/// Weights ready for products: `[out blocks, taps, in channels, 16]`; channels that only fill a block are 0.
#[derive(Clone, Debug)]
pub(crate) struct Packed {
    pub(super) data: Vec<f32>,
    /// Channels read and written, in whole blocks.
    pub(super) ins: usize,
    pub(super) outs: usize,
}

/// Packs weights `[out channels, in channels, taps]` for the taps of a lattice of that direction.
pub(crate) fn pack(
    weight: &[f32],
    shape: &ConvShape,
    lattice: &Lattice,
    direction: Direction,
) -> Packed {
    let (from, to) = match direction {
        Direction::Forward => (shape.in_channels, shape.out_channels),
        Direction::Backward => (shape.out_channels, shape.in_channels),
    };
    let (ins, outs) = (from.next_multiple_of(LANES), to.next_multiple_of(LANES));
    let all_taps = shape.kernel[0] * shape.kernel[1];
    // From one channel written to the next, and from one channel read to the next.
    let (to_stride, from_stride) = match direction {
        Direction::Forward => (shape.in_channels * all_taps, all_taps),
        Direction::Backward => (all_taps, shape.in_channels * all_taps),
    };
    let n_taps = lattice.taps.len();
    let mut data = vec![0.0; n_taps * ins * outs];
    let into = Shared::new(&mut data);
    let ranges = ins / LANES;
    (0..outs / LANES * ranges).into_par_iter().for_each(|task| {
        let (block, first) = (task / ranges, task % ranges * LANES);
        let lanes = LANES.min(to - block * LANES);
        for channel in first..(first + LANES).min(from) {
            let start = block * LANES * to_stride + channel * from_stride;
            for (t, tap) in lattice.taps.iter().enumerate() {
                let at = ((block * n_taps + t) * ins + channel) * LANES;
                // SAFETY: this task alone writes the numbers of its block and input channels.
                let numbers = unsafe { into.part(at, lanes) };
                let from = weight[start + tap.index..].iter().step_by(to_stride);
                for (number, &weight) in numbers.iter_mut().zip(from) {
                    *number = weight;
                }
            }
        }
    });
    Packed { data, ins, outs }
}
