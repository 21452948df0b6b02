//! The list of effects: names, parameters, units and ranges. The command line, chains, sliders and messages read it here.

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
}

/// A number that an effect takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Parameter {
    /// Key in text and TOML (`hz`).
    pub name: &'static str,
    /// Name for people ("cutoff").
    pub label: &'static str,
    /// Unit for people ("Hz").
    pub unit: &'static str,
    /// Smallest value taken.
    pub min: f32,
    /// Largest value taken.
    pub max: f32,
    /// Value where none is given.
    pub default: f32,
    /// Range that the reference implementation draws from.
    pub usual: (f32, f32),
    /// What one would set by ear, for sliders.
    pub by_ear: (f32, f32),
    /// Whether a slider should be logarithmic.
    pub logarithmic: bool,
}

const fn parameter(
    name: &'static str,
    label: &'static str,
    unit: &'static str,
    (min, max): (f32, f32),
    default: f32,
    usual: (f32, f32),
) -> Parameter {
    Parameter {
        name,
        label,
        unit,
        min,
        max,
        default,
        usual,
        by_ear: (min, max),
        logarithmic: false,
    }
}

const RATIO: Parameter = Parameter {
    by_ear: (0.0, 2.0),
    ..parameter(
        "ratio",
        "noise to signal",
        "of the signal's deviation",
        (0.0, 10.0),
        0.4,
        (0.3, 0.5),
    )
};
const DB: Parameter = Parameter {
    by_ear: (-30.0, 20.0),
    ..parameter("db", "gain", "dB", (-120.0, 60.0), -6.0, (-20.0, -1.0))
};
const CUTOFF: Parameter = Parameter {
    logarithmic: true,
    by_ear: (20.0, 11025.0),
    ..parameter(
        "hz",
        "cutoff",
        "Hz",
        (10.0, 24000.0),
        700.0,
        (200.0, 1200.0),
    )
};
const MS: Parameter = Parameter {
    by_ear: (0.0, 1000.0),
    ..parameter("ms", "delay", "ms", (0.0, 5000.0), 300.0, (200.0, 450.0))
};
const CENTS: Parameter = parameter(
    "cents",
    "shift",
    "cents",
    (-1200.0, 1200.0),
    -300.0,
    (-700.0, 700.0),
);
const REVERBERANCE: Parameter = parameter(
    "reverberance",
    "reverberance",
    "%",
    (0.0, 100.0),
    50.0,
    (0.0, 99.0),
);
const NOISE: &[Parameter] = &[RATIO];
const GAIN: &[Parameter] = &[DB];
const HIGH_PASS: &[Parameter] = &[CUTOFF];
const LOW_PASS: &[Parameter] = &[Parameter {
    default: 3000.0,
    usual: (2200.0, 4000.0),
    ..CUTOFF
}];
const DELAY: &[Parameter] = &[MS];
const PITCH: &[Parameter] = &[CENTS];
const REVERB: &[Parameter] = &[
    REVERBERANCE,
    Parameter {
        name: "damping",
        label: "damping of high frequencies",
        ..REVERBERANCE
    },
    Parameter {
        name: "room",
        label: "room size",
        ..REVERBERANCE
    },
];

impl Kind {
    /// All effects, in the order of the paper's list.
    pub const ALL: [Kind; 8] = [
        Kind::Polarity,
        Kind::Noise,
        Kind::Gain,
        Kind::HighPass,
        Kind::LowPass,
        Kind::Delay,
        Kind::Pitch,
        Kind::Reverb,
    ];

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
        }
    }

    /// The numbers it takes, in the order of [`Effect::values`].
    pub fn parameters(self) -> &'static [Parameter] {
        match self {
            Kind::Polarity => &[],
            Kind::Noise => NOISE,
            Kind::Gain => GAIN,
            Kind::HighPass => HIGH_PASS,
            Kind::LowPass => LOW_PASS,
            Kind::Delay => DELAY,
            Kind::Pitch => PITCH,
            Kind::Reverb => REVERB,
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

    /// Index of a parameter.
    pub(super) fn parameter_idx(self, name: &str) -> Result<usize, Error> {
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
    pub(super) fn check(self, idx: usize, value: f32) -> Result<(), Error> {
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
