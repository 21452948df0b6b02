//! The learning rate of a run in training, to be changed while it runs.

use super::fields::learning_rate_ui;
use crate::theme;
use crate::widgets::{card, number_text, section_heading};
use crate::workbench::parts::runs::RunView;
use attune_core::run::Scalar;
use attune_core::train;
use egui::{Button, RichText, Ui};
use std::path::PathBuf;

/// What the user is about to set, and for which run.
#[derive(Debug, Default)]
pub(super) struct Steering {
    folder: PathBuf,
    /// `None`: what is in force.
    chosen: Option<f64>,
}

impl Steering {
    /// A card, once the run has done a step. `base` is the learning rate before the schedule, if it is known.
    pub(super) fn ui(
        &mut self,
        ui: &mut Ui,
        view: &RunView,
        base: Option<f64>,
        send: impl Fn(train::Command),
    ) {
        if self.folder != view.folder {
            *self = Self {
                folder: view.folder.clone(),
                chosen: None,
            };
        }
        let now = view.series(Scalar::LearningRate).last();
        let Some(now) = now.map(|(_, rate)| f64::from(rate)) else {
            return;
        };
        let palette = theme::palette(ui.visuals());
        // What is set is what the schedule scales; `now` is what comes of it.
        let base = base.unwrap_or(now);
        let is_other = |rate: f64| (rate - base).abs() > base * 1e-4;
        card(ui, |ui| {
            ui.set_width(ui.available_width());
            section_heading(ui, "Learning rate").on_hover_text(
                "Takes effect at the next step and is kept in the run's log. A schedule scales it.",
            );
            ui.horizontal(|ui| {
                let mut rate = self.chosen.unwrap_or(base);
                learning_rate_ui(ui, &mut rate);
                let apply = ui.add_enabled(is_other(rate), Button::new("Apply"));
                let hint = "Use this learning rate from the next step on";
                if apply
                    .on_hover_text(hint)
                    .on_disabled_hover_text(hint)
                    .clicked()
                {
                    send(train::Command::SetLearningRate(rate));
                }
                let half = ui
                    .button("Halve")
                    .on_hover_text("Half of the learning rate that is set");
                if half.clicked() {
                    rate = base / 2.0;
                    send(train::Command::SetLearningRate(rate));
                }
                // Once it is in force, the field follows what anybody sets.
                self.chosen = Some(rate).filter(|&rate| is_other(rate));
            });
            let mut text = format!("now {}", number_text(now));
            if is_other(now) {
                let share = number_text(100.0 * now / base);
                text += &format!(", by the schedule {share} % of {}", number_text(base));
            }
            ui.label(RichText::new(text).small().color(palette.weak));
        });
    }
}
