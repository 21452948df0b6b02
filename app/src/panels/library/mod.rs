//! The Library panel: the data set in use, its tracks, its tags, its problems.
//!
//! A click on a track opens it for Audition and Timeline, Enter plays it, arrows walk through the list.

mod rows;
mod tag_table;
mod track_table;

use crate::theme;
use crate::widgets::{count_text, duration_text, empty_state, expanded, path_field};
use crate::workbench::parts::labels;
use crate::workbench::parts::library::{self, Shelf};
use crate::workbench::{Command, Ctx, Pick, UiCommand};
use attune_core::dataset::Split;
use egui::{ComboBox, Key, RichText, TextEdit, Ui, WidgetInfo};
use rows::{Filter, Listing, Sort};
use std::path::PathBuf;
use std::sync::Arc;

/// What of the data set is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
enum View {
    #[default]
    Tracks,
    Tags,
    Problems,
}

/// The Library panel's own looks.
#[derive(Debug, Default, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct State {
    view: View,
    sort: Sort,
    descending: bool,
    #[serde(skip)]
    path: String,
    #[serde(skip)]
    filter: Filter,
    #[serde(skip)]
    listing: Listing,
    #[serde(skip)]
    tag_sort: tag_table::Sort,
    #[serde(skip)]
    tag_ascending: bool,
}

impl State {
    /// Draws the panel.
    pub fn ui(&mut self, ctx: &Ctx<'_>, ui: &mut Ui) {
        let library = &ctx.state.library;
        let Some(folder) = &ctx.state.selection.dataset else {
            self.nothing_ui(ctx, ui, None);
            return;
        };
        if let Some(error) = library.error(folder) {
            self.nothing_ui(ctx, ui, Some(error));
            return;
        }
        let Some(shelf) = library.shelf(folder) else {
            ui.horizontal(|ui| {
                ui.spinner();
                ui.label(format!("Opening {} …", folder.display()));
            });
            return;
        };
        let shelf = Arc::clone(shelf);
        self.head_ui(ctx, ui, &shelf);
        ui.add_space(2.0);
        ui.separator();
        match self.view {
            View::Tracks => self.tracks_ui(ctx, ui, &shelf),
            View::Tags => {
                if let Some(tag) =
                    tag_table::ui(ui, &shelf, &mut self.tag_sort, &mut self.tag_ascending)
                {
                    self.filter = Filter {
                        tag: Some(tag),
                        ..Filter::default()
                    };
                    self.view = View::Tracks;
                }
            }
            View::Problems => problems_ui(ui, &shelf),
        }
    }

    /// No data set is open: how to come to one.
    fn nothing_ui(&mut self, ctx: &Ctx<'_>, ui: &mut Ui, error: Option<&str>) {
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
            self.open_ui(ctx, ui);
            ui.add_space(theme::GAP);
            ui.horizontal(|ui| {
                choose_ui(ctx, ui, |folder| ctx.send(Command::OpenDataset(folder)));
                Self::demo_ui(ctx, ui);
            });
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

    /// Name, figures, what is shown.
    fn head_ui(&mut self, ctx: &Ctx<'_>, ui: &mut Ui, shelf: &Shelf) {
        let palette = theme::palette(ui.visuals());
        let dataset = &shelf.dataset;
        ui.horizontal_wrapped(|ui| {
            ui.label(
                RichText::new(&dataset.name)
                    .text_style(theme::section())
                    .color(palette.strong),
            )
            .on_hover_text(dataset.root.display().to_string());
            let plural = |n: usize, word: &str| {
                format!(
                    "{} {word}{}",
                    count_text(n as u64),
                    if n == 1 { "" } else { "s" }
                )
            };
            let mut facts = vec![
                plural(dataset.tracks.len(), "track"),
                plural(shelf.n_artists, "artist"),
                plural(dataset.n_tags(), "tag"),
            ];
            if shelf.total_secs > 0.0 {
                facts.push(duration_text(shelf.total_secs));
            }
            for (split, count) in Split::ALL.iter().zip(shelf.split_counts) {
                if count > 0 {
                    facts.push(format!("{split} {}", count_text(count as u64)));
                }
            }
            ui.label(RichText::new(facts.join(" · ")).color(palette.weak));
        });
        ui.horizontal_wrapped(|ui| {
            let n_problems = dataset.problems.len();
            for (view, label, hint) in [
                (
                    View::Tracks,
                    "Tracks".to_owned(),
                    "All tracks, to search, hear and open",
                ),
                (
                    View::Tags,
                    "Tag counts".to_owned(),
                    "How often each tag occurs in each split",
                ),
                (
                    View::Problems,
                    format!("Problems {}", count_text(n_problems as u64)),
                    "Files that are missing",
                ),
            ] {
                let mut text = RichText::new(label);
                if view == View::Problems && n_problems > 0 {
                    text = text.color(palette.warning);
                }
                if ui
                    .selectable_label(self.view == view, text)
                    .on_hover_text(hint)
                    .clicked()
                {
                    self.view = view;
                }
            }
            ui.separator();
            ui.menu_button("Open", |ui| {
                if ui.button("Choose a folder …").clicked() {
                    ctx.send(UiCommand::OpenDataset);
                    ui.close();
                }
                if ui.button("Demo data set").clicked() {
                    ctx.send(Command::Library(library::Command::OpenDemo));
                    ui.close();
                }
                if ui
                    .button("Read again")
                    .on_hover_text("Read the files of this data set again")
                    .clicked()
                {
                    ctx.send(Command::Library(library::Command::Reload));
                    ui.close();
                }
                let known = ctx.state.library.known();
                if !known.is_empty() {
                    ui.separator();
                    known_ui(ui, known, |folder| ctx.send(Command::OpenDataset(folder)));
                }
            })
            .response
            .on_hover_text("Open another data set");
        });
    }

    fn tracks_ui(&mut self, ctx: &Ctx<'_>, ui: &mut Ui, shelf: &Arc<Shelf>) {
        self.filter_ui(ui, shelf);
        let said = said(
            ctx,
            self.filter
                .tag
                .and_then(|tag| shelf.dataset.tags.get(tag.index())),
        );
        self.listing
            .update(shelf, &self.filter, self.sort, self.descending, said);
        if self.listing.rows().is_empty() {
            empty_state(
                ui,
                "No track fits",
                "No track has all that is asked for above.",
                |ui| {
                    if ui.button("Show all tracks").clicked() {
                        self.filter = Filter::default();
                    }
                },
            );
            return;
        }
        track_table::ui(
            ctx,
            ui,
            shelf,
            self.listing.rows(),
            said,
            &mut self.sort,
            &mut self.descending,
        );
    }

    fn filter_ui(&mut self, ui: &mut Ui, shelf: &Shelf) {
        let palette = theme::palette(ui.visuals());
        let filter = &mut self.filter;
        ui.horizontal_wrapped(|ui| {
            let field = ui.add(
                TextEdit::singleline(&mut filter.text)
                    .hint_text("Search id, artist, tag, source")
                    .desired_width(200.0),
            );
            field.widget_info(|| WidgetInfo::labeled(egui::Role::TextInput, true, "Search tracks"));
            let split_text = filter.split.map_or("All splits", |split| split.name());
            ComboBox::from_id_salt("library split")
                .selected_text(split_text)
                .width(92.0)
                .show_ui(ui, |ui| {
                    ui.selectable_value(&mut filter.split, None, "All splits");
                    for (split, count) in Split::ALL.into_iter().zip(shelf.split_counts) {
                        if count > 0 {
                            let label = format!("{split} ({})", count_text(count as u64));
                            ui.selectable_value(&mut filter.split, Some(split), label);
                        }
                    }
                })
                .response
                .widget_info(|| WidgetInfo::labeled(egui::Role::ComboBox, true, "Filter by split"));
            if !shelf.dataset.tags.is_empty() {
                let tag_text = filter
                    .tag
                    .and_then(|tag| shelf.dataset.tags.get(tag.index()))
                    .map_or("All tags", String::as_str);
                ComboBox::from_id_salt("library tag")
                    .selected_text(tag_text)
                    .width(120.0)
                    .show_ui(ui, |ui| {
                        ui.selectable_value(&mut filter.tag, None, "All tags");
                        for (number, (name, counts)) in
                            (0..).zip(shelf.dataset.tags.iter().zip(&shelf.tag_counts))
                        {
                            let tag = attune_core::dataset::TagIdx(number);
                            let count: usize = counts.iter().sum();
                            let label = format!("{name} ({})", count_text(count as u64));
                            ui.selectable_value(&mut filter.tag, Some(tag), label);
                        }
                    })
                    .response
                    .widget_info(|| {
                        WidgetInfo::labeled(egui::Role::ComboBox, true, "Filter by tag")
                    });
            }
            if *filter != Filter::default()
                && ui
                    .button("Clear")
                    .on_hover_text("Show all tracks")
                    .clicked()
            {
                *filter = Filter::default();
            }
            let (shown, all) = (self.listing.rows().len(), shelf.dataset.tracks.len());
            if shown != all {
                let text = format!("{} of {}", count_text(shown as u64), count_text(all as u64));
                ui.label(RichText::new(text).small().color(palette.weak));
            }
        });
    }
}

/// What the predictions that are open say about the tag that is filtered by, in each track.
fn said<'a>(ctx: &Ctx<'a>, tag: Option<&String>) -> Option<&'a Arc<Vec<labels::Listed>>> {
    let state = &ctx.state.labels;
    state.answers()?;
    ctx.send(Command::Labels(labels::Command::Column(tag.cloned())));
    state.column()
}

fn problems_ui(ui: &mut Ui, shelf: &Shelf) {
    let palette = theme::palette(ui.visuals());
    let problems = &shelf.dataset.problems;
    if problems.is_empty() {
        empty_state(
            ui,
            "No problems",
            "Every track's audio file is there. Files that cannot be decoded are found when a training prepares them.",
            |_| (),
        );
        return;
    }
    let table = egui_extras::TableBuilder::new(ui)
        .id_salt("library problems")
        .column(
            egui_extras::Column::initial(110.0)
                .clip(true)
                .resizable(true),
        )
        .column(
            egui_extras::Column::initial(200.0)
                .clip(true)
                .resizable(true),
        )
        .column(egui_extras::Column::remainder().clip(true));
    table
        .header(theme::ROW_HEIGHT, |mut header| {
            for title in ["Track", "Problem", "File"] {
                header.col(|ui| drop(ui.label(RichText::new(title).small().color(palette.weak))));
            }
        })
        .body(|body| {
            body.rows(theme::ROW_HEIGHT, problems.len(), |mut row| {
                let problem = &problems[row.index()];
                row.col(|ui| drop(ui.label(&problem.track)));
                row.col(|ui| drop(ui.colored_label(palette.warning, &problem.message)));
                row.col(|ui| drop(ui.label(problem.path.display().to_string())));
            });
        });
}

/// The data sets of the catalogue as buttons.
fn known_ui(
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
