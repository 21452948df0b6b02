//! The spectrum of both clips at a moment.

use super::figure::FLOOR_DB;
use crate::theme;
use crate::widgets::save_plot_menu;
use crate::workbench::parts::audition::Looked;
use egui::{Role, Ui, Vec2, WidgetInfo};
use egui_plot::{GridMark, HoverPosition, Line, Plot, PlotPoints};

/// Marks of the frequency axis.
const MARKS_HZ: [f64; 9] = [50.0, 100.0, 200.0, 500.0, 1e3, 2e3, 5e3, 10e3, 20e3];

/// Draws level in dBFS against frequency, one band a semitone. Whether it is to be saved, by its menu.
pub(super) fn spectrum_ui(ui: &mut Ui, looked: &Looked, at_secs: f64, size: Vec2) -> bool {
    let palette = theme::palette(ui.visuals());
    let centres = &looked.spectra[0].centres_hz;
    let (Some(&low), Some(&high)) = (centres.first(), centres.last()) else {
        return false;
    };
    let plot = Plot::new("spectrum at the play head")
        .width(size.x)
        .height(size.y)
        .allow_drag(false)
        .allow_zoom(false)
        .allow_scroll(false)
        .allow_boxed_zoom(false)
        .allow_double_click_reset(false)
        .include_x(f64::from(low).log10())
        .include_x(f64::from(high).log10())
        .include_y(FLOOR_DB)
        .include_y(0.0)
        .y_axis_label("dBFS")
        .x_axis_label(format!("Hz, at {at_secs:.2} s"))
        .x_grid_spacer(|_| {
            let mark = |&hz: &f64| GridMark {
                value: hz.log10(),
                step_size: 1.0,
            };
            // A mark beyond the highest band would stand beside the plot.
            let shown = MARKS_HZ.iter().filter(|&&hz| hz <= f64::from(high));
            shown.map(mark).collect()
        })
        .y_grid_spacer(|_| {
            let mark = |step: i32| GridMark {
                value: FLOOR_DB + 20.0 * f64::from(step),
                step_size: 20.0,
            };
            (0..=5).map(mark).collect()
        })
        .x_axis_formatter(|mark, _| hz_text(10f64.powf(mark.value)))
        .label_formatter(|hover| {
            let (HoverPosition::NearDataPoint { position, .. }
            | HoverPosition::Elsewhere { position }) = hover;
            Some(format!(
                "{:.0} Hz\n{:.1} dBFS",
                10f64.powf(position.x),
                position.y
            ))
        });
    let shown = plot.show(ui, |plot| {
        let colours = [palette.original, palette.augmented];
        for ((spectra, colour), name) in looked
            .spectra
            .iter()
            .zip(colours)
            .zip(["Original", "Augmented"])
        {
            let levels = spectra.at(at_secs);
            let points: PlotPoints<'_> = spectra
                .centres_hz
                .iter()
                .zip(levels)
                .map(|(hz, db)| [f64::from(*hz).log10(), f64::from(*db).max(FLOOR_DB)])
                .collect();
            plot.line(
                Line::new(name, points)
                    .color(colour)
                    .width(theme::CURVE_WIDTH),
            );
        }
    });
    shown
        .response
        .widget_info(|| WidgetInfo::labeled(Role::Image, true, "Spectra of both clips"));
    save_plot_menu(&shown.response)
}

/// "200", "5k".
fn hz_text(hz: f64) -> String {
    if hz >= 999.0 {
        format!("{:.0}k", hz / 1000.0)
    } else {
        format!("{hz:.0}")
    }
}
