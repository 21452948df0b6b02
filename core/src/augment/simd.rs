//! Runs a loop with the widest instructions that the processor has.
//!
//! The code of `work` is compiled for AVX-512, AVX2 with FMA, and the baseline; the processor chooses. Everything that
//! `work` calls must be `#[inline(always)]` or a closure, otherwise it stays at the baseline. Rounding may differ
//! between processors (the widest sums have more lanes), never between two runs on one.

use pulp::{Scalar, Simd, WithSimd};

/// Runs `work` once.
#[inline]
pub(super) fn run<Work: WithSimd>(work: Work) -> Work::Output {
    #[cfg(target_arch = "x86_64")]
    {
        if let Some(simd) = pulp::x86::V4::try_new() {
            return Simd::vectorize(simd, work);
        }
        if let Some(simd) = pulp::x86::V3::try_new() {
            return Simd::vectorize(simd, work);
        }
    }
    Simd::vectorize(Scalar, work)
}
