//! The timeline itself: ruler, lanes, play head, and what mouse and keys do with them.
//!
//! It is handed what there is to show and gives back what the user asked for; it changes nothing but its own looks. So it can be
//! tested without a window around it, and be used for an augmented clip as well as for a song.
//!
//! Click seeks; a double click on a peak plays it in a loop; drag selects; middle drag, Shift + drag and sideways scrolling move; Ctrl + wheel (or pinch, or the wheel over the
//! ruler) zooms about the pointer; + and - zoom about the play head, 0 fits, Escape clears the selection, comma and full stop move
//! the play head by one token (the workbench has the arrow keys for seconds).

use super::lane::{Canvas, Place};
use super::lanes::{Lanes, LanesOf};
use super::title::{TagAction, title_ui};
use super::{TimeMap, ruler};
use crate::theme::{self, Palette};
use attune_core::interpret::{Method, SongExplanation, TokenMap};
use egui::{
    CursorIcon, FontId, Key, Modifiers, PointerButton, Rect, Response, Sense, Stroke, Ui, pos2,
    vec2,
};
use std::ops::Range;
use std::sync::Arc;

/// Width of the lanes' titles, in points.
const TITLE_WIDTH: f32 = 148.0;
/// Height of the ruler, in points.
const RULER_HEIGHT: f32 = 22.0;
/// Between lanes that do not belong together.
const LANE_GAP: f32 = 5.0;

/// What there is to show.
pub struct Shown<'a> {
    /// The song and what was computed of it so far.
    pub lanes: LanesOf<'a>,
    /// Where the play head stands.
    pub play_head_secs: f64,
    /// Whether it moves: the view then turns its pages.
    pub is_playing: bool,
    /// The selected stretch.
    pub selection_secs: Option<Range<f64>>,
}

/// What the user asked for.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    /// Move the play head.
    Seek {
        /// Where to.
        to_secs: f64,
    },
    /// Select this stretch (and loop it), or nothing.
    Select(Option<Range<f64>>),
    /// Select this stretch and play it in a loop: a peak was clicked twice.
    Hear(Range<f64>),
    /// Something about a tag.
    Tag {
        /// The tag (index in the explanation).
        tag_idx: usize,
        /// What.
        action: TagAction,
    },
}

/// The looks of a timeline: what is visible, and caches.
#[derive(Default)]
pub struct TimelineView {
    map: Option<TimeMap>,
    of_song: usize,
    lanes: Lanes,
    drag: Option<Drag>,
    hover_secs: Option<f64>,
    play_head_was_visible: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Drag {
    Select { from_secs: f64 },
    Pan,
}

impl std::fmt::Debug for TimelineView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TimelineView")
            .field("map", &self.map)
            .finish_non_exhaustive()
    }
}

impl TimelineView {
    /// What is visible; `None` before the first frame.
    pub fn map(&self) -> Option<&TimeMap> {
        self.map.as_ref()
    }

    /// The time under the pointer in the last frame.
    pub fn hover_secs(&self) -> Option<f64> {
        self.hover_secs
    }

    /// Shows the whole song.
    pub fn fit(&mut self) {
        if let Some(map) = &mut self.map {
            map.fit();
        }
    }

    /// Shows a stretch with a little air around it.
    pub fn show_range(&mut self, secs: &Range<f64>) {
        if let Some(map) = &mut self.map {
            let air = 0.05 * (secs.end - secs.start);
            map.show(secs.start - air, secs.end + air);
        }
    }

    /// Zooms about a time; `factor` above 1 shows less.
    pub fn zoom(&mut self, factor: f64, about_secs: f64) {
        if let Some(map) = &mut self.map {
            let about = if map.shows(about_secs) {
                about_secs
            } else {
                map.start_secs() + 0.5 * map.span_secs()
            };
            map.zoom_about_secs(factor, about);
        }
    }

    /// Draws everything into the rest of `ui`.
    pub fn ui(&mut self, shown: &Shown<'_>, ui: &mut Ui) -> Vec<Request> {
        let song = shown.lanes.song;
        let palette = theme::palette(ui.visuals());
        let identity = Arc::as_ptr(&song.wave).cast::<f32>() as usize;
        if self.of_song != identity || self.map.is_none() {
            self.of_song = identity;
            self.drag = None;
            self.map = Some(TimeMap::new(song.duration_secs()));
        }
        let mut map = self
            .map
            .unwrap_or_else(|| TimeMap::new(song.duration_secs()));
        self.lanes.update(&shown.lanes, palette);
        let mut requests = Vec::new();

        let width = (ui.available_width() - TITLE_WIDTH).max(40.0);
        let (top, _) =
            ui.allocate_exact_size(vec2(TITLE_WIDTH + width, RULER_HEIGHT), Sense::hover());
        let ruler_rect = Rect::from_min_max(pos2(top.left() + TITLE_WIDTH, top.top()), top.max);
        map.set_area(ruler_rect.left(), ruler_rect.width());
        if shown.is_playing && self.play_head_was_visible && self.drag.is_none() {
            map.follow(shown.play_head_secs);
        }
        self.play_head_was_visible = map.shows(shown.play_head_secs);
        let on_ruler = ui
            .interact(
                ruler_rect,
                ui.scope_id().with("ruler"),
                Sense::click_and_drag(),
            )
            .accessible_name("Time ruler");
        self.handle_pointer(&on_ruler, ui, &mut map, &mut requests);
        if on_ruler.hovered() {
            let wheel = ui.input(|input| input.smooth_scroll_delta().y);
            if wheel != 0.0
                && let Some(pointer) = on_ruler.hover_pos()
            {
                map.zoom_about_x(f64::from(wheel * 0.005).exp(), pointer.x);
            }
        }

        let visible = ui.available_rect_before_wrap();
        let scrolled = egui::ScrollArea::vertical()
            .id_salt("lanes")
            .auto_shrink([false, false])
            .scroll_bar_visibility(egui::scroll_area::ScrollBarVisibility::VisibleWhenNeeded)
            .show(ui, |ui| {
                self.lanes_ui(shown, ui, &mut map, palette, &mut requests)
            });
        let hover = on_ruler.hover_pos().map(|pos| pos.x).or(scrolled.inner);
        Self::handle_keys(shown, ui, &mut map, &mut requests);

        self.hover_secs = hover.map(|x| map.secs_from_x(x));
        ruler::paint(&ui.painter_at(ruler_rect), ruler_rect, &map, palette);
        let lanes_rect = Rect::from_min_max(pos2(ruler_rect.left(), top.top()), visible.max);
        let selection = self
            .dragged(ui, &map)
            .or_else(|| shown.selection_secs.clone());
        paint_over(ui, lanes_rect, shown, &map, selection, hover, palette);
        self.map = Some(map);
        requests
    }

    /// Draws the lanes; gives back the pointer's x over them.
    fn lanes_ui(
        &mut self,
        shown: &Shown<'_>,
        ui: &mut Ui,
        map: &mut TimeMap,
        palette: &'static Palette,
        requests: &mut Vec<Request>,
    ) -> Option<f32> {
        let mut heights = Vec::new();
        self.lanes
            .each(|lane| heights.push((lane.place(), lane.height())));
        let total: f32 = heights
            .iter()
            .map(|(place, height)| height + gap(*place))
            .sum();
        let size = vec2(ui.available_width(), total.max(ui.available_height()));
        let (area, _) = ui.allocate_exact_size(size, Sense::hover());
        let area = Rect::from_min_max(
            pos2(map.x_from_secs(map.start_secs()), area.top()),
            area.max,
        );
        let response = ui
            .interact(area, ui.scope_id().with("lanes"), Sense::click_and_drag())
            .on_hover_cursor(CursorIcon::Crosshair)
            .accessible_name("Timeline lanes");
        self.handle_pointer(&response, ui, map, requests);
        let hover_x = response.hover_pos().map(|pos| pos.x);
        let hover_secs = hover_x.map(|x| map.secs_from_x(x));
        let heard_at = response
            .interact_pointer_pos()
            .filter(|_| response.double_clicked());
        let right = area.left() + map_width(map);
        let mut y = area.top();
        let clip = ui.clip_rect();
        let map = *map;
        let mut number = 0;
        self.lanes.each(|lane| {
            number += 1;
            y += gap(lane.place());
            let rect = Rect::from_min_max(pos2(area.left(), y), pos2(right, y + lane.height()));
            y += lane.height();
            if !clip.intersects(rect) {
                return;
            }
            let painter = ui.painter_at(rect.intersect(clip));
            painter.rect_filled(rect, 0.0, palette.sunken);
            lane.paint(&Canvas {
                painter: &painter,
                rect,
                map: &map,
                palette,
            });
            let title = Rect::from_min_max(
                pos2(area.left() - TITLE_WIDTH, rect.top()),
                pos2(area.left() - theme::GAP, rect.bottom()),
            );
            if let Some((tag_idx, action)) =
                title_ui(ui, (number, title), lane, hover_secs, palette)
            {
                requests.push(Request::Tag { tag_idx, action });
            }
            if let Some(pos) = heard_at.filter(|pos| rect.contains(*pos))
                && let Some(range) = lane.peak_near(map.secs_from_x(pos.x))
            {
                requests.push(Request::Hear(range));
            }
        });
        if let (Some(x), Some(pointer)) = (hover_x, response.hover_pos())
            && let Some(grid) = shown.lanes.explanation.map(|explanation| explanation.grid)
            && let Some(token) = grid.token_at_secs(map.secs_from_x(x))
        {
            // What one token hears: no map is honest to less.
            let half = 0.5 * grid.receptive_field_secs();
            let centre = grid.centre_secs(token);
            let band = Rect::from_x_y_ranges(
                map.x_from_secs(centre - half)..=map.x_from_secs(centre + half),
                area.top()..=y,
            );
            if band.top() <= pointer.y {
                ui.painter_at(area.intersect(clip)).rect_filled(
                    band,
                    0.0,
                    palette.accent.gamma_multiply(0.16),
                );
            }
        }
        hover_x
    }

    fn handle_pointer(
        &mut self,
        response: &Response,
        ui: &Ui,
        map: &mut TimeMap,
        requests: &mut Vec<Request>,
    ) {
        let shift = ui.input(|input| input.modifiers.shift);
        if response.clicked()
            && let Some(pos) = response.interact_pointer_pos()
        {
            requests.push(Request::Seek {
                to_secs: map.secs_from_x(pos.x),
            });
        }
        if response.drag_started() {
            let origin = ui.input(|input| input.pointer.press_origin());
            let pans = response.drag_started_by(PointerButton::Middle) || shift;
            self.drag = match origin {
                _ if pans => Some(Drag::Pan),
                Some(origin) if response.drag_started_by(PointerButton::Primary) => {
                    Some(Drag::Select {
                        from_secs: map.secs_from_x(origin.x),
                    })
                }
                _ => None,
            };
        }
        if response.dragged() && self.drag == Some(Drag::Pan) {
            map.pan_points(-response.drag_delta().x);
        }
        if response.drag_stopped() {
            if let Some(range) = self.dragged(ui, map) {
                requests.push(Request::Select(Some(range)));
            }
            self.drag = None;
        }
        if response.contains_pointer()
            && let Some(pos) = ui.input(|input| input.pointer.hover_pos())
        {
            let (zoom, scroll) =
                ui.input(|input| (input.zoom_delta(), input.smooth_scroll_delta()));
            if zoom != 1.0 {
                map.zoom_about_x(f64::from(zoom), pos.x);
            }
            if scroll.x != 0.0 {
                map.pan_points(-scroll.x);
            }
        }
    }

    fn handle_keys(shown: &Shown<'_>, ui: &Ui, map: &mut TimeMap, requests: &mut Vec<Request>) {
        if ui.ctx().egui_wants_keyboard_input() || !ui.is_enabled() {
            return;
        }
        let pressed = |modifiers, key| ui.input_mut(|input| input.consume_key(modifiers, key));
        let about = if map.shows(shown.play_head_secs) {
            shown.play_head_secs
        } else {
            map.start_secs() + 0.5 * map.span_secs()
        };
        if pressed(Modifiers::NONE, Key::Plus) || pressed(Modifiers::NONE, Key::Equals) {
            map.zoom_about_secs(1.5, about);
        }
        if pressed(Modifiers::NONE, Key::Minus) {
            map.zoom_about_secs(1.0 / 1.5, about);
        }
        if pressed(Modifiers::NONE, Key::Num0) {
            map.fit();
        }
        if shown.selection_secs.is_some() && pressed(Modifiers::NONE, Key::Escape) {
            requests.push(Request::Select(None));
        }
        let token_secs = shown
            .lanes
            .explanation
            .map_or(0.1, |explanation| explanation.grid.token_secs());
        for (key, by_secs) in [(Key::Comma, -token_secs), (Key::Period, token_secs)] {
            if pressed(Modifiers::NONE, key) {
                let to_secs = (shown.play_head_secs + by_secs).clamp(0.0, map.duration_secs());
                requests.push(Request::Seek { to_secs });
            }
        }
    }

    /// The stretch that is being dragged out.
    fn dragged(&self, ui: &Ui, map: &TimeMap) -> Option<Range<f64>> {
        let Some(Drag::Select { from_secs }) = self.drag else {
            return None;
        };
        let to_secs = map.secs_from_x(ui.input(|input| input.pointer.latest_pos())?.x);
        (from_secs != to_secs).then(|| from_secs.min(to_secs)..from_secs.max(to_secs))
    }
}

fn gap(place: Place) -> f32 {
    match place {
        Place::Apart => LANE_GAP,
        Place::Joined => 1.0,
    }
}

fn map_width(map: &TimeMap) -> f32 {
    (map.span_secs() / map.secs_per_point()) as f32
}

/// Selection, pointer and play head over ruler and lanes.
fn paint_over(
    ui: &Ui,
    rect: Rect,
    shown: &Shown<'_>,
    map: &TimeMap,
    selection: Option<Range<f64>>,
    hover_x: Option<f32>,
    palette: &Palette,
) {
    let painter = ui.painter_at(rect.intersect(ui.clip_rect()));
    if let Some(selection) = selection {
        let x = map.x_from_secs(selection.start)..=map.x_from_secs(selection.end);
        let edge = Stroke::new(1.0, palette.accent);
        painter.rect_filled(
            Rect::from_x_y_ranges(x.clone(), rect.y_range()),
            0.0,
            palette.time_selection.gamma_multiply(0.35),
        );
        painter.vline(*x.start(), rect.y_range(), edge);
        painter.vline(*x.end(), rect.y_range(), edge);
    }
    if let Some(x) = hover_x.filter(|x| rect.x_range().contains(*x)) {
        painter.vline(x, rect.y_range(), Stroke::new(1.0, palette.weak));
        let text = ruler::clock(map.secs_from_x(x), 2);
        let font = FontId::monospace(10.5);
        let galley = painter.layout_no_wrap(text, font, palette.strong);
        let left = (x + 4.0).min(rect.right() - galley.size().x - 4.0);
        let label = Rect::from_min_size(pos2(left, rect.top() + 1.0), galley.size());
        painter.rect_filled(label.expand(2.0), 2.0, palette.raised);
        painter.galley(label.min, galley, palette.strong);
    }
    let x = painter.round_to_pixel_center(map.x_from_secs(shown.play_head_secs));
    painter.vline(x, rect.y_range(), Stroke::new(1.5, palette.play_head));
    let tip = pos2(x, rect.top() + RULER_HEIGHT);
    painter.add(egui::Shape::convex_polygon(
        vec![tip - vec2(5.0, 7.0), tip + vec2(5.0, -7.0), tip],
        palette.play_head,
        Stroke::NONE,
    ));
}

/// What stands at a time, in a sentence with units: time, token and what it hears; empty before there is an explanation.
pub fn readout(explanation: &SongExplanation, secs: f64) -> Option<String> {
    let token = explanation.grid.token_at_secs(secs)?;
    let centre = explanation.grid.centre_secs(token);
    let half = 0.5 * explanation.grid.receptive_field_secs();
    let is_occlusion = |map: &TokenMap| map.method == Method::Occlusion;
    let what = if explanation.maps.first().is_some_and(is_occlusion) {
        format!("silent stretch {token}:")
    } else {
        format!("token {token} hears")
    };
    Some(format!(
        "{} · {what} {}–{}",
        ruler::clock(secs, 2),
        ruler::clock(centre - half, 2),
        ruler::clock(centre + half, 2),
    ))
}
