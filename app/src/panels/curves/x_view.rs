//! Which steps the curves show: all, the newest, or what the user looked up.

use std::ops::Range;

/// Room kept free on both sides of the steps, as a part of the width.
const MARGIN: f64 = 0.015;

/// Which steps are in view. Every chart shows the same.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub(super) enum XView {
    /// From the first step to the newest.
    All,
    /// The newest so many steps.
    Newest {
        /// How many.
        width: f64,
    },
    /// Just these.
    Fixed(Range<f64>),
}

impl XView {
    /// The range to draw when `last_step` is the newest.
    pub(super) fn range(&self, last_step: u64) -> Range<f64> {
        let last = (last_step as f64).max(1.0);
        match self {
            Self::All => -MARGIN * last..last * (1.0 + MARGIN),
            Self::Newest { width } => last - width * (1.0 - MARGIN)..last + width * MARGIN,
            Self::Fixed(range) => range.clone(),
        }
    }

    /// Whether the newest step stays in view.
    pub(super) fn follows(&self) -> bool {
        !matches!(self, Self::Fixed(_))
    }

    /// Follows from now on, or stays where it is.
    pub(super) fn toggle_follow(&mut self, last_step: u64) {
        let range = self.range(last_step);
        *self = match self {
            Self::Fixed(_) => Self::Newest {
                width: range.end - range.start,
            },
            _ => Self::Fixed(range),
        };
    }

    /// Moves by so many steps.
    pub(super) fn pan(&mut self, by: f64, last_step: u64) {
        let range = self.range(last_step);
        *self = Self::Fixed(range.start + by..range.end + by);
    }

    /// Makes the range `factor` times narrower. What follows keeps following; otherwise `around` stays in place.
    pub(super) fn zoom(&mut self, factor: f64, around: f64, last_step: u64) {
        let range = self.range(last_step);
        let whole = (last_step as f64).max(1.0);
        let width = ((range.end - range.start) / factor).clamp(4.0, whole * 4.0);
        *self = match self {
            Self::All | Self::Newest { .. } if width >= whole => Self::All,
            Self::All | Self::Newest { .. }
                if around > range.start + (range.end - range.start) * 0.8 =>
            {
                Self::Newest { width }
            }
            _ => {
                let part = (around - range.start) / (range.end - range.start);
                let start = around - part * width;
                Self::Fixed(start..start + width)
            }
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn following_keeps_the_newest_step_in_view() {
        let mut view = XView::Newest { width: 100.0 };
        for last in [10, 1000, 100_000] {
            assert!(view.range(last).contains(&(last as f64)));
        }
        view.toggle_follow(1000);
        let range = view.range(1000);
        assert_eq!(view.range(5000), range, "stays where it was");
        view.toggle_follow(5000);
        assert!(view.range(5000).contains(&5000.0));
    }

    #[test]
    fn zooming_keeps_the_step_under_the_pointer() {
        let mut view = XView::All;
        view.zoom(2.0, 300.0, 1000);
        let range = view.range(1000);
        let part = (300.0 - range.start) / (range.end - range.start);
        let before = XView::All.range(1000);
        assert!((part - (300.0 - before.start) / (before.end - before.start)).abs() < 1e-9);
        assert!((range.end - range.start) * 2.0 - (before.end - before.start) < 1e-6);
    }
}
