//! Draws one chart: its head with the values under the cursor, and its curves.

use super::chart::{Chart, Look, Trace};
use super::columns::{Columns, value_at};
use super::figure::Shown;
use super::scale::{Extent, Scale, logarithmic_grid, step_text};
use crate::theme::{self, Palette};
use crate::widgets::{number_text, save_plot_item};
use crate::workbench::parts::runs::RunView;
use attune_core::run::{Column, Event, Status};
use egui::{Align, Color32, Layout, RichText, Sense, Stroke, Ui, Vec2, vec2};
use egui_plot::{
    FilledArea, Line, LineStyle, MarkerShape, Plot, PlotPoint, PlotPoints, PlotUi, Points, VLine,
};
use std::ops::Range;
use std::sync::Arc;

/// Width of the numbers on the left, so that all charts line up.
const AXIS_WIDTH: f32 = 52.0;
/// About the width of a curve's name and value in the head of its chart.
const VALUE_WIDTH: f32 = 115.0;
/// About the width of a chart's unit there.
const UNIT_WIDTH: f32 = 80.0;
/// More validations than this in view are drawn without a mark each.
pub(super) const MOST_MARKS: usize = 120;

/// What all charts of a frame share.
pub(super) struct Shared<'a> {
    pub(super) runs: &'a [Arc<RunView>],
    pub(super) steps: Range<f64>,
    /// Step under the pointer, in whatever chart it is.
    pub(super) cursor: Option<f64>,
    pub(super) palette: &'static Palette,
}

impl Shared<'_> {
    fn colour(&self, run_idx: usize, trace: &Trace) -> Color32 {
        if self.runs.len() == 1 {
            (trace.colour)(self.palette)
        } else {
            self.palette.of_series(run_idx)
        }
    }
}

/// What the user did to a chart.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Gesture {
    /// Moved the curves by so many steps.
    Pan(f64),
    /// Zoomed around a step.
    Zoom { factor: f64, around: f64 },
    /// Drew a box.
    Box {
        steps: Range<f64>,
        values: Range<f64>,
    },
    /// Asked for everything.
    Reset,
    /// Wants to say something of this step.
    Note { step: u64 },
    /// Wants the chart as a file.
    Save,
}

/// So close to a note, in points, the pointer means it.
const NEAR: f64 = 6.0;

/// What came of a chart in this frame.
pub(super) struct Answer {
    pub(super) cursor: Option<f64>,
    pub(super) gesture: Option<Gesture>,
    /// What was drawn.
    pub(super) drawn: Shown,
}

/// Draws a chart into `size`. `values`: the range of values to show, or `None` to fit what is in view.
#[expect(
    clippy::fn_params_excessive_bools,
    reason = "two independent looks of a chart"
)]
pub(super) fn chart_ui(
    ui: &mut Ui,
    chart: Chart,
    shared: &Shared<'_>,
    columns: &mut Columns,
    logarithmic: bool,
    values: Option<Range<f64>>,
    size: Vec2,
    is_lowest: bool,
) -> Answer {
    let n_columns = ((size.x - AXIS_WIDTH).max(50.0) / 1.5) as usize;
    ui.allocate_ui_with_layout(size, Layout::top_down(Align::Min), |ui| {
        ui.set_min_size(size);
        ui.shrink_clip_rect(ui.max_rect());
        head_ui(ui, chart, shared);
        let scale = Scale { logarithmic };
        let mut curves = Vec::new();
        let mut extent = Extent::default();
        for (run_idx, run) in shared.runs.iter().enumerate() {
            for trace in chart.traces() {
                let columns = columns.of(run, trace.source, &shared.steps, n_columns);
                if columns.is_empty() || (trace.look == Look::Band && shared.runs.len() > 3) {
                    continue;
                }
                extent.take(columns, trace.look, &shared.steps);
                curves.push((run_idx, trace, columns.to_vec()));
            }
        }
        let values = values.unwrap_or_else(|| extent.range(chart, scale));
        plot_ui(ui, chart, shared, scale, &curves, values, is_lowest)
    })
    .inner
}

fn plot_ui(
    ui: &mut Ui,
    chart: Chart,
    shared: &Shared<'_>,
    scale: Scale,
    curves: &[(usize, &Trace, Vec<Column>)],
    values: Range<f64>,
    is_lowest: bool,
) -> Answer {
    let height = ui.available_height().max(40.0);
    let plot = Plot::new(chart.title())
        .height(height)
        .allow_drag(false)
        .allow_zoom(false)
        .allow_scroll(false)
        .allow_axis_zoom_drag(false)
        .allow_double_click_reset(false)
        .allow_boxed_zoom(true)
        .show_x(false)
        .show_y(false)
        .y_axis_min_width(AXIS_WIDTH)
        .grid_color(shared.palette.grid)
        .set_margin_fraction(Vec2::ZERO)
        .label_formatter(|_| None)
        .x_axis_formatter(|mark, _| step_text(mark.value))
        .y_axis_formatter(move |mark, _| number_text(scale.value(mark.value)));
    let plot = if is_lowest {
        plot.x_axis_label(RichText::new("step").small().color(shared.palette.weak))
    } else {
        plot
    };
    let plot = if scale.logarithmic {
        plot.y_grid_spacer(logarithmic_grid)
    } else {
        plot
    };
    let (steps, cursor) = (shared.steps.clone(), shared.cursor);
    let shown_values = values.clone();
    let response = plot.show(ui, |plot| {
        plot.set_plot_bounds_x(steps.start..=steps.end);
        plot.set_plot_bounds_y(shown_values.start..=shown_values.end);
        if let [run] = shared.runs {
            marks(plot, chart, run, shared.palette);
        }
        for (run_idx, run) in shared.runs.iter().enumerate() {
            let colour = match shared.runs {
                [_] => shared.palette.accent,
                _ => shared.palette.of_series(run_idx),
            };
            for pin in &run.pins {
                let line = VLine::new("note", pin.step as f64).color(colour);
                plot.vline(line.width(1.0).allow_hover(false));
            }
        }
        for (run_idx, trace, columns) in curves {
            draw(plot, trace, columns, shared.colour(*run_idx, trace), scale);
        }
        if let Some(step) = cursor {
            plot.vline(
                VLine::new("", step)
                    .color(shared.palette.weak)
                    .width(1.0)
                    .allow_hover(false),
            );
        }
        plot.pointer_coordinate().map(|at| at.x)
    });
    let pointer_step = response.inner;
    let (bounds, response) = (*response.transform.bounds(), response.response);
    response.widget_info(|| {
        egui::WidgetInfo::labeled(egui::Role::Image, true, format!("{} chart", chart.title()))
    });
    let per_point = (steps.end - steps.start) / f64::from(response.rect.width().max(1.0));
    let hovered = response.contains_pointer();
    let (scroll, pinch) = ui.input(|input| (input.smooth_scroll_delta, input.zoom_delta()));
    let mut gesture = None;
    if response.dragged_by(egui::PointerButton::Primary) && response.drag_delta().x != 0.0 {
        gesture = Some(Gesture::Pan(
            -f64::from(response.drag_delta().x) * per_point,
        ));
    } else if response.double_clicked() {
        gesture = Some(Gesture::Reset);
    } else if response.drag_stopped_by(egui::PointerButton::Secondary) {
        let (x, y) = (bounds.range_x(), bounds.range_y());
        if (*x.start(), *x.end()) != (steps.start, steps.end) {
            gesture = Some(Gesture::Box {
                steps: *x.start()..*x.end(),
                values: *y.start()..*y.end(),
            });
        }
    } else if let (true, Some(around)) = (hovered, pointer_step) {
        if scroll.x != 0.0 {
            gesture = Some(Gesture::Pan(-f64::from(scroll.x) * per_point));
        } else if scroll.y != 0.0 || pinch != 1.0 {
            let factor = f64::from(pinch) * f64::from(scroll.y / 240.0).exp();
            gesture = Some(Gesture::Zoom { factor, around });
        }
    }
    let note = pointer_step.filter(|_| hovered).and_then(|at| {
        let runs = shared.runs.iter();
        let pins = runs.flat_map(|run| run.pins.iter().map(move |pin| (run, pin)));
        let distance = |step: u64| (step as f64 - at).abs() / per_point.max(f64::MIN_POSITIVE);
        pins.filter(|(_, pin)| distance(pin.step) <= NEAR)
            .min_by(|one, other| distance(one.1.step).total_cmp(&distance(other.1.step)))
    });
    let response = match note {
        Some((run, pin)) => response
            .on_hover_text_at_pointer(format!("{}\nstep {} of {}", pin.text, pin.step, run.id)),
        None => response,
    };
    if let Some(run) = shared.runs.first() {
        let asked_at = ui.scope_id().with((chart.title(), "note"));
        if response.secondary_clicked()
            && let Some(at) = pointer_step
        {
            let step = (at.max(0.0).round() as u64).min(run.last_step);
            // Whoever points at a note means it.
            let step = note.map_or(
                step,
                |(of, pin)| if of.id == run.id { pin.step } else { step },
            );
            ui.data_mut(|data| data.insert_temp(asked_at, step));
        }
        let step: u64 = ui.data(|data| data.get_temp(asked_at)).unwrap_or_default();
        response.context_menu(|ui| {
            let label = format!("Note to step {step}…");
            let item = ui
                .button(label)
                .on_hover_text("Pin a note to this step of the run");
            if item.clicked() {
                gesture = Some(Gesture::Note { step });
                ui.close();
            }
            if save_plot_item(ui) {
                gesture = Some(Gesture::Save);
            }
        });
    }
    Answer {
        cursor: pointer_step.filter(|_| response.hovered()),
        gesture,
        drawn: Shown {
            chart,
            scale,
            values,
        },
    }
}

/// Title, unit, and what each curve is worth under the cursor or at its end.
fn head_ui(ui: &mut Ui, chart: Chart, shared: &Shared<'_>) {
    let palette = shared.palette;
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 5.0;
        ui.add_space(2.0);
        let title = RichText::new(chart.title())
            .text_style(theme::section())
            .color(palette.strong);
        ui.label(title).on_hover_text(chart.help());
        let one = shared.runs.len() == 1;
        let room = ui.available_width();
        let runs = shared.runs.iter();
        let of_runs: Vec<_> = runs
            .map(|run| head_values(chart, shared, run, room))
            .collect();
        let n_values = of_runs.first().map_or(0, Vec::len);
        // The values say more than the unit.
        if n_values <= 2 || !one || UNIT_WIDTH + VALUE_WIDTH * n_values as f32 <= room {
            ui.label(RichText::new(chart.unit()).small().color(palette.weak));
        }
        ui.add_space(4.0);
        for (run_idx, (run, values)) in shared.runs.iter().zip(of_runs).enumerate() {
            if !one {
                swatch_ui(ui, palette.of_series(run_idx), Look::Line);
            }
            for (trace, value) in values {
                if one {
                    swatch_ui(ui, (trace.colour)(palette), trace.look);
                    ui.label(RichText::new(trace.name).small().color(palette.weak));
                }
                let text = RichText::new(number_text(value)).text_style(theme::figures());
                ui.label(text.color(palette.strong)).on_hover_text(format!(
                    "{}: {} of run {}",
                    chart.title(),
                    trace.name,
                    run.id
                ));
                ui.add_space(4.0);
            }
        }
    });
}

/// The curves of a run that have a value under the cursor or at the end, with that value; where there is no room for all, the main ones.
fn head_values(
    chart: Chart,
    shared: &Shared<'_>,
    run: &RunView,
    room: f32,
) -> Vec<(&'static Trace, f64)> {
    let cursor = shared.cursor;
    let step = cursor.map_or(run.last_step, |at| at.max(0.0).round() as u64);
    let traces = chart.traces().iter();
    let mut values: Vec<_> = traces
        .filter(|trace| trace.look != Look::Band)
        .filter_map(|trace| Some((trace, value_at(run, trace.source, step)?)))
        .collect();
    if shared.runs.len() > 1 || room < VALUE_WIDTH * values.len() as f32 {
        let is_main = |look: Look| matches!(look, Look::Marked | Look::Line);
        values.retain(|(trace, _)| is_main(trace.look) || chart.traces().len() <= 2);
    }
    values
}

fn swatch_ui(ui: &mut Ui, colour: Color32, look: Look) {
    let (rect, _) = ui.allocate_exact_size(vec2(12.0, 10.0), Sense::hover());
    if look == Look::Dashed {
        let ends = [rect.left_center(), rect.right_center()];
        let dashes = egui::Shape::dashed_line(&ends, Stroke::new(1.2, colour), 3.0, 2.0);
        ui.painter().extend(dashes);
        return;
    }
    let width = if look == Look::Thin { 1.0 } else { 2.0 };
    ui.painter()
        .hline(rect.x_range(), rect.center().y, Stroke::new(width, colour));
    if look == Look::Marked {
        ui.painter().circle_filled(rect.center(), 2.5, colour);
    }
}

fn draw(plot: &mut PlotUi<'_>, trace: &Trace, columns: &[Column], colour: Color32, scale: Scale) {
    let points = |value: fn(&Column) -> f32| -> Vec<PlotPoint> {
        columns
            .iter()
            .map(|column| PlotPoint::new(column.x, scale.position(f64::from(value(column)))))
            .collect()
    };
    let line = |width: f32, colour: Color32| {
        Line::new(
            trace.name,
            PlotPoints::Owned(points(|column| (column.min + column.max) / 2.0)),
        )
        .color(colour)
        .width(width)
        .allow_hover(false)
    };
    match trace.look {
        Look::Band => {
            let xs: Vec<f64> = columns.iter().map(|column| column.x).collect();
            let low: Vec<f64> = columns
                .iter()
                .map(|column| scale.position(f64::from(column.min)))
                .collect();
            let high: Vec<f64> = columns
                .iter()
                .map(|column| scale.position(f64::from(column.max)))
                .collect();
            if columns.iter().any(|column| column.min < column.max) {
                let area = FilledArea::new(trace.name, &xs, &low, &high);
                plot.add(
                    area.fill_color(colour.gamma_multiply(0.22))
                        .allow_hover(false),
                );
            } else {
                plot.line(line(1.0, colour.gamma_multiply(0.45)));
            }
        }
        Look::Thin => plot.line(line(1.0, colour.gamma_multiply(0.75))),
        Look::Line => plot.line(line(theme::CURVE_WIDTH + 0.3, colour)),
        Look::Dashed => {
            plot.line(line(1.2, colour.gamma_multiply(0.85)).style(LineStyle::dashed_loose()))
        }
        Look::Marked => {
            plot.line(line(theme::CURVE_WIDTH, colour));
            // Marks that touch each other say no more than the line.
            if columns.len() > MOST_MARKS {
                return;
            }
            plot.points(
                Points::new(trace.name, PlotPoints::Owned(points(|column| column.max)))
                    .radius(2.6)
                    .color(colour)
                    .shape(MarkerShape::Circle)
                    .allow_hover(false),
            );
        }
    }
}

/// A line at a step.
pub(super) struct Mark {
    pub(super) step: u64,
    pub(super) name: String,
    colour: Color32,
    style: LineStyle,
}

fn marks(plot: &mut PlotUi<'_>, chart: Chart, run: &RunView, palette: &Palette) {
    for mark in marks_of(chart, run, palette) {
        plot.vline(
            VLine::new(mark.name, mark.step as f64)
                .color(mark.colour)
                .width(1.0)
                .style(mark.style)
                .allow_hover(false),
        );
    }
}

/// The best epoch, the end by early stopping, and where the user stepped in.
pub(super) fn marks_of(chart: Chart, run: &RunView, palette: &Palette) -> Vec<Mark> {
    let mut marks = Vec::new();
    let mut mark = |step: u64, name: String, colour: Color32, style: LineStyle| {
        marks.push(Mark {
            step,
            name,
            colour,
            style,
        });
    };
    if let Some(best) = &run.best
        && matches!(chart, Chart::Loss | Chart::Scores)
    {
        mark(
            best.step,
            "best".to_owned(),
            palette.good,
            LineStyle::dashed_dense(),
        );
    }
    for record in &run.events {
        match &record.event {
            Event::EarlyStopped { .. } => mark(
                record.step,
                "early stop".to_owned(),
                palette.warning,
                LineStyle::Solid,
            ),
            Event::Resumed { .. } => mark(
                record.step,
                "resumed".to_owned(),
                palette.line,
                LineStyle::dotted_loose(),
            ),
            Event::Failed { .. } => mark(
                record.step,
                "failed".to_owned(),
                palette.error,
                LineStyle::Solid,
            ),
            _ => {}
        }
    }
    marks
}

/// In words, what early stopping waits for.
pub(super) fn patience_text(run: &RunView) -> Option<(String, Option<f32>)> {
    let best = run.best.as_ref()?;
    let best_epoch = best.epoch + 1;
    match (run.ends.patience_epochs, run.epochs_waited, run.status) {
        (Some(patience), Some(since), Status::Running | Status::Paused) if patience > 0 => Some((
            format!(
                "best epoch {best_epoch}, patience {} of {patience} epochs left",
                patience.saturating_sub(since)
            ),
            Some(1.0 - since as f32 / patience as f32),
        )),
        (_, _, Status::EarlyStopped) => {
            Some((format!("best epoch {best_epoch}, stopped early"), None))
        }
        _ => Some((format!("best epoch {best_epoch}"), None)),
    }
}
