//! Pitch shift at the same tempo, as SoX's `pitch` does it: stretch in time by the frequency ratio ([`stretch`], WSOLA
//! with SoX's settings), then resample to the old length.

mod resample;
pub(super) mod stretch;

use super::gain;
use std::cell::RefCell;

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

#[derive(Default)]
struct Scratch {
    stretch: stretch::Scratch,
    stretched: Vec<f32>,
    resample: resample::Scratch,
}

/// Shifts by `cents`; the length stays exactly. Gives the number of clipped samples.
pub(super) fn shift(wave: &mut [f32], cents: f32, rate_hz: u32) -> usize {
    if cents == 0.0 {
        return 0;
    }
    let ratio = (f64::from(cents) / 1200.0).exp2();
    SCRATCH.with_borrow_mut(|scratch| {
        let low_pass = resample::low_pass(ratio);
        let stretched = &mut scratch.stretched;
        stretched.clear();
        stretched.resize(resample::n_zeros_before(&low_pass), 0.0);
        stretch::stretch(wave, ratio, rate_hz, &mut scratch.stretch, stretched);
        resample::resample(stretched, &low_pass, ratio, &mut scratch.resample, wave);
    });
    gain::clip(wave)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    const RATE_HZ: u32 = 22050;

    fn sine(hz: f64, n: usize) -> Vec<f32> {
        (0..n)
            .map(|i| 0.5 * (TAU * hz * i as f64 / f64::from(RATE_HZ)).sin() as f32)
            .collect()
    }

    /// Where the spectrum of the windowed middle is largest, by refining around `near`.
    fn frequency(wave: &[f32], near: f64) -> f64 {
        let power = |hz: f64| {
            let (mut re, mut im) = (0.0, 0.0);
            for (i, &x) in wave.iter().enumerate() {
                let hann = 0.5 - 0.5 * (TAU * i as f64 / wave.len() as f64).cos();
                let (sin, cos) = (TAU * hz * i as f64 / f64::from(RATE_HZ)).sin_cos();
                re += f64::from(x) * hann * cos;
                im += f64::from(x) * hann * sin;
            }
            re * re + im * im
        };
        (-60..=60)
            .map(|cents| near * (f64::from(cents) / 2.0 / 1200.0).exp2())
            .max_by(|a, b| power(*a).total_cmp(&power(*b)))
            .unwrap()
    }

    #[test]
    fn a_tone_lands_within_a_cent_or_so_of_where_it_should() {
        for cents in [
            -1200.0, -700.0, -300.0, -1.0, 1.0, 50.0, 300.0, 700.0, 1200.0,
        ] {
            let mut wave = sine(523.25, 33_075);
            shift(&mut wave, cents, RATE_HZ);
            let expected = 523.25 * (f64::from(cents) / 1200.0).exp2();
            let found = frequency(&wave[4000..20_000], expected);
            let off = 1200.0 * (found / expected).log2();
            assert!(off.abs() < 3.0, "{cents} cents: off by {off}");
        }
    }

    #[test]
    fn a_hit_stays_sharp_and_in_place() {
        // Windows of 4 ms.
        const WINDOW: usize = 88;
        for cents in [-700.0, -300.0, 300.0, 700.0] {
            let mut wave: Vec<f32> = sine(220.0, 22050).iter().map(|x| 0.1 * x).collect();
            for (i, sample) in wave[11_000..].iter_mut().enumerate() {
                *sample += 0.8 * (-(i as f32) / 660.0).exp() * (i as f32 * 0.6).sin();
            }
            shift(&mut wave, cents, RATE_HZ);
            let energies: Vec<f32> = wave
                .chunks_exact(WINDOW)
                .map(|w| w.iter().map(|x| x * x).sum())
                .collect();
            let rise = |i: usize| energies[i + 2] / energies[i].max(1e-3);
            let at = (0..energies.len() - 2)
                .max_by(|&a, &b| rise(a).total_cmp(&rise(b)))
                .unwrap();
            let off_ms = ((at + 1) * WINDOW) as f32 / 22.05 - 11_000.0 / 22.05;
            assert!(rise(at) > 30.0, "{cents}: rises only {} times", rise(at));
            // Down 700 cents, segments of 82 ms step by 105 ms and may move by 7: what falls between is late by that.
            assert!(off_ms.abs() < 31.0, "{cents}: {off_ms} ms off");
        }
    }
}
