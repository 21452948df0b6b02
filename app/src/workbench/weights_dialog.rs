//! Shows what is in a file of weights that another program wrote, before it is used.

use super::command::Command;
use super::ctx::Ctx;
use super::parts::model::{self, KeyRow, Preview};
use crate::theme::{self, Palette};
use crate::widgets::{count_text, dialog, expanded};
use attune_core::weights::Standing;
use egui::{Button, DragValue, Grid, Label, RichText, Ui};
use egui_extras::{Column, TableBuilder};
use std::path::PathBuf;

/// Rows of keys that are seen at once.
const KEYS_HEIGHT: f32 = 240.0;

/// What the user knows better than the file.
#[derive(Debug, Default)]
pub(super) struct WeightsDialog {
    file: PathBuf,
    n_heads: Option<usize>,
    tags: String,
}

impl WeightsDialog {
    /// Draws it while there is something to show.
    pub(super) fn ui(&mut self, ctx: &Ctx<'_>, ui: &mut Ui) {
        let Some(preview) = ctx.state.model.preview() else {
            return;
        };
        if self.file != preview.path {
            *self = Self {
                file: preview.path.clone(),
                ..Self::default()
            };
        }
        let modal = dialog(
            ui.ctx(),
            "weights",
            |area| area,
            |ui| {
                ui.set_width(600.0);
                ui.heading("Weights of another program");
                ui.add_space(theme::GAP);
                facts_ui(ui, preview);
                ui.add_space(theme::GAP);
                keys_ui(ui, &preview.keys);
                ui.add_space(theme::GAP);
                self.options_ui(ui, preview);
                ui.add_space(theme::GAP);
                let fits = preview
                    .checkpoint
                    .report()
                    .is_some_and(attune_core::weights::Report::fits);
                ui.horizontal(|ui| {
                    let using = ui
                        .add_enabled(fits, Button::new("Use these weights"))
                        .on_hover_text("Load them into Audition and Timeline")
                        .on_disabled_hover_text("They do not fit a network that Attune knows");
                    if using.clicked() {
                        let tags = self.tags.trim();
                        ctx.send(Command::Model(model::Command::UsePreview {
                            n_heads: self.n_heads,
                            tags: (!tags.is_empty()).then(|| expanded(tags)),
                        }));
                    }
                    ui.button("Cancel").clicked()
                })
                .inner
            },
        );
        if modal.inner || modal.should_close() {
            ctx.send(Command::Model(model::Command::DropPreview));
        }
    }

    fn options_ui(&mut self, ui: &mut Ui, preview: &Preview) {
        let Ok(config) = preview.checkpoint.config() else {
            return;
        };
        Grid::new("weights options").num_columns(2).show(ui, |ui| {
            if let Some(found) = config.n_heads() {
                let hint = "Heads do not show in the weights: the file does not say how many share the width.";
                let label = ui.label("Attention heads").on_hover_text(hint);
                let mut n_heads = self.n_heads.unwrap_or(found);
                let field = ui.add(DragValue::new(&mut n_heads).range(1..=64));
                if field.labelled_by(label.id).on_hover_text(hint).changed() {
                    self.n_heads = Some(n_heads);
                }
                ui.end_row();
            }
            ui.label("Tags file")
                .on_hover_text("Without it the tags are called tag 0, tag 1 and so on");
            let hint = format!("a text file, one tag a line, {} lines", config.n_tags());
            ui.add(
                egui::TextEdit::singleline(&mut self.tags)
                    .hint_text(&hint)
                    .desired_width(f32::INFINITY),
            )
            .widget_info(|| egui::WidgetInfo::labeled(egui::Role::TextInput, true, "Tags file"));
            ui.end_row();
        });
    }
}

fn facts_ui(ui: &mut Ui, preview: &Preview) {
    let palette = theme::palette(ui.visuals());
    let checkpoint = &preview.checkpoint;
    let (file, key_map) = (checkpoint.file(), checkpoint.key_map());
    Grid::new("weights facts").num_columns(2).show(ui, |ui| {
        let mut row = |name: &str, text: &str| {
            ui.label(RichText::new(name).color(palette.weak));
            ui.add(Label::new(text).wrap());
            ui.end_row();
        };
        row("File", &preview.path.display().to_string());
        row("Format", file.format().label());
        if let Some(dictionary) = file.dictionary() {
            row("Dictionary", dictionary);
        }
        if !key_map.prefix.is_empty() {
            row("Prefix", &key_map.prefix);
        }
        let left_out: Vec<_> = key_map
            .left_out
            .iter()
            .map(|(name, n)| format!("{n} of {name}"))
            .collect();
        if !left_out.is_empty() {
            row("Left out", &left_out.join(", "));
        }
        match checkpoint.config() {
            Ok(config) => {
                let n = count_text(checkpoint.n_parameters().unwrap_or(0) as u64);
                let (architecture, n_tags) = (config.architecture(), config.n_tags());
                row(
                    "Network",
                    &format!("{architecture}, {n} parameters, {n_tags} tags"),
                );
            }
            Err(error) => row("Network", &format!("not recognised: {error}")),
        }
        if let Some(report) = checkpoint.report() {
            row("Compared", &report.to_string());
        }
    });
}

fn keys_ui(ui: &mut Ui, keys: &[KeyRow]) {
    let palette = theme::palette(ui.visuals());
    TableBuilder::new(ui)
        .id_salt("weights keys")
        .column(Column::remainder().at_least(200.0).clip(true))
        .column(Column::exact(170.0).clip(true))
        .column(Column::exact(90.0))
        .max_scroll_height(KEYS_HEIGHT)
        .auto_shrink([false, true])
        .header(theme::ROW_HEIGHT, |mut header| {
            for title in ["Key", "Type and shape", "Standing"] {
                header.col(|ui| {
                    ui.label(RichText::new(title).small().color(palette.weak));
                });
            }
        })
        .body(|body| {
            body.rows(theme::ROW_HEIGHT, keys.len(), |mut row| {
                let key = &keys[row.index()];
                row.col(|ui| {
                    ui.add(Label::new(&key.name).truncate())
                        .on_hover_text(&key.name);
                });
                row.col(|ui| {
                    ui.label(RichText::new(&key.kind).monospace().color(palette.weak));
                });
                row.col(|ui| {
                    let word = key.standing.map_or("", Standing::label);
                    ui.label(RichText::new(word).color(colour(key.standing, palette)));
                });
            });
        });
}

fn colour(standing: Option<Standing>, palette: &Palette) -> egui::Color32 {
    match standing {
        Some(Standing::Matched) => palette.good,
        Some(Standing::WrongShape) => palette.error,
        Some(Standing::Unexpected) => palette.warning,
        Some(Standing::LeftOut) | None => palette.weak,
    }
}
