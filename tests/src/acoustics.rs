//! What is heard of a sound, as numbers: bands, decay, pitch, attacks. For comparing effects with other implementations.

use std::f64::consts::TAU;

/// Level in dB of each third of an octave, from 50 Hz to 10 kHz. From the longest power of two of samples that fits.
pub fn third_octaves_db(wave: &[f32], rate_hz: u32) -> Vec<f64> {
    let power = power_spectrum(wave);
    let n = 2 * power.len();
    (-13..=10)
        .map(|third| {
            let bin = |thirds: f64| {
                (1000.0 * 2f64.powf(thirds / 3.0) * n as f64 / f64::from(rate_hz)) as usize
            };
            let (from, to) = (
                bin(f64::from(third) - 0.5),
                bin(f64::from(third) + 0.5).min(n / 2),
            );
            10.0 * power[from..to.max(from + 1)].iter().sum::<f64>().log10()
        })
        .collect()
}

/// Largest difference in dB between bands that are within `range_db` of the loudest of `theirs`.
pub fn bands_apart_db(ours: &[f64], theirs: &[f64], range_db: f64) -> f64 {
    let loudest = theirs.iter().copied().fold(f64::MIN, f64::max);
    let audible = ours
        .iter()
        .zip(theirs)
        .filter(|(_, theirs)| **theirs > loudest - range_db);
    audible
        .map(|(ours, theirs)| (ours - theirs).abs())
        .fold(0.0, f64::max)
}

/// Schroeder's decay curve of an impulse response: the energy still to come at each sample, in dB below all of it.
pub fn decay_db(response: &[f32]) -> Vec<f64> {
    let mut energy = 0.0;
    let mut curve: Vec<f64> = response
        .iter()
        .rev()
        .map(|&x| {
            energy += f64::from(x).powi(2);
            energy
        })
        .collect();
    curve.reverse();
    curve
        .iter()
        .map(|still| 10.0 * (still / energy).log10())
        .collect()
}

/// Largest difference in dB between two decay curves, down to `to_db` of the second.
pub fn decays_apart_db(ours: &[f64], theirs: &[f64], to_db: f64) -> f64 {
    ours.iter()
        .zip(theirs)
        .take_while(|(_, theirs)| **theirs > to_db)
        .map(|(ours, theirs)| (ours - theirs).abs())
        .fold(0.0, f64::max)
}

/// By how many cents `a` sounds higher than `b`, at most 50: where their spectra over the logarithm of frequency (150 Hz to
/// 2.4 kHz) fit best.
pub fn cents_apart(a: &[f32], b: &[f32], rate_hz: u32) -> f64 {
    const FROM_HZ: f64 = 150.0;
    const N_CENTS: usize = 4800;
    const WIDEST: i32 = 50;
    let by_cent = |wave: &[f32]| -> Vec<f64> {
        let power = power_spectrum(wave);
        let values = (0..N_CENTS).map(|cent| {
            let hz = FROM_HZ * (cent as f64 / 1200.0).exp2();
            let place = hz * 2.0 * power.len() as f64 / f64::from(rate_hz);
            let (bin, part) = (place as usize, place.fract());
            // Loudness rather than power, so that not one partial decides.
            (power[bin] * (1.0 - part) + power[bin + 1] * part).powf(0.25)
        });
        let values: Vec<f64> = values.collect();
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        values.iter().map(|value| value - mean).collect()
    };
    let (a, b) = (by_cent(a), by_cent(b));
    let fit = |lag: i32| -> f64 {
        let n = WIDEST as usize + 1;
        (n..N_CENTS - n)
            .map(|cent| a[(cent as i32 + lag) as usize] * b[cent])
            .sum()
    };
    let best = (-WIDEST..=WIDEST)
        .max_by(|x, y| fit(*x).total_cmp(&fit(*y)))
        .unwrap_or(0);
    let (before, at, after) = (fit(best - 1), fit(best), fit(best + 1));
    f64::from(best) + 0.5 * (before - after) / (before - 2.0 * at + after)
}

/// Frequency of the tone within half a semitone of `near_hz`.
pub fn tone_hz(wave: &[f32], near_hz: f64, rate_hz: u32) -> f64 {
    let power = |hz: f64| {
        let (mut re, mut im) = (0.0, 0.0);
        for (i, &x) in wave.iter().enumerate() {
            let hann = 0.5 - 0.5 * (TAU * i as f64 / wave.len() as f64).cos();
            let (sin, cos) = (TAU * hz * i as f64 / f64::from(rate_hz)).sin_cos();
            re += f64::from(x) * hann * cos;
            im += f64::from(x) * hann * sin;
        }
        re * re + im * im
    };
    let cents = |cents: f64| near_hz * (cents / 1200.0).exp2();
    let best = |around: f64, step: f64| {
        (-10..=10)
            .map(|k| around + step * f64::from(k))
            .max_by(|a, b| power(cents(*a)).total_cmp(&power(cents(*b))))
            .unwrap_or(around)
    };
    cents(best(best(0.0, 5.0), 0.5))
}

/// Where the loudest attack is and how long it rises from a tenth to half of its peak, in ms.
pub fn attack_ms(wave: &[f32], rate_hz: u32) -> (f64, f64) {
    // The peak over a millisecond and a half: longer than a period of the hit, shorter than what the ear tells apart.
    let n = (f64::from(rate_hz) * 1.5e-3) as usize;
    let envelope: Vec<f32> = wave
        .windows(n)
        .map(|window| window.iter().fold(0.0, |peak, x| x.abs().max(peak)))
        .collect();
    let peak = envelope.iter().copied().fold(0.0, f32::max);
    let first_above = |part: f32| {
        let at = envelope.iter().position(|level| *level >= part * peak);
        at.unwrap_or(0) as f64 / f64::from(rate_hz) * 1e3
    };
    (first_above(0.5), first_above(0.5) - first_above(0.1))
}

/// The largest step from one sample to the next: a click is one that the sound itself does not have.
pub fn largest_step(wave: &[f32]) -> f32 {
    wave.windows(2)
        .map(|pair| (pair[1] - pair[0]).abs())
        .fold(0.0, f32::max)
}

/// Largest difference of two samples at one place.
pub fn largest_difference(a: &[f32], b: &[f32]) -> f32 {
    a.iter()
        .zip(b)
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, f32::max)
}

/// Energy of `theirs` over that of the difference, in dB.
pub fn above_difference_db(ours: &[f32], theirs: &[f32]) -> f64 {
    let energy = |values: &mut dyn Iterator<Item = f32>| -> f64 {
        values.map(|x| f64::from(x).powi(2)).sum()
    };
    let difference = energy(&mut ours.iter().zip(theirs).map(|(a, b)| a - b));
    10.0 * (energy(&mut theirs.iter().copied()) / difference).log10()
}

/// Power of the Hann-windowed start, as long a power of two as fits; half as many bins.
fn power_spectrum(wave: &[f32]) -> Vec<f64> {
    let n = (wave.len() + 1).next_power_of_two() / 2;
    let mut re: Vec<f64> = (0..n)
        .map(|i| f64::from(wave[i]) * (0.5 - 0.5 * (TAU * i as f64 / n as f64).cos()))
        .collect();
    let mut im = vec![0.0; n];
    fourier(&mut re, &mut im);
    (0..n / 2).map(|k| re[k].powi(2) + im[k].powi(2)).collect()
}

/// Fourier transform in place of a power of two of values, the plainest one.
fn fourier(re: &mut [f64], im: &mut [f64]) {
    let n = re.len();
    if n == 1 {
        return;
    }
    let split = |x: &[f64]| {
        let half = |odd: usize| x.iter().copied().skip(odd).step_by(2).collect::<Vec<f64>>();
        (half(0), half(1))
    };
    let ((mut even_re, mut odd_re), (mut even_im, mut odd_im)) = (split(re), split(im));
    fourier(&mut even_re, &mut even_im);
    fourier(&mut odd_re, &mut odd_im);
    for k in 0..n / 2 {
        let (sin, cos) = (-TAU * k as f64 / n as f64).sin_cos();
        let turned = (
            odd_re[k] * cos - odd_im[k] * sin,
            odd_re[k] * sin + odd_im[k] * cos,
        );
        (re[k], im[k]) = (even_re[k] + turned.0, even_im[k] + turned.1);
        (re[k + n / 2], im[k + n / 2]) = (even_re[k] - turned.0, even_im[k] - turned.1);
    }
}
