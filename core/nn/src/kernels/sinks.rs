//! Where convolutions write, and what is added up on the way.
#![expect(unsafe_code, reason = "vector instructions and interleaved output")]

use super::lanes::{LANES, Lanes};
use super::maps::{MapShape, Pooled, load_block};
use super::shared::Shared;
use super::winograd::{Sink, SinkBlock};

/// Writes maps.
pub(crate) struct Store {
    pub(crate) to: Shared<f32>,
}

pub(crate) struct StoreBlock(*mut f32);

impl Sink for Store {
    type Block<L: Lanes> = StoreBlock;
    #[inline(always)]
    unsafe fn block<L: Lanes>(&self, _: usize, _: &[[f32; LANES]; 3]) -> StoreBlock {
        StoreBlock(self.to.pointer(0))
    }
}

impl<L: Lanes> SinkBlock<L> for StoreBlock {
    #[inline(always)]
    unsafe fn put(&mut self, offset: usize, _: [usize; 2], value: L) {
        // SAFETY: the caller's promise.
        unsafe { value.store(self.0.add(offset)) }
    }
    #[inline(always)]
    unsafe fn finish(self, _: &mut [[f32; LANES]; 3]) {}
}

/// Writes maps with a number added to each channel.
pub(crate) struct WithBias<'a> {
    pub(crate) to: Shared<f32>,
    /// In whole blocks.
    pub(crate) bias: &'a [f32],
}

pub(crate) struct WithBiasBlock<L>(*mut f32, L);

impl Sink for WithBias<'_> {
    type Block<L: Lanes> = WithBiasBlock<L>;
    #[inline(always)]
    unsafe fn block<L: Lanes>(&self, block: usize, _: &[[f32; LANES]; 3]) -> WithBiasBlock<L> {
        // SAFETY: the caller's promise.
        WithBiasBlock(self.to.pointer(0), unsafe { load_block(self.bias, block) })
    }
}

impl<L: Lanes> SinkBlock<L> for WithBiasBlock<L> {
    #[inline(always)]
    unsafe fn put(&mut self, offset: usize, _: [usize; 2], value: L) {
        // SAFETY: the caller's promise.
        unsafe { value.plus(self.1).store(self.0.add(offset)) }
    }
    #[inline(always)]
    unsafe fn finish(self, _: &mut [[f32; LANES]; 3]) {}
}

/// Adds to maps that [`Store`] wrote.
pub(crate) struct Adding {
    pub(crate) to: Shared<f32>,
}

pub(crate) struct AddingBlock(*mut f32);

impl Sink for Adding {
    type Block<L: Lanes> = AddingBlock;
    #[inline(always)]
    unsafe fn block<L: Lanes>(&self, _: usize, _: &[[f32; LANES]; 3]) -> AddingBlock {
        AddingBlock(self.to.pointer(0))
    }
}

impl<L: Lanes> SinkBlock<L> for AddingBlock {
    #[inline(always)]
    unsafe fn put(&mut self, offset: usize, _: [usize; 2], value: L) {
        // SAFETY: the caller's promise; these pixels were written before.
        unsafe {
            L::load(self.0.add(offset))
                .plus(value)
                .store(self.0.add(offset))
        }
    }
    #[inline(always)]
    unsafe fn finish(self, _: &mut [[f32; LANES]; 3]) {}
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
