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
//! Fast, because hardly anything in the loops waits for the sample before: a block shorter than its delay line reads only
//! what was written in earlier blocks, and the one-pole low-pass `y[n] = x[n] + d y[n − 1]` sums within a vector by
//! doubling, `(1 + d z)(1 + d² z²)(1 + d⁴ z⁴)…` with `z` a delay by one lane; only the last sample goes from one vector
//! to the next.

use super::simd;
use pulp::{Simd, WithSimd, bytemuck};
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
/// Blocks are multiples of this if their delay line is long enough, so that vectors fit them.
const LANES: usize = 1 << DOUBLINGS;
/// A vector of [`LANES`] is summed in so many steps.
const DOUBLINGS: usize = 4;
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
    fn with_simd<S: Simd>(self, simd: S) -> usize {
        let mut n_clipped = 0;
        let mut wet = [[0.0; STRIDE]; 2];
        let one_pole = OnePole::new(simd, self.settings);
        for stride in self.wave.chunks_mut(STRIDE) {
            let n = stride.len();
            let [left, right] = wet.each_mut().map(|wet| &mut wet[..n]);
            self.left.run(stride, left, &one_pole);
            self.right.run(stride, right, &one_pole);
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

/// The combs' low-pass and gain, for vectors.
struct OnePole<S: Simd> {
    simd: S,
    damping: f32,
    gain: f32,
    /// Step `k` adds what is `2ᵏ` lanes before: `d` to that power, 0 in the lanes that have nothing there.
    steps: [S::f32s; DOUBLINGS],
    /// Lane `i`: `d` to the power `i + 1`, the share of the last sample before the vector.
    carried: S::f32s,
    /// `d` to the power of the lanes.
    across: f32,
}

impl<S: Simd> OnePole<S> {
    #[inline(always)]
    fn new(simd: S, Settings { feedback, damping }: Settings) -> Self {
        let vector =
            |lanes: [f32; LANES]| simd.partial_load_f32s(&lanes[..S::F32_LANES.min(LANES)]);
        let power = |n: usize| damping.powi(n as i32);
        Self {
            simd,
            damping,
            gain: feedback * (1.0 - damping),
            steps: std::array::from_fn(|k| {
                let behind = 1 << k;
                vector(std::array::from_fn(|lane| {
                    if lane < behind { 0.0 } else { power(behind) }
                }))
            }),
            carried: vector(std::array::from_fn(|lane| power(lane + 1))),
            across: power(S::F32_LANES),
        }
    }

    /// The low-pass of a vector after a sample of `last`, which becomes the vector's last.
    #[inline(always)]
    fn run(&self, x: S::f32s, last: &mut f32) -> S::f32s {
        let simd = self.simd;
        let mut sum = x;
        for (k, &step) in self.steps.iter().enumerate() {
            if 1 << k < S::F32_LANES {
                sum = simd.mul_add_e_f32s(simd.rotate_right_f32s(sum, 1 << k), step, sum);
            }
        }
        let y = simd.mul_add_e_f32s(self.carried, simd.splat_f32s(*last), sum);
        let lanes: &[f32] = bytemuck::cast_slice(std::slice::from_ref(&sum));
        *last = lanes[S::F32_LANES - 1] + self.across * *last;
        y
    }
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
    fn run<S: Simd>(&mut self, dry: &[f32], wet: &mut [f32], one_pole: &OnePole<S>) {
        wet.fill(0.0);
        for line in &mut self.combs {
            line.comb(dry, wet, one_pole);
        }
        for line in &mut self.all_passes {
            line.all_pass(wet);
        }
    }
}

/// A delay line laid out straight: what is read at `i` was written `length` before.
///
/// ```text
/// samples: [ to be read: length | written during a stride: STRIDE ]
/// ```
#[derive(Default)]
struct Line {
    samples: Vec<f32>,
    length: usize,
    /// What a comb's low-pass gave last.
    last: f32,
}

impl Line {
    /// An empty line.
    fn set_up(&mut self, length: f64) {
        self.length = (length + 0.5).max(1.0) as usize;
        self.samples.clear();
        self.samples.resize(self.length + STRIDE, 0.0);
        self.last = 0.0;
    }

    /// Adds what comes out of the line to `wet`; `dry` and the dulled, weakened output go in.
    #[inline(always)]
    fn comb<S: Simd>(&mut self, dry: &[f32], wet: &mut [f32], one_pole: &OnePole<S>) {
        let simd = one_pole.simd;
        let gain = simd.splat_f32s(one_pole.gain);
        let n_block = match self.length {
            short if short < LANES => short,
            long => long - long % LANES,
        };
        let mut last = self.last;
        let mut at = 0;
        for (dry, wet) in dry.chunks(n_block).zip(wet.chunks_mut(n_block)) {
            let n = dry.len();
            let (old, new) = self.samples[at..].split_at_mut(self.length);
            at += n;
            let (old, old_rest) = S::as_simd_f32s(&old[..n]);
            let (new, new_rest) = S::as_mut_simd_f32s(&mut new[..n]);
            let (dry, dry_rest) = S::as_simd_f32s(dry);
            let (wet, wet_rest) = S::as_mut_simd_f32s(wet);
            for (((&old, new), &dry), wet) in old.iter().zip(new).zip(dry).zip(wet) {
                *wet = simd.add_f32s(*wet, old);
                *new = simd.mul_add_e_f32s(gain, one_pole.run(old, &mut last), dry);
            }
            let rest = old_rest.iter().zip(new_rest).zip(dry_rest).zip(wet_rest);
            for (((&old, new), &dry), wet) in rest {
                *wet += old;
                last = old + one_pole.damping * last;
                *new = dry + one_pole.gain * last;
            }
        }
        self.last = last;
        self.rewind(at);
    }

    #[inline(always)]
    fn all_pass(&mut self, wet: &mut [f32]) {
        let mut at = 0;
        for wet in wet.chunks_mut(self.length) {
            let (old, new) = self.samples[at..].split_at_mut(self.length);
            at += wet.len();
            for ((wet, &old), new) in wet.iter_mut().zip(&*old).zip(new) {
                *new = *wet + ALL_PASS_GAIN * old;
                *wet = old - *wet;
            }
        }
        self.rewind(at);
    }

    /// Moves what is still to be read to the start after `n` samples, silence as zeros.
    #[inline(always)]
    fn rewind(&mut self, n: usize) {
        let still = n..n + self.length;
        let loudest = self.samples[still.clone()]
            .iter()
            .fold(0.0, |loudest: f32, sample| loudest.max(sample.abs()));
        if loudest < SILENCE {
            self.samples[..self.length].fill(0.0);
            self.last = 0.0;
        } else {
            self.samples.copy_within(still, 0);
        }
    }
}
