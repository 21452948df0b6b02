//! Convolution of any kernel, stride, padding and dilation on feature maps in blocks of sixteen channels: what the kernel meets at each
//! pixel is put side by side (a patch), then it is a matrix product, patches × weights.
//!
//! ```text
//! V [pixels, taps × in channels]  ×  U [taps × in channels, out channels]  =  M [pixels, out channels]
//! ```
//!
//! The gradient for the input is such a convolution as well. With a stride of 2 the pixels of the input fall into four classes (row
//! and column even or odd), each of which met taps of its own: a [`Lattice`] is one such class, or all outputs of the way there.
//! Taps that only ever stand in the padding (maps smaller than the kernel) are left out.
//!
//! For what Winograd's way ([`super::winograd`]) does not do, or is slower for: strides, one dimension, maps of few pixels.
#![expect(unsafe_code, reason = "vector instructions and interleaved output")]

mod forward;
mod gradient;
mod weights;

pub(crate) use forward::convolve;
pub(crate) use gradient::weight_gradient;
pub(crate) use weights::pack;

use super::lanes::{Kernel, LANES, Lanes};
use super::winograd::{Source, SourceBlock};
use crate::element::ConvShape;
use std::ops::Range;

/// The most pixels of a task's group; a multiple of every panel of rows.
const MOST_ROWS: usize = 48;

/// Some of the pixels that a convolution gives, and where it reads for them.
#[derive(Clone, Debug)]
pub(crate) struct Lattice {
    batch: usize,
    /// Height and width of the maps that are read.
    from: [usize; 2],
    /// Height and width of the maps that are written.
    to: [usize; 2],
    /// Rows and columns of pixels.
    n: [usize; 2],
    /// Steps between the pixels, where they are read and where they are written.
    from_step: [usize; 2],
    to_step: [usize; 2],
    /// The first pixel written.
    to_first: [usize; 2],
    taps: Vec<Tap>,
}

/// A tap of the kernel.
#[derive(Clone, Copy, Debug)]
struct Tap {
    /// Its number in the kernel, row by row.
    index: usize,
    /// Where it reads for the first pixel.
    offset: [isize; 2],
}

/// One axis of a lattice.
struct Axis {
    n: usize,
    from_step: usize,
    to_step: usize,
    to_first: usize,
    /// Index along the axis, and where it reads for the first pixel.
    taps: Vec<(usize, isize)>,
}

impl Axis {
    /// Leaves out the taps that meet none of `size` pixels.
    fn without_useless_taps(mut self, size: usize) -> Self {
        let (n, step) = (self.n, self.from_step);
        self.taps.retain(|&(_, offset)| {
            (0..n).any(|i| {
                (i * step)
                    .checked_add_signed(offset)
                    .is_some_and(|i| i < size)
            })
        });
        self
    }

    /// All outputs of a convolution.
    fn forward(shape: &ConvShape, axis: usize, out: usize) -> Self {
        let (dilation, padding) = (shape.dilation[axis], shape.padding[axis] as isize);
        Self {
            n: out,
            from_step: shape.stride[axis],
            to_step: 1,
            to_first: 0,
            taps: (0..shape.kernel[axis])
                .map(|k| (k, (k * dilation) as isize - padding))
                .collect(),
        }
        .without_useless_taps(shape.input[axis])
    }

    /// Every stride-th input of a convolution, from `first` on.
    fn backward(shape: &ConvShape, axis: usize, out: usize, first: usize) -> Self {
        let stride = shape.stride[axis];
        let offset = |k: usize| {
            let at = (first + shape.padding[axis]) as isize - (k * shape.dilation[axis]) as isize;
            (at % stride as isize == 0).then_some((k, at / stride as isize))
        };
        Self {
            n: shape.input[axis].saturating_sub(first).div_ceil(stride),
            from_step: 1,
            to_step: stride,
            to_first: first,
            taps: (0..shape.kernel[axis]).filter_map(offset).collect(),
        }
        .without_useless_taps(out)
    }
}

impl Lattice {
    fn new(
        shape: &ConvShape,
        from: [usize; 2],
        to: [usize; 2],
        [down, across]: [&Axis; 2],
    ) -> Self {
        let taps = down.taps.iter().flat_map(|&(row, y)| {
            across.taps.iter().map(move |&(column, x)| Tap {
                index: row * shape.kernel[1] + column,
                offset: [y, x],
            })
        });
        Self {
            batch: shape.batch,
            from,
            to,
            n: [down.n, across.n],
            from_step: [down.from_step, across.from_step],
            to_step: [down.to_step, across.to_step],
            to_first: [down.to_first, across.to_first],
            taps: taps.collect(),
        }
    }

    /// All outputs.
    pub(crate) fn forward(shape: &ConvShape, out: [usize; 2]) -> Self {
        let axes = [0, 1].map(|axis| Axis::forward(shape, axis, out[axis]));
        Self::new(shape, shape.input, out, axes.each_ref())
    }

    /// All inputs, for their gradient; together the lattices hold each once.
    pub(crate) fn backward(shape: &ConvShape, out: [usize; 2]) -> Vec<Self> {
        let axes = [0, 1].map(|axis| {
            (0..shape.stride[axis])
                .map(|first| Axis::backward(shape, axis, out[axis], first))
                .collect::<Vec<_>>()
        });
        let [down, across] = &axes;
        down.iter()
            .flat_map(|down| {
                across
                    .iter()
                    .map(move |across| Self::new(shape, out, shape.input, [down, across]))
            })
            .collect()
    }

    /// The pixels of maps as they are.
    fn identity(batch: usize, size: [usize; 2]) -> Self {
        Self {
            batch,
            from: size,
            to: size,
            n: size,
            from_step: [1, 1],
            to_step: [1, 1],
            to_first: [0, 0],
            taps: vec![Tap {
                index: 0,
                offset: [0, 0],
            }],
        }
    }

    fn n_pixels(&self) -> usize {
        self.batch * self.n[0] * self.n[1]
    }

    /// Image, row and column of some pixels.
    fn places(&self, pixels: Range<usize>) -> impl Iterator<Item = [usize; 3]> {
        let [rows, columns] = self.n;
        let first = pixels.start;
        let mut place = [
            first / (rows * columns),
            first / columns % rows,
            first % columns,
        ];
        pixels.map(move |_| {
            let now = place;
            place[2] += 1;
            if place[2] == columns {
                place = [place[0], place[1] + 1, 0];
                if place[1] == rows {
                    place = [place[0] + 1, 0, 0];
                }
            }
            now
        })
    }
}

/// Puts the patches of some pixels side by side: `[pixel][tap][channel]`.
struct Gather<'a, S> {
    lattice: &'a Lattice,
    pixels: Range<usize>,
    source: &'a S,
    /// Blocks of channels that are wanted, and how many the maps have.
    blocks: Range<usize>,
    all_blocks: usize,
    /// From one row of `v` to the next.
    stride: usize,
    v: &'a mut [f32],
}

impl<S: Source> Kernel for Gather<'_, S> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<L: Lanes>(self) {
        let lattice = self.lattice;
        let ([height, width], n_blocks) = (lattice.from, self.blocks.len());
        let row_len = lattice.taps.len() * n_blocks * LANES;
        assert!(row_len <= self.stride && self.pixels.len() * self.stride <= self.v.len());
        for block in self.blocks.clone() {
            // SAFETY: the caller's promise; pixels outside of the image are not read, and `v` has room (checked above).
            unsafe {
                let from = self.source.block::<L>(block);
                let mut row = self.v.as_mut_ptr().add((block - self.blocks.start) * LANES);
                for [image, y, x] in lattice.places(self.pixels.clone()) {
                    let base = (image * self.all_blocks + block) * height * width * LANES;
                    let (y, x) = (y * lattice.from_step[0], x * lattice.from_step[1]);
                    let mut to = row;
                    for tap in &lattice.taps {
                        let y = y.wrapping_add_signed(tap.offset[0]);
                        let x = x.wrapping_add_signed(tap.offset[1]);
                        let value = if y < height && x < width {
                            from.at(base + (y * width + x) * LANES)
                        } else {
                            L::zero()
                        };
                        value.store(to);
                        to = to.wrapping_add(n_blocks * LANES);
                    }
                    row = row.wrapping_add(self.stride);
                }
            }
        }
    }
}
