//! The common horizontal axis of the charts: what it counts, and whether it is logarithmic.
//!
//! A *position* is where something is drawn: what the axis counts, or its decimal logarithm.

use super::scale::step_text;
use crate::widgets::{duration_text, number_text};
use crate::workbench::parts::runs::RunView;
use attune_core::run::XAxis;
use std::ops::Range;
use std::sync::Arc;

/// What the axis counts, and how.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub(super) struct Horizontal {
    pub(super) axis: XAxis,
    pub(super) logarithmic: bool,
}

/// All that the shown runs reach.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Whole {
    /// In positions.
    pub(super) range: Range<f64>,
    /// A view is never narrower than this.
    pub(super) finest: f64,
}

impl Horizontal {
    /// Where a step of a run is drawn.
    pub(super) fn position(self, run: &RunView, step: f64) -> f64 {
        let x = run.ruler(self.axis).x(step);
        if self.logarithmic {
            // The beginning is infinitely far away: it is drawn half a step before the first.
            let least = run.ruler(self.axis).x(0.5).abs().max(f64::MIN_POSITIVE);
            x.max(least).log10()
        } else {
            x
        }
    }

    /// The step of a run, with its fraction, that is drawn there.
    pub(super) fn step(self, run: &RunView, position: f64) -> f64 {
        run.ruler(self.axis).step(self.value(position))
    }

    /// What the axis counts there.
    pub(super) fn value(self, position: f64) -> f64 {
        if self.logarithmic {
            10f64.powf(position)
        } else {
            position
        }
    }

    /// All that the runs reach.
    pub(super) fn whole(self, runs: &[Arc<RunView>]) -> Whole {
        let first = |run: &Arc<RunView>| {
            if self.logarithmic {
                self.position(run, 1.0)
            } else {
                0.0
            }
        };
        let last = |run: &Arc<RunView>| self.position(run, (run.last_step as f64).max(1.0));
        let start = runs.iter().map(first).fold(f64::INFINITY, f64::min);
        let end = runs.iter().map(last).fold(f64::NEG_INFINITY, f64::max);
        let n_steps = runs.iter().map(|run| run.last_step).max().unwrap_or(1);
        if !(start.is_finite() && end.is_finite()) {
            return Whole {
                range: 0.0..1.0,
                finest: 1e-3,
            };
        }
        let end = if end > start { end } else { start + 1.0 };
        Whole {
            finest: (end - start) * 4.0 / n_steps.max(4) as f64,
            range: start..end,
        }
    }

    /// What stands at a mark of the axis.
    pub(super) fn text(self, position: f64) -> String {
        let value = self.value(position);
        match self.axis {
            XAxis::Step | XAxis::Clips => step_text(value),
            _ if value < 0.0 => String::new(),
            XAxis::Epoch => number_text(value),
            XAxis::WallTime if value == 0.0 => "0".to_owned(),
            XAxis::WallTime => duration_text(value),
        }
    }

    /// Name of the axis.
    pub(super) fn label(self) -> &'static str {
        match self.axis {
            XAxis::Step => "step",
            XAxis::Epoch => "epoch",
            XAxis::WallTime => "time of work",
            XAxis::Clips => "clips seen",
        }
    }
}
