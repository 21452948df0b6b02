//! The table of tracks. Only the visible rows are read and drawn, so that it may be as long as it likes.

use super::columns::{Column as What, fitting};
use crate::panels::Panel;
use crate::panels::runs::{figure_ui, sort_header_ui, text_ui};
use crate::theme;
use crate::widgets::{duration_text, walked, walked_list};
use crate::workbench::parts::library::browser::{List, Listed, Opened};
use crate::workbench::parts::library::said::{OfModel, Said};
use crate::workbench::parts::{labels, library};
use crate::workbench::{Command, Ctx, list_focus_id};
use attune_core::dataset::catalogue::Sort;
use egui::{Align, Key, Layout, Sense, Ui};
use egui_extras::{Column, TableBuilder};
use std::ops::Range;
use std::sync::Arc;

/// Where the user is in the list.
#[derive(Debug, Default)]
pub(super) struct Walk {
    /// Id and row of the track that was opened from the list.
    at: Option<(String, u32)>,
    /// A row that is to be opened as soon as it is read.
    waiting: Option<(usize, u32)>,
    /// The list that is shown; another one is shown from its start.
    list: Option<Arc<List>>,
    /// A row, and its place in that list: looked for once, for there may be a million.
    found: Option<(u32, Option<usize>)>,
}

/// What the list is sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub(super) struct Order {
    pub(super) sort: Sort,
    /// By what of a model, if by that.
    pub(super) model: Option<OfModel>,
    pub(super) descending: bool,
}

/// Draws the table. Returns the places of the list that are in sight.
pub(super) fn ui(
    ctx: &Ctx<'_>,
    ui: &mut Ui,
    opened: &Opened,
    list: &Arc<List>,
    columns: &[What],
    said: Option<&Said>,
    order: &mut Order,
    walk: &mut Walk,
) -> Range<usize> {
    let browser = &ctx.state.library.browser;
    let focus = walked_list(ui, list_focus_id(), "Tracks");
    let mut scroll_to = None;
    if !walk
        .list
        .as_ref()
        .is_some_and(|shown| Arc::ptr_eq(shown, list))
    {
        if walk
            .list
            .take()
            .is_some_and(|shown| shown.query != list.query)
        {
            scroll_to = Some((0, Align::Min));
        }
        walk.list = Some(Arc::clone(list));
        walk.waiting = None;
        walk.found = None;
    }
    if focus.has_focus() {
        let place = walk.place(ctx, list);
        if let Some(to) = walked(ui, place, list.rows.len()) {
            walk.waiting = Some((to, list.rows[to]));
            walk.found = Some((list.rows[to], Some(to)));
            scroll_to = Some((to, Align::Center));
        }
        if let Some(listed) = place.and_then(|place| browser.at(list, place))
            && ui.input(|input| input.key_pressed(Key::Enter) && input.modifiers.is_none())
        {
            open(ctx, listed, true);
        }
    }
    if let Some((place, row)) = walk.waiting
        && let Some(listed) = browser.at(list, place).filter(|it| it.track.row == row)
    {
        open(ctx, listed, false);
        walk.at = Some((listed.track.id.clone(), row));
        walk.waiting = None;
    }
    let (width, gap) = (ui.available_width(), ui.spacing().item_spacing.x);
    // The bar to scroll by takes its part.
    let width = width - ui.spacing().scroll.allocated_width() - gap;
    let columns = fitting(columns, width, gap);
    let mut table = TableBuilder::new(ui)
        // Widths are kept by place: other columns have others.
        .id_salt(("library tracks", &columns))
        .sense(Sense::click())
        .cell_layout(Layout::left_to_right(Align::Center));
    // What takes the room that is left.
    let widest = columns.iter().find(|column| **column == What::Tags);
    let widest = widest.or(columns.last()).copied();
    for column in &columns {
        table = table.column(if Some(*column) == widest {
            Column::remainder().at_least(column.width()).clip(true)
        } else {
            let width = Column::initial(column.width()).resizable(true);
            width.at_least(40.0).clip(true)
        });
    }
    if let Some((to, align)) = scroll_to {
        // The least that brings the row into sight, unless the list is a new one.
        table = table.scroll_to_row(to, (align == Align::Min).then_some(align));
    }
    let mut visible: Option<Range<usize>> = None;
    table
        .header(theme::ROW_HEIGHT, |mut header| {
            for column in &columns {
                header.col(|ui| head_ui(ui, *column, order));
            }
        })
        .body(|body| {
            body.rows(theme::ROW_HEIGHT, list.rows.len(), |mut row| {
                let place = row.index();
                let seen = visible.get_or_insert(place..place);
                seen.end = place + 1;
                match browser.at(list, place) {
                    Some(listed) => {
                        let of_row =
                            said.and_then(|said| said.column.get(opened.number(listed.track.row)?));
                        row_ui(ctx, &mut row, listed, of_row, &columns, walk, &focus);
                    }
                    // On its way; the row keeps its height.
                    None => columns.iter().for_each(|_| drop(row.col(|_| ()))),
                }
            });
        });
    visible.unwrap_or(0..0)
}

impl Walk {
    /// The place of the chosen track in the list.
    fn place(&mut self, ctx: &Ctx<'_>, list: &List) -> Option<usize> {
        let chosen = ctx.state.selection.track.as_deref()?;
        let &(_, row) = self.at.as_ref().filter(|(id, _)| id == chosen)?;
        let known = self.found.filter(|(of, _)| *of == row);
        let look = || (row, list.rows.iter().position(|&other| other == row));
        let found = known.unwrap_or_else(look);
        self.found = Some(found);
        found.1
    }
}

fn head_ui(ui: &mut Ui, column: What, order: &mut Order) {
    let sort = column.sort();
    let model = column.of_model();
    let active = (order.sort, order.model) == (sort, model);
    if sort_header_ui(
        ui,
        column.title(),
        column.hint(),
        column == What::Length || model.is_some(),
        active,
        order.descending,
    ) {
        // Up, down, and back to the order of the file.
        (order.sort, order.model, order.descending) = match (active, order.descending) {
            (false, _) => (sort, model, false),
            (true, false) => (sort, model, true),
            (true, true) => (Sort::Place, None, false),
        };
    }
}

fn row_ui(
    ctx: &Ctx<'_>,
    row: &mut egui_extras::TableRow<'_, '_>,
    listed: &Listed,
    said: Option<&labels::Listed>,
    columns: &[What],
    walk: &mut Walk,
    focus: &egui::Response,
) {
    let track = &listed.track;
    let is_chosen = ctx.state.selection.track.as_ref() == Some(&track.id);
    row.set_selected(is_chosen);
    let mut first = None;
    for column in columns {
        let (_, cell) = row.col(|ui| cell_ui(ui, *column, listed, said));
        first.get_or_insert(cell);
    }
    // The row's own place is unknown while some of its columns are out of sight; its first cell's is not.
    if let Some(first) = first {
        first.widget_info(|| {
            egui::WidgetInfo::selected(
                egui::Role::Button,
                true,
                is_chosen,
                format!("Track {}", track.id),
            )
        });
    }
    let response = row.response();
    if response.clicked() || response.double_clicked() {
        open(ctx, listed, response.double_clicked());
        walk.at = Some((track.id.clone(), track.row));
        focus.request_focus();
    }
    let response = if track.message.is_empty() {
        response
    } else {
        response.on_hover_text(&track.message)
    };
    response.context_menu(|ui| menu_ui(ctx, ui, listed));
}

fn cell_ui(ui: &mut Ui, column: What, listed: &Listed, said: Option<&labels::Listed>) {
    let palette = theme::palette(ui.visuals());
    let track = &listed.track;
    match column {
        What::Id => {
            let is_problem = track.status.is_problem();
            let colour = if is_problem {
                palette.warning
            } else {
                palette.strong
            };
            text_ui(ui, &track.id, colour);
        }
        What::Title => text_ui(ui, &track.title, palette.text),
        What::Artist => text_ui(ui, &track.artist, palette.text),
        What::Album => text_ui(ui, &track.album, palette.text),
        What::Part => text_ui(
            ui,
            listed.part.map_or("–", |part| part.name()),
            palette.text,
        ),
        What::Length => {
            let text = track
                .duration_secs
                .map_or_else(|| "–".to_owned(), duration_text);
            figure_ui(ui, &text);
        }
        What::Tags => text_ui(ui, &listed.tags, palette.text),
        What::Source => text_ui(ui, &track.source, palette.weak),
        What::Status => text_ui(ui, track.status.name(), palette.weak),
        What::Model | What::Disagreement => {
            let value = column
                .of_model()
                .zip(said)
                .and_then(|(of, said)| of.of(said));
            let text = value.map_or_else(|| "–".to_owned(), |value| format!("{value:.3}"));
            figure_ui(ui, &text);
        }
    }
}

fn menu_ui(ctx: &Ctx<'_>, ui: &mut Ui, listed: &Listed) {
    let track = &listed.track;
    if ui.button("Play").clicked() {
        open(ctx, listed, true);
        ui.close();
    }
    for (label, panel) in [
        ("Show in Timeline", Panel::Timeline),
        ("Show in Audition", Panel::Audition),
    ] {
        if ui.button(label).clicked() {
            open(ctx, listed, false);
            ctx.send(Command::Show(panel));
            ui.close();
        }
    }
    ui.separator();
    if ui.button("Copy path").clicked() {
        ui.ctx().copy_text(track.path.display().to_string());
        ui.close();
    }
    if !track.licence.is_empty() {
        ui.separator();
        ui.set_max_width(320.0);
        ui.label(format!("Licence: {}", track.licence));
    }
}

fn open(ctx: &Ctx<'_>, listed: &Listed, play: bool) {
    ctx.send(Command::Library(library::Command::OpenListed {
        listed: Box::new(listed.clone()),
        play,
    }));
}
