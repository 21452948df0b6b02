//! Resampling by any ratio, in SoX's two steps: a steep low-pass that doubles the rate, then short interpolation.
//!
//! The low-pass keeps 95 % of the lower of the two bands, as SoX's `rate` does, and costs two Fourier transforms whatever
//! its steepness. At the doubled rate half of the band is empty, so 16 taps read between samples with 100 dB of
//! rejection; the taps stand in a table of 512 places between two samples, and between places they are linear.

use crate::augment::convolve::Convolver;
use crate::augment::simd;
use pulp::{Simd, WithSimd};
use std::f64::consts::PI;
use std::sync::LazyLock;

/// Where the low-pass has halved (−6 dB) and where it ends, as parts of the lower Nyquist frequency.
const CUTOFF: f64 = 0.955;
const STOP: f64 = 1.0;
/// Kaiser's β and the transition's width times the taps (in half cycles), for 110 dB.
const LOW_PASS_BETA: f64 = 11.1;
const LOW_PASS_TAPS: f64 = 102.0 / (2.285 * PI);

const N_TAPS: usize = 16;
const N_PLACES: usize = 512;
const BETA: f64 = 10.06;

/// Buffers that a thread keeps.
#[derive(Default)]
pub(super) struct Scratch {
    convolver: Convolver,
    padded: Vec<f32>,
    doubled: Vec<f32>,
}

/// Fills `out` with `input` read at `ratio` input samples per output sample. Around the input is silence.
pub(super) fn resample(input: &[f32], ratio: f64, scratch: &mut Scratch, out: &mut [f32]) {
    let Scratch {
        convolver,
        padded,
        doubled,
    } = scratch;
    let kernel = low_pass(ratio.max(1.0));
    let half = kernel.len() - 1;
    padded.clear();
    padded.resize(half, 0.0);
    padded.extend_from_slice(input);
    padded.resize(input.len() + 2 * half, 0.0);

    // [7 zeros | input at twice its rate | zeros]
    let before = N_TAPS / 2 - 1;
    let n_read = (out.len() as f64 * ratio * 2.0) as usize + N_TAPS + 2;
    doubled.clear();
    doubled.resize(n_read.max(before + 2 * input.len()), 0.0);
    convolver.run(padded, &kernel, 2, |start, samples| {
        doubled[before + start..][..samples.len()].copy_from_slice(samples);
    });
    simd::run(Interpolate {
        input: doubled,
        ratio: 2.0 * ratio,
        out,
    });
}

/// Right half of the steep low-pass; `stretch` is how much slower the output is than the input.
fn low_pass(stretch: f64) -> Vec<f32> {
    let cutoff = CUTOFF / stretch;
    let half = (LOW_PASS_TAPS / (2.0 * (STOP - CUTOFF)) / 2.0 * stretch).ceil() as usize;
    let tap =
        |n: usize| cutoff * kaiser_sinc(cutoff * n as f64, cutoff * half as f64, LOW_PASS_BETA);
    (0..=half).map(|n| tap(n) as f32).collect()
}

/// Reads 16 taps around each place.
struct Interpolate<'a> {
    input: &'a [f32],
    ratio: f64,
    out: &'a mut [f32],
}

impl WithSimd for Interpolate<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let table = &*TABLE;
        for (i, out) in self.out.iter_mut().enumerate() {
            let place = i as f64 * self.ratio;
            let at = place as usize;
            let fine = (place - at as f64) * N_PLACES as f64;
            let row = fine as usize;
            let part = simd.splat_f32s((fine - row as f64) as f32);
            let (Some(window), Some([low, high])) =
                (self.input.get(at..at + N_TAPS), table.get(row..row + 2))
            else {
                continue;
            };
            let (window, _) = S::as_simd_f32s(window);
            let (low, _) = S::as_simd_f32s(low);
            let (high, _) = S::as_simd_f32s(high);
            let mut sum = simd.splat_f32s(0.0);
            for ((&window, &low), &high) in window.iter().zip(low).zip(high) {
                let tap = simd.mul_add_e_f32s(part, simd.sub_f32s(high, low), low);
                sum = simd.mul_add_e_f32s(window, tap, sum);
            }
            *out = simd.reduce_sum_f32s(sum);
        }
    }
}

/// Row `r`: weights of the samples −7 to 8 for the place `r / 512`. One row more than places, for the last interpolation.
static TABLE: LazyLock<Vec<[f32; N_TAPS]>> = LazyLock::new(|| {
    let half = N_TAPS as f64 / 2.0;
    (0..=N_PLACES)
        .map(|row| {
            let place = half - 1.0 + row as f64 / N_PLACES as f64;
            std::array::from_fn(|tap| kaiser_sinc(tap as f64 - place, half, BETA) as f32)
        })
        .collect()
});

/// sinc(π x) under a Kaiser window that ends at ±`end`.
fn kaiser_sinc(x: f64, end: f64, beta: f64) -> f64 {
    let inside = 1.0 - (x / end).powi(2);
    if inside < 0.0 {
        return 0.0;
    }
    let sinc = if x == 0.0 {
        1.0
    } else {
        (PI * x).sin() / (PI * x)
    };
    sinc * bessel_i0(beta * inside.sqrt()) / bessel_i0(beta)
}

/// Modified Bessel function of the first kind, order 0, by its power series.
fn bessel_i0(x: f64) -> f64 {
    let (mut sum, mut term, mut k) = (1.0, 1.0, 1.0);
    while term > sum * 1e-17 {
        term *= (x / (2.0 * k)).powi(2);
        sum += term;
        k += 1.0;
    }
    sum
}
