//! A room: Freeverb ("Jezar at Dreampoint", 2000, public domain) with the settings of SoX's effect `reverb`.
//!
//! ```text
//!        ┌─ comb 1 ─┐                                       comb: a delay line whose output, dulled by a one-pole
//!  x ──┬─┼─  …     ─┼─(+)─ all-pass 1 ─ … ─ all-pass 4 ─┐         low-pass and weakened, goes back to its start
//!      │ └─ comb 8 ─┘                                 ·0.015
//!      └──────────────────────────────────────────────(+)── y
//! ```
//!
//! A mono wave becomes stereo: the right channel's delay lines are 12 samples (at 44.1 kHz) longer and shorter in turn.
//! Each channel is clipped at full scale, then the two are averaged. The tail is cut at the wave's end.
//!
//! Fast, because nothing in the loops waits for the sample before: a block shorter than its delay line reads only what was
//! written in earlier blocks, and the one-pole low-pass `y[n] = (1 − d) x[n] + d y[n − 1]`, with `d ≤ ½`, is the sum of
//! the last 64 of `(1 − d) dʲ x[n − j]` to far below rounding, which factors into three sums of four:
//! `(1 + d z + d² z² + d³ z³)(1 + d⁴ z⁴ + …)(1 + d¹⁶ z¹⁶ + …)` with `z` a delay by one sample.

use super::simd;
use pulp::{Simd, WithSimd};
use std::cell::RefCell;

/// Lengths of the delay lines at 44.1 kHz.
const COMBS: [f64; 8] = [
    1116.0, 1188.0, 1277.0, 1356.0, 1422.0, 1491.0, 1557.0, 1617.0,
];
const ALL_PASSES: [f64; 4] = [225.0, 341.0, 441.0, 556.0];
/// By how much the right channel's lines differ.
const STEREO_SPREAD: f64 = 12.0;
const WET_GAIN: f32 = 0.015;
const ALL_PASS_GAIN: f32 = 0.5;
/// Samples that the combs' low-passes look back: 3 + 12 + 48, and one to make it even.
const HISTORY: usize = 64;
/// Longest block of a comb.
const BLOCK: usize = 512;
/// Samples between two moves of the delay lines to the start of their buffers.
const STRIDE: usize = 4096;
/// What is softer than this in a whole delay line is silence: −500 dB, long before numbers become subnormal and slow.
const SILENCE: f32 = 1e-25;

/// Puts the wave into the room; gives the number of clipped samples (in either channel).
///
/// `reverberance`, `damping` and `room` are percentages.
pub(super) fn apply(
    wave: &mut [f32],
    reverberance: f32,
    damping: f32,
    room: f32,
    rate_hz: u32,
) -> usize {
    let settings = Settings::new(reverberance, damping);
    SCRATCH.with_borrow_mut(|[left, right]| {
        left.set_up(Side::Left, room, rate_hz);
        right.set_up(Side::Right, room, rate_hz);
        simd::run(Run {
            wave,
            left,
            right,
            settings,
        })
    })
}

struct Run<'a> {
    wave: &'a mut [f32],
    left: &'a mut Channel,
    right: &'a mut Channel,
    settings: Settings,
}

impl WithSimd for Run<'_> {
    type Output = usize;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) -> usize {
        let mut n_clipped = 0;
        let mut wet = [[0.0; STRIDE]; 2];
        let mut work = Work {
            by_1: [0.0; HISTORY + BLOCK],
            by_4: [0.0; HISTORY + BLOCK],
        };
        for stride in self.wave.chunks_mut(STRIDE) {
            let n = stride.len();
            let [left, right] = wet.each_mut().map(|wet| &mut wet[..n]);
            self.left.run(stride, left, self.settings, &mut work);
            self.right.run(stride, right, self.settings, &mut work);
            for ((left, right), sample) in left.iter_mut().zip(right).zip(stride) {
                (*left, *right) = (*sample + WET_GAIN * *left, *sample + WET_GAIN * *right);
                *sample = 0.5 * (left.clamp(-1.0, 1.0) + right.clamp(-1.0, 1.0));
            }
            for (left, right) in wet[0][..n].iter().zip(&wet[1][..n]) {
                n_clipped += u32::from(left.abs().max(right.abs()) > 1.0);
            }
        }
        n_clipped as usize
    }
}

#[derive(Clone, Copy)]
struct Settings {
    feedback: f32,
    damping: f32,
}

impl Settings {
    /// Reverberance 0 to 100 is a feedback of 0.3 to 0.98, evenly in the logarithm of what is lost; damping is 0.2 to 0.5.
    fn new(reverberance: f32, damping: f32) -> Self {
        let part = f64::from(reverberance) / 100.0;
        let lost = 0.7f64.ln() * (1.0 - part) + 0.02f64.ln() * part;
        Self {
            feedback: (1.0 - lost.exp()) as f32,
            damping: damping / 100.0 * 0.3 + 0.2,
        }
    }
}

thread_local! {
    static SCRATCH: RefCell<[Channel; 2]> = RefCell::default();
}

#[derive(Clone, Copy)]
enum Side {
    Left,
    Right,
}

/// What the combs' low-passes have summed over 4 and 16 samples; by sample, from [`HISTORY`] before the block.
struct Work {
    by_1: [f32; HISTORY + BLOCK],
    by_4: [f32; HISTORY + BLOCK],
}

/// The delay lines of one channel.
#[derive(Default)]
struct Channel {
    combs: [Line; 8],
    all_passes: [Line; 4],
}

impl Channel {
    fn set_up(&mut self, side: Side, room: f32, rate_hz: u32) {
        let rate = f64::from(rate_hz) / 44100.0;
        let scale = f64::from(room) / 100.0 * 0.9 + 0.1;
        let mut spread = match side {
            Side::Left => 0.0,
            Side::Right => STEREO_SPREAD,
        };
        for (line, length) in self.combs.iter_mut().zip(COMBS) {
            line.set_up(scale * rate * (length + spread));
            spread = -spread;
        }
        for (line, length) in self.all_passes.iter_mut().zip(ALL_PASSES) {
            line.set_up(rate * (length + spread));
            spread = -spread;
        }
    }

    /// The reverberation alone of at most [`STRIDE`] samples.
    #[inline(always)]
    fn run(&mut self, dry: &[f32], wet: &mut [f32], settings: Settings, work: &mut Work) {
        wet.fill(0.0);
        for line in &mut self.combs {
            line.comb(dry, wet, settings, work);
        }
        for line in &mut self.all_passes {
            line.all_pass(wet);
        }
    }
}

/// A delay line laid out straight: what is read at `i` was written `length` before.
///
/// ```text
/// samples: [ older: HISTORY | to be read: length | written during a stride: STRIDE ]
/// ```
#[derive(Default)]
struct Line {
    samples: Vec<f32>,
    length: usize,
}

impl Line {
    /// An empty line.
    fn set_up(&mut self, length: f64) {
        self.length = (length + 0.5).max(1.0) as usize;
        self.samples.clear();
        self.samples.resize(HISTORY + self.length + STRIDE, 0.0);
    }

    /// Adds what comes out of the line to `wet`; `dry` and the dulled, weakened output go in.
    #[inline(always)]
    fn comb(&mut self, dry: &[f32], wet: &mut [f32], settings: Settings, work: &mut Work) {
        let Work { by_1, by_4 } = work;
        let Settings { feedback, damping } = settings;
        let [d1, d2, d3] = [damping, damping.powi(2), damping.powi(3)];
        let [d4, d8, d12] = [damping.powi(4), damping.powi(8), damping.powi(12)];
        let [d16, d32, d48] = [damping.powi(16), damping.powi(32), damping.powi(48)];
        let gain = feedback * (1.0 - damping);
        let n_block = self.length.min(BLOCK);
        let mut at = 0;
        for (dry, wet) in dry.chunks(n_block).zip(wet.chunks_mut(n_block)) {
            let n = dry.len();
            let (old, new) = self.samples[at..].split_at_mut(HISTORY + self.length);
            at += n;
            let old = &old[..HISTORY + n];
            for (wet, &old) in wet.iter_mut().zip(&old[HISTORY..]) {
                *wet += old;
            }
            sum_of_four(old, [d1, d2, d3], 1, by_1);
            sum_of_four(&by_1[..HISTORY + n], [d4, d8, d12], 4, by_4);
            sum_of_four(&by_4[..HISTORY + n], [d16, d32, d48], 16, by_1);
            for ((new, &dry), &dulled) in new.iter_mut().zip(dry).zip(&by_1[HISTORY..]) {
                *new = dry + gain * dulled;
            }
        }
        self.rewind(at);
    }

    #[inline(always)]
    fn all_pass(&mut self, wet: &mut [f32]) {
        let mut at = HISTORY;
        for wet in wet.chunks_mut(self.length) {
            let (old, new) = self.samples[at..].split_at_mut(self.length);
            at += wet.len();
            for ((wet, &old), new) in wet.iter_mut().zip(&*old).zip(new) {
                *new = *wet + ALL_PASS_GAIN * old;
                *wet = old - *wet;
            }
        }
        self.rewind(at - HISTORY);
    }

    /// Moves what is still to be read to the start after `n` samples, silence as zeros.
    #[inline(always)]
    fn rewind(&mut self, n: usize) {
        let still = n..n + HISTORY + self.length;
        let loudest = self.samples[still.clone()]
            .iter()
            .fold(0.0, |loudest: f32, sample| loudest.max(sample.abs()));
        if loudest < SILENCE {
            self.samples[..HISTORY + self.length].fill(0.0);
        } else {
            self.samples.copy_within(still, 0);
        }
    }
}

/// `out[i] = x[i] + a x[i − step] + b x[i − 2 step] + c x[i − 3 step]`, from `3 step` on.
#[inline(always)]
fn sum_of_four(x: &[f32], [a, b, c]: [f32; 3], step: usize, out: &mut [f32]) {
    let n = x.len() - 3 * step;
    let (x3, x2, x1, x0) = (&x[..n], &x[step..], &x[2 * step..], &x[3 * step..]);
    let terms = x0.iter().zip(x1).zip(x2).zip(x3);
    for (out, (((&x0, &x1), &x2), &x3)) in out[3 * step..].iter_mut().zip(terms) {
        *out = (x0 + a * x1) + (b * x2 + c * x3);
    }
}
