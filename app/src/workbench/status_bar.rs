//! The line at the bottom: what trains, what is computed, on what.

use super::ctx::Ctx;
use egui::Ui;

/// Draws the status bar.
pub(super) fn status_bar_ui(_ctx: &Ctx<'_>, ui: &mut Ui) {
    ui.horizontal(|ui| {
        ui.label("Ready");
    });
}
