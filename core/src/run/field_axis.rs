//! An axis on which the values of a field lie, for plots of settings against scores: even, logarithmic or of words.

use super::{Field, RunSummary, Setting, Value, utc_text};
use std::collections::BTreeSet;

/// Numbers that span more than this many times the smallest lie on a logarithmic axis.
const WIDE: f64 = 20.0;

/// A field's values over some runs, each placed in 0..=1.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldAxis {
    /// What lies on it.
    pub field: Field,
    scale: Scale,
    /// Places of the values themselves, where these are few and apart.
    marks: Vec<f64>,
    /// Place of each run; `None`: it has no value.
    pub places: Vec<Option<f64>>,
}

#[derive(Clone, Debug, PartialEq)]
enum Scale {
    Even { low: f64, high: f64 },
    Logarithmic { low: f64, high: f64 },
    Words(Vec<String>),
}

/// A part of an axis that was marked: the runs whose values lie in it are meant.
#[derive(Clone, Debug, PartialEq)]
pub struct Brush {
    /// Whose values.
    pub field: Field,
    part: Part,
}

#[derive(Clone, Debug, PartialEq)]
enum Part {
    Numbers { low: f64, high: f64 },
    Words(BTreeSet<String>),
}

impl FieldAxis {
    /// The axis of `field` for these runs.
    pub fn of(field: &Field, runs: &[&RunSummary]) -> Self {
        let values: Vec<Option<Value>> = runs.iter().map(|run| field.of(run)).collect();
        let numbers: Vec<f64> = values.iter().flatten().filter_map(finite).collect();
        let is_numeric = !numbers.is_empty() && numbers.len() == values.iter().flatten().count();
        let scale = if is_numeric {
            let low = numbers.iter().copied().fold(f64::INFINITY, f64::min);
            let high = numbers.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            if low > 0.0 && high / low > WIDE {
                Scale::Logarithmic { low, high }
            } else {
                Scale::Even { low, high }
            }
        } else {
            let words: BTreeSet<String> = values.iter().flatten().map(words).collect();
            let mut words: Vec<String> = words.into_iter().collect();
            // 2 before 10, and numbers before names.
            words.sort_by(|one, other| {
                let number = |text: &str| text.parse::<f64>().unwrap_or(f64::INFINITY);
                number(one)
                    .total_cmp(&number(other))
                    .then_with(|| one.cmp(other))
            });
            Scale::Words(words)
        };
        let places: Vec<Option<f64>> = values
            .iter()
            .map(|value| scale.place(value.as_ref()?))
            .collect();
        Self {
            field: field.clone(),
            marks: marks(&places),
            scale,
            places,
        }
    }

    /// Whether numbers lie on it, not words.
    pub fn is_numeric(&self) -> bool {
        !matches!(self.scale, Scale::Words(_))
    }

    /// Whether it is logarithmic.
    pub fn is_logarithmic(&self) -> bool {
        matches!(self.scale, Scale::Logarithmic { .. })
    }

    /// Places with what stands there: all words, the values themselves if they are few, or about `n` numbers.
    pub fn ticks(&self, n: usize) -> Vec<(f64, String)> {
        match &self.scale {
            Scale::Words(words) => {
                let word =
                    |(idx, word): (usize, &String)| (word_place(idx, words.len()), word.clone());
                words.iter().enumerate().map(word).collect()
            }
            Scale::Even { low, high } if low == high => vec![(0.5, self.text(*low))],
            _ if !self.marks.is_empty() => {
                let marks = self.marks.iter();
                marks.map(|&place| (place, self.text_at(place))).collect()
            }
            _ => {
                let n = n.max(2);
                (0..n)
                    .map(|idx| idx as f64 / (n - 1) as f64)
                    .map(|place| (place, self.text_at(place)))
                    .collect()
            }
        }
    }

    /// The number at a place; `None` on an axis of words.
    pub fn number_at(&self, place: f64) -> Option<f64> {
        self.scale.number(place)
    }

    /// What lies at a place.
    pub fn text_at(&self, place: f64) -> String {
        match &self.scale {
            Scale::Words(words) => nearest(place, words.len())
                .and_then(|idx| words.get(idx))
                .cloned()
                .unwrap_or_default(),
            scale => scale
                .number(place)
                .map_or(String::new(), |number| self.text(number)),
        }
    }

    /// Counts and seeds in full, other numbers to three digits, which is what a plot shows.
    fn text(&self, number: f64) -> String {
        match self.field {
            Field::Started => utc_text(number.max(0.0) as u64),
            Field::Duration => Value::Seconds(number).to_string(),
            _ => {
                // A place is exact to fewer digits than the value that it is of.
                let rounded = |text: String| text.parse().unwrap_or(number);
                let exact: f64 = rounded(format!("{number:.11e}"));
                let shown = match exact.fract() {
                    0.0 => exact,
                    _ => rounded(format!("{number:.2e}")),
                };
                Setting::Number(shown).to_string()
            }
        }
    }

    /// The runs between two places, by their values, so that it means the same when more runs come in.
    pub fn brush(&self, one: f64, other: f64) -> Brush {
        let (low, high) = (one.min(other), one.max(other));
        let part = match &self.scale {
            Scale::Words(words) => {
                let within = words.iter().enumerate().filter(|(idx, _)| {
                    let place = word_place(*idx, words.len());
                    (low..=high).contains(&place)
                });
                Part::Words(within.map(|(_, word)| word.clone()).collect())
            }
            scale => {
                // The ends of the axis are its least and greatest value, and rounding must not leave these out.
                let at = |place: f64| scale.number(place).unwrap_or(0.0);
                Part::Numbers {
                    low: if low <= 0.0 {
                        f64::NEG_INFINITY
                    } else {
                        at(low)
                    },
                    high: if high >= 1.0 { f64::INFINITY } else { at(high) },
                }
            }
        };
        Brush {
            field: self.field.clone(),
            part,
        }
    }

    /// Where a brush lies on this axis, to draw it; `None` if it is of another field or of nothing here.
    pub fn places_of(&self, brush: &Brush) -> Option<(f64, f64)> {
        if brush.field != self.field {
            return None;
        }
        match (&brush.part, &self.scale) {
            (Part::Words(chosen), Scale::Words(words)) => {
                let places = words
                    .iter()
                    .enumerate()
                    .filter(|(_, word)| chosen.contains(*word));
                let places: Vec<f64> = places
                    .map(|(idx, _)| word_place(idx, words.len()))
                    .collect();
                let margin = 0.4 / words.len() as f64;
                Some((places.first()? - margin, places.last()? + margin))
            }
            (Part::Numbers { low, high }, scale) => {
                let place = |number: f64| scale.place(&Value::Number(number));
                let low = if low.is_finite() { place(*low)? } else { 0.0 };
                let high = if high.is_finite() { place(*high)? } else { 1.0 };
                Some((low.clamp(0.0, 1.0), high.clamp(0.0, 1.0)))
            }
            (Part::Words(_), _) => None,
        }
    }
}

impl Brush {
    /// Whether a run lies in it.
    pub fn matches(&self, run: &RunSummary) -> bool {
        let Some(value) = self.field.of(run) else {
            return false;
        };
        match &self.part {
            Part::Numbers { low, high } => {
                finite(&value).is_some_and(|number| (*low..=*high).contains(&number))
            }
            Part::Words(chosen) => chosen.contains(&words(&value)),
        }
    }
}

impl Scale {
    fn place(&self, value: &Value) -> Option<f64> {
        match self {
            Self::Even { low, high } => {
                let number = finite(value)?;
                Some(if high > low {
                    (number - low) / (high - low)
                } else {
                    0.5
                })
            }
            Self::Logarithmic { low, high } => {
                let number = finite(value)?.max(f64::MIN_POSITIVE);
                Some((number / low).ln() / (high / low).ln())
            }
            Self::Words(all) => {
                let word = words(value);
                let idx = all.iter().position(|other| *other == word)?;
                Some(word_place(idx, all.len()))
            }
        }
    }

    /// The number at a place; `None` on an axis of words.
    fn number(&self, place: f64) -> Option<f64> {
        match self {
            Self::Even { low, high } => Some(low + (high - low) * place),
            Self::Logarithmic { low, high } => Some(low * (high / low).powf(place)),
            Self::Words(_) => None,
        }
    }
}

/// The places themselves, if they are few and leave room for their names.
fn marks(places: &[Option<f64>]) -> Vec<f64> {
    const MOST: usize = 8;
    const APART: f64 = 0.06;
    let mut marks: Vec<f64> = places.iter().flatten().copied().collect();
    marks.sort_unstable_by(f64::total_cmp);
    marks.dedup_by(|one, other| (*one - *other).abs() < 1e-9);
    let is_wide = marks.windows(2).all(|pair| pair[1] - pair[0] >= APART);
    if marks.len() > MOST || !is_wide {
        marks.clear();
    }
    marks
}

/// Words lie in the middle of equal parts.
fn word_place(idx: usize, n: usize) -> f64 {
    (idx as f64 + 0.5) / n as f64
}

fn nearest(place: f64, n: usize) -> Option<usize> {
    let last = n.checked_sub(1)?;
    Some(((place * n as f64).floor().max(0.0) as usize).min(last))
}

fn finite(value: &Value) -> Option<f64> {
    value.number().filter(|number| number.is_finite())
}

fn words(value: &Value) -> String {
    value.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::{RunLog, list};
    use proptest::prelude::*;

    fn runs(settings: &[(f64, &str)]) -> Vec<RunSummary> {
        let folder = tempfile::tempdir().unwrap();
        for (at, (rate, model)) in settings.iter().enumerate() {
            let recipe = format!(
                "[config]\nlearning_rate = {rate:?}\nseed = 3\n[config.model]\npreset = \"{model}\"\n"
            );
            let recipe: toml::Table = recipe.parse().unwrap();
            RunLog::create(&folder.path().join(format!("run-{at:03}")), &recipe).unwrap();
        }
        let mut runs = list(folder.path());
        runs.sort_by(|one, other| one.id.cmp(&other.id));
        runs
    }

    #[test]
    fn rates_lie_on_a_logarithmic_axis_and_names_on_one_of_words() {
        let runs = runs(&[(1e-4, "tiny"), (1e-3, "crnn"), (1e-2, "tiny")]);
        let runs: Vec<&RunSummary> = runs.iter().collect();
        let rate = FieldAxis::of(&Field::named("lr"), &runs);
        assert!(rate.is_logarithmic());
        let places: Vec<f64> = rate.places.iter().map(|place| place.unwrap()).collect();
        for (found, expected) in places.iter().zip([0.0, 0.5, 1.0]) {
            assert!((found - expected).abs() < 1e-9);
        }
        let told: Vec<String> = rate.ticks(3).into_iter().map(|tick| tick.1).collect();
        assert_eq!(told, ["1e-4", "0.001", "0.01"]);
        let model = FieldAxis::of(&Field::named("model.preset"), &runs);
        assert!(!model.is_numeric());
        assert_eq!(model.places, [Some(0.75), Some(0.25), Some(0.75)]);
        assert_eq!(model.text_at(0.1), "crnn");
        let rows: Vec<RunSummary> =
            self::runs(&[(1024.0, "tiny"), (2048.0, "tiny"), (2050.5, "x")]);
        let rows: Vec<&RunSummary> = rows.iter().collect();
        let counts = FieldAxis::of(&Field::named("lr"), &rows);
        assert_eq!(counts.text_at(counts.places[1].unwrap()), "2048");
        assert_eq!(counts.text_at(1.0), "2050");
        let seed = FieldAxis::of(&Field::named("seed"), &runs);
        assert_eq!(seed.places, [Some(0.5); 3]);
        let none = FieldAxis::of(&Field::TestRocAuc, &runs);
        assert_eq!(none.places, [None; 3]);
        assert!(none.ticks(5).is_empty());
    }

    #[test]
    fn a_brush_means_what_lies_under_it() {
        let runs = runs(&[(1e-4, "tiny"), (1e-3, "crnn"), (1e-2, "tiny")]);
        let runs: Vec<&RunSummary> = runs.iter().collect();
        let within =
            |brush: &Brush| -> Vec<bool> { runs.iter().map(|run| brush.matches(run)).collect() };
        let rate = FieldAxis::of(&Field::named("lr"), &runs);
        assert_eq!(within(&rate.brush(0.4, 1.2)), [false, true, true]);
        assert_eq!(within(&rate.brush(1.0, 0.0)), [true; 3]);
        let model = FieldAxis::of(&Field::named("model.preset"), &runs);
        let brush = model.brush(0.6, 0.9);
        assert_eq!(within(&brush), [true, false, true]);
        let (low, high) = model.places_of(&brush).unwrap();
        assert!(low < 0.75 && high > 0.75 && low > 0.25);
        assert_eq!(rate.places_of(&brush), None);
    }

    proptest! {
        #[test]
        fn every_run_lies_on_the_axis_and_in_a_brush_around_its_place(
            rates in prop::collection::vec(1e-6f64..10.0, 1..8),
        ) {
            let settings: Vec<(f64, &str)> = rates.iter().map(|rate| (*rate, "tiny")).collect();
            let runs = runs(&settings);
            let runs: Vec<&RunSummary> = runs.iter().collect();
            let axis = FieldAxis::of(&Field::named("lr"), &runs);
            for (place, run) in axis.places.iter().zip(&runs) {
                let place = place.unwrap();
                prop_assert!((-1e-9..=1.0 + 1e-9).contains(&place));
                prop_assert!(axis.brush(place - 1e-6, place + 1e-6).matches(run));
            }
        }
    }
}
