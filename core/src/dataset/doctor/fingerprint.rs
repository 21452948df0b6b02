//! An acoustic fingerprint: what survives another codec, another rate and another loudness.
//!
//! After Haitsma and Kalker (*A highly robust audio fingerprinting system*, ISMIR 2002): 33 bands from 300 to 2000 Hz, the range that every
//! codec keeps; of each pair of neighbouring bands, one bit says whether the difference of their energies grows over time. Frames are
//! 0.37 s long, so that a shift by half a hop turns few bits. Here energies are taken as logarithms, so that loudness cancels, and a hop is
//! a quarter of a frame: one word of 32 bits per 93 ms, 0.4 kB for a clip of 10 s.

use realfft::RealFftPlanner;

/// From one word to the next, in seconds.
pub(super) const HOP_SECS: f64 = 0.092_88;
/// Version of the words: others are computed anew.
pub(super) const VERSION: i64 = 3;
/// A word without sound; it fits to nothing.
pub(super) const NOTHING: u32 = 0;
/// So much of a file is taken in, in seconds.
const MAX_SECS: f64 = 120.0;
const FRAME_SECS: f64 = 4.0 * HOP_SECS;
/// Words compare a frame with the one so many hops earlier.
const LAG: usize = 2;
const N_BANDS: usize = 33;
const LOW_HZ: f64 = 300.0;
const HIGH_HZ: f64 = 2000.0;
/// Frames this far below the loudest, in power, count as silent.
const SILENT: f64 = 1e-6;
/// Mean power per band below which nothing counts as loud.
const FLOOR: f64 = 1e-9;

/// So many samples of a channel are taken in.
pub(super) fn n_taken(rate_hz: u32) -> usize {
    (MAX_SECS * f64::from(rate_hz)) as usize
}

/// The words of a sound of one channel, one per hop; empty if it is shorter than three frames or has too low a rate.
pub(super) fn of(mono: &[f32], rate_hz: u32) -> Vec<u32> {
    let head = &mono[..mono.len().min(n_taken(rate_hz))];
    let Some((wave, rate_hz)) = decimated(head, rate_hz) else {
        return Vec::new();
    };
    words(&energies(&wave, rate_hz))
}

/// Keeps what lies below some 2 kHz: every n-th sample of the smoothed wave, with the rate it then has. `None` if the rate is too low for that.
fn decimated(mono: &[f32], rate_hz: u32) -> Option<(Vec<f32>, f64)> {
    if f64::from(rate_hz) < 2.2 * HIGH_HZ {
        return None;
    }
    let factor = (rate_hz / 5500).max(1) as usize;
    if factor == 1 {
        return Some((mono.to_vec(), f64::from(rate_hz)));
    }
    // A windowed sinc that lets 2 kHz pass and ends where the fold would come down below 2 kHz.
    let half = 7 * factor;
    let cutoff = 0.5 / factor as f64;
    let taps: Vec<f32> = (-(half as i64)..=half as i64)
        .map(|i| {
            let x = i as f64;
            let sinc = if i == 0 {
                1.0
            } else {
                (std::f64::consts::PI * 2.0 * cutoff * x).sin()
                    / (std::f64::consts::PI * 2.0 * cutoff * x)
            };
            let window = 0.5 + 0.5 * (std::f64::consts::PI * x / (half as f64 + 1.0)).cos();
            (2.0 * cutoff * sinc * window) as f32
        })
        .collect();
    let n_out = mono.len() / factor;
    let mut padded = vec![0.0; half];
    padded.extend_from_slice(mono);
    padded.resize(mono.len() + 2 * half + 1, 0.0);
    let wave = (0..n_out)
        .map(|i| {
            let around = &padded[i * factor..i * factor + taps.len()];
            around.iter().zip(&taps).map(|(x, tap)| x * tap).sum()
        })
        .collect();
    Some((wave, f64::from(rate_hz) / factor as f64))
}

/// Power of each band in each frame. `[frames][bands]`
fn energies(wave: &[f32], rate_hz: f64) -> Vec<[f64; N_BANDS]> {
    let n_frame = (FRAME_SECS * rate_hz).round() as usize;
    if wave.len() < n_frame {
        return Vec::new();
    }
    let transform = RealFftPlanner::<f32>::new().plan_fft_forward(n_frame);
    let window: Vec<f32> = (0..n_frame)
        .map(|i| (0.5 - 0.5 * (std::f64::consts::TAU * i as f64 / n_frame as f64).cos()) as f32)
        .collect();
    let edge = |band: usize| LOW_HZ * (HIGH_HZ / LOW_HZ).powf(band as f64 / N_BANDS as f64);
    let bin_of = |hz: f64| hz * n_frame as f64 / rate_hz;
    let (mut input, mut output) = (transform.make_input_vec(), transform.make_output_vec());
    let scale = 1.0 / (n_frame as f64 * n_frame as f64);
    let mut frames = Vec::new();
    for frame in 0.. {
        let start = (frame as f64 * HOP_SECS * rate_hz).round() as usize;
        let Some(samples) = wave.get(start..start + n_frame) else {
            break;
        };
        for ((to, from), weight) in input.iter_mut().zip(samples).zip(&window) {
            *to = from * weight;
        }
        if transform.process(&mut input, &mut output).is_err() {
            // The lengths are those that the plan asked for.
            return Vec::new();
        }
        let power = |bin: usize| {
            output
                .get(bin)
                .map_or(0.0, |x| f64::from(x.norm_sqr()) * scale)
        };
        let mut bands = [0.0; N_BANDS];
        for (band, energy) in bands.iter_mut().enumerate() {
            // Bins that straddle an edge count in part, so that other rates, which have other bins, give the same.
            let (low, high) = (bin_of(edge(band)), bin_of(edge(band + 1)));
            *energy = (low as usize..=high as usize)
                .map(|bin| {
                    let inside = (bin as f64 + 1.0).min(high) - (bin as f64).max(low);
                    inside.max(0.0) * power(bin)
                })
                .sum();
        }
        frames.push(bands);
    }
    frames
}

fn words(frames: &[[f64; N_BANDS]]) -> Vec<u32> {
    let total = |frame: &[f64; N_BANDS]| frame.iter().sum::<f64>();
    let loudest = frames.iter().map(total).fold(0.0, f64::max);
    let silent = (loudest * SILENT).max(FLOOR * N_BANDS as f64 * 1e-3);
    let slope = |frame: &[f64; N_BANDS], band: usize| {
        (frame[band] + 1e-15).ln() - (frame[band + 1] + 1e-15).ln()
    };
    let mut words = Vec::with_capacity(frames.len());
    for pair in frames.windows(LAG + 1) {
        let (before, now) = (&pair[0], &pair[LAG]);
        if total(now) < silent || total(before) < silent {
            words.push(NOTHING);
            continue;
        }
        let mut word = 0u32;
        for band in 0..N_BANDS - 1 {
            word = word << 1 | u32::from(slope(now, band) > slope(before, band));
        }
        words.push(word.max(1));
    }
    words
}
