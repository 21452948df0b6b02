//! The heat map as it is painted: cells are the texels of a texture, so that ten thousand cost a frame as much as ten. Where there is no score
//! the texture is clear, and the hatching below it is seen.

use crate::theme::{self, ColourMap, Palette};
use attune_core::run::TagTable;
use egui::{
    Align2, Color32, ColorImage, Context, Pos2, Rect, ScrollArea, Sense, Shape, Stroke, StrokeKind,
    TextStyle, TextureHandle, TextureOptions, Ui, Vec2, pos2, vec2,
};
use std::ops::Range;

/// Room for the names of runs, in points.
const NAMES: f32 = 150.0;
/// Most room for the names of tags, in points.
const MAX_HEAD: f32 = 110.0;
/// Columns are no narrower and no wider than this, in points.
const WIDTH: Range<f32> = 13.0..44.0;
/// Rows that are lower have no names, in points.
const NAMED_FROM: f32 = 11.0;
/// Cells of a texture along each side: less than every device can do.
const TILE: usize = 1024;
/// Distance of the lines of the hatching, in points.
const HATCH: f32 = 6.0;

/// What is to be drawn.
pub(super) struct Drawn<'a> {
    pub(super) table: &'a TagTable,
    /// The numbers at both ends of the colours.
    pub(super) range: Option<[f64; 2]>,
    pub(super) row_height: f32,
    /// A run's place among the shown ones.
    pub(super) shown: &'a dyn Fn(usize) -> Option<usize>,
    /// The tags that are chosen in all panels.
    pub(super) chosen: &'a [String],
    /// What a cell says.
    pub(super) words: &'a dyn Fn(usize, usize) -> String,
}

/// What was clicked: a row, a column, or both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hit {
    Run(usize),
    Tag(usize),
    SortBy(usize),
    Cell(usize, usize),
}

/// The textures of the table that was drawn last.
#[derive(Default)]
pub(super) struct Picture {
    tiles: Vec<Tile>,
}

struct Tile {
    rows: Range<usize>,
    columns: Range<usize>,
    texture: TextureHandle,
}

impl std::fmt::Debug for Picture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Picture of {} tiles", self.tiles.len())
    }
}

impl Picture {
    /// Another table will be drawn.
    pub(super) fn forget(&mut self) {
        self.tiles.clear();
    }

    /// What the colours mean.
    pub(super) fn legend_ui(ui: &mut Ui, range: Option<[f64; 2]>, is_difference: bool) {
        let palette = theme::palette(ui.visuals());
        let Some([low, high]) = range else { return };
        let text = |ui: &mut Ui, value: f64| {
            let text = if is_difference {
                format!("{value:+.3}")
            } else {
                format!("{value:.3}")
            };
            let text = egui::RichText::new(text).text_style(theme::figures());
            ui.label(text.color(palette.text));
        };
        text(ui, low);
        let (rect, _) = ui.allocate_exact_size(vec2(96.0, 10.0), Sense::hover());
        let colours = colour_map(is_difference).table();
        let step = rect.width() / 48.0;
        for at in 0..48 {
            let left = pos2(rect.left() + at as f32 * step, rect.top());
            let part = Rect::from_min_size(left, vec2(step + 0.5, rect.height()));
            ui.painter().rect_filled(part, 0.0, colours[at * 255 / 47]);
        }
        text(ui, high);
    }

    /// Draws the map; what was clicked.
    pub(super) fn ui(&mut self, ui: &mut Ui, drawn: &Drawn<'_>) -> Option<Hit> {
        if self.tiles.is_empty() {
            self.tiles = tiles(ui.ctx(), drawn);
        }
        let palette = theme::palette(ui.visuals());
        let (n_rows, n_columns) = (drawn.table.rows.len(), drawn.table.tags.len());
        let room = ui.available_width() - NAMES - 16.0;
        let width = (room / n_columns as f32).clamp(WIDTH.start, WIDTH.end);
        let size = vec2(width, drawn.row_height);
        let mut hit = None;
        ScrollArea::horizontal().auto_shrink(false).show(ui, |ui| {
            ui.spacing_mut().item_spacing = Vec2::ZERO;
            hit = head_ui(ui, drawn, width, palette);
            ScrollArea::vertical()
                .auto_shrink(false)
                .show_viewport(ui, |ui, viewport| {
                    let whole = vec2(NAMES + width * n_columns as f32, size.y * n_rows as f32);
                    let (rect, _) = ui.allocate_exact_size(whole, Sense::hover());
                    let first = ((viewport.top() / size.y).max(0.0) as usize).min(n_rows);
                    let last = ((viewport.bottom() / size.y).ceil().max(0.0) as usize).min(n_rows);
                    let cells = Rect::from_min_max(rect.min + vec2(NAMES, 0.0), rect.max);
                    let names = names_ui(ui, drawn, rect.min, size, first..last, palette);
                    self.cells_ui(ui, cells, size, first..last, palette);
                    hit = hit
                        .or(names)
                        .or_else(|| pointed_ui(ui, drawn, cells, size, palette));
                });
        });
        hit
    }

    fn cells_ui(&self, ui: &Ui, cells: Rect, size: Vec2, rows: Range<usize>, palette: &Palette) {
        let top = cells.top() + rows.start as f32 * size.y;
        let bottom = cells.top() + rows.end as f32 * size.y;
        let visible = Rect::from_x_y_ranges(cells.x_range(), top..=bottom);
        let painter = ui
            .painter()
            .with_clip_rect(ui.clip_rect().intersect(visible));
        painter.rect_filled(visible, 0.0, palette.sunken);
        let hatched = painter.clip_rect();
        if hatched.is_positive() {
            let n = ((hatched.width() + hatched.height()) / HATCH) as usize + 1;
            let stroke = Stroke::new(1.0, palette.grid);
            painter.extend((0..n).map(|at| {
                let x = hatched.left() + at as f32 * HATCH;
                let foot = pos2(x - hatched.height(), hatched.bottom());
                Shape::line_segment([pos2(x, hatched.top()), foot], stroke)
            }));
        }
        for tile in &self.tiles {
            if tile.rows.end <= rows.start || tile.rows.start >= rows.end {
                continue;
            }
            let corner = |row: usize, column: usize| {
                cells.min + vec2(column as f32 * size.x, row as f32 * size.y)
            };
            let rect = Rect::from_min_max(
                corner(tile.rows.start, tile.columns.start),
                corner(tile.rows.end, tile.columns.end),
            );
            let whole = Rect::from_min_max(Pos2::ZERO, pos2(1.0, 1.0));
            painter.image(tile.texture.id(), rect, whole, Color32::WHITE);
        }
    }
}

/// The names of the tags, upright.
fn head_ui(ui: &mut Ui, drawn: &Drawn<'_>, width: f32, palette: &Palette) -> Option<Hit> {
    let font = TextStyle::Small.resolve(ui.style());
    let galleys: Vec<_> = drawn
        .table
        .tags
        .iter()
        .map(|tag| {
            let is_chosen = drawn.chosen.contains(tag);
            let colour = if is_chosen {
                palette.accent
            } else {
                palette.text
            };
            ui.painter()
                .layout_no_wrap(tag.clone(), font.clone(), colour)
        })
        .collect();
    let longest = galleys
        .iter()
        .map(|galley| galley.size().x)
        .fold(20.0, f32::max);
    let height = longest.min(MAX_HEAD) + 6.0;
    let whole = vec2(NAMES + width * galleys.len() as f32, height);
    let (rect, _) = ui.allocate_exact_size(whole, Sense::hover());
    let mut hit = None;
    for (column, (galley, tag)) in galleys.into_iter().zip(&drawn.table.tags).enumerate() {
        let left = rect.left() + NAMES + column as f32 * width;
        let place = Rect::from_x_y_ranges(left..=left + width, rect.y_range());
        if !ui.is_rect_visible(place) {
            continue;
        }
        let id = ui.scope_id().with(("tag of the map", tag));
        let response = ui.interact(place, id, Sense::click());
        response.widget_info(|| {
            egui::WidgetInfo::labeled(egui::Role::Button, true, format!("Map tag {tag}"))
        });
        if response.hovered() {
            ui.painter().rect_filled(place, 2.0, palette.raised);
        }
        let foot = pos2(left + 0.5 * (width - galley.size().y), rect.bottom() - 3.0);
        let text = egui::epaint::TextShape::new(foot, galley, palette.text);
        let painter = ui.painter().with_clip_rect(ui.clip_rect().intersect(place));
        painter.add(text.with_angle(-std::f32::consts::FRAC_PI_2));
        if response.clicked() {
            hit = Some(Hit::Tag(column));
        }
        let mean = drawn.table.column_mean(column);
        let spread = drawn.table.column_spread(column);
        let number =
            |value: Option<f64>| value.map_or("–".to_owned(), |value| format!("{value:.3}"));
        let hint = format!(
            "{tag}\nmean over the runs {}, standard deviation {}\nClick: show it in Tags. Right click: sort the runs by it.",
            number(mean),
            number(spread)
        );
        let response = response.on_hover_text(hint);
        response.context_menu(|ui| {
            if ui.button("Sort the runs by this tag").clicked() {
                hit = Some(Hit::SortBy(column));
                ui.close();
            }
        });
    }
    hit
}

/// The names of the runs in sight.
fn names_ui(
    ui: &Ui,
    drawn: &Drawn<'_>,
    corner: Pos2,
    size: Vec2,
    rows: Range<usize>,
    palette: &Palette,
) -> Option<Hit> {
    let font = TextStyle::Small.resolve(ui.style());
    let mut hit = None;
    for row in rows {
        let run = &drawn.table.rows[row];
        let top = corner.y + row as f32 * size.y;
        let place = Rect::from_min_size(pos2(corner.x, top), vec2(NAMES - 4.0, size.y));
        let id = ui.scope_id().with(("run of the map", &run.id));
        let response = ui.interact(place, id, Sense::click());
        response.widget_info(|| {
            egui::WidgetInfo::labeled(egui::Role::Button, true, format!("Map run {}", run.id))
        });
        let shown = (drawn.shown)(row);
        let painter = ui.painter().with_clip_rect(ui.clip_rect().intersect(place));
        if response.hovered() {
            painter.rect_filled(place, 2.0, palette.raised);
        }
        if let Some(at) = shown {
            let mark = Rect::from_min_size(place.min, vec2(3.0, place.height()));
            painter.rect_filled(mark, 1.0, palette.of_series(at));
        }
        if size.y >= NAMED_FROM {
            let colour = if shown.is_some() {
                palette.strong
            } else {
                palette.text
            };
            let left = place.left_center() + vec2(7.0, 0.0);
            painter.text(left, Align2::LEFT_CENTER, &run.id, font.clone(), colour);
        }
        if response.clicked() {
            hit = Some(Hit::Run(row));
        }
        let mean = run.mean.map_or("–".to_owned(), |mean| format!("{mean:.3}"));
        response.on_hover_text(format!(
            "{}\nmean over the tags {mean}\nClick: show it",
            run.id
        ));
    }
    hit
}

/// The cell under the pointer: framed, read out, clicked.
fn pointed_ui(
    ui: &Ui,
    drawn: &Drawn<'_>,
    cells: Rect,
    size: Vec2,
    palette: &Palette,
) -> Option<Hit> {
    let id = ui.scope_id().with("cells of the map");
    let response = ui.interact(cells.intersect(ui.clip_rect()), id, Sense::click());
    response.widget_info(|| {
        egui::WidgetInfo::labeled(egui::Role::Image, true, "Heat map of runs and tags")
    });
    let pointer = response.hover_pos()?;
    let at = pointer - cells.min;
    let (row, column) = ((at.y / size.y) as usize, (at.x / size.x) as usize);
    if row >= drawn.table.rows.len() || column >= drawn.table.tags.len() {
        return None;
    }
    let corner = cells.min + vec2(column as f32 * size.x, row as f32 * size.y);
    let frame = Stroke::new(1.5, palette.strong);
    let cell = Rect::from_min_size(corner, size);
    ui.painter()
        .rect_stroke(cell, 1.0, frame, StrokeKind::Outside);
    let is_clicked = response.clicked();
    response.on_hover_text_at_pointer((drawn.words)(row, column));
    is_clicked.then_some(Hit::Cell(row, column))
}

fn tiles(ctx: &Context, drawn: &Drawn<'_>) -> Vec<Tile> {
    let table = drawn.table;
    let colours = colour_map(table.baseline.is_some()).table();
    let [low, high] = drawn.range.unwrap_or([0.0, 1.0]);
    let span = (high - low).max(1e-9);
    let parts = |n: usize| {
        (0..n)
            .step_by(TILE)
            .map(move |from| from..(from + TILE).min(n))
    };
    let mut tiles = Vec::new();
    for rows in parts(table.rows.len()) {
        for columns in parts(table.tags.len()) {
            let pixels = table.rows[rows.clone()].iter().flat_map(|row| {
                row.cells[columns.clone()].iter().map(|cell| match cell {
                    Ok(score) => {
                        colours[(((score - low) / span) * 255.0).clamp(0.0, 255.0) as usize]
                    }
                    Err(_) => Color32::TRANSPARENT,
                })
            });
            let image = ColorImage::new([columns.len(), rows.len()], pixels.collect());
            let texture = ctx.load_texture("runs and tags", image, TextureOptions::NEAREST);
            tiles.push(Tile {
                rows: rows.clone(),
                columns,
                texture,
            });
        }
    }
    tiles
}

fn colour_map(is_difference: bool) -> ColourMap {
    if is_difference {
        ColourMap::Diverging
    } else {
        ColourMap::Viridis
    }
}
