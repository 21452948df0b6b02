//! The table of tracks. Only the visible rows are drawn, so that it may be as long as it likes.

use super::rows::Sort;
use crate::panels::Panel;
use crate::panels::runs::{figure_ui, sort_header_ui, text_ui};
use crate::theme;
use crate::widgets::{duration_text, walked, walked_list};
use crate::workbench::parts::labels::Listed;
use crate::workbench::parts::library::{self, Shelf};
use crate::workbench::{Command, Ctx, list_focus_id};
use egui::{Align, Key, Layout, Sense, Ui};
use egui_extras::{Column, TableBuilder};

/// Draws the table of the tracks with the numbers `rows`.
pub(super) fn ui(
    ctx: &Ctx<'_>,
    ui: &mut Ui,
    shelf: &Shelf,
    rows: &[usize],
    said: Option<&std::sync::Arc<Vec<Listed>>>,
    sort: &mut Sort,
    descending: &mut bool,
) {
    let palette = theme::palette(ui.visuals());
    let chosen = ctx.state.selection.track.as_deref();
    let focus = walked_list(ui, list_focus_id(), "Tracks");
    let mut scroll_to = None;
    if focus.has_focus() {
        let place = rows
            .iter()
            .position(|&idx| Some(shelf.dataset.tracks[idx].id.as_str()) == chosen);
        if let Some(to) = walked(ui, place, rows.len()) {
            open(ctx, shelf, rows[to], false);
            scroll_to = Some(to);
        }
        if let Some(place) = place
            && ui.input(|input| input.key_pressed(Key::Enter) && input.modifiers.is_none())
        {
            open(ctx, shelf, rows[place], true);
        }
    }
    let mut table = TableBuilder::new(ui)
        .id_salt("library tracks")
        .sense(Sense::click())
        .cell_layout(Layout::left_to_right(Align::Center))
        .column(
            Column::initial(96.0)
                .at_least(50.0)
                .clip(true)
                .resizable(true),
        )
        .column(
            Column::initial(150.0)
                .at_least(50.0)
                .clip(true)
                .resizable(true),
        )
        .column(
            Column::initial(74.0)
                .at_least(40.0)
                .clip(true)
                .resizable(true),
        )
        .column(
            Column::initial(72.0)
                .at_least(50.0)
                .clip(true)
                .resizable(true),
        )
        .column(
            Column::initial(260.0)
                .at_least(60.0)
                .clip(true)
                .resizable(true),
        )
        .column(Column::remainder().at_least(60.0).clip(true));
    if said.is_some() {
        table = table.columns(
            Column::initial(80.0).at_least(50.0).clip(true),
            Sort::OF_MODEL.len(),
        );
    }
    if let Some(to) = scroll_to {
        table = table.scroll_to_row(to, None);
    }
    table
        .header(theme::ROW_HEIGHT, |mut header| {
            let of_model = Sort::OF_MODEL.into_iter().filter(|_| said.is_some());
            for column in Sort::COLUMNS.into_iter().chain(of_model) {
                header.col(|ui| {
                    let is_number = column == Sort::Length || Sort::OF_MODEL.contains(&column);
                    let active = *sort == column;
                    if sort_header_ui(
                        ui,
                        column.title(),
                        column.hint(),
                        is_number,
                        active,
                        *descending,
                    ) {
                        // Up, down, and back to the order of the file.
                        (*sort, *descending) = match (active, *descending) {
                            (false, _) => (column, false),
                            (true, false) => (column, true),
                            (true, true) => (Sort::Place, false),
                        };
                    }
                });
            }
        })
        .body(|body| {
            body.rows(theme::ROW_HEIGHT, rows.len(), |mut row| {
                let idx = rows[row.index()];
                let track = &shelf.dataset.tracks[idx];
                let problem = shelf.problem_of.get(&idx);
                let is_chosen = chosen == Some(&track.id);
                let strong = if problem.is_some() {
                    palette.warning
                } else {
                    palette.strong
                };
                row.set_selected(is_chosen);
                let (_, first) = row.col(|ui| text_ui(ui, &track.id, strong));
                row.col(|ui| text_ui(ui, &track.artist, palette.text));
                row.col(|ui| text_ui(ui, track.split.name(), palette.text));
                row.col(|ui| {
                    let text = track
                        .duration_secs
                        .map_or_else(|| "–".to_owned(), duration_text);
                    figure_ui(ui, &text);
                });
                row.col(|ui| text_ui(ui, &shelf.tag_texts[idx], palette.text));
                row.col(|ui| text_ui(ui, &track.source, palette.weak));
                if let Some(said) = said {
                    let listed = said.get(idx);
                    for value in [
                        listed.and_then(|listed| listed.probability),
                        listed.and_then(|listed| listed.disagreement),
                    ] {
                        let text =
                            value.map_or_else(|| "–".to_owned(), |value| format!("{value:.3}"));
                        row.col(|ui| figure_ui(ui, &text));
                    }
                }
                // The row's own place is unknown while some of its columns are out of sight; its first cell's is not.
                first.widget_info(|| {
                    egui::WidgetInfo::selected(
                        egui::Role::Button,
                        true,
                        is_chosen,
                        format!("Track {}", track.id),
                    )
                });
                let response = row.response();
                if response.clicked() {
                    open(ctx, shelf, idx, false);
                    focus.request_focus();
                }
                if response.double_clicked() {
                    open(ctx, shelf, idx, true);
                }
                let response = match problem {
                    Some(problem) => response.on_hover_text(&problem.message),
                    None => response,
                };
                response.context_menu(|ui| menu_ui(ctx, ui, shelf, idx));
            });
        });
}

fn menu_ui(ctx: &Ctx<'_>, ui: &mut Ui, shelf: &Shelf, idx: usize) {
    let track = &shelf.dataset.tracks[idx];
    if ui.button("Play").clicked() {
        open(ctx, shelf, idx, true);
        ui.close();
    }
    for (label, panel) in [
        ("Show in Timeline", Panel::Timeline),
        ("Show in Audition", Panel::Audition),
    ] {
        if ui.button(label).clicked() {
            open(ctx, shelf, idx, false);
            ctx.send(Command::Show(panel));
            ui.close();
        }
    }
    ui.separator();
    if ui.button("Copy path").clicked() {
        ui.ctx().copy_text(track.path.display().to_string());
        ui.close();
    }
    if !track.license.is_empty() {
        ui.separator();
        ui.set_max_width(320.0);
        ui.label(format!("Licence: {}", track.license));
    }
}

fn open(ctx: &Ctx<'_>, shelf: &Shelf, idx: usize, play: bool) {
    ctx.send(Command::Library(library::Command::OpenTrack {
        id: shelf.dataset.tracks[idx].id.clone(),
        play,
    }));
}
