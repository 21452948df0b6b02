//! The table of runs: a row a run, its columns chosen by the user. A click shows one in all panels, a tick draws it over the shown one.

use super::groups::{self, Row};
use super::look::cell_ui;
use super::{Asked, menu};
use crate::theme;
use crate::workbench::{Ctx, Select};
use attune_core::run::{Field, Group, RunSummary};
use egui::{Align, Layout, RichText, Sense, Ui};
use egui_extras::{Column, TableBuilder, TableRow};
use std::collections::BTreeSet;
use std::time::{SystemTime, UNIX_EPOCH};

/// What the list is sorted by.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub(super) struct Order {
    pub(super) by: Field,
    pub(super) descending: bool,
}

impl Order {
    /// After a click on the heading of a column.
    fn clicked(&self, field: &Field) -> Self {
        Self {
            by: field.clone(),
            descending: if self.by == *field {
                !self.descending
            } else {
                field.is_largest_first()
            },
        }
    }
}

/// What the table shows, and what one does to it.
pub(super) struct Table<'a> {
    pub(super) columns: &'a [Field],
    pub(super) order: &'a mut Order,
    /// The listed runs, in order.
    pub(super) runs: &'a [&'a RunSummary],
    /// The same put together; none if each stands alone.
    pub(super) groups: &'a [Group],
    /// Groups whose members are listed, by their labels.
    pub(super) open: &'a mut BTreeSet<String>,
}

impl Table<'_> {
    /// Draws the table. What one asks for in it goes into `asked`.
    pub(super) fn ui(&mut self, ctx: &Ctx<'_>, ui: &mut Ui, asked: &mut Option<Asked>) {
        let now_ms = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_millis() as u64);
        ui.spacing_mut().item_spacing.x = 12.0;
        let is_grouped = !self.groups.is_empty();
        // Other columns are another table, with widths of their own.
        let table = TableBuilder::new(ui)
            .id_salt(("runs", self.columns, is_grouped))
            .striped(false)
            .sense(Sense::click())
            .cell_layout(Layout::left_to_right(Align::Center))
            .column(Column::exact(24.0));
        let columns = self.columns;
        let table = columns
            .iter()
            .enumerate()
            .fold(table, |table, (at, field)| {
                let column = match field {
                    // What is left over, so that rows reach across the panel.
                    _ if at + 1 == columns.len() => Column::remainder(),
                    Field::Id => Column::initial(if is_grouped { 230.0 } else { 160.0 }),
                    Field::Title | Field::Note | Field::Tags => Column::initial(130.0),
                    field if field.is_number() && is_grouped => Column::initial(118.0),
                    field if field.is_number() => Column::initial(66.0),
                    _ => Column::initial(84.0),
                };
                table.column(column.at_least(50.0).clip(true))
            });
        let rows = groups::rows(self.groups, self.open, self.runs.len());
        table
            .header(theme::ROW_HEIGHT, |mut header| {
                header.col(|_| ());
                for field in columns {
                    header.col(|ui| {
                        let clicked = sort_header_ui(
                            ui,
                            &field.label(),
                            &field.about(),
                            field.is_number(),
                            *field == self.order.by,
                            self.order.descending,
                        );
                        if clicked {
                            *self.order = self.order.clicked(field);
                        }
                    });
                }
            })
            .body(|body| {
                body.rows(theme::ROW_HEIGHT, rows.len(), |mut row| {
                    match rows[row.index()] {
                        Row::Run(at) => {
                            run_row_ui(ctx, &mut row, columns, self.runs[at], now_ms, asked);
                        }
                        Row::Group(at) => {
                            let group = &self.groups[at];
                            group_row_ui(ctx, &mut row, columns, group, self.runs, self.open);
                        }
                    }
                });
            });
    }
}

fn run_row_ui(
    ctx: &Ctx<'_>,
    row: &mut TableRow<'_, '_>,
    columns: &[Field],
    run: &RunSummary,
    now_ms: u64,
    asked: &mut Option<Asked>,
) {
    let selection = &ctx.state.selection;
    let is_main = selection.run.as_ref() == Some(&run.folder);
    let overlay = selection
        .overlays
        .iter()
        .position(|other| *other == run.folder);
    row.set_selected(is_main);
    row.col(|ui| shown_ui(ctx, ui, run, is_main, overlay));
    for field in columns {
        row.col(|ui| cell_ui(ui, run, field, now_ms));
    }
    let response = row.response();
    response.widget_info(|| {
        egui::WidgetInfo::selected(egui::Role::Button, true, is_main, format!("Run {}", run.id))
    });
    if response.clicked() {
        ctx.send(Select::Run(Some(run.folder.clone())));
    }
    let response = hover(response, run);
    response.context_menu(|ui| menu::row_menu_ui(ctx, ui, run, asked));
}

fn group_row_ui(
    ctx: &Ctx<'_>,
    row: &mut TableRow<'_, '_>,
    columns: &[Field],
    group: &Group,
    runs: &[&RunSummary],
    open: &mut BTreeSet<String>,
) {
    row.col(|ui| groups::opener_ui(ui, group, open));
    for field in columns {
        let spread = ctx.state.selection.spread;
        row.col(|ui| groups::cell_ui(ui, group, field, runs, spread));
    }
    let response = row.response();
    response.widget_info(|| {
        egui::WidgetInfo::labeled(egui::Role::Button, true, format!("Group {}", group.label))
    });
    groups::clicked(ctx, &response, group, runs);
    response.on_hover_text(
        "Click: draw the curves of its runs. Ctrl+click: besides those that are drawn",
    );
}

/// What is said of a run, under the pointer: columns may be too narrow for it, or not there.
fn hover(response: egui::Response, run: &RunSummary) -> egui::Response {
    let about = &run.about;
    let mut lines = Vec::new();
    if !about.title.is_empty() {
        lines.push(about.title.clone());
    }
    if !about.tags.is_empty() {
        lines.push(format!("Tags: {}", about.tags.join(", ")));
    }
    if !about.note.is_empty() {
        lines.push(about.note.clone());
    }
    if lines.is_empty() {
        return response;
    }
    response.on_hover_text(lines.join("\n"))
}

/// The tick that draws a run over the shown one; in the colour of its curves.
fn shown_ui(ctx: &Ctx<'_>, ui: &mut Ui, run: &RunSummary, is_main: bool, overlay: Option<usize>) {
    let palette = theme::palette(ui.visuals());
    let (rect, response) = ui.allocate_exact_size(egui::vec2(18.0, 18.0), Sense::click());
    let several = !ctx.state.selection.overlays.is_empty();
    let colour = match (is_main, overlay) {
        (true, _) => Some(if several {
            palette.of_series(0)
        } else {
            palette.accent
        }),
        (false, Some(idx)) => {
            Some(palette.of_series(idx + usize::from(ctx.state.selection.run.is_some())))
        }
        (false, None) => None,
    };
    let centre = rect.center();
    match colour {
        Some(colour) => drop(ui.painter().circle_filled(centre, 5.0, colour)),
        None => drop(
            ui.painter()
                .circle_stroke(centre, 4.5, egui::Stroke::new(1.0, palette.weak)),
        ),
    }
    response.widget_info(|| {
        egui::WidgetInfo::selected(
            egui::Role::CheckBox,
            true,
            colour.is_some(),
            format!("Compare {}", run.id),
        )
    });
    if response.clicked() && !is_main {
        ctx.send(Select::ToggleOverlay(run.folder.clone()));
    }
    response.on_hover_text(if is_main {
        "The shown run"
    } else {
        "Draw its curves over those of the shown run"
    });
}

/// The heading of a column that sorts. Returns whether it was clicked.
#[expect(
    clippy::fn_params_excessive_bools,
    reason = "three independent properties of a heading"
)]
pub(in crate::panels) fn sort_header_ui(
    ui: &mut Ui,
    title: &str,
    hint: &str,
    is_number: bool,
    active: bool,
    descending: bool,
) -> bool {
    let palette = theme::palette(ui.visuals());
    let arrow = match (active, descending) {
        (false, _) => "",
        (true, true) => " ▼",
        (true, false) => " ▲",
    };
    let colour = if active { palette.strong } else { palette.weak };
    let text = RichText::new(format!("{title}{arrow}"))
        .small()
        .color(colour);
    let layout = if is_number {
        Layout::right_to_left(Align::Center)
    } else {
        Layout::left_to_right(Align::Center)
    };
    ui.with_layout(layout, |ui| {
        let response = ui.add(
            egui::Label::new(text)
                .selectable(false)
                .sense(Sense::click()),
        );
        response.widget_info(|| {
            egui::WidgetInfo::labeled(egui::Role::Button, true, format!("Sort by {title}"))
        });
        response.on_hover_text(hint).clicked()
    })
    .inner
}
