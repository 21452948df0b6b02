//! The attention heads around the play head: a cell for each layer and head, with what one position reads of all the others.

use crate::theme::{self, ColourMap, map_colour};
use crate::timeline::ruler::clock;
use crate::widgets::save_plot_button;
use crate::workbench::parts::plots::{self, Drawing};
use crate::workbench::parts::timeline::Command;
use crate::workbench::{Command as Any, Ctx, Play};
use attune_core::figure::{Axis, Figure, HeatMap, Layer, Panel, Ticks};
use attune_core::interpret::Heads;
use egui::{Align2, FontId, Mesh, Rect, Role, Sense, Shape, Stroke, Ui, WidgetInfo, pos2, vec2};
use std::sync::Arc;

/// Height of a layer's row, at least, in points.
const LEAST_HEIGHT: f32 = 18.0;
/// Room for the names of layers, in points.
const NAME_WIDTH: f32 = 56.0;
const GAP: f32 = 4.0;

/// Whose reading is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) enum Query {
    /// The class token's, from which the answer is made.
    #[default]
    ClassToken,
    /// That of the token under the play head.
    PlayHead,
}

/// Draws the grid, and asks for what it lacks.
pub(super) fn heads_ui(ctx: &Ctx<'_>, query: &mut Query, secs: f64, ui: &mut Ui) {
    let palette = theme::palette(ui.visuals());
    let (Some(song), Some(model)) = (ctx.state.song.current(), ctx.state.model.current()) else {
        return;
    };
    if !ctx.state.timeline.has_heads(song, model, secs) {
        ctx.send(Any::Timeline(Command::Heads { at_secs: secs }));
    }
    let heads = ctx.state.timeline.heads(song, model);
    let position = heads.and_then(|heads| heads.position_at_secs(secs));
    let row = match query {
        Query::ClassToken => 0,
        Query::PlayHead => position.unwrap_or(0),
    };
    ui.horizontal(|ui| {
        ui.label(egui::RichText::new("Attention heads").text_style(theme::section()));
        for (choice, words, hint) in [
            (
                Query::ClassToken,
                "class token reads",
                "What the class token reads of each token: the answer is made of it",
            ),
            (
                Query::PlayHead,
                "token at the play head reads",
                "What the token under the play head reads of each other token",
            ),
        ] {
            ui.selectable_value(query, choice, words)
                .on_hover_text(hint);
        }
        if let Some(heads) = heads {
            let start = heads.start_secs;
            let last = heads.grid.n_tokens.saturating_sub(1);
            let end = start + heads.grid.centre_secs(last);
            let text = format!("window {}–{}", clock(start, 1), clock(end, 1));
            ui.label(egui::RichText::new(text).color(palette.weak));
            if save_plot_button(ui, "attention heads") {
                let heads = Arc::clone(heads);
                let name = format!("{} attention heads", song.heard.name);
                let draw = move || Ok(figure_of(&heads, row));
                let ask = plots::Command::Ask(Drawing::new(name, draw));
                ctx.send(Any::Plots(ask));
            }
        }
    });
    let Some(heads) = heads else {
        let text = match ctx.state.timeline.heads_error() {
            _ if model.token_grid().is_none() => "This network has no attention.",
            Some(error) => error,
            None => "Looking…",
        };
        ui.label(egui::RichText::new(text).color(palette.weak));
        return;
    };
    if let Some(to_secs) = grid_ui(heads, row, position, ui) {
        ctx.send(Play::Seek { to_secs });
    }
}

/// The cells; gives back the time that was clicked.
fn grid_ui(heads: &Heads, query: usize, play_head: Option<usize>, ui: &mut Ui) -> Option<f64> {
    let palette = theme::palette(ui.visuals());
    let n_layers = heads.layers.len().max(1);
    let height = (ui.available_height() / n_layers as f32 - GAP).max(LEAST_HEIGHT);
    let mut clicked = None;
    for (layer_idx, layer) in heads.layers.iter().enumerate() {
        let size = vec2(ui.available_width(), height);
        let (line, _) = ui.allocate_exact_size(size, Sense::hover());
        let name = format!("layer {}", layer_idx + 1);
        ui.painter().text(
            line.left_center(),
            Align2::LEFT_CENTER,
            name,
            FontId::proportional(12.0),
            palette.weak,
        );
        let n_heads = layer.heads.max(1) as f32;
        let width = (line.width() - NAME_WIDTH) / n_heads;
        for head in 0..layer.heads {
            let left = line.left() + NAME_WIDTH + head as f32 * width;
            let cell = Rect::from_min_size(
                pos2(left, line.top()),
                vec2((width - GAP).max(1.0), line.height()),
            );
            let values = heads.row(layer_idx, head, query);
            cell_ui(ui, cell, values, play_head);
            let id = ui.scope_id().with(("head", layer_idx, head));
            let response = ui.interact(cell, id, Sense::click());
            let about = format!("Layer {}, head {}", layer_idx + 1, head + 1);
            response.widget_info(|| WidgetInfo::labeled(Role::Image, true, &about));
            let pointed = response.hover_pos().map(|pos| {
                let share = (pos.x - cell.left()) / cell.width();
                ((share * values.len() as f32).max(0.0) as usize)
                    .min(values.len().saturating_sub(1))
            });
            if let Some(at) = pointed {
                let value = values.get(at).copied().unwrap_or(0.0);
                let secs = at
                    .checked_sub(1)
                    .map(|token| heads.start_secs + heads.grid.centre_secs(token));
                let whom = secs.map_or("the class token".to_owned(), |secs| {
                    format!("the token at {}", clock(secs, 2))
                });
                let share = 100.0 * value;
                let reader = if query == 0 {
                    "The class token".to_owned()
                } else {
                    let secs = heads.start_secs + heads.grid.centre_secs(query - 1);
                    format!("The token at {}", clock(secs, 2))
                };
                let text =
                    format!("{about}\n{reader} gives {share:.2} % of its attention to {whom}.");
                let response = response.on_hover_text(text);
                if response.clicked() {
                    clicked = secs;
                }
            }
        }
    }
    clicked
}

/// The grid for paper, a row a layer: over the window what is read of each token, and in words what of the class token.
fn figure_of(heads: &Heads, query: usize) -> Figure {
    let reader = match query.checked_sub(1) {
        None => "the class token".to_owned(),
        Some(token) => {
            let secs = heads.start_secs + heads.grid.centre_secs(token);
            format!("the token at {}", clock(secs, 2))
        }
    };
    let ends = |token: usize| heads.start_secs + heads.grid.centre_secs(token);
    let last = heads.grid.n_tokens.saturating_sub(1);
    let half = 0.5 * (ends(last) - ends(0)) / last.max(1) as f64;
    let (from, to) = (ends(0) - half, ends(last) + half);
    let n_columns = heads.layers.iter().map(|layer| layer.heads).max();
    let title = format!("Attention heads: what {reader} reads");
    let mut figure =
        Figure::new(title, Axis::time().range(from, to)).in_columns(n_columns.unwrap_or(1));
    for (layer_idx, layer) in heads.layers.iter().enumerate() {
        for head in 0..layer.heads {
            let values = heads.row(layer_idx, head, query);
            let (class_token, tokens) = values.split_first().unwrap_or((&0.0, &[]));
            let y = Axis::new("", "").range(0.0, 1.0).ticks(Ticks::None);
            let map = HeatMap {
                x: [from, to],
                y: [0.0, 1.0],
                n_columns: tokens.len(),
                values: tokens.to_vec(),
                range: Some([
                    0.0,
                    values.iter().copied().fold(f32::MIN_POSITIVE, f32::max),
                ]),
                map: attune_core::figure::ColourMap::Paper,
                label: String::new(),
            };
            figure = figure.with(
                Panel::new(y)
                    .height(34.0)
                    .title(format!("{}.{}", layer_idx + 1, head + 1))
                    .note(format!("class token {:.1} %", 100.0 * class_token))
                    .layer(Layer::HeatMap(map)),
            );
        }
    }
    figure
}

/// A strip of colours, the class token first, each cell on its own scale; a line for the play head.
fn cell_ui(ui: &Ui, cell: Rect, values: &[f32], play_head: Option<usize>) {
    let palette = theme::palette(ui.visuals());
    if !ui.clip_rect().intersects(cell) {
        return;
    }
    let painter = ui.painter_at(cell);
    let highest = values
        .iter()
        .copied()
        .fold(0.0f32, f32::max)
        .max(f32::MIN_POSITIVE);
    let width = cell.width() / values.len().max(1) as f32;
    let mut mesh = Mesh::default();
    let x = |at: usize| cell.left() + at as f32 * width;
    for (at, value) in values.iter().enumerate() {
        let colour = map_colour(ColourMap::Viridis, value / highest);
        let bar = Rect::from_x_y_ranges(x(at)..=x(at + 1), cell.y_range());
        mesh.add_colored_rect(bar, colour);
    }
    painter.add(Shape::mesh(mesh));
    // The class token is no moment of the song.
    painter.vline(x(1), cell.y_range(), Stroke::new(1.0, palette.panel));
    if let Some(at) = play_head {
        let middle = x(at) + 0.5 * width;
        painter.vline(middle, cell.y_range(), Stroke::new(1.5, palette.play_head));
    }
}
