//! The tracks that are walked through. Only the visible rows are drawn, so that there may be as many as one likes.

use super::open;
use crate::panels::runs::{figure_ui, text_ui};
use crate::theme;
use crate::workbench::Ctx;
use crate::workbench::parts::labels::{chosen_tags, verdict_text};
use crate::workbench::parts::library::Shelf;
use egui::{Align, Layout, Response, RichText, Sense, Ui};
use egui_extras::{Column, TableBuilder};

const TITLES: [(&str, &str); 5] = [
    (
        "Track",
        "Id of the track. Click to hear it; then the keys count.",
    ),
    ("Decision", "What was decided about it"),
    (
        "Probability",
        "What the model says about the chosen tag, 0 to 1",
    ),
    (
        "Disagreement",
        "How far the model lies from the labels, 0 to 1: of the chosen tag, else of the one where it is most",
    ),
    ("Tags", "Its tags as they count now"),
];

/// Draws them.
#[expect(
    clippy::fn_params_excessive_bools,
    reason = "two switches of the panel's head"
)]
pub(super) fn ui(
    ctx: &Ctx<'_>,
    ui: &mut Ui,
    shelf: &Shelf,
    current: Option<usize>,
    blind: bool,
    plays: bool,
    focus: &Response,
) {
    let palette = theme::palette(ui.visuals());
    let list = ctx.state.labels.list();
    let Some(ledger) = ctx.state.labels.ledger() else {
        return;
    };
    let column = |width| {
        Column::initial(width)
            .at_least(40.0)
            .clip(true)
            .resizable(true)
    };
    TableBuilder::new(ui)
        .id_salt("tracks to label")
        .sense(Sense::click())
        .cell_layout(Layout::left_to_right(Align::Center))
        .column(column(120.0))
        .column(column(80.0))
        .column(column(80.0))
        .column(column(90.0))
        .column(Column::remainder().at_least(60.0).clip(true))
        .header(theme::ROW_HEIGHT, |mut header| {
            for (title, hint) in TITLES {
                header.col(|ui| {
                    let text = RichText::new(title).small().color(palette.weak);
                    ui.label(text).on_hover_text(hint);
                });
            }
        })
        .body(|body| {
            body.rows(theme::ROW_HEIGHT, list.len(), |mut row| {
                let listed = list[row.index()];
                // The data set may have been read again since the list was made.
                let Some(track) = shelf.dataset.tracks.get(listed.track) else {
                    return;
                };
                let is_current = current == Some(listed.track);
                row.set_selected(is_current);
                let mark = ledger.mark(&track.id);
                let (_, first) = row.col(|ui| text_ui(ui, &track.id, palette.strong));
                row.col(|ui| text_ui(ui, verdict_text(mark), palette.accent));
                let number = |number: Option<f32>| {
                    number.map_or_else(|| "–".to_owned(), |number| format!("{number:.3}"))
                };
                row.col(|ui| figure_ui(ui, &number(listed.probability)));
                row.col(|ui| figure_ui(ui, &number(listed.disagreement)));
                let tags = chosen_tags(&shelf.dataset, ledger, listed.track, blind).join(", ");
                row.col(|ui| text_ui(ui, &tags, palette.text));
                first.widget_info(|| {
                    let name = format!("Label {}", track.id);
                    egui::WidgetInfo::selected(egui::Role::Button, true, is_current, name)
                });
                if row.response().clicked() {
                    open(ctx, shelf, listed.track, plays);
                    focus.request_focus();
                }
            });
        });
}
