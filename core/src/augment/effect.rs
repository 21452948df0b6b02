//! An effect with its numbers, and how it is applied.

use super::{Kind, delay, filter, gain, noise, pitch, polarity, reverb};
use crate::rng;
use serde::{Deserialize, Serialize};

/// One of the paper's augmentations with its numbers. Its text form is `name:key=value,…` ([`Effect::parse`], `Display`).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "effect", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Effect {
    /// `y = −x`.
    Polarity,
    /// White Gaussian noise is added.
    Noise {
        /// Standard deviation of the noise over that of the wave.
        ratio: f32,
    },
    /// `y = x · 10^(db / 20)`, clamped to ±1.
    Gain {
        /// Gain in decibels.
        db: f32,
    },
    /// The wave less its [`Effect::LowPass`].
    HighPass {
        /// Cutoff in hertz.
        hz: f32,
    },
    /// Windowed sinc, eight periods of the cutoff on each side, no delay.
    LowPass {
        /// Cutoff in hertz.
        hz: f32,
    },
    /// `y(t) = (x(t) + x(t − ms) / 2) / 2`.
    Delay {
        /// Delay in milliseconds.
        ms: f32,
    },
    /// Another pitch at the same tempo.
    Pitch {
        /// Shift in cents, up if positive.
        cents: f32,
    },
    /// A room.
    Reverb {
        /// How long it rings, 0 to 100.
        reverberance: f32,
        /// How fast its high frequencies die, 0 to 100.
        damping: f32,
        /// Its size, 0 to 100.
        room: f32,
    },
}

impl Effect {
    /// Which effect it is.
    pub fn kind(&self) -> Kind {
        match self {
            Effect::Polarity => Kind::Polarity,
            Effect::Noise { .. } => Kind::Noise,
            Effect::Gain { .. } => Kind::Gain,
            Effect::HighPass { .. } => Kind::HighPass,
            Effect::LowPass { .. } => Kind::LowPass,
            Effect::Delay { .. } => Kind::Delay,
            Effect::Pitch { .. } => Kind::Pitch,
            Effect::Reverb { .. } => Kind::Reverb,
        }
    }

    /// Its numbers, in the order of [`Kind::parameters`].
    pub fn values(&self) -> Vec<f32> {
        match *self {
            Effect::Polarity => Vec::new(),
            Effect::Noise { ratio } => vec![ratio],
            Effect::Gain { db } => vec![db],
            Effect::HighPass { hz } | Effect::LowPass { hz } => vec![hz],
            Effect::Delay { ms } => vec![ms],
            Effect::Pitch { cents } => vec![cents],
            Effect::Reverb {
                reverberance,
                damping,
                room,
            } => vec![reverberance, damping, room],
        }
    }

    /// The effect with these numbers, in the order of [`Kind::parameters`].
    ///
    /// # Panics
    /// If there are fewer numbers than parameters.
    pub fn from_values(kind: Kind, values: &[f32]) -> Self {
        match kind {
            Kind::Polarity => Effect::Polarity,
            Kind::Noise => Effect::Noise { ratio: values[0] },
            Kind::Gain => Effect::Gain { db: values[0] },
            Kind::HighPass => Effect::HighPass { hz: values[0] },
            Kind::LowPass => Effect::LowPass { hz: values[0] },
            Kind::Delay => Effect::Delay { ms: values[0] },
            Kind::Pitch => Effect::Pitch { cents: values[0] },
            Kind::Reverb => Effect::Reverb {
                reverberance: values[0],
                damping: values[1],
                room: values[2],
            },
        }
    }

    /// Applies the effect in place to a mono wave of any length; the length stays.
    ///
    /// `noise` is where [`Effect::Noise`] finds its random numbers (its purpose does not matter); the others ignore it.
    /// Gives the number of samples that had to be clipped at full scale (only gain, pitch shift and reverb clip).
    pub fn apply(&self, wave: &mut [f32], rate_hz: u32, noise: rng::Address) -> usize {
        self.apply_as_nth(wave, rate_hz, noise, 0)
    }

    /// [`Effect::apply`] for the `nth` effect of a draw, so that two noises in one draw are not the same noise.
    pub(super) fn apply_as_nth(
        &self,
        wave: &mut [f32],
        rate_hz: u32,
        noise: rng::Address,
        nth: u32,
    ) -> usize {
        if wave.is_empty() {
            return 0;
        }
        match *self {
            Effect::Polarity => polarity::invert(wave),
            Effect::Noise { ratio } => noise::add(wave, ratio, noise, nth),
            Effect::Gain { db } => return gain::apply(wave, db),
            Effect::HighPass { hz } => filter::high_pass(wave, hz, rate_hz),
            Effect::LowPass { hz } => filter::low_pass(wave, hz, rate_hz),
            Effect::Delay { ms } => delay::apply(wave, ms, rate_hz),
            Effect::Pitch { cents } => return pitch::shift(wave, cents, rate_hz),
            Effect::Reverb {
                reverberance,
                damping,
                room,
            } => return reverb::apply(wave, reverberance, damping, room, rate_hz),
        }
        0
    }
}
