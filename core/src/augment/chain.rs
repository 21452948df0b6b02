//! A chain: which effects may apply, how often, and from which ranges their numbers are drawn. Presets are TOML.

use super::{Draw, Effect, Error, Kind};
use crate::rng;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// The chains that ship with Attune: name and TOML.
pub const PRESETS: [(&str, &str); 3] = [
    (
        "reference",
        include_str!("../../../assets/presets/augment/reference.toml"),
    ),
    (
        "paper",
        include_str!("../../../assets/presets/augment/paper.toml"),
    ),
    (
        "none",
        include_str!("../../../assets/presets/augment/none.toml"),
    ),
];

/// Steps that are rolled one after the other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chain {
    /// What it is, in words.
    #[serde(default)]
    pub about: String,
    /// The steps, in the order in which they are applied.
    #[serde(default)]
    pub steps: Vec<Step>,
}

/// A step: with its probability one of its choices is applied.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// How often the step applies, 0 to 1.
    pub probability: f32,
    /// What applies then: one of these, each as likely as the others.
    pub choices: Vec<Choice>,
}

/// An effect with ranges in place of numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "StoredChoice", into = "StoredChoice")]
pub struct Choice {
    /// The effect.
    pub kind: Kind,
    /// A range for each of its parameters, in the order of [`Kind::parameters`].
    pub ranges: Vec<Range>,
}

/// Where a number is drawn from, in the unit of its parameter.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Range {
    /// Smallest value.
    pub min: f32,
    /// Largest value.
    pub max: f32,
    /// If given, only min, min + step, min + 2 step … up to max are drawn, all as likely; otherwise uniform.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<f32>,
}

impl Chain {
    /// The preset of that name ([`PRESETS`]).
    pub fn preset(name: &str) -> Result<Self, Error> {
        let (_, text) = PRESETS
            .iter()
            .find(|(preset, _)| *preset == name)
            .ok_or_else(|| Error::UnknownChain {
                name: name.to_owned(),
                known: PRESETS.map(|(name, _)| name).join(", "),
            })?;
        Self::from_toml(name, text)
    }

    /// A preset, or a file if `name` ends in `.toml` or has a folder in it.
    pub fn named(name: &str) -> Result<Self, Error> {
        let path = Path::new(name);
        let is_file = path
            .extension()
            .is_some_and(|extension| extension == "toml")
            || path.components().count() > 1;
        if is_file {
            Self::load(path)
        } else {
            Self::preset(name)
        }
    }

    /// The chain in a TOML file.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let text = std::fs::read_to_string(path).map_err(|source| Error::Read {
            path: path.to_owned(),
            source,
        })?;
        Self::from_toml(&path.display().to_string(), &text)
    }

    /// The chain in TOML text; `name` is for messages.
    pub fn from_toml(name: &str, text: &str) -> Result<Self, Error> {
        let chain: Self = toml::from_str(text).map_err(|source| Error::Toml {
            name: name.to_owned(),
            source: Box::new(source),
        })?;
        chain.check()?;
        Ok(chain)
    }

    /// The chain as TOML.
    pub fn to_toml(&self) -> Result<String, Error> {
        Ok(toml::to_string_pretty(self)?)
    }

    /// Fails if a probability or a range makes no sense.
    pub fn check(&self) -> Result<(), Error> {
        for (number, step) in (1..).zip(&self.steps) {
            let bad = |reason: String| Err(Error::BadStep { number, reason });
            if !(0.0..=1.0).contains(&step.probability) {
                return bad(format!(
                    "probability {} is outside 0 to 1",
                    step.probability
                ));
            }
            if step.choices.is_empty() {
                return bad("it has no choices".to_owned());
            }
            for choice in &step.choices {
                choice.check().or_else(|error| bad(error.to_string()))?;
            }
        }
        Ok(())
    }

    /// Rolls the dice. The same address gives the same draw on every machine.
    ///
    /// Each step has random numbers of its own, so that a change to one step leaves what the others roll.
    pub fn draw(&self, address: rng::Address) -> Draw {
        let address = rng::Address {
            purpose: rng::Purpose::Augment,
            ..address
        };
        let effects = self
            .steps
            .iter()
            .enumerate()
            .filter_map(|(idx, step)| {
                step.draw(&mut address.stream_from(idx as u64 * BLOCKS_PER_STEP))
            })
            .collect();
        Draw { effects, address }
    }
}

/// A step draws one number to apply or not, two to choose, two per parameter: less than 16 = 4 blocks.
const BLOCKS_PER_STEP: u64 = 4;

impl Step {
    fn draw(&self, stream: &mut rng::Stream) -> Option<Effect> {
        let applies = stream.chance(self.probability);
        let choice_idx = stream.index(self.choices.len().max(1));
        let choice = self.choices.get(choice_idx).filter(|_| applies)?;
        let values: Vec<f32> = choice
            .ranges
            .iter()
            .map(|range| range.draw(stream))
            .collect();
        Some(Effect::from_values(choice.kind, &values))
    }
}

impl Choice {
    /// The effect with the ranges of the reference implementation.
    pub fn usual(kind: Kind) -> Self {
        let ranges = kind
            .parameters()
            .iter()
            .map(|parameter| Range {
                min: parameter.usual.0,
                max: parameter.usual.1,
                step: None,
            })
            .collect();
        Self { kind, ranges }
    }

    fn check(&self) -> Result<(), Error> {
        for (idx, range) in self.ranges.iter().enumerate() {
            self.kind.check(idx, range.min)?;
            self.kind.check(idx, range.max)?;
            let parameter = &self.kind.parameters()[idx];
            if range.min > range.max || range.step.is_some_and(|step| step.is_nan() || step <= 0.0)
            {
                return Err(Error::OutOfRange {
                    effect: self.kind.name(),
                    name: parameter.name,
                    value: range.max,
                    min: range.min,
                    max: parameter.max,
                    unit: parameter.unit,
                });
            }
        }
        Ok(())
    }
}

impl Range {
    fn draw(&self, stream: &mut rng::Stream) -> f32 {
        match self.step {
            Some(step) => {
                let n_steps = ((self.max - self.min) / step + 1e-3).floor().max(0.0) as usize;
                (self.min + step * stream.index(n_steps + 1) as f32).min(self.max)
            }
            None => stream.range(self.min, self.max),
        }
    }
}

/// A choice as it is written: `{ effect = "high-pass", hz = { min = 200, max = 1200 } }`.
#[derive(Serialize, Deserialize)]
struct StoredChoice {
    effect: String,
    #[serde(flatten)]
    ranges: BTreeMap<String, Range>,
}

impl TryFrom<StoredChoice> for Choice {
    type Error = Error;

    fn try_from(stored: StoredChoice) -> Result<Self, Error> {
        let kind = Kind::from_name(&stored.effect)?;
        let mut ranges: Vec<Range> = Vec::new();
        for name in stored.ranges.keys() {
            kind.parameter_idx(name)?;
        }
        for parameter in kind.parameters() {
            let range = stored.ranges.get(parameter.name);
            ranges.push(range.copied().ok_or_else(|| Error::MissingRange {
                effect: kind.name(),
                name: parameter.name,
            })?);
        }
        Ok(Self { kind, ranges })
    }
}

impl From<Choice> for StoredChoice {
    fn from(choice: Choice) -> Self {
        Self {
            effect: choice.kind.name().to_owned(),
            ranges: choice
                .kind
                .parameters()
                .iter()
                .map(|parameter| parameter.name.to_owned())
                .zip(choice.ranges)
                .collect(),
        }
    }
}
