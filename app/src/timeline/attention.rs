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
        let shares = explanation.attention().map(|map| map.tag(0));
        let highest = shares
            .unwrap_or_default()
            .iter()
            .copied()
            .fold(0.0, f32::max);
        // Some windows may not be known yet.
        let known = explanation.self_attention.iter().filter(|p| !p.is_nan());
        let n_known = known.clone().count().max(1) as f32;
        let to_itself = known.sum::<f32>() / n_known;
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
        let colours = &self.colours;
        let Some(map) = self.explanation.attention() else {
            return;
        };
        let scale = if self.highest > 0.0 {
            255.0 / self.highest
        } else {
            0.0
        };
        self.mesh.paint(canvas, |mesh| {
            let mut bars = Bars::new(mesh);
            for (left, right, times) in canvas.columns() {
                let tokens = map.values.get(tokens_in(&map.grid, &times));
                let tokens = tokens.unwrap_or_default().iter();
                let most = tokens.copied().reduce(f32::max);
                if let Some(most) = most.filter(|most| !most.is_nan()) {
                    let colour = colours[(most * scale) as u8 as usize];
                    bars.add(left..right, canvas.rect.top()..canvas.rect.bottom(), colour);
                }
            }
        });
    }

    fn readout(&self, secs: f64) -> Option<String> {
        let map = self.explanation.attention()?;
        let share = map.values.get(map.grid.token_at_secs(secs)?)?;
        share.is_finite().then(|| format!("{:.2} %", 100.0 * share))
    }
}
