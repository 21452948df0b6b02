//! What the model makes of both variants: a bar for each, the tags that move most first.

use crate::theme;
use crate::widgets::section_heading;
use crate::workbench::Ctx;
use egui::{Align2, FontId, Rect, RichText, Role, Sense, TextStyle, Ui, WidgetInfo, pos2, vec2};

const NAME_WIDTH: f32 = 132.0;
const FIGURES_WIDTH: f32 = 132.0;
const BAR_HEIGHT: f32 = 6.0;

/// Draws the list.
pub(super) fn tags_ui(ctx: &Ctx<'_>, ui: &mut Ui) {
    let palette = theme::palette(ui.visuals());
    section_heading(ui, "What the model hears");
    let Some(model) = ctx.state.model.current() else {
        ui.label(
            RichText::new("Open a model (Ctrl+M) or train one to see its tags for both.")
                .color(palette.weak),
        );
        return;
    };
    let Some((original, augmented)) = ctx.state.audition.tags() else {
        ui.label(RichText::new("The clip is being tagged.").color(palette.weak));
        return;
    };
    let explanation = format!("{}: tag probabilities, biggest changes first", model.name);
    ui.label(RichText::new(explanation).small().color(palette.weak));
    for tag in by_change(original, augmented) {
        if let Some(name) = model.tags.get(tag) {
            row_ui(ui, name, original[tag], augmented[tag]);
        }
    }
}

/// Indices of the tags, from the one that moves most.
fn by_change(original: &[f32], augmented: &[f32]) -> Vec<usize> {
    let n_tags = original.len().min(augmented.len());
    let change = |&tag: &usize| (augmented[tag] - original[tag]).abs();
    let mut tags: Vec<usize> = (0..n_tags).collect();
    tags.sort_by(|a, b| {
        let by_change = change(b).total_cmp(&change(a));
        by_change.then(original[*b].total_cmp(&original[*a]))
    });
    tags
}

fn row_ui(ui: &mut Ui, name: &str, original: f32, augmented: f32) {
    let palette = theme::palette(ui.visuals());
    let size = vec2(ui.available_width(), theme::ROW_HEIGHT);
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    let change = augmented - original;
    let sign = if change < 0.0 { '−' } else { '+' };
    let said = format!("{name}: {original:.2} to {augmented:.2}");
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &said));
    response.on_hover_text(format!(
        "{name}: probability {original:.3} for the original, {augmented:.3} for the augmented clip"
    ));
    if !ui.is_rect_visible(rect) {
        return;
    }
    let painter = ui.painter_at(rect);
    let font = TextStyle::Body.resolve(ui.style());
    let figures: FontId = theme::figures().resolve(ui.style());
    let middle = rect.center().y;
    painter.text(
        pos2(rect.left(), middle),
        Align2::LEFT_CENTER,
        name,
        font,
        palette.text,
    );
    let text = format!("{original:.2} → {augmented:.2}  {sign}{:.2}", change.abs());
    painter.text(
        pos2(rect.right(), middle),
        Align2::RIGHT_CENTER,
        text,
        figures,
        palette.strong,
    );
    let bars = Rect::from_min_max(
        pos2(rect.left() + NAME_WIDTH, middle - BAR_HEIGHT - 1.0),
        pos2(
            (rect.right() - FIGURES_WIDTH).max(rect.left() + NAME_WIDTH + 8.0),
            middle + BAR_HEIGHT + 1.0,
        ),
    );
    let bar = |top: f32, part: f32, colour| {
        let ground = Rect::from_min_size(pos2(bars.left(), top), vec2(bars.width(), BAR_HEIGHT));
        painter.rect_filled(ground, 1.0, palette.sunken);
        let filled = vec2(bars.width() * part.clamp(0.0, 1.0), BAR_HEIGHT);
        painter.rect_filled(Rect::from_min_size(ground.min, filled), 1.0, colour);
    };
    bar(bars.top(), original, palette.original);
    bar(bars.bottom() - BAR_HEIGHT, augmented, palette.augmented);
}

#[cfg(test)]
mod tests {
    use super::by_change;

    #[test]
    fn the_biggest_movers_come_first_and_among_equals_the_most_probable() {
        assert_eq!(
            by_change(&[0.5, 0.9, 0.1, 0.2], &[0.5, 0.2, 0.4, 0.2]),
            [1, 2, 0, 3]
        );
    }
}
