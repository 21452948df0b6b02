//! The gradient for the weights: patches times gradients, added up over all pixels; a task for a block of input channels and a range of
//! output channels, so that no sums of tasks need adding.
#![expect(unsafe_code, reason = "vector instructions and interleaved output")]

use super::{Gather, Lattice, MOST_ROWS};
use crate::element::ConvShape;
use crate::kernels::buffer::with_scratch;
use crate::kernels::lanes::{Kernel, LANES, Lanes, dispatch};
use crate::kernels::products::outer_products;
use crate::kernels::shared::Shared;
use crate::kernels::winograd::Source;
use rayon::prelude::*;

/// The most output channels of a task, and how many if there would be few tasks.
const CHANNELS: [usize; 2] = [128, 64];
/// Tasks that are few.
const FEW: usize = 16;

/// Gradient for the weights `[out channels, in channels, taps]`: `source` is what the convolution read, `gradient` that of its output,
/// maps of the size `out`.
pub(crate) fn weight_gradient<S: Source, G: Source>(
    shape: &ConvShape,
    out: [usize; 2],
    source: &S,
    gradient: &G,
) -> Vec<f32> {
    let patches = Lattice::forward(shape, out);
    let pixels = Lattice::identity(shape.batch, out);
    let n_taps = patches.taps.len();
    let all_taps = shape.kernel[0] * shape.kernel[1];
    let in_blocks = shape.in_channels.div_ceil(LANES);
    let out_blocks = shape.out_channels.div_ceil(LANES);
    let [many, few] = CHANNELS.map(|channels| channels / LANES);
    let per_range = if in_blocks * out_blocks.div_ceil(many) < FEW {
        few
    } else {
        many
    };
    let ranges = out_blocks.div_ceil(per_range);
    let mut weight = vec![0.0; shape.out_channels * shape.in_channels * all_taps];
    let into = Shared::new(&mut weight);
    (0..in_blocks * ranges).into_par_iter().for_each(|task| {
        let (block, range) = (task / ranges, task % ranges);
        let blocks = range * per_range..((range + 1) * per_range).min(out_blocks);
        let (depth, outs) = (n_taps * LANES, blocks.len() * LANES);
        with_scratch(MOST_ROWS * (depth + outs) + depth * outs, |scratch| {
            let (v, rest) = scratch.split_at_mut(MOST_ROWS * depth);
            let (d, sums) = rest.split_at_mut(MOST_ROWS * outs);
            sums.fill(0.0);
            for first in (0..pixels.n_pixels()).step_by(MOST_ROWS) {
                let group = first..(first + MOST_ROWS).min(pixels.n_pixels());
                dispatch(Gather {
                    lattice: &patches,
                    pixels: group.clone(),
                    source,
                    blocks: block..block + 1,
                    all_blocks: in_blocks,
                    stride: depth,
                    v: &mut *v,
                });
                dispatch(Gather {
                    lattice: &pixels,
                    pixels: group.clone(),
                    source: gradient,
                    blocks: blocks.clone(),
                    all_blocks: out_blocks,
                    stride: outs,
                    v: &mut *d,
                });
                dispatch(OuterProducts {
                    n_rows: group.len(),
                    ins: depth,
                    outs,
                    v: &*v,
                    d: &*d,
                    sums: &mut *sums,
                });
            }
            let first_out = blocks.start * LANES;
            for o in 0..outs.min(shape.out_channels - first_out) {
                for i in 0..LANES.min(shape.in_channels - block * LANES) {
                    let start =
                        ((first_out + o) * shape.in_channels + block * LANES + i) * all_taps;
                    // SAFETY: this task alone writes the kernels of its channels.
                    let kernel = unsafe { into.part(start, all_taps) };
                    for (t, tap) in patches.taps.iter().enumerate() {
                        kernel[tap.index] = sums[(t * LANES + i) * outs + o];
                    }
                }
            }
        });
    });
    weight
}

/// Apart from gathering, which is compiled for every source.
struct OuterProducts<'a> {
    n_rows: usize,
    ins: usize,
    outs: usize,
    v: &'a [f32],
    d: &'a [f32],
    sums: &'a mut [f32],
}

impl Kernel for OuterProducts<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<L: Lanes>(self) {
        let (n, ins, outs) = (self.n_rows, self.ins, self.outs);
        assert!(n * ins <= self.v.len() && n * outs <= self.d.len());
        assert!(ins * outs == self.sums.len());
        // SAFETY: the caller's promise; sizes are checked above.
        unsafe {
            let (v, d) = (self.v.as_ptr(), self.d.as_ptr());
            outer_products::<L>(n, ins, outs, v, d, self.sums.as_mut_ptr());
        }
    }
}
