//! Resampling by any ratio: a windowed sinc for each of the phases that a fraction close to the ratio has.
//!
//! Output sample `i` stands at `i · ratio` of the input. With `ratio ≈ p / q` there are `q` different places between two
//! input samples, and a row of taps for each; a row times a piece of the input is a sample. `q` up to 512 keeps the
//! error of the pitch below a hundredth of a cent. The input continues with silence.

use std::f64::consts::PI;
use std::sync::LazyLock;

const MAX_PHASES: usize = 512;
/// Zero crossings of the sinc on each side, at the lower of the two rates.
const CROSSINGS: f64 = 32.0;
/// Where the filter has halved, as a part of the lower Nyquist frequency.
const CUTOFF: f64 = 0.95;
/// Kaiser's β: 80 dB of stop band.
const BETA: f64 = 7.86;
/// Taps are computed and multiplied in groups of this many.
const LANES: usize = 16;
/// Entries of the prototype's table per zero crossing.
const FINE: f64 = 1024.0;

/// Buffers that a thread keeps.
#[derive(Default)]
pub(super) struct Scratch {
    padded: Vec<f32>,
    rows: Vec<f32>,
}

/// Fills `out` with `input` read at `ratio` input samples per output sample.
pub(super) fn resample(input: &[f32], ratio: f64, scratch: &mut Scratch, out: &mut [f32]) {
    let (p, q) = fraction(ratio);
    // Reading faster than 1 needs a lower, and so longer, filter.
    let stretch = ratio.max(1.0);
    let reach = CROSSINGS * stretch / CUTOFF;
    let half = (reach.ceil() as usize + 1).next_multiple_of(LANES / 2);
    let n_taps = 2 * half;

    // Row r: weights of input[at − half + 1 ..= at + half] for the place at + r / q.
    let rows = &mut scratch.rows;
    rows.clear();
    rows.reserve(q * n_taps);
    for phase in 0..q {
        let place = phase as f64 / q as f64 + (half - 1) as f64;
        rows.extend((0..n_taps).map(|tap| {
            let distance = (tap as f64 - place) * CUTOFF / stretch;
            (prototype(distance) * CUTOFF / stretch) as f32
        }));
    }

    let padded = &mut scratch.padded;
    padded.clear();
    padded.resize(half - 1, 0.0);
    padded.extend_from_slice(input);
    let n_needed = (out.len() * p).div_ceil(q) + n_taps + 1;
    padded.resize(n_needed.max(padded.len()), 0.0);

    let (mut at, mut phase) = (0, 0);
    for sample in out {
        *sample = dot(&padded[at..at + n_taps], &rows[phase * n_taps..][..n_taps]);
        phase += p;
        at += phase / q;
        phase %= q;
    }
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut lanes = [0.0; LANES];
    for (a, b) in a.chunks_exact(LANES).zip(b.chunks_exact(LANES)) {
        for ((lane, a), b) in lanes.iter_mut().zip(a).zip(b) {
            *lane += a * b;
        }
    }
    lanes.iter().sum()
}

/// The best fraction with a denominator up to [`MAX_PHASES`], by walking down the Stern–Brocot tree.
fn fraction(ratio: f64) -> (usize, usize) {
    let (mut low, mut high) = ((0, 1), (1, 0));
    let mut best = (ratio.round().max(1.0) as usize, 1);
    let error = |(p, q): (usize, usize)| (p as f64 / q as f64 - ratio).abs();
    loop {
        let middle = (low.0 + high.0, low.1 + high.1);
        if middle.1 > MAX_PHASES || middle.0 > MAX_PHASES * 16 {
            return best;
        }
        if error(middle) < error(best) {
            best = middle;
        }
        if middle.0 as f64 > ratio * middle.1 as f64 {
            high = middle;
        } else {
            low = middle;
        }
    }
}

/// sinc(π x) under a Kaiser window that ends at ±[`CROSSINGS`]; between the table's entries, linear (error 1e-6).
fn prototype(x: f64) -> f64 {
    static TABLE: LazyLock<Vec<f64>> = LazyLock::new(|| {
        (0..=(CROSSINGS * FINE) as usize + 1)
            .map(|i| {
                let x = i as f64 / FINE;
                let sinc = if i == 0 {
                    1.0
                } else {
                    (PI * x).sin() / (PI * x)
                };
                let inside = (1.0 - (x / CROSSINGS).powi(2)).max(0.0);
                sinc * bessel_i0(BETA * inside.sqrt()) / bessel_i0(BETA)
            })
            .collect()
    });
    let place = x.abs() * FINE;
    let idx = place as usize;
    match (TABLE.get(idx), TABLE.get(idx + 1)) {
        (Some(a), Some(b)) if x.abs() < CROSSINGS => a + (b - a) * (place - idx as f64),
        _ => 0.0,
    }
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
