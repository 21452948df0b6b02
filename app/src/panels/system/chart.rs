//! What the charts of this panel share: a plot that is moved and zoomed along one axis, and a legend that tells values.

use crate::theme::{self, Palette};
use crate::widgets::save_plot_menu;
use egui::{Color32, RichText, Sense, Ui, Vec2b, vec2};
use egui_plot::{Plot, PlotUi};
use std::ops::RangeInclusive;

/// Width of the numbers on the left, so that all charts line up.
const AXIS_WIDTH: f32 = 56.0;

/// One value of a legend.
pub(super) struct Entry {
    pub(super) name: &'static str,
    pub(super) colour: Color32,
    pub(super) value: String,
    pub(super) hint: &'static str,
}

/// Title, unit and values of a chart.
pub(super) fn legend_ui(ui: &mut Ui, title: &str, unit: &str, hint: &str, entries: &[Entry]) {
    let palette = theme::palette(ui.visuals());
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = 5.0;
        let heading = RichText::new(title)
            .text_style(theme::section())
            .color(palette.strong);
        ui.label(heading).on_hover_text(hint);
        if !unit.is_empty() {
            ui.label(RichText::new(unit).small().color(palette.weak));
        }
        for entry in entries {
            ui.add_space(4.0);
            let (rect, _) = ui.allocate_exact_size(vec2(10.0, 10.0), Sense::hover());
            ui.painter().rect_filled(rect, 2.0, entry.colour);
            let name = RichText::new(entry.name).small().color(palette.weak);
            ui.label(name).on_hover_text(entry.hint);
            let value = RichText::new(&entry.value).text_style(theme::figures());
            ui.label(value.color(palette.strong))
                .on_hover_text(entry.hint);
        }
    });
}

/// A chart as it was drawn.
pub(super) struct Answer {
    /// Where along its axis the pointer is.
    pub(super) pointer: Option<f64>,
    /// What of its axis is shown.
    pub(super) range: RangeInclusive<f64>,
    /// Whether it is to be saved, by its menu.
    pub(super) is_saved: bool,
}

/// A chart called `name` from 0 to at least `end` across and `top` upwards. Drag moves it, a pinch or Ctrl and the wheel zoom,
/// a double-click shows everything. Charts of one `group` move together.
pub(super) fn chart_ui<'a>(
    ui: &mut Ui,
    name: &str,
    group: &str,
    height: f32,
    end: f64,
    top: f64,
    x_text: fn(f64) -> String,
    y_text: fn(f64) -> String,
    palette: &Palette,
    draw: impl FnOnce(&mut PlotUi<'a>) + 'a,
) -> Answer {
    let group = ui.scope_id().with(group);
    let along = Vec2b::new(true, false);
    let plot = Plot::new(name)
        .height(height)
        .allow_drag(along)
        .allow_zoom(along)
        .allow_scroll(false)
        .allow_boxed_zoom(false)
        .allow_axis_zoom_drag(false)
        .show_x(false)
        .show_y(false)
        .y_axis_min_width(AXIS_WIDTH)
        .grid_color(palette.grid)
        .set_margin_fraction(vec2(0.01, 0.04))
        .include_x(0.0)
        .include_x(end)
        .include_y(0.0)
        .include_y(top)
        .link_axis(group, along)
        .link_cursor(group, along)
        .label_formatter(|_| None)
        .x_axis_formatter(move |mark, _| x_text(mark.value))
        .y_axis_formatter(move |mark, _| y_text(mark.value));
    let response = plot.show(ui, |plot| {
        draw(plot);
        plot.pointer_coordinate().map(|at| at.x)
    });
    let (pointer, range) = (response.inner, response.transform.bounds().range_x());
    let response = response.response;
    response.widget_info(|| {
        egui::WidgetInfo::labeled(egui::Role::Image, true, format!("{name} chart"))
    });
    Answer {
        pointer: pointer.filter(|_| response.contains_pointer()),
        range,
        is_saved: save_plot_menu(&response),
    }
}
