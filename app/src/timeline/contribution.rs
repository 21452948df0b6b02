//! A tag's contribution lane: what each token alone says for the tag (upwards) or against it (downwards).

use super::lane::{Bars, CachedMesh, Canvas, Lane, Place, tokens_in};
use crate::theme::Palette;
use attune_core::interpret::{Method, SongExplanation, TokenMap};
use egui::{Color32, Stroke};
use std::sync::Arc;

/// What speaks for a tag.
pub(super) fn evidence_for(palette: &Palette) -> Color32 {
    palette.of_series(7)
}

/// What speaks against it.
pub(super) fn evidence_against(palette: &Palette) -> Color32 {
    palette.of_series(6)
}

/// The lane of what speaks for and against a tag.
pub(super) struct Contribution {
    explanation: Arc<SongExplanation>,
    method: Method,
    tag_idx: usize,
    highest: f32,
    subtitle: String,
    mesh: CachedMesh,
}

impl Contribution {
    /// Of a tag, by a method of the explanation. The scale is the tag's own highest value, the same at every zoom.
    pub(super) fn new(explanation: Arc<SongExplanation>, method: Method, tag_idx: usize) -> Self {
        let highest = explanation
            .map(method)
            .map_or(&[][..], |map| map.tag(tag_idx))
            .iter()
            .fold(0.0f32, |highest, value| highest.max(value.abs()));
        Self {
            subtitle: format!(
                "{}, ±{highest:.*} {}",
                method.name(),
                decimals(highest),
                method.unit()
            ),
            explanation,
            method,
            tag_idx,
            highest,
            mesh: CachedMesh::default(),
        }
    }

    fn map(&self) -> Option<&TokenMap> {
        self.explanation.map(self.method)
    }
}

/// As many as mean something in a lane of that height.
fn decimals(highest: f32) -> usize {
    if highest < 0.5 { 4 } else { 2 }
}

impl Lane for Contribution {
    fn title(&self) -> &'static str {
        ""
    }

    fn subtitle(&self) -> &str {
        &self.subtitle
    }

    fn height(&self) -> f32 {
        48.0
    }

    fn place(&self) -> Place {
        Place::Joined
    }

    fn paint(&mut self, canvas: &Canvas<'_>) {
        let rect = canvas.rect;
        let zero = canvas.painter.round_to_pixel_center(rect.center().y);
        let mut mesh_cache = std::mem::take(&mut self.mesh);
        let lane = self.map().map(|map| (map.grid, map.tag(self.tag_idx)));
        let Some((grid, values)) = lane else {
            return;
        };
        let scale = if self.highest > 0.0 {
            (0.5 * rect.height() - 2.0) / self.highest
        } else {
            0.0
        };
        mesh_cache.paint(canvas, |mesh| {
            let mut bars = Bars::new(mesh);
            for (left, right, times) in canvas.columns() {
                let tokens = values.get(tokens_in(&grid, &times)).unwrap_or_default();
                let (low, high) = tokens.iter().fold((0.0f32, 0.0f32), |(low, high), &v| {
                    (low.min(v), high.max(v))
                });
                if high > 0.0 {
                    bars.add(
                        left..right,
                        zero - high * scale..zero,
                        evidence_for(canvas.palette),
                    );
                }
                if low < 0.0 {
                    bars.add(
                        left..right,
                        zero..zero - low * scale,
                        evidence_against(canvas.palette),
                    );
                }
            }
        });
        self.mesh = mesh_cache;
        canvas
            .painter
            .hline(rect.x_range(), zero, Stroke::new(1.0, canvas.palette.grid));
    }

    fn readout(&self, secs: f64) -> Option<String> {
        let map = self.map()?;
        let token = map.grid.token_at_secs(secs)?;
        let value = map.tag(self.tag_idx).get(token)?;
        let alone = self
            .explanation
            .map(Method::OnlyToken)
            .filter(|alone| alone.grid == map.grid)
            .and_then(|map| map.tag(self.tag_idx).get(token))
            .map(|p| format!(", alone p = {p:.2}"))
            .unwrap_or_default();
        let decimals = decimals(self.highest);
        Some(format!("{value:+.decimals$} {}{alone}", self.method.unit()))
    }
}
