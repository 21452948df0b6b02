//! Charts of the panel for paper: the same runs, curves, ranges, scales and marks as on the screen, in the colours of the light theme.

use super::chart::{Chart, Look, Trace};
use super::columns::{View, reduce};
use super::draw::{are_marked, marks_of};
use super::horizontal::Horizontal;
use super::lines::Line;
use super::scale::Scale;
use crate::theme;
use crate::workbench::parts::runs::RunView;
use attune_core::figure::{Axis, Figure, Layer, Panel, Stroke, Ticks};
use attune_core::run::{Column, MeanPoint, Spread, XAxis, mean_curve};
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

/// The runs that are shown, and how.
pub(super) struct Seen {
    pub(super) runs: Vec<Arc<RunView>>,
    pub(super) lines: Vec<Line>,
    pub(super) x: Horizontal,
    /// In positions.
    pub(super) range: Range<f64>,
    pub(super) spread: Spread,
}

impl Seen {
    /// The charts over each other, over the part of the horizontal axis that is shown.
    pub(super) fn figure_of(&self, charts: &[Shown]) -> Figure {
        let title = match &self.runs[..] {
            [run] => run.id.clone(),
            _ => String::new(),
        };
        let mut figure = Figure::new(title, self.x_axis());
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
            for line_idx in 0..self.lines.len() {
                panel = self.line(panel, shown, line_idx, at == 0);
            }
            figure = figure.with(self.marks(panel, shown.chart));
        }
        figure
    }

    fn x_axis(&self) -> Axis {
        let axis = Axis::new(self.x.axis.label(), "");
        let axis = match self.x.axis {
            XAxis::Step | XAxis::Clips => axis.ticks(Ticks::Whole),
            XAxis::Epoch | XAxis::WallTime => axis,
        };
        let ends = [self.range.start, self.range.end].map(|end| self.x.value(end));
        let axis = axis.range(ends[0], ends[1]);
        if self.x.logarithmic { axis.log() } else { axis }
    }

    /// The curves of a run or of a group.
    fn line(&self, mut panel: Panel, shown: &Shown, line_idx: usize, is_first: bool) -> Panel {
        let (chart, is_logarithmic) = (shown.chart, shown.scale.logarithmic);
        let line = &self.lines[line_idx];
        let view = View {
            x: self.x,
            start: self.range.start,
            end: self.range.end,
            n_columns: N_COLUMNS,
        };
        for trace in chart.traces().iter() {
            let (colour, label) = self.looks(line_idx, trace, is_first);
            if let [run] = line.members[..] {
                if trace.look == Look::Band && self.lines.len() > 3 {
                    continue;
                }
                let mut columns = reduce(&self.runs[run], trace.source, &view);
                for column in &mut columns {
                    column.x = self.x.value(column.x);
                }
                if !columns.is_empty() {
                    panel = layers(panel, trace.look, label, colour, &columns, self.lines.len());
                }
            } else if chart.is_main(trace) {
                let runs = line.members.iter().map(|run| &self.runs[*run]);
                let curves: Vec<Vec<[f64; 2]>> = runs
                    .map(|run| {
                        let columns = reduce(run, trace.source, &view);
                        let points = columns.iter();
                        points
                            .map(|column| [column.x, f64::from(column.mean)])
                            .collect()
                    })
                    .collect();
                let points = mean_curve(&curves, N_COLUMNS);
                panel = self.mean(panel, &points, label, colour, is_logarithmic);
            }
        }
        panel
    }

    /// As in the window: the line is thin where fewer than all runs reach.
    fn mean(
        &self,
        panel: Panel,
        points: &[MeanPoint],
        label: String,
        colour: Color32,
        is_logarithmic: bool,
    ) -> Panel {
        if points.is_empty() {
            return panel;
        }
        let colour = theme::on_paper(colour);
        let band = points.iter().map(|point| {
            let [low, high] = point.band(self.spread, is_logarithmic);
            [self.x.value(point.x), low, high]
        });
        let mut panel = panel.layer(Layer::Band {
            label: String::new(),
            colour,
            points: band.collect(),
        });
        let most = points.iter().map(|point| point.of.n).max().unwrap_or(0);
        let mut label = label;
        for stretch in points.chunk_by(|one, other| (one.of.n == most) == (other.of.n == most)) {
            let is_of_all = stretch[0].of.n == most;
            let line = stretch
                .iter()
                .map(|point| [self.x.value(point.x), point.of.mean]);
            panel = panel.layer(Layer::Line {
                // Once in the legend.
                label: if is_of_all {
                    std::mem::take(&mut label)
                } else {
                    String::new()
                },
                colour,
                stroke: if is_of_all {
                    Stroke::Solid
                } else {
                    Stroke::Thin
                },
                points: line.collect(),
            });
        }
        panel
    }

    /// The events of a single run, and the notes of all.
    fn marks(&self, mut panel: Panel, chart: Chart) -> Panel {
        let palette = theme::palette_of(egui::Theme::Light);
        let place = |run: &RunView, step: u64| self.x.value(self.x.position(run, step as f64));
        if let [run] = &self.runs[..] {
            for mark in marks_of(chart, run, palette) {
                panel = panel.mark(place(run, mark.step), mark.name);
            }
        }
        for run in &self.runs {
            for pin in &run.pins {
                panel = panel.mark(place(run, pin.step), pin.text.clone());
            }
        }
        panel
    }

    /// Colour and name in the legend: of one run what is measured, of several the run or group, once.
    fn looks(&self, line_idx: usize, trace: &Trace, is_first: bool) -> (Color32, String) {
        let palette = theme::palette_of(egui::Theme::Light);
        if let [_] = self.runs[..] {
            return ((trace.colour)(palette), trace.name.to_owned());
        }
        let line = &self.lines[line_idx];
        let name = match line.members.len() {
            1 => line.label.clone(),
            n => format!("{} (N={n}, ± {})", line.label, self.spread.label()),
        };
        let label = if trace.look != Look::Band && is_first {
            format!("{name}, {}", trace.name)
        } else {
            String::new()
        };
        (palette.of_series(line_idx), label)
    }
}

fn layers(
    panel: Panel,
    look: Look,
    label: String,
    colour: Color32,
    columns: &[Column],
    n_lines: usize,
) -> Panel {
    let colour = theme::on_paper(colour);
    let line: Vec<[f64; 2]> = columns
        .iter()
        .map(|column| [column.x, f64::from(column.mean)])
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
        Look::Marked if !are_marked(columns.len(), n_lines) => {
            panel.layer(line_of(label, Stroke::Solid))
        }
        Look::Marked => panel
            .layer(line_of(label, Stroke::Solid))
            .layer(Layer::Dots {
                label: String::new(),
                colour,
                points: line.clone(),
            }),
    }
}
