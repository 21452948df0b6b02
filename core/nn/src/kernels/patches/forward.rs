//! From maps to maps: patches to products to pixels, one task for a group of pixels and a range of output channels.
#![expect(unsafe_code, reason = "vector instructions and interleaved output")]

use super::weights::Packed;
use super::{Gather, Lattice, MOST_ROWS};
use crate::kernels::buffer::with_scratch;
use crate::kernels::lanes::{Kernel, LANES, Lanes, dispatch};
use crate::kernels::products::{products, whole_panels};
use crate::kernels::winograd::{Sink, SinkBlock, Source, TaskSums};
use rayon::prelude::*;
use std::ops::Range;

/// Output channels of one task: its patches are gathered anew for every range, which the products must outweigh.
const CHANNELS: usize = 128;
/// The same if there are few pixels.
const FEW_CHANNELS: usize = 32;
/// Groups that are few.
const FEW: usize = 8;

/// Convolves `source` (maps of `weights.ins` channels) into `sink` (maps of `weights.outs` channels), at the pixels of a lattice.
/// Gives what the tasks added up, group by group, in order.
pub(crate) fn convolve<S: Source, K: Sink>(
    lattice: &Lattice,
    weights: &Packed,
    source: &S,
    sink: &K,
) -> Vec<TaskSums> {
    let depth = lattice.taps.len() * weights.ins;
    // Half of the second-level cache at most for the patches.
    let group = if depth > 2304 {
        MOST_ROWS / 2
    } else {
        MOST_ROWS
    };
    let n_groups = lattice.n_pixels().div_ceil(group);
    let channels = if n_groups < FEW {
        FEW_CHANNELS
    } else {
        CHANNELS
    };
    let (blocks, per_range) = (weights.outs / LANES, channels / LANES);
    let ranges = blocks.div_ceil(per_range);
    let parts: Vec<TaskSums> = (0..n_groups * ranges)
        .into_par_iter()
        .map(|task| {
            let (group_idx, range) = (task / ranges, task % ranges);
            let pixels = group_idx * group..((group_idx + 1) * group).min(lattice.n_pixels());
            let blocks = range * per_range..((range + 1) * per_range).min(blocks);
            // Rows that lie a power of two apart would fight for the same places of the cache.
            let stride = depth + LANES;
            let outs = blocks.len() * LANES;
            with_scratch(group * (stride + outs), |scratch| {
                let (v, m) = scratch.split_at_mut(group * stride);
                dispatch(Gather {
                    lattice,
                    pixels: pixels.clone(),
                    source,
                    blocks: 0..weights.ins / LANES,
                    all_blocks: weights.ins / LANES,
                    stride,
                    v: &mut *v,
                });
                dispatch(Products {
                    rows: whole_panels(pixels.len(), outs),
                    depth,
                    outs,
                    v: (&*v, stride),
                    u: &weights.data[blocks.start * depth * LANES..blocks.end * depth * LANES],
                    m: &mut *m,
                });
                dispatch(Outputs {
                    lattice,
                    pixels,
                    sink,
                    blocks,
                    all_blocks: weights.outs / LANES,
                    m: &*m,
                })
            })
        })
        .collect();
    parts
        .chunks(ranges)
        .map(|ranges| TaskSums {
            blocks: ranges
                .iter()
                .flat_map(|part| &part.blocks)
                .copied()
                .collect(),
            n_pixels: ranges[0].n_pixels,
        })
        .collect()
}

/// Apart from gathering, which is compiled for every source.
struct Products<'a> {
    rows: usize,
    depth: usize,
    outs: usize,
    v: (&'a [f32], usize),
    u: &'a [f32],
    m: &'a mut [f32],
}

impl Kernel for Products<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<L: Lanes>(self) {
        let (v, stride) = self.v;
        assert!(self.rows * stride <= v.len() && self.rows * self.outs <= self.m.len());
        assert!(self.depth * self.outs == self.u.len());
        // SAFETY: the caller's promise; sizes are checked above.
        unsafe {
            products::<L, 0>(
                self.rows,
                self.depth,
                self.outs,
                (v.as_ptr(), stride),
                self.u.as_ptr(),
                self.m.as_mut_ptr(),
            );
        }
    }
}

/// From the products of a group to pixels.
struct Outputs<'a, K> {
    lattice: &'a Lattice,
    pixels: Range<usize>,
    sink: &'a K,
    blocks: Range<usize>,
    all_blocks: usize,
    m: &'a [f32],
}

impl<K: Sink> Kernel for Outputs<'_, K> {
    type Output = TaskSums;

    #[inline(always)]
    unsafe fn run<L: Lanes>(self) -> TaskSums {
        let lattice = self.lattice;
        let [height, width] = lattice.to;
        let outs = self.blocks.len() * LANES;
        assert!(self.pixels.len() * outs <= self.m.len());
        let mut all_sums = vec![[[0.0; LANES]; 3]; self.blocks.len()];
        for (i, sums) in all_sums.iter_mut().enumerate() {
            let block = self.blocks.start + i;
            // SAFETY: the caller's promise; pixels lie in the maps, and lattices share none.
            unsafe {
                let mut from = self.m.as_ptr().add(i * LANES);
                // The first number is the pivot of the sums.
                sums[0] = L::load(from).array();
                let mut into = self.sink.block::<L>(block, sums);
                for [image, y, x] in lattice.places(self.pixels.clone()) {
                    let y = lattice.to_first[0] + y * lattice.to_step[0];
                    let x = lattice.to_first[1] + x * lattice.to_step[1];
                    let base = (image * self.all_blocks + block) * height * width;
                    into.put((base + y * width + x) * LANES, [y, x], L::load(from));
                    from = from.wrapping_add(outs);
                }
                into.finish(sums);
            }
        }
        TaskSums {
            blocks: all_sums,
            n_pixels: self.pixels.len(),
        }
    }
}
