//! The charts of this panel for paper: the same phases and curves over the part of the run that is shown.

use super::machine::{self, CHARTS};
use super::step_time::{Unit, areas, colour_of, phases_of};
use crate::theme;
use crate::workbench::parts::runs::RunView;
use attune_core::figure::{Axis, Figure, Layer, Panel, Stroke, Ticks};
use std::ops::RangeInclusive;

/// The time of a step, phase upon phase; of each phase the band between those below it and its own upper edge.
pub(super) fn step_time(run: &RunView, unit: Unit, steps: &RangeInclusive<f64>) -> Figure {
    let palette = theme::palette_of(egui::Theme::Light);
    let stretches = &run.system.stretches;
    let phases = phases_of(stretches);
    let y = match unit {
        Unit::Time => Axis::new("Time of a step", "ms"),
        Unit::Share => Axis::new("Share of a step", "%").range(0.0, 100.0),
    };
    let scale = match unit {
        Unit::Time => 1e3,
        Unit::Share => 100.0,
    };
    let mut panel = Panel::new(y);
    for (phase, [xs, low, high]) in phases.iter().zip(areas(stretches, &phases, unit)) {
        let colour = theme::on_paper(colour_of(*phase, palette));
        let edge = xs.iter().zip(&high);
        let edge = edge.map(|(x, y)| [*x, y * scale]).collect();
        let between = xs.iter().zip(low.iter().zip(&high));
        let between = between.map(|(x, (low, high))| [*x, low * scale, high * scale]);
        panel = panel
            .layer(Layer::Band {
                label: phase.label().to_owned(),
                colour,
                points: between.collect(),
            })
            .layer(Layer::Line {
                label: String::new(),
                colour,
                stroke: Stroke::Thin,
                points: edge,
            });
    }
    let x = Axis::new("Step", "").ticks(Ticks::Whole);
    Figure::new(run.id.clone(), x.range(*steps.start(), *steps.end())).with(panel)
}

/// Processor, memory and disk, as far as they are known, below each other.
pub(super) fn machine(run: &RunView, seconds: &RangeInclusive<f64>) -> Figure {
    let palette = theme::palette_of(egui::Theme::Light);
    let samples = &run.system.samples;
    let sittings = machine::sittings(samples);
    let x = Axis::new("Time of training", "min:s")
        .ticks(Ticks::Time)
        .range(*seconds.start(), *seconds.end());
    let mut figure = Figure::new(run.id.clone(), x);
    for chart in &CHARTS {
        let curves: Vec<_> = chart.known_curves(samples).collect();
        if curves.is_empty() {
            continue;
        }
        let (unit, scale) = chart.on_paper;
        let mut panel = Panel::new(Axis::new(chart.title, unit)).height(110.0);
        let newest = samples.last();
        if let Some(top) = newest.and_then(|newest| (chart.top)(&newest.activity)) {
            panel.y = panel.y.range(0.0, top * scale);
        }
        for (name, colour, _, value) in curves {
            // Between two sittings nobody trained: the line is broken there.
            let points = sittings.iter().flat_map(|sitting| {
                let timed = sitting.timed();
                let known = timed.filter_map(|(at, sample)| Some([at, value(sample)? * scale]));
                known.chain([[f64::NAN; 2]])
            });
            panel = panel.line(*name, theme::on_paper(colour(palette)), points.collect());
        }
        for sitting in sittings.iter().skip(1) {
            panel = panel.mark(sitting.begins, "");
        }
        figure = figure.with(panel);
    }
    figure
}
