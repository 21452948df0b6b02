//! Groups of things on a panel.

use crate::theme;
use egui::{Frame, InnerResponse, Margin, RichText, Stroke, Ui};

/// A group on slightly raised ground.
pub fn card<R>(ui: &mut Ui, contents_ui: impl FnOnce(&mut Ui) -> R) -> InnerResponse<R> {
    let palette = theme::palette(ui.visuals());
    Frame::new()
        .fill(palette.raised)
        .stroke(Stroke::new(1.0, palette.line))
        .corner_radius(theme::CORNER + 2)
        .inner_margin(Margin::same(10))
        .show(ui, contents_ui)
}

/// The heading of a group.
pub fn section_heading(ui: &mut Ui, text: &str) -> egui::Response {
    let palette = theme::palette(ui.visuals());
    ui.label(
        RichText::new(text)
            .text_style(theme::section())
            .color(palette.strong),
    )
}
