//! Charts of the panel for paper: the same runs, curves, ranges, scales and marks as on the screen, in the colours of the light theme.

use super::chart::{Chart, Look, Trace};
use super::columns::reduce;
use super::plot::{MOST_MARKS, marks_of};
use super::scale::Scale;
use crate::theme::{self, Palette};
use crate::workbench::parts::runs::RunView;
use attune_core::figure::{Axis, Figure, Layer, Panel, Stroke, Ticks};
use attune_core::run::Column;
use egui::Color32;
use std::ops::Range;
use std::sync::Arc;

/// Finer than any paper shows.
const N_COLUMNS: usize = 1600;

/// How a chart is shown.
#[derive(Clone, Debug)]
pub(super) struct Shown {
    pub(super) chart: Chart,
    pub(super) scale: Scale,
    /// What of the vertical axis is shown, as heights on its scale.
    pub(super) values: Range<f64>,
}

/// The charts over each other, over the steps that are shown.
pub(super) fn figure_of(charts: &[Shown], runs: &[Arc<RunView>], steps: &Range<f64>) -> Figure {
    let palette = theme::palette_of(egui::Theme::Light);
    let x = Axis::new("Training step", "")
        .ticks(Ticks::Whole)
        .range(steps.start, steps.end);
    let title = match runs {
        [run] => run.id.clone(),
        _ => String::new(),
    };
    let mut figure = Figure::new(title, x);
    for (at, shown) in charts.iter().enumerate() {
        let mut y = Axis::new(shown.chart.title(), shown.chart.unit());
        if shown.scale.logarithmic {
            y = y.log();
        }
        let y = y.range(
            shown.scale.value(shown.values.start),
            shown.scale.value(shown.values.end),
        );
        let mut panel = Panel::new(y);
        if charts.len() > 1 {
            panel = panel.height(130.0);
        }
        for (run_idx, run) in runs.iter().enumerate() {
            for trace in shown.chart.traces() {
                if trace.look == Look::Band && runs.len() > 3 {
                    continue;
                }
                let columns = reduce(run, trace.source, steps, N_COLUMNS);
                if columns.is_empty() {
                    continue;
                }
                let (colour, label) = looks(palette, runs, run_idx, trace, at == 0);
                panel = layers(panel, trace.look, label, colour, &columns);
            }
        }
        if let [run] = runs {
            for mark in marks_of(shown.chart, run, palette) {
                panel = panel.mark(mark.step as f64, mark.name);
            }
        }
        for pin in runs.iter().flat_map(|run| &run.pins) {
            panel = panel.mark(pin.step as f64, pin.text.clone());
        }
        figure = figure.with(panel);
    }
    figure
}

/// Colour and name in the legend: of one run what is measured, of several the run, once.
fn looks(
    palette: &Palette,
    runs: &[Arc<RunView>],
    run_idx: usize,
    trace: &Trace,
    is_first: bool,
) -> (Color32, String) {
    if let [_] = runs {
        return ((trace.colour)(palette), trace.name.to_owned());
    }
    let of_run = trace.look != Look::Band && is_first;
    let label = if of_run {
        format!("{}, {}", runs[run_idx].id, trace.name)
    } else {
        String::new()
    };
    (palette.of_series(run_idx), label)
}

fn layers(panel: Panel, look: Look, label: String, colour: Color32, columns: &[Column]) -> Panel {
    let colour = theme::on_paper(colour);
    let middle = |column: &Column| f64::from((column.min + column.max) / 2.0);
    let line: Vec<[f64; 2]> = columns
        .iter()
        .map(|column| [column.x, middle(column)])
        .collect();
    let line_of = |label: String, stroke: Stroke| Layer::Line {
        label,
        colour,
        stroke,
        points: line.clone(),
    };
    match look {
        Look::Band if columns.iter().any(|column| column.min < column.max) => {
            let points = columns.iter();
            let points = points.map(|c| [c.x, f64::from(c.min), f64::from(c.max)]);
            panel.layer(Layer::Band {
                label,
                colour,
                points: points.collect(),
            })
        }
        // Each value has a column of its own: the raw line.
        Look::Band => panel.layer(line_of(label, Stroke::Faint)),
        Look::Thin => panel.layer(line_of(label, Stroke::Thin)),
        Look::Line => panel.layer(line_of(label, Stroke::Solid)),
        Look::Dashed => panel.layer(line_of(label, Stroke::Dashed)),
        Look::Marked if columns.len() > MOST_MARKS => panel.layer(line_of(label, Stroke::Solid)),
        Look::Marked => panel
            .layer(line_of(label, Stroke::Solid))
            .layer(Layer::Dots {
                label: String::new(),
                colour,
                points: line.clone(),
            }),
    }
}
