//! The axis on which an effect grows stronger, in sweeps and robustness curves: even, or by factors where the ear hears factors.

use crate::theme::Palette;
use attune_core::augment::Parameter;
use egui::RichText;
use egui_plot::{GridInput, GridMark, Plot};

/// Steps of a decade that have a grid line.
const OF_A_DECADE: [f64; 3] = [1.0, 2.0, 5.0];

/// How a strength lies along the axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct StrengthAxis {
    is_logarithmic: bool,
}

impl StrengthAxis {
    /// For strengths from `low` on.
    pub(super) fn new(is_logarithmic: bool, low: f32) -> Self {
        Self {
            is_logarithmic: is_logarithmic && low > 0.0,
        }
    }

    pub(super) fn position(self, value: f32) -> f64 {
        if self.is_logarithmic {
            f64::from(value).log10()
        } else {
            f64::from(value)
        }
    }

    pub(super) fn value(self, position: f64) -> f64 {
        if self.is_logarithmic {
            10f64.powf(position)
        } else {
            position
        }
    }

    /// A plot over this axis that stands still under the pointer, so that a click means a strength.
    pub(super) fn plot(
        self,
        id: &'static str,
        unit: &'static str,
        along: String,
        upwards: &str,
        palette: &Palette,
    ) -> Plot<'static> {
        Plot::new(id)
            .allow_drag(false)
            .allow_zoom(false)
            .allow_scroll(false)
            .allow_axis_zoom_drag(false)
            .allow_double_click_reset(false)
            .allow_boxed_zoom(false)
            .show_x(false)
            .show_y(false)
            .grid_color(palette.grid)
            .label_formatter(|_| None)
            .x_grid_spacer(move |input| self.grid(input))
            .x_axis_formatter(move |mark, _| strength_text(self.value(mark.value) as f32, unit))
            .x_axis_label(RichText::new(along).small().color(palette.weak))
            .y_axis_label(RichText::new(upwards).small().color(palette.weak))
    }

    /// Lines of the grid, at round numbers.
    fn grid(self, input: GridInput) -> Vec<GridMark> {
        if !self.is_logarithmic {
            return egui_plot::uniform_grid_spacer(|input| {
                let step = 10f64.powf((input.base_step_size * 4.0).log10().ceil());
                [step, step / 2.0, step / 5.0]
            })(input);
        }
        let (low, high) = input.bounds;
        let decades = low.floor() as i32..=high.ceil() as i32;
        decades
            .flat_map(|decade| OF_A_DECADE.map(|step| f64::from(decade) + step.log10()))
            .filter(|at| (low..=high).contains(at))
            .map(|value| GridMark {
                value,
                step_size: 0.3,
            })
            .collect()
    }
}

/// A strength with its unit: "−300 cents", "0.45", "1200 Hz".
pub(super) fn strength_text(value: f32, unit: &str) -> String {
    let size = value.abs();
    let digits = if size >= 100.0 || size.fract() == 0.0 {
        0
    } else if size >= 10.0 {
        1
    } else {
        2
    };
    let sign = if value < 0.0 { "−" } else { "" };
    // "of the signal's deviation" is a sentence, not a unit to write behind a number.
    let unit = short(unit);
    let text = format!("{sign}{size:.digits$} {unit}");
    text.trim_end().to_owned()
}

/// The unit, if it is one to write behind a number.
pub(super) fn short(unit: &str) -> &str {
    if unit.len() <= 5 { unit } else { "" }
}

/// What runs along the axis: "Shift in cents".
pub(super) fn axis_text(parameter: &Parameter) -> String {
    format!("{} in {}", parameter.label, parameter.unit).replace(" in of ", ", part of ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strengths_have_units_and_digits_that_mean_something() {
        for (value, unit, text) in [
            (-300.0, "cents", "−300 cents"),
            (0.447, "of the signal's deviation", "0.45"),
            (1189.2, "Hz", "1189 Hz"),
            (-19.5, "dB", "−19.5 dB"),
            (0.0, "ms", "0 ms"),
        ] {
            assert_eq!(strength_text(value, unit), text);
        }
    }

    #[test]
    fn a_place_on_the_axis_is_found_again() {
        for axis in [
            StrengthAxis::new(true, 10.0),
            StrengthAxis::new(false, -5.0),
        ] {
            assert!((axis.value(axis.position(440.0)) - 440.0).abs() < 1e-6);
        }
        let axis = StrengthAxis::new(true, 0.0);
        assert_eq!(axis.position(0.0), 0.0, "nothing is a factor away from 0");
    }
}
