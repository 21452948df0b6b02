//! The form in which a note is pinned to a step of a run.

use crate::theme;
use crate::workbench::parts::runs::{self, RunView, Said};
use crate::workbench::{Command, Ctx};
use egui::{Align2, RichText, TextEdit, Ui, Window};
use std::path::PathBuf;

/// A note that is being written.
#[derive(Debug)]
pub(super) struct Note {
    folder: PathBuf,
    id: String,
    step: u64,
    text: String,
}

impl Note {
    /// A note to a step, or what is pinned there already.
    pub(super) fn to(run: &RunView, step: u64) -> Self {
        let pinned = run.pins.iter().find(|pin| pin.step == step);
        Self {
            folder: run.folder.clone(),
            id: run.id.clone(),
            step,
            text: pinned.map(|pin| pin.text.clone()).unwrap_or_default(),
        }
    }

    /// Draws the form. Whether it stays open.
    pub(super) fn ui(&mut self, ctx: &Ctx<'_>, ui: &Ui) -> bool {
        let palette = theme::palette(ui.visuals());
        let (mut is_open, mut is_done) = (true, false);
        Window::new(format!("Note to step {}", self.step))
            .id(egui::Id::unique("note to a step"))
            .open(&mut is_open)
            .pivot(Align2::CENTER_CENTER)
            .default_pos(ui.ctx().content_rect().center())
            .collapsible(false)
            .resizable(false)
            .default_width(300.0)
            .show(ui.ctx(), |ui| {
                ui.label(RichText::new(&self.id).color(palette.weak));
                let edit = TextEdit::multiline(&mut self.text)
                    .desired_rows(2)
                    .hint_text("What happened here? Empty: no note")
                    .desired_width(f32::INFINITY);
                let field = ui.add(edit);
                field.widget_info(|| {
                    egui::WidgetInfo::labeled(egui::Role::TextInput, true, "Note to the step")
                });
                ui.horizontal(|ui| {
                    if ui
                        .button("Keep")
                        .on_hover_text("Write it beside the run")
                        .clicked()
                    {
                        is_done = true;
                        let said = Said::Pin {
                            step: self.step,
                            text: self.text.clone(),
                        };
                        let folder = vec![self.folder.clone()];
                        ctx.send(Command::Runs(runs::Command::Say(folder, said)));
                    }
                    is_done |= ui.button("Cancel").clicked();
                });
            });
        is_open && !is_done
    }
}
