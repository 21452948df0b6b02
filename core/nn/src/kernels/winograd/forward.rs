//! From maps to maps: inputs to products to outputs, one task for a group of tiles.
#![expect(unsafe_code, reason = "vector instructions and interleaved output")]

use super::weights::Transformed;
use super::{A, B, BlocksOf, IN, Inputs, OUT, POSITIONS, Sink, SinkBlock, Source, Tiling};
use crate::kernels::buffer::with_scratch;
use crate::kernels::lanes::{Kernel, LANES, Lanes, dispatch};
use crate::kernels::maps::MapShape;
use crate::kernels::products::{products, whole_panels};
use rayon::prelude::*;

/// Convolves `source` (maps of `weights.ins` channels) into `sink` (maps of `weights.outs` channels). Gives what the tasks
/// added up, `[tasks][blocks]`, in order, and how many pixels each had.
pub(crate) fn convolve<S: Source, K: Sink>(
    shape: &MapShape,
    weights: &Transformed,
    source: &S,
    sink: &K,
) -> Vec<TaskSums> {
    let tiling = Tiling::new(shape, weights.ins.max(weights.outs));
    (0..tiling.n_groups())
        .into_par_iter()
        .map(|group| {
            let len = POSITIONS * tiling.group * (weights.ins + weights.outs);
            with_scratch(len, |scratch| {
                let (v, m) = scratch.split_at_mut(POSITIONS * tiling.group * weights.ins);
                let tiles = tiling.range(group);
                dispatch(Inputs {
                    tiling,
                    tiles: tiles.clone(),
                    source,
                    blocks: BlocksOf::range(weights.ins, &(0..weights.ins)),
                    v: &mut *v,
                });
                dispatch(Products {
                    tiling,
                    n_tiles: tiles.len(),
                    weights,
                    v: &*v,
                    m: &mut *m,
                });
                dispatch(Outputs {
                    tiling,
                    tiles,
                    sink,
                    blocks: weights.outs / LANES,
                    m: &*m,
                })
            })
        })
        .collect()
}

/// What a task added up, block by block, and over how many pixels.
#[derive(Clone, Debug)]
pub(crate) struct TaskSums {
    pub(crate) blocks: Vec<[[f32; LANES]; 3]>,
    pub(crate) n_pixels: usize,
}

/// The products of a group of tiles. Apart from the transforms, which are compiled for every source and sink.
struct Products<'a> {
    tiling: Tiling,
    n_tiles: usize,
    weights: &'a Transformed,
    v: &'a [f32],
    m: &'a mut [f32],
}

impl Kernel for Products<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<L: Lanes>(self) {
        let Transformed { data, ins, outs } = self.weights;
        let (ins, outs) = (*ins, *outs);
        let group = self.tiling.group;
        let rows = whole_panels(self.n_tiles, outs);
        for position in 0..POSITIONS {
            // SAFETY: the caller's promise; offsets stay within the scratch memory as laid out in `convolve`.
            unsafe {
                let v = self.v.as_ptr().add(position * group * ins);
                let u = data.as_ptr().add(position * ins * outs);
                let m = self.m.as_mut_ptr().add(position * group * outs);
                match ins {
                    16 => products::<L, 16>(rows, ins, outs, (v, ins), u, m),
                    64 => products::<L, 64>(rows, ins, outs, (v, ins), u, m),
                    128 => products::<L, 128>(rows, ins, outs, (v, ins), u, m),
                    256 => products::<L, 256>(rows, ins, outs, (v, ins), u, m),
                    _ => products::<L, 0>(rows, ins, outs, (v, ins), u, m),
                }
            }
        }
    }
}

/// From the products of a group of tiles to pixels.
struct Outputs<'a, K> {
    tiling: Tiling,
    tiles: std::ops::Range<usize>,
    sink: &'a K,
    blocks: usize,
    m: &'a [f32],
}

impl<K: Sink> Kernel for Outputs<'_, K> {
    type Output = TaskSums;

    #[inline(always)]
    unsafe fn run<L: Lanes>(self) -> TaskSums {
        // SAFETY: the caller's promise.
        unsafe {
            transform_outputs::<L, K>(&self.tiling, self.tiles, self.sink, self.blocks, self.m)
        }
    }
}

/// `Aᵀ m` along one axis.
#[inline(always)]
unsafe fn output_line<L: Lanes>(m: [L; IN]) -> [L; OUT] {
    // SAFETY: the caller's promise.
    unsafe {
        let (sum_a, difference_a) = (m[1].plus(m[2]), m[1].minus(m[2]).times(L::splat(A)));
        let (sum_b, difference_b) = (m[3].plus(m[4]), m[3].minus(m[4]).times(L::splat(B)));
        let (two, half) = (L::splat(2.0), L::splat(0.5));
        [
            m[0].plus(sum_a).plus(sum_b),
            difference_a.plus(difference_b),
            sum_a.times_plus(half, sum_b.times(two)),
            difference_a.times_plus(half, difference_b.times_plus(two, m[5])),
        ]
    }
}

/// From `M[position][tile][channel]` to pixels.
#[inline(always)]
unsafe fn transform_outputs<L: Lanes, K: Sink>(
    tiling: &Tiling,
    tiles: std::ops::Range<usize>,
    sink: &K,
    blocks: usize,
    m: &[f32],
) -> TaskSums {
    let plane = tiling.height * tiling.width * LANES;
    let (first, channels) = (tiles.start, blocks * LANES);
    let stride = tiling.group * channels;
    let mut all_sums = vec![[[0.0; LANES]; 3]; blocks];
    let mut n_pixels = 0;
    for (block, sums) in all_sums.iter_mut().enumerate() {
        n_pixels = 0;
        // SAFETY: the caller's promise; pixels outside of the image are not written.
        unsafe {
            let mut started = false;
            for tile in tiles.clone() {
                let (image, down, across) = tiling.place(tile);
                let base = (image * blocks + block) * plane;
                let from = m.as_ptr().add((tile - first) * channels + block * LANES);
                let mut half = [[L::zero(); OUT]; IN];
                for s in 0..IN {
                    let mut column = [L::zero(); IN];
                    for r in 0..IN {
                        column[r] = L::load(from.add((r * IN + s) * stride));
                    }
                    half[s] = output_line(column);
                }
                let rows = OUT.min(tiling.height - down * OUT);
                let columns = OUT.min(tiling.width - across * OUT);
                let mut into = sink.block::<L>(block, sums);
                for r in 0..OUT {
                    let mut row = [L::zero(); IN];
                    for s in 0..IN {
                        row[s] = half[s][r];
                    }
                    let row = output_line(row);
                    if r >= rows {
                        continue;
                    }
                    let y = down * OUT + r;
                    for s in 0..OUT {
                        if s < columns {
                            if !started {
                                // The first number is the pivot of the sums.
                                sums[0] = row[s].array();
                                into = sink.block::<L>(block, sums);
                                started = true;
                            }
                            let x = across * OUT + s;
                            into.put(base + (y * tiling.width + x) * LANES, [y, x], row[s]);
                        }
                    }
                }
                into.finish(sums);
                n_pixels += rows * columns;
            }
        }
    }
    TaskSums {
        blocks: all_sums,
        n_pixels,
    }
}
