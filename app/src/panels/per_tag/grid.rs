//! One small chart a tag, side by side. Only those in sight are laid out.

use super::cell::{self, Asked};
use crate::theme;
use crate::workbench::parts::per_tag::RankedRuns;
use attune_core::metrics::CurveKind;
use egui::{Rect, ScrollArea, Ui, pos2, vec2};

/// Charts are at least so wide, in points.
const MIN_WIDTH: f32 = 150.0;
/// Between charts, in points.
const GAP: f32 = theme::GAP + 2.0;
/// Height of the two lines above a chart, in points.
pub(super) const HEAD: f32 = 32.0;

/// What the charts are sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) enum Order {
    #[default]
    AsGiven,
    Name,
    Worst,
    Best,
    Positives,
}

impl Order {
    pub(super) const ALL: [Self; 5] = [
        Self::AsGiven,
        Self::Name,
        Self::Worst,
        Self::Best,
        Self::Positives,
    ];

    pub(super) fn label(self) -> &'static str {
        match self {
            Self::AsGiven => "As in the data set",
            Self::Name => "By name",
            Self::Worst => "Worst first",
            Self::Best => "Best first",
            Self::Positives => "Most positives first",
        }
    }
}

/// What all charts of a frame share.
pub(super) struct Shown<'a> {
    pub(super) ranked: &'a RankedRuns,
    pub(super) kind: CurveKind,
    pub(super) threshold: f64,
    /// The tag whose tracks are listed.
    pub(super) opened: Option<&'a str>,
    /// The tags that are chosen in all panels.
    pub(super) chosen: &'a [String],
}

/// The tags whose names have `words` in them, in an order that the first run decides.
pub(super) fn ordered<'a>(shown: &Shown<'a>, order: Order, words: &str) -> Vec<&'a str> {
    let words = words.trim().to_lowercase();
    let tags = shown.ranked.tags.iter().map(String::as_str);
    let mut tags: Vec<&str> = tags
        .filter(|tag| tag.to_lowercase().contains(&words))
        .collect();
    let first = shown.ranked.runs.iter().flatten().next();
    let area = |tag: &str| first.and_then(|run| run.area(tag, shown.kind));
    let positives = |tag: &str| first.and_then(|run| Some(run.points(tag)?.n_positives()));
    match order {
        Order::AsGiven => {}
        Order::Name => tags.sort_unstable(),
        // What is not defined stands last, whichever way.
        Order::Worst => tags.sort_by(|one, other| {
            let value = |tag: &str| area(tag).unwrap_or(f64::INFINITY);
            value(one).total_cmp(&value(other))
        }),
        Order::Best => tags.sort_by(|one, other| {
            let value = |tag: &str| area(tag).unwrap_or(f64::NEG_INFINITY);
            value(other).total_cmp(&value(one))
        }),
        Order::Positives => tags.sort_by_key(|tag| std::cmp::Reverse(positives(tag))),
    }
    tags
}

/// How wide the charts are together, in points, and how many stand side by side.
pub(super) fn columns(ui: &Ui, n_tags: usize) -> (f32, usize) {
    // Room for the scroll bar.
    let width = (ui.available_width() - 12.0).max(MIN_WIDTH);
    let n_columns = ((width + GAP) / (MIN_WIDTH + GAP)) as usize;
    (width, n_columns.clamp(1, 8).min(n_tags.max(1)))
}

/// Draws the charts; what was asked for in one of them. `grabbed`: the run whose point is being dragged.
pub(super) fn ui(
    ui: &mut Ui,
    shown: &Shown<'_>,
    tags: &[&str],
    grabbed: &mut Option<usize>,
) -> Option<Asked> {
    let (width, n_columns) = columns(ui, tags.len());
    let cell_width = ((width - GAP * (n_columns - 1) as f32) / n_columns as f32).min(340.0);
    let size = vec2(cell_width, HEAD + 0.8 * cell_width);
    let mut asked = None;
    ui.spacing_mut().item_spacing.y = GAP;
    ScrollArea::vertical().auto_shrink(false).show_rows(
        ui,
        size.y,
        tags.len().div_ceil(n_columns),
        |ui, rows| {
            for row in rows {
                let (rect, _) = ui.allocate_exact_size(vec2(width, size.y), egui::Sense::hover());
                let tags = tags.iter().skip(row * n_columns).take(n_columns);
                for (column, tag) in tags.enumerate() {
                    let left = rect.left() + column as f32 * (size.x + GAP);
                    let cell = Rect::from_min_size(pos2(left, rect.top()), size);
                    if let Some(answer) = cell::ui(ui, cell, tag, shown, grabbed) {
                        asked = Some(answer);
                    }
                }
            }
        },
    );
    asked
}
