//! Convolution 3×3, stride 1, padding 1, by Winograd's minimal filtering F(4×4, 3×3), on feature maps in blocks of sixteen channels.
//!
//! A tile of 4×4 outputs takes 36 products per pair of channels instead of 144. Its steps, for a group of tiles at a time so that
//! all stays in the caches:
//!
//! ```text
//! V = Bᵀ d B  (6×6 inputs, overlapping)      36 products  M = V U  (tiles × in · in × out)      y = Aᵀ M A  (4×4 outputs)
//! ```
//!
//! The gradient for the weights is the transpose of that: `dM = A dy Aᵀ`, `dU = Vᵀ dM`, `dw = Gᵀ dU G`. The gradient for the input is a
//! convolution with the kernel turned round.
//!
//! The interpolation points are 0, ±1/√2, ±√2, ∞ and not the usual 0, ±1, ±2, ∞: measured on 64 channels against f64 the error
//! is 8.5e-7 of the output's deviation instead of 1.8e-6 (direct summation: 3.1e-7).
#![expect(unsafe_code, reason = "vector instructions and interleaved output")]

mod forward;
mod gradient;
mod weights;

pub(crate) use forward::{TaskSums, convolve};
pub(crate) use gradient::weight_gradient;
pub(crate) use weights::{Direction, transform_weights};

use super::lanes::{LANES, Lanes};
use super::maps::MapShape;

/// Outputs of a tile along one axis.
const OUT: usize = 4;
/// Inputs of a tile along one axis.
const IN: usize = 6;
/// Numbers of a transformed tile.
const POSITIONS: usize = IN * IN;

/// The positive interpolation points.
const A: f32 = std::f32::consts::FRAC_1_SQRT_2;
const B: f32 = std::f32::consts::SQRT_2;

/// Where a convolution reads: one number per channel and pixel, perhaps computed on the way.
pub(crate) trait Source: Sync {
    type Block<L: Lanes>: SourceBlock<L>;

    /// The sixteen channels of a block.
    ///
    /// # Safety
    /// As for [`Lanes`].
    unsafe fn block<L: Lanes>(&self, block: usize) -> Self::Block<L>;
}

/// Sixteen channels of a [`Source`].
pub(crate) trait SourceBlock<L>: Copy {
    /// The numbers at `offset` into the maps.
    ///
    /// # Safety
    /// As for [`Lanes`]; `offset` lies in the maps.
    unsafe fn at(&self, offset: usize) -> L;
}

/// Where a convolution writes, and what it adds up on the way.
pub(crate) trait Sink: Sync {
    type Block<L: Lanes>: SinkBlock<L>;

    /// The sixteen channels of a block, with what the task has added up for them so far.
    ///
    /// # Safety
    /// As for [`Lanes`].
    unsafe fn block<L: Lanes>(&self, block: usize, sums: &[[f32; LANES]; 3]) -> Self::Block<L>;
}

/// Sixteen channels of a [`Sink`].
pub(crate) trait SinkBlock<L> {
    /// Takes the result for a pixel (row, column) at `offset` into the maps.
    ///
    /// # Safety
    /// As for [`Lanes`]; `offset` lies in the maps, and nobody else writes there.
    unsafe fn put(&mut self, offset: usize, pixel: [usize; 2], value: L);

    /// Hands back what was added up.
    ///
    /// # Safety
    /// As for [`Lanes`].
    unsafe fn finish(self, sums: &mut [[f32; LANES]; 3]);
}

/// How an image falls into tiles, and tiles into tasks.
#[derive(Clone, Copy, Debug)]
struct Tiling {
    height: usize,
    width: usize,
    /// Tiles down and across.
    tiles: [usize; 2],
    /// All tiles of the batch.
    n_tiles: usize,
    /// Tiles of one task; a multiple of every [`Lanes::ROWS`].
    group: usize,
}

impl Tiling {
    /// `width` is the larger number of channels.
    fn new(shape: &MapShape, width: usize) -> Self {
        let tiles = [shape.height.div_ceil(OUT), shape.width.div_ceil(OUT)];
        Self {
            height: shape.height,
            width: shape.width,
            tiles,
            n_tiles: shape.batch * tiles[0] * tiles[1],
            // Measured: more tiles per task read the weights less often, but leave the second-level cache.
            group: if width > 64 { 24 } else { 48 },
        }
    }

    fn n_groups(&self) -> usize {
        self.n_tiles.div_ceil(self.group)
    }

    /// Image and place (in tiles) of a tile.
    #[inline(always)]
    fn place(&self, tile: usize) -> (usize, usize, usize) {
        let across = self.tiles[1];
        let per_image = self.tiles[0] * across;
        (tile / per_image, tile % per_image / across, tile % across)
    }

    /// The tiles of a task.
    fn range(&self, group: usize) -> std::ops::Range<usize> {
        group * self.group..((group + 1) * self.group).min(self.n_tiles)
    }
}

/// `Bᵀ d` along one axis.
#[inline(always)]
unsafe fn input_line<L: Lanes>(d: [L; IN]) -> [L; IN] {
    // SAFETY: the caller's promise.
    unsafe {
        let (two, half) = (L::splat(-2.0), L::splat(-0.5));
        let middle = L::splat(-2.5);
        let (a, b) = (L::splat(A), L::splat(B));
        let (even_a, odd_a) = (d[2].times_plus(two, d[4]), d[1].times_plus(two, d[3]));
        let (even_b, odd_b) = (d[2].times_plus(half, d[4]), d[1].times_plus(half, d[3]));
        let (odd_a, odd_b) = (odd_a.times(a), odd_b.times(b));
        [
            d[2].times_plus(middle, d[0].plus(d[4])),
            even_a.plus(odd_a),
            even_a.minus(odd_a),
            even_b.plus(odd_b),
            even_b.minus(odd_b),
            d[3].times_plus(middle, d[1].plus(d[5])),
        ]
    }
}

/// `V[position][tile][channel]` of the tiles of a task.
#[inline(always)]
unsafe fn transform_inputs<L: Lanes, S: Source>(
    tiling: &Tiling,
    tiles: std::ops::Range<usize>,
    source: &S,
    blocks: usize,
    v: &mut [f32],
) {
    let plane = tiling.height * tiling.width * LANES;
    let (first, channels) = (tiles.start, blocks * LANES);
    let stride = tiling.group * channels;
    for block in 0..blocks {
        // SAFETY: the caller's promise; pixels outside of the image are not read.
        unsafe {
            let from = source.block::<L>(block);
            for tile in tiles.clone() {
                let (image, down, across) = tiling.place(tile);
                let base = (image * blocks + block) * plane;
                let to = v
                    .as_mut_ptr()
                    .add((tile - first) * channels + block * LANES);
                let mut half = [[L::zero(); IN]; IN];
                let inside = down > 0
                    && across > 0
                    && down * OUT + IN - 1 <= tiling.height
                    && across * OUT + IN - 1 <= tiling.width;
                if inside {
                    let corner =
                        base + ((down * OUT - 1) * tiling.width + across * OUT - 1) * LANES;
                    for s in 0..IN {
                        let mut column = [L::zero(); IN];
                        for r in 0..IN {
                            column[r] = from.at(corner + (r * tiling.width + s) * LANES);
                        }
                        half[s] = input_line(column);
                    }
                } else {
                    for s in 0..IN {
                        let mut column = [L::zero(); IN];
                        let x = (across * OUT + s).wrapping_sub(1);
                        for r in 0..IN {
                            let y = (down * OUT + r).wrapping_sub(1);
                            if x < tiling.width && y < tiling.height {
                                column[r] = from.at(base + (y * tiling.width + x) * LANES);
                            }
                        }
                        half[s] = input_line(column);
                    }
                }
                for r in 0..IN {
                    let mut row = [L::zero(); IN];
                    for s in 0..IN {
                        row[s] = half[s][r];
                    }
                    let row = input_line(row);
                    for s in 0..IN {
                        row[s].store(to.add((r * IN + s) * stride));
                    }
                }
            }
        }
    }
}
