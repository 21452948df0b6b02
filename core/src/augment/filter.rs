//! High- and low-pass by a windowed sinc, as julius defines it.
//!
//! Cutoff `c` (in cycles per sample), half length `h = ⌊8 / c / 2⌋`, taps `n = −h..=h`:
//! `kernel[n] ∝ hann[n] · sinc(2π c n)` with a symmetric Hann window, scaled to sum 1. The wave continues with its first
//! and last sample. The high-pass is what the low-pass takes away. No delay: the kernel is centred.
//!
//! The band stop of the frequency mask is a difference of two such low-passes under one longer window: see [`band_stop`].
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

/// Removes the band of `octaves` around `hz` (its geometric middle): SpecAugment's frequency mask (Park et al., Interspeech 2019) on the
/// wave. Linear phase, no delay.
pub(super) fn band_stop(wave: &mut [f32], hz: f32, octaves: f32, rate_hz: u32) {
    if let Some(kernel) = band_kernel(hz, octaves, rate_hz) {
        filter(wave, &kernel, |x, band| x - band);
    }
}

/// The slopes at the band's edges, as parts of its width or, in a wide band, of its lower edge: each is centred at its edge, where the level has fallen by 6 dB.
const SLOPE_PART: f64 = 0.25;
/// Width of a Hann window's slope times the taps.
const HANN_SLOPE: f64 = 3.1;

/// The right half of a kernel that passes the band; `None` if the rate cannot hold the band. Its longest ring is half a second each way:
/// very narrow and low bands have wider slopes.
fn band_kernel(hz: f32, octaves: f32, rate_hz: u32) -> Option<Vec<f32>> {
    let rate_hz = f64::from(rate_hz.max(1));
    let (centre, factor) = (f64::from(hz) / rate_hz, (f64::from(octaves) / 2.0).exp2());
    let (low, high) = (centre / factor, (centre * factor).min(0.5));
    if low >= 0.5 {
        return None;
    }
    let taps = HANN_SLOPE / (SLOPE_PART * (high - low).min(low));
    let half = (taps.min(rate_hz) / 2.0).ceil() as usize;
    let tap = |n: usize| {
        if n == 0 {
            return 2.0 * (high - low);
        }
        let place = std::f64::consts::PI * n as f64;
        let hann = 0.5 + 0.5 * (place / (half + 1) as f64).cos();
        hann * ((2.0 * high * place).sin() - (2.0 * low * place).sin()) / place
    };
    let taps: Vec<f64> = (0..=half).map(tap).collect();
    // So that nothing of the middle is left, whatever the window.
    let middle = std::f64::consts::TAU * (low + high) / 2.0;
    let waves = (1..=half).map(|n| 2.0 * taps[n] * (middle * n as f64).cos());
    let sum = taps[0] + waves.sum::<f64>();
    Some(taps.iter().map(|tap| (tap / sum) as f32).collect())
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
        convolver.run(padded, kernel, |start, low| {
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
    fn a_band_stop_takes_its_band_and_nothing_beside_it() {
        let level_db = |octaves_off: f64, octaves: f32| {
            let hz = 1000.0 * octaves_off.exp2();
            let original: Vec<f32> = (0..22050)
                .map(|i| (std::f64::consts::TAU * hz * f64::from(i) / 22050.0).sin() as f32)
                .collect();
            let mut wave = original.clone();
            band_stop(&mut wave, 1000.0, octaves, 22050);
            let energy = |wave: &[f32]| {
                let middle = wave[6000..16_000].iter();
                middle.map(|x| f64::from(*x).powi(2)).sum::<f64>()
            };
            10.0 * (energy(&wave) / energy(&original)).log10()
        };
        for octaves in [0.5_f32, 1.0, 2.0] {
            let edge = f64::from(octaves) / 2.0;
            for inside in [0.0, -0.5, 0.5] {
                let level = level_db(inside * edge, octaves);
                assert!(level < -35.0, "{octaves} at {inside}: {level} dB");
            }
            for outside in [-1.5, 1.5, -2.5, 2.5] {
                let level = level_db(outside * edge, octaves);
                assert!(level.abs() < 0.2, "{octaves} at {outside}: {level} dB");
            }
            for at_edge in [-1.0, 1.0] {
                let level = level_db(at_edge * edge, octaves);
                assert!((level + 6.0).abs() < 1.0, "{octaves}: {level} dB");
            }
        }
    }

    #[test]
    fn a_band_that_the_rate_cannot_hold_is_none() {
        assert!(band_kernel(20_000.0, 0.5, 22050).is_none());
        let lowest = band_kernel(50.0, 0.1, 22050).unwrap();
        assert!(lowest.len() <= 22050 / 2 + 2, "{}", lowest.len());
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
