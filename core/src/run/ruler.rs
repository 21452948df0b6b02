//! What the horizontal axis of curves counts, and how the steps of a run lie on it.

use super::{Clock, History, Scalar};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// What the horizontal axis of curves counts.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum XAxis {
    /// Training steps.
    #[default]
    Step,
    /// Epochs, with their fractions.
    Epoch,
    /// Seconds of work, validations included, without pauses and the time between sittings, in which nobody held the run.
    WallTime,
    /// Clips that the network has learned from, labelled and unlabelled.
    Clips,
}

impl XAxis {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Step, Self::Epoch, Self::WallTime, Self::Clips];

    /// Name for the command line and for files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Step => "step",
            Self::Epoch => "epoch",
            Self::WallTime => "time",
            Self::Clips => "clips",
        }
    }

    /// Name for people, with its unit.
    pub fn label(self) -> &'static str {
        match self {
            Self::Step => "Step",
            Self::Epoch => "Epoch",
            Self::WallTime => "Time of work (s)",
            Self::Clips => "Clips seen",
        }
    }
}

impl fmt::Display for XAxis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for XAxis {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|axis| axis.name() == name);
        found.ok_or_else(|| format!("no such axis: {name} (there are step, epoch, time and clips)"))
    }
}

/// How the steps of one run lie on an axis: a rising broken line. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Ruler {
    /// Step and place on the axis; the first is where training begins.
    knots: Arc<[(f64, f64)]>,
    /// How far a step reaches after the last knot.
    slope: f64,
}

impl Ruler {
    /// That of a run. Where the log does not tell (a run without a step yet), steps count as one each.
    pub fn of(history: &History, axis: XAxis) -> Self {
        match axis {
            XAxis::Step => Self::even(1.0),
            XAxis::Clips => Self::even(clips_per_step(history).unwrap_or(1.0)),
            XAxis::WallTime => Self::of_clock(history.clock()),
            XAxis::Epoch => Self::of_epochs(history),
        }
    }

    /// A step reaches as far as any other.
    pub(super) fn even(per_step: f64) -> Self {
        Self {
            knots: Arc::new([(0.0, 0.0)]),
            slope: per_step,
        }
    }

    fn of_clock(clock: &Clock) -> Self {
        let knots = clock.knots();
        let slope = knots
            .last()
            .filter(|(step, secs)| *step > 0.0 && *secs > 0.0)
            .map_or(1.0, |(step, secs)| secs / step);
        Self {
            knots: knots.into(),
            slope,
        }
    }

    fn of_epochs(history: &History) -> Self {
        let starts = history.epoch_starts();
        // Where the log does not tell, the last epoch is taken to be as long as the one before it.
        let before = starts.windows(2).last().map(|pair| pair[1].1 - pair[0].1);
        let per_epoch = history.steps_per_epoch().or(before);
        let per_epoch = per_epoch.unwrap_or_else(|| history.last_step()).max(1) as f64;
        let mut knots: Vec<(f64, f64)> = vec![(0.0, 0.0)];
        for (epoch, step) in starts {
            let knot = (*step as f64, f64::from(*epoch));
            match knots.last_mut() {
                Some(last) if last.0 >= knot.0 => *last = knot,
                _ => knots.push(knot),
            }
        }
        Self {
            knots: knots.into(),
            slope: 1.0 / per_epoch,
        }
    }

    /// Where `step` lies.
    pub fn x(&self, step: f64) -> f64 {
        along(&self.knots, self.slope, step)
    }

    /// The step that lies at `x`, with its fraction; of several at the same place one of them.
    pub fn step(&self, x: f64) -> f64 {
        let after = self.knots.partition_point(|knot| knot.1 <= x);
        let (step0, x0) = self.knots[after.saturating_sub(1)];
        match self.knots.get(after) {
            Some((step1, x1)) if after > 0 => step0 + (step1 - step0) * (x - x0) / (x1 - x0),
            _ => step0 + (x - x0) / self.slope,
        }
    }
}

/// The value at `x` on the broken line through `knots`, which is not empty and whose x rise; with `slope` beyond the last, and before the first.
fn along(knots: &[(f64, f64)], slope: f64, x: f64) -> f64 {
    let after = knots.partition_point(|knot| knot.0 <= x);
    let (x0, y0) = knots[after.saturating_sub(1)];
    match knots.get(after) {
        Some((x1, y1)) if after > 0 => y0 + (y1 - y0) * (x - x0) / (x1 - x0),
        _ => y0 + slope * (x - x0),
    }
}

/// Training learns from whole batches only, so that any step tells.
fn clips_per_step(history: &History) -> Option<f64> {
    let (_, seconds) = history.series(Scalar::StepSeconds).iter().next()?;
    let (_, speed) = history.series(Scalar::ClipsPerSecond).iter().next()?;
    let clips = (f64::from(seconds) * f64::from(speed)).round();
    (clips >= 1.0).then_some(clips)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ruler(gaps: &[(f64, f64)], slope: f64) -> Ruler {
        let mut knots = vec![(0.0, 0.0)];
        for (steps, reach) in gaps {
            let last = knots[knots.len() - 1];
            knots.push((last.0 + steps, last.1 + reach));
        }
        Ruler {
            knots: knots.into(),
            slope,
        }
    }

    proptest! {
        #[test]
        fn there_and_back_is_the_same_step(
            gaps in prop::collection::vec((1.0f64..50.0, 0.1f64..9.0), 0..12),
            slope in 0.01f64..10.0,
            at in -10.0f64..700.0,
        ) {
            let ruler = ruler(&gaps, slope);
            prop_assert!((ruler.step(ruler.x(at)) - at).abs() < 1e-6);
            prop_assert!(ruler.x(at) < ruler.x(at + 1.0), "rises");
        }
    }

    #[test]
    fn steps_lie_where_the_knots_say() {
        let ruler = ruler(&[(10.0, 1.0), (10.0, 3.0)], 0.5);
        let found: Vec<f64> = [0.0, 5.0, 10.0, 15.0, 20.0, 24.0]
            .map(|s| ruler.x(s))
            .into();
        assert_eq!(found, [0.0, 0.5, 1.0, 2.5, 4.0, 6.0]);
        assert_eq!("epoch".parse(), Ok(XAxis::Epoch));
        assert!("year".parse::<XAxis>().is_err());
    }
}
