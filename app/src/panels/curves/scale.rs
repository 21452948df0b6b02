//! From values to the vertical axis: linear or logarithmic, fitted to what is in view.

use super::chart::{Chart, Look};
use crate::widgets::number_text;
use attune_core::run::{Column, MeanPoint, Spread};
use egui_plot::{GridInput, GridMark};
use std::ops::Range;

/// How a value becomes a height.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    pub(super) logarithmic: bool,
}

impl Scale {
    pub(super) fn position(self, value: f64) -> f64 {
        if self.logarithmic {
            value.max(1e-12).log10()
        } else {
            value
        }
    }

    pub(super) fn value(self, position: f64) -> f64 {
        if self.logarithmic {
            10f64.powf(position)
        } else {
            // What is left of a difference of two equal numbers is not a value.
            if position.abs() < 1e-12 {
                0.0
            } else {
                position
            }
        }
    }
}

/// The range of the values in view.
#[derive(Default)]
pub(super) struct Extent {
    bounds: Option<(f64, f64)>,
    band_tops: Vec<f32>,
}

impl Extent {
    pub(super) fn take(&mut self, columns: &[Column], look: Look, shown: &Range<f64>) {
        for column in columns.iter().filter(|column| shown.contains(&column.x)) {
            if !(column.min.is_finite() && column.max.is_finite()) {
                continue;
            }
            let (low, high) = (f64::from(column.min), f64::from(column.max));
            if look == Look::Band {
                self.band_tops.push(column.max);
                self.include(low, low);
            } else {
                self.include(low, high);
            }
        }
    }

    /// Takes in means with their spreads.
    pub(super) fn take_means(
        &mut self,
        points: &[MeanPoint],
        spread: Spread,
        scale: Scale,
        shown: &Range<f64>,
    ) {
        for point in points.iter().filter(|point| shown.contains(&point.x)) {
            let [low, high] = point.band(spread, scale.logarithmic);
            self.include(low, high);
        }
    }

    fn include(&mut self, low: f64, high: f64) {
        let (old_low, old_high) = self.bounds.unwrap_or((low, high));
        self.bounds = Some((old_low.min(low), old_high.max(high)));
    }

    /// The range to draw: everything, but for the highest peaks of a raw band.
    pub(super) fn range(mut self, chart: Chart, scale: Scale) -> Range<f64> {
        if !self.band_tops.is_empty() {
            let at = (self.band_tops.len() - 1) * 98 / 100;
            let (_, top, _) = self.band_tops.select_nth_unstable_by(at, f32::total_cmp);
            let top = f64::from(*top);
            self.include(top, top);
        }
        let (mut low, mut high) = self.bounds.unwrap_or((0.0, 1.0));
        if chart.starts_at_zero() {
            low = 0.0;
        }
        (low, high) = (scale.position(low), scale.position(high));
        let mut margin = (high - low) * 0.06;
        if margin <= 0.0 {
            margin = if scale.logarithmic {
                0.3
            } else {
                (high.abs() * 0.2).max(1e-9)
            };
        }
        let bottom = if chart.starts_at_zero() {
            low
        } else {
            low - margin
        };
        bottom..high + margin
    }
}

/// Marks at 1, 2 and 5 of each decade, or at whole decades if there are many.
pub(super) fn logarithmic_grid(input: GridInput) -> Vec<GridMark> {
    let (low, high) = input.bounds;
    let decades = high - low;
    let parts: &[f64] = if decades > 4.0 {
        &[1.0]
    } else if decades > 1.0 {
        &[1.0, 2.0, 5.0]
    } else {
        &[1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0]
    };
    let mut marks = Vec::new();
    for decade in low.floor() as i32..=high.ceil() as i32 {
        for part in parts {
            let value = f64::from(decade) + part.log10();
            if (low..=high).contains(&value) {
                marks.push(GridMark {
                    value,
                    step_size: if *part == 1.0 {
                        decades.max(0.5)
                    } else {
                        decades.max(0.5) / 3.0
                    },
                });
            }
        }
    }
    marks
}

/// A step on the axis, short.
pub(super) fn step_text(step: f64) -> String {
    match step.abs() {
        size if step < -0.5 || (step.fract().abs() > 1e-6 && size < 10.0) => String::new(),
        size if size >= 1e6 => format!("{} M", number_text(step / 1e6)),
        size if size >= 1e4 => format!("{} k", number_text(step / 1e3)),
        _ => format!("{step:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_peaks_of_the_raw_band_do_not_flatten_the_curve() {
        let column = |x: usize, max: f32| Column {
            x: x as f64,
            min: 0.2,
            max,
            mean: 0.3,
        };
        let mut columns: Vec<_> = (0..1000).map(|x| column(x, 0.5)).collect();
        columns[3].max = 900.0;
        let mut extent = Extent::default();
        extent.take(&columns, Look::Band, &(0.0..1000.0));
        let range = extent.range(Chart::Loss, Scale { logarithmic: false });
        assert!(range.end < 0.6 && range.start < 0.2, "{range:?}");
    }

    #[test]
    fn a_constant_curve_has_a_range() {
        for logarithmic in [false, true] {
            let mut extent = Extent::default();
            let columns = [Column::single(1.0, 1e-4)];
            extent.take(&columns, Look::Line, &(0.0..2.0));
            let range = extent.range(Chart::LearningRate, Scale { logarithmic });
            assert!(range.start < range.end);
        }
    }
}
