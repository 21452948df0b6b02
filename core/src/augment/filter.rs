//! High- and low-pass by a windowed sinc, as julius defines it.
//!
//! Cutoff `c` (in cycles per sample), half length `h = ⌊8 / c / 2⌋`, taps `n = −h..=h`:
//! `kernel[n] ∝ hann[n] · sinc(2π c n)` with a symmetric Hann window, scaled to sum 1. The wave continues with its first
//! and last sample. The high-pass is what the low-pass takes away. No delay: the kernel is centred.
//!
//! The plain sum takes up to 883 products a sample; the [`Convolver`] does it with spectra.

use super::convolve::Convolver;
use std::cell::RefCell;

/// Half length in periods of the cutoff.
const ZEROS: f64 = 8.0;

/// Keeps what lies below `hz`.
pub(super) fn low_pass(wave: &mut [f32], hz: f32, rate_hz: u32) {
    filter(wave, &kernel(hz, rate_hz), |_, low| low);
}

/// Keeps what lies above `hz`.
pub(super) fn high_pass(wave: &mut [f32], hz: f32, rate_hz: u32) {
    filter(wave, &kernel(hz, rate_hz), |x, low| x - low);
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
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

#[derive(Default)]
struct Scratch {
    convolver: Convolver,
    padded: Vec<f32>,
}

/// Each sample becomes `mix(sample, filtered sample)`.
fn filter(wave: &mut [f32], kernel: &[f32], mix: impl Fn(f32, f32) -> f32) {
    let (Some(&first), Some(&last)) = (wave.first(), wave.last()) else {
        return;
    };
    SCRATCH.with_borrow_mut(|Scratch { convolver, padded }| {
        let half = kernel.len() - 1;
        padded.clear();
        padded.resize(half, first);
        padded.extend_from_slice(wave);
        padded.resize(wave.len() + 2 * half, last);
        convolver.run(padded, kernel, 1, |start, low| {
            for (sample, &low) in wave[start..].iter_mut().zip(low) {
                *sample = mix(*sample, low);
            }
        });
    });
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
