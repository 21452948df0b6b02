//! Convolution with a symmetric kernel as a product of spectra, block by block (overlap-save).
//!
//! The kernel is centred, so the result has no delay, and its spectrum is real. With a longer inverse transform the
//! result comes out at a higher rate at no other cost.

use realfft::num_complex::Complex;
use realfft::{RealFftPlanner, RealToComplex};

/// Plans and buffers that a thread keeps from one clip to the next.
pub(super) struct Convolver {
    planner: RealFftPlanner<f32>,
    block: Vec<f32>,
    spectrum: Vec<Complex<f32>>,
    gains: Vec<f32>,
    work: Vec<Complex<f32>>,
}

impl Default for Convolver {
    fn default() -> Self {
        Self {
            planner: RealFftPlanner::new(),
            block: Vec::new(),
            spectrum: Vec::new(),
            gains: Vec::new(),
            work: Vec::new(),
        }
    }
}

impl Convolver {
    /// Convolves and raises the rate `rate_factor` times (a power of two; above 1 the kernel must remove what lies at
    /// half the rate).
    ///
    /// `kernel` is the right half from its middle, `half + 1` taps. `padded` has `half` samples of context at each end;
    /// more zeros are added behind. `put(i, samples)` gets the result of `n` input samples piece by piece, the first of a
    /// piece at `i` of the output.
    pub(super) fn run(
        &mut self,
        padded: &mut Vec<f32>,
        kernel: &[f32],
        rate_factor: usize,
        mut put: impl FnMut(usize, &[f32]),
    ) {
        let half = kernel.len() - 1;
        let n_samples = padded.len().saturating_sub(2 * half);
        if n_samples == 0 {
            return;
        }
        let n_fft = block_length(half, n_samples);
        let n_new = n_fft - 2 * half;
        let n_out = n_fft * rate_factor;
        let forward = self.planner.plan_fft_forward(n_fft);
        let inverse = self.planner.plan_fft_inverse(n_out);
        let n_work = forward.get_scratch_len().max(inverse.get_scratch_len());
        self.work.resize(n_work, Complex::default());
        self.block.resize(n_out, 0.0);
        self.spectrum.resize(n_out / 2 + 1, Complex::default());
        self.set_gains(kernel, n_fft, &*forward);

        let n_blocks = n_samples.div_ceil(n_new);
        padded.resize((n_blocks - 1) * n_new + n_fft, 0.0);
        for start in (0..n_samples).step_by(n_new) {
            self.block[..n_fft].copy_from_slice(&padded[start..start + n_fft]);
            self.forward(&*forward, n_fft);
            let (low, high) = self.spectrum.split_at_mut(n_fft / 2 + 1);
            for (bin, gain) in low.iter_mut().zip(&self.gains) {
                *bin *= *gain;
            }
            high.fill(Complex::default());
            // The buffers have the plan's lengths, and the first and last bin are real.
            let done =
                inverse.process_with_scratch(&mut self.spectrum, &mut self.block, &mut self.work);
            debug_assert!(done.is_ok(), "{done:?}");
            let n_kept = n_new.min(n_samples - start);
            let kept = half * rate_factor..(half + n_kept) * rate_factor;
            put(start * rate_factor, &self.block[kept]);
        }
    }

    fn forward(&mut self, plan: &dyn RealToComplex<f32>, n_fft: usize) {
        let done = plan.process_with_scratch(
            &mut self.block[..n_fft],
            &mut self.spectrum[..=n_fft / 2],
            &mut self.work,
        );
        debug_assert!(done.is_ok(), "{done:?}");
    }

    /// The kernel's spectrum, which is real, over the length that the inverse transform multiplies with.
    fn set_gains(&mut self, kernel: &[f32], n_fft: usize, plan: &dyn RealToComplex<f32>) {
        self.block[..n_fft].fill(0.0);
        self.block[0] = kernel[0];
        for (n, &tap) in kernel.iter().enumerate().skip(1) {
            self.block[n] = tap;
            self.block[n_fft - n] = tap;
        }
        self.forward(plan, n_fft);
        self.gains.clear();
        let scale = 1.0 / n_fft as f32;
        let bins = &self.spectrum[..=n_fft / 2];
        self.gains.extend(bins.iter().map(|bin| bin.re * scale));
    }
}

/// The power of two that filters `n_samples` with the least work.
fn block_length(half: usize, n_samples: usize) -> usize {
    let shortest = (2 * half + 2).next_power_of_two().max(64);
    let cost = |n_fft: usize| {
        let n_blocks = n_samples.div_ceil(n_fft - 2 * half);
        n_blocks * (n_fft * (n_fft.ilog2() as usize + 4) + 64)
    };
    (0..6)
        .map(|doubling| shortest << doubling)
        .min_by_key(|&n_fft| cost(n_fft))
        .unwrap_or(shortest)
}
