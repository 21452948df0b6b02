//! Feature maps in blocks of sixteen channels, `[batch, blocks, height, width, 16]`: a pixel's block is one register.
//!
//! Norms, ReLU, pooling and odd widths need no care in this layout. Channels that only fill the last block are 0 throughout.
#![expect(unsafe_code, reason = "vector instructions")]

use super::lanes::{LANES, Lanes};
use rayon::prelude::*;

/// Sizes of a batch of feature maps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MapShape {
    pub(crate) batch: usize,
    pub(crate) channels: usize,
    pub(crate) height: usize,
    pub(crate) width: usize,
}

impl MapShape {
    /// Blocks of channels.
    pub(crate) fn blocks(&self) -> usize {
        self.channels.div_ceil(LANES)
    }

    /// Numbers in one block of one image.
    pub(crate) fn plane(&self) -> usize {
        self.height * self.width * LANES
    }

    /// All numbers.
    pub(crate) fn len(&self) -> usize {
        self.batch * self.blocks() * self.plane()
    }

    /// As dimensions of a tensor.
    pub(crate) fn dims(&self) -> [usize; 5] {
        [self.batch, self.blocks(), self.height, self.width, LANES]
    }

    /// Values per channel.
    pub(crate) fn per_channel(&self) -> usize {
        self.batch * self.height * self.width
    }
}

/// Numbers per channel, filled up with `fill` to whole blocks.
pub(crate) fn padded(values: impl Iterator<Item = f32>, blocks: usize) -> Vec<f32> {
    let mut padded: Vec<f32> = values.collect();
    padded.resize(blocks * LANES, 0.0);
    padded
}

/// Maps as tokens `[batch, times, channels * frequencies]`: all channels and frequencies of one time side by side.
pub(crate) fn to_tokens(shape: &MapShape, maps: &[f32]) -> Vec<f32> {
    let (plane, row) = (shape.plane(), shape.channels * shape.height);
    let mut tokens = vec![0.0; shape.batch * shape.width * row];
    tokens
        .par_chunks_mut(row.max(1))
        .enumerate()
        .for_each(|(i, token)| {
            let (image, time) = (i / shape.width, i % shape.width);
            for (channel, token) in token.chunks_exact_mut(shape.height).enumerate() {
                let base = (image * shape.blocks() + channel / LANES) * plane + channel % LANES;
                for (y, token) in token.iter_mut().enumerate() {
                    *token = maps[base + (y * shape.width + time) * LANES];
                }
            }
        });
    tokens
}

/// The transpose of [`to_tokens`]: gradients of tokens as gradients of maps.
pub(crate) fn from_tokens(shape: &MapShape, tokens: &[f32]) -> Vec<f32> {
    let row = shape.channels * shape.height;
    let mut maps = vec![0.0; shape.len()];
    maps.par_chunks_mut(shape.plane().max(1))
        .enumerate()
        .for_each(|(i, plane)| {
            let (image, block) = (i / shape.blocks(), i % shape.blocks());
            let lanes = LANES.min(shape.channels - block * LANES);
            for (pixel, numbers) in plane.chunks_exact_mut(LANES).enumerate() {
                let (y, time) = (pixel / shape.width, pixel % shape.width);
                let token = &tokens[(image * shape.width + time) * row..][..row];
                for (lane, number) in numbers[..lanes].iter_mut().enumerate() {
                    *number = token[(block * LANES + lane) * shape.height + y];
                }
            }
        });
    maps
}

/// Pixels that are turned from one layout to the other at a time: 4 kB, which stay in the first-level cache.
const TURNED: usize = 64;

/// Maps as planes `[batch, channels, height, width]`.
pub(crate) fn to_planes(shape: &MapShape, maps: &[f32]) -> Vec<f32> {
    let n_pixels = shape.height * shape.width;
    let mut planes = vec![0.0; shape.batch * shape.channels * n_pixels];
    let of_block = |maps: &[f32], planes: &mut [f32]| {
        for (i, pixels) in maps.chunks(TURNED * LANES).enumerate() {
            for (lane, plane) in planes.chunks_exact_mut(n_pixels).enumerate() {
                let plane = &mut plane[i * TURNED..];
                for (number, pixel) in plane.iter_mut().zip(pixels.chunks_exact(LANES)) {
                    *number = pixel[lane];
                }
            }
        }
    };
    let image_len = (shape.blocks() * shape.plane()).max(1);
    planes
        .par_chunks_mut((shape.channels * n_pixels).max(1))
        .zip(maps.par_chunks(image_len))
        .for_each(|(planes, maps)| {
            planes
                .par_chunks_mut(LANES * n_pixels)
                .zip(maps.par_chunks(shape.plane()))
                .for_each(|(planes, maps)| of_block(maps, planes));
        });
    planes
}

/// The inverse of [`to_planes`].
pub(crate) fn from_planes(shape: &MapShape, planes: &[f32]) -> Vec<f32> {
    let n_pixels = shape.height * shape.width;
    let mut maps = vec![0.0; shape.len()];
    maps.par_chunks_mut(shape.plane().max(1))
        .enumerate()
        .for_each(|(i, maps)| {
            let (image, first) = (i / shape.blocks(), i % shape.blocks() * LANES);
            let lanes = LANES.min(shape.channels - first);
            let planes = &planes[(image * shape.channels + first) * n_pixels..];
            for (i, pixels) in maps.chunks_mut(TURNED * LANES).enumerate() {
                for (lane, plane) in planes.chunks_exact(n_pixels).take(lanes).enumerate() {
                    let plane = &plane[i * TURNED..];
                    for (pixel, &number) in pixels.chunks_exact_mut(LANES).zip(plane) {
                        pixel[lane] = number;
                    }
                }
            }
        });
    maps
}

/// The sixteen numbers of a block in a list of numbers per channel.
#[inline(always)]
pub(crate) unsafe fn load_block<L: Lanes>(per_channel: &[f32], block: usize) -> L {
    assert!((block + 1) * LANES <= per_channel.len(), "too few channels");
    // SAFETY: checked above.
    unsafe { L::load(per_channel.as_ptr().add(block * LANES)) }
}

/// A gradient behind a maximum pooling and a ReLU, and where in its window each maximum was ([`NOWHERE`]: the ReLU let nothing pass).
#[derive(Clone, Copy)]
pub(crate) struct Pooled<'a> {
    pub(crate) gradient: &'a [f32],
    pub(crate) argmax: &'a [u8],
    pub(crate) window: [usize; 2],
}

/// In place of the index of a maximum: no gradient passes.
pub(crate) const NOWHERE: u8 = 255;

impl Pooled<'_> {
    /// The gradient before pooling and ReLU at a pixel of plane `plane` (image and block) of maps of `shape`.
    #[inline(always)]
    pub(crate) unsafe fn at<L: Lanes>(
        &self,
        shape: &MapShape,
        plane: usize,
        pixel: [usize; 2],
    ) -> L {
        let [height, width] = [shape.height / self.window[0], shape.width / self.window[1]];
        let [y, x] = [pixel[0] / self.window[0], pixel[1] / self.window[1]];
        // SAFETY: the caller's promise; what fills no window is left out.
        unsafe {
            if y >= height || x >= width {
                return L::zero();
            }
            let offset = ((plane * height + y) * width + x) * LANES;
            let k = (pixel[0] % self.window[0]) * self.window[1] + pixel[1] % self.window[1];
            L::load(self.gradient.as_ptr().add(offset))
                .where_byte_is(self.argmax.as_ptr().add(offset), k as u8)
        }
    }
}
