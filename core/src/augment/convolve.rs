//! Convolution with a symmetric kernel as a product of spectra, block by block (overlap-save).
//!
//! The kernel is centred, so the result has no delay, and its spectrum is real: it does not mix the real and the imaginary part
//! of a wave. So two blocks go through one complex transform, one as the real and one as the imaginary part. With a longer
//! inverse transform the result comes out at a higher rate at no other cost.

use rustfft::num_complex::Complex;
use rustfft::{Fft, FftPlanner};

/// Plans and buffers that a thread keeps from one clip to the next.
pub(super) struct Convolver {
    planner: FftPlanner<f32>,
    spectrum: Vec<Complex<f32>>,
    raised: Vec<Complex<f32>>,
    gains: Vec<f32>,
    work: Vec<Complex<f32>>,
    kept: Vec<f32>,
}

/// A change of rate by `up / down`, at least 1.
#[derive(Clone, Copy)]
pub(super) struct Raise {
    pub(super) up: usize,
    pub(super) down: usize,
}

impl Raise {
    /// The same rate.
    pub(super) const NONE: Self = Self { up: 1, down: 1 };

    /// New rate over old.
    pub(super) const fn factor(self) -> f64 {
        self.up as f64 / self.down as f64
    }

    /// Samples at the new rate of `n` at the old, rounded up.
    fn of(self, n: usize) -> usize {
        (n * self.up).div_ceil(self.down)
    }
}

impl Default for Convolver {
    fn default() -> Self {
        Self {
            planner: FftPlanner::new(),
            spectrum: Vec::new(),
            raised: Vec::new(),
            gains: Vec::new(),
            work: Vec::new(),
            kept: Vec::new(),
        }
    }
}

impl Convolver {
    /// Convolves at the same rate.
    ///
    /// `kernel` is the right half from its middle, `half + 1` taps. `padded` has `half` samples of context at each end;
    /// more zeros are added behind. `put(i, samples)` gets the result of `n` input samples piece by piece, the first of a
    /// piece at `i` of the output.
    pub(super) fn run(
        &mut self,
        padded: &mut Vec<f32>,
        kernel: &[f32],
        put: impl FnMut(usize, &[f32]),
    ) {
        self.run_shaped(padded, kernel, Raise::NONE, |_| 1.0, put);
    }

    /// Convolves and raises the rate (the kernel must remove what lies at half the old rate if it does not stay, and have
    /// a multiple of `raise.down` taps beside its middle).
    ///
    /// The kernel's spectrum is multiplied by `shape` of the frequency (0 to ½ cycles per sample), which must be smooth:
    /// that it makes the kernel a little longer is not seen.
    pub(super) fn run_shaped(
        &mut self,
        padded: &mut Vec<f32>,
        kernel: &[f32],
        raise: Raise,
        shape: impl Fn(f64) -> f64,
        mut put: impl FnMut(usize, &[f32]),
    ) {
        let half = kernel.len() - 1;
        let n_samples = padded.len().saturating_sub(2 * half);
        if n_samples == 0 {
            return;
        }
        let n_fft = block_length(half, n_samples, raise);
        let n_new = n_fft - 2 * half;
        let n_out = raise.of(n_fft);
        let forward = self.planner.plan_fft_forward(n_fft);
        let inverse = self.planner.plan_fft_inverse(n_out);
        let n_work = forward
            .get_inplace_scratch_len()
            .max(inverse.get_inplace_scratch_len());
        self.work.resize(n_work, Complex::default());
        self.spectrum.resize(n_fft, Complex::default());
        self.raised.clear();
        self.raised.resize(n_out, Complex::default());
        self.set_gains(kernel, &*forward, shape);

        let n_blocks = n_samples.div_ceil(n_new).next_multiple_of(2);
        padded.resize((n_blocks - 1) * n_new + n_fft, 0.0);
        for start in (0..n_samples).step_by(2 * n_new) {
            let blocks = padded[start..start + n_fft]
                .iter()
                .zip(&padded[start + n_new..]);
            for (bin, (&first, &second)) in self.spectrum.iter_mut().zip(blocks) {
                *bin = Complex::new(first, second);
            }
            forward.process_with_scratch(&mut self.spectrum, &mut self.work);
            for (bin, gain) in self.spectrum.iter_mut().zip(&self.gains) {
                *bin *= *gain;
            }
            let result = if n_out == n_fft {
                &mut self.spectrum
            } else {
                // The positive frequencies stay at the start, the negative go to the end, the middle one to both.
                let middle = n_fft / 2;
                self.raised[..=middle].copy_from_slice(&self.spectrum[..=middle]);
                self.raised[middle + 1..n_out - middle].fill(Complex::default());
                self.raised[n_out - middle..].copy_from_slice(&self.spectrum[middle..]);
                &mut self.raised
            };
            inverse.process_with_scratch(result, &mut self.work);
            let kept = &result[raise.of(half)..][..raise.of(n_new)];
            self.kept.clear();
            self.kept.extend(kept.iter().map(|bin| bin.re));
            put_piece(start, &self.kept, n_samples, raise, &mut put);
            self.kept.clear();
            self.kept.extend(kept.iter().map(|bin| bin.im));
            put_piece(start + n_new, &self.kept, n_samples, raise, &mut put);
        }
    }

    /// The kernel's spectrum, which is real, over the length that the inverse transform multiplies with.
    fn set_gains(&mut self, kernel: &[f32], plan: &dyn Fft<f32>, shape: impl Fn(f64) -> f64) {
        let n_fft = self.spectrum.len();
        self.spectrum.fill(Complex::default());
        self.spectrum[0].re = kernel[0];
        for (n, &tap) in kernel.iter().enumerate().skip(1) {
            self.spectrum[n].re = tap;
            self.spectrum[n_fft - n].re = tap;
        }
        plan.process_with_scratch(&mut self.spectrum, &mut self.work);
        self.gains.clear();
        self.gains.resize(n_fft, 0.0);
        let scale = 1.0 / n_fft as f64;
        for k in 0..=n_fft / 2 {
            let gain = self.spectrum[k].re * (scale * shape(k as f64 * scale)) as f32;
            self.gains[k] = gain;
            self.gains[(n_fft - k) % n_fft] = gain;
        }
    }
}

/// Puts what of the piece from `start` on lies within `n_samples` of the input.
fn put_piece(
    start: usize,
    piece: &[f32],
    n_samples: usize,
    raise: Raise,
    put: &mut impl FnMut(usize, &[f32]),
) {
    let n_left = raise.of(n_samples.saturating_sub(start));
    if n_left > 0 {
        put(raise.of(start), &piece[..piece.len().min(n_left)]);
    }
}

/// The length that filters `n_samples` with the least work: a power of two, or `raise.down` times one.
fn block_length(half: usize, n_samples: usize, raise: Raise) -> usize {
    let shortest = (2 * half / raise.down + 1).max(32).next_power_of_two() * raise.down;
    let cost = |n_fft: usize| {
        let n_blocks = n_samples.div_ceil(n_fft - 2 * half);
        n_blocks * ((n_fft + raise.of(n_fft)) * (n_fft.ilog2() as usize + 4) + 128)
    };
    (0..6)
        .map(|doubling| shortest << doubling)
        .filter(|n_fft| *n_fft > 2 * half)
        .min_by_key(|&n_fft| cost(n_fft))
        .unwrap_or(shortest)
}
