//! Resampling by any ratio, in two steps: a steep low-pass that leaves a quarter of the band empty, then short interpolation.
//!
//! The low-pass keeps 95 % of the lower of the two bands, as SoX's `rate` does, and costs two Fourier transforms whatever
//! its steepness; where it leaves less than a quarter of the band empty, it raises the rate by a third. So 8 taps of a
//! Kaiser–Bessel bell read between samples with 105 dB of rejection. That the bell itself dulls the wave is made good in
//! the low-pass's spectrum, where it costs nothing (as in non-uniform Fourier transforms: Potts, Steidl and Tasche, 2001).
//! The taps stand in a table of 256 places between two samples, and between places they are linear.

use crate::augment::convolve::{Convolver, Raise};
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

const N_TAPS: usize = 8;
/// Rate after the low-pass over the highest that it keeps twice: at least this.
const OVERSAMPLED: Raise = Raise { up: 4, down: 3 };
/// Samples before the wave at which the reading begins: at least half of the taps, and whole at the raised rate.
const LEAD: usize = N_TAPS / 2 - N_TAPS / 2 % OVERSAMPLED.down;
/// β of the bell: its spectrum ends where the first image of the band begins.
const BELL_BETA: f64 = PI * N_TAPS as f64 * (1.0 - 0.5 / OVERSAMPLED.factor());

const PLACE_BITS: u32 = 8;
const N_PLACES: usize = 1 << PLACE_BITS;
/// Fractional bits of a place in the window.
const FRACTION_BITS: u32 = 40;
/// Bits of what lies between two places of the table.
const PART_BITS: u32 = 16;

/// Buffers that a thread keeps.
#[derive(Default)]
pub(super) struct Scratch {
    convolver: Convolver,
    raised: Vec<f32>,
}

/// Fills `out` with a wave read at `ratio` samples per output sample. Around the wave is silence.
///
/// `padded` is the wave after [`n_zeros_before`] zeros.
pub(super) fn resample(
    padded: &mut Vec<f32>,
    kernel: &[f32],
    ratio: f64,
    scratch: &mut Scratch,
    out: &mut [f32],
) {
    let Scratch { convolver, raised } = scratch;
    let raise = if ratio < OVERSAMPLED.factor() {
        OVERSAMPLED
    } else {
        Raise::NONE
    };
    // Behind the wave the low-pass rings on.
    padded.resize(padded.len() + kernel.len() - 1 + N_TAPS, 0.0);
    // What is still to be read at the raised rate, from where the first sample's taps begin or before; read while it is in the cache.
    raised.clear();
    let mut reader = Interpolate {
        ratio: raise.factor() * ratio,
        n_before: -((LEAD * raise.up / raise.down) as i64),
        n_read: 0,
        out,
    };
    let shape = |frequency: f64| bell_undone(frequency / raise.factor());
    convolver.run_shaped(padded, kernel, raise, shape, |_, samples| {
        raised.extend_from_slice(samples);
        reader.read(raised);
    });
    let n_missing = (reader.out.len() as f64 * reader.ratio) as i64 - reader.n_before;
    raised.resize((n_missing as usize + N_TAPS).max(raised.len()), 0.0);
    reader.read(raised);
}

/// Zeros that [`resample`] wants before the wave.
pub(super) fn n_zeros_before(kernel: &[f32]) -> usize {
    kernel.len() - 1 + LEAD
}

/// Right half of the steep low-pass that a wave read at `ratio` needs, at the rate of the wave.
pub(super) fn low_pass(ratio: f64) -> Vec<f32> {
    let stretch = ratio.max(1.0);
    let cutoff = CUTOFF / stretch;
    let half = (LOW_PASS_TAPS / (2.0 * (STOP - CUTOFF)) / 2.0 * stretch).ceil();
    let window = |n: usize| {
        let place = (n as f64 / half).powi(2) * N_WINDOW as f64;
        let (row, part) = (place as usize, place.fract());
        match WINDOW.get(row..row + 2) {
            Some([here, next]) => here + part * (next - here),
            _ => 0.0,
        }
    };
    let sinc = |n: usize| {
        if n == 0 {
            return cutoff;
        }
        let angle = PI * n as f64;
        (angle * cutoff).sin() / angle
    };
    // As many taps as make a whole number of samples at the raised rate.
    let n_taps = (half as usize).next_multiple_of(OVERSAMPLED.down);
    (0..=n_taps).map(|n| (sinc(n) * window(n)) as f32).collect()
}

/// Half of the Kaiser window at evenly spaced squares of its place: dense enough to be linear in between to 10⁻⁶.
static WINDOW: LazyLock<Vec<f64>> = LazyLock::new(|| {
    let value = |row: usize| {
        let inside = 1.0 - row as f64 / N_WINDOW as f64;
        bessel_i0(LOW_PASS_BETA * inside.sqrt()) / bessel_i0(LOW_PASS_BETA)
    };
    (0..=N_WINDOW).map(value).collect()
});

const N_WINDOW: usize = 2048;

/// Reads [`N_TAPS`] taps around each place.
struct Interpolate<'a> {
    /// Samples of the window per sample of `out`.
    ratio: f64,
    /// Samples of the wave at its raised rate that are behind.
    n_before: i64,
    /// Samples of `out` that are done.
    n_read: usize,
    out: &'a mut [f32],
}

impl Interpolate<'_> {
    /// Reads as far as `window` goes, and takes what is behind from it.
    fn read(&mut self, window: &mut Vec<f32>) {
        // Places relative to the window: in fixed point they add up exactly enough over one window.
        let one = (1u64 << FRACTION_BITS) as f64;
        let first_tap = 1.0 - N_TAPS as f64 / 2.0 - self.n_before as f64;
        let start = ((self.n_read as f64 * self.ratio + first_tap) * one) as u64;
        let step = (self.ratio * one + 0.5) as u64;
        let end = ((window.len() + 1).saturating_sub(N_TAPS) as u64) << FRACTION_BITS;
        let n = end.saturating_sub(start).div_ceil(step) as usize;
        let n = n.min(self.out.len() - self.n_read);
        simd::run(Read {
            start,
            step,
            window,
            out: &mut self.out[self.n_read..][..n],
        });
        self.n_read += n;
        // One more stays than the next place needs, whatever the rounding.
        let n_behind = (self.n_read as f64 * self.ratio) as i64 - N_TAPS as i64 / 2 - self.n_before;
        window.drain(..(n_behind.max(0) as usize).min(window.len()));
        self.n_before += n_behind.max(0);
    }
}

struct Read<'a> {
    /// Place of the first sample of `out` in the window, and the distance to the next.
    start: u64,
    step: u64,
    window: &'a [f32],
    out: &'a mut [f32],
}

impl WithSimd for Read<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        let table = &*TABLE;
        let mut place = self.start;
        for out in self.out {
            let at = (place >> FRACTION_BITS) as usize;
            let row = (place >> (FRACTION_BITS - PLACE_BITS)) as usize % N_PLACES;
            let part = place >> (FRACTION_BITS - PLACE_BITS - PART_BITS);
            let part = (part as i32 & ((1 << PART_BITS) - 1)) as f32;
            let Row { taps, slopes } = &table[row];
            let window = &self.window[at..at + N_TAPS];
            let mut products = [0.0; N_TAPS];
            for i in 0..N_TAPS {
                products[i] = window[i] * (taps[i] + slopes[i] * part);
            }
            let [a, b, c, d, e, f, g, h] = products;
            *out = ((a + e) + (c + g)) + ((b + f) + (d + h));
            place += self.step;
        }
    }
}

/// Weights of the samples −3 to 4 for a place between the samples 0 and 1, and what they change by on the way to the next place.
struct Row {
    taps: [f32; N_TAPS],
    slopes: [f32; N_TAPS],
}

/// Row `r`: for the place `r / 256`.
static TABLE: LazyLock<Box<[Row; N_PLACES]>> = LazyLock::new(|| {
    let row = |row: usize| -> [f64; N_TAPS] {
        let place = N_TAPS as f64 / 2.0 - 1.0 + row as f64 / N_PLACES as f64;
        std::array::from_fn(|tap| bell(tap as f64 - place))
    };
    Box::new(std::array::from_fn(|r| {
        let (here, next) = (row(r), row(r + 1));
        let scale = f64::from(1 << PART_BITS);
        Row {
            taps: here.map(|tap| tap as f32),
            slopes: std::array::from_fn(|i| ((next[i] - here[i]) / scale) as f32),
        }
    }))
});

/// The Kaiser–Bessel bell at `x` samples of the raised rate, with integral 1.
fn bell(x: f64) -> f64 {
    let inside = 1.0 - (2.0 * x / N_TAPS as f64).powi(2);
    if inside < 0.0 {
        return 0.0;
    }
    let integral = N_TAPS as f64 * BELL_BETA.sinh() / BELL_BETA;
    bessel_i0(BELL_BETA * inside.sqrt()) / integral
}

/// One over the bell's spectrum at a frequency in cycles per sample of the raised rate, up to ½.
fn bell_undone(frequency: f64) -> f64 {
    let angle = PI * N_TAPS as f64 * frequency;
    let rest = (BELL_BETA.powi(2) - angle.powi(2)).sqrt();
    // The spectrum is sinh(rest) / rest over the same at 0; sinh is eˣ / 2 here to the last bit.
    rest / BELL_BETA * (BELL_BETA - rest).exp()
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
