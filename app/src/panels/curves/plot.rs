//! Draws one chart: its head with the values under the cursor, and its curves.

use super::chart::{Chart, Look, Trace};
use super::columns::{Columns, View};
use super::draw::{Curve, curve, marks};
use super::figure::Shown;
use super::head::head_ui;
use super::horizontal::Horizontal;
use super::lines::Line;
use super::means::Means;
use super::scale::{Extent, Scale, logarithmic_grid};
use super::strips::{Kept, Strips};
use crate::theme::Palette;
use crate::widgets::{number_text, save_plot_item};
use crate::workbench::parts::runs::RunView;
use attune_core::run::{Pin, Spread};
use egui::{Align, Color32, Layout, RichText, Ui, Vec2};
use egui_plot::{Plot, VLine};
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

/// Width of the numbers on the left, so that all charts line up.
const AXIS_WIDTH: f32 = 52.0;
/// So many runs are reduced to a column a pixel or two; of more, each gets fewer, so that a frame costs no more.
const FINE_RUNS: usize = 6;
/// Fewer columns than this tell nothing; as few as half of them lie in view.
const FEWEST_COLUMNS: usize = 112;

/// What all charts of a frame share.
pub(super) struct Shared<'a> {
    pub(super) runs: &'a [Arc<RunView>],
    /// What is drawn as one curve each.
    pub(super) lines: &'a [Line],
    pub(super) x: Horizontal,
    /// What is in view, in positions.
    pub(super) range: Range<f64>,
    /// Position under the pointer, in whatever chart it is.
    pub(super) cursor: Option<f64>,
    pub(super) spread: Spread,
    pub(super) palette: &'static Palette,
}

impl Shared<'_> {
    /// Whether a single run is shown, whose curves have colours by what they are.
    pub(super) fn is_one_run(&self) -> bool {
        self.runs.len() == 1
    }

    pub(super) fn members(&self, line: &Line) -> Vec<&Arc<RunView>> {
        line.members.iter().map(|idx| &self.runs[*idx]).collect()
    }

    pub(super) fn view(&self, n_columns: usize) -> View {
        View {
            x: self.x,
            start: self.range.start,
            end: self.range.end,
            n_columns,
        }
    }

    fn colour(&self, line_idx: usize, trace: &Trace) -> Color32 {
        if self.is_one_run() {
            (trace.colour)(self.palette)
        } else {
            self.palette.of_series(line_idx)
        }
    }

    /// The line of a run.
    fn line_of(&self, run_idx: usize) -> usize {
        let line = self
            .lines
            .iter()
            .position(|line| line.members.contains(&run_idx));
        line.unwrap_or(run_idx)
    }
}

/// Values reduced for drawing, kept from frame to frame.
#[derive(Debug, Default)]
pub(super) struct Reduced {
    pub(super) columns: Columns,
    pub(super) means: Means,
    /// Of each chart, by its title.
    pub(super) strips: HashMap<&'static str, Kept>,
}

/// What the user did to a chart.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Gesture {
    /// Moved the curves by so much of the axis.
    Pan(f64),
    /// Zoomed around a position.
    Zoom { factor: f64, around: f64 },
    /// Drew a box.
    Box { xs: Range<f64>, values: Range<f64> },
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
    /// In positions.
    pub(super) cursor: Option<f64>,
    pub(super) gesture: Option<Gesture>,
    /// What was drawn.
    pub(super) drawn: Shown,
}

/// How one chart is drawn.
pub(super) struct Frame {
    pub(super) chart: Chart,
    pub(super) logarithmic: bool,
    /// The range of values to show, or `None` to fit what is in view.
    pub(super) values: Option<Range<f64>>,
    pub(super) size: Vec2,
    /// Whether it carries the name of the horizontal axis.
    pub(super) is_lowest: bool,
}

/// A curve with its line and trace.
type Drawn = (usize, Trace, Curve);

/// Draws a chart.
pub(super) fn chart_ui(
    ui: &mut Ui,
    frame: Frame,
    shared: &Shared<'_>,
    reduced: &mut Reduced,
) -> Answer {
    let size = frame.size;
    let fine = (size.x - AXIS_WIDTH).max(50.0) as usize;
    let n_columns = (fine * FINE_RUNS / shared.runs.len().max(FINE_RUNS))
        .max(FEWEST_COLUMNS)
        .min(fine);
    ui.allocate_ui_with_layout(size, Layout::top_down(Align::Min), |ui| {
        ui.set_min_size(size);
        ui.shrink_clip_rect(ui.max_rect());
        let Reduced {
            columns,
            means,
            strips,
        } = reduced;
        head_ui(ui, frame.chart, shared, means, columns, n_columns);
        let scale = Scale {
            logarithmic: frame.logarithmic,
        };
        let (curves, extent) = curves(frame.chart, scale, shared, means, columns, n_columns);
        let values = frame.values.clone();
        let values = values.unwrap_or_else(|| extent.range(frame.chart, scale));
        let strips = strips.entry(frame.chart.title()).or_default();
        plot_ui(ui, &frame, shared, scale, &curves, values, strips)
    })
    .inner
}

/// The curves of a chart and the range of their values.
fn curves(
    chart: Chart,
    scale: Scale,
    shared: &Shared<'_>,
    means: &mut Means,
    columns: &mut Columns,
    n_columns: usize,
) -> (Vec<Drawn>, Extent) {
    let view = shared.view(n_columns);
    let mut curves = Vec::new();
    let mut extent = Extent::default();
    for (line_idx, line) in shared.lines.iter().enumerate() {
        let members = shared.members(line);
        for trace in chart.traces().iter() {
            if let [run] = members[..] {
                if trace.look == Look::Band && shared.lines.len() > 3 {
                    continue;
                }
                let known = columns.of(run, trace.source, &view);
                if known.shown().is_empty() {
                    continue;
                }
                extent.take(known.shown(), trace.look, &shared.range);
                curves.push((line_idx, *trace, Curve::Single(known)));
            } else if chart.is_main(trace) {
                let points = means.of(&line.label, &members, trace.source, &view, columns);
                extent.take_means(points, shared.spread, scale, &shared.range);
                if !points.is_empty() {
                    curves.push((line_idx, *trace, Curve::Mean(points.to_vec())));
                }
            }
        }
    }
    (curves, extent)
}

fn plot_ui(
    ui: &mut Ui,
    frame: &Frame,
    shared: &Shared<'_>,
    scale: Scale,
    curves: &[Drawn],
    values: Range<f64>,
    strips: &Kept,
) -> Answer {
    let chart = frame.chart;
    let height = ui.available_height().max(40.0);
    let x = shared.x;
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
        .x_axis_formatter(move |mark, _| x.text(mark.value))
        .y_axis_formatter(move |mark, _| number_text(scale.value(mark.value)));
    let plot = if frame.is_lowest {
        plot.x_axis_label(RichText::new(x.label()).small().color(shared.palette.weak))
    } else {
        plot
    };
    let plot = if scale.logarithmic {
        plot.y_grid_spacer(logarithmic_grid)
    } else {
        plot
    };
    let plot = if x.logarithmic {
        plot.x_grid_spacer(logarithmic_grid)
    } else {
        plot
    };
    let (range, cursor) = (shared.range.clone(), shared.cursor);
    let shown_values = values.clone();
    let response = plot.show(ui, |plot| {
        plot.set_plot_bounds_x(range.start..=range.end);
        plot.set_plot_bounds_y(shown_values.start..=shown_values.end);
        if let [run] = shared.runs {
            marks(plot, chart, run, shared);
        }
        for (run_idx, run) in shared.runs.iter().enumerate() {
            let colour = match shared.runs {
                [_] => shared.palette.accent,
                _ => shared.palette.of_series(shared.line_of(run_idx)),
            };
            for pin in &run.pins {
                let line = VLine::new("note", x.position(run, pin.step as f64)).color(colour);
                plot.vline(line.width(1.0).allow_hover(false));
            }
        }
        let mut together = Strips::new(strips, scale);
        for (line_idx, trace, drawn) in curves {
            let colour = shared.colour(*line_idx, trace);
            curve(plot, trace, drawn, colour, scale, shared, &mut together);
        }
        if !together.is_empty() {
            plot.add(together);
        }
        if let Some(at) = cursor {
            plot.vline(
                VLine::new("", at)
                    .color(shared.palette.weak)
                    .width(1.0)
                    .allow_hover(false),
            );
        }
        plot.pointer_coordinate().map(|at| at.x)
    });
    let pointer_at = response.inner;
    let (bounds, response) = (*response.transform.bounds(), response.response);
    response.widget_info(|| {
        egui::WidgetInfo::labeled(egui::Role::Image, true, format!("{} chart", chart.title()))
    });
    let per_point = (range.end - range.start) / f64::from(response.rect.width().max(1.0));
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
        let (xs, ys) = (bounds.range_x(), bounds.range_y());
        if (*xs.start(), *xs.end()) != (range.start, range.end) {
            gesture = Some(Gesture::Box {
                xs: *xs.start()..*xs.end(),
                values: *ys.start()..*ys.end(),
            });
        }
    } else if let (true, Some(around)) = (hovered, pointer_at) {
        if scroll.x != 0.0 {
            gesture = Some(Gesture::Pan(-f64::from(scroll.x) * per_point));
        } else if scroll.y != 0.0 || pinch != 1.0 {
            let factor = f64::from(pinch) * f64::from(scroll.y / 240.0).exp();
            gesture = Some(Gesture::Zoom { factor, around });
        }
    }
    let note = pointer_at.filter(|_| hovered).and_then(|at| {
        let runs = shared.runs.iter();
        let pins = runs.flat_map(|run| run.pins.iter().map(move |pin| (run, pin)));
        let distance = |(run, pin): &(&Arc<RunView>, &Pin)| {
            (x.position(run, pin.step as f64) - at).abs() / per_point.max(f64::MIN_POSITIVE)
        };
        pins.filter(|pin| distance(pin) <= NEAR)
            .min_by(|one, other| distance(one).total_cmp(&distance(other)))
    });
    let response = match note {
        Some((run, pin)) => response
            .on_hover_text_at_pointer(format!("{}\nstep {} of {}", pin.text, pin.step, run.id)),
        None => response,
    };
    if let Some(run) = shared.runs.first() {
        let asked_at = ui.scope_id().with((chart.title(), "note"));
        if response.secondary_clicked()
            && let Some(at) = pointer_at
        {
            let step = (x.step(run, at).max(0.0).round() as u64).min(run.last_step);
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
        cursor: pointer_at.filter(|_| response.hovered()),
        gesture,
        drawn: Shown {
            chart,
            scale,
            values,
        },
    }
}
