//! How strong an effect is: which of its numbers says it, where that number does nothing, and steps from weak to strong.
//!
//! Sweeps ([`crate::predict::sweep`]) and robustness tables (`train::robustness`) ask here, for every effect alike. An effect
//! that is not named here has its first number run, over what one would set by ear.

use super::{Effect, Kind, Parameter};

/// Values that are closer to the one at which an effect does nothing than this part of the range are held to do nothing, too.
const NOTHING: f32 = 1e-3;

/// An effect at several strengths: one of its numbers runs, the others have their usual values.
#[derive(Clone, Debug, PartialEq)]
pub struct Ladder {
    /// The effect.
    pub kind: Kind,
    /// The number that runs, by its place in [`Kind::parameters`]; `None` for an effect without numbers, which has one strength.
    pub parameter_idx: Option<usize>,
    /// Its values, rising, in the unit of the parameter. Empty for an effect without numbers.
    pub values: Vec<f32>,
}

impl Ladder {
    /// Strengths of an effect, `n` of them over its range (at least 1). One that would do nothing is left out: that is the clean clip.
    pub fn of(kind: Kind, n: usize) -> Self {
        let Some((parameter_idx, parameter)) = kind.strength() else {
            return Self {
                kind,
                parameter_idx: None,
                values: Vec::new(),
            };
        };
        let (low, high) = range(kind, parameter);
        let by_factors = parameter.logarithmic || is_ratio(kind);
        let mut values = steps(low, high, n.max(1), by_factors);
        if by_factors {
            values.iter_mut().for_each(|value| *value = rounded(*value));
        }
        if let Some(neutral) = kind.neutral(parameter_idx) {
            values.retain(|value| (value - neutral).abs() > NOTHING * (high - low));
        }
        Self {
            kind,
            parameter_idx: Some(parameter_idx),
            values,
        }
    }

    /// The strengths of the paper's eight effects.
    pub fn of_paper(n: usize) -> Vec<Self> {
        Kind::PAPER.map(|kind| Self::of(kind, n)).to_vec()
    }

    /// The strengths of all effects that can be applied to a clip by itself, in the order of [`Kind::ALL`].
    pub fn all(n: usize) -> Vec<Self> {
        let alone = Kind::ALL.into_iter().filter(|kind| !kind.needs_company());
        alone.map(|kind| Self::of(kind, n)).collect()
    }

    /// The effect at each strength, weak or strong as the number runs.
    pub fn effects(&self) -> Vec<Effect> {
        let Some(idx) = self.parameter_idx else {
            return vec![self.kind.default_effect()];
        };
        let usual = self.kind.default_effect();
        let at = |&value: &f32| usual.with_strength(idx, value);
        self.values.iter().map(at).collect()
    }

    /// The value at which the effect does nothing, if there are strengths on both sides of it.
    pub fn neutral(&self) -> Option<f32> {
        let neutral = self.kind.neutral(self.parameter_idx?)?;
        let is_between = *self.values.first()? < neutral && neutral < *self.values.last()?;
        is_between.then_some(neutral)
    }

    /// The number that runs.
    pub fn parameter(&self) -> Option<&'static Parameter> {
        self.parameter_idx.map(|idx| &self.kind.parameters()[idx])
    }
}

impl Kind {
    /// The number that says how strong the effect is, with its place; `None` for an effect without numbers.
    pub fn strength(self) -> Option<(usize, &'static Parameter)> {
        let idx = match self {
            // First comes where the mask or the cut lies, then how much it takes.
            Kind::TimeMask | Kind::FrequencyMask | Kind::Crop => 1,
            _ => 0,
        };
        Some((idx, self.parameters().get(idx)?))
    }

    /// The value of a parameter at which the effect leaves the clip as it is; `None` if it has none within reach: a reverb of 0 % is still a room,
    /// and the highest bit rate still codes.
    ///
    /// # Panics
    /// If there is no such parameter.
    pub fn neutral(self, parameter_idx: usize) -> Option<f32> {
        match (self, self.parameters()[parameter_idx].name) {
            (Kind::Noise, "ratio") | (Kind::Gain, "db") | (Kind::Pitch, "cents") => Some(0.0),
            (Kind::TimeMask, "ms") => Some(0.0),
            (Kind::TimeStretch, "percent") | (Kind::Crop, "keep") => Some(100.0),
            (Kind::Mixup, "share") => Some(1.0),
            _ => None,
        }
    }

    /// The value of a parameter at which the effect does nothing, or least: the tempo of 100 %, the highest cutoff of a low-pass and the
    /// lowest of a high-pass, the highest bit rate, all of the clip; else 0 where it can be 0, and the smallest value where it cannot.
    ///
    /// # Panics
    /// If there is no such parameter.
    pub fn weakest(self, parameter_idx: usize) -> f32 {
        let parameter = &self.parameters()[parameter_idx];
        match self {
            Kind::TimeStretch => return 100.0,
            Kind::LowPass | Kind::Mp3 | Kind::Ogg | Kind::Mixup | Kind::Background => {
                return parameter.max;
            }
            Kind::Crop if parameter.name == "keep" => return parameter.max,
            _ => {}
        }
        if parameter.min <= 0.0 && parameter.max >= 0.0 {
            0.0
        } else {
            parameter.min
        }
    }
}

impl Effect {
    /// The effect with one of its numbers at `value` and the others as they are. Only a crop whose length runs is cut at the clip's start
    /// ([`super::Kind::Crop`] keeps no more than there is behind its start), so that 90 % are 90 % and 100 % the whole clip.
    ///
    /// # Panics
    /// If it has no such number.
    pub fn with_strength(&self, parameter_idx: usize, value: f32) -> Self {
        let kind = self.kind();
        let mut values = self.values();
        if kind == Kind::Crop && Some(parameter_idx) == kind.strength().map(|(idx, _)| idx) {
            values.fill(0.0);
        }
        values[parameter_idx] = value;
        Self::from_values(kind, &values)
    }
}

/// From weak to strong, or from one side to the other.
fn range(kind: Kind, parameter: &Parameter) -> (f32, f32) {
    match kind {
        Kind::Noise => (0.1, 2.0),
        Kind::Gain => (-30.0, 12.0),
        Kind::HighPass => (100.0, 3200.0),
        Kind::LowPass => (500.0, 8000.0),
        Kind::Delay => (50.0, 500.0),
        Kind::Pitch => (-1200.0, 1200.0),
        Kind::TimeStretch => (70.0, 140.0),
        Kind::TimeMask => (250.0, 2000.0),
        Kind::FrequencyMask => (0.5, 4.0),
        Kind::Crop => (10.0, 90.0),
        Kind::Mp3 | Kind::Ogg => (16.0, 128.0),
        _ => parameter.by_ear,
    }
}

/// Noise is told by a ratio: from 0.1 to 0.2 is as far as from 1 to 2.
fn is_ratio(kind: Kind) -> bool {
    kind == Kind::Noise
}

/// `n` values from `low` to `high`, evenly or, where asked for and possible, by equal factors. A single one is the strongest to the right.
pub fn steps(low: f32, high: f32, n: usize, by_factors: bool) -> Vec<f32> {
    let by_factors = by_factors && low > 0.0 && high > 0.0;
    // In double precision: −300 cents are to be −300, not −299.99997.
    let (from, to) = (f64::from(low), f64::from(high));
    let at = |i: usize| {
        if n == 1 || i + 1 == n {
            return high;
        }
        let share = i as f64 / (n - 1) as f64;
        if i == 0 {
            low
        } else if by_factors {
            (from * (to / from).powf(share)) as f32
        } else {
            (from + (to - from) * share) as f32
        }
    };
    (0..n).map(at).collect()
}

/// Three digits that mean something: a table of 237.841 Hz says no more than one of 238 Hz.
fn rounded(value: f32) -> f32 {
    if value == 0.0 {
        return value;
    }
    let value = f64::from(value);
    // A power of ten that is whole on one side or the other: 0.447 is to be 0.447, not 0.44700003.
    let digits = 2.0 - value.abs().log10().floor();
    if digits >= 0.0 {
        let factor = 10f64.powf(digits);
        ((value * factor).round() / factor) as f32
    } else {
        let unit = 10f64.powf(-digits);
        ((value / unit).round() * unit) as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::augment::Draw;

    #[test]
    fn every_effect_has_strengths_within_what_it_takes() {
        for n in [1, 2, 5, 9] {
            for ladder in Ladder::all(n) {
                let effects = ladder.effects();
                assert!(!effects.is_empty() && effects.len() <= n, "{ladder:?}");
                for effect in effects {
                    assert_eq!(Effect::parse(&effect.to_string()).unwrap(), effect);
                }
                assert!(ladder.values.is_sorted());
            }
        }
    }

    #[test]
    fn strengths_run_by_factors_where_the_ear_does_and_leave_out_what_does_nothing() {
        let values = |kind| Ladder::of(kind, 5).values;
        assert_eq!(values(Kind::Pitch), [-1200.0, -600.0, 600.0, 1200.0]);
        assert_eq!(
            values(Kind::LowPass),
            [500.0, 1000.0, 2000.0, 4000.0, 8000.0]
        );
        assert_eq!(values(Kind::Gain), [-30.0, -19.5, -9.0, 1.5, 12.0]);
        assert_eq!(
            values(Kind::Reverb),
            [0.0, 25.0, 50.0, 75.0, 100.0],
            "a dry room is a room"
        );
        assert!(values(Kind::Polarity).is_empty());
        assert_eq!(Ladder::of(Kind::Polarity, 5).effects(), [Effect::Polarity]);
        let neutral = |kind| Ladder::of(kind, 5).neutral();
        assert_eq!(neutral(Kind::Gain), Some(0.0));
        assert_eq!(neutral(Kind::Noise), None, "noise has one side only");
    }

    #[test]
    fn effects_do_nothing_at_the_end_that_is_heard_least() {
        assert_eq!(Kind::Pitch.weakest(0), 0.0);
        assert_eq!(Kind::HighPass.weakest(0), 10.0);
        assert_eq!(Kind::LowPass.weakest(0), 24_000.0);
        assert_eq!(Kind::TimeStretch.weakest(0), 100.0);
        assert_eq!(Kind::Mp3.weakest(0), 320.0);
        let (idx, keep) = Kind::Crop.strength().unwrap();
        assert_eq!((keep.name, Kind::Crop.weakest(idx)), ("keep", 100.0));
    }

    #[test]
    fn a_clip_stays_as_it_is_where_an_effect_is_said_to_do_nothing() {
        let wave: Vec<f32> = (0..22_050).map(|i| 0.5 * (i as f32 * 0.1).sin()).collect();
        let mut n_neutral = 0;
        for kind in Kind::ALL {
            for idx in 0..kind.parameters().len() {
                let Some(neutral) = kind.neutral(idx) else {
                    continue;
                };
                n_neutral += 1;
                assert_eq!(neutral, kind.weakest(idx), "{kind:?}");
                let effect = kind.default_effect().with_strength(idx, neutral);
                assert_eq!(
                    Draw::of(vec![effect], 1).apply(&wave, 22_050),
                    wave,
                    "{effect}"
                );
            }
        }
        assert!(n_neutral > 5);
    }

    #[test]
    fn a_crop_keeps_as_much_as_its_strength_says() {
        let wave = vec![0.5; 10_000];
        for effect in Ladder::of(Kind::Crop, 9).effects() {
            let sound = Draw::of(vec![effect], 1).apply(&wave, 22_050);
            let kept = sound.iter().filter(|sample| **sample != 0.0).count();
            assert_eq!(kept as f32, 100.0 * effect.values()[1], "{effect}");
        }
    }

    #[test]
    fn steps_hold_both_ends() {
        assert_eq!(steps(-700.0, 700.0, 3, false), [-700.0, 0.0, 700.0]);
        assert_eq!(steps(-700.0, 700.0, 29, false)[8], -300.0);
        assert_eq!(steps(10.0, 1000.0, 3, true), [10.0, 100.0, 1000.0]);
        let mut fine = steps(20.0, 8000.0, 1000, true);
        fine.dedup();
        assert_eq!(fine.len(), 1000, "no step is rounded into another");
        assert_eq!(
            steps(0.0, 2.0, 3, true),
            [0.0, 1.0, 2.0],
            "no factor leads from 0"
        );
        assert_eq!(steps(3.0, 4.0, 1, false), [4.0]);
    }
}
