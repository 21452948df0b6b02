//! The System panel: where the time of the shown run's steps goes, and what its machine is doing. Above all, in words, whether the loader
//! holds the training up.
//!
//! All is read from the run's folder, so that a run of last week or of a server is shown as one that trains next door.

mod chart;
mod figure;
mod limits;
mod machine;
mod step_time;

use super::no_runs;
use crate::theme;
use crate::widgets::duration_text;
use crate::workbench::Ctx;
use crate::workbench::parts::runs::RunView;
use attune_core::run::{Loader, LoaderTime};
use egui::{RichText, ScrollArea, Ui};

/// Least height of the chart of phases, in points.
const STEP_HEIGHT: f32 = 190.0;
/// Least height of a chart of the machine.
const MACHINE_HEIGHT: f32 = 110.0;

/// The System panel's own looks.
#[derive(Debug, Default, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct State {
    step_time: step_time::State,
    #[serde(skip)]
    limits: limits::State,
    #[serde(skip)]
    machine: machine::State,
}

impl State {
    /// Draws the panel.
    pub fn ui(&mut self, ctx: &Ctx<'_>, ui: &mut Ui) {
        self.limits.ui(ctx, ui);
        ui.add_space(theme::GAP);
        let shown = ctx.state.selection.run.as_ref();
        let Some(run) = shown.and_then(|folder| ctx.state.runs.view(folder)) else {
            let what_appears = "where the time of its steps goes, and what processor and memory were doing, appear here";
            no_runs::none_open_ui(ui, what_appears, |_| ());
            return;
        };
        let height = ui.available_height();
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            // Each run has a view of its own.
            ui.push_id(&run.id, |ui| {
                verdict_ui(ui, &run);
                ui.add_space(theme::GAP);
                let step_height = (height * 0.36).max(STEP_HEIGHT);
                self.step_time.ui(ctx, ui, &run, step_height);
                ui.add_space(theme::GROUP_GAP);
                let machine_height = (height * 0.19).max(MACHINE_HEIGHT);
                self.machine.ui(ctx, ui, &run, machine_height);
            });
        });
    }
}

/// What holds the run up, in words.
fn verdict_ui(ui: &mut Ui, run: &RunView) {
    let palette = theme::palette(ui.visuals());
    let Some(found) = &run.system.bottleneck else {
        let text = "Too few steps so far to say where the time goes.";
        ui.label(RichText::new(text).color(palette.weak));
        return;
    };
    let colour = match found.loader {
        Loader::KeepsUp => palette.good,
        Loader::FallsBehind => palette.text,
        Loader::IsTheBottleneck => palette.warning,
    };
    ui.label(RichText::new(&found.verdict).color(colour))
        .on_hover_text("By the newest hundred steps");
    if let Some(loader) = run.system.loader() {
        let LoaderTime {
            reading_seconds,
            augmenting_seconds,
            features_seconds,
        } = loader;
        let text = format!(
            "Loader, for each step: reading {}, augmentation {}, features {}",
            duration_text(reading_seconds),
            duration_text(augmenting_seconds),
            duration_text(features_seconds)
        );
        ui.label(RichText::new(text).small().color(palette.weak))
            .on_hover_text(
                "Time of the loader's threads, added up. They work ahead and beside the step, so that this is no part of its time.",
            );
    }
}
