//! The end of a block in one pass: batch norm, sum with the shortcut (if there is one), ReLU, maximum pooling; and its way back.
#![expect(unsafe_code, reason = "vector instructions and interleaved output")]

use super::buffer::Buffer;
use super::lanes::{Kernel, LANES, Lanes, dispatch};
use super::maps::{MapShape, NOWHERE, Pooled, load_block};
use super::shared::Shared;
use super::sources::NormCoefficients;
use rayon::prelude::*;

/// Maps and the batch norm that they go through.
#[derive(Clone, Copy)]
pub(crate) struct Normed<'a> {
    pub(crate) maps: &'a [f32],
    pub(crate) scale: &'a [f32],
    pub(crate) shift: &'a [f32],
}

/// What is added to the second convolution's maps.
#[derive(Clone, Copy)]
pub(crate) enum Shortcut<'a> {
    /// Nothing: there is no shortcut.
    Nothing,
    /// The block's input itself.
    Input(&'a [f32]),
    /// Through a convolution and batch norm.
    Convolved(Normed<'a>),
}

/// Pooled maps of `shape` divided by `window`, and where in its window each maximum was ([`NOWHERE`] if it is not above 0).
pub(crate) fn forward(
    shape: &MapShape,
    second: Normed<'_>,
    shortcut: Shortcut<'_>,
    window: [usize; 2],
) -> (Buffer, Vec<u8>) {
    let pooled = pooled_shape(shape, window);
    let planes = shape.batch * shape.blocks();
    let mut argmax = vec![NOWHERE; pooled.len()];
    let bytes = Shared::new(&mut argmax);
    // SAFETY: the tasks write every pixel of every plane.
    let maps = unsafe {
        Buffer::filled(pooled.len(), |to| {
            (0..planes * pooled.height)
                .into_par_iter()
                .for_each(|task| {
                    dispatch(Forward {
                        shape,
                        pooled: &pooled,
                        window,
                        plane: task / pooled.height,
                        row: task % pooled.height,
                        second,
                        shortcut,
                        to,
                        bytes,
                    });
                });
        })
    };
    (maps, argmax)
}

/// Sizes after pooling.
pub(crate) fn pooled_shape(shape: &MapShape, window: [usize; 2]) -> MapShape {
    MapShape {
        height: shape.height / window[0],
        width: shape.width / window[1],
        ..*shape
    }
}

struct Forward<'a> {
    shape: &'a MapShape,
    pooled: &'a MapShape,
    window: [usize; 2],
    plane: usize,
    row: usize,
    second: Normed<'a>,
    shortcut: Shortcut<'a>,
    to: Shared<f32>,
    bytes: Shared<u8>,
}

impl Kernel for Forward<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<L: Lanes>(self) {
        let block = self.plane % self.shape.blocks();
        // SAFETY: the caller's promise; offsets stay in the plane.
        unsafe {
            let scale: L = load_block(self.second.scale, block);
            let shift: L = load_block(self.second.shift, block);
            match self.shortcut {
                Shortcut::Nothing => {
                    let maps = self.second.maps.as_ptr();
                    self.pool::<L, false>(scale, shift, maps, L::zero(), L::zero());
                }
                Shortcut::Input(maps) => {
                    let (maps, one) = (maps.as_ptr(), L::splat(1.0));
                    self.pool::<L, true>(scale, shift, maps, one, L::zero());
                }
                Shortcut::Convolved(other) => {
                    let other_scale = load_block(other.scale, block);
                    let other_shift = load_block(other.shift, block);
                    let maps = other.maps.as_ptr();
                    self.pool::<L, true>(scale, shift, maps, other_scale, other_shift);
                }
            }
        }
    }
}

impl Forward<'_> {
    #[inline(always)]
    unsafe fn pool<L: Lanes, const BESIDE: bool>(
        &self,
        scale: L,
        shift: L,
        other: *const f32,
        other_scale: L,
        other_shift: L,
    ) {
        let [rows, columns] = self.window;
        // SAFETY: the caller's promise.
        unsafe {
            let shift = shift.plus(other_shift);
            let base = self.plane * self.shape.plane() + self.row * rows * self.shape.width * LANES;
            let out = (self.plane * self.pooled.height + self.row) * self.pooled.width * LANES;
            for x in 0..self.pooled.width {
                let mut best = L::zero();
                let mut place = L::splat(f32::from(NOWHERE));
                for r in 0..rows {
                    for s in 0..columns {
                        let offset = base + (r * self.shape.width + x * columns + s) * LANES;
                        let sum = if BESIDE {
                            L::load(other.add(offset)).times_plus(other_scale, shift)
                        } else {
                            shift
                        };
                        let value =
                            L::load(self.second.maps.as_ptr().add(offset)).times_plus(scale, sum);
                        let here = L::splat((r * columns + s) as f32);
                        place = here.where_greater(value, best, place);
                        best = value.or_larger(best);
                    }
                }
                best.store(self.to.pointer(out + x * LANES));
                place.store_bytes(self.bytes.pointer(out + x * LANES));
            }
        }
    }
}

/// For each block of channels: the sum of the gradient before pooling and ReLU, and of its products with the distance of the
/// second convolution's maps (and the shortcut's, if there are any) from their means.
pub(crate) fn sums(
    shape: &MapShape,
    pooled: Pooled<'_>,
    second: (&[f32], &[f32]),
    shortcut: Option<(&[f32], &[f32])>,
) -> Vec<[[f64; LANES]; 3]> {
    let blocks = shape.blocks();
    let rows = shape.height / pooled.window[0];
    let per_row: Vec<[[f32; LANES]; 3]> = (0..shape.batch * blocks * rows)
        .into_par_iter()
        .map(|task| {
            dispatch(Sums {
                shape,
                pooled,
                plane: task / rows,
                row: task % rows,
                second,
                shortcut,
            })
        })
        .collect();
    let mut totals = vec![[[0f64; LANES]; 3]; blocks];
    for (task, row) in per_row.iter().enumerate() {
        let total = &mut totals[task / rows % blocks];
        for (total, row) in total.iter_mut().zip(row) {
            for (total, &row) in total.iter_mut().zip(row) {
                *total += f64::from(row);
            }
        }
    }
    totals
}

/// Of the sums of blocks the first and one other, channel by channel.
pub(crate) fn of_channels(
    channels: usize,
    sums: &[[[f64; LANES]; 3]],
    which: usize,
) -> Vec<(f64, f64)> {
    (0..channels)
        .map(|c| {
            let block = &sums[c / LANES];
            (block[0][c % LANES], block[which][c % LANES])
        })
        .collect()
}

struct Sums<'a> {
    shape: &'a MapShape,
    pooled: Pooled<'a>,
    plane: usize,
    /// Of the pooled maps.
    row: usize,
    second: (&'a [f32], &'a [f32]),
    shortcut: Option<(&'a [f32], &'a [f32])>,
}

impl Kernel for Sums<'_> {
    type Output = [[f32; LANES]; 3];

    #[inline(always)]
    unsafe fn run<L: Lanes>(self) -> [[f32; LANES]; 3] {
        let block = self.plane % self.shape.blocks();
        let [rows, columns] = self.pooled.window;
        let width = self.shape.width / columns;
        let height = self.shape.height / rows;
        // SAFETY: the caller's promise; offsets stay in the plane.
        unsafe {
            let (second, mean): (_, L) = (self.second.0.as_ptr(), load_block(self.second.1, block));
            let (other, other_mean): (_, L) = match self.shortcut {
                Some((maps, mean)) => (maps.as_ptr(), load_block(mean, block)),
                None => (second, mean),
            };
            let (mut sum, mut product, mut other_product) = (L::zero(), L::zero(), L::zero());
            let base = self.plane * self.shape.plane() + self.row * rows * self.shape.width * LANES;
            let out = (self.plane * height + self.row) * width * LANES;
            for x in 0..width {
                let gradient = L::load(self.pooled.gradient.as_ptr().add(out + x * LANES));
                let bytes = self.pooled.argmax.as_ptr().add(out + x * LANES);
                for r in 0..rows {
                    for s in 0..columns {
                        let offset = base + (r * self.shape.width + x * columns + s) * LANES;
                        let here = gradient.where_byte_is(bytes, (r * columns + s) as u8);
                        sum = sum.plus(here);
                        product = L::load(second.add(offset))
                            .minus(mean)
                            .times_plus(here, product);
                        if self.shortcut.is_some() {
                            other_product = L::load(other.add(offset))
                                .minus(other_mean)
                                .times_plus(here, other_product);
                        }
                    }
                }
            }
            [sum.array(), product.array(), other_product.array()]
        }
    }
}

/// The gradient of the second convolution's maps (or the shortcut's), behind their batch norm, at every pixel.
pub(crate) fn before_norm(
    shape: &MapShape,
    pooled: Pooled<'_>,
    maps: &[f32],
    coefficients: &NormCoefficients,
) -> Buffer {
    let planes = shape.batch * shape.blocks();
    // SAFETY: the tasks write every row of every plane.
    unsafe {
        Buffer::filled(shape.len(), |to| {
            (0..planes * shape.height).into_par_iter().for_each(|task| {
                dispatch(BeforeNorm {
                    shape,
                    pooled,
                    plane: task / shape.height,
                    row: task % shape.height,
                    maps,
                    coefficients,
                    to,
                });
            });
        })
    }
}

struct BeforeNorm<'a> {
    shape: &'a MapShape,
    pooled: Pooled<'a>,
    plane: usize,
    row: usize,
    maps: &'a [f32],
    coefficients: &'a NormCoefficients,
    to: Shared<f32>,
}

impl Kernel for BeforeNorm<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<L: Lanes>(self) {
        let block = self.plane % self.shape.blocks();
        let [rows, columns] = self.pooled.window;
        let pooled_width = self.shape.width / columns;
        let pooled_height = self.shape.height / rows;
        // SAFETY: the caller's promise; offsets stay in the row.
        unsafe {
            let of_gradient: L = load_block(&self.coefficients.of_gradient, block);
            let of_maps: L = load_block(&self.coefficients.of_maps, block);
            let constant: L = load_block(&self.coefficients.constant, block);
            let base = self.plane * self.shape.plane() + self.row * self.shape.width * LANES;
            let (maps, to) = (self.maps.as_ptr().add(base), self.to.pointer(base));
            let covered = if self.row / rows < pooled_height {
                pooled_width * columns
            } else {
                0
            };
            let from = (self.plane * pooled_height + self.row / rows) * pooled_width * LANES;
            let mut x = 0;
            while x < covered {
                let window = from + x / columns * LANES;
                let gradient = L::load(self.pooled.gradient.as_ptr().add(window));
                let bytes = self.pooled.argmax.as_ptr().add(window);
                for s in 0..columns {
                    let k = self.row % rows * columns + s;
                    let here = gradient.where_byte_is(bytes, k as u8);
                    let offset = (x + s) * LANES;
                    let rest = L::load(maps.add(offset)).times_plus(of_maps, constant);
                    here.times_plus(of_gradient, rest).store(to.add(offset));
                }
                x += columns;
            }
            while x < self.shape.width {
                let offset = x * LANES;
                L::load(maps.add(offset))
                    .times_plus(of_maps, constant)
                    .store(to.add(offset));
                x += 1;
            }
        }
    }
}
