//! What one chain does otherwise than another, for people: steps, their order, probabilities, choices and ranges.
//!
//! Steps are matched by the kinds of their choices: first those with the very same kinds, then those that share most.

use super::{Chain, Choice, Kind, Range, Step};
use serde::Serialize;
use std::fmt;

/// One difference of a chain to the chain that it is held against. Steps are counted from 1; `Display` says it in words.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "difference", rename_all = "kebab-case")]
pub enum Difference {
    /// A step that the other chain has not.
    Added {
        /// Its number in the chain.
        number: usize,
        /// What it is.
        step: Step,
    },
    /// A step of the other chain that this one has not.
    Removed {
        /// Its number in the other chain.
        number: usize,
        /// What it was.
        step: Step,
    },
    /// A step at another place among the steps that both chains have.
    Moved {
        /// What its choices are.
        kinds: Vec<Kind>,
        /// Its number in the other chain.
        from: usize,
        /// Its number in this one.
        to: usize,
    },
    /// A step that applies more or less often.
    Probability {
        /// What its choices are.
        kinds: Vec<Kind>,
        /// In the other chain.
        from: f32,
        /// In this one.
        to: f32,
    },
    /// A choice that the step of the other chain has not.
    ChoiceAdded {
        /// What the step's choices are.
        kinds: Vec<Kind>,
        /// What it is.
        choice: Choice,
    },
    /// A choice of the other chain's step that this one's has not.
    ChoiceRemoved {
        /// What the step's choices are.
        kinds: Vec<Kind>,
        /// What it was.
        choice: Choice,
    },
    /// A number that is drawn from another range.
    Range {
        /// The effect.
        kind: Kind,
        /// Key of the number, see [`super::Parameter::name`].
        parameter: &'static str,
        /// Its unit.
        unit: &'static str,
        /// In the other chain.
        from: Range,
        /// In this one.
        to: Range,
    },
}

impl Chain {
    /// What this chain does otherwise than `base` (usually the preset `reference`): removed steps, then step by step of this chain.
    /// Empty if both roll the same; what they say about themselves does not count.
    pub fn diff(&self, base: &Chain) -> Vec<Difference> {
        let partner = match_steps(&self.steps, &base.steps);
        let mut found: Vec<Difference> = (0..base.steps.len())
            .filter(|idx| !partner.contains(&Some(*idx)))
            .map(|idx| Difference::Removed {
                number: idx + 1,
                step: base.steps[idx].clone(),
            })
            .collect();
        let in_place = in_order(&partner);
        for (idx, (step, of_base)) in self.steps.iter().zip(&partner).enumerate() {
            let Some(from) = *of_base else {
                found.push(Difference::Added {
                    number: idx + 1,
                    step: step.clone(),
                });
                continue;
            };
            if !in_place.contains(&idx) {
                found.push(Difference::Moved {
                    kinds: kinds(step),
                    from: from + 1,
                    to: idx + 1,
                });
            }
            diff_step(step, &base.steps[from], &mut found);
        }
        found
    }
}

fn kinds(step: &Step) -> Vec<Kind> {
    step.choices.iter().map(|choice| choice.kind).collect()
}

/// For each of `steps` the step of `base` that it goes with.
fn match_steps(steps: &[Step], base: &[Step]) -> Vec<Option<usize>> {
    let mut partner = vec![None; steps.len()];
    let mut is_taken = vec![false; base.len()];
    // How much two steps have in common: 1 for the same kinds.
    let likeness = |one: &Step, other: &Step| {
        let (one, other) = (kinds(one), kinds(other));
        let shared = one.iter().filter(|kind| other.contains(kind)).count();
        shared as f32 / one.len().max(other.len()).max(1) as f32
    };
    let mut pairs: Vec<(f32, usize, usize)> = Vec::new();
    for (idx, step) in steps.iter().enumerate() {
        for (of_base, other) in base.iter().enumerate() {
            pairs.push((likeness(step, other), idx, of_base));
        }
    }
    // The most alike first; of equals, those nearest to one another, then in order.
    pairs.sort_by(|a, b| {
        let far = |pair: &(f32, usize, usize)| pair.1.abs_diff(pair.2);
        b.0.total_cmp(&a.0).then(far(a).cmp(&far(b)))
    });
    for (likeness, idx, of_base) in pairs {
        if likeness > 0.0 && partner[idx].is_none() && !is_taken[of_base] {
            partner[idx] = Some(of_base);
            is_taken[of_base] = true;
        }
    }
    partner
}

/// The most steps whose partners ascend: the others have moved.
fn in_order(partner: &[Option<usize>]) -> Vec<usize> {
    // longest[i]: the longest ascending run that ends with step i.
    let mut longest: Vec<Vec<usize>> = Vec::with_capacity(partner.len());
    for (idx, of_base) in partner.iter().enumerate() {
        let mut run: Vec<usize> = Vec::new();
        if of_base.is_some() {
            let before = (0..idx).filter(|&i| partner[i].is_some() && partner[i] < *of_base);
            // The first of the longest.
            for i in before {
                if longest[i].len() > run.len() {
                    run.clone_from(&longest[i]);
                }
            }
            run.push(idx);
        }
        longest.push(run);
    }
    longest.into_iter().max_by_key(Vec::len).unwrap_or_default()
}

fn diff_step(step: &Step, base: &Step, found: &mut Vec<Difference>) {
    if step.probability != base.probability {
        found.push(Difference::Probability {
            kinds: kinds(step),
            from: base.probability,
            to: step.probability,
        });
    }
    let mut left: Vec<&Choice> = base.choices.iter().collect();
    for choice in &step.choices {
        let Some(at) = left.iter().position(|other| other.kind == choice.kind) else {
            found.push(Difference::ChoiceAdded {
                kinds: kinds(step),
                choice: choice.clone(),
            });
            continue;
        };
        let other = left.remove(at);
        let ranges = choice.ranges.iter().zip(&other.ranges);
        for ((to, from), parameter) in ranges.zip(choice.kind.parameters()) {
            if to != from {
                found.push(Difference::Range {
                    kind: choice.kind,
                    parameter: parameter.name,
                    unit: parameter.unit,
                    from: *from,
                    to: *to,
                });
            }
        }
    }
    found.extend(left.into_iter().map(|choice| Difference::ChoiceRemoved {
        kinds: kinds(step),
        choice: choice.clone(),
    }));
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Added { number, step } => write!(
                f,
                "step {number} added: {}, with probability {}",
                names(&kinds(step)),
                step.probability
            ),
            Self::Removed { number, step } => write!(
                f,
                "step {number} removed: {}, with probability {}",
                names(&kinds(step)),
                step.probability
            ),
            Self::Moved { kinds, from, to } => {
                write!(f, "{}: moved from step {from} to step {to}", names(kinds))
            }
            Self::Probability { kinds, from, to } => {
                write!(f, "{}: probability {from} → {to}", names(kinds))
            }
            Self::ChoiceAdded { kinds, choice } => {
                write!(f, "{}: choice added, {}", names(kinds), choice.kind.name())
            }
            Self::ChoiceRemoved { kinds, choice } => {
                write!(
                    f,
                    "{}: choice removed, {}",
                    names(kinds),
                    choice.kind.name()
                )
            }
            Self::Range {
                kind,
                parameter,
                unit,
                from,
                to,
            } => {
                let (from, to) = (range_text(*from), range_text(*to));
                write!(f, "{}: {parameter} {from} → {to}", kind.name())?;
                if unit == parameter {
                    Ok(())
                } else {
                    write!(f, " {unit}")
                }
            }
        }
    }
}

/// "high-pass or low-pass".
fn names(kinds: &[Kind]) -> String {
    let names: Vec<&str> = kinds.iter().map(|kind| kind.name()).collect();
    names.join(" or ")
}

/// "−700…700 by 1".
fn range_text(range: Range) -> String {
    let number = |value: f32| value.to_string().replace('-', "−");
    let mut text = number(range.min);
    if range.min != range.max {
        text = format!("{text}…{}", number(range.max));
    }
    if let Some(step) = range.step {
        text = format!("{text} by {}", number(step));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reference() -> Chain {
        Chain::preset("reference").unwrap()
    }

    fn words(chain: &Chain) -> Vec<String> {
        let found = chain.diff(&reference());
        found.iter().map(Difference::to_string).collect()
    }

    #[test]
    fn a_chain_does_nothing_otherwise_than_itself() {
        let mut chain = reference();
        chain.about = "other words".to_owned();
        assert_eq!(words(&chain), Vec::<String>::new());
    }

    #[test]
    fn numbers_that_differ_are_told_with_their_units() {
        let mut chain = reference();
        chain.steps[0].probability = 0.5;
        chain.steps[5].choices[0].ranges[0] = Range {
            min: -300.0,
            max: 300.0,
            step: Some(1.0),
        };
        chain.steps[2].choices[0].ranges[0].max = -3.0;
        assert_eq!(
            words(&chain),
            [
                "polarity: probability 0.8 → 0.5",
                "gain: db −20…−1 → −20…−3 dB",
                "pitch: cents −700…700 by 1 → −300…300 by 1"
            ]
        );
    }

    #[test]
    fn steps_and_choices_that_come_and_go_are_told() {
        let mut chain = reference();
        chain.steps.remove(1);
        chain.steps.push(Step {
            probability: 0.3,
            choices: vec![Choice::usual(Kind::TimeMask)],
        });
        chain.steps[2].choices.remove(1);
        chain.steps[2]
            .choices
            .push(Choice::usual(Kind::FrequencyMask));
        assert_eq!(
            words(&chain),
            [
                "step 2 removed: noise, with probability 0.3",
                "high-pass or frequency-mask: choice added, frequency-mask",
                "high-pass or frequency-mask: choice removed, low-pass",
                "step 7 added: time-mask, with probability 0.3"
            ]
        );
    }

    #[test]
    fn of_a_step_that_moved_only_this_one_is_told() {
        let mut chain = reference();
        let reverb = chain.steps.pop().unwrap();
        chain.steps.insert(0, reverb);
        assert_eq!(words(&chain), ["reverb: moved from step 7 to step 1"]);
        let mut chain = reference();
        let polarity = chain.steps.remove(0);
        chain.steps.push(polarity);
        assert_eq!(words(&chain), ["polarity: moved from step 1 to step 7"]);
    }

    #[test]
    fn the_papers_chain_splits_the_coin_of_the_filters() {
        let paper = Chain::preset("paper").unwrap();
        let words = words(&paper);
        assert!(
            words.iter().any(|line| line.contains("low-pass")),
            "{words:?}"
        );
        assert!(
            words.contains(&"delay: ms 200…450 by 50 → 200…500 by 50".to_owned()),
            "{words:?}"
        );
        assert_eq!(Chain::preset("none").unwrap().diff(&reference()).len(), 7);
    }
}
