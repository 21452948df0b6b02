//! How to come to a data set: by its path, from those that are known, or the demo.

use super::State;
use crate::theme;
use crate::widgets::{count_text, empty_state, expanded, path_field};
use crate::workbench::parts::library;
use crate::workbench::{Command, Ctx, Pick};
use egui::{Key, RichText, Ui};
use std::path::PathBuf;

impl State {
    /// No data set is open: how to come to one.
    pub(super) fn nothing_ui(&mut self, ctx: &Ctx<'_>, ui: &mut Ui, error: Option<&str>) {
        let palette = theme::palette(ui.visuals());
        let (title, sentence) = match error {
            Some(_) => ("The data set cannot be opened", ""),
            None => (
                "No data set is open",
                "Drop a folder with a tracks.csv onto the window, paste its path, or take the demo data set.",
            ),
        };
        empty_state(ui, title, sentence, |ui| {
            if let Some(error) = error {
                ui.label(RichText::new(error).color(palette.error));
                ui.add_space(theme::GROUP_GAP);
                if ui.button("Try again").clicked() {
                    ctx.send(Command::Library(library::Command::Reload));
                }
            }
            self.others_ui(ctx, ui);
        });
    }

    /// Ways to another data set.
    pub(super) fn others_ui(&mut self, ctx: &Ctx<'_>, ui: &mut Ui) {
        self.open_ui(ctx, ui);
        ui.add_space(theme::GAP);
        ui.horizontal(|ui| {
            choose_ui(ctx, ui, |folder| ctx.send(Command::OpenDataset(folder)));
            Self::demo_ui(ctx, ui);
        });
    }

    fn demo_ui(ctx: &Ctx<'_>, ui: &mut Ui) {
        let is_making = ctx.state.library.is_making_demo();
        let button = egui::Button::new(if is_making {
            "Composing …"
        } else {
            "Demo data set"
        });
        let response = ui.add_enabled(!is_making, button).on_hover_text(
            "Songs that Attune composes and renders on first use, in under half a minute; then kept",
        );
        if response.clicked() {
            ctx.send(Command::Library(library::Command::OpenDemo));
        }
    }

    /// A field for a typed or pasted path.
    fn open_ui(&mut self, ctx: &Ctx<'_>, ui: &mut Ui) {
        let (field, browse) = path_field(
            ui,
            "Open data set folder",
            "Folder with a tracks.csv; Enter opens it",
            &mut self.path,
        );
        let path = self.path.trim();
        if field.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter)) && !path.is_empty()
        {
            ctx.send(Command::OpenDataset(expanded(path)));
            self.path.clear();
        }
        if browse {
            ctx.send(Command::Pick(Pick::Dataset));
        }
    }
}

/// The data sets of the catalogue as buttons.
pub(super) fn known_ui(
    ui: &mut Ui,
    known: &[attune_core::dataset::CatalogueEntry],
    choose: impl FnOnce(PathBuf),
) {
    let mut chosen = None;
    for entry in known.iter().take(20) {
        let label = format!(
            "{} ({} tracks)",
            entry.name,
            count_text(entry.n_tracks as u64)
        );
        let button = ui
            .button(label)
            .on_hover_text(entry.root.display().to_string());
        if button.clicked() {
            chosen = Some(entry.root.clone());
            ui.close();
        }
    }
    if let Some(folder) = chosen {
        choose(folder);
    }
}

/// A menu of the known data sets, for the Training panel. Calls `choose` with the folder of the one that was clicked.
pub fn choose_ui(ctx: &Ctx<'_>, ui: &mut Ui, choose: impl FnOnce(PathBuf)) {
    let known = ctx.state.library.known();
    if known.is_empty() {
        return;
    }
    ui.menu_button("Known", |ui| known_ui(ui, known, choose))
        .response
        .on_hover_text("Data sets that were opened or imported before");
}
