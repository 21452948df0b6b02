//! Where convolutions read: maps as they are, or computed on the way.
#![expect(unsafe_code, reason = "vector instructions")]

use super::lanes::Lanes;
use super::maps::load_block;
use super::winograd::{Source, SourceBlock};

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
