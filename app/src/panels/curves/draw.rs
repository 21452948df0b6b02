//! Draws curves into a plot: of single runs, of groups, and the marks of a run.

use super::chart::{Chart, Look, Trace};
use super::columns::Known;
use super::plot::Shared;
use super::scale::Scale;
use super::strips::{Strip, Strips};
use crate::theme::{self, Palette};
use crate::workbench::parts::runs::RunView;
use attune_core::run::{Column, Event, MeanPoint};
use egui::{Color32, Stroke};
use egui_plot::{
    FilledArea, Line, LineStyle, MarkerShape, PlotPoint, PlotPoints, PlotUi, Points, VLine,
};

/// More validations than this in view are drawn without a mark each.
const MOST_MARKS: usize = 120;
/// And more than this of all lines together.
const MOST_MARKS_OF_ALL: usize = 1000;
/// More lines than this are drawn together.
const MOST_APART: usize = 8;

/// Whether each value is marked: marks that touch each other say no more than the lines.
pub(super) fn are_marked(n_values: usize, n_lines: usize) -> bool {
    n_values <= MOST_MARKS && n_values * n_lines <= MOST_MARKS_OF_ALL
}

/// A curve of a chart, ready to be drawn.
pub(super) enum Curve {
    /// Of one run.
    Single(Known),
    /// Of several.
    Mean(Vec<MeanPoint>),
}

/// Draws a curve.
pub(super) fn curve(
    plot: &mut PlotUi<'_>,
    trace: &Trace,
    curve: &Curve,
    colour: Color32,
    scale: Scale,
    shared: &Shared<'_>,
    together: &mut Strips,
) {
    match curve {
        Curve::Single(known)
            if shared.lines.len() > MOST_APART && look_of_strip(trace).is_some() =>
        {
            strip(
                plot,
                trace,
                known,
                colour,
                scale,
                shared.lines.len(),
                together,
            );
        }
        Curve::Single(known) => {
            single(
                plot,
                trace,
                known.shown(),
                colour,
                scale,
                shared.lines.len(),
            );
        }
        Curve::Mean(points) => mean(plot, trace, points, colour, scale, shared),
    }
}

/// Width and strength of the line of a trace; `None` if it is more than a line.
fn look_of_strip(trace: &Trace) -> Option<(f32, f32)> {
    match trace.look {
        Look::Thin => Some((1.0, 0.75)),
        Look::Line => Some((theme::CURVE_WIDTH + 0.3, 1.0)),
        Look::Marked => Some((theme::CURVE_WIDTH, 1.0)),
        Look::Band | Look::Dashed => None,
    }
}

fn strip(
    plot: &mut PlotUi<'_>,
    trace: &Trace,
    known: &Known,
    colour: Color32,
    scale: Scale,
    n_lines: usize,
    together: &mut Strips,
) {
    let columns = known.shown();
    if let Some((width, strength)) = look_of_strip(trace) {
        let colour = colour.gamma_multiply(strength);
        together.add(Strip {
            known: known.clone(),
            width,
            colour,
        });
    }
    if trace.look == Look::Marked && are_marked(columns.len(), n_lines) {
        marked(plot, trace, columns, colour, scale);
    }
}

fn marked(plot: &mut PlotUi<'_>, trace: &Trace, columns: &[Column], colour: Color32, scale: Scale) {
    let points = columns
        .iter()
        .map(|column| PlotPoint::new(column.x, scale.position(f64::from(column.max))));
    plot.points(
        Points::new(trace.name, PlotPoints::Owned(points.collect()))
            .radius(2.6)
            .color(colour)
            .shape(MarkerShape::Circle)
            .allow_hover(false),
    );
}

fn single(
    plot: &mut PlotUi<'_>,
    trace: &Trace,
    columns: &[Column],
    colour: Color32,
    scale: Scale,
    n_lines: usize,
) {
    let line = |width: f32, colour: Color32| {
        let points = columns
            .iter()
            .map(|column| PlotPoint::new(column.x, scale.position(f64::from(column.mean))));
        Line::new(trace.name, PlotPoints::Owned(points.collect()))
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
        Look::Dashed => {
            plot.line(line(1.2, colour.gamma_multiply(0.85)).style(LineStyle::dashed_loose()))
        }
        Look::Thin | Look::Line | Look::Marked => {
            if let Some((width, strength)) = look_of_strip(trace) {
                plot.line(line(width, colour.gamma_multiply(strength)));
            }
            if trace.look == Look::Marked && are_marked(columns.len(), n_lines) {
                marked(plot, trace, columns, colour, scale);
            }
        }
    }
}

/// The mean as a line, the spread as a band around it. Where fewer than all runs reach, the line is thin.
fn mean(
    plot: &mut PlotUi<'_>,
    trace: &Trace,
    points: &[MeanPoint],
    colour: Color32,
    scale: Scale,
    shared: &Shared<'_>,
) {
    let position = |value: f64| scale.position(value);
    let xs: Vec<f64> = points.iter().map(|point| point.x).collect();
    let side = |idx: usize| -> Vec<f64> {
        points
            .iter()
            .map(|point| position(point.band(shared.spread, scale.logarithmic)[idx]))
            .collect()
    };
    let area = FilledArea::new(trace.name, &xs, &side(0), &side(1));
    plot.add(
        area.fill_color(colour.gamma_multiply(0.2))
            .allow_hover(false),
    );
    let most = points.iter().map(|point| point.of.n).max().unwrap_or(0);
    for stretch in points.chunk_by(|one, other| (one.of.n == most) == (other.of.n == most)) {
        let is_of_all = stretch[0].of.n == most;
        let owned = stretch
            .iter()
            .map(|point| PlotPoint::new(point.x, position(point.of.mean)))
            .collect();
        let width = if is_of_all {
            theme::CURVE_WIDTH + 0.3
        } else {
            1.0
        };
        let line = Line::new(trace.name, PlotPoints::Owned(owned))
            .stroke(Stroke::new(width, colour))
            .allow_hover(false);
        plot.line(line);
    }
}

/// A line at a step.
pub(super) struct Mark {
    pub(super) step: u64,
    pub(super) name: String,
    colour: Color32,
    style: LineStyle,
}

/// Draws the marks of a run.
pub(super) fn marks(plot: &mut PlotUi<'_>, chart: Chart, run: &RunView, shared: &Shared<'_>) {
    for mark in marks_of(chart, run, shared.palette) {
        plot.vline(
            VLine::new(mark.name, shared.x.position(run, mark.step as f64))
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
