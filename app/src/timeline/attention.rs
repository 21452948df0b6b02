//! The attention strip: how much the class token looks at each token.

use super::lane::{Bars, CachedMesh, Canvas, Lane, tokens_in};
use crate::theme::ColourMap;
use attune_core::interpret::SongExplanation;
use egui::Color32;
use std::sync::Arc;

/// The lane of the attention strip.
pub(super) struct Attention {
    explanation: Arc<SongExplanation>,
    highest: f32,
    subtitle: String,
    colours: [Color32; 256],
    mesh: CachedMesh,
}

impl Attention {
    /// Of an explanation.
    pub(super) fn new(explanation: Arc<SongExplanation>) -> Self {
        let highest = explanation.attention.iter().copied().fold(0.0, f32::max);
        let n_windows = explanation.self_attention.len().max(1) as f32;
        let to_itself = explanation.self_attention.iter().sum::<f32>() / n_windows;
        Self {
            highest,
            subtitle: format!("share; {:.0} % to itself", 100.0 * to_itself),
            colours: ColourMap::Viridis.table(),
            explanation,
            mesh: CachedMesh::default(),
        }
    }
}

impl Lane for Attention {
    fn title(&self) -> &'static str {
        "attention"
    }

    fn subtitle(&self) -> &str {
        &self.subtitle
    }

    fn height(&self) -> f32 {
        26.0
    }

    fn paint(&mut self, canvas: &Canvas<'_>) {
        let (explanation, colours) = (&self.explanation, &self.colours);
        let scale = if self.highest > 0.0 {
            255.0 / self.highest
        } else {
            0.0
        };
        self.mesh.paint(canvas, |mesh| {
            let mut bars = Bars::new(mesh);
            for (left, right, times) in canvas.columns() {
                let tokens = tokens_in(&explanation.grid, &times);
                if let Some(most) = explanation.attention[tokens]
                    .iter()
                    .copied()
                    .reduce(f32::max)
                {
                    let colour = colours[(most * scale) as u8 as usize];
                    bars.add(left..right, canvas.rect.top()..canvas.rect.bottom(), colour);
                }
            }
        });
    }

    fn readout(&self, secs: f64) -> Option<String> {
        let token = self.explanation.grid.token_at_secs(secs)?;
        let share = self.explanation.attention.get(token)?;
        Some(format!("{:.2} %", 100.0 * share))
    }
}
