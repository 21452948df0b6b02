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
//! The combs are recursive sample by sample, but what they read is at least a delay line old: blocks shorter than the
//! shortest line run over plain slices, all eight combs side by side.

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
/// Samples between two moves of the delay lines to the start of their buffers.
const STRIDE: usize = 2048;
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
        let mut n_clipped = 0;
        let mut wet = [[0.0; STRIDE]; 2];
        for stride in wave.chunks_mut(STRIDE) {
            for (channel, wet) in [&mut *left, &mut *right].into_iter().zip(&mut wet) {
                channel.run(stride, &mut wet[..stride.len()], settings);
            }
            for ((sample, &left), &right) in stride.iter_mut().zip(&wet[0]).zip(&wet[1]) {
                let (left, right) = (*sample + WET_GAIN * left, *sample + WET_GAIN * right);
                n_clipped += usize::from(left.abs().max(right.abs()) > 1.0);
                *sample = 0.5 * (left.clamp(-1.0, 1.0) + right.clamp(-1.0, 1.0));
            }
        }
        n_clipped
    })
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

/// The delay lines of one channel.
#[derive(Default)]
struct Channel {
    combs: [Line; 8],
    all_passes: [Line; 4],
    /// State of the combs' low-passes.
    dulled: [f32; 8],
    /// Length of the shortest line.
    block: usize,
}

/// A delay line laid out straight: what is read stands at `at`, what is written `length` later.
#[derive(Default)]
struct Line {
    samples: Vec<f32>,
    length: usize,
    at: usize,
}

impl Line {
    /// An empty line.
    fn set_up(&mut self, length: f64) {
        self.length = (length + 0.5).max(1.0) as usize;
        self.at = 0;
        self.samples.clear();
        self.samples.resize(self.length + STRIDE, 0.0);
    }

    /// The next `n` samples to read, and where to write as many; `n` is at most the line's length.
    fn advance(&mut self, n: usize) -> (&[f32], &mut [f32]) {
        let (old, new) = self.samples[self.at..].split_at_mut(self.length);
        self.at += n;
        (&old[..n], &mut new[..n])
    }

    /// Moves what is still to be read to the start, silence as zeros.
    fn rewind(&mut self) {
        let still = self.at..self.at + self.length;
        if self.samples[still.clone()]
            .iter()
            .all(|sample| sample.abs() < SILENCE)
        {
            self.samples[..self.length].fill(0.0);
        } else {
            self.samples.copy_within(still, 0);
        }
        self.at = 0;
    }
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
        self.dulled = [0.0; 8];
        let lines = self.combs.iter().chain(&self.all_passes);
        self.block = lines.map(|line| line.length).min().unwrap_or(1);
    }

    /// The reverberation alone of at most [`STRIDE`] samples.
    fn run(&mut self, dry: &[f32], wet: &mut [f32], settings: Settings) {
        for (dry, wet) in dry.chunks(self.block).zip(wet.chunks_mut(self.block)) {
            self.run_combs(dry, wet, settings);
            for line in &mut self.all_passes {
                let (old, new) = line.advance(wet.len());
                for ((wet, &old), new) in wet.iter_mut().zip(old).zip(new) {
                    *new = *wet + ALL_PASS_GAIN * old;
                    *wet = old - *wet;
                }
            }
        }
        self.combs
            .iter_mut()
            .chain(&mut self.all_passes)
            .for_each(Line::rewind);
    }

    /// The sum of the combs.
    fn run_combs(&mut self, dry: &[f32], wet: &mut [f32], settings: Settings) {
        let Settings { feedback, damping } = settings;
        let n = dry.len();
        let mut dulled = self.dulled;
        let mut lines = self.combs.each_mut().map(|line| line.advance(n));
        for (i, (&dry, wet)) in dry.iter().zip(&mut *wet).enumerate() {
            let mut sum = 0.0;
            for ((old, new), dulled) in lines.iter_mut().zip(&mut dulled) {
                let out = old[i];
                sum += out;
                *dulled = out + (*dulled - out) * damping;
                new[i] = dry + *dulled * feedback;
            }
            *wet = sum;
        }
        self.dulled = dulled;
    }
}
