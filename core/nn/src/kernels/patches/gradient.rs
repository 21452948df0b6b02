//! The gradient for the weights: patches times gradients, added up over all pixels.
//!
//! A task has some of the input and output channels, as many as have room for their sums in the second-level cache: every
//! task reads all pixels. If there are few such tasks the pixels are divided as well, into a number of parts that depends on the sizes alone.
#![expect(unsafe_code, reason = "vector instructions and interleaved output")]

use super::{Gather, Lattice, MOST_ROWS};
use crate::element::ConvShape;
use crate::kernels::buffer::with_scratch;
use crate::kernels::lanes::{Kernel, LANES, Lanes, dispatch};
use crate::kernels::products::outer_products;
use crate::kernels::shared::Shared;
use crate::kernels::winograd::Source;
use rayon::prelude::*;
use std::ops::Range;

/// The most output channels of a task.
const OUT_CHANNELS: usize = 128;
/// The most sums of a task, 320 kB.
const SUMS: usize = 80 << 10;
/// About how many tasks there should be.
const TASKS: usize = 16;

/// Numbers of a task that adds parts up.
const ADDED: usize = 1 << 14;

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
    let outs_of_task = out_blocks.min(OUT_CHANNELS / LANES);
    let per_block = (n_taps * outs_of_task * LANES * LANES).max(1);
    let out_ranges = split(out_blocks, outs_of_task);
    let in_ranges = split(in_blocks, (SUMS / per_block).max(1));
    let groups = pixels.n_pixels().div_ceil(MOST_ROWS);
    let n_tasks = in_ranges.len() * out_ranges.len();
    let parts = TASKS.div_ceil(n_tasks).min(groups).max(1);

    let per_out = shape.in_channels * all_taps;
    let len = shape.out_channels * per_out;
    let mut weights = vec![0.0; parts * len];
    let into = Shared::new(&mut weights);
    (0..parts * n_tasks).into_par_iter().for_each(|task| {
        let (part, task) = (task / n_tasks, task % n_tasks);
        let ins = &in_ranges[task / out_ranges.len()];
        let outs = &out_ranges[task % out_ranges.len()];
        let (depth, n_outs) = (n_taps * ins.len() * LANES, outs.len() * LANES);
        with_scratch(MOST_ROWS * (depth + n_outs) + depth * n_outs, |scratch| {
            let (v, rest) = scratch.split_at_mut(MOST_ROWS * depth);
            let (d, sums) = rest.split_at_mut(MOST_ROWS * n_outs);
            sums.fill(0.0);
            for group in part * groups / parts..(part + 1) * groups / parts {
                let first = group * MOST_ROWS;
                let group = first..(first + MOST_ROWS).min(pixels.n_pixels());
                dispatch(Gather {
                    lattice: &patches,
                    pixels: group.clone(),
                    source,
                    blocks: ins.clone(),
                    all_blocks: in_blocks,
                    stride: depth,
                    v: &mut *v,
                });
                dispatch(Gather {
                    lattice: &pixels,
                    pixels: group.clone(),
                    source: gradient,
                    blocks: outs.clone(),
                    all_blocks: out_blocks,
                    stride: n_outs,
                    v: &mut *d,
                });
                dispatch(OuterProducts {
                    n_rows: group.len(),
                    ins: depth,
                    outs: n_outs,
                    v: &*v,
                    d: &*d,
                    sums: &mut *sums,
                });
            }
            // As the weights lie, while the sums are in the cache.
            let (first_in, n_ins) = (ins.start * LANES, ins.len() * LANES);
            for column in (0..n_outs).step_by(LANES) {
                let out = outs.start * LANES + column;
                let lanes = LANES.min(shape.out_channels - out);
                for i in 0..n_ins.min(shape.in_channels - first_in) {
                    let to = part * len + out * per_out + (first_in + i) * all_taps;
                    for (t, tap) in patches.taps.iter().enumerate() {
                        let row = &sums[(t * n_ins + i) * n_outs + column..][..lanes];
                        for (lane, &sum) in row.iter().enumerate() {
                            // SAFETY: this task alone writes the numbers of its part and channels.
                            unsafe { *into.pointer(to + lane * per_out + tap.index) = sum };
                        }
                    }
                }
            }
        });
    });
    // The parts are added up in order.
    let (total, rest) = weights.split_at_mut(len);
    total
        .par_chunks_mut(ADDED)
        .enumerate()
        .for_each(|(i, total)| {
            for part in rest.chunks_exact(len.max(1)) {
                for (total, part) in total.iter_mut().zip(&part[i * ADDED..]) {
                    *total += part;
                }
            }
        });
    weights.truncate(len);
    weights
}

/// Ranges of at most `most` of `n` blocks.
fn split(n: usize, most: usize) -> Vec<Range<usize>> {
    (0..n)
        .step_by(most)
        .map(|first| first..(first + most).min(n))
        .collect()
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
