//! Feature maps in blocks of sixteen channels, `[batch, blocks, height, width, 16]`: a pixel's block is one register.
//!
//! Norms, ReLU, pooling and odd widths need no care in this layout. Channels that only fill the last block are 0 throughout.
#![expect(unsafe_code, reason = "vector instructions and interleaved output")]

use super::lanes::{LANES, Lanes};
use super::shared::Shared;
use super::winograd::{Sink, SinkBlock, Source, SourceBlock};
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

/// Maps as planes `[batch, channels, height, width]`.
pub(crate) fn to_planes(shape: &MapShape, maps: &[f32]) -> Vec<f32> {
    let n_pixels = shape.height * shape.width;
    let mut planes = vec![0.0; shape.batch * shape.channels * n_pixels];
    planes
        .par_chunks_mut(n_pixels.max(1))
        .enumerate()
        .for_each(|(i, plane)| {
            let (image, channel) = (i / shape.channels, i % shape.channels);
            let base = (image * shape.blocks() + channel / LANES) * shape.plane();
            let block = &maps[base..base + shape.plane()];
            for (number, pixel) in plane.iter_mut().zip(block.chunks_exact(LANES)) {
                *number = pixel[channel % LANES];
            }
        });
    planes
}

/// The inverse of [`to_planes`].
pub(crate) fn from_planes(shape: &MapShape, planes: &[f32]) -> Vec<f32> {
    let n_pixels = shape.height * shape.width;
    let mut maps = vec![0.0; shape.len()];
    maps.par_chunks_mut(shape.plane().max(1))
        .enumerate()
        .for_each(|(i, block)| {
            let (image, first) = (i / shape.blocks(), i % shape.blocks() * LANES);
            for lane in 0..LANES.min(shape.channels - first) {
                let plane = &planes[(image * shape.channels + first + lane) * n_pixels..];
                for (pixel, &number) in block.chunks_exact_mut(LANES).zip(plane) {
                    pixel[lane] = number;
                }
            }
        });
    maps
}

/// Reads maps as they are.
pub(crate) struct Plain<'a>(pub(crate) &'a [f32]);

#[derive(Clone, Copy)]
pub(crate) struct PlainBlock(*const f32);

impl Source for Plain<'_> {
    type Block<L: Lanes> = PlainBlock;
    #[inline(always)]
    unsafe fn block<L: Lanes>(&self, _: usize) -> PlainBlock {
        PlainBlock(self.0.as_ptr())
    }
}

impl<L: Lanes> SourceBlock<L> for PlainBlock {
    #[inline(always)]
    unsafe fn at(&self, offset: usize) -> L {
        // SAFETY: the caller's promise.
        unsafe { L::load(self.0.add(offset)) }
    }
}

/// Reads maps through batch norm and ReLU: `max(0, a * scale + shift)`.
pub(crate) struct Activated<'a> {
    pub(crate) maps: &'a [f32],
    pub(crate) scale: &'a [f32],
    pub(crate) shift: &'a [f32],
}

#[derive(Clone, Copy)]
pub(crate) struct ActivatedBlock<L> {
    maps: *const f32,
    scale: L,
    shift: L,
}

impl Source for Activated<'_> {
    type Block<L: Lanes> = ActivatedBlock<L>;
    #[inline(always)]
    unsafe fn block<L: Lanes>(&self, block: usize) -> ActivatedBlock<L> {
        // SAFETY: the caller's promise.
        unsafe {
            ActivatedBlock {
                maps: self.maps.as_ptr(),
                scale: load_block(self.scale, block),
                shift: load_block(self.shift, block),
            }
        }
    }
}

impl<L: Lanes> SourceBlock<L> for ActivatedBlock<L> {
    #[inline(always)]
    unsafe fn at(&self, offset: usize) -> L {
        // SAFETY: the caller's promise.
        unsafe {
            L::load(self.maps.add(offset))
                .times_plus(self.scale, self.shift)
                .or_larger(L::zero())
        }
    }
}

/// Reads the gradient behind a batch norm: `g * of_gradient + a * of_maps + constant`, channel by channel.
pub(crate) struct BehindNorm<'a> {
    pub(crate) gradient: &'a [f32],
    pub(crate) maps: &'a [f32],
    pub(crate) coefficients: &'a NormCoefficients,
}

/// What [`BehindNorm`] multiplies with.
#[derive(Clone, Debug)]
pub(crate) struct NormCoefficients {
    pub(crate) of_gradient: Vec<f32>,
    pub(crate) of_maps: Vec<f32>,
    pub(crate) constant: Vec<f32>,
}

#[derive(Clone, Copy)]
pub(crate) struct BehindNormBlock<L> {
    gradient: *const f32,
    maps: *const f32,
    of_gradient: L,
    of_maps: L,
    constant: L,
}

impl Source for BehindNorm<'_> {
    type Block<L: Lanes> = BehindNormBlock<L>;
    #[inline(always)]
    unsafe fn block<L: Lanes>(&self, block: usize) -> BehindNormBlock<L> {
        // SAFETY: the caller's promise.
        unsafe {
            BehindNormBlock {
                gradient: self.gradient.as_ptr(),
                maps: self.maps.as_ptr(),
                of_gradient: load_block(&self.coefficients.of_gradient, block),
                of_maps: load_block(&self.coefficients.of_maps, block),
                constant: load_block(&self.coefficients.constant, block),
            }
        }
    }
}

impl<L: Lanes> SourceBlock<L> for BehindNormBlock<L> {
    #[inline(always)]
    unsafe fn at(&self, offset: usize) -> L {
        // SAFETY: the caller's promise.
        unsafe {
            let constant = L::load(self.maps.add(offset)).times_plus(self.of_maps, self.constant);
            L::load(self.gradient.add(offset)).times_plus(self.of_gradient, constant)
        }
    }
}

/// The sixteen numbers of a block in a list of numbers per channel.
#[inline(always)]
pub(crate) unsafe fn load_block<L: Lanes>(per_channel: &[f32], block: usize) -> L {
    assert!((block + 1) * LANES <= per_channel.len(), "too few channels");
    // SAFETY: checked above.
    unsafe { L::load(per_channel.as_ptr().add(block * LANES)) }
}

/// Writes maps and adds up what their mean and variance need: sums of the distance from the first number and of its square.
pub(crate) struct WithStatistics {
    pub(crate) to: Shared<f32>,
}

pub(crate) struct WithStatisticsBlock<L> {
    to: *mut f32,
    pivot: L,
    sum: L,
    square: L,
}

impl Sink for WithStatistics {
    type Block<L: Lanes> = WithStatisticsBlock<L>;
    #[inline(always)]
    unsafe fn block<L: Lanes>(&self, _: usize, sums: &[[f32; LANES]; 3]) -> WithStatisticsBlock<L> {
        // SAFETY: the caller's promise.
        unsafe {
            WithStatisticsBlock {
                to: self.to.pointer(0),
                pivot: L::load(sums[0].as_ptr()),
                sum: L::load(sums[1].as_ptr()),
                square: L::load(sums[2].as_ptr()),
            }
        }
    }
}

impl<L: Lanes> SinkBlock<L> for WithStatisticsBlock<L> {
    #[inline(always)]
    unsafe fn put(&mut self, offset: usize, _: [usize; 2], value: L) {
        // SAFETY: the caller's promise.
        unsafe {
            value.store(self.to.add(offset));
            let distance = value.minus(self.pivot);
            self.sum = self.sum.plus(distance);
            self.square = distance.times_plus(distance, self.square);
        }
    }
    #[inline(always)]
    unsafe fn finish(self, sums: &mut [[f32; LANES]; 3]) {
        // SAFETY: the caller's promise.
        unsafe {
            self.sum.store(sums[1].as_mut_ptr());
            self.square.store(sums[2].as_mut_ptr());
        }
    }
}

/// Writes the gradient before a ReLU and adds up what the batch norm before that needs: the sums of the gradient and of its product
/// with the distance from the mean.
pub(crate) struct BeforeRelu<'a> {
    pub(crate) to: Shared<f32>,
    /// What the norm read.
    pub(crate) maps: &'a [f32],
    pub(crate) scale: &'a [f32],
    pub(crate) shift: &'a [f32],
    pub(crate) mean: &'a [f32],
}

pub(crate) struct BeforeReluBlock<L> {
    to: *mut f32,
    maps: *const f32,
    scale: L,
    shift: L,
    mean: L,
    sum: L,
    product: L,
}

impl Sink for BeforeRelu<'_> {
    type Block<L: Lanes> = BeforeReluBlock<L>;
    #[inline(always)]
    unsafe fn block<L: Lanes>(&self, block: usize, sums: &[[f32; LANES]; 3]) -> BeforeReluBlock<L> {
        // SAFETY: the caller's promise.
        unsafe {
            BeforeReluBlock {
                to: self.to.pointer(0),
                maps: self.maps.as_ptr(),
                scale: load_block(self.scale, block),
                shift: load_block(self.shift, block),
                mean: load_block(self.mean, block),
                sum: L::load(sums[1].as_ptr()),
                product: L::load(sums[2].as_ptr()),
            }
        }
    }
}

impl<L: Lanes> SinkBlock<L> for BeforeReluBlock<L> {
    #[inline(always)]
    unsafe fn put(&mut self, offset: usize, _: [usize; 2], value: L) {
        // SAFETY: the caller's promise.
        unsafe {
            let maps = L::load(self.maps.add(offset));
            let gradient = value.where_positive(maps.times_plus(self.scale, self.shift));
            gradient.store(self.to.add(offset));
            self.sum = self.sum.plus(gradient);
            self.product = maps.minus(self.mean).times_plus(gradient, self.product);
        }
    }
    #[inline(always)]
    unsafe fn finish(self, sums: &mut [[f32; LANES]; 3]) {
        // SAFETY: the caller's promise.
        unsafe {
            self.sum.store(sums[1].as_mut_ptr());
            self.product.store(sums[2].as_mut_ptr());
        }
    }
}

/// Writes the gradient for the input of a block whose shortcut is the input itself: what comes through the convolutions plus what
/// comes back through the pooling.
pub(crate) struct PlusShortcut<'a> {
    pub(crate) to: Shared<f32>,
    pub(crate) shape: MapShape,
    pub(crate) pooled: Pooled<'a>,
}

pub(crate) struct PlusShortcutBlock<'a> {
    to: *mut f32,
    shape: MapShape,
    pooled: Pooled<'a>,
}

impl<'a> Sink for PlusShortcut<'a> {
    type Block<L: Lanes> = PlusShortcutBlock<'a>;
    #[inline(always)]
    unsafe fn block<L: Lanes>(&self, _: usize, _: &[[f32; LANES]; 3]) -> PlusShortcutBlock<'a> {
        PlusShortcutBlock {
            to: self.to.pointer(0),
            shape: self.shape,
            pooled: self.pooled,
        }
    }
}

impl<L: Lanes> SinkBlock<L> for PlusShortcutBlock<'_> {
    #[inline(always)]
    unsafe fn put(&mut self, offset: usize, pixel: [usize; 2], value: L) {
        // SAFETY: the caller's promise.
        unsafe {
            let back = self
                .pooled
                .at::<L>(&self.shape, offset / self.shape.plane(), pixel);
            value.plus(back).store(self.to.add(offset));
        }
    }
    #[inline(always)]
    unsafe fn finish(self, _: &mut [[f32; LANES]; 3]) {}
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
