//! Both variants of the clip: waveforms and log-mel pictures on one time axis, and the strip that says where in the song they are.

use super::figure;
use super::selection::Dragging;
use crate::theme::{self, Palette};
use crate::timeline::{CachedMesh, Canvas, TimeMap, ruler};
use crate::widgets::save_plot_button;
use crate::workbench::parts::audition::{Command, Heard};
use crate::workbench::parts::plots::{self, Drawing};
use crate::workbench::{Command as Any, Ctx};
use attune_core::audio::Overview;
use egui::{
    Color32, CursorIcon, Mesh, Rect, Response, RichText, Role, Sense, Stroke, StrokeKind,
    TextureHandle, TextureOptions, Ui, WidgetInfo, pos2, vec2,
};
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

const STRIP_HEIGHT: f32 = 36.0;
const WAVE_HEIGHT: RangeInclusive<f32> = 32.0..=52.0;
const PICTURE_HEIGHT: RangeInclusive<f32> = 48.0..=144.0;
const RULER_HEIGHT: f32 = 16.0;
const HEADER_HEIGHT: f32 = 24.0;
/// While the play head moves the window is painted this often.
const FRAME: Duration = Duration::from_millis(16);

/// The whole song, with the clip marked.
#[derive(Default)]
pub(super) struct Strip {
    of: usize,
    mesh: CachedMesh,
}

impl Strip {
    /// Draws it; a click or a drag moves the clip.
    pub(super) fn ui(&mut self, ctx: &Ctx<'_>, ui: &mut Ui) {
        let (Some(song), Some(clip)) = (ctx.state.song.current(), ctx.state.audition.clip()) else {
            return;
        };
        let palette = theme::palette(ui.visuals());
        if let Some(replayed) = ctx.state.audition.replays.shown() {
            let text = format!("Replay of a training clip: {}", replayed.song.name);
            ui.label(RichText::new(text).color(palette.weak));
            return;
        }
        let song = &song.heard;
        let size = vec2(ui.available_width(), STRIP_HEIGHT);
        let (rect, response) = ui.allocate_exact_size(size, Sense::click_and_drag());
        let response = response
            .on_hover_cursor(CursorIcon::ResizeHorizontal)
            .on_hover_text("The song. Click or drag to choose where the clip lies.");
        response.widget_info(|| {
            WidgetInfo::labeled(Role::Image, true, "Place of the clip in the song")
        });
        let mut map = TimeMap::new(song.duration_secs());
        map.set_area(rect.left(), rect.width());
        let painter = ui.painter_at(rect);
        painter.rect_filled(rect, theme::CORNER, palette.sunken);
        let of = Arc::as_ptr(&song.overview) as usize;
        if self.of != of {
            (self.of, self.mesh) = (of, CachedMesh::default());
        }
        let canvas = Canvas {
            painter: &painter,
            rect,
            map: &map,
            palette,
        };
        self.mesh.paint(&canvas, |mesh| {
            waveform(mesh, &canvas, &song.overview, song.wave.len(), palette.weak);
        });
        let x = |secs: f64| map.x_from_secs(secs);
        let (start, end) = (clip.start_secs(), clip.start_secs() + clip.duration_secs());
        let marked = Rect::from_x_y_ranges(x(start)..=x(end).max(x(start) + 2.0), rect.y_range());
        painter.rect_filled(marked, 0.0, palette.accent.gamma_multiply(0.25));
        painter.rect_stroke(
            marked,
            0.0,
            Stroke::new(1.0, palette.accent),
            StrokeKind::Inside,
        );
        if (response.clicked() || response.dragged())
            && let Some(pointer) = response.interact_pointer_pos()
        {
            let at_secs = map.secs_from_x(pointer.x) - 0.5 * clip.duration_secs();
            ctx.send(Any::Audition(Command::Start {
                at_secs: at_secs.max(0.0),
            }));
        }
    }
}

/// Original above augmented.
#[derive(Default)]
pub(super) struct Pictures {
    variants: [Variant; 2],
    dragging: Dragging,
}

#[derive(Default)]
struct Variant {
    of: Option<Arc<Heard>>,
    mesh: CachedMesh,
    texture: Option<TextureHandle>,
}

/// Heights of a waveform and of a log-mel picture.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Heights {
    wave: f32,
    picture: f32,
}

impl Heights {
    /// So that both variants fit into `room`, if that is possible at all: what lies below them is to be seen, too.
    fn within(room: f32) -> Self {
        let each = 0.5 * room - HEADER_HEIGHT - RULER_HEIGHT - 4.0 * theme::GAP;
        let clamp =
            |height: f32, range: RangeInclusive<f32>| height.clamp(*range.start(), *range.end());
        let wave = clamp(0.3 * each, WAVE_HEIGHT);
        Self {
            wave,
            picture: clamp(each - wave, PICTURE_HEIGHT),
        }
    }
}

impl Pictures {
    /// Draws both, within `room` points of height if that is enough; a click moves the play head.
    pub(super) fn ui(&mut self, ctx: &Ctx<'_>, ui: &mut Ui, room: f32) {
        let heights = Heights::within(room);
        let audition = &ctx.state.audition;
        let palette = theme::palette(ui.visuals());
        let shown = [
            ("Original", audition.original(), palette.original),
            ("Augmented", audition.augmented(), palette.augmented),
        ];
        let heard_place = audition.heard_place(&ctx.state.player);
        let play_head = heard_place.map(|place| {
            if ctx.state.player.state() == crate::playback::State::Playing {
                ui.ctx().request_repaint_after(FRAME);
            }
            (place, ctx.state.player.position_secs())
        });
        for (idx, (name, heard, colour)) in shown.into_iter().enumerate() {
            let Some(heard) = heard else { continue };
            if header_ui(ui, name, heard, colour, palette) {
                let known = shown.iter().filter_map(|(name, heard, _)| {
                    let heard = Arc::clone((*heard)?);
                    Some((*name, heard))
                });
                let known: Vec<(&str, Arc<Heard>)> = known.collect();
                let drawing = Drawing::new("clips", move || Ok(figure::clips(&known)));
                ctx.send(Any::Plots(plots::Command::Ask(drawing)));
            }
            let heard_now = play_head.filter(|(variant, _)| *variant == idx);
            let at_secs = play_head.map(|(_, secs)| (secs, heard_now.is_some()));
            let drawn = self.variants[idx].ui(ui, name, heard, colour, heights, at_secs);
            if let Some((response, map, area)) = drawn {
                self.dragging.ui(ctx, ui, &response, &map, area, idx);
            }
            ui.add_space(theme::GAP);
        }
        if let Some(error) = audition.error() {
            ui.colored_label(palette.error, error);
        }
    }
}

/// Whether both clips are to be saved as a plot: the first has the button.
fn header_ui(ui: &mut Ui, name: &str, heard: &Heard, colour: Color32, palette: &Palette) -> bool {
    let level = |db: Option<f32>| db.map_or("silence".to_owned(), |db| format!("{db:.1} dBFS"));
    ui.horizontal(|ui| {
        let (dot, _) = ui.allocate_exact_size(vec2(8.0, 8.0), Sense::hover());
        ui.painter().circle_filled(dot.center(), 4.0, colour);
        ui.label(
            RichText::new(name)
                .text_style(theme::section())
                .color(palette.strong),
        );
        let levels = format!("peak {}, RMS {}", level(heard.peak_db), level(heard.rms_db));
        ui.label(RichText::new(levels).small().color(palette.weak));
        if heard.n_clipped > 0 {
            let text = format!("{} samples clipped", heard.n_clipped);
            ui.label(RichText::new(text).small().color(palette.warning))
                .on_hover_text("An effect went beyond full scale and cut the wave there.");
        }
        name == "Original" && save_plot_button(ui, "both clips")
    })
    .inner
}

impl Variant {
    /// Gives what the pointer does on it, its time axis, and where it lies.
    fn ui(
        &mut self,
        ui: &mut Ui,
        name: &str,
        heard: &Arc<Heard>,
        colour: Color32,
        heights: Heights,
        play_head: Option<(f64, bool)>,
    ) -> Option<(Response, TimeMap, Rect)> {
        let palette = theme::palette(ui.visuals());
        let picture_height = heard.picture.as_ref().map_or(0.0, |_| heights.picture);
        let size = vec2(
            ui.available_width(),
            heights.wave + picture_height + RULER_HEIGHT,
        );
        let (rect, response) = ui.allocate_exact_size(size, Sense::click_and_drag());
        response.widget_info(|| {
            WidgetInfo::labeled(
                Role::Image,
                true,
                format!("{name}: waveform and log-mel spectrogram"),
            )
        });
        if !ui.is_rect_visible(rect) {
            return None;
        }
        if !self.of.as_ref().is_some_and(|of| Arc::ptr_eq(of, heard)) {
            self.of = Some(Arc::clone(heard));
            self.mesh = CachedMesh::default();
            // Uploaded once; the pixels were made in the job.
            self.texture = heard.picture.as_ref().map(|picture| {
                let image = Arc::clone(picture);
                ui.ctx()
                    .load_texture(format!("audition {name}"), image, TextureOptions::LINEAR)
            });
        }
        let (wave_rect, rest) = rect.split_top_bottom_at_y(rect.top() + heights.wave);
        let (picture_rect, ruler_rect) = rest.split_top_bottom_at_y(rest.top() + picture_height);
        let mut map = TimeMap::new(heard.clip.duration_secs());
        map.set_area(rect.left(), rect.width());
        let painter = ui.painter_at(rect);
        painter.rect_filled(wave_rect.union(picture_rect), 0.0, palette.sunken);
        let canvas = Canvas {
            painter: &painter,
            rect: wave_rect,
            map: &map,
            palette,
        };
        self.mesh.paint(&canvas, |mesh| {
            waveform(
                mesh,
                &canvas,
                &heard.overview,
                heard.clip.n_frames(),
                colour,
            );
        });
        if let Some(texture) = &self.texture {
            let whole = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
            painter.image(texture.id(), picture_rect, whole, Color32::WHITE);
        }
        ruler::paint(&painter, ruler_rect, &map, palette);
        if let Some((secs, is_heard)) = play_head {
            let colour = if is_heard {
                palette.play_head
            } else {
                palette.play_head.gamma_multiply(0.4)
            };
            painter.vline(
                map.x_from_secs(secs),
                wave_rect.union(picture_rect).y_range(),
                Stroke::new(1.0, colour),
            );
        }
        readout(&response, &map, heard);
        Some((response, map, wave_rect.union(picture_rect)))
    }
}

fn readout(response: &Response, map: &TimeMap, heard: &Heard) {
    if let Some(pointer) = response.hover_pos() {
        let secs = map.secs_from_x(pointer.x);
        let what = match heard.picture {
            Some(_) => {
                "Above the waveform (±1), below the log-mel spectrogram on the original's scale, 80 dB from black to white."
            }
            None => "The waveform (±1). The clip is too short for a spectrogram.",
        };
        response
            .clone()
            .on_hover_text_at_pointer(format!("{secs:.2} s. {what} Click to play from here, drag to repeat a stretch (Escape lets it go)."));
    }
}

/// From the lowest to the highest sample of each column of pixels.
pub(super) fn waveform(
    mesh: &mut Mesh,
    canvas: &Canvas<'_>,
    overview: &Overview,
    n_samples: usize,
    colour: Color32,
) {
    let n_columns = canvas.columns().count();
    let (middle, half) = (canvas.rect.center().y, 0.5 * canvas.rect.height() - 2.0);
    let extremes = overview.min_max(0..n_samples, n_columns);
    for ((left, right, _), [low, high]) in canvas.columns().zip(extremes) {
        let top = middle - high.clamp(-1.0, 1.0) * half;
        let bottom = (middle - low.clamp(-1.0, 1.0) * half).max(top + 1.0);
        mesh.add_colored_rect(
            Rect::from_min_max(pos2(left, top), pos2(right, bottom)),
            colour,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::Heights;

    #[test]
    fn pictures_take_the_room_there_is_within_limits() {
        let (low, middle, high) = (
            Heights::within(150.0),
            Heights::within(300.0),
            Heights::within(900.0),
        );
        assert_eq!((low.wave, low.picture), (32.0, 48.0));
        assert!(middle.picture > low.picture && middle.picture < high.picture);
        assert_eq!((high.wave, high.picture), (52.0, 144.0));
    }
}
