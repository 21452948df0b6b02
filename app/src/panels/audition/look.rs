//! The view for the eye: both waveforms over each other, both log-mels and where they differ, the spectrum at the play head or under
//! the pointer, and level meters.

use super::figure;
use super::level_meters::meters_ui;
use super::spectrum::spectrum_ui;
use crate::theme::{self, Palette};
use crate::timeline::{CachedMesh, Canvas, TimeMap, ruler};
use crate::widgets::{save_plot_button, save_plot_menu};
use crate::workbench::parts::audition::{Command, DIFFERENCE_DB, Looked};
use crate::workbench::parts::plots::{self, Drawing};
use crate::workbench::{Command as Any, Ctx};
use egui::{
    Align2, Color32, ColorImage, FontId, Mesh, Painter, Pos2, Rect, RichText, Role, Sense, Stroke,
    TextureHandle, TextureOptions, Ui, WidgetInfo, pos2, vec2,
};
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

const WAVE_HEIGHT: RangeInclusive<f32> = 44.0..=90.0;
const PICTURE_HEIGHT: RangeInclusive<f32> = 44.0..=120.0;
const RULER_HEIGHT: f32 = 16.0;
const READOUT_HEIGHT: f32 = 20.0;
const SPECTRUM_HEIGHT: f32 = 150.0;
const METERS_WIDTH: f32 = 150.0;
/// While the play head moves the window is painted this often.
const FRAME: Duration = Duration::from_millis(16);
/// Marks of the frequency axis.
const MARKS_HZ: [(f32, &str); 4] = [
    (200.0, "200"),
    (1000.0, "1k"),
    (4000.0, "4k"),
    (8000.0, "8k"),
];

/// What the view remembers between frames.
#[derive(Default)]
pub(super) struct State {
    of: Option<Arc<Looked>>,
    meshes: [CachedMesh; 2],
    textures: [Option<TextureHandle>; 3],
}

/// The rows of pictures under one time axis.
struct Rows {
    wave: Rect,
    pictures: [Rect; 3],
    ruler: Rect,
}

impl Rows {
    fn within(rect: Rect, wave_height: f32, picture_height: f32) -> Self {
        let (wave, rest) = rect.split_top_bottom_at_y(rect.top() + wave_height);
        let picture = |idx: usize| {
            let top = rest.top() + 2.0 + idx as f32 * (picture_height + 2.0);
            Rect::from_x_y_ranges(rest.x_range(), top..=top + picture_height)
        };
        let pictures = [picture(0), picture(1), picture(2)];
        let ruler = Rect::from_x_y_ranges(rest.x_range(), pictures[2].bottom()..=rest.bottom());
        Self {
            wave,
            pictures,
            ruler,
        }
    }

    /// Number of the mel band under a point, the lowest first.
    fn band_at(&self, point: Pos2, n_bands: usize) -> Option<usize> {
        let picture = self
            .pictures
            .iter()
            .find(|picture| picture.contains(point))?;
        let from_top = (point.y - picture.top()) / picture.height() * n_bands as f32;
        n_bands.checked_sub(1 + (from_top as usize).min(n_bands.saturating_sub(1)))
    }
}

impl State {
    /// Draws the view within `room` points of height, if that is enough; a click moves the play head.
    pub(super) fn ui(&mut self, ctx: &Ctx<'_>, ui: &mut Ui, room: f32) {
        let audition = &ctx.state.audition;
        let palette = theme::palette(ui.visuals());
        if !audition.is_looked_at() && !audition.is_looking() {
            // Made when the augmented clip is ready; asked for while the view is shown, and only then.
            ctx.send(Any::Audition(Command::Look));
        }
        let Some(looked) = audition.looked() else {
            ui.label(RichText::new("The clips are being compared.").color(palette.weak));
            return;
        };
        let player = &ctx.state.player;
        let play_head_secs = audition.is_listening(player).then(|| {
            if player.state() == crate::playback::State::Playing {
                ui.ctx().request_repaint_after(FRAME);
            }
            player.position_secs()
        });
        let each =
            (room - SPECTRUM_HEIGHT - 2.0 * READOUT_HEIGHT - RULER_HEIGHT - 5.0 * theme::GAP) / 4.0;
        let clamp = |range: RangeInclusive<f32>| each.clamp(*range.start(), *range.end());
        let (wave_height, picture_height) = (clamp(WAVE_HEIGHT), clamp(PICTURE_HEIGHT));
        let size = vec2(
            ui.available_width(),
            wave_height + 3.0 * (picture_height + 2.0) + RULER_HEIGHT,
        );
        let (rect, response) = ui.allocate_exact_size(size, Sense::click());
        response.widget_info(|| {
            let what = "Original and augmented clip: waveforms, log-mels and their difference";
            WidgetInfo::labeled(Role::Image, true, what)
        });
        let rows = Rows::within(rect, wave_height, picture_height);
        let duration_secs = looked.heard[0].clip.duration_secs();
        let mut map = TimeMap::new(duration_secs);
        map.set_area(rect.left(), rect.width());
        self.upload(ui, looked);
        self.paint(ui, looked, &rows, &map, play_head_secs);

        let pointer = response.hover_pos();
        let pointed_secs = pointer.map(|point| map.secs_from_x(point.x).clamp(0.0, duration_secs));
        if let Some(point) = pointer {
            let painter = ui.painter_at(rect);
            painter.vline(point.x, rect.y_range(), Stroke::new(1.0, palette.weak));
        }
        let at_secs = pointed_secs.or(play_head_secs).unwrap_or(0.0);
        let [mut saves_clips, mut saves_spectrum] = [save_plot_menu(&response), false];
        ui.horizontal(|ui| {
            saves_clips |= save_plot_button(ui, "difference of the clips");
            readout_ui(ui, looked, &rows, pointer, pointed_secs, palette);
        });
        if response.clicked()
            && let Some(secs) = pointed_secs
        {
            let place = audition.heard_place(player).unwrap_or(1);
            ctx.send(Any::Audition(Command::PlayFrom {
                place,
                at_secs: secs,
            }));
        }
        let width = ui.available_width();
        ui.horizontal(|ui| {
            saves_spectrum |= spectrum_ui(
                ui,
                looked,
                at_secs,
                vec2(width - METERS_WIDTH - theme::GAP, SPECTRUM_HEIGHT),
            );
            meters_ui(ui, looked, at_secs, vec2(METERS_WIDTH, SPECTRUM_HEIGHT));
        });
        saves_spectrum |= save_plot_button(ui, "spectra");
        if saves_clips {
            let looked = Arc::clone(looked);
            let drawing =
                Drawing::new("difference of the clips", move || Ok(figure::look(&looked)));
            ctx.send(Any::Plots(plots::Command::Ask(drawing)));
        }
        if saves_spectrum {
            let looked = Arc::clone(looked);
            let draw = move || Ok(figure::spectrum(&looked, at_secs));
            let drawing = Drawing::new(format!("spectra at {at_secs:.2} s"), draw);
            ctx.send(Any::Plots(plots::Command::Ask(drawing)));
        }
    }

    fn upload(&mut self, ui: &Ui, looked: &Arc<Looked>) {
        if self.of.as_ref().is_some_and(|of| Arc::ptr_eq(of, looked)) {
            return;
        }
        self.of = Some(Arc::clone(looked));
        self.meshes = Default::default();
        // Uploaded once; the pixels were made in jobs.
        let texture = |name: &str, image: Option<&Arc<ColorImage>>| {
            let image = Arc::clone(image?);
            Some(ui.ctx().load_texture(name, image, TextureOptions::LINEAR))
        };
        let [original, augmented] = &looked.heard;
        self.textures = [
            texture("original log-mel", original.picture.as_ref()),
            texture("augmented log-mel", augmented.picture.as_ref()),
            texture("log-mel difference", looked.difference.as_ref()),
        ];
    }

    fn paint(
        &mut self,
        ui: &Ui,
        looked: &Looked,
        rows: &Rows,
        map: &TimeMap,
        play_head_secs: Option<f64>,
    ) {
        let palette = theme::palette(ui.visuals());
        let whole = rows.wave.union(rows.ruler);
        let painter = ui.painter_at(whole);
        painter.rect_filled(rows.wave, 0.0, palette.sunken);
        let canvas = Canvas {
            painter: &painter,
            rect: rows.wave,
            map,
            palette,
        };
        level_lines(&painter, rows.wave, palette);
        let colours = [palette.original, palette.augmented.gamma_multiply(0.7)];
        for ((mesh, heard), colour) in self.meshes.iter_mut().zip(&looked.heard).zip(colours) {
            mesh.paint(&canvas, |mesh: &mut Mesh| {
                super::pictures::waveform(
                    mesh,
                    &canvas,
                    &heard.overview,
                    heard.clip.n_frames(),
                    colour,
                );
            });
        }
        let font = egui::TextStyle::Small.resolve(ui.style());
        title(&painter, rows.wave, "Original", palette.original, &font, 0);
        title(
            &painter,
            rows.wave,
            "Augmented",
            palette.augmented,
            &font,
            1,
        );
        let names = [
            "Original, log-mel",
            "Augmented, log-mel",
            "Augmented less original",
        ];
        for ((&row, texture), name) in rows.pictures.iter().zip(&self.textures).zip(names) {
            painter.rect_filled(row, 0.0, palette.sunken);
            if let Some(texture) = texture {
                let all = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
                painter.image(texture.id(), row, all, Color32::WHITE);
                frequency_marks(&painter, row, &looked.band_hz, &font);
            }
            title(&painter, row, name, Color32::WHITE, &font, 0);
        }
        ruler::paint(&painter, rows.ruler, map, palette);
        if let Some(secs) = play_head_secs {
            let stroke = Stroke::new(1.0, palette.play_head);
            let y = rows.wave.top()..=rows.ruler.top();
            painter.vline(map.x_from_secs(secs), y, stroke);
        }
    }
}

/// Full scale, −6 and −12 dB, as faint lines with their names.
fn level_lines(painter: &Painter, rect: Rect, palette: &Palette) {
    let half = 0.5 * rect.height() - 2.0;
    for db in [0.0_f32, -6.0, -12.0] {
        let y = half * 10f32.powf(db / 20.0);
        for y in [rect.center().y - y, rect.center().y + y] {
            painter.hline(rect.x_range(), y, Stroke::new(1.0, palette.grid));
        }
    }
}

/// Names in the upper left corner, one after the other, legible on any picture.
fn title(painter: &Painter, row: Rect, text: &str, colour: Color32, font: &FontId, place: usize) {
    let at = row.left_top() + vec2(4.0 + 60.0 * place as f32, 2.0);
    let galley = painter.layout_no_wrap(text.to_owned(), font.clone(), colour);
    let ground = Rect::from_min_size(at, galley.size()).expand(2.0);
    painter.rect_filled(ground, theme::CORNER, Color32::from_black_alpha(150));
    painter.galley(at, galley, colour);
}

fn frequency_marks(painter: &Painter, row: Rect, band_hz: &[f32], font: &FontId) {
    for (hz, text) in MARKS_HZ {
        let below = band_hz.iter().filter(|&&centre| centre < hz).count();
        if below == 0 || below == band_hz.len() {
            continue;
        }
        let y = row.bottom() - row.height() * below as f32 / band_hz.len() as f32;
        let right = row.right();
        painter.hline(right - 6.0..=right, y, Stroke::new(1.0, Color32::WHITE));
        let at = pos2(right - 9.0, y);
        painter.text(at, Align2::RIGHT_CENTER, text, font.clone(), Color32::WHITE);
    }
}

/// Time, frequency and levels under the pointer, in words and units.
fn readout_ui(
    ui: &mut Ui,
    looked: &Looked,
    rows: &Rows,
    pointer: Option<Pos2>,
    secs: Option<f64>,
    palette: &Palette,
) {
    let text = match (pointer, secs) {
        (Some(point), Some(secs)) => {
            let part = secs / looked.heard[0].clip.duration_secs().max(f64::MIN_POSITIVE);
            let band = rows.band_at(point, looked.band_hz.len());
            match band.and_then(|band| Some((band, looked.levels_db(band, part)?))) {
                Some((band, [original, augmented])) => format!(
                    "{secs:.3} s  ·  {:.0} Hz  ·  original {original:.1} dB  ·  augmented {augmented:.1} dB  ·  difference {:+.1} dB",
                    looked.band_hz[band],
                    augmented - original
                ),
                None => format!("{secs:.3} s"),
            }
        }
        _ => format!(
            "Point for time, frequency (Hz) and levels (dB). Difference: blue softer, red louder, full colour at ±{DIFFERENCE_DB} dB."
        ),
    };
    ui.label(
        RichText::new(text)
            .text_style(theme::figures())
            .color(palette.weak),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pointer_finds_the_band_that_is_drawn_there() {
        let rect = Rect::from_min_size(pos2(10.0, 20.0), vec2(300.0, 50.0 + 3.0 * 66.0 + 16.0));
        let rows = Rows::within(rect, 50.0, 64.0);
        assert!((rows.ruler.bottom() - rect.bottom()).abs() < 1e-3);
        for picture in rows.pictures {
            let at = |y: f32| rows.band_at(pos2(50.0, y), 128);
            assert_eq!(
                at(picture.top() + 0.1),
                Some(127),
                "the highest band is on top"
            );
            assert_eq!(at(picture.bottom() - 0.1), Some(0));
            assert_eq!(at(picture.center().y + 0.1), Some(63));
        }
        assert_eq!(rows.band_at(rows.wave.center(), 128), None);
    }
}
