//! High- and low-pass by a windowed sinc, as julius defines it.
//!
//! Cutoff `c` (in cycles per sample), half length `h = ⌊8 / c / 2⌋`, taps `n = −h..=h`:
//! `kernel[n] ∝ hann[n] · sinc(2π c n)` with a symmetric Hann window, scaled to sum 1. The wave continues with its first
//! and last sample. The high-pass is what the low-pass takes away. No delay: the kernel is centred.
//!
//! The plain sum takes up to 883 products a sample; here it is a product of spectra, block by block (overlap-save). The
//! kernel is symmetric about 0, so its spectrum is real.

use realfft::num_complex::Complex;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};
use std::cell::RefCell;
use std::sync::Arc;

/// Half length in periods of the cutoff.
const ZEROS: f64 = 8.0;

/// Keeps what lies below `hz`.
pub(super) fn low_pass(wave: &mut [f32], hz: f32, rate_hz: u32) {
    SCRATCH.with_borrow_mut(|scratch| scratch.filter(wave, &kernel(hz, rate_hz), |_, low| low));
}

/// Keeps what lies above `hz`.
pub(super) fn high_pass(wave: &mut [f32], hz: f32, rate_hz: u32) {
    SCRATCH.with_borrow_mut(|scratch| scratch.filter(wave, &kernel(hz, rate_hz), |x, low| x - low));
}

/// The right half of the kernel, from its middle.
fn kernel(hz: f32, rate_hz: u32) -> Vec<f32> {
    let cutoff = (f64::from(hz) / f64::from(rate_hz.max(1))).clamp(1e-6, 0.5);
    let half = (ZEROS / cutoff / 2.0) as usize;
    let tap = |n: usize| {
        if n == 0 {
            return 1.0;
        }
        let place = std::f64::consts::PI * n as f64;
        let hann = 0.5 + 0.5 * (place / half as f64).cos();
        let angle = 2.0 * cutoff * place;
        hann * angle.sin() / angle
    };
    let taps: Vec<f64> = (0..=half).map(tap).collect();
    let sum = 2.0 * taps.iter().sum::<f64>() - taps[0];
    taps.iter().map(|tap| (tap / sum) as f32).collect()
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::new(Scratch::new());
}

/// What a thread keeps from one clip to the next: plans and buffers.
struct Scratch {
    planner: RealFftPlanner<f32>,
    padded: Vec<f32>,
    block: Vec<f32>,
    spectrum: Vec<Complex<f32>>,
    gains: Vec<f32>,
    work: Vec<Complex<f32>>,
}

impl Scratch {
    fn new() -> Self {
        Self {
            planner: RealFftPlanner::new(),
            padded: Vec::new(),
            block: Vec::new(),
            spectrum: Vec::new(),
            gains: Vec::new(),
            work: Vec::new(),
        }
    }

    /// Each sample becomes `mix(sample, filtered sample)`.
    fn filter(&mut self, wave: &mut [f32], kernel: &[f32], mix: impl Fn(f32, f32) -> f32) {
        let (Some(&first), Some(&last)) = (wave.first(), wave.last()) else {
            return;
        };
        let half = kernel.len() - 1;
        let n_fft = block_length(half, wave.len());
        let n_new = n_fft - 2 * half;
        let forward = self.planner.plan_fft_forward(n_fft);
        let inverse = self.planner.plan_fft_inverse(n_fft);
        self.resize(n_fft, &forward, &inverse);
        self.set_gains(kernel, n_fft, &*forward);

        // [half times the first sample | wave | half times the last, and zeros up to a whole number of blocks]
        let n_blocks = wave.len().div_ceil(n_new);
        self.padded.clear();
        self.padded.resize(half, first);
        self.padded.extend_from_slice(wave);
        self.padded.resize(wave.len() + 2 * half, last);
        self.padded.resize((n_blocks - 1) * n_new + n_fft, 0.0);

        for (idx, out) in wave.chunks_mut(n_new).enumerate() {
            let start = idx * n_new;
            self.block
                .copy_from_slice(&self.padded[start..start + n_fft]);
            transform(
                &*forward,
                &mut self.block,
                &mut self.spectrum,
                &mut self.work,
            );
            for (bin, gain) in self.spectrum.iter_mut().zip(&self.gains) {
                *bin *= *gain;
            }
            let done =
                inverse.process_with_scratch(&mut self.spectrum, &mut self.block, &mut self.work);
            debug_assert!(done.is_ok(), "{done:?}");
            for (sample, &low) in out.iter_mut().zip(&self.block[half..]) {
                *sample = mix(*sample, low);
            }
        }
    }

    fn resize(
        &mut self,
        n_fft: usize,
        forward: &Arc<dyn RealToComplex<f32>>,
        inverse: &Arc<dyn ComplexToReal<f32>>,
    ) {
        self.block.resize(n_fft, 0.0);
        self.spectrum.resize(n_fft / 2 + 1, Complex::default());
        let n_work = forward.get_scratch_len().max(inverse.get_scratch_len());
        self.work.resize(n_work, Complex::default());
    }

    /// The kernel's spectrum, which is real, over the length that the inverse transform multiplies with.
    fn set_gains(&mut self, kernel: &[f32], n_fft: usize, forward: &dyn RealToComplex<f32>) {
        self.block.fill(0.0);
        self.block[0] = kernel[0];
        for (n, &tap) in kernel.iter().enumerate().skip(1) {
            self.block[n] = tap;
            self.block[n_fft - n] = tap;
        }
        transform(forward, &mut self.block, &mut self.spectrum, &mut self.work);
        self.gains.clear();
        let scale = 1.0 / n_fft as f32;
        self.gains
            .extend(self.spectrum.iter().map(|bin| bin.re * scale));
    }
}

/// Forward transform; the buffers have the plan's lengths, so that it cannot fail. `wave` is overwritten.
fn transform(
    plan: &dyn RealToComplex<f32>,
    wave: &mut [f32],
    spectrum: &mut [Complex<f32>],
    work: &mut [Complex<f32>],
) {
    let done = plan.process_with_scratch(wave, spectrum, work);
    debug_assert!(done.is_ok(), "{done:?}");
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition, sample by sample, in f64.
    fn plain_low_pass(wave: &[f32], hz: f32, rate_hz: u32) -> Vec<f64> {
        let kernel = kernel(hz, rate_hz);
        let last = wave.len() as i64 - 1;
        let at = |i: i64| f64::from(wave[i.clamp(0, last) as usize]);
        (0..=last)
            .map(|i| {
                let pairs = (1..kernel.len() as i64)
                    .map(|n| f64::from(kernel[n as usize]) * (at(i - n) + at(i + n)));
                f64::from(kernel[0]) * at(i) + pairs.sum::<f64>()
            })
            .collect()
    }

    #[test]
    fn blocks_of_spectra_give_the_plain_sum() {
        for (n, hz) in [
            (1, 700.0),
            (2, 50.0),
            (300, 200.0),
            (5000, 1200.0),
            (5000, 9000.0),
        ] {
            let mut stream = crate::rng::Address::new(n, crate::rng::Purpose::Check, 0).stream();
            let wave: Vec<f32> = (0..n).map(|_| stream.range(-1.0, 1.0)).collect();
            let plain = plain_low_pass(&wave, hz, 22050);
            let (mut low, mut high) = (wave.clone(), wave.clone());
            low_pass(&mut low, hz, 22050);
            high_pass(&mut high, hz, 22050);
            for i in 0..wave.len() {
                assert!(
                    (f64::from(low[i]) - plain[i]).abs() < 2e-6,
                    "{n} {hz} low {i}"
                );
                let expected = f64::from(wave[i]) - plain[i];
                assert!(
                    (f64::from(high[i]) - expected).abs() < 2e-6,
                    "{n} {hz} high {i}"
                );
            }
        }
    }

    #[test]
    fn a_constant_passes_low_and_not_high() {
        let (mut low, mut high) = (vec![0.5; 3000], vec![0.5; 3000]);
        low_pass(&mut low, 300.0, 22050);
        high_pass(&mut high, 300.0, 22050);
        assert!(low.iter().all(|sample| (sample - 0.5).abs() < 1e-6));
        assert!(high.iter().all(|sample| sample.abs() < 1e-6));
    }

    #[test]
    fn a_cutoff_above_what_the_rate_can_hold_changes_nothing() {
        let wave: Vec<f32> = (0..1000).map(|i| (i as f32 * 0.7).sin()).collect();
        let mut low = wave.clone();
        low_pass(&mut low, 20000.0, 8000);
        assert!(low.iter().zip(&wave).all(|(a, b)| (a - b).abs() < 1e-6));
    }
}
