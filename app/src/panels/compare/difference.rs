//! A difference with its interval, drawn as a bar about a zero line.

use crate::theme;
use attune_core::metrics::Difference;
use egui::{Rect, RichText, Sense, Stroke, Ui, pos2, vec2};

/// Where no difference is large the bars still end here: a hair's breadth must not look like a gulf.
const LEAST_SPAN: f64 = 0.02;

/// How far the bars of these differences reach to both sides.
pub(super) fn span<'a>(differences: impl Iterator<Item = &'a Difference>) -> f64 {
    differences
        .flat_map(|difference| {
            let ends = difference.interval.map(|range| [range.low, range.high]);
            ends.into_iter().flatten().chain(difference.value)
        })
        .map(f64::abs)
        .fold(LEAST_SPAN, f64::max)
}

/// Number and bar. It points to the side of the better model, in its colour; weak if the interval holds zero.
pub(super) fn ui(ui: &mut Ui, difference: &Difference, span: f64) {
    let palette = theme::palette(ui.visuals());
    let value = difference.value;
    let is_sure = difference.is_significant();
    let colour = match value {
        Some(value) if is_sure => palette.of_series(usize::from(value > 0.0)),
        _ => palette.weak,
    };
    let text = value.map_or_else(|| "–".to_owned(), |value| signed(value, 3));
    let text = RichText::new(text)
        .text_style(theme::figures())
        .color(if is_sure {
            palette.strong
        } else {
            palette.text
        });
    ui.allocate_ui(vec2(44.0, theme::ROW_HEIGHT), |ui| {
        ui.set_min_width(44.0);
        ui.add(egui::Label::new(text).selectable(false));
    });
    let width = (ui.available_width() - 6.0).max(10.0);
    let (rect, response) = ui.allocate_exact_size(vec2(width, theme::ROW_HEIGHT), Sense::hover());
    let painter = ui.painter_at(rect);
    let middle = painter.round_to_pixel_center(rect.center().x);
    painter.vline(middle, rect.y_range(), Stroke::new(1.0, palette.grid));
    // The tick at the very end must be seen as well.
    let reach = 0.5 * rect.width() - 2.0;
    let x = |value: f64| rect.center().x + (value / span) as f32 * reach;
    if let Some(range) = difference.interval {
        let y = rect.center().y;
        let bar = Rect::from_min_max(pos2(x(range.low), y - 3.5), pos2(x(range.high), y + 3.5));
        painter.rect_filled(
            bar,
            2.0,
            colour.gamma_multiply(if is_sure { 0.6 } else { 0.35 }),
        );
    }
    if let Some(value) = value {
        let at = painter.round_to_pixel_center(x(value));
        let tick = (rect.center().y - 6.0)..=(rect.center().y + 6.0);
        painter.vline(at, tick, Stroke::new(2.0, colour));
    }
    response.on_hover_text(words(difference, span));
}

/// With its sign, as it is set in print.
fn signed(value: f64, decimals: usize) -> String {
    let text = format!("{value:+.decimals$}").replace('-', "−");
    // Less than half of the last digit has no sign.
    if text.bytes().any(|byte| (b'1'..=b'9').contains(&byte)) {
        text
    } else {
        format!("{:.decimals$}", 0.0)
    }
}

fn words(difference: &Difference, span: f64) -> String {
    let (Some(value), Some(range)) = (difference.value, difference.interval) else {
        return "Undefined: the split has no track with this tag, or none without".to_owned();
    };
    let verdict = if !difference.is_significant() {
        "The interval holds zero: it may be chance."
    } else if value > 0.0 {
        "The second model is better by more than chance."
    } else {
        "The first model is better by more than chance."
    };
    format!(
        "Second less first: {}, 95 % interval {} to {}.\n{verdict}\nThe bars reach from −{span:.2} to +{span:.2}.",
        signed(value, 4),
        signed(range.low, 4),
        signed(range.high, 4)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_reach_to_the_furthest_end_but_small_differences_stay_small() {
        let of = |value: f64, low: f64, high: f64| Difference {
            value: Some(value),
            interval: Some(attune_core::metrics::Interval { low, high }),
        };
        assert_eq!(span([of(0.1, -0.3, 0.2), of(0.0, 0.0, 0.1)].iter()), 0.3);
        assert_eq!(span([of(0.001, 0.0, 0.002)].iter()), LEAST_SPAN);
        let undefined = Difference {
            value: None,
            interval: None,
        };
        assert_eq!(span([undefined].iter()), LEAST_SPAN);
        assert_eq!(signed(-0.0312, 3), "−0.031");
        assert_eq!(signed(0.0312, 2), "+0.03");
        assert_eq!(signed(-0.0001, 3), "0.000");
        assert!(words(&undefined, 0.1).starts_with("Undefined"));
        assert!(words(&of(0.1, 0.05, 0.2), 0.2).contains("second model is better"));
        assert!(words(&of(0.1, -0.05, 0.2), 0.2).contains("may be chance"));
    }
}
