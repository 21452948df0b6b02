//! The head of a chart: title, unit, and what each curve is worth under the cursor or at its end.

use super::chart::{Chart, Look, Trace};
use super::columns::{Columns, value_at};
use super::lines::Line;
use super::means::Means;
use super::plot::Shared;
use crate::theme;
use crate::widgets::number_text;
use crate::workbench::parts::runs::RunView;
use attune_core::run::MeanPoint;
use egui::{Color32, RichText, Sense, Stroke, Ui, vec2};

/// About the width of a curve's name and value.
const VALUE_WIDTH: f32 = 115.0;
/// About the widths of a letter in a name and of a figure in a value, and the room beside them.
const LETTER_WIDTH: f32 = 5.6;
const FIGURE_WIDTH: f32 = 7.2;
const BESIDE: f32 = 14.0;
const SWATCH_WIDTH: f32 = 12.0;
/// About the width of a chart's unit.
const UNIT_WIDTH: f32 = 80.0;

/// Draws the head.
pub(super) fn head_ui(
    ui: &mut Ui,
    chart: Chart,
    shared: &Shared<'_>,
    means: &mut Means,
    columns: &mut Columns,
    n_columns: usize,
) {
    let palette = shared.palette;
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 5.0;
        ui.add_space(2.0);
        let title = RichText::new(chart.title())
            .text_style(theme::section())
            .color(palette.strong);
        ui.label(title).on_hover_text(chart.help());
        let one = shared.is_one_run();
        let room = ui.available_width();
        let mut values_of = |line: &Line| match &line.members[..] {
            [member] => run_values(chart, shared, &shared.runs[*member], room),
            _ => group_values(chart, shared, line, means, columns, n_columns),
        };
        for (line_idx, line) in shared.lines.iter().enumerate() {
            // Made as long as there is room for them: of fifty runs only the first few are told.
            let values = values_of(line);
            if line_idx == 0 {
                // The values say more than the unit.
                let n_values = values.len();
                if n_values <= 2 || !one || UNIT_WIDTH + VALUE_WIDTH * n_values as f32 <= room {
                    ui.label(RichText::new(chart.unit()).small().color(palette.weak));
                }
                ui.add_space(4.0);
            }
            for (nth, value) in values.into_iter().enumerate() {
                // What has no room is left out: it must not push the charts apart.
                let name = if one { value.trace.name } else { "" };
                let width = name.len() as f32 * LETTER_WIDTH
                    + value.text.chars().count() as f32 * FIGURE_WIDTH
                    + SWATCH_WIDTH
                    + BESIDE;
                if ui.available_width() < width {
                    return;
                }
                if !one && nth == 0 {
                    swatch_ui(ui, palette.of_series(line_idx), Look::Line);
                }
                if one {
                    swatch_ui(ui, (value.trace.colour)(palette), value.trace.look);
                    ui.label(RichText::new(value.trace.name).small().color(palette.weak));
                }
                let text = RichText::new(&value.text).text_style(theme::figures());
                ui.label(text.color(palette.strong)).on_hover_text(format!(
                    "{}: {} of {}{}",
                    chart.title(),
                    value.trace.name,
                    line.label,
                    value.hint
                ));
                ui.add_space(4.0);
            }
        }
    });
}

/// What a curve is worth.
struct Worth {
    trace: Trace,
    text: String,
    /// More about it, under the pointer.
    hint: String,
}

/// The curves of a run that have a value under the cursor or at the end, with that value; where there is no room for all, the main ones.
fn run_values(chart: Chart, shared: &Shared<'_>, run: &RunView, room: f32) -> Vec<Worth> {
    let step = shared.cursor.map_or(run.last_step, |at| {
        shared.x.step(run, at).max(0.0).round() as u64
    });
    let traces = chart.traces();
    let mut values: Vec<_> = traces
        .iter()
        .filter(|trace| trace.look != Look::Band)
        .filter_map(|trace| {
            Some(Worth {
                trace: *trace,
                text: number_text(value_at(run, trace.source, step)?),
                hint: format!(", step {step}"),
            })
        })
        .collect();
    if !shared.is_one_run() || room < VALUE_WIDTH * values.len() as f32 {
        values.retain(|value| chart.is_main(&value.trace));
    }
    values
}

/// The same of the mean of a group, with the spread and how many runs it is of.
fn group_values(
    chart: Chart,
    shared: &Shared<'_>,
    line: &Line,
    means: &mut Means,
    columns: &mut Columns,
    n_columns: usize,
) -> Vec<Worth> {
    let view = shared.view(n_columns);
    let members = shared.members(line);
    let traces = chart.traces();
    let main = traces.iter().filter(|trace| chart.is_main(trace));
    main.filter_map(|trace| {
        let points = means.of(&line.label, &members, trace.source, &view, columns);
        let point = point_at(points, shared.cursor)?;
        let spread = shared.spread.of(&point.of);
        let spread_text =
            spread.map_or(String::new(), |spread| format!(" ±{}", number_text(spread)));
        Some(Worth {
            trace: *trace,
            text: format!("{}{spread_text}", number_text(point.of.mean)),
            hint: format!(
                "\nmean of {} of {} runs, ± {}; {} to {}",
                point.of.n,
                members.len(),
                match spread {
                    Some(_) => shared.spread.label(),
                    None => "unknown of a single run",
                },
                number_text(point.min),
                number_text(point.max)
            ),
        })
    })
    .collect()
}

/// The last point up to `cursor`, or the last of those that all reach.
fn point_at(points: &[MeanPoint], cursor: Option<f64>) -> Option<MeanPoint> {
    match cursor {
        Some(at) => points
            .iter()
            .take_while(|point| point.x <= at)
            .last()
            .copied(),
        None => {
            let most = points.iter().map(|point| point.of.n).max()?;
            points.iter().rfind(|point| point.of.n == most).copied()
        }
    }
}

fn swatch_ui(ui: &mut Ui, colour: Color32, look: Look) {
    let (rect, _) = ui.allocate_exact_size(vec2(SWATCH_WIDTH, 10.0), Sense::hover());
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
