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
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
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

    /// Whether a shipped chain has that name.
    pub fn is_preset(name: &str) -> bool {
        PRESETS.iter().any(|(preset, _)| *preset == name)
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

    /// Whether a step may roll an effect of that kind.
    pub fn may_roll(&self, kind: Kind) -> bool {
        let rolled = self.steps.iter().filter(|step| step.probability > 0.0);
        let mut choices = rolled.flat_map(|step| &step.choices);
        choices.any(|choice| choice.kind == kind)
    }

    /// Whether a step may roll an effect that needs another clip.
    pub fn needs_company(&self) -> bool {
        self.may_roll(Kind::Mixup) || self.may_roll(Kind::Background)
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
            if let Some(why) = range.what_is_wrong() {
                return Err(Error::BadRange {
                    effect: self.kind.name(),
                    name: parameter.name,
                    min: range.min,
                    max: range.max,
                    unit: parameter.unit,
                    why,
                });
            }
        }
        Ok(())
    }
}

/// Steps of a range at most: more are no longer told apart from a range without steps, and could not all be drawn.
const MOST_STEPS: f32 = 1e6;

impl Range {
    /// What is wrong with it beside what the parameter takes; `None` if it is right.
    fn what_is_wrong(&self) -> Option<String> {
        if self.min > self.max {
            return Some("begins above its end: min must not be larger than max".to_owned());
        }
        let step = self.step?;
        if !(step.is_finite() && step > 0.0) {
            return Some(format!(
                "has the step {step}: it must be a number above 0, or be left out"
            ));
        }
        let n_steps = (self.max - self.min) / step;
        (n_steps > MOST_STEPS).then(|| {
            format!(
                "has more than {MOST_STEPS} steps of {step}: choose a larger step, or leave it out"
            )
        })
    }

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Address, Purpose};

    fn draws(chain: &Chain, n: u64) -> Vec<Draw> {
        (0..n)
            .map(|track| chain.draw(Address::new(1, Purpose::Augment, track)))
            .collect()
    }

    fn share(draws: &[Draw], kind: Kind) -> f64 {
        let has = |draw: &&Draw| draw.effects.iter().any(|effect| effect.kind() == kind);
        draws.iter().filter(has).count() as f64 / draws.len() as f64
    }

    #[test]
    fn the_reference_chain_rolls_as_the_reference_code_does() {
        let draws = draws(&Chain::preset("reference").unwrap(), 20_000);
        let expected = [0.8, 0.3, 0.2, 0.4, 0.4, 0.5, 0.4, 0.3];
        for (kind, expected) in Kind::ALL.into_iter().zip(expected) {
            let share = share(&draws, kind);
            assert!((share - expected).abs() < 0.015, "{kind:?}: {share}");
        }
        for draw in &draws {
            let kinds: Vec<Kind> = draw.effects.iter().map(Effect::kind).collect();
            assert!(kinds.is_sorted_by_key(|kind| *kind as u8), "{kinds:?}");
            assert!(!(kinds.contains(&Kind::HighPass) && kinds.contains(&Kind::LowPass)));
        }
    }

    #[test]
    fn numbers_come_from_the_ranges_and_reach_both_ends() {
        let draws = draws(&Chain::preset("reference").unwrap(), 20_000);
        let values = |kind: Kind, idx: usize| -> Vec<f32> {
            let of_kind = draws
                .iter()
                .flat_map(|draw| &draw.effects)
                .filter(|e| e.kind() == kind);
            of_kind.map(|effect| effect.values()[idx]).collect()
        };
        let check = |kind: Kind, idx: usize, low: f32, high: f32, slack: f32| {
            let values = values(kind, idx);
            let min = values.iter().copied().fold(f32::MAX, f32::min);
            let max = values.iter().copied().fold(f32::MIN, f32::max);
            assert!((low..=low + slack).contains(&min), "{kind:?}: {min}");
            assert!((high - slack..=high).contains(&max), "{kind:?}: {max}");
        };
        check(Kind::Noise, 0, 0.3, 0.5, 0.01);
        check(Kind::Gain, 0, -20.0, -1.0, 0.2);
        check(Kind::HighPass, 0, 200.0, 1200.0, 10.0);
        check(Kind::LowPass, 0, 2200.0, 4000.0, 10.0);
        check(Kind::Delay, 0, 200.0, 450.0, 0.0);
        check(Kind::Pitch, 0, -700.0, 700.0, 3.0);
        for idx in 0..3 {
            check(Kind::Reverb, idx, 0.0, 99.0, 0.0);
        }
        assert!(values(Kind::Delay, 0).iter().all(|ms| ms % 50.0 == 0.0));
        assert!(
            values(Kind::Pitch, 0)
                .iter()
                .all(|cents| cents.fract() == 0.0)
        );
    }

    #[test]
    fn in_the_papers_chain_every_effect_is_independent() {
        let draws = draws(&Chain::preset("paper").unwrap(), 20_000);
        let both = draws.iter().filter(|draw| {
            let has = |kind| draw.effects.iter().any(|effect| effect.kind() == kind);
            has(Kind::HighPass) && has(Kind::LowPass)
        });
        let (expected, share) = (0.4 * 0.4, both.count() as f64 / draws.len() as f64);
        assert!((share - expected).abs() < 0.015, "{share}");
    }

    #[test]
    fn a_change_to_one_step_leaves_what_the_others_roll() {
        let chain = Chain::preset("reference").unwrap();
        let mut without_noise = chain.clone();
        without_noise.steps[1].probability = 0.0;
        for (with, without) in draws(&chain, 100).iter().zip(draws(&without_noise, 100)) {
            let rest: Vec<Effect> = with
                .effects
                .iter()
                .copied()
                .filter(|e| e.kind() != Kind::Noise)
                .collect();
            assert_eq!(rest, without.effects);
        }
    }

    #[test]
    fn a_chain_is_written_and_read_back() {
        for (name, _) in PRESETS {
            let chain = Chain::preset(name).unwrap();
            let text = chain.to_toml().unwrap();
            assert_eq!(Chain::from_toml(name, &text).unwrap(), chain, "{text}");
        }
    }

    #[test]
    fn a_mistake_in_a_chain_is_told_with_its_place_or_what_exists() {
        let check = |text: &str, parts: &[&str]| {
            let error = Chain::from_toml("mine.toml", text).unwrap_err();
            let mut message = error.to_string();
            if let Error::Toml { source, .. } = &error {
                message += &source.to_string();
            }
            for part in parts {
                assert!(message.contains(part), "{text}: {message}");
            }
        };
        let step = |choice: &str| format!("[[steps]]\nprobability = 0.5\nchoices = [{choice}]\n");
        check(
            &step("{ effect = \"revreb\" }"),
            &["mine.toml", "`revreb`", "pitch, reverb"],
        );
        check(
            &step("{ effect = \"gain\", hz = { min = 1, max = 2 } }"),
            &["`hz`", "db"],
        );
        check(&step("{ effect = \"gain\" }"), &["expected a range for db"]);
        check(
            &step("{ effect = \"gain\", db = { min = 1, max = 200 } }"),
            &["step 1", "200", "60 dB"],
        );
        check(
            &step("{ effect = \"gain\", db = { min = 2, max = 1 } }"),
            &["step 1"],
        );
        for (size, part) in [
            ("0", "above 0"),
            ("-1", "above 0"),
            ("nan", "above 0"),
            ("inf", "above 0"),
            ("1e-9", "more than 1000000 steps"),
        ] {
            let range =
                format!("{{ effect = \"gain\", db = {{ min = 1, max = 2, step = {size} }} }}");
            check(&step(&range), &["step 1", "gain", "1 to 2 dB", part]);
        }
        check(&step(""), &["step 1", "no choices"]);
        check(
            "[[steps]]\nprobability = 1.5\nchoices = [{ effect = \"polarity\" }]",
            &["1.5"],
        );
        check("[[steps]]\nodds = 1", &["odds", "line 2"]);
        let unknown = Chain::preset("papre").unwrap_err().to_string();
        assert!(unknown.contains("reference, paper, none"), "{unknown}");
        assert!(matches!(
            Chain::load(Path::new("no/such.toml")),
            Err(Error::Read { .. })
        ));
    }
}
