//! Probabilities of two models over the time of a song, a lane for each tag: one time axis, the play head, values under the pointer.

use crate::theme::{self, Palette};
use crate::timeline::{Song, TimeMap, ruler};
use crate::widgets::save_plot_menu;
use attune_core::predict::TagTimeline;
use egui::{
    Align2, CursorIcon, FontId, Painter, Pos2, Rect, Response, Sense, Shape, Stroke, TextStyle, Ui,
    WidgetInfo, pos2, vec2,
};
use std::ops::Range;
use std::sync::Arc;

/// Width of the lanes' titles, in points.
const TITLE_WIDTH: f32 = 132.0;
/// Height of the ruler, in points.
const RULER_HEIGHT: f32 = 20.0;
/// Heights of a lane: what its words need, and what is of use.
const LANE_HEIGHTS: std::ops::RangeInclusive<f32> = 28.0..=72.0;
/// Between lanes, in points.
const LANE_GAP: f32 = 4.0;

/// What there is to show.
pub(super) struct Shown<'a> {
    /// The song.
    pub(super) song: &'a Song,
    /// The tags, and where each stands in the answers of the two models.
    pub(super) tags: &'a [(&'a str, [usize; 2])],
    /// What the models say, as far as it is there.
    pub(super) answers: [Option<&'a TagTimeline>; 2],
    /// Where the play head stands.
    pub(super) play_head_secs: f64,
}

/// The chart's own looks: what of which song is visible, and what is under the pointer.
#[derive(Debug, Default)]
pub(super) struct Chart {
    map: Option<(usize, TimeMap)>,
    hover_secs: Option<f64>,
    is_saved: bool,
}

impl Chart {
    /// The time under the pointer in the last frame.
    pub(super) fn hover_secs(&self) -> Option<f64> {
        self.hover_secs
    }

    /// Whether the chart is to be saved, by its menu.
    pub(super) fn is_saved(&self) -> bool {
        self.is_saved
    }

    /// What is visible of the song that was drawn last.
    pub(super) fn visible_secs(&self) -> Option<Range<f64>> {
        let (_, map) = self.map?;
        Some(map.start_secs()..map.start_secs() + map.span_secs())
    }

    /// Draws the chart as high as `height` if its lanes fit; gives back where to move the play head.
    pub(super) fn ui(&mut self, ui: &mut Ui, shown: &Shown<'_>, height: f32) -> Option<f64> {
        let palette = theme::palette(ui.visuals());
        let identity = Arc::as_ptr(&shown.song.wave).cast::<f32>() as usize;
        let mut map = match self.map {
            Some((of, map)) if of == identity => map,
            _ => TimeMap::new(shown.song.duration_secs()),
        };
        let n_lanes = shown.tags.len().max(1) as f32;
        let lane_height = ((height - RULER_HEIGHT) / n_lanes - LANE_GAP)
            .clamp(*LANE_HEIGHTS.start(), *LANE_HEIGHTS.end());
        let size = vec2(
            ui.available_width(),
            RULER_HEIGHT + n_lanes * (lane_height + LANE_GAP),
        );
        let (whole, _) = ui.allocate_exact_size(size, Sense::hover());
        let area = Rect::from_min_max(pos2(whole.left() + TITLE_WIDTH, whole.top()), whole.max);
        map.set_area(area.left(), area.width());
        let response = ui
            .interact(area, ui.scope_id().with("chart"), Sense::click_and_drag())
            .on_hover_cursor(CursorIcon::Crosshair);
        response
            .widget_info(|| WidgetInfo::labeled(egui::Role::Image, true, "Both models over time"));
        // A second click shows the whole song, and would seek in that.
        let seek = response
            .interact_pointer_pos()
            .filter(|_| response.clicked() && !response.double_clicked())
            .map(|pos| map.secs_from_x(pos.x));
        handle_pointer(&response, ui, &mut map);
        self.is_saved = save_plot_menu(&response);
        self.hover_secs = response.hover_pos().map(|pos| map.secs_from_x(pos.x));

        let ruler_rect = Rect::from_min_size(area.min, vec2(area.width(), RULER_HEIGHT));
        ruler::paint(&ui.painter_at(ruler_rect), ruler_rect, &map, palette);
        let at_secs = self.hover_secs.unwrap_or(shown.play_head_secs);
        let mut top = whole.top() + RULER_HEIGHT;
        for (tag, places) in shown.tags {
            top += LANE_GAP;
            let title = Rect::from_min_size(
                pos2(whole.left(), top),
                vec2(TITLE_WIDTH - 12.0, lane_height),
            );
            let lane = Rect::from_min_size(pos2(area.left(), top), vec2(area.width(), lane_height));
            let at = |model: usize| shown.answers[model]?.at_secs(at_secs, places[model]);
            title_ui(ui, title, tag, [at(0), at(1)]);
            lane_ui(ui, lane, &map, shown, tag, *places);
            top += lane_height;
        }
        let painter = ui.painter_at(area);
        let line = |secs: f64, stroke: Stroke| {
            if map.shows(secs) {
                let x = painter.round_to_pixel_center(map.x_from_secs(secs));
                painter.vline(x, area.y_range(), stroke);
            }
        };
        if let Some(secs) = self.hover_secs {
            line(secs, Stroke::new(1.0, palette.weak));
        }
        line(shown.play_head_secs, Stroke::new(1.5, palette.play_head));
        self.map = Some((identity, map));
        seek
    }
}

fn handle_pointer(response: &Response, ui: &Ui, map: &mut TimeMap) {
    if response.double_clicked() {
        map.fit();
    }
    if response.dragged() {
        map.pan_points(-response.drag_delta().x);
    }
    if let Some(pos) = response.hover_pos() {
        let (zoom, scroll) = ui.input(|input| (input.zoom_delta(), input.smooth_scroll_delta()));
        if zoom != 1.0 {
            map.zoom_about_x(f64::from(zoom), pos.x);
        }
        if scroll.x != 0.0 {
            map.pan_points(-scroll.x);
        }
    }
}

/// The tag, and below it both probabilities in the models' colours.
fn title_ui(ui: &Ui, rect: Rect, tag: &str, values: [Option<f32>; 2]) {
    let palette = theme::palette(ui.visuals());
    let painter = ui.painter_at(rect);
    let font = TextStyle::Body.resolve(ui.style());
    painter.text(rect.left_top(), Align2::LEFT_TOP, tag, font, palette.strong);
    for (model, value) in values.into_iter().enumerate() {
        let text = value.map_or_else(|| "–".to_owned(), |value| format!("{value:.3}"));
        let at = pos2(rect.left() + 52.0 * model as f32, rect.top() + 14.0);
        let font = theme::figures().resolve(ui.style());
        painter.text(at, Align2::LEFT_TOP, text, font, palette.of_series(model));
    }
}

/// Both curves of a tag, from 0 at the bottom to 1 at the top.
fn lane_ui(ui: &Ui, rect: Rect, map: &TimeMap, shown: &Shown<'_>, tag: &str, places: [usize; 2]) {
    let palette = theme::palette(ui.visuals());
    let painter = ui.painter_at(rect);
    painter.rect_filled(rect, 2.0, palette.sunken);
    let half = painter.round_to_pixel_center(rect.center().y);
    painter.hline(rect.x_range(), half, Stroke::new(1.0, palette.line));
    for secs in shown.song.truth_of(tag) {
        let (left, right) = (map.x_from_secs(secs.start), map.x_from_secs(secs.end));
        let bar = Rect::from_min_max(pos2(left, rect.bottom() - 3.0), pos2(right, rect.bottom()));
        painter.rect_filled(bar, 0.0, palette.truth);
    }
    scale_ui(ui.painter(), rect, palette);
    for (model, answer) in shown.answers.into_iter().enumerate() {
        if let Some(answer) = answer {
            let points = curve(rect, map, |secs| answer.at_secs(secs, places[model]));
            let stroke = Stroke::new(theme::CURVE_WIDTH, palette.of_series(model));
            painter.add(Shape::line(points, stroke));
        }
    }
    let response = ui.interact(rect, ui.scope_id().with(("lane", tag)), Sense::empty());
    response.widget_info(|| {
        let n_drawn = shown.answers.iter().flatten().count();
        let models = match n_drawn {
            0 => "neither model yet",
            1 => "one model so far",
            _ => "both models",
        };
        WidgetInfo::labeled(
            egui::Role::Image,
            true,
            format!("{tag} over time, {models}"),
        )
    });
}

/// What the height means.
fn scale_ui(painter: &Painter, rect: Rect, palette: &Palette) {
    let font = FontId::proportional(9.0);
    let left = rect.left() - 3.0;
    for (y, align, text) in [
        (rect.top(), Align2::RIGHT_TOP, "1"),
        (rect.bottom(), Align2::RIGHT_BOTTOM, "0"),
    ] {
        painter.text(pos2(left, y), align, text, font.clone(), palette.weak);
    }
}

/// A point for each column of points on the screen.
fn curve(rect: Rect, map: &TimeMap, at_secs: impl Fn(f64) -> Option<f32>) -> Vec<Pos2> {
    let n_columns = rect.width().ceil().max(1.0) as usize;
    let (top, height) = (rect.top() + 2.0, rect.height() - 4.0);
    (0..=n_columns)
        .filter_map(|column| {
            let x = (rect.left() + column as f32).min(rect.right());
            let probability = at_secs(map.secs_from_x(x))?;
            Some(pos2(x, top + (1.0 - probability) * height))
        })
        .collect()
}
