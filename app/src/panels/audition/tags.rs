//! What one model or two make of both variants: a bar for each, the tags that move most first.

use super::beside::beside_ui;
use crate::theme::{self, Palette};
use crate::widgets::section_heading;
use crate::workbench::Ctx;
use attune_core::predict::Model;
use egui::{
    Align2, Color32, FontId, Painter, Rect, RichText, Role, Sense, TextEdit, TextStyle, Ui,
    WidgetInfo, pos2, vec2,
};

const NAME_WIDTH: f32 = 132.0;
const FIGURES_WIDTH: f32 = 132.0;
const BAR_HEIGHT: f32 = 6.0;
/// Fewer tags than this need no search.
const MANY_TAGS: usize = 12;

/// The list's own looks.
#[derive(Debug, Default)]
pub(super) struct Tags {
    search: String,
}

/// A model's probabilities of a tag in the original and the augmented clip.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Pair {
    original: f32,
    augmented: f32,
}

impl Pair {
    fn change(self) -> f32 {
        self.augmented - self.original
    }
}

/// A tag and what the models make of it; one of them may not know it.
#[derive(Clone, Debug, PartialEq)]
struct Row<'a> {
    name: &'a str,
    models: [Option<Pair>; 2],
}

impl Row<'_> {
    /// The larger movement of the two models.
    fn movement(&self) -> f32 {
        let moved = self.models.iter().flatten().map(|pair| pair.change().abs());
        moved.fold(0.0, f32::max)
    }

    fn highest(&self) -> f32 {
        let original = self.models.iter().flatten().map(|pair| pair.original);
        original.fold(0.0, f32::max)
    }
}

impl Tags {
    /// Draws the list.
    pub(super) fn ui(&mut self, ctx: &Ctx<'_>, ui: &mut Ui) {
        let palette = theme::palette(ui.visuals());
        section_heading(ui, "What the model hears");
        let Some(model) = ctx.state.model.current() else {
            ui.label(
                RichText::new("Open a model (Ctrl+M) or train one to see its tags for both.")
                    .color(palette.weak),
            );
            return;
        };
        let Some(tags) = ctx.state.audition.tags(model) else {
            ui.label(RichText::new("The clip is being tagged.").color(palette.weak));
            return;
        };
        let other = ctx.state.audition.other_model();
        let other = other.zip(ctx.state.audition.other_tags());
        ui.horizontal_wrapped(|ui| {
            let names = match other {
                Some((other, _)) => format!("{} (above) and {} (below)", model.name, other.name),
                None => model.name.clone(),
            };
            let explanation = format!("{names}: tag probabilities, biggest changes first");
            ui.label(RichText::new(explanation).small().color(palette.weak));
            beside_ui(ctx, ui);
            if model.tags.len() > MANY_TAGS {
                let field = TextEdit::singleline(&mut self.search)
                    .hint_text("find a tag")
                    .desired_width(120.0);
                let field = ui
                    .add(field)
                    .on_hover_text("Show only tags with these letters");
                field.widget_info(|| WidgetInfo::labeled(Role::TextInput, true, "Find a tag"));
            }
        });
        let mut rows = by_movement((model, tags), other.map(|(other, tags)| (&**other, tags)));
        let wanted = self.search.trim().to_lowercase();
        rows.retain(|row| row.name.to_lowercase().contains(&wanted));
        if rows.is_empty() {
            ui.label(RichText::new("No tag has these letters.").color(palette.weak));
        }
        for row in rows {
            row_ui(ui, &row, other.is_some());
        }
    }
}

/// A model with its probabilities for the original and the augmented clip.
type Answer<'a> = (&'a Model, (&'a [f32], &'a [f32]));

/// The tags that either model knows, from the one that moves most; among equals the most probable first.
fn by_movement<'a>(first: Answer<'a>, second: Option<Answer<'a>>) -> Vec<Row<'a>> {
    let named = |answer: Answer<'a>| {
        let (model, (original, augmented)) = answer;
        let pairs = original.iter().zip(augmented);
        let pairs = pairs.map(|(&original, &augmented)| Pair {
            original,
            augmented,
        });
        model.tags.iter().map(String::as_str).zip(pairs)
    };
    let mut rows: Vec<Row<'a>> = named(first)
        .map(|(name, pair)| Row {
            name,
            models: [Some(pair), None],
        })
        .collect();
    for (name, pair) in second.into_iter().flat_map(named) {
        match rows.iter_mut().find(|row| row.name == name) {
            Some(row) => row.models[1] = Some(pair),
            None => rows.push(Row {
                name,
                models: [None, Some(pair)],
            }),
        }
    }
    sort(&mut rows);
    rows
}

fn sort(rows: &mut [Row<'_>]) {
    rows.sort_by(|a, b| {
        let by_movement = b.movement().total_cmp(&a.movement());
        by_movement.then(b.highest().total_cmp(&a.highest()))
    });
}

/// What is said of a tag, for those who cannot see the bars.
fn said(row: &Row<'_>) -> String {
    let pairs = row.models.iter().flatten();
    let pairs = pairs.map(|pair| format!("{:.2} to {:.2}", pair.original, pair.augmented));
    let pairs: Vec<String> = pairs.collect();
    format!("{}: {}", row.name, pairs.join(", other model "))
}

fn row_ui(ui: &mut Ui, row: &Row<'_>, has_other: bool) {
    let palette = theme::palette(ui.visuals());
    let n_lines = if has_other { 2.0 } else { 1.0 };
    let size = vec2(ui.available_width(), n_lines * theme::ROW_HEIGHT);
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, said(row)));
    response.on_hover_ui(|ui| hint_ui(ui, row));
    if !ui.is_rect_visible(rect) {
        return;
    }
    let painter = ui.painter_at(rect);
    let font = TextStyle::Body.resolve(ui.style());
    let figures: FontId = theme::figures().resolve(ui.style());
    let at = pos2(rect.left(), rect.top() + theme::ROW_HEIGHT / 2.0);
    painter.text(at, Align2::LEFT_CENTER, row.name, font, palette.text);
    for (nth, pair) in row.models.iter().enumerate().take(n_lines as usize) {
        let top = rect.top() + nth as f32 * theme::ROW_HEIGHT;
        let line = Rect::from_min_size(
            pos2(rect.left(), top),
            vec2(rect.width(), theme::ROW_HEIGHT),
        );
        let fade = if nth == 0 { 1.0 } else { 0.65 };
        line_ui(&painter, line, *pair, figures.clone(), palette, fade);
    }
}

/// Bars and figures of one model.
fn line_ui(
    painter: &Painter,
    rect: Rect,
    pair: Option<Pair>,
    figures: FontId,
    palette: &Palette,
    fade: f32,
) {
    let middle = rect.center().y;
    let write = |text: String, colour: Color32| {
        let at = pos2(rect.right(), middle);
        painter.text(at, Align2::RIGHT_CENTER, text, figures, colour);
    };
    let Some(pair) = pair else {
        write("not known to this model".to_owned(), palette.weak);
        return;
    };
    let text = format!(
        "{:.2} → {:.2}  {}",
        pair.original,
        pair.augmented,
        signed(pair.change())
    );
    write(
        text,
        if fade < 1.0 {
            palette.text
        } else {
            palette.strong
        },
    );
    let left = rect.left() + NAME_WIDTH;
    let right = (rect.right() - FIGURES_WIDTH).max(left + 8.0);
    let bar = |top: f32, part: f32, colour: Color32| {
        let ground = Rect::from_min_size(pos2(left, top), vec2(right - left, BAR_HEIGHT));
        painter.rect_filled(ground, 1.0, palette.sunken);
        let filled = vec2(ground.width() * part.clamp(0.0, 1.0), BAR_HEIGHT);
        let filled = Rect::from_min_size(ground.min, filled);
        painter.rect_filled(filled, 1.0, colour.gamma_multiply(fade));
    };
    bar(middle - BAR_HEIGHT - 1.0, pair.original, palette.original);
    bar(middle + 1.0, pair.augmented, palette.augmented);
}

fn hint_ui(ui: &mut Ui, row: &Row<'_>) {
    for (pair, model) in row
        .models
        .iter()
        .zip(["the model in use", "the other model"])
    {
        if let Some(pair) = pair {
            ui.label(format!(
                "{}, {model}: probability {:.3} for the original, {:.3} for the augmented clip",
                row.name, pair.original, pair.augmented
            ));
        }
    }
    if let [Some(first), Some(second)] = row.models {
        ui.label(format!(
            "The other model gives it {} for the original and {} for the augmented clip than the one in use",
            more(second.original - first.original),
            more(second.augmented - first.augmented)
        ));
    }
}

fn more(difference: f32) -> String {
    let word = if difference < 0.0 { "less" } else { "more" };
    format!("{:.3} {word}", difference.abs())
}

/// With a sign of its own width.
fn signed(value: f32) -> String {
    let sign = if value < 0.0 { '−' } else { '+' };
    format!("{sign}{:.2}", value.abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, first: Option<(f32, f32)>, second: Option<(f32, f32)>) -> Row<'_> {
        let pair = |(original, augmented)| Pair {
            original,
            augmented,
        };
        Row {
            name,
            models: [first.map(pair), second.map(pair)],
        }
    }

    #[test]
    fn the_biggest_movers_of_either_model_come_first_and_among_equals_the_most_probable() {
        let mut rows = [
            row("still", Some((0.5, 0.5)), Some((0.5, 0.5))),
            row("falls", Some((0.9, 0.2)), None),
            row("moves in the other", Some((0.1, 0.1)), Some((0.1, 0.9))),
            row("lower", Some((0.2, 0.2)), None),
        ];
        sort(&mut rows);
        let names = rows.map(|row| row.name);
        assert_eq!(names, ["moves in the other", "falls", "still", "lower"]);
    }

    #[test]
    fn a_row_says_both_models() {
        let both = row("flute", Some((0.5, 0.25)), Some((0.75, 0.5)));
        assert_eq!(said(&both), "flute: 0.50 to 0.25, other model 0.75 to 0.50");
        assert_eq!(signed(-0.251), "−0.25");
    }
}
