//! An effect with its numbers, and how it is applied.

use super::{
    Error, Kind, codec, crop, delay, filter, gain, noise, pitch, polarity, reverb, time_mask,
    time_stretch,
};
use crate::audio::Codec;
use crate::rng;
use serde::{Deserialize, Serialize};

/// Goes up when an effect with the same numbers makes another sound than before, so that what was computed from its sound is computed anew.
pub(crate) const EFFECTS_VERSION: u32 = 1;

/// An augmentation with its numbers: one of the paper's, or one that the field uses beside them. Its text form is `name:key=value,…` ([`Effect::parse`], `Display`).
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
    /// Another tempo at the same pitch. What a faster clip lacks at its end is its own start again, crossfaded.
    TimeStretch {
        /// Tempo in percent of the original; above 100 is faster.
        percent: f32,
    },
    /// Silence with short fades, as SpecAugment's time mask (Park et al. 2019).
    TimeMask {
        /// Where it begins, in percent of the clip.
        start: f32,
        /// How long it is, in milliseconds.
        ms: f32,
    },
    /// A linear-phase band stop, as SpecAugment's frequency mask (Park et al. 2019).
    FrequencyMask {
        /// Centre of the band in hertz (geometric).
        hz: f32,
        /// Width of the band in octaves.
        octaves: f32,
    },
    /// A part of the clip, moved to its start, with silence behind it.
    Crop {
        /// Where the part begins, in percent of the clip.
        start: f32,
        /// How much is kept, in percent of the clip.
        keep: f32,
    },
    /// `y = share · x + (1 − share) · other`; the labels are mixed by the same share (Zhang et al., ICLR 2018).
    Mixup {
        /// Share of the clip itself.
        share: f32,
        /// Which track of the pool, from 0 for the first to 1 for the last.
        other: f32,
    },
    /// Another track's clip is added; the labels stay.
    Background {
        /// Energy of the clip over that of the background, in decibels.
        snr: f32,
        /// Which track of the pool, from 0 for the first to 1 for the last.
        other: f32,
    },
    /// Coded as MP3 by LAME and decoded, aligned to the sample.
    Mp3 {
        /// Constant bit rate in kilobits per second; the nearest that MP3 has.
        kbps: f32,
    },
    /// Coded as Ogg Vorbis by libvorbis and decoded, aligned to the sample.
    Ogg {
        /// Average bit rate in kilobits per second; the nearest that Vorbis has at the clip's rate.
        kbps: f32,
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
            Effect::TimeStretch { .. } => Kind::TimeStretch,
            Effect::TimeMask { .. } => Kind::TimeMask,
            Effect::FrequencyMask { .. } => Kind::FrequencyMask,
            Effect::Crop { .. } => Kind::Crop,
            Effect::Mixup { .. } => Kind::Mixup,
            Effect::Background { .. } => Kind::Background,
            Effect::Mp3 { .. } => Kind::Mp3,
            Effect::Ogg { .. } => Kind::Ogg,
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
            Effect::TimeStretch { percent } => vec![percent],
            Effect::TimeMask { start, ms } => vec![start, ms],
            Effect::FrequencyMask { hz, octaves } => vec![hz, octaves],
            Effect::Crop { start, keep } => vec![start, keep],
            Effect::Mixup { share, other } => vec![share, other],
            Effect::Background { snr, other } => vec![snr, other],
            Effect::Mp3 { kbps } | Effect::Ogg { kbps } => vec![kbps],
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
            Kind::TimeStretch => Effect::TimeStretch { percent: values[0] },
            Kind::TimeMask => Effect::TimeMask {
                start: values[0],
                ms: values[1],
            },
            Kind::FrequencyMask => Effect::FrequencyMask {
                hz: values[0],
                octaves: values[1],
            },
            Kind::Crop => Effect::Crop {
                start: values[0],
                keep: values[1],
            },
            Kind::Mixup => Effect::Mixup {
                share: values[0],
                other: values[1],
            },
            Kind::Background => Effect::Background {
                snr: values[0],
                other: values[1],
            },
            Kind::Mp3 => Effect::Mp3 { kbps: values[0] },
            Kind::Ogg => Effect::Ogg { kbps: values[0] },
        }
    }

    /// The number that picks the other clip, for an effect that has one.
    pub fn other(&self) -> Option<f32> {
        match *self {
            Effect::Mixup { other, .. } | Effect::Background { other, .. } => Some(other),
            _ => None,
        }
    }

    /// Fails if one of its numbers lies outside what it takes.
    pub fn check(&self) -> Result<(), Error> {
        let numbers = self.values();
        (0..)
            .zip(numbers)
            .try_for_each(|(idx, value)| self.kind().check(idx, value))
    }

    /// Applies the effect in place to a mono wave of any length; the length stays.
    ///
    /// `noise` is where [`Effect::Noise`] finds its random numbers (its purpose does not matter); the others ignore it.
    /// Mixup and background change nothing here, as there is no other clip: [`super::Draw::apply_among`] has one.
    /// Gives the number of samples that had to be clipped at full scale (only gain, pitch shift, reverb and codecs clip, and background in a draw).
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
            Effect::TimeStretch { percent } => time_stretch::apply(wave, percent, rate_hz),
            Effect::TimeMask { start, ms } => time_mask::apply(wave, start, ms, rate_hz),
            Effect::FrequencyMask { hz, octaves } => {
                filter::band_stop(wave, hz, octaves, rate_hz);
            }
            Effect::Crop { start, keep } => crop::apply(wave, start, keep, rate_hz),
            Effect::Mp3 { kbps } => return codec::apply(wave, Codec::Mp3, kbps, rate_hz),
            Effect::Ogg { kbps } => return codec::apply(wave, Codec::Vorbis, kbps, rate_hz),
            // Nobody to mix with: see `Draw::apply_among`.
            Effect::Mixup { .. } | Effect::Background { .. } => (),
        }
        0
    }
}
