//! A tag's probability over time: one value per window, drawn at the window's middle.

use super::lane::{Bars, CachedMesh, Canvas, Lane};
use attune_core::interpret::SongExplanation;
use egui::{Color32, Stroke};
use std::sync::Arc;

/// The lane of a tag's probability.
pub(super) struct Probability {
    explanation: Arc<SongExplanation>,
    tag_idx: usize,
    colour: Color32,
    subtitle: String,
    mesh: CachedMesh,
}

impl Probability {
    /// Of a tag, in its colour.
    pub(super) fn new(explanation: Arc<SongExplanation>, tag_idx: usize, colour: Color32) -> Self {
        let whole = explanation
            .over_time
            .whole_song
            .get(tag_idx)
            .copied()
            .unwrap_or(f32::NAN);
        Self {
            explanation,
            tag_idx,
            colour,
            subtitle: format!("probability, song {whole:.2}"),
            mesh: CachedMesh::default(),
        }
    }
}

impl Lane for Probability {
    fn title(&self) -> &str {
        self.explanation
            .tags
            .get(self.tag_idx)
            .map_or("", String::as_str)
    }

    fn subtitle(&self) -> &str {
        &self.subtitle
    }

    fn height(&self) -> f32 {
        38.0
    }

    fn paint(&mut self, canvas: &Canvas<'_>) {
        let rect = canvas.rect;
        let half = canvas.painter.round_to_pixel_center(rect.center().y);
        canvas
            .painter
            .hline(rect.x_range(), half, Stroke::new(1.0, canvas.palette.line));
        let (over_time, tag_idx, colour) = (&self.explanation.over_time, self.tag_idx, self.colour);
        let faint = colour.gamma_multiply(0.28);
        self.mesh.paint(canvas, |mesh| {
            let ys: Vec<_> = canvas
                .columns()
                .map(|(left, right, times)| {
                    let p = over_time.at_secs(0.5 * (times.start + times.end), tag_idx)?;
                    Some((left..right, rect.bottom() - 1.0 - p * (rect.height() - 3.0)))
                })
                .collect();
            let mut area = Bars::new(mesh);
            for (x, y) in ys.iter().flatten() {
                area.add(x.clone(), *y..rect.bottom(), faint);
            }
            drop(area);
            let mut line = Bars::new(mesh);
            let mut before = None;
            for (x, y) in ys.into_iter().flatten() {
                let from = before.unwrap_or(y);
                line.add(x, from.min(y) - 0.75..from.max(y) + 0.75, colour);
                before = Some(y);
            }
        });
    }

    fn readout(&self, secs: f64) -> Option<String> {
        let p = self.explanation.over_time.at_secs(secs, self.tag_idx)?;
        Some(format!("p = {p:.3}"))
    }
}
