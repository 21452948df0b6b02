//! A scatter plot: a point a run, over two settings or scores. Dragging marks the runs in a box.

use super::State;
use super::shown::Shown;
use crate::theme::{self, Palette};
use crate::workbench::{Ctx, Select};
use attune_core::metrics::rank_correlation;
use attune_core::run::FieldAxis;
use egui::{Align2, FontId, Painter, Pos2, Rect, Sense, Stroke, Ui, pos2, vec2};

/// So close to a point, in screen points, the pointer means it.
const NEAR: f32 = 9.0;

impl State {
    pub(super) fn scatter_ui(&mut self, ctx: &Ctx<'_>, ui: &mut Ui, shown: &Shown) {
        let palette = theme::palette(ui.visuals());
        let size = ui.available_size().max(vec2(200.0, 160.0));
        let (rect, response) = ui.allocate_exact_size(size, Sense::click_and_drag());
        response.widget_info(|| {
            egui::WidgetInfo::labeled(egui::Role::Image, true, "Scatter plot of runs")
        });
        let plot = Rect::from_min_max(rect.min + vec2(96.0, 30.0), rect.max - vec2(26.0, 44.0));
        frame_ui(ui.painter(), shown, plot, palette);
        let points: Vec<Option<Pos2>> = (shown.x.places.iter().zip(&shown.y.places))
            .map(|(x, y)| Some(at(plot, (*x)?, (*y)?)))
            .collect();
        for is_bright in [false, true] {
            let these = points.iter().enumerate();
            for (run, point) in these.filter(|(run, _)| shown.is_bright[*run] == is_bright) {
                let Some(point) = point else { continue };
                let colour = if is_bright {
                    shown.colours[run]
                } else {
                    palette.weak.gamma_multiply(0.25)
                };
                ui.painter().circle_filled(*point, 4.0, colour);
            }
        }
        let n_placed = points.iter().flatten().count();
        head_ui(ui.painter(), shown, rect, n_placed, palette);
        self.box_ui(ui, shown, plot, &response, palette);
        let Some(pointer) = response.hover_pos().filter(|_| !response.dragged()) else {
            return;
        };
        let nearest = points
            .iter()
            .enumerate()
            .filter_map(|(run, point)| Some((run, point.as_ref()?.distance(pointer))))
            .filter(|(_, distance)| *distance <= NEAR)
            .min_by(|one, other| one.1.total_cmp(&other.1));
        let Some((run, _)) = nearest else {
            if response.clicked() {
                for field in [&shown.x.field, &shown.y.field] {
                    self.unmark(field);
                }
            }
            return;
        };
        if let Some(point) = points[run] {
            let stroke = Stroke::new(1.5, palette.strong);
            ui.painter().circle_stroke(point, 6.5, stroke);
        }
        let list = ctx.state.runs.list().unwrap_or_default();
        if response.clicked()
            && let Some(summary) = list.get(shown.runs[run])
        {
            ctx.send(Select::Run(Some(summary.folder.clone())));
        }
        let axes = [&shown.x, &shown.y, &shown.colour];
        response.on_hover_text_at_pointer(shown.hint(run, &axes, list));
    }

    /// The box that is being dragged marks the runs in it on both axes.
    fn box_ui(
        &mut self,
        ui: &Ui,
        shown: &Shown,
        plot: Rect,
        response: &egui::Response,
        palette: &Palette,
    ) {
        let from = ui.input(|input| input.pointer.press_origin());
        let (Some(from), Some(to)) = (from, response.interact_pointer_pos()) else {
            return;
        };
        if !(response.dragged() || response.drag_stopped()) {
            return;
        }
        let dragged = Rect::from_two_pos(from, to);
        let fill = palette.accent.gamma_multiply(0.15);
        ui.painter().rect_filled(dragged, 0.0, fill);
        let across = |x: f32| f64::from((x - plot.left()) / plot.width());
        let up = |y: f32| f64::from((plot.bottom() - y) / plot.height());
        self.mark(
            shown
                .x
                .brush(across(dragged.left()), across(dragged.right())),
        );
        self.mark(shown.y.brush(up(dragged.bottom()), up(dragged.top())));
    }
}

fn at(plot: Rect, x: f64, y: f64) -> Pos2 {
    pos2(
        plot.left() + plot.width() * x as f32,
        plot.bottom() - plot.height() * y as f32,
    )
}

fn frame_ui(painter: &Painter, shown: &Shown, plot: Rect, palette: &Palette) {
    let around = plot.expand(8.0);
    painter.rect_filled(around, 3.0, palette.sunken);
    let grid = Stroke::new(1.0, palette.grid);
    let font = FontId::proportional(10.5);
    for (place, text) in shown.x.ticks(6) {
        let x = at(plot, place, 0.0).x;
        painter.vline(x, around.y_range(), grid);
        let below = pos2(x, around.bottom() + 3.0);
        painter.text(below, Align2::CENTER_TOP, text, font.clone(), palette.text);
    }
    for (place, text) in shown.y.ticks(6) {
        let y = at(plot, 0.0, place).y;
        painter.hline(around.x_range(), y, grid);
        let left = pos2(around.left() - 5.0, y);
        painter.text(left, Align2::RIGHT_CENTER, text, font.clone(), palette.text);
    }
    let name = |axis: &FieldAxis| {
        let scale = if axis.is_logarithmic() {
            " (logarithmic)"
        } else {
            ""
        };
        format!("{}{scale}", axis.field.label())
    };
    let font = FontId::proportional(12.0);
    painter.text(
        pos2(plot.center().x, around.bottom() + 19.0),
        Align2::CENTER_TOP,
        name(&shown.x),
        font.clone(),
        palette.strong,
    );
    painter.text(
        around.left_top() - vec2(0.0, 5.0),
        Align2::LEFT_BOTTOM,
        name(&shown.y),
        font,
        palette.strong,
    );
}

/// How many runs there are, and how both axes go together.
fn head_ui(painter: &Painter, shown: &Shown, rect: Rect, n_placed: usize, palette: &Palette) {
    let mut text = format!("N = {n_placed}");
    if n_placed < shown.runs.len() {
        text += &format!(" of {}: the others lack a value", shown.runs.len());
    }
    if shown.x.is_numeric() && shown.y.is_numeric() {
        let pairs = shown.x.places.iter().zip(&shown.y.places);
        let (xs, ys): (Vec<f32>, Vec<f32>) = pairs
            .filter_map(|(x, y)| Some(((*x)? as f32, (*y)? as f32)))
            .unzip();
        if let Some(rho) = rank_correlation(&xs, &ys) {
            text += &format!(", Spearman's rank correlation {rho:.2}");
        }
    }
    painter.text(
        rect.right_top() + vec2(-26.0, 8.0),
        Align2::RIGHT_TOP,
        text,
        FontId::proportional(11.5),
        palette.text,
    );
}
