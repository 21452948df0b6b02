//! How often each tag occurs in each split.

use crate::panels::runs::{figure_ui, sort_header_ui, text_ui};
use crate::theme;
use crate::widgets::{count_text, empty_state};
use attune_core::dataset::Split;
use attune_core::dataset::catalogue::Balance;
use egui::{Align, Layout, Sense, Ui};
use egui_extras::{Column, TableBuilder};

/// What the table is sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Sort {
    /// The order of `tags.txt`.
    #[default]
    Place,
    Name,
    All,
    /// Number of the split in [`Split::ALL`].
    Split(usize),
}

/// Width of the names at first, in points.
const NAMES: f32 = 150.0;

/// A table with a tag in each row: its first column, which names them, is there.
pub(super) fn of_tags<'a>(ui: &'a mut Ui, id: &str) -> TableBuilder<'a> {
    let name = Column::initial(NAMES).at_least(60.0).clip(true);
    TableBuilder::new(ui)
        .id_salt(id)
        .cell_layout(Layout::left_to_right(Align::Center))
        .column(name.resizable(true))
}

/// A table of tags that is scrolled sideways where the panel is narrower than its columns, which take `width` points beside the names.
pub(super) fn wide_ui<R>(
    ui: &mut Ui,
    id: &str,
    n_columns: usize,
    width: f32,
    table: impl FnOnce(&mut Ui) -> R,
) -> R {
    let gaps = (n_columns + 1) as f32 * ui.spacing().item_spacing.x;
    let bar = ui.spacing().scroll.allocated_width();
    egui::ScrollArea::horizontal()
        .id_salt(id)
        .show(ui, |ui| {
            ui.set_min_width(NAMES + width + gaps + bar);
            table(ui)
        })
        .inner
}

/// Says that there is nothing to count.
pub(super) fn no_tags_ui(ui: &mut Ui) {
    empty_state(
        ui,
        "No tags",
        "This data set has no labels: its tracks can be played, tagged and explained, and used as unlabelled data.",
        |_| (),
    );
}

/// Draws the table of the tags with these names. Returns the one whose tracks the user wants to see.
pub(super) fn ui(
    ui: &mut Ui,
    tags: &[&str],
    balance: &Balance,
    sort: &mut Sort,
    ascending: &mut bool,
) -> Option<usize> {
    let splits: Vec<usize> = (0..Split::ALL.len())
        .filter(|&split| balance.tracks[split] > 0)
        .collect();
    let (n_columns, width) = (splits.len() + 3, 64.0 + 40.0 + 104.0 * splits.len() as f32);
    wide_ui(ui, "library tag counts", n_columns, width, |ui| {
        table_ui(ui, tags, balance, &splits, sort, ascending)
    })
}

fn table_ui(
    ui: &mut Ui,
    tags: &[&str],
    balance: &Balance,
    splits: &[usize],
    sort: &mut Sort,
    ascending: &mut bool,
) -> Option<usize> {
    let palette = theme::palette(ui.visuals());
    let total = |tag: usize| balance.total(tag);
    let mut rows: Vec<usize> = (0..tags.len()).collect();
    rows.sort_by(|&one, &other| {
        let order = match *sort {
            Sort::Place => std::cmp::Ordering::Equal,
            Sort::Name => tags[one].cmp(tags[other]),
            Sort::All => total(other).cmp(&total(one)),
            Sort::Split(split) => balance.tags[other][split].cmp(&balance.tags[one][split]),
        };
        if *ascending { order.reverse() } else { order }
    });
    let n_most = rows.iter().map(|&tag| total(tag)).max().unwrap_or(1).max(1);
    let mut wanted = None;
    let table = of_tags(ui, "library tags")
        .sense(Sense::click())
        .column(Column::exact(64.0))
        .columns(Column::exact(104.0), splits.len())
        .column(Column::remainder().at_least(40.0));
    table
        .header(theme::ROW_HEIGHT, |mut header| {
            let mut head = |column: Sort, title: &str, hint: &str, is_number: bool| {
                header.col(|ui| {
                    let active = *sort == column;
                    let descending = !*ascending ^ (column == Sort::Name);
                    if sort_header_ui(ui, title, hint, is_number, active, descending) {
                        *ascending = active && !*ascending;
                        *sort = column;
                    }
                });
            };
            head(Sort::Name, "Tag", "Click a row to see its tracks", false);
            head(Sort::All, "All", "Tracks with the tag", true);
            for &split in splits {
                let name = Split::ALL[split].name();
                head(
                    Sort::Split(split),
                    name,
                    "Tracks with the tag, and their share of the split",
                    true,
                );
            }
            header.col(|_| ());
        })
        .body(|body| {
            body.rows(theme::ROW_HEIGHT, rows.len(), |mut row| {
                let tag = rows[row.index()];
                let name = tags[tag];
                let (_, first) = row.col(|ui| text_ui(ui, name, palette.strong));
                row.col(|ui| figure_ui(ui, &count_text(total(tag) as u64)));
                for &split in splits {
                    let count = balance.tags[tag][split];
                    let share = 100.0 * balance.share(tag, split).unwrap_or(0.0);
                    row.col(|ui| {
                        figure_ui(ui, &format!("{}  {share:>4.1} %", count_text(count as u64)));
                    });
                }
                row.col(|ui| {
                    let size = egui::vec2((ui.available_width() - 8.0).max(0.0), 6.0);
                    let (rect, _) = ui.allocate_exact_size(size, Sense::hover());
                    let part = total(tag) as f32 / n_most as f32;
                    ui.painter().rect_filled(rect, 3.0, palette.raised);
                    let filled = egui::Rect::from_min_size(
                        rect.min,
                        egui::vec2(rect.width() * part, rect.height()),
                    );
                    ui.painter().rect_filled(filled, 3.0, palette.accent);
                });
                first.widget_info(|| {
                    egui::WidgetInfo::labeled(
                        egui::Role::Button,
                        true,
                        format!("Tracks with {name}"),
                    )
                });
                if row.response().clicked() {
                    wanted = Some(tag);
                }
            });
        });
    wanted
}
