//! One small chart: the curves of all shown runs for a tag, and on each the point of the shared threshold, to drag.

use super::grid::{HEAD, Shown};
use crate::theme::{self, Palette};
use crate::widgets::{count_text, score_text};
use crate::workbench::parts::per_tag::RankedRun;
use attune_core::metrics::{Counts, CurveKind, CurvePoint};
use egui::{
    Align2, FontId, Pos2, Rect, Response, RichText, Sense, Shape, Stroke, StrokeKind, TextStyle,
    Ui, pos2, vec2,
};
use std::sync::Arc;

/// So close to a curve, in points, the pointer means it.
const NEAR: f32 = 14.0;
/// Room for the number of positives beside the name of a tag, in points.
const POSITIVES: f32 = 46.0;

/// What was asked for in a chart.
pub(super) struct Asked {
    /// Move the threshold here.
    pub(super) threshold: Option<f64>,
    /// List the tracks behind the point: tag, and run by its place.
    pub(super) open: Option<(String, usize)>,
}

/// Draws the chart of `tag` into `rect`.
pub(super) fn ui(
    ui: &mut Ui,
    rect: Rect,
    tag: &str,
    shown: &Shown<'_>,
    grabbed: &mut Option<usize>,
) -> Option<Asked> {
    let palette = theme::palette(ui.visuals());
    let id = ui.scope_id().with(("chart of a tag", tag));
    let response = ui.interact(rect, id, Sense::click_and_drag());
    let is_opened = shown.opened == Some(tag);
    let kind = match shown.kind {
        CurveKind::Roc => "ROC curve",
        CurveKind::PrecisionRecall => "Precision–recall curve",
    };
    response.widget_info(|| {
        egui::WidgetInfo::selected(
            egui::Role::Button,
            true,
            is_opened,
            format!("{kind} of {tag}"),
        )
    });
    let plot = Rect::from_min_max(rect.min + vec2(0.0, HEAD), rect.max).shrink(3.0);
    if !ui.is_rect_visible(rect) {
        return None;
    }
    head_ui(ui, rect, tag, shown, palette);
    // A point on the edge is seen whole.
    let painter = ui
        .painter()
        .with_clip_rect(ui.clip_rect().intersect(rect.expand(4.0)));
    let frame = if is_opened {
        palette.accent
    } else if response.hovered() || response.has_focus() {
        palette.weak
    } else {
        palette.line
    };
    painter.rect(
        plot,
        2.0,
        palette.sunken,
        Stroke::new(1.0, frame),
        StrokeKind::Outside,
    );
    for half in [0.25, 0.5, 0.75] {
        let grid = Stroke::new(0.5, palette.line);
        let (x, y) = (place(plot, half, 0.0).x, place(plot, 0.0, half).y);
        painter.vline(x, plot.y_range(), grid);
        painter.hline(plot.x_range(), y, grid);
    }
    guess_ui(&painter, plot, tag, shown, palette);
    let runs: Vec<(usize, &Arc<RankedRun>)> = shown
        .ranked
        .runs
        .iter()
        .enumerate()
        .filter_map(|(at, run)| Some((at, run.as_ref().ok()?)))
        .collect();
    let mut is_empty = true;
    // The first run lies on top.
    for (at, run) in runs.iter().rev() {
        let curve = run.curve(tag, shown.kind);
        is_empty &= curve.is_empty();
        let points: Vec<Pos2> = curve
            .iter()
            .map(|point| place(plot, point.x, point.y))
            .collect();
        let stroke = Stroke::new(theme::CURVE_WIDTH, palette.of_series(*at));
        painter.add(Shape::line(points, stroke));
    }
    for (at, run) in runs.iter().rev() {
        if let Some(point) = point_of(run, tag, shown) {
            let centre = place(plot, point.0, point.1);
            painter.circle(
                centre,
                4.0,
                palette.of_series(*at),
                Stroke::new(1.5, palette.strong),
            );
        }
    }
    if is_empty {
        painter.text(
            plot.center(),
            Align2::CENTER_CENTER,
            "not defined:\nno track with this tag,\nor none without",
            TextStyle::Small.resolve(ui.style()),
            palette.weak,
        );
    }
    let asked = asked(&response, plot, tag, shown, &runs, grabbed);
    hover_ui(response, tag, shown, &runs, palette);
    asked
}

/// Name of the tag; area of each run and number of positives.
fn head_ui(ui: &Ui, rect: Rect, tag: &str, shown: &Shown<'_>, palette: &Palette) {
    let painter = ui.painter().with_clip_rect(ui.clip_rect().intersect(rect));
    let is_chosen = shown.chosen.iter().any(|other| other == tag);
    let colour = if is_chosen {
        palette.accent
    } else {
        palette.strong
    };
    let body = TextStyle::Body.resolve(ui.style());
    let beside = ui
        .clip_rect()
        .intersect(rect.with_max_x(rect.right() - POSITIVES));
    let name = ui.painter().with_clip_rect(beside);
    name.text(rect.left_top(), Align2::LEFT_TOP, tag, body, colour);
    let small = FontId::new(
        TextStyle::Small.resolve(ui.style()).size,
        theme::figures().resolve(ui.style()).family,
    );
    let mut left = rect.left();
    let baseline = rect.top() + HEAD - 1.0;
    let mut positives = None;
    for (at, run) in shown.ranked.runs.iter().enumerate() {
        let Ok(run) = run else { continue };
        let Some(points) = run.points(tag) else {
            continue;
        };
        positives = positives.or(Some(points.n_positives()));
        let text = score_text(run.area(tag, shown.kind));
        let colour = palette.of_series(at);
        let corner = pos2(left, baseline);
        let drawn = painter.text(corner, Align2::LEFT_BOTTOM, text, small.clone(), colour);
        left = drawn.right() + 5.0;
    }
    if let Some(positives) = positives {
        let text = format!("N {}", count_text(positives));
        let corner = rect.right_top() + vec2(-3.0, 2.0);
        painter.text(corner, Align2::RIGHT_TOP, text, small, palette.weak);
    }
}

/// What guessing gives: the diagonal, or the share of the tracks that have the tag.
fn guess_ui(painter: &egui::Painter, plot: Rect, tag: &str, shown: &Shown<'_>, palette: &Palette) {
    let stroke = Stroke::new(1.0, palette.grid);
    let ends = match shown.kind {
        CurveKind::Roc => Some([place(plot, 0.0, 0.0), place(plot, 1.0, 1.0)]),
        CurveKind::PrecisionRecall => {
            let run = shown.ranked.runs.iter().flatten().next();
            let points = run.and_then(|run| run.points(tag));
            points.map(|points| {
                let share = points.n_positives() as f64 / points.n_clips().max(1) as f64;
                [place(plot, 0.0, share), place(plot, 1.0, share)]
            })
        }
    };
    if let Some(ends) = ends {
        painter.extend(Shape::dashed_line(&ends, stroke, 4.0, 3.0));
    }
}

/// Where the threshold lies on a run's curve.
fn point_of(run: &RankedRun, tag: &str, shown: &Shown<'_>) -> Option<(f64, f64)> {
    let counts = run.points(tag)?.counts(shown.threshold);
    counts.on_curve(shown.kind)
}

fn asked(
    response: &Response,
    plot: Rect,
    tag: &str,
    shown: &Shown<'_>,
    runs: &[(usize, &Arc<RankedRun>)],
    grabbed: &mut Option<usize>,
) -> Option<Asked> {
    // All points, not only those that are drawn: in a steep stretch each has a threshold of its own.
    let nearest_of = |pointer: Pos2, only: Option<usize>| {
        let runs = runs
            .iter()
            .filter(|(at, _)| only.is_none_or(|only| only == *at));
        let points = runs.flat_map(|(at, run)| {
            let points = run.points(tag);
            let curve = points.map_or(Vec::new(), |points| points.curve(shown.kind, None));
            curve.into_iter().map(move |point| (*at, point))
        });
        let found = points.map(|(at, point)| {
            let distance = place(plot, point.x, point.y).distance(pointer);
            ((at, point), distance)
        });
        found.min_by(|one, other| one.1.total_cmp(&other.1))
    };
    // Where nothing is taken no threshold is finite; the highest of the scale comes next to it.
    let threshold = |point: CurvePoint| point.threshold.min(1.0);
    let pointer = response.interact_pointer_pos();
    if response.drag_started() {
        *grabbed = pointer.and_then(|pointer| Some(nearest_of(pointer, None)?.0.0));
    }
    if response.dragged()
        && let Some(pointer) = pointer
    {
        let ((_, point), _) = nearest_of(pointer, *grabbed)?;
        return Some(Asked {
            threshold: Some(threshold(point)),
            open: None,
        });
    }
    if response.clicked() {
        let nearest = pointer.and_then(|pointer| nearest_of(pointer, None));
        let near = nearest.filter(|(_, distance)| *distance <= NEAR);
        // By the keyboard, or on a chart without a curve: the first run that knows the tag.
        let first = || runs.iter().find(|(_, run)| run.points(tag).is_some());
        let run = nearest.map(|((at, _), _)| at);
        let run = run.or_else(|| first().map(|(at, _)| *at))?;
        return Some(Asked {
            threshold: near.map(|((_, point), _)| threshold(point)),
            open: Some((tag.to_owned(), run)),
        });
    }
    None
}

/// The figures of each run at the threshold, under the pointer.
fn hover_ui(
    response: Response,
    tag: &str,
    shown: &Shown<'_>,
    runs: &[(usize, &Arc<RankedRun>)],
    palette: &Palette,
) {
    response.on_hover_ui(|ui| {
        ui.label(RichText::new(format!("{tag} at {:.3}", shown.threshold)).strong());
        for (at, run) in runs {
            let Some(points) = run.points(tag) else {
                continue;
            };
            let counts = points.counts(shown.threshold);
            let best = run
                .best_f1(tag)
                .map_or(String::new(), |(threshold, counts)| {
                    format!(", best {} at {threshold:.3}", score_text(counts.f1()))
                });
            let text = format!("{}\n{}{best}", run.id, counts_text(&counts));
            ui.colored_label(palette.of_series(*at), text);
        }
        let hint =
            "Drag to move the threshold of all charts. Click to list the tracks behind the point.";
        ui.label(RichText::new(hint).small().color(palette.weak));
    });
}

/// The figures of a threshold in a line or two.
pub(super) fn counts_text(counts: &Counts) -> String {
    format!(
        "TP {}  FP {}  FN {}  TN {}\nprecision {}  recall {}  F1 {}",
        count_text(counts.true_positives),
        count_text(counts.false_positives),
        count_text(counts.false_negatives),
        count_text(counts.true_negatives),
        score_text(counts.precision()),
        score_text(counts.recall()),
        score_text(counts.f1()),
    )
}

fn place(plot: Rect, x: f64, y: f64) -> Pos2 {
    pos2(
        plot.left() + x as f32 * plot.width(),
        plot.bottom() - y as f32 * plot.height(),
    )
}
