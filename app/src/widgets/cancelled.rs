//! What was cancelled says so, and begins again when it is asked to.

use crate::theme;
use egui::{RichText, Ui};

/// Says what was cancelled; calls `again` if the user asks for it.
pub fn cancelled_ui(ui: &mut Ui, what: &str, again: impl FnOnce()) {
    let palette = theme::palette(ui.visuals());
    ui.horizontal_wrapped(|ui| {
        ui.label(RichText::new(what).color(palette.warning));
        let hint = "What was cancelled stays so until you ask for it";
        if ui.button("Start again").on_hover_text(hint).clicked() {
            again();
        }
    });
}
