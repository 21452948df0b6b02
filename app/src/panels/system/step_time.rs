//! The mean time of a step over the run, its phases one upon the other.

use super::chart::{Entry, chart_ui, legend_ui};
use super::figure;
use crate::theme::{self, Palette};
use crate::widgets::{count_text, duration_text, save_plot_button};
use crate::workbench::parts::plots::{self, Drawing};
use crate::workbench::parts::runs::RunView;
use crate::workbench::{Command, Ctx};
use attune_core::run::{Phase, StepTime, Stretch};
use egui::{Color32, RichText, Ui};
use egui_plot::FilledArea;
use std::sync::Arc;

/// In what the phases are drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) enum Unit {
    /// Seconds of a step.
    #[default]
    Time,
    /// Share of the step.
    Share,
}

/// How it is drawn, and where the pointer is.
#[derive(Debug, Default, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub(super) struct State {
    unit: Unit,
    #[serde(skip)]
    cursor: Option<f64>,
}

impl State {
    /// Draws legend and chart.
    pub(super) fn ui(&mut self, ctx: &Ctx<'_>, ui: &mut Ui, run: &Arc<RunView>, height: f32) {
        let palette = theme::palette(ui.visuals());
        let stretches = &run.system.stretches;
        if stretches.is_empty() {
            let text = "No step has been timed yet.";
            ui.label(RichText::new(text).color(palette.weak));
            return;
        }
        let under_cursor = self.cursor.and_then(|at| stretch_at(stretches, at));
        let (place, time) = match (under_cursor, &run.system.bottleneck) {
            (Some(stretch), _) => (place_text(stretch), stretch.time),
            (None, Some(found)) => (
                format!("newest {} steps", count_text(found.time.n_steps)),
                found.time,
            ),
            (None, None) => (place_text(&stretches[0]), stretches[0].time),
        };
        let mut is_saved = false;
        ui.horizontal(|ui| {
            ui.selectable_value(&mut self.unit, Unit::Time, "Time")
                .on_hover_text("How long each phase of a step takes");
            ui.selectable_value(&mut self.unit, Unit::Share, "Share")
                .on_hover_text("Each phase as a part of the step");
            let text = format!("{place}: {} a step", duration_text(time.seconds()));
            ui.label(RichText::new(text).color(palette.text));
            is_saved = save_plot_button(ui, "time of a step");
        });
        let phases = phases_of(stretches);
        let entries: Vec<Entry> = phases
            .iter()
            .map(|&phase| Entry {
                name: phase.label(),
                colour: colour_of(phase, palette),
                value: format!(
                    "{} {:.0} %",
                    duration_text(time.of(phase)),
                    time.share(phase) * 100.0
                ),
                hint: hint_of(phase),
            })
            .collect();
        let (unit, y_text): (_, fn(f64) -> String) = match self.unit {
            Unit::Time => ("mean", duration_text),
            Unit::Share => ("share", |share| format!("{:.0} %", share * 100.0)),
        };
        let hint = "The mean time of a training step, phase by phase. Drag: move. Ctrl+wheel: zoom. Double-click: everything.";
        legend_ui(ui, "Time of a step", unit, hint, &entries);
        if stretches.iter().any(|stretch| stretch.time.n_detailed == 0) {
            let text = "Steps of an earlier version of Attune measured their waiting alone: all else is `other`.";
            ui.label(RichText::new(text).small().color(palette.weak));
        }
        let shapes = phases.iter().zip(areas(stretches, &phases, self.unit));
        let shapes = shapes.map(|(phase, [xs, low, high])| {
            let colour = colour_of(*phase, palette).gamma_multiply(0.75);
            let area = FilledArea::new(phase.label(), &xs, &low, &high);
            area.fill_color(colour).allow_hover(false)
        });
        let shapes: Vec<FilledArea> = shapes.collect();
        let top = match self.unit {
            Unit::Time => 0.0,
            Unit::Share => 1.0,
        };
        let x_text = |step: f64| count_text(step.max(0.0) as u64);
        let answer = chart_ui(
            ui,
            "Time of a step",
            "steps",
            height,
            0.0,
            top,
            x_text,
            y_text,
            palette,
            move |plot| {
                for area in shapes {
                    plot.add(area);
                }
            },
        );
        self.cursor = answer.pointer;
        if is_saved || answer.is_saved {
            let (run, unit, steps) = (Arc::clone(run), self.unit, answer.range);
            let name = format!("{} time of a step", run.id);
            let draw = move || Ok(figure::step_time(&run, unit, &steps));
            let ask = plots::Command::Ask(Drawing::new(name, draw));
            ctx.send(Command::Plots(ask));
        }
    }
}

fn place_text(stretch: &Stretch) -> String {
    let (first, last) = (stretch.first_step, stretch.last_step);
    if first == last {
        format!("step {}", count_text(first))
    } else {
        format!("steps {} to {}", count_text(first), count_text(last))
    }
}

fn stretch_at(stretches: &[Stretch], at: f64) -> Option<&Stretch> {
    let idx = stretches.partition_point(|stretch| (stretch.last_step as f64) < at);
    stretches
        .get(idx)
        .filter(|stretch| stretch.first_step as f64 - 1.0 <= at)
}

/// The phases that took any time.
pub(super) fn phases_of(stretches: &[Stretch]) -> Vec<Phase> {
    let mut phases = Phase::ALL.to_vec();
    phases.retain(|&phase| stretches.iter().any(|stretch| stretch.time.of(phase) > 0.0));
    phases
}

/// One area for each phase, upon those before it, as places and lower and upper edge; steps stand as blocks side by side.
pub(super) fn areas(stretches: &[Stretch], phases: &[Phase], unit: Unit) -> Vec<[Vec<f64>; 3]> {
    let edges = |stretch: &Stretch| [stretch.first_step as f64 - 1.0, stretch.last_step as f64];
    let xs: Vec<f64> = stretches.iter().flat_map(edges).collect();
    let value = |time: &StepTime, phase| match unit {
        Unit::Time => time.of(phase),
        Unit::Share => time.share(phase),
    };
    let mut floor = vec![0.0; xs.len()];
    let mut areas = Vec::new();
    for &phase in phases {
        let heights = stretches.iter().flat_map(|stretch| {
            let height = value(&stretch.time, phase);
            [height, height]
        });
        let ceiling: Vec<f64> = floor.iter().zip(heights).map(|(low, h)| low + h).collect();
        areas.push([xs.clone(), floor, ceiling.clone()]);
        floor = ceiling;
    }
    areas
}

pub(super) fn colour_of(phase: Phase, palette: &Palette) -> Color32 {
    match phase {
        Phase::Waiting => palette.warning,
        Phase::Teacher => palette.of_series(5),
        Phase::Forward => palette.of_series(0),
        Phase::Backward => palette.of_series(2),
        Phase::Optimizer => palette.of_series(3),
        Phase::Other => palette.weak,
    }
}

fn hint_of(phase: Phase) -> &'static str {
    match phase {
        Phase::Waiting => "Waiting until the loader has the next batch ready",
        Phase::Teacher => "The teacher answers to the unlabelled clips, and follows its student",
        Phase::Forward => "The network answers, and its loss",
        Phase::Backward => "Gradients of the loss",
        Phase::Optimizer => "Norm of the gradients, clipping, new weights",
        Phase::Other => "Running scores, agreement with the teacher",
    }
}
