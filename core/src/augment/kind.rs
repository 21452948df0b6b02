//! The list of effects: names, parameters, units and ranges. The command line, chains, sliders and messages read it here.

use super::parameter::{self, Parameter};
use super::{Effect, Error};
use serde::{Deserialize, Serialize};

/// Which effect, without its numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Every sample negated.
    Polarity,
    /// White Gaussian noise added.
    Noise,
    /// Louder or softer, then clamped to ±1.
    Gain,
    /// Windowed-sinc high-pass.
    HighPass,
    /// Windowed-sinc low-pass.
    LowPass,
    /// One echo.
    Delay,
    /// Pitch shifted, tempo kept.
    Pitch,
    /// Freeverb.
    Reverb,
    /// Faster or slower, pitch kept.
    TimeStretch,
    /// A stretch silenced.
    TimeMask,
    /// A band of frequencies removed.
    FrequencyMask,
    /// Only a part kept.
    Crop,
    /// Mixed with another track, labels as well.
    Mixup,
    /// Another track added behind.
    Background,
    /// Coded as MP3 and decoded.
    Mp3,
    /// Coded as Ogg Vorbis and decoded.
    Ogg,
}

impl Kind {
    /// All effects: the paper's in the order of its list, then those that the field uses beside them.
    pub const ALL: [Kind; 16] = [
        Kind::Polarity,
        Kind::Noise,
        Kind::Gain,
        Kind::HighPass,
        Kind::LowPass,
        Kind::Delay,
        Kind::Pitch,
        Kind::Reverb,
        Kind::TimeStretch,
        Kind::TimeMask,
        Kind::FrequencyMask,
        Kind::Crop,
        Kind::Mixup,
        Kind::Background,
        Kind::Mp3,
        Kind::Ogg,
    ];

    /// The paper's eight (section 3.4), in the order of its list.
    pub const PAPER: [Kind; 8] = [
        Kind::Polarity,
        Kind::Noise,
        Kind::Gain,
        Kind::HighPass,
        Kind::LowPass,
        Kind::Delay,
        Kind::Pitch,
        Kind::Reverb,
    ];

    /// Whether it is one of the paper's eight.
    pub fn is_of_paper(self) -> bool {
        Self::PAPER.contains(&self)
    }

    /// Whether it needs another clip ([`super::Company`]); without one it changes nothing.
    pub fn needs_company(self) -> bool {
        matches!(self, Kind::Mixup | Kind::Background)
    }

    /// Key in text and TOML (`high-pass`).
    pub fn name(self) -> &'static str {
        match self {
            Kind::Polarity => "polarity",
            Kind::Noise => "noise",
            Kind::Gain => "gain",
            Kind::HighPass => "high-pass",
            Kind::LowPass => "low-pass",
            Kind::Delay => "delay",
            Kind::Pitch => "pitch",
            Kind::Reverb => "reverb",
            Kind::TimeStretch => "time-stretch",
            Kind::TimeMask => "time-mask",
            Kind::FrequencyMask => "frequency-mask",
            Kind::Crop => "crop",
            Kind::Mixup => "mixup",
            Kind::Background => "background",
            Kind::Mp3 => "mp3",
            Kind::Ogg => "ogg",
        }
    }

    /// Name for people ("High-pass").
    pub fn label(self) -> &'static str {
        match self {
            Kind::Polarity => "Polarity inversion",
            Kind::Noise => "Additive noise",
            Kind::Gain => "Gain",
            Kind::HighPass => "High-pass filter",
            Kind::LowPass => "Low-pass filter",
            Kind::Delay => "Delay",
            Kind::Pitch => "Pitch shift",
            Kind::Reverb => "Reverb",
            Kind::TimeStretch => "Time stretch",
            Kind::TimeMask => "Time mask",
            Kind::FrequencyMask => "Frequency mask",
            Kind::Crop => "Crop",
            Kind::Mixup => "Mixup",
            Kind::Background => "Background",
            Kind::Mp3 => "MP3 round trip",
            Kind::Ogg => "Ogg round trip",
        }
    }

    /// One sentence on what it does to the sound.
    pub fn about(self) -> &'static str {
        match self {
            Kind::Polarity => "Turns the wave upside down; nobody can hear it alone.",
            Kind::Noise => "Adds white noise whose deviation is a part of the signal's.",
            Kind::Gain => "Makes the clip louder or softer, then clamps it to full scale.",
            Kind::HighPass => "Removes what lies below the cutoff.",
            Kind::LowPass => "Removes what lies above the cutoff.",
            Kind::Delay => "Mixes in one echo at half the level, and halves the sum.",
            Kind::Pitch => "Shifts the pitch and keeps the tempo; 100 cents are a semitone.",
            Kind::Reverb => "Puts the music into a room, as SoX's reverb (a Freeverb) does.",
            Kind::TimeStretch => {
                "Plays faster or slower and keeps the pitch; where a faster clip ends early it begins again."
            }
            Kind::TimeMask => {
                "Silences a stretch of the clip (SpecAugment's time mask, made audible)."
            }
            Kind::FrequencyMask => {
                "Removes a band of frequencies (SpecAugment's frequency mask, made audible)."
            }
            Kind::Crop => {
                "Keeps a part of the clip, moves it to the start, and leaves silence behind it."
            }
            Kind::Mixup => {
                "Mixes in another track, and its labels by the same share (Zhang et al. 2018)."
            }
            Kind::Background => {
                "Adds another track more softly behind the clip; the labels stay the clip's."
            }
            Kind::Mp3 => {
                "Codes the clip as MP3 with LAME and decodes it: what a low bit rate leaves."
            }
            Kind::Ogg => "Codes the clip as Ogg Vorbis and decodes it: what a low bit rate leaves.",
        }
    }

    /// The numbers it takes, in the order of [`Effect::values`].
    pub fn parameters(self) -> &'static [Parameter] {
        match self {
            Kind::Polarity => &[],
            Kind::Noise => parameter::NOISE,
            Kind::Gain => parameter::GAIN,
            Kind::HighPass => parameter::HIGH_PASS,
            Kind::LowPass => parameter::LOW_PASS,
            Kind::Delay => parameter::DELAY,
            Kind::Pitch => parameter::PITCH,
            Kind::Reverb => parameter::REVERB,
            Kind::TimeStretch => parameter::TIME_STRETCH,
            Kind::TimeMask => parameter::TIME_MASK,
            Kind::FrequencyMask => parameter::FREQUENCY_MASK,
            Kind::Crop => parameter::CROP,
            Kind::Mixup => parameter::MIXUP,
            Kind::Background => parameter::BACKGROUND,
            Kind::Mp3 => parameter::MP3,
            Kind::Ogg => parameter::OGG,
        }
    }

    /// The effect with its default numbers.
    pub fn default_effect(self) -> Effect {
        let defaults: Vec<f32> = self.parameters().iter().map(|p| p.default).collect();
        Effect::from_values(self, &defaults)
    }

    /// The effect of that name.
    pub fn from_name(name: &str) -> Result<Self, Error> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.name() == name)
            .ok_or_else(|| Error::UnknownEffect {
                name: name.to_owned(),
                known: Self::ALL.map(Kind::name).join(", "),
            })
    }

    /// The place of a parameter in [`Kind::parameters`] by its name (`cents`). Fails with what exists if there is none of that name.
    pub fn parameter_idx(self, name: &str) -> Result<usize, Error> {
        self.parameters()
            .iter()
            .position(|parameter| parameter.name == name)
            .ok_or_else(|| Error::UnknownParameter {
                effect: self.name(),
                name: name.to_owned(),
                known: self.what_it_takes(),
            })
    }

    /// Fails if `value` lies outside the range of parameter `idx`.
    pub(crate) fn check(self, idx: usize, value: f32) -> Result<(), Error> {
        let parameter = &self.parameters()[idx];
        if (parameter.min..=parameter.max).contains(&value) {
            return Ok(());
        }
        Err(Error::OutOfRange {
            effect: self.name(),
            name: parameter.name,
            value,
            min: parameter.min,
            max: parameter.max,
            unit: parameter.unit,
        })
    }

    /// "it takes ratio (0 to 10)".
    pub(super) fn what_it_takes(self) -> String {
        if self.parameters().is_empty() {
            return "it takes none".to_owned();
        }
        let list: Vec<String> = self
            .parameters()
            .iter()
            .map(|p| format!("{} ({} to {} {})", p.name, p.min, p.max, p.unit))
            .collect();
        format!("it takes {}", list.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::augment::{Chain, PRESETS};

    #[test]
    fn every_effect_has_a_name_of_its_own_and_numbers_that_its_ranges_hold() {
        for (idx, kind) in Kind::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, idx, "in the order of the list");
            assert_eq!(Kind::from_name(kind.name()).unwrap(), kind);
            assert_eq!(kind.default_effect().kind(), kind);
            assert!(kind.parameters().len() <= 3, "a step has so many numbers");
            for (idx, parameter) in kind.parameters().iter().enumerate() {
                for value in [
                    parameter.default,
                    parameter.usual.0,
                    parameter.usual.1,
                    parameter.by_ear.0,
                    parameter.by_ear.1,
                ] {
                    kind.check(idx, value).unwrap();
                }
            }
        }
    }

    #[test]
    fn what_is_not_the_papers_stands_in_no_shipped_chain() {
        for (name, _) in PRESETS {
            let chain = Chain::preset(name).unwrap();
            let mut choices = chain.steps.iter().flat_map(|step| &step.choices);
            assert!(choices.all(|choice| choice.kind.is_of_paper()), "{name}");
        }
        assert_eq!(Kind::ALL[..8], Kind::PAPER);
    }
}
