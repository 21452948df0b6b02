//! Parallel coordinates: an axis a setting or score, a line a run. Dragging along an axis marks runs, dragging its name moves it.

use super::State;
use super::shown::Shown;
use crate::theme::{self, Palette};
use crate::workbench::{Ctx, Select};
use attune_core::run::FieldAxis;
use egui::{
    Align2, Color32, CursorIcon, FontId, Id, Painter, Pos2, Rect, Sense, Shape, Stroke, Ui, pos2,
    vec2,
};

/// Above the axes, for their names.
const HEAD: f32 = 26.0;
/// Below the axes, for runs without a value.
const FOOT: f32 = 26.0;
/// Beside the first and the last axis, for what stands at their ticks.
const SIDE: f32 = 70.0;
/// So close to an axis, in points, a drag marks it.
const REACH: f32 = 14.0;
/// So close to a line, in points, the pointer means it.
const NEAR: f32 = 6.0;

/// What is being dragged.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Drag {
    /// A mark on an axis, from this place on.
    Mark { axis: usize, from: f64 },
    /// An axis by its name.
    Axis { axis: usize },
}

/// Where the axes stand.
struct Place {
    plot: Rect,
    n: usize,
}

impl Place {
    fn x(&self, axis: usize) -> f32 {
        match self.n {
            0 | 1 => self.plot.center().x,
            n => self.plot.left() + self.plot.width() * axis as f32 / (n - 1) as f32,
        }
    }

    /// The axis whose place is nearest.
    fn nearest(&self, x: f32) -> Option<usize> {
        let distance = |axis: &usize| (self.x(*axis) - x).abs();
        (0..self.n).min_by(|one, other| distance(one).total_cmp(&distance(other)))
    }

    fn y(&self, place: Option<f64>) -> f32 {
        match place {
            Some(place) => self.plot.bottom() - self.plot.height() * place as f32,
            None => self.plot.bottom() + FOOT * 0.6,
        }
    }

    fn place_at(&self, y: f32) -> f64 {
        f64::from((self.plot.bottom() - y) / self.plot.height())
    }

    fn point(&self, axis: usize, place: Option<f64>) -> Pos2 {
        pos2(self.x(axis), self.y(place))
    }
}

impl State {
    pub(super) fn parallel_ui(&mut self, ctx: &Ctx<'_>, ui: &mut Ui, shown: &Shown) {
        let palette = theme::palette(ui.visuals());
        // The axis that was dragged may be gone.
        if !ui.input(|input| input.pointer.any_down() || input.pointer.any_released()) {
            self.drag = None;
        }
        let size = ui.available_size().max(vec2(200.0, 160.0));
        let (rect, response) = ui.allocate_exact_size(size, Sense::click());
        response.widget_info(|| {
            egui::WidgetInfo::labeled(egui::Role::Image, true, "Parallel coordinates")
        });
        let place = Place {
            plot: Rect::from_min_max(
                rect.min + vec2(SIDE, HEAD + 14.0),
                rect.max - vec2(SIDE, FOOT + 4.0),
            ),
            n: shown.axes.len(),
        };
        if shown.axes.iter().any(|axis| axis.places.contains(&None)) {
            ui.painter().text(
                pos2(rect.left() + 4.0, place.y(None)),
                Align2::LEFT_CENTER,
                "no value",
                FontId::proportional(10.0),
                palette.weak,
            );
        }
        let pointer = response.hover_pos().filter(|_| self.drag.is_none());
        let hovered = pointer.and_then(|at| nearest_run(shown, &place, at));
        runs_ui(ui.painter(), shown, &place, hovered, palette);
        for idx in 0..shown.axes.len() {
            self.axis_ui(ui, shown, &place, idx, palette);
        }
        let Some(run) = hovered else { return };
        let list = ctx.state.runs.list().unwrap_or_default();
        if response.clicked()
            && let Some(summary) = list.get(shown.runs[run])
        {
            ctx.send(Select::Run(Some(summary.folder.clone())));
        }
        let axes: Vec<&FieldAxis> = shown.axes.iter().collect();
        response.on_hover_text_at_pointer(shown.hint(run, &axes, list));
    }

    fn axis_ui(&mut self, ui: &Ui, shown: &Shown, place: &Place, idx: usize, palette: &Palette) {
        let axis = &shown.axes[idx];
        let x = place.x(idx);
        let painter = ui.painter();
        let stroke = Stroke::new(1.0, palette.text);
        painter.vline(x, place.plot.y_range(), stroke);
        let brush = self.brushes.iter().find_map(|brush| axis.places_of(brush));
        if let Some((low, high)) = brush {
            let marked = Rect::from_min_max(
                pos2(x - 6.0, place.y(Some(high))),
                pos2(x + 6.0, place.y(Some(low))),
            );
            painter.rect_filled(marked, 2.0, palette.accent.gamma_multiply(0.35));
            painter.rect_stroke(
                marked,
                2.0,
                Stroke::new(1.0, palette.accent),
                egui::StrokeKind::Inside,
            );
        }
        let is_last = idx + 1 == place.n;
        for (at, text) in axis.ticks(5) {
            let at = pos2(x, place.y(Some(at)));
            painter.hline(x - 3.0..=x + 3.0, at.y, stroke);
            let (anchor, offset) = if is_last {
                (Align2::LEFT_CENTER, 6.0)
            } else {
                (Align2::RIGHT_CENTER, -6.0)
            };
            let text = shortened(&text);
            haloed_text(painter, at + vec2(offset, 0.0), anchor, &text, palette);
        }
        self.head_ui(ui, shown, place, idx, palette);
        let strip = Rect::from_x_y_ranges(
            x - REACH..=x + REACH,
            place.plot.top() - 4.0..=place.plot.bottom() + 4.0,
        );
        let id = Id::unique(("parameters axis", axis.field.to_string()));
        let response = ui.interact(strip, id, Sense::click_and_drag());
        response.widget_info(|| {
            egui::WidgetInfo::labeled(
                egui::Role::Slider,
                true,
                format!("Axis {}", axis.field.label()),
            )
        });
        let response = response.on_hover_cursor(CursorIcon::ResizeVertical);
        if response.clicked() {
            self.unmark(&axis.field);
        }
        let Some(at) = response.interact_pointer_pos() else {
            return;
        };
        let at = place.place_at(at.y);
        if response.drag_started() {
            // Where the button went down, not where the pointer was first seen to move.
            let from = ui.input(|input| input.pointer.press_origin());
            let from = from.map_or(at, |from| place.place_at(from.y));
            self.drag = Some(Drag::Mark { axis: idx, from });
        }
        if let Some(Drag::Mark {
            axis: dragged,
            from,
        }) = self.drag
            && dragged == idx
        {
            self.mark(axis.brush(from, at));
            if response.drag_stopped() {
                self.drag = None;
            }
        }
    }

    /// The name of an axis, by which it is moved.
    fn head_ui(&mut self, ui: &Ui, shown: &Shown, place: &Place, idx: usize, palette: &Palette) {
        let field = &shown.axes[idx].field;
        let width = (place.plot.width() / place.n.max(2) as f32).clamp(50.0, 150.0);
        let rect = Rect::from_center_size(
            pos2(place.x(idx), place.plot.top() - HEAD * 0.7),
            vec2(width - 6.0, 18.0),
        );
        let id = Id::unique(("parameters axis name", field.to_string()));
        let response = ui.interact(rect, id, Sense::drag());
        response.widget_info(|| {
            egui::WidgetInfo::labeled(egui::Role::Button, true, format!("Move {}", field.label()))
        });
        let colour = if response.hovered() || response.dragged() {
            palette.accent
        } else {
            palette.strong
        };
        let painter = ui.painter().with_clip_rect(rect.expand(2.0));
        painter.text(
            rect.center(),
            Align2::CENTER_CENTER,
            field.label(),
            FontId::proportional(11.5),
            colour,
        );
        if response.drag_started() {
            self.drag = Some(Drag::Axis { axis: idx });
        }
        if response.drag_stopped()
            && let Some(Drag::Axis { .. }) = self.drag.take()
            && let Some(at) = response.interact_pointer_pos()
            && let Some(to) = place.nearest(at.x)
        {
            let mut axes: Vec<_> = shown.axes.iter().map(|axis| axis.field.clone()).collect();
            let moved = axes.remove(idx);
            axes.insert(to, moved);
            self.axes = axes;
        }
        response
            .on_hover_cursor(CursorIcon::Grab)
            .on_hover_text(format!(
                "{}\nDrag: move the axis. Drag along the axis: mark runs. Click on the axis: unmark",
                field.about()
            ));
    }
}

/// All lines: those that step back first, the one under the pointer last.
fn runs_ui(
    painter: &Painter,
    shown: &Shown,
    place: &Place,
    hovered: Option<usize>,
    palette: &Palette,
) {
    let line = |run: usize, stroke: Stroke| {
        let points = shown.axes.iter().enumerate();
        let points = points
            .map(|(idx, axis)| place.point(idx, axis.places[run]))
            .collect();
        Shape::line(points, stroke)
    };
    let faint = palette.weak.gamma_multiply(0.12);
    // Many lines hide each other: they become lighter.
    let strength = (30.0 / shown.n_bright().max(1) as f32)
        .sqrt()
        .clamp(0.25, 0.9);
    let lines = |is_bright: bool| {
        (0..shown.runs.len())
            .filter(move |run| shown.is_bright[*run] == is_bright)
            .map(move |run| {
                let colour: Color32 = if is_bright {
                    shown.colours[run].gamma_multiply(strength)
                } else {
                    faint
                };
                line(run, Stroke::new(1.2, colour))
            })
    };
    painter.extend(lines(false));
    painter.extend(lines(true));
    if let Some(run) = hovered {
        painter.add(line(run, Stroke::new(3.0, palette.strong)));
        painter.add(line(run, Stroke::new(1.6, shown.colours[run])));
    }
}

/// The run whose line is nearest to the pointer, if it is near; of those that are marked.
fn nearest_run(shown: &Shown, place: &Place, at: Pos2) -> Option<usize> {
    let right = (1..place.n).find(|axis| place.x(*axis) >= at.x)?;
    let left = right - 1;
    let part = (at.x - place.x(left)) / (place.x(right) - place.x(left));
    if !(0.0..=1.0).contains(&part) {
        return None;
    }
    let distance = |run: usize| {
        let from = place.point(left, shown.axes[left].places[run]);
        let to = place.point(right, shown.axes[right].places[run]);
        let y = from.y + (to.y - from.y) * part;
        // Across a steep line, not along the screen.
        let slope = (to.y - from.y) / (to.x - from.x).max(1.0);
        (y - at.y).abs() / (1.0 + slope * slope).sqrt()
    };
    (0..shown.runs.len())
        .filter(|run| shown.is_bright[*run])
        .map(|run| (run, distance(run)))
        .filter(|(_, distance)| *distance <= NEAR)
        .min_by(|one, other| one.1.total_cmp(&other.1))
        .map(|(run, _)| run)
}

/// Text that can be read on top of lines.
fn haloed_text(painter: &Painter, at: Pos2, anchor: Align2, text: &str, palette: &Palette) {
    let galley = painter.layout_no_wrap(text.to_owned(), FontId::proportional(10.0), palette.text);
    let rect = anchor.anchor_size(at, galley.size());
    painter.rect_filled(rect, 2.0, palette.panel.gamma_multiply(0.75));
    painter.galley(rect.min, galley, palette.text);
}

fn shortened(text: &str) -> String {
    const MOST: usize = 14;
    if text.chars().count() <= MOST {
        return text.to_owned();
    }
    // Paths and names differ at their ends.
    let skipped = text.chars().count() - (MOST - 1);
    std::iter::once('…')
        .chain(text.chars().skip(skipped))
        .collect()
}
