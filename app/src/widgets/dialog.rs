//! A dialog over everything; a click beside it or Escape closes it.

use egui::{Area, Context, Frame, Id, Margin, Modal, ModalResponse, Ui};

/// Draws a dialog called `name`. Ask the response whether it should close.
pub fn dialog<R>(
    ctx: &Context,
    name: &'static str,
    area: impl FnOnce(Area) -> Area,
    contents_ui: impl FnOnce(&mut Ui) -> R,
) -> ModalResponse<R> {
    let id = Id::unique(name);
    let frame = Frame::popup(&ctx.global_style()).inner_margin(Margin::same(16));
    Modal::new(id)
        .area(area(Modal::default_area(id)))
        .frame(frame)
        .show(ctx, contents_ui)
}
