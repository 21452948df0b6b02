//! The figures of the Training panel: what a run will cost, and where it stands.

use crate::theme;
use crate::widgets::{bytes_text, count_text, duration_text, number_text, rate_text, score_text};
use crate::workbench::parts::runs::RunView;
use attune_core::run::{Loader, Scalar, Status};
use attune_core::train::{self, TrainConfig};
use egui::{Grid, ProgressBar, RichText, Ui};

/// What a run will cost.
pub(super) fn estimate_figures_ui(ui: &mut Ui, estimate: &train::Estimate, config: &TrainConfig) {
    let palette = theme::palette(ui.visuals());
    let figure = |text: String| {
        RichText::new(text)
            .text_style(theme::figures())
            .color(palette.strong)
    };
    Grid::new("estimate")
        .num_columns(2)
        .spacing([12.0, 3.0])
        .show(ui, |ui| {
            let mut line = |name: &str, value: String, hint: &str| {
                ui.label(name).on_hover_text(hint);
                ui.label(figure(value)).on_hover_text(hint);
                ui.end_row();
            };
            line(
                "Parameters",
                count_text(estimate.parameters),
                "Trained numbers of the network",
            );
            let memory = match estimate.available_bytes {
                Some(free) => format!(
                    "{} of {} free",
                    bytes_text(estimate.memory_bytes),
                    bytes_text(free)
                ),
                None => bytes_text(estimate.memory_bytes),
            };
            line(
                "Memory",
                memory,
                "Weights, gradients, optimizer and recorded activations",
            );
            let speed = config.batch_size as f64 / estimate.seconds_per_step;
            line(
                "Step",
                format!(
                    "{}, {}",
                    duration_text(estimate.seconds_per_step),
                    rate_text(speed, "clips/s")
                ),
                "One step, loading not included",
            );
            line(
                "Epoch",
                format!(
                    "{}, {} steps",
                    duration_text(estimate.seconds_per_epoch),
                    count_text(estimate.steps_per_epoch.into())
                ),
                "One pass over the training split, validation not included",
            );
            line(
                "At most",
                duration_text(estimate.seconds_per_epoch * f64::from(config.epochs)),
                "All epochs, unless the run stops early or the time limit comes first",
            );
        });
    for warning in &estimate.warnings {
        ui.label(RichText::new(warning.clone()).color(palette.warning));
    }
}

/// Epoch, step, speed and time left.
pub(super) fn progress_ui(ui: &mut Ui, view: &RunView) {
    let palette = theme::palette(ui.visuals());
    let progress = Progress::of(view);
    if let Some(part) = progress.part_of_epoch {
        let text = format!(
            "epoch {} of at most {}",
            progress.epoch + 1,
            progress.epochs.max(progress.epoch + 1)
        );
        ui.add(
            ProgressBar::new(part)
                .corner_radius(theme::CORNER)
                .text(text),
        )
        .on_hover_text("How far the present epoch is");
    }
    Grid::new("progress")
        .num_columns(2)
        .spacing([12.0, 3.0])
        .show(ui, |ui| {
            let mut line = |name: &str, value: String| {
                ui.label(name);
                ui.label(
                    RichText::new(value)
                        .text_style(theme::figures())
                        .color(palette.strong),
                );
                ui.end_row();
            };
            line("Step", count_text(view.last_step));
            if let Some(speed) = progress.clips_per_second {
                line("Speed", rate_text(speed, "clips/s"));
            }
            if let Some((_, loss)) = view.smoothed_loss.last() {
                line("Training loss", number_text(loss.into()));
            }
            if let Some(last) = view.validations.last() {
                line("Validation loss", number_text(last.loss));
                if let Some(measured) = &last.localisation {
                    line("Localisation", score_text(measured.found.roc_auc));
                }
            }
            if let Some((split, scores)) = &view.evaluated {
                for (measure, score) in [
                    ("ROC-AUC", scores.roc_auc_macro),
                    ("PR-AUC", scores.average_precision_macro),
                ] {
                    line(&format!("{measure}, {split} split"), score_text(score));
                }
            }
            if let Some(seconds) = progress.seconds_left {
                line("Time left", format!("at most {}", duration_text(seconds)));
            }
            if let Some(waiting) = view.series(Scalar::LoaderWait).last() {
                line("Waits for data", duration_text(waiting.1.into()));
            }
        });
    if let Some(found) = &view.system.bottleneck
        && found.loader != Loader::KeepsUp
    {
        let colour = match found.loader {
            Loader::IsTheBottleneck => palette.warning,
            _ => palette.weak,
        };
        ui.label(RichText::new(&found.verdict).small().color(colour))
            .on_hover_text(format!("{}\nMore in the System panel.", found.phases));
    }
    if view.status == Status::Failed {
        ui.label(RichText::new("The run has failed, see Log.").color(palette.error));
    }
}

/// Where a run stands, in numbers for people.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Progress {
    /// From 0.
    pub(crate) epoch: u32,
    /// At most so many.
    pub(crate) epochs: u32,
    /// How far the present epoch is, 0..=1.
    pub(crate) part_of_epoch: Option<f32>,
    /// Training speed.
    pub(crate) clips_per_second: Option<f64>,
    /// Until the last epoch or the time limit, if it does not stop early.
    pub(crate) seconds_left: Option<f64>,
}

impl Progress {
    /// Reads it off a view.
    pub(crate) fn of(view: &RunView) -> Self {
        let facts = view.facts();
        let epoch = view.epoch();
        let epoch_start = view.epoch_starts.last().map_or(0, |(_, step)| *step);
        let part_of_epoch = (facts.steps_per_epoch > 0).then(|| {
            ((view.last_step.saturating_sub(epoch_start)) as f32 / facts.steps_per_epoch as f32)
                .clamp(0.0, 1.0)
        });
        Self {
            epoch,
            epochs: view.ends.epochs,
            part_of_epoch,
            clips_per_second: view.pace.clips_per_second,
            seconds_left: view.pace.seconds_left,
        }
    }
}
