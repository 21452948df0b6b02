//! The log-mel lane: tiles of a [`Picture`] as textures, made when first seen and dropped when long not seen.

use super::Picture;
use super::lane::{Canvas, Lane};
use crate::theme::ColourMap;
use egui::{Color32, ColorImage, Rect, TextureFilter, TextureHandle, TextureOptions, pos2};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Columns of a tile. 512 × 128 are coloured and uploaded in a fraction of a millisecond.
const TILE_COLUMNS: usize = 512;
/// Tiles made in one frame at most; until the rest is there, coarser ones are stretched.
const TILES_PER_FRAME: usize = 3;
/// Tiles kept.
const TILES_KEPT: usize = 48;

/// The lane of a spectrogram.
pub(super) struct Spectrogram {
    picture: Arc<Picture>,
    mel_centres_hz: Vec<f32>,
    colours: [Color32; 256],
    tiles: BTreeMap<(usize, usize), Tile>,
    frame: u64,
}

struct Tile {
    texture: TextureHandle,
    last_seen: u64,
}

impl Spectrogram {
    /// Of a picture; `mel_centres_hz` names the bands in the readout.
    pub(super) fn new(picture: Arc<Picture>, mel_centres_hz: Vec<f32>) -> Self {
        Self {
            picture,
            mel_centres_hz,
            colours: ColourMap::Magma.table(),
            tiles: BTreeMap::new(),
            frame: 0,
        }
    }

    fn make_tile(&self, ctx: &egui::Context, level: usize, tile: usize) -> TextureHandle {
        let columns = tile * TILE_COLUMNS..(tile + 1) * TILE_COLUMNS;
        let n_columns = columns.end.min(self.picture.n_columns(level)) - columns.start;
        let pixels = self
            .picture
            .lines(level, columns)
            .flatten()
            .map(|&value| self.colours[usize::from(value)])
            .collect();
        let image = ColorImage::new([n_columns, self.picture.n_mels()], pixels);
        // Nearest when magnified: frames are what they are, and tiles show no seam.
        let options = TextureOptions {
            minification: TextureFilter::Linear,
            ..TextureOptions::NEAREST
        };
        ctx.load_texture(format!("log-mel {level}/{tile}"), image, options)
    }

    /// The tiles of a level that are visible.
    fn visible(&self, canvas: &Canvas<'_>, level: usize) -> std::ops::Range<usize> {
        let column = |secs: f64| {
            ((secs - self.picture.secs_from_column(level, 0)) / self.picture.secs_per_column(level))
                .max(0.0) as usize
        };
        let n_tiles = self.picture.n_columns(level).div_ceil(TILE_COLUMNS);
        let first = column(canvas.map.start_secs()) / TILE_COLUMNS;
        let last = column(canvas.map.end_secs()) / TILE_COLUMNS + 1;
        first.min(n_tiles)..last.min(n_tiles)
    }

    fn paint_level(&mut self, canvas: &Canvas<'_>, level: usize, to_make: &mut usize) {
        for tile in self.visible(canvas, level) {
            let key = (level, tile);
            if !self.tiles.contains_key(&key) {
                if *to_make == 0 {
                    // The rest comes with the next frames.
                    canvas.painter.ctx().request_repaint();
                    continue;
                }
                *to_make -= 1;
                let texture = self.make_tile(canvas.painter.ctx(), level, tile);
                self.tiles.insert(
                    key,
                    Tile {
                        texture,
                        last_seen: 0,
                    },
                );
            }
            if let Some(made) = self.tiles.get_mut(&key) {
                made.last_seen = self.frame;
                let first = tile * TILE_COLUMNS;
                let past = first + made.texture.size()[0];
                let x = |column| {
                    canvas
                        .map
                        .x_from_secs(self.picture.secs_from_column(level, column))
                };
                canvas.painter.image(
                    made.texture.id(),
                    Rect::from_x_y_ranges(x(first)..=x(past), canvas.rect.y_range()),
                    Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0)),
                    Color32::WHITE,
                );
            }
        }
    }
}

impl Lane for Spectrogram {
    fn title(&self) -> &'static str {
        "log-mel"
    }

    fn subtitle(&self) -> &'static str {
        "dB, 80 dB range"
    }

    fn height(&self) -> f32 {
        112.0
    }

    fn paint(&mut self, canvas: &Canvas<'_>) {
        self.frame += 1;
        canvas
            .painter
            .rect_filled(canvas.rect, 0.0, self.colours[0]);
        let level = self
            .picture
            .level_for(canvas.map.secs_per_point() / f64::from(canvas.painter.pixels_per_point()));
        let coarsest = self.picture.n_levels() - 1;
        let mut to_make = TILES_PER_FRAME;
        let missing = self
            .visible(canvas, level)
            .filter(|&tile| !self.tiles.contains_key(&(level, tile)))
            .count();
        if missing > TILES_PER_FRAME && level < coarsest {
            let mut its_own = 1;
            self.paint_level(canvas, coarsest, &mut its_own);
        }
        self.paint_level(canvas, level, &mut to_make);
        if self.tiles.len() > TILES_KEPT {
            let mut seen: Vec<u64> = self.tiles.values().map(|tile| tile.last_seen).collect();
            seen.sort_unstable();
            let oldest_kept = seen[seen.len() - TILES_KEPT].min(self.frame);
            self.tiles.retain(|_, tile| tile.last_seen >= oldest_kept);
        }
    }

    fn readout(&self, secs: f64) -> Option<String> {
        let (mel, decibels) = self.picture.loudest_at(secs)?;
        let hz = self.mel_centres_hz.get(mel)?;
        Some(format!("{decibels:.0} dB at {hz:.0} Hz"))
    }
}
