//! The tags of the track that is heard: those the model finds, those it has, and a field to find others.

use super::keys::{digit, toggle};
use crate::theme;
use crate::workbench::Ctx;
use crate::workbench::parts::labels::{tags_of, verdict_text};
use crate::workbench::parts::library::Shelf;
use attune_core::predict::by_probability;
use egui::{Key, Response, RichText, TextEdit, Ui, WidgetInfo};

/// So many tags have a digit.
const WITH_DIGIT: usize = 10;

/// A tag in the list.
pub(super) struct TagRow {
    pub(super) tag: String,
    /// What the model says.
    probability: Option<f32>,
    /// Whether the data set says that the track has it.
    is_label: bool,
    /// Whether it counts now.
    pub(super) is_chosen: bool,
}

/// The tags to show. Their order depends on nothing that a key changes: the model's favourites, else the labels, else the vocabulary; then
/// whatever else the track has.
pub(super) fn rows(ctx: &Ctx<'_>, shelf: &Shelf, track: usize, blind: bool) -> Vec<TagRow> {
    let dataset = &shelf.dataset;
    let facts = &dataset.tracks[track];
    let Some(ledger) = ctx.state.labels.ledger() else {
        return Vec::new();
    };
    let is_new = ledger.mark(&facts.id).is_none();
    // Who decides blind begins with nothing.
    let chosen = if blind && is_new {
        Vec::new()
    } else {
        tags_of(dataset, ledger, track)
    };
    let labels: Vec<&str> = dataset.tag_names(track).collect();
    let answers = ctx.state.labels.answers();
    let said = answers.and_then(|answers| Some((answers, answers.of(&facts.id, &facts.path)?)));
    let mut names: Vec<&str> = match &said {
        Some((answers, row)) => by_probability(row)
            .into_iter()
            .map(|tag| answers.about.tags[tag].as_str())
            .take(WITH_DIGIT)
            .collect(),
        None => {
            let first = labels.iter().copied().filter(|_| !blind);
            let rest = dataset.tags.iter().map(String::as_str);
            let rest = rest.filter(|tag| blind || !labels.contains(tag));
            first.chain(rest).take(WITH_DIGIT).collect()
        }
    };
    let mut more = labels
        .iter()
        .copied()
        .filter(|_| !blind)
        .collect::<Vec<_>>();
    more.extend(chosen.iter().map(String::as_str));
    for tag in more {
        if !names.contains(&tag) {
            names.push(tag);
        }
    }
    let rows = names.into_iter().map(|tag| TagRow {
        tag: tag.to_owned(),
        probability: said.and_then(|(answers, row)| Some(row[answers.tag(tag)?])),
        is_label: labels.contains(&tag),
        is_chosen: chosen.iter().any(|other| other == tag),
    });
    rows.collect()
}

/// Draws them.
pub(super) fn ui(
    ctx: &Ctx<'_>,
    ui: &mut Ui,
    shelf: &Shelf,
    track: usize,
    rows: &[TagRow],
    blind: bool,
    find: &mut Option<String>,
    focus: &Response,
) {
    let palette = theme::palette(ui.visuals());
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
                let key = digit(place).unwrap_or_default();
                ui.label(RichText::new(key).monospace().color(palette.accent));
                let mut chosen = row.is_chosen;
                let hint = "Whether the track has this tag, as you hear it";
                if ui
                    .checkbox(&mut chosen, &row.tag)
                    .on_hover_text(hint)
                    .clicked()
                {
                    toggle(ctx, shelf, track, &row.tag, rows);
                    focus.request_focus();
                }
                let text = row
                    .probability
                    .map_or_else(|| "–".to_owned(), |p| format!("{p:.3}"));
                ui.label(RichText::new(text).text_style(theme::figures()))
                    .on_hover_text("The model's probability, 0 to 1");
                let share = row.probability.unwrap_or(0.0);
                ui.add(
                    egui::ProgressBar::new(share)
                        .desired_width(90.0)
                        .desired_height(8.0),
                );
                let word = if row.is_label && !blind { "label" } else { "" };
                ui.label(RichText::new(word).small().color(palette.weak))
                    .on_hover_text("The data set says that the track has it");
                ui.end_row();
            }
        });
    if let Some(text) = find {
        let done = find_ui(ctx, ui, shelf, track, rows, text, focus);
        if done {
            *find = None;
            focus.request_focus();
        }
    } else if !focus.has_focus() {
        let text = "Click on a track to use the keys: 1–9 tags, / find, Enter accept, X reject, U unsure, S skip, Z undo";
        ui.label(RichText::new(text).small().color(palette.weak));
    }
}

/// The field for other tags; whether it is done with.
fn find_ui(
    ctx: &Ctx<'_>,
    ui: &mut Ui,
    shelf: &Shelf,
    track: usize,
    rows: &[TagRow],
    text: &mut String,
    focus: &Response,
) -> bool {
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
    let part = text.to_lowercase();
    let answers = ctx.state.labels.answers();
    let of_model = answers.iter().flat_map(|answers| &answers.about.tags);
    let known = shelf.dataset.tags.iter().chain(of_model);
    let best = known
        .filter(|tag| !part.is_empty() && tag.to_lowercase().contains(&part))
        // A name that begins so comes before one that has it inside.
        .min_by_key(|tag| (!tag.to_lowercase().starts_with(&part), tag.len()));
    ui.label(best.map_or("no such tag", String::as_str));
    if field.lost_focus() {
        if let Some(tag) = best
            && ui.input_mut(|input| input.consume_key(egui::Modifiers::NONE, Key::Enter))
        {
            toggle(ctx, shelf, track, tag, rows);
        }
        return true;
    }
    false
}
