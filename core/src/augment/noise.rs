//! Additive white Gaussian noise, its deviation a part of the wave's own.
//!
//! The reference calls the ratio "snr"; it is noise over signal. Sample `i` of the noise is a function of its address
//! alone: 64 samples take 16 blocks of the generator, two words of each for radii and two for angles
//! (Box–Muller), so that the loops below run without branches and a GPU can compute any block by itself.

use super::simd;
use crate::rng::{Address, Purpose, Stream};
use pulp::{Simd, WithSimd};
use std::f32::consts::{LN_2, SQRT_2};

const BLOCK: usize = 64;

/// Adds noise of deviation `ratio` times the wave's; `nth` tells several noises at one address apart.
pub(super) fn add(wave: &mut [f32], ratio: f32, address: Address, nth: u32) {
    let scale = (f64::from(ratio) * deviation(wave)) as f32;
    let address = Address {
        purpose: Purpose::Noise,
        ..address
    };
    simd::run(Add {
        wave,
        scale,
        stream: address.stream_from(u64::from(nth) << 40),
    });
}

struct Add<'a> {
    wave: &'a mut [f32],
    scale: f32,
    stream: Stream,
}

impl WithSimd for Add<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, _simd: S) {
        for block in self.wave.chunks_mut(BLOCK) {
            let normals = normals(self.stream.sixteen_blocks());
            for (sample, normal) in block.iter_mut().zip(normals) {
                *sample += self.scale * normal;
            }
        }
    }
}

/// Sample standard deviation (divided by n − 1, as torch does); 0 where it is not defined.
fn deviation(wave: &[f32]) -> f64 {
    let ([from, ..], n) = (wave, wave.len() as f64) else {
        return 0.0;
    };
    let (sum, squares) = simd::run(Moments { wave, from: *from });
    // 0 / 0 for a single sample: the larger of NaN and 0 is 0.
    ((squares - sum * sum / n) / (n - 1.0)).max(0.0).sqrt()
}

/// Sum of the differences to `from`, and of their squares, in one pass: a sample of the wave itself is close enough to its mean that nothing
/// is lost in f64 when one is taken from the other.
struct Moments<'a> {
    wave: &'a [f32],
    from: f32,
}

impl WithSimd for Moments<'_> {
    type Output = (f64, f64);

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) -> (f64, f64) {
        // Lanes, so that additions need not wait for one another.
        let (mut sums, mut squares) = ([0.0; 16], [0.0; 16]);
        let from = f64::from(self.from);
        let (chunks, rest) = self.wave.as_chunks::<16>();
        for chunk in chunks {
            for i in 0..16 {
                let difference = f64::from(chunk[i]) - from;
                sums[i] += difference;
                squares[i] += difference * difference;
            }
        }
        for (i, &sample) in rest.iter().enumerate() {
            let difference = f64::from(sample) - from;
            sums[i] += difference;
            squares[i] += difference * difference;
        }
        (sums.iter().sum(), squares.iter().sum())
    }
}

/// 64 standard normals from 64 random words. Largest value 5.77.
#[inline(always)]
fn normals(words: [[u32; 16]; 4]) -> [f32; BLOCK] {
    let mut out = [0.0; BLOCK];
    let [radii_a, radii_b, angles_a, angles_b] = words;
    for (half, (radii, angles)) in [(radii_a, angles_a), (radii_b, angles_b)]
        .iter()
        .enumerate()
    {
        let (mut radius, mut turns) = ([0.0; 16], [0.0; 16]);
        for i in 0..16 {
            // In (0, 1], with 24 bits.
            let uniform = ((radii[i] >> 8) as i32 + 1) as f32 * 2f32.powi(-24);
            radius[i] = -2.0 * ln(uniform);
        }
        for i in 0..16 {
            radius[i] = radius[i].sqrt();
            // In turns, in [−1/2, 1/2).
            turns[i] = ((angles[i] >> 8) as i32 - (1 << 23)) as f32 * 2f32.powi(-24);
        }
        for i in 0..16 {
            out[32 * half + i] = radius[i] * sin_turns(0.25 - turns[i].abs());
        }
        for i in 0..16 {
            let sine = sin_turns(0.25 - (turns[i].abs() - 0.25).abs());
            out[32 * half + 16 + i] = radius[i] * sine.copysign(turns[i]);
        }
    }
    out
}

/// Natural logarithm of a normal positive number, to 2 · 10⁻⁷ relative or 1e-7 absolute.
#[inline(always)]
fn ln(x: f32) -> f32 {
    // x = 2^exponent · m with m in [√½, √2).
    let bits = x.to_bits() as i32;
    let offset = SQRT_2.to_bits() as i32 - (1 << 23);
    let exponent = (bits - offset) >> 23;
    let m = f32::from_bits((bits - (exponent << 23)) as u32);
    // ln m = 2 artanh(z), z = (m − 1) / (m + 1), |z| < 0.172.
    let z = (m - 1.0) / (m + 1.0);
    let s = z * z;
    let series = 2.0 + s * (2.0 / 3.0 + s * (2.0 / 5.0 + s * (2.0 / 7.0 + s * (2.0 / 9.0))));
    exponent as f32 * LN_2 + z * series
}

/// sin(2π t) for |t| ≤ 1/4, to 1e-7: the Taylor series up to t¹³.
#[inline(always)]
fn sin_turns(t: f32) -> f32 {
    const C: [f32; 7] = [
        6.283_185_5,
        -41.341_7,
        81.605_25,
        -76.705_86,
        42.058_693,
        -15.094_643,
        3.819_952_6,
    ];
    let s = t * t;
    t * (C[0] + s * (C[1] + s * (C[2] + s * (C[3] + s * (C[4] + s * (C[5] + s * C[6]))))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fast_functions_are_right() {
        for i in 1..=1 << 16 {
            let x = i as f32 * 2f32.powi(-16);
            let exact = f64::from(x).ln();
            assert!(
                (f64::from(ln(x)) - exact).abs() < 1e-7 + 3e-7 * exact.abs(),
                "ln {x}"
            );
            let t = x / 2.0 - 0.25;
            let exact = (f64::from(t) * std::f64::consts::TAU).sin();
            assert!((f64::from(sin_turns(t)) - exact).abs() < 3e-7, "sin {t}");
        }
    }

    #[test]
    fn noise_is_white_and_gaussian_and_as_strong_as_asked() {
        let n = 1 << 17;
        let wave: Vec<f32> = (0..n)
            .map(|i| 0.3 + 0.2 * (i as f32 * 0.05).sin())
            .collect();
        let mut noisy = wave.clone();
        add(&mut noisy, 0.4, Address::new(1, Purpose::Check, 2), 0);
        let noise: Vec<f64> = noisy
            .iter()
            .zip(&wave)
            .map(|(a, b)| f64::from(a - b) / (0.4 * deviation(&wave)))
            .collect();
        let mean = |f: &dyn Fn(usize) -> f64| (0..n - 64).map(f).sum::<f64>() / (n - 64) as f64;
        assert!(mean(&|i| noise[i]).abs() < 0.01);
        assert!((mean(&|i| noise[i].powi(2)) - 1.0).abs() < 0.02);
        assert!(mean(&|i| noise[i].powi(3)).abs() < 0.05);
        assert!((mean(&|i| noise[i].powi(4)) - 3.0).abs() < 0.15);
        for lag in [1, 2, 3, 32, 64] {
            assert!(
                mean(&|i| noise[i] * noise[i + lag]).abs() < 0.02,
                "lag {lag}"
            );
        }
    }

    #[test]
    fn the_deviation_is_that_of_two_passes() {
        assert_eq!(deviation(&[]), 0.0);
        assert_eq!(deviation(&[0.3]), 0.0);
        assert_eq!(deviation(&[0.1; 1000]), 0.0, "a constant has none");
        for (mean, spread, n) in [(0.0, 1.0, 2), (0.9, 1e-3, 1001), (0.2, 0.3, 70_000)] {
            let mut stream = Address::new(n as u64, Purpose::Check, 7).stream();
            let wave: Vec<f32> = (0..n).map(|_| mean + spread * stream.normal()).collect();
            let mean = wave.iter().copied().map(f64::from).sum::<f64>() / n as f64;
            let squares = wave.iter().map(|x| (f64::from(*x) - mean).powi(2));
            let plain = (squares.sum::<f64>() / (n as f64 - 1.0)).sqrt();
            assert!((deviation(&wave) / plain - 1.0).abs() < 1e-9, "{mean} {n}");
        }
    }

    #[test]
    fn two_noises_of_one_draw_differ() {
        let wave = [1.0, -1.0].repeat(100);
        let with = |nth| {
            let mut wave = wave.clone();
            add(&mut wave, 0.4, Address::new(1, Purpose::Check, 2), nth);
            wave
        };
        assert_eq!(with(0), with(0));
        assert_ne!(with(0), with(1));
    }
}
