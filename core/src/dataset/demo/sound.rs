//! The bricks of the instruments: oscillators, ringing partials, filters, envelopes, noise. All at [`RATE_HZ`].

use crate::rng::Stream;
use std::f32::consts::TAU;
use std::sync::LazyLock;

/// Sample rate of the demo data set.
pub(super) const RATE_HZ: u32 = 22_050;
pub(super) const RATE: f32 = RATE_HZ as f32;

/// How many samples so many seconds are.
pub(super) fn samples(secs: f32) -> usize {
    (secs * RATE).round().max(0.0) as usize
}

/// Frequency of a MIDI key.
pub(super) fn hz_of(key: i32) -> f32 {
    440.0 * ((key - 69) as f32 / 12.0).exp2()
}

/// Sine of `phase` turns, by table: about 1e-6 exact, the same on every machine.
pub(super) fn sine(phase: f32) -> f32 {
    const SIZE: usize = 2048;
    static TABLE: LazyLock<Vec<f32>> = LazyLock::new(|| {
        (0..=SIZE)
            .map(|place| (place as f64 / SIZE as f64 * std::f64::consts::TAU).sin() as f32)
            .collect()
    });
    let place = (phase - phase.floor()) * SIZE as f32;
    let index = (place as usize).min(SIZE - 1);
    let (low, high) = (TABLE[index], TABLE[index + 1]);
    low + (high - low) * (place - index as f32)
}

/// A saturating curve close to tanh.
pub(super) fn saturate(x: f32) -> f32 {
    let x = x.clamp(-3.0, 3.0);
    x * (27.0 + x * x) / (27.0 + 9.0 * x * x)
}

/// One decaying sine.
#[derive(Clone, Copy, Debug)]
pub(super) struct Partial {
    pub(super) hz: f32,
    pub(super) level: f32,
    /// Time to fall by 60 dB.
    pub(super) decay_secs: f32,
}

/// Sum of decaying sines. Those above 95 % of the Nyquist frequency are left out.
pub(super) fn ring(partials: &[Partial], n_samples: usize) -> Vec<f32> {
    const LANES: usize = 8;
    let mut out = vec![0.0; n_samples];
    let audible: Vec<Partial> = partials
        .iter()
        .copied()
        .filter(|partial| partial.hz < 0.475 * RATE)
        .collect();
    for group in audible.chunks(LANES) {
        // Each partial is a complex number that turns and shrinks.
        let [mut re, mut im, mut turn_re, mut turn_im] = [[0.0f32; LANES]; 4];
        for (lane, partial) in group.iter().enumerate() {
            let shrink = (-6.9078 / (partial.decay_secs.max(0.005) * RATE)).exp();
            let angle = TAU * partial.hz / RATE;
            re[lane] = partial.level;
            turn_re[lane] = shrink * angle.cos();
            turn_im[lane] = shrink * angle.sin();
        }
        for out in &mut out {
            let mut sum = [0.0; LANES];
            for lane in 0..LANES {
                let turned = re[lane] * turn_re[lane] - im[lane] * turn_im[lane];
                im[lane] = re[lane] * turn_im[lane] + im[lane] * turn_re[lane];
                re[lane] = turned;
                sum[lane] = im[lane];
            }
            *out += sum.iter().sum::<f32>();
        }
    }
    out
}

/// A sawtooth without audible aliases (polynomial band-limited steps).
#[derive(Clone, Copy, Debug)]
pub(super) struct Saw {
    phase: f32,
}

impl Saw {
    pub(super) fn new(phase: f32) -> Self {
        Self { phase }
    }

    /// The next sample at frequency `hz`.
    pub(super) fn next(&mut self, hz: f32) -> f32 {
        let step = hz / RATE;
        self.phase += step;
        self.phase -= self.phase.floor();
        2.0 * self.phase - 1.0 - corner(self.phase, step)
    }

    /// The next sample of a pulse wave of width `width`.
    pub(super) fn next_pulse(&mut self, hz: f32, width: f32) -> f32 {
        let step = hz / RATE;
        let saw = self.next(hz);
        let mut other = self.phase + width;
        other -= other.floor();
        saw - (2.0 * other - 1.0 - corner(other, step))
    }
}

fn corner(phase: f32, step: f32) -> f32 {
    if phase < step {
        let t = phase / step;
        2.0 * t - t * t - 1.0
    } else if phase > 1.0 - step {
        let t = (phase - 1.0) / step;
        t * t + 2.0 * t + 1.0
    } else {
        0.0
    }
}

/// A state-variable filter (trapezoidal): low-pass, band-pass and high-pass at once.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Filter {
    g: f32,
    damping: f32,
    band: f32,
    low: f32,
}

impl Filter {
    pub(super) fn new(cutoff_hz: f32, damping: f32) -> Self {
        let mut filter = Self::default();
        filter.set(cutoff_hz, damping);
        filter
    }

    /// `damping` is 2 for no resonance at all, 0.2 for a strong one.
    pub(super) fn set(&mut self, cutoff_hz: f32, damping: f32) {
        let cutoff = cutoff_hz.clamp(20.0, 0.45 * RATE);
        self.g = (std::f32::consts::PI * cutoff / RATE).tan();
        self.damping = damping;
    }

    /// (low, band, high).
    pub(super) fn next(&mut self, x: f32) -> (f32, f32, f32) {
        let high = (x - (self.damping + self.g) * self.band - self.low)
            / (1.0 + self.g * (self.g + self.damping));
        let band = self.g * high + self.band;
        let low = self.g * band + self.low;
        self.band = self.g * high + band;
        self.low = self.g * band + low;
        (low, band, high)
    }
}

/// Attack, decay to a sustained level, release. Times to (nearly) arrive, in seconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Envelope {
    pub(super) attack_secs: f32,
    pub(super) decay_secs: f32,
    pub(super) sustain: f32,
    pub(super) release_secs: f32,
}

impl Envelope {
    /// How many samples a note held for `held_secs` lasts.
    pub(super) fn n_samples(&self, held_secs: f32) -> usize {
        samples(held_secs + self.release_secs).max(1)
    }

    /// The level at every sample of a note.
    pub(super) fn levels(&self, held_secs: f32) -> impl Iterator<Item = f32> + use<> {
        let n_held = samples(held_secs);
        let n_attack = samples(self.attack_secs).max(1);
        let fall = |secs: f32| (-5.0 / (secs.max(0.002) * RATE)).exp();
        let (decay, release) = (fall(self.decay_secs), fall(self.release_secs));
        let sustain = self.sustain;
        let mut level = 0.0f32;
        (0..self.n_samples(held_secs)).map(move |n| {
            if n >= n_held {
                level *= release;
            } else if n < n_attack {
                level = (n + 1) as f32 / n_attack as f32;
            } else {
                level = sustain + (level - sustain) * decay;
            }
            level
        })
    }
}

/// White noise in -1..1.
#[derive(Clone, Debug)]
pub(super) struct Noise(u32);

impl Noise {
    /// Noise whose start is drawn from `chance`. A shift register makes the rest: it is only sound, and ten times faster.
    pub(super) fn new(chance: &mut Stream) -> Self {
        Self(chance.bits() | 1)
    }

    pub(super) fn next(&mut self) -> f32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0 as i32 as f32 / 2_147_483_648.0
    }
}

/// Fades out what is left at the end, so that no note ends with a click.
pub(super) fn fade_out(wave: &mut [f32], secs: f32) {
    let n = samples(secs).min(wave.len());
    let from = wave.len() - n;
    for (place, sample) in wave[from..].iter_mut().enumerate() {
        *sample *= 1.0 - (place + 1) as f32 / n as f32;
    }
}
