//! The gradient for the weights: `dU = Vᵀ dM` over all tiles, then `dw = Gᵀ dU G`.
#![expect(unsafe_code, reason = "vector instructions and interleaved output")]

use super::weights::{Quarter, collect_gradient, padded};
use super::{A, B, BlocksOf, IN, Inputs, OUT, POSITIONS, Source, SourceBlock, Tiling};
use crate::kernels::buffer::with_scratch;
use crate::kernels::lanes::{Kernel, LANES, Lanes, dispatch};
use crate::kernels::maps::MapShape;
use crate::kernels::products::outer_products;
use rayon::prelude::*;
use std::ops::Range;

/// Tasks of a weight gradient; a fixed number, so that the result does not depend on the number of threads.
const TASKS: usize = 16;
/// The most channels of either side in one task: its 36 × 64 × 64 sums stay in the second-level cache, where those of
/// 128 × 128 channels came from the third for every group of tiles. The price is that tiles are transformed twice.
const CHANNELS: usize = 64;

/// Gradient for the weights `[out channels, in channels, 3, 3]`: `source` is what the convolution read, `gradient` that of its output.
pub(crate) fn weight_gradient<S: Source, G: Source>(
    shape: &MapShape,
    in_channels: usize,
    out_channels: usize,
    source: &S,
    gradient: &G,
) -> Vec<f32> {
    let (all_ins, all_outs) = (padded(in_channels), padded(out_channels));
    let (in_ranges, out_ranges) = (split(all_ins), split(all_outs));
    let tiling = Tiling::new(shape, CHANNELS.min(all_ins.max(all_outs)));
    let n_groups = tiling.n_groups();
    let parts = (TASKS / (in_ranges.len() * out_ranges.len())).clamp(1, n_groups.max(1));

    let mut quarters: Vec<Quarter> = Vec::new();
    for ins in &in_ranges {
        for outs in &out_ranges {
            quarters.push(Quarter {
                ins: ins.clone(),
                outs: outs.clone(),
                sums: vec![0.0; parts * POSITIONS * ins.len() * outs.len()],
            });
        }
    }
    let tasks: Vec<_> = quarters
        .iter_mut()
        .flat_map(|quarter| {
            let part_len = quarter.part_len();
            let (ins, outs) = (&quarter.ins, &quarter.outs);
            let parts = quarter.sums.chunks_exact_mut(part_len).enumerate();
            parts.map(move |(part, sums)| (part, ins, outs, sums))
        })
        .collect();
    tasks.into_par_iter().for_each(|(part, ins, outs, sums)| {
        let groups = part * n_groups / parts..(part + 1) * n_groups / parts;
        let len = POSITIONS * tiling.group * (ins.len() + outs.len());
        with_scratch(len, |scratch| {
            let (v, dm) = scratch.split_at_mut(POSITIONS * tiling.group * ins.len());
            for group in groups {
                let tiles = tiling.range(group);
                dispatch(Inputs {
                    tiling,
                    tiles: tiles.clone(),
                    source,
                    blocks: BlocksOf::range(all_ins, ins),
                    v: &mut *v,
                });
                dispatch(Gradients {
                    tiling,
                    tiles: tiles.clone(),
                    gradient,
                    blocks: BlocksOf::range(all_outs, outs),
                    dm: &mut *dm,
                });
                dispatch(OuterProducts {
                    group: tiling.group,
                    n_tiles: tiles.len(),
                    ins: ins.len(),
                    outs: outs.len(),
                    v: &*v,
                    dm: &*dm,
                    sums: &mut *sums,
                });
            }
        });
    });
    collect_gradient(&quarters, out_channels, in_channels)
}

/// Ranges of at most [`CHANNELS`] channels, in whole blocks, as even as they get.
fn split(channels: usize) -> Vec<Range<usize>> {
    let blocks = channels / LANES;
    let n = channels.div_ceil(CHANNELS);
    (0..n)
        .map(|i| i * blocks / n * LANES..(i + 1) * blocks / n * LANES)
        .collect()
}

/// The transformed gradients of a group of tiles.
struct Gradients<'a, G> {
    tiling: Tiling,
    tiles: Range<usize>,
    gradient: &'a G,
    blocks: BlocksOf,
    dm: &'a mut [f32],
}

impl<G: Source> Kernel for Gradients<'_, G> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<L: Lanes>(self) {
        // SAFETY: the caller's promise.
        unsafe {
            transform_gradients::<L, G>(
                &self.tiling,
                self.tiles,
                self.gradient,
                self.blocks,
                self.dm,
            );
        }
    }
}

/// The sums of outer products over a group of tiles. Apart from the transforms, which are compiled for every source.
struct OuterProducts<'a> {
    group: usize,
    n_tiles: usize,
    ins: usize,
    outs: usize,
    v: &'a [f32],
    dm: &'a [f32],
    /// `[position][in channel][out channel]`
    sums: &'a mut [f32],
}

impl Kernel for OuterProducts<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<L: Lanes>(self) {
        let Self {
            group,
            n_tiles,
            ins,
            outs,
            ..
        } = self;
        for position in 0..POSITIONS {
            // SAFETY: the caller's promise; offsets stay within the scratch memory and the sums.
            unsafe {
                let v = self.v.as_ptr().add(position * group * ins);
                let dm = self.dm.as_ptr().add(position * group * outs);
                let sums = self.sums.as_mut_ptr().add(position * ins * outs);
                outer_products::<L>(n_tiles, ins, outs, v, dm, sums);
            }
        }
    }
}

/// `dM[position][tile][channel]` of the tiles of a task.
#[inline(always)]
unsafe fn transform_gradients<L: Lanes, G: Source>(
    tiling: &Tiling,
    tiles: Range<usize>,
    gradient: &G,
    blocks: BlocksOf,
    dm: &mut [f32],
) {
    let plane = tiling.height * tiling.width * LANES;
    let (first, channels) = (tiles.start, blocks.channels());
    let stride = tiling.group * channels;
    for block in 0..blocks.n {
        // SAFETY: the caller's promise; pixels outside of the image are not read.
        unsafe {
            let from = gradient.block::<L>(blocks.first + block);
            for tile in tiles.clone() {
                let (image, down, across) = tiling.place(tile);
                let base = (image * blocks.all + blocks.first + block) * plane;
                let to = dm
                    .as_mut_ptr()
                    .add((tile - first) * channels + block * LANES);
                let rows = OUT.min(tiling.height - down * OUT);
                let columns = OUT.min(tiling.width - across * OUT);
                let corner = base + (down * OUT * tiling.width + across * OUT) * LANES;
                let mut half = [[L::zero(); IN]; OUT];
                for s in 0..OUT {
                    let mut column = [L::zero(); OUT];
                    if s < columns {
                        for r in 0..OUT {
                            if r < rows {
                                column[r] = from.at(corner + (r * tiling.width + s) * LANES);
                            }
                        }
                    }
                    half[s] = gradient_line(column);
                }
                for r in 0..IN {
                    let mut row = [L::zero(); OUT];
                    for s in 0..OUT {
                        row[s] = half[s][r];
                    }
                    let row = gradient_line(row);
                    for s in 0..IN {
                        row[s].store(to.add((r * IN + s) * stride));
                    }
                }
            }
        }
    }
}

/// `A y` along one axis.
#[inline(always)]
unsafe fn gradient_line<L: Lanes>(y: [L; OUT]) -> [L; IN] {
    // SAFETY: the caller's promise.
    unsafe {
        let (two, half) = (L::splat(2.0), L::splat(0.5));
        let (even_a, odd_a) = (
            y[2].times_plus(half, y[0]),
            y[3].times_plus(half, y[1]).times(L::splat(A)),
        );
        let (even_b, odd_b) = (
            y[2].times_plus(two, y[0]),
            y[3].times_plus(two, y[1]).times(L::splat(B)),
        );
        [
            y[0],
            even_a.plus(odd_a),
            even_a.minus(odd_a),
            even_b.plus(odd_b),
            even_b.minus(odd_b),
            y[3],
        ]
    }
}
