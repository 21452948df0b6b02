//! The shown run where another process trains it, on this machine or another: how far it is, and what can be asked of it.

use super::figures::progress_ui;
use super::steering::Steering;
use super::with_keys;
use crate::theme;
use crate::widgets::card;
use crate::workbench::parts::training::{self, trained_elsewhere};
use crate::workbench::{Command, Ctx, UiCommand};
use attune_core::run::Status;
use attune_core::train;
use egui::{RichText, Ui};

/// What the user is about to set there.
#[derive(Debug, Default)]
pub(super) struct Elsewhere {
    steering: Steering,
}

impl Elsewhere {
    /// A card, or nothing.
    pub(super) fn ui(&mut self, ctx: &Ctx<'_>, ui: &mut Ui) {
        let Some((folder, status)) = trained_elsewhere(ctx.state) else {
            return;
        };
        let Some(view) = ctx.state.runs.view(folder) else {
            return;
        };
        let send = |order: train::Command| {
            let order = training::Command::SteerElsewhere(folder.to_owned(), order);
            ctx.send(Command::Training(order));
        };
        let palette = theme::palette(ui.visuals());
        card(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.label(
                RichText::new(&view.id)
                    .text_style(egui::TextStyle::Heading)
                    .color(palette.strong),
            )
            .on_hover_text(folder.display().to_string());
            let paused = status == Status::Paused;
            let (text, colour) = if paused {
                ("paused, in another process", palette.warning)
            } else {
                ("in training in another process", palette.weak)
            };
            ui.label(RichText::new(text).color(colour)).on_hover_text(
                "What is asked of it here is appended to commands.jsonl in its folder; it answers in its log within a step",
            );
            let toggle = if paused {
                ("Continue", train::Command::Continue)
            } else {
                ("Pause", train::Command::Pause)
            };
            ui.horizontal_wrapped(|ui| {
                for ((label, order), like) in [
                    (toggle, UiCommand::PauseTraining),
                    (("Stop", train::Command::Stop), UiCommand::StopTraining),
                    (("Snapshot", train::Command::Snapshot), UiCommand::Snapshot),
                    (
                        ("Validate now", train::Command::Validate),
                        UiCommand::Validate,
                    ),
                ] {
                    // With a run of its own, the window's keys are that one's.
                    let hint = match (like, ctx.state.training.is_running()) {
                        (UiCommand::Snapshot, _) => {
                            "Let the run keep its weights as they are now, in its folder snapshots"
                                .to_owned()
                        }
                        (_, false) => with_keys(ui, like),
                        (_, true) => like.tooltip().to_owned(),
                    };
                    if ui.button(label).on_hover_text(hint).clicked() {
                        send(order);
                    }
                }
            });
            progress_ui(ui, &view);
        });
        let base = view.base_learning_rate();
        self.steering.ui(ui, &view, base, send);
        ui.add_space(theme::GAP);
    }
}
