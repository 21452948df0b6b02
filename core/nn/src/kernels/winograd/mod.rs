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

use super::lanes::{Kernel, LANES, Lanes};
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

/// Which blocks of the maps' channels a task works on.
#[derive(Clone, Copy, Debug)]
struct BlocksOf {
    /// Blocks of the maps.
    all: usize,
    /// The first that is wanted, and how many.
    first: usize,
    n: usize,
}

impl BlocksOf {
    /// `range` of `channels`, both in whole blocks.
    fn range(channels: usize, range: &std::ops::Range<usize>) -> Self {
        Self {
            all: channels / LANES,
            first: range.start / LANES,
            n: range.len() / LANES,
        }
    }

    /// Channels wanted.
    fn channels(self) -> usize {
        self.n * LANES
    }
}

/// The transformed inputs of a group of tiles.
struct Inputs<'a, S> {
    tiling: Tiling,
    tiles: std::ops::Range<usize>,
    source: &'a S,
    blocks: BlocksOf,
    /// `[position][tile][channel]`
    v: &'a mut [f32],
}

impl<S: Source> Kernel for Inputs<'_, S> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<L: Lanes>(self) {
        // SAFETY: the caller's promise.
        unsafe {
            transform_inputs::<L, S>(&self.tiling, self.tiles, self.source, self.blocks, self.v);
        }
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
    blocks: BlocksOf,
    v: &mut [f32],
) {
    let plane = tiling.height * tiling.width * LANES;
    let (first, channels) = (tiles.start, blocks.channels());
    let stride = tiling.group * channels;
    for block in 0..blocks.n {
        // SAFETY: the caller's promise; pixels outside of the image are not read.
        unsafe {
            let from = source.block::<L>(blocks.first + block);
            for tile in tiles.clone() {
                let (image, down, across) = tiling.place(tile);
                let base = (image * blocks.all + blocks.first + block) * plane;
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

#[cfg(test)]
#[expect(unsafe_code, reason = "the buffer is filled by the convolution")]
mod tests {
    use super::super::buffer::Buffer;
    use super::super::lanes::Level;
    use super::super::sinks::WithStatistics;
    use super::super::sources::Plain;
    use super::*;
    use crate::element::ConvShape;
    use crate::plain;
    use crate::rng::{Address, Purpose};

    fn normal(n: usize, track: u64) -> Vec<f32> {
        let mut draws = Address::new(4, Purpose::Check, track).stream();
        (0..n).map(|_| draws.normal()).collect()
    }

    /// `[batch, channels, height, width]` in blocks.
    fn in_blocks(shape: &MapShape, values: &[f32]) -> Vec<f32> {
        let mut maps = vec![0.0; shape.len()];
        let pixels = shape.height * shape.width;
        for (i, &value) in values.iter().enumerate() {
            let (image, channel, pixel) = (
                i / pixels / shape.channels,
                i / pixels % shape.channels,
                i % pixels,
            );
            let block = image * shape.blocks() + channel / LANES;
            maps[block * shape.plane() + pixel * LANES + channel % LANES] = value;
        }
        maps
    }

    /// Root of the mean square of the differences, over that of the values expected.
    fn relative_error(found: &[f32], expected: &[f64]) -> f64 {
        assert_eq!(found.len(), expected.len());
        let squares = |values: &mut dyn Iterator<Item = f64>| values.map(|x| x * x).sum::<f64>();
        let errors = squares(&mut found.iter().zip(expected).map(|(f, e)| f64::from(*f) - e));
        (errors / squares(&mut expected.iter().copied())).sqrt()
    }

    /// Odd sizes; channels that fill no block, one, one quarter of a weight gradient, and several.
    #[test]
    fn the_error_against_direct_summation_in_f64_stays_within_its_bound() {
        for channels in [5, 16, 64, 80, 128] {
            let shape = MapShape {
                batch: 2,
                channels,
                height: 9,
                width: 14,
            };
            let conv = ConvShape {
                batch: 2,
                in_channels: channels,
                out_channels: channels,
                input: [9, 14],
                kernel: [3, 3],
                stride: [1, 1],
                padding: [1, 1],
                dilation: [1, 1],
            };
            let n = 2 * channels * 9 * 14;
            let (x, dy) = (normal(n, 1), normal(n, 2));
            let weight = normal(channels * channels * 9, 3);
            let wide = |values: &[f32]| -> Vec<f64> { values.iter().map(|&v| v.into()).collect() };
            let (x64, dy64, weight64) = (wide(&x), wide(&dy), wide(&weight));
            let expected = [
                plain::conv::forward(&conv, &x64, &weight64, None),
                plain::conv::input_gradient(&conv, &weight64, &dy64),
                plain::conv::weight_gradient(&conv, &x64, &dy64),
            ];
            let convolved = |values: &[f32], direction| {
                let maps = in_blocks(&shape, values);
                let weights = transform_weights(&weight, channels, channels, direction);
                // SAFETY: a convolution gives its sink every pixel of every block, and this one stores each.
                unsafe {
                    Buffer::filled(shape.len(), |to| {
                        convolve(&shape, &weights, &Plain(&maps), &WithStatistics { to });
                    })
                }
            };
            for level in Level::available() {
                let found = level.run(|| {
                    let (x, dy) = (in_blocks(&shape, &x), in_blocks(&shape, &dy));
                    weight_gradient(&shape, channels, channels, &Plain(&x), &Plain(&dy))
                });
                // Measured: 8.5e-7 forward and backward, 6e-7 for the weights.
                let error = relative_error(&found, &expected[2]);
                assert!(error < 1.5e-6, "{level:?}, {channels}: weights {error:e}");
                for (values, direction, expected) in [
                    (&x, Direction::Forward, &expected[0]),
                    (&dy, Direction::Backward, &expected[1]),
                ] {
                    let found = level.run(|| convolved(values, direction));
                    let whole: Vec<f32> = expected.iter().map(|&v| v as f32).collect();
                    let error = relative_error(&found, &wide(&in_blocks(&shape, &whole)));
                    assert!(
                        error < 1.5e-6,
                        "{level:?}, {channels}, {direction:?}: {error:e}"
                    );
                }
            }
        }
    }
}
