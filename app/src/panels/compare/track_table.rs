//! The tracks on which the models disagree most. A click plays one, and shows the tag on which they lie furthest apart.

use crate::panels::runs::{figure_ui, text_ui};
use crate::theme;
use crate::workbench::parts::compare::Side;
use crate::workbench::parts::library;
use crate::workbench::{Command, Ctx, Select};
use attune_core::train::{Comparison, Disagreement};
use egui::{Align, Layout, RichText, Sense, Ui};
use egui_extras::{Column, TableBuilder};

/// The headings: title, hint, whether numbers stand below.
const HEADINGS: [(&str, &str, bool); 6] = [
    (
        "Track",
        "Its id in the data set. Click a row to hear it.",
        false,
    ),
    (
        "Furthest apart on",
        "The tag to which the models give the most different probabilities",
        false,
    ),
    (
        "Label",
        "Whether the data set says that the track has this tag",
        false,
    ),
    (
        "First",
        "Probability of this tag according to the first model",
        true,
    ),
    (
        "Second",
        "Probability of this tag according to the second model",
        true,
    ),
    (
        "Distance",
        "Mean over all tags of the distance between the probabilities",
        true,
    ),
];

/// Draws the table.
pub(super) fn ui(ctx: &Ctx<'_>, ui: &mut Ui, comparison: &Comparison) {
    let palette = theme::palette(ui.visuals());
    let rows = &comparison.disagreements;
    ui.spacing_mut().item_spacing.x = 8.0;
    let share = |part: f32, ui: &Ui| part * (ui.available_width() - 260.0).max(160.0);
    let widths = [share(0.55, ui), share(0.45, ui)];
    let table = TableBuilder::new(ui)
        .id_salt("disagreements")
        .sense(Sense::click())
        .cell_layout(Layout::left_to_right(Align::Center))
        .column(Column::exact(widths[0].min(400.0)).clip(true))
        .column(Column::exact(widths[1].min(320.0)).clip(true))
        .column(Column::exact(44.0))
        .columns(Column::exact(48.0), 2)
        .column(Column::exact(56.0));
    table
        .header(theme::ROW_HEIGHT, |mut header| {
            for (title, hint, is_number) in HEADINGS {
                header.col(|ui| {
                    let layout = if is_number {
                        Layout::right_to_left(Align::Center)
                    } else {
                        Layout::left_to_right(Align::Center)
                    };
                    ui.with_layout(layout, |ui| {
                        let text = RichText::new(title).small().color(palette.weak);
                        ui.add(egui::Label::new(text).selectable(false))
                            .on_hover_text(hint);
                    });
                });
            }
        })
        .body(|body| {
            body.rows(theme::ROW_HEIGHT, rows.len(), |mut row| {
                let one = &rows[row.index()];
                let chosen = ctx.state.selection.track.as_ref() == Some(&one.track);
                row.set_selected(chosen);
                let (_, first) = row.col(|ui| text_ui(ui, &one.track, palette.strong));
                row.col(|ui| text_ui(ui, &one.tag, palette.text));
                row.col(|ui| {
                    let (word, colour) = if one.has_tag {
                        ("yes", palette.good)
                    } else {
                        ("no", palette.weak)
                    };
                    text_ui(ui, word, colour);
                });
                row.col(|ui| probability_ui(ui, one.first, Side::First));
                row.col(|ui| probability_ui(ui, one.second, Side::Second));
                row.col(|ui| figure_ui(ui, &format!("{:.3}", one.mean_distance)));
                first.widget_info(|| {
                    egui::WidgetInfo::selected(
                        egui::Role::Button,
                        true,
                        chosen,
                        format!("Disagreement {}", one.track),
                    )
                });
                let response = row.response();
                if response.clicked() {
                    play(ctx, one);
                }
                response.on_hover_text("Play it, and show this tag over its time");
            });
        });
}

fn play(ctx: &Ctx<'_>, one: &Disagreement) {
    ctx.send(Select::Tags(vec![one.tag.clone()]));
    ctx.send(Command::Library(library::Command::OpenTrack {
        id: one.track.clone(),
        play: true,
    }));
}

fn probability_ui(ui: &mut Ui, probability: f32, side: Side) {
    let colour = theme::palette(ui.visuals()).of_series(side.idx());
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        let text = RichText::new(format!("{probability:.2}"))
            .text_style(theme::figures())
            .color(colour);
        ui.add(egui::Label::new(text).selectable(false));
    });
}
