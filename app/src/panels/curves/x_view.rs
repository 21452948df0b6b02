//! Which part of the horizontal axis the curves show: all, the newest, or what the user looked up. In positions.

use super::horizontal::Whole;
use std::ops::Range;

/// Room kept free on both sides, as a part of the width.
const MARGIN: f64 = 0.015;

/// What is in view. Every chart shows the same.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub(super) enum XView {
    /// From the beginning to the newest.
    All,
    /// The newest part.
    Newest {
        /// How much of the axis.
        width: f64,
    },
    /// Just this.
    Fixed(Range<f64>),
}

impl XView {
    /// The range to draw of all that there is.
    pub(super) fn range(&self, whole: &Whole) -> Range<f64> {
        let Range { start, end } = whole.range;
        match self {
            Self::All => {
                let margin = (end - start) * MARGIN;
                start - margin..end + margin
            }
            Self::Newest { width } => end - width * (1.0 - MARGIN)..end + width * MARGIN,
            Self::Fixed(range) => range.clone(),
        }
    }

    /// Whether the newest stays in view.
    pub(super) fn follows(&self) -> bool {
        !matches!(self, Self::Fixed(_))
    }

    /// Follows from now on, or stays where it is.
    pub(super) fn toggle_follow(&mut self, whole: &Whole) {
        let range = self.range(whole);
        *self = match self {
            Self::Fixed(_) => Self::Newest {
                width: range.end - range.start,
            },
            _ => Self::Fixed(range),
        };
    }

    /// Moves.
    pub(super) fn pan(&mut self, by: f64, whole: &Whole) {
        let range = self.range(whole);
        *self = Self::Fixed(range.start + by..range.end + by);
    }

    /// Makes the range `factor` times narrower. What follows keeps following; otherwise `around` stays in place.
    pub(super) fn zoom(&mut self, factor: f64, around: f64, whole: &Whole) {
        let range = self.range(whole);
        let all = whole.range.end - whole.range.start;
        let width =
            ((range.end - range.start) / factor).clamp(whole.finest.min(all * 4.0), all * 4.0);
        *self = match self {
            Self::All | Self::Newest { .. } if width >= all => Self::All,
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

    fn whole(end: f64) -> Whole {
        Whole {
            range: 0.0..end,
            finest: 4.0,
        }
    }

    #[test]
    fn following_keeps_the_newest_step_in_view() {
        let mut view = XView::Newest { width: 100.0 };
        for last in [10.0, 1000.0, 100_000.0] {
            assert!(view.range(&whole(last)).contains(&last));
        }
        view.toggle_follow(&whole(1000.0));
        let range = view.range(&whole(1000.0));
        assert_eq!(view.range(&whole(5000.0)), range, "stays where it was");
        view.toggle_follow(&whole(5000.0));
        assert!(view.range(&whole(5000.0)).contains(&5000.0));
    }

    #[test]
    fn zooming_keeps_the_step_under_the_pointer() {
        let mut view = XView::All;
        view.zoom(2.0, 300.0, &whole(1000.0));
        let range = view.range(&whole(1000.0));
        let part = (300.0 - range.start) / (range.end - range.start);
        let before = XView::All.range(&whole(1000.0));
        assert!((part - (300.0 - before.start) / (before.end - before.start)).abs() < 1e-9);
        assert!((range.end - range.start) * 2.0 - (before.end - before.start) < 1e-6);
    }
}
