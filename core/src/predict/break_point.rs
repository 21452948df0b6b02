//! Where a tag is lost: the strength of an effect from which on its probability lies below a threshold.

use serde::Serialize;

/// A probability above which a tag counts as given, where nothing else is known of a model.
const HALF: f32 = 0.5;

/// What a tag's probability must not fall below to count as kept.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(tag = "rule", content = "probability", rename_all = "kebab-case")]
pub enum Threshold {
    /// This one, because the caller wants it.
    Asked(f32),
    /// One half, because the tag has at least that without the effect.
    Half(f32),
    /// Half of the probability without the effect, because that lies below one half already: many taggers stay low on rare tags.
    HalfOfClean(f32),
}

impl Threshold {
    /// The threshold of a tag that has probability `clean` without the effect; `asked` is taken if there is one.
    ///
    /// Models carry no thresholds of their own, tag by tag; if they come to, they belong between the two.
    pub fn of(clean: f32, asked: Option<f32>) -> Self {
        match asked {
            Some(asked) => Self::Asked(asked),
            None if clean >= HALF => Self::Half(HALF),
            None => Self::HalfOfClean(clean / 2.0),
        }
    }

    /// The probability.
    pub fn probability(self) -> f32 {
        match self {
            Self::Asked(p) | Self::Half(p) | Self::HalfOfClean(p) => p,
        }
    }

    /// In words, with the probability.
    pub fn words(self) -> String {
        match self {
            Self::Asked(p) | Self::Half(p) => format!("below {p:.2}"),
            Self::HalfOfClean(p) => format!("below {p:.3}, half of clean"),
        }
    }
}

/// Where a tag is lost on the way from where the effect does nothing to one end of the sweep.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(tag = "lost", content = "value", rename_all = "kebab-case")]
pub enum BreakPoint {
    /// At this value the probability first falls below the threshold (linear between two steps).
    At(f32),
    /// It is below at the weakest value tried already: lost there, or before.
    Before(f32),
    /// It is kept up to this value, the strongest tried.
    Never(f32),
}

/// Break points of a tag on both sides of where the effect does nothing. None on either side: the tag is not given without the effect, and
/// cannot be lost.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Breaks {
    /// Towards smaller values; `None` if the sweep does not go there.
    pub down: Option<BreakPoint>,
    /// Towards greater values; `None` if the sweep does not go there.
    pub up: Option<BreakPoint>,
}

/// Where the probability falls below `threshold` on both sides of `neutral`; `clean` is the probability without the effect.
///
/// `curve` is (value, probability) with rising values. The first crossing on each side counts: a tag that comes back further out is lost
/// all the same. If the sweep goes to both sides of `neutral` without stopping there, (`neutral`, `clean`) is taken for a point of the
/// curve. Points that are not numbers are passed over.
pub fn breaks(curve: &[(f32, f32)], neutral: f32, clean: f32, threshold: f32) -> Breaks {
    if clean < threshold {
        return Breaks {
            down: None,
            up: None,
        };
    }
    let known = curve.iter().copied();
    let known = known.filter(|(x, p)| !x.is_nan() && !p.is_nan());
    let (mut down, mut up): (Vec<_>, Vec<_>) = known.clone().partition(|(x, _)| *x < neutral);
    if let Some(at_neutral) = known.clone().find(|(x, _)| *x == neutral) {
        down.push(at_neutral);
    } else if !down.is_empty() && !up.is_empty() {
        down.push((neutral, clean));
        up.insert(0, (neutral, clean));
    }
    // A sweep that begins or ends where nothing happens has one side only.
    let leads_away = |side: &[(f32, f32)]| side.iter().any(|(x, _)| *x != neutral);
    down.reverse();
    Breaks {
        down: leads_away(&down).then(|| outwards(&down, threshold)),
        up: leads_away(&up).then(|| outwards(&up, threshold)),
    }
}

/// The first crossing of a side that has at least one point, from weak to strong.
fn outwards(side: &[(f32, f32)], threshold: f32) -> BreakPoint {
    let mut kept: Option<(f32, f32)> = None;
    for &(x, p) in side {
        if p < threshold {
            return match kept {
                Some((x_kept, p_kept)) => {
                    let share = (p_kept - threshold) / (p_kept - p);
                    BreakPoint::At(x_kept + (x - x_kept) * share)
                }
                None => BreakPoint::Before(x),
            };
        }
        kept = Some((x, p));
    }
    BreakPoint::Never(kept.map_or(f32::NAN, |(x, _)| x))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_break_point_lies_where_the_line_between_two_steps_crosses_the_threshold() {
        let curve = [
            (-200.0, 0.2),
            (-100.0, 0.6),
            (0.0, 0.8),
            (100.0, 0.7),
            (200.0, 0.3),
        ];
        let found = breaks(&curve, 0.0, 0.8, 0.5);
        let Some(BreakPoint::At(down)) = found.down else {
            panic!("{found:?}")
        };
        assert!((down + 125.0).abs() < 1e-3, "{down}");
        let Some(BreakPoint::At(up)) = found.up else {
            panic!("{found:?}")
        };
        assert!((up - 150.0).abs() < 1e-3, "{up}");
    }

    #[test]
    fn a_tag_that_holds_out_is_never_lost_up_to_the_last_step() {
        let found = breaks(&[(0.0, 0.9), (1.0, 0.8), (2.0, 0.5)], 0.0, 0.9, 0.5);
        assert_eq!(
            found.up,
            Some(BreakPoint::Never(2.0)),
            "at the threshold it is kept"
        );
        assert_eq!(found.down, None, "the sweep does not go there");
    }

    #[test]
    fn a_tag_lost_at_the_weakest_step_is_lost_there_or_before() {
        let found = breaks(&[(50.0, 0.1), (100.0, 0.1)], 0.0, 0.9, 0.5);
        assert_eq!(found.up, Some(BreakPoint::Before(50.0)));
        let found = breaks(&[(500.0, 0.1), (8000.0, 0.4)], 24_000.0, 0.9, 0.5);
        assert_eq!(
            found.down,
            Some(BreakPoint::Before(8000.0)),
            "a low-pass is weak on the right"
        );
    }

    #[test]
    fn a_sweep_that_steps_over_the_neutral_value_begins_there_with_the_clean_clip() {
        let found = breaks(&[(-100.0, 0.3), (100.0, 0.7)], 0.0, 0.8, 0.5);
        assert_eq!(found.up, Some(BreakPoint::Never(100.0)));
        let Some(BreakPoint::At(down)) = found.down else {
            panic!("{found:?}")
        };
        assert!((down + 60.0).abs() < 1e-3, "{down}");
    }

    #[test]
    fn the_first_crossing_counts_and_gaps_are_passed_over() {
        let curve = [(0.0, 0.9), (1.0, f32::NAN), (2.0, 0.1), (3.0, 0.9)];
        let Some(BreakPoint::At(at)) = breaks(&curve, 0.0, 0.9, 0.5).up else {
            panic!("lost on the way")
        };
        assert!((at - 1.0).abs() < 1e-6);
        let none = breaks(&[], 0.0, 0.9, 0.5);
        assert_eq!((none.down, none.up), (None, None));
    }

    #[test]
    fn what_is_not_given_cannot_be_lost_unless_half_of_little_is_asked_of_it() {
        let curve = [(0.0, 0.2), (1.0, 0.05)];
        let asked = Threshold::of(0.2, Some(0.5));
        let found = breaks(&curve, 0.0, 0.2, asked.probability());
        assert_eq!((found.down, found.up), (None, None));
        let threshold = Threshold::of(0.2, None);
        assert_eq!(threshold, Threshold::HalfOfClean(0.1));
        let found = breaks(&curve, 0.0, 0.2, threshold.probability());
        assert!(matches!(found.up, Some(BreakPoint::At(x)) if (x - 2.0 / 3.0).abs() < 1e-5));
        assert_eq!(Threshold::of(0.7, None), Threshold::Half(0.5));
    }
}
