//! The window's own dialogs: a path to open, and what to do with a training when the window is closed.

use super::command::Command;
use super::ctx::Ctx;
use crate::theme;
use crate::widgets::dialog;
use egui::{Button, Key, RichText, TextEdit, Ui};
use std::path::PathBuf;

/// Asks for a path to open.
#[derive(Debug, Default)]
pub(super) struct PathDialog {
    typed: String,
}

impl PathDialog {
    /// Draws it; whether it stays open.
    pub(super) fn ui(&mut self, ctx: &Ctx<'_>, ui: &mut Ui) -> bool {
        let modal = dialog(
            ui.ctx(),
            "open path",
            |area| area,
            |ui| {
                ui.set_width(520.0);
                ui.heading("Open");
                let palette = theme::palette(ui.visuals());
                let sentence = "An audio file, a data set folder (with a tracks.csv), weights (.safetensors, .pth, .pt, .ckpt), a run folder or a training configuration (.toml). You can also drop it onto the window.";
                ui.label(RichText::new(sentence).color(palette.weak));
                ui.add_space(theme::GAP);
                let field = TextEdit::singleline(&mut self.typed)
                    .hint_text("/path/to/song.mp3")
                    .desired_width(f32::INFINITY);
                let field = ui.add(field);
                field
                    .widget_info(|| egui::WidgetInfo::labeled(egui::Role::TextInput, true, "Path"));
                let enter = field.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
                if !enter {
                    field.request_focus();
                }
                ui.add_space(theme::GAP);
                let path = self.typed.trim();
                ui.horizontal(|ui| {
                    let open = ui.add_enabled(!path.is_empty(), Button::new("Open"));
                    let close = ui.button("Cancel").clicked();
                    if (open.clicked() || enter) && !path.is_empty() {
                        ctx.send(Command::Open(PathBuf::from(path)));
                        return false;
                    }
                    !close
                })
                .inner
            },
        );
        modal.inner && !modal.should_close()
    }
}

/// What to do with a training when the window is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Closing {
    /// Train on without a window.
    TrainOn,
    /// Stop after a checkpoint, then close.
    Stop,
    /// Keep the window open.
    Stay,
}

/// Asks; `None` until there is an answer.
pub(super) fn closing_ui(stopping: bool, ui: &mut Ui) -> Option<Closing> {
    let modal = dialog(
        ui.ctx(),
        "closing",
        |area| area,
        |ui| {
            ui.set_width(460.0);
            ui.heading("A training is running");
            let palette = theme::palette(ui.visuals());
            ui.add_space(2.0);
            if stopping {
                ui.horizontal(|ui| {
                    ui.spinner();
                    ui.label("Writing the checkpoint, then the window closes…");
                });
                return None;
            }
            ui.label(RichText::new("It can go on without the window, in the terminal. If it is stopped, it can be resumed later from its checkpoint.").color(palette.weak));
            ui.add_space(theme::GROUP_GAP);
            ui.horizontal(|ui| {
            let mut answer = None;
            for (label, hint, choice) in [
                ("Keep training", "Close the window; the run goes on in the terminal until it ends or you press Ctrl-C there", Closing::TrainOn),
                ("Stop and close", "Write a checkpoint, end the run, close the window", Closing::Stop),
                ("Cancel", "Keep the window open", Closing::Stay),
            ] {
                if ui.button(label).on_hover_text(hint).clicked() {
                    answer = Some(choice);
                }
            }
            answer
        })
        .inner
        },
    );
    if modal.should_close() && !stopping {
        return Some(Closing::Stay);
    }
    modal.inner
}
