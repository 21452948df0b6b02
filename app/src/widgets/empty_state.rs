//! What a panel shows while it has nothing to show: what will be here, and what to do next.

use crate::theme;
use egui::{RichText, Ui};

/// A title, a sentence that says what will be here and what to do next, and below them whatever `actions_ui` adds.
pub fn empty_state<R>(
    ui: &mut Ui,
    title: &str,
    sentence: &str,
    actions_ui: impl FnOnce(&mut Ui) -> R,
) -> R {
    let palette = theme::palette(ui.visuals());
    let space = (ui.available_height() * 0.3 - 40.0).max(8.0);
    ui.add_space(space);
    ui.vertical_centered(|ui| {
        ui.set_max_width(ui.available_width().min(420.0));
        ui.label(
            RichText::new(title)
                .text_style(egui::TextStyle::Heading)
                .color(palette.strong),
        );
        ui.add_space(2.0);
        ui.label(RichText::new(sentence).color(palette.weak));
        ui.add_space(theme::GROUP_GAP);
        actions_ui(ui)
    })
    .inner
}
