//! The Labels panel: tags corrected by ear, with the keyboard. A list of tracks to walk through, the tags of one with what a model says, and a
//! key for each decision.

mod keys;
mod tags;
mod tracks;

use crate::theme;
use crate::widgets::{cancelled_ui, count_text, duration_text, empty_state, expanded, path_field};
use crate::workbench::parts::labels::{self, Order, Wanted, Way};
use crate::workbench::parts::library::{self, Shelf};
use crate::workbench::{Command, Ctx};
use attune_core::dataset::Split;
use egui::{ComboBox, RichText, TextEdit, Ui, WidgetInfo};
pub(crate) use keys::KEYS;
use std::path::PathBuf;
use std::sync::Arc;

/// The Labels panel's own looks.
#[derive(Debug, Default, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct State {
    /// Existing labels are not shown.
    blind: bool,
    /// A track is played when one comes to it.
    plays: bool,
    order: Order,
    /// The data set that all below is about.
    #[serde(skip)]
    about: Option<PathBuf>,
    #[serde(skip)]
    wanted: Wanted,
    /// What is typed to find a tag; `None`: nobody looks for one.
    #[serde(skip)]
    find: Option<String>,
    #[serde(skip)]
    path: String,
}

impl State {
    /// Draws the panel.
    pub fn ui(&mut self, ctx: &Ctx<'_>, ui: &mut Ui) {
        let Some(folder) = &ctx.state.selection.dataset else {
            let sentence = "Open one in the Library: its tracks can then be heard one after the other, and their tags corrected.";
            empty_state(ui, "No data set is open", sentence, |_| ());
            return;
        };
        if self.about.as_ref() != Some(folder) {
            self.about = Some(folder.clone());
            self.wanted = Wanted::default();
            self.find = None;
        }
        let Some(shelf) = ctx.state.library.shelf(folder) else {
            not_there_ui(ctx, ui, folder);
            return;
        };
        let shelf = Arc::clone(shelf);
        let state = &ctx.state.labels;
        if state.ledger().is_none() {
            match state.error(folder) {
                _ if state.is_opening() => drop(ui.spinner()),
                None => {
                    ctx.send(Command::Labels(labels::Command::Open));
                    ui.spinner();
                }
                Some(error) => {
                    empty_state(ui, "The corrections cannot be opened", error, |ui| {
                        if ui.button("Try again").clicked() {
                            ctx.send(Command::Labels(labels::Command::Open));
                        }
                    });
                }
            }
            return;
        }
        self.wanted.order = self.order;
        if state.walked() != Some(&self.wanted) {
            ctx.send(Command::Labels(labels::Command::List(self.wanted.clone())));
        }
        self.head_ui(ctx, ui, &shelf);
        ui.separator();
        let focus = keys::focus(ui);
        let way = Way {
            blind: self.blind,
            plays: self.plays,
        };
        let tags = tags::known_tags(ctx, &shelf);
        let events = keys::taken(ui, &focus);
        let others = keys::carry_out(ctx, ui, events, way, &tags, &mut self.find);
        ui.input_mut(|input| input.events.extend(others));
        let current = ctx.state.selection.track.as_ref();
        let current = current.and_then(|id| shelf.by_id.get(id)).copied();
        if let Some(track) = current {
            let behind = tags::ui(ctx, ui, &shelf, track, way, &mut self.find, &focus);
            keys::carry_out(ctx, ui, behind, way, &tags, &mut self.find);
            ui.separator();
        }
        if state.is_listing_cancelled() {
            let again = || Command::Labels(labels::Command::List(self.wanted.clone()));
            cancelled_ui(ui, "Looking up the tracks was cancelled.", || {
                ctx.send(again())
            });
        }
        tracks::ui(ctx, ui, &shelf, current, self.blind, self.plays, &focus);
    }

    /// Progress, what is walked through, where predictions come from.
    fn head_ui(&mut self, ctx: &Ctx<'_>, ui: &mut Ui, shelf: &Shelf) {
        let palette = theme::palette(ui.visuals());
        let state = &ctx.state.labels;
        let send = |command| ctx.send(Command::Labels(command));
        let step = |stroke| send(labels::Command::Strokes(vec![stroke], Way::default()));
        ui.horizontal_wrapped(|ui| {
            let n = state.n_decided();
            let text = format!(
                "decided {} of {}",
                count_text(n as u64),
                count_text(shelf.dataset.tracks.len() as u64)
            );
            ui.label(RichText::new(text).color(palette.strong))
                .on_hover_text("Tracks of which somebody has said that their tags are right, that they are of no use, or that it cannot be told");
            ui.checkbox(&mut self.blind, "Blind")
                .on_hover_text("Do not show the labels that the data set gives: decide by ear alone");
            ui.checkbox(&mut self.plays, "Play on arrival")
                .on_hover_text("Play each track when you come to it");
            let ledger = state.ledger();
            let button = |ui: &mut Ui, label: &str, is_possible: bool, hint: &str| {
                ui.add_enabled(is_possible, egui::Button::new(label))
                    .on_hover_text(hint)
                    .clicked()
            };
            let can_undo = ledger.is_some_and(|ledger| ledger.last_done().is_some());
            if button(ui, "Undo", can_undo, "Take the last step back; any number of them (Z)") {
                step(labels::Stroke::Undo);
            }
            let can_redo = ledger.is_some_and(|ledger| ledger.last_undone().is_some());
            if button(ui, "Redo", can_redo, "Do it again (Y)") {
                step(labels::Stroke::Redo);
            }
            let hint = "Write labels.csv, tags.txt and changes.csv into the workspace's exports, as a folder that opens as a data set. The data set's own files stay as they are.";
            if button(ui, "Export labels", n > 0 || can_undo, hint) {
                send(labels::Command::Export);
            }
        });
        ui.horizontal_wrapped(|ui| {
            let wanted = &mut self.wanted;
            let field = TextEdit::singleline(&mut wanted.text)
                .hint_text("Search id, artist")
                .desired_width(130.0);
            ui.add(field).widget_info(|| {
                WidgetInfo::labeled(egui::Role::TextInput, true, "Search tracks to label")
            });
            let text = wanted.split.map_or("All splits", Split::name);
            ComboBox::from_id_salt("labels split")
                .selected_text(text)
                .width(92.0)
                .show_ui(ui, |ui| {
                    ui.selectable_value(&mut wanted.split, None, "All splits");
                    for split in Split::ALL {
                        ui.selectable_value(&mut wanted.split, Some(split), split.name());
                    }
                });
            let has_answers = state.answers().is_some();
            // What follows needs a model's answers.
            if !has_answers {
                ui.disable();
            }
            let word = |order| match order {
                Order::Place => "In the order of the data set",
                Order::Disagreement => "Most disagreement first",
                Order::Probability => "Most probable first",
            };
            ComboBox::from_id_salt("labels order")
                .selected_text(word(self.order))
                .width(190.0)
                .show_ui(ui, |ui| {
                    for order in [Order::Place, Order::Disagreement, Order::Probability] {
                        ui.selectable_value(&mut self.order, order, word(order));
                    }
                })
                .response
                .on_hover_text(
                    "Disagreement: how far the model's probability lies from the label, 0 to 1",
                )
                .widget_info(|| {
                    WidgetInfo::labeled(egui::Role::ComboBox, true, "Order of the tracks")
                });
            let text = wanted.tag.clone().unwrap_or_else(|| "any tag".to_owned());
            ComboBox::from_id_salt("labels tag")
                .selected_text(text)
                .width(110.0)
                .show_ui(ui, |ui| {
                    ui.selectable_value(&mut wanted.tag, None, "any tag");
                    for tag in &shelf.dataset.tags {
                        ui.selectable_value(&mut wanted.tag, Some(tag.clone()), tag);
                    }
                })
                .response
                .widget_info(|| {
                    WidgetInfo::labeled(egui::Role::ComboBox, true, "Tag of the order")
                });
        });
        self.predictions_ui(ctx, ui);
    }

    fn predictions_ui(&mut self, ctx: &Ctx<'_>, ui: &mut Ui) {
        let palette = theme::palette(ui.visuals());
        let state = &ctx.state.labels;
        let send = |command| ctx.send(Command::Labels(command));
        ui.horizontal_wrapped(|ui| {
            if let Some(standing) = state.tagging() {
                ui.spinner();
                let mut text = format!(
                    "Tagging: {} of {} tracks",
                    count_text(standing.n_done as u64),
                    count_text(standing.n_tracks as u64)
                );
                if let Some((pace, left)) = standing.clips_per_sec.zip(standing.secs_left) {
                    text += &format!(", {pace:.1} clips/s, {} left", duration_text(left));
                }
                ui.label(text);
                let hint = "What is done is kept; asking again goes on from there";
                if ui.button("Stop tagging").on_hover_text(hint).clicked() {
                    send(labels::Command::StopTagging);
                }
                return;
            }
            let hint = "Ask the model in use about every track of the data set, in the background; then tracks can be sorted by what it says. What was stopped goes on.";
            if ui.button("Tag all tracks with this model").on_hover_text(hint).clicked() {
                send(labels::Command::TagAll);
            }
            match state.answers() {
                Some(answers) => {
                    let text = format!("Predictions of {}", answers.about.model_text());
                    let file = state.answers_file().map(|file| file.display().to_string());
                    ui.label(RichText::new(text).color(palette.weak))
                        .on_hover_text(file.unwrap_or_default());
                }
                None => {
                    let hint = "A table that `attune predict --out` wrote: .csv or .parquet; Enter opens it";
                    let (field, _) = path_field(ui, "Open predictions", hint, &mut self.path);
                    let entered = field.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter));
                    if entered && !self.path.trim().is_empty() {
                        send(labels::Command::ReadAnswers(expanded(self.path.trim())));
                        self.path.clear();
                    }
                }
            }
        });
    }
}

/// The tracks of the data set in use are not at hand: why, and what to do.
fn not_there_ui(ctx: &Ctx<'_>, ui: &mut Ui, folder: &PathBuf) {
    let library = &ctx.state.library;
    let errors = [library.browser.error(folder), library.error(folder)];
    let mut button = |title: &str, why: &str, label: &str, command| {
        empty_state(ui, title, why, |ui| {
            if ui.button(label).clicked() {
                ctx.send(Command::Library(command));
            }
        });
    };
    if let Some(error) = errors.into_iter().flatten().last() {
        let title = "The data set cannot be used here";
        button(title, error, "Try again", library::Command::Reload);
    } else if library.is_cancelled() {
        let (title, why) = ("Opening was cancelled", "Its tracks were not read.");
        button(title, why, "Start again", library::Command::StartAgain);
    } else {
        ui.horizontal(|ui| {
            ui.spinner();
            ui.label("Reading its tracks …");
        });
    }
}

/// Opens a track of the list, and plays it if that is wanted.
fn open(ctx: &Ctx<'_>, shelf: &Shelf, track: usize, play: bool) {
    // The list may be of an earlier reading of the data set.
    if let Some(track) = shelf.dataset.tracks.get(track) {
        let id = track.id.clone();
        ctx.send(Command::Library(library::Command::OpenTrack { id, play }));
    }
}
