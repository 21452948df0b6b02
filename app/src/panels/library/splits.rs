//! How tags and artists are spread over the parts of a split, and two named splits beside each other.

use super::tag_table::{of_tags, wide_ui};
use crate::panels::runs::{figure_ui, text_ui};
use crate::theme;
use crate::widgets::{count_text, duration_text};
use crate::workbench::parts::library::browser::Opened;
use attune_core::dataset::catalogue::{Balance, Comparison};
use egui::{ComboBox, RichText, Ui, WidgetInfo};
use egui_extras::Column;

/// The parts in the order of [`attune_core::dataset::Split::ALL`], and what takes no part.
const PARTS: [&str; 5] = ["train", "valid", "test", "unlabelled", "in none"];

/// Widths of columns, in points.
const SPREAD: f32 = 72.0;
const COUNTED: f32 = 118.0;
const COMPARED: f32 = 132.0;

/// Above this ratio of its shares a tag counts as spread unevenly.
const UNEVEN: f64 = 1.5;

/// Draws figures of the parts and, below, of the tags.
pub(super) fn balance_ui(ui: &mut Ui, tags: &[&str], balance: &Balance) {
    let parts: Vec<usize> = (0..4).filter(|&part| balance.tracks[part] > 0).collect();
    let (n_columns, width) = (parts.len() + 2, SPREAD + COUNTED * parts.len() as f32);
    wide_ui(ui, "library balance", n_columns, width, |ui| {
        parts_ui(ui, tags, balance, &parts);
    });
}

fn parts_ui(ui: &mut Ui, tags: &[&str], balance: &Balance, parts: &[usize]) {
    let palette = theme::palette(ui.visuals());
    egui::Grid::new("library parts")
        .num_columns(parts.len() + 1)
        .spacing([18.0, 4.0])
        .show(ui, |ui| {
            ui.label("");
            for &part in parts {
                ui.label(RichText::new(PARTS[part]).small().color(palette.weak));
            }
            ui.end_row();
            let mut line = |name: &str, hint: &str, of: &dyn Fn(usize) -> String| {
                ui.label(name).on_hover_text(hint);
                for &part in parts {
                    ui.label(RichText::new(of(part)).text_style(theme::figures()));
                }
                ui.end_row();
            };
            line("Tracks", "Tracks of the part", &|part| {
                count_text(balance.tracks[part] as u64)
            });
            line("Length", "Sum of the stated lengths", &|part| {
                duration_text(balance.secs[part])
            });
            line(
                "Artists",
                "Different artists; tracks without one do not count",
                &|part| count_text(balance.artists[part] as u64),
            );
            line(
                "Without tags",
                "Tracks that carry no tag of the vocabulary",
                &|part| count_text(balance.untagged[part] as u64),
            );
        });
    shared_ui(ui, &balance.shared_artists, "");
    if tags.is_empty() {
        return;
    }
    ui.add_space(theme::GAP);
    let mut rows: Vec<usize> = (0..tags.len()).collect();
    let spread = |tag: usize| balance.unevenness(tag).unwrap_or(0.0);
    rows.sort_by(|&one, &other| spread(other).total_cmp(&spread(one)));
    let table = of_tags(ui, "library balance")
        .column(Column::exact(SPREAD))
        .columns(Column::exact(COUNTED), parts.len())
        .column(Column::remainder());
    let heads = ["Tag", "Spread"].into_iter();
    let heads: Vec<&str> = heads.chain(parts.iter().map(|&part| PARTS[part])).collect();
    table
        .header(theme::ROW_HEIGHT, |mut header| {
            for head in heads {
                header.col(|ui| {
                    let label = ui.label(RichText::new(head).small().color(palette.weak));
                    if head == "Spread" {
                        label.on_hover_text("Largest share among train, valid and test over the smallest: 1 where the tag is spread evenly");
                    }
                });
            }
            header.col(|_| ());
        })
        .body(|body| {
            body.rows(theme::ROW_HEIGHT, rows.len(), |mut row| {
                let tag = rows[row.index()];
                row.col(|ui| text_ui(ui, tags[tag], palette.strong));
                row.col(|ui| match balance.unevenness(tag) {
                    Some(spread) => {
                        let colour = if spread > UNEVEN { palette.warning } else { palette.text };
                        let text = if spread.is_finite() { format!("{spread:.2}") } else { "∞".to_owned() };
                        ui.label(RichText::new(text).text_style(theme::figures()).color(colour));
                    }
                    None => drop(ui.label("–")),
                });
                for &part in parts {
                    row.col(|ui| {
                        let share = 100.0 * balance.share(tag, part).unwrap_or(0.0);
                        let count = count_text(balance.tags[tag][part] as u64);
                        figure_ui(ui, &format!("{count}  {share:>5.2} %"));
                    });
                }
                row.col(|_| ());
            });
        });
}

/// Artists that are on two sides of a split.
fn shared_ui(ui: &mut Ui, shared: &[[usize; 4]; 4], of: &str) {
    let palette = theme::palette(ui.visuals());
    for one in 0..4 {
        for other in one + 1..4 {
            let n = shared[one][other];
            // What is unlabelled is heard in training, so that its artists must not be in valid and test either.
            if n > 0 && (one, other) != (0, 3) {
                let text = format!(
                    "{of}{} artists are in {} and in {}",
                    count_text(n as u64),
                    PARTS[one],
                    PARTS[other]
                );
                ui.label(RichText::new(text).color(palette.warning));
            }
        }
    }
}

/// The choice of two splits to compare.
pub(super) fn choice_ui(ui: &mut Ui, opened: &Opened, pair: &mut (String, String)) {
    let names: Vec<&str> = opened
        .index
        .splits()
        .iter()
        .map(|it| it.name.as_str())
        .collect();
    for (place, chosen) in [&mut pair.0, &mut pair.1].into_iter().enumerate() {
        if !names.contains(&chosen.as_str()) {
            let name = names.get(place).copied().unwrap_or_default();
            name.clone_into(chosen);
        }
    }
    ui.horizontal(|ui| {
        for (label, chosen) in [("First split", &mut pair.0), ("Second split", &mut pair.1)] {
            ComboBox::from_id_salt(label)
                .selected_text(chosen.as_str())
                .width(160.0)
                .show_ui(ui, |ui| {
                    for name in &names {
                        ui.selectable_value(chosen, (*name).to_owned(), *name);
                    }
                })
                .response
                .widget_info(|| WidgetInfo::labeled(egui::Role::ComboBox, true, label));
        }
    });
}

/// Two splits beside each other.
pub(super) fn comparison_ui(ui: &mut Ui, compared: &Comparison) {
    let parts: Vec<usize> = (0..4)
        .filter(|&part| compared.first.tracks[part] + compared.second.tracks[part] > 0)
        .collect();
    let (n_columns, width) = (parts.len() + 1, COMPARED * parts.len() as f32);
    wide_ui(ui, "library compared", n_columns, width, |ui| {
        both_ui(ui, compared, &parts);
    });
}

fn both_ui(ui: &mut Ui, compared: &Comparison, parts: &[usize]) {
    let palette = theme::palette(ui.visuals());
    let moved = count_text(compared.n_moved() as u64);
    ui.label(format!(
        "{moved} tracks are in another part of the second split."
    ));
    ui.horizontal_top(|ui| {
        for (name, hint, matrix) in [
            ("Tracks", "Rows: parts of the first split; columns: parts of the second", &compared.tracks),
            ("Artists", "Artists with a track in this part of the first and one in that part of the second split. Off the diagonal they leak, if a \
                model trained by one split is scored by the other.", &compared.artists),
        ] {
            ui.vertical(|ui| {
                ui.label(RichText::new(name).color(palette.strong)).on_hover_text(hint);
                matrix_ui(ui, name, matrix);
            });
            ui.add_space(theme::GROUP_GAP);
        }
    });
    for side in [&compared.first, &compared.second] {
        shared_ui(ui, &side.shared_artists, &format!("{}: ", side.name));
    }
    ui.add_space(theme::GAP);
    let table = of_tags(ui, "library comparison")
        .columns(Column::exact(COMPARED), parts.len())
        .column(Column::remainder());
    table
        .header(theme::ROW_HEIGHT, |mut header| {
            let heads =
                std::iter::once("Share of tracks").chain(parts.iter().map(|&part| PARTS[part]));
            for head in heads {
                header.col(|ui| drop(ui.label(RichText::new(head).small().color(palette.weak))));
            }
            header.col(|_| ());
        })
        .body(|body| {
            body.rows(theme::ROW_HEIGHT, compared.tags.len(), |mut row| {
                let tag = &compared.tags[row.index()];
                row.col(|ui| text_ui(ui, &tag.name, palette.strong));
                for &part in parts {
                    let text = |share: Option<f64>| {
                        share
                            .map_or_else(|| "–".to_owned(), |share| format!("{:.2}", 100.0 * share))
                    };
                    row.col(|ui| {
                        figure_ui(
                            ui,
                            &format!("{} → {} %", text(tag.first[part]), text(tag.second[part])),
                        )
                    });
                }
                row.col(|_| ());
            });
        });
}

fn matrix_ui(ui: &mut Ui, name: &str, matrix: &[[usize; 5]; 5]) {
    let palette = theme::palette(ui.visuals());
    let is_shown =
        |part: usize| matrix[part].iter().any(|&n| n > 0) || matrix.iter().any(|row| row[part] > 0);
    let shown: Vec<usize> = (0..5).filter(|&part| is_shown(part)).collect();
    egui::Grid::new(("library moves", name))
        .spacing([14.0, 3.0])
        .show(ui, |ui| {
            ui.label("");
            for &part in &shown {
                ui.label(RichText::new(PARTS[part]).small().color(palette.weak));
            }
            ui.end_row();
            for &from in &shown {
                ui.label(RichText::new(PARTS[from]).small().color(palette.weak));
                for &to in &shown {
                    let n = matrix[from][to];
                    let colour = if from == to || n == 0 {
                        palette.text
                    } else {
                        palette.warning
                    };
                    let text = RichText::new(count_text(n as u64)).text_style(theme::figures());
                    ui.label(text.color(colour));
                }
                ui.end_row();
            }
        });
}
