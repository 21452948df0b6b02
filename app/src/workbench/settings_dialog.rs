//! Two runs' settings side by side: what differs first.

use super::command::Command;
use super::ctx::Ctx;
use super::parts::settings::{self, Compared};
use crate::theme;
use crate::widgets::dialog;
use attune_core::run::Setting;
use attune_core::train::SettingPair;
use egui::{Label, RichText, TextEdit, Ui};
use egui_extras::{Column, TableBuilder};

const WIDTH: f32 = 720.0;
const HEIGHT: f32 = 420.0;

/// How the table is looked at.
#[derive(Debug, Default)]
pub(super) struct SettingsDialog {
    filter: String,
    /// What is the same is listed, too.
    all: bool,
}

impl SettingsDialog {
    /// Draws it while there is something to show.
    pub(super) fn ui(&mut self, ctx: &Ctx<'_>, ui: &mut Ui) {
        let settings = &ctx.state.settings;
        if settings.shown().is_none() {
            self.filter.clear();
            return;
        }
        let modal = dialog(
            ui.ctx(),
            "compared settings",
            |area| area,
            |ui| {
                let room = ui.ctx().content_rect().size();
                ui.set_width(WIDTH.min(room.x - 60.0));
                ui.heading("Settings compared");
                ui.add_space(theme::GAP);
                match settings.compared() {
                    None => drop(ui.spinner()),
                    Some(Err(error)) => {
                        let palette = theme::palette(ui.visuals());
                        ui.colored_label(palette.error, error);
                    }
                    Some(Ok(compared)) => self.compared_ui(ui, compared, room.y - 220.0),
                }
                ui.add_space(theme::GAP);
                ui.button("Close").clicked()
            },
        );
        if modal.inner || modal.should_close() {
            ctx.send(Command::Settings(settings::Command::Close));
        }
    }

    fn compared_ui(&mut self, ui: &mut Ui, compared: &Compared, room: f32) {
        let palette = theme::palette(ui.visuals());
        let wanted = self.filter.trim().to_lowercase();
        let is_shown = |pair: &&SettingPair| {
            (self.all || pair.differs)
                && (wanted.is_empty()
                    || [
                        pair.name.clone(),
                        text(pair.first.as_ref()),
                        text(pair.second.as_ref()),
                    ]
                    .iter()
                    .any(|text| text.to_lowercase().contains(&wanted)))
        };
        let shown: Vec<&SettingPair> = compared.pairs.iter().filter(is_shown).collect();
        let n_differing = compared.pairs.iter().filter(|pair| pair.differs).count();
        ui.horizontal(|ui| {
            let field = ui.add(
                TextEdit::singleline(&mut self.filter)
                    .hint_text("Filter settings")
                    .desired_width(180.0),
            );
            field.widget_info(|| {
                egui::WidgetInfo::labeled(egui::Role::TextInput, true, "Filter settings")
            });
            ui.checkbox(&mut self.all, "also what is the same");
            let copy = ui
                .button("Copy table")
                .on_hover_text("As text with tabs, for spreadsheets and notes");
            if copy.clicked() {
                ui.copy_text(table_text(compared, &shown));
            }
            let count = format!("{n_differing} of {} differ", compared.pairs.len());
            ui.label(RichText::new(count).small().color(palette.weak));
        });
        ui.add_space(theme::GAP);
        if shown.is_empty() {
            let words = if n_differing == 0 {
                "All settings are the same."
            } else {
                "No setting is what was typed."
            };
            ui.label(words);
            return;
        }
        let name_width = 0.32 * ui.available_width();
        TableBuilder::new(ui)
            .id_salt("compared settings")
            .max_scroll_height(HEIGHT.min(room).max(80.0))
            .column(Column::exact(name_width).clip(true))
            .columns(Column::exact(name_width).clip(true), 2)
            .header(theme::ROW_HEIGHT, |mut header| {
                let [first, second] = &compared.names;
                for title in ["Setting", first, second] {
                    header.col(|ui| {
                        let title = RichText::new(title).small().color(palette.weak);
                        ui.add(Label::new(title).truncate());
                    });
                }
            })
            .body(|body| {
                body.rows(theme::ROW_HEIGHT, shown.len(), |mut row| {
                    let pair = shown[row.index()];
                    let colour = if pair.differs {
                        palette.strong
                    } else {
                        palette.weak
                    };
                    let cell = |ui: &mut Ui, text: &str| {
                        let label = Label::new(RichText::new(text).color(colour)).truncate();
                        let response = ui.add(label);
                        if let Some(entries) = &pair.entries {
                            response.on_hover_text(entries);
                        }
                    };
                    row.col(|ui| cell(ui, &pair.name));
                    row.col(|ui| cell(ui, &text(pair.first.as_ref())));
                    row.col(|ui| cell(ui, &text(pair.second.as_ref())));
                });
            });
    }
}

fn text(setting: Option<&Setting>) -> String {
    setting.map_or("–".to_owned(), ToString::to_string)
}

/// The shown rows, cells apart by tabs.
fn table_text(compared: &Compared, shown: &[&SettingPair]) -> String {
    let [first, second] = &compared.names;
    let rows = shown.iter().map(|pair| {
        let values = [&pair.first, &pair.second].map(|value| text(value.as_ref()));
        format!("{}\t{}\n", pair.name, values.join("\t"))
    });
    std::iter::once(format!("setting\t{first}\t{second}\n"))
        .chain(rows)
        .collect()
}
