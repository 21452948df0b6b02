//! The table of an experiment for paper: a row for each cell, a dot for each seed, their mean and standard deviation, and the paper's figure.

use crate::theme;
use attune_core::experiment::{CellRun, Metric, Table};
use attune_core::figure::{Axis, Colour, Figure, Layer, Panel, Stroke, Ticks, palette};

/// Height of a row, in points.
const ROW_PT: f64 = 16.0;
/// Half the height of the line at a mean, in rows.
const HALF: f64 = 0.3;

/// A panel for each measure, the cells in the order of the table.
pub(super) fn figure_of(table: &Table) -> Figure {
    let n_rows = table.rows.len();
    let height = |at: usize| (n_rows - 1 - at) as f64;
    let mut figure = Figure::new(
        table.title.clone(),
        Axis::new("Score on the test split", ""),
    );
    for (which, &metric) in table.metrics.iter().enumerate() {
        let names = table.rows.iter().enumerate();
        let names = names.map(|(at, row)| (height(at), row.label.clone()));
        let axis = Axis::new("", "")
            .range(-0.6, n_rows as f64 - 0.4)
            .ticks(Ticks::At(names.collect()));
        let (mut seeds, mut papers, mut means) = (Vec::new(), Vec::new(), Vec::new());
        for (at, row) in table.rows.iter().enumerate() {
            let y = height(at);
            let counting = row.runs.iter().filter(|run| run.counts);
            seeds.extend(counting.filter_map(|run| Some([score(run, metric)?, y])));
            let Some(measure) = row.measures.get(which) else {
                continue;
            };
            papers.extend(measure.paper.map(|paper| [paper, y]));
            if let Some(measured) = &measure.measured {
                let sd = measured.sd.unwrap_or(0.0);
                // Lines break at what is not a number.
                let gap = [f64::NAN, f64::NAN];
                means.extend([[measured.mean, y - HALF], [measured.mean, y + HALF], gap]);
                means.extend([[measured.mean - sd, y], [measured.mean + sd, y], gap]);
            }
        }
        let light = theme::palette_of(egui::Theme::Light);
        let dots = |label: &str, colour: Colour, points| Layer::Dots {
            label: label.to_owned(),
            colour,
            points,
        };
        let panel = Panel::new(axis)
            .title(metric.label())
            .height((n_rows as f64 * ROW_PT).max(40.0))
            .layer(Layer::Line {
                label: "mean ± standard deviation".to_owned(),
                colour: palette(which),
                stroke: Stroke::Solid,
                points: means,
            })
            .layer(dots("seeds", palette(which), seeds));
        figure = figure.with(if papers.is_empty() {
            panel
        } else {
            panel.layer(dots("paper", theme::on_paper(light.strong), papers))
        });
    }
    figure
}

fn score(run: &CellRun, metric: Metric) -> Option<f64> {
    match metric {
        Metric::RocAuc => run.roc_auc,
        Metric::AveragePrecision => run.average_precision,
    }
}
