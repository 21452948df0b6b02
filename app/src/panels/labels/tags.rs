//! The tags of the track that is heard: those the model finds, those it has, and a field to find others.

use super::keys::digit;
use crate::theme;
use crate::workbench::parts::labels::{self, Stroke, Way, chosen_tags, offered_tags, verdict_text};
use crate::workbench::parts::library::Shelf;
use crate::workbench::{Command, Ctx};
use egui::{Event, Key, Response, RichText, TextEdit, Ui, WidgetInfo};

/// A tag in the list.
struct TagRow {
    tag: String,
    /// Whether a digit stands for it.
    has_digit: bool,
    /// What the model says.
    probability: Option<f32>,
    /// Whether the data set says that the track has it.
    is_label: bool,
    /// Whether it counts now.
    is_chosen: bool,
}

/// The tags to show: those that have a digit, then whatever else the track has.
fn rows(ctx: &Ctx<'_>, shelf: &Shelf, track: usize, blind: bool) -> Vec<TagRow> {
    let dataset = &shelf.dataset;
    let facts = &dataset.tracks[track];
    let Some(ledger) = ctx.state.labels.ledger() else {
        return Vec::new();
    };
    let chosen = chosen_tags(dataset, ledger, track, blind);
    let labels: Vec<&str> = dataset.tag_names(track).collect();
    let answers = ctx.state.labels.answers().map(AsRef::as_ref);
    let said = answers.and_then(|answers| Some((answers, answers.of(&facts.id, &facts.path)?)));
    let mut names = offered_tags(dataset, answers, track, blind);
    let n_offered = names.len();
    let shown_labels = labels.iter().copied().filter(|_| !blind);
    for tag in shown_labels.chain(chosen.iter().map(String::as_str)) {
        if !names.contains(&tag) {
            names.push(tag);
        }
    }
    let rows = (0..).zip(names).map(|(place, tag)| TagRow {
        tag: tag.to_owned(),
        has_digit: place < n_offered,
        probability: said.and_then(|(answers, row)| Some(row[answers.tag(tag)?])),
        is_label: labels.contains(&tag),
        is_chosen: chosen.iter().any(|other| other == tag),
    });
    rows.collect()
}

/// The tags that can be found by typing: those of the data set and of the model.
pub(super) fn known_tags<'a>(ctx: &Ctx<'a>, shelf: &'a Shelf) -> Vec<&'a str> {
    let answers = ctx.state.labels.answers();
    let of_model = answers.iter().flat_map(|answers| &answers.about.tags);
    let known = shelf.dataset.tags.iter().chain(of_model);
    known.map(String::as_str).collect()
}

/// The tag that is meant by a part of its name.
pub(super) fn best<'a>(tags: &[&'a str], part: &str) -> Option<&'a str> {
    let part = part.to_lowercase();
    let fits = |tag: &&&str| !part.is_empty() && tag.to_lowercase().contains(&part);
    // A name that begins so comes before one that has it inside.
    let rank = |tag: &&&str| (!tag.to_lowercase().starts_with(&part), tag.len());
    tags.iter().filter(fits).min_by_key(rank).copied()
}

fn toggle(tag: &str, way: Way) -> Command {
    let strokes = vec![Stroke::Toggle(tag.to_owned())];
    Command::Labels(labels::Command::Strokes(strokes, way))
}

/// Draws them, and gives back what was pressed behind the name of a tag that was typed.
pub(super) fn ui(
    ctx: &Ctx<'_>,
    ui: &mut Ui,
    shelf: &Shelf,
    track: usize,
    way: Way,
    find: &mut Option<String>,
    focus: &Response,
) -> Vec<Event> {
    let palette = theme::palette(ui.visuals());
    let rows = rows(ctx, shelf, track, way.blind);
    let facts = &shelf.dataset.tracks[track];
    let mark = ctx
        .state
        .labels
        .ledger()
        .and_then(|ledger| ledger.mark(&facts.id));
    ui.horizontal_wrapped(|ui| {
        let name = RichText::new(&facts.id).text_style(theme::section());
        ui.label(name.color(palette.strong));
        ui.label(RichText::new(&facts.artist).color(palette.weak));
        ui.label(RichText::new(verdict_text(mark)).color(palette.accent));
    });
    egui::Grid::new("tags to decide")
        .num_columns(5)
        .spacing([10.0, 2.0])
        .show(ui, |ui| {
            for (place, row) in rows.iter().enumerate() {
                let key = digit(place).filter(|_| row.has_digit).unwrap_or_default();
                ui.label(RichText::new(key).monospace().color(palette.accent));
                let mut chosen = row.is_chosen;
                let hint = "Whether the track has this tag, as you hear it";
                if ui
                    .checkbox(&mut chosen, &row.tag)
                    .on_hover_text(hint)
                    .clicked()
                {
                    ctx.send(toggle(&row.tag, way));
                    focus.request_focus();
                }
                let text = row
                    .probability
                    .map_or_else(|| "–".to_owned(), |p| format!("{p:.3}"));
                ui.label(RichText::new(text).text_style(theme::figures()))
                    .on_hover_text("The model's probability, 0 to 1");
                match row.probability {
                    Some(share) => drop(
                        ui.add(
                            egui::ProgressBar::new(share)
                                .desired_width(90.0)
                                .desired_height(8.0),
                        ),
                    ),
                    // An empty bar would say 0.
                    None => drop(ui.label("")),
                }
                let word = if row.is_label && !way.blind {
                    "label"
                } else {
                    ""
                };
                ui.label(RichText::new(word).small().color(palette.weak))
                    .on_hover_text("The data set says that the track has it");
                ui.end_row();
            }
        });
    let mut behind = Vec::new();
    if let Some(text) = find {
        if let Some(events) = find_ui(ctx, ui, shelf, way, text, focus) {
            behind = events;
            *find = None;
            focus.request_focus();
        }
    } else if !focus.has_focus() {
        let text = "Click on a track to use the keys: 1–9 tags, / find, Enter accept, X reject, U unsure, S skip, Z undo";
        ui.label(RichText::new(text).small().color(palette.weak));
    }
    behind
}

/// The field for other tags; once it is done with, what was pressed behind the name.
fn find_ui(
    ctx: &Ctx<'_>,
    ui: &mut Ui,
    shelf: &Shelf,
    way: Way,
    text: &mut String,
    focus: &Response,
) -> Option<Vec<Event>> {
    // The stroke that opened the field is no part of a name.
    if text == "/" {
        text.clear();
    }
    let field = ui.add(
        TextEdit::singleline(text)
            .hint_text("Part of a tag")
            .desired_width(160.0),
    );
    field.widget_info(|| WidgetInfo::labeled(egui::Role::TextInput, true, "Find a tag"));
    if focus.has_focus() {
        field.request_focus();
    }
    let best = best(&known_tags(ctx, shelf), text);
    ui.label(best.unwrap_or("no such tag"));
    if !field.lost_focus() {
        return None;
    }
    let is_enter = |event: &Event| matches!(event, Event::Key { key, pressed: true, .. } if *key == Key::Enter);
    ui.input_mut(|input| {
        let Some(at) = input.events.iter().position(is_enter) else {
            return Some(Vec::new());
        };
        if let Some(tag) = best {
            ctx.send(toggle(tag, way));
        }
        let behind = input.events.split_off(at + 1);
        input.events.truncate(at);
        Some(behind)
    })
}
