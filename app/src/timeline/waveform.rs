//! The waveform: from the lowest to the highest sample of each column of pixels.

use super::lane::{Bars, CachedMesh, Canvas, Lane};
use attune_core::audio::Overview;
use egui::Stroke;
use std::sync::Arc;

/// The lane of a waveform.
pub(super) struct Waveform {
    overview: Arc<Overview>,
    rate_hz: f64,
    n_samples: usize,
    mesh: CachedMesh,
}

impl Waveform {
    /// Of `n_samples` samples at `rate_hz`.
    pub(super) fn new(overview: Arc<Overview>, rate_hz: u32, n_samples: usize) -> Self {
        Self {
            overview,
            rate_hz: f64::from(rate_hz),
            n_samples,
            mesh: CachedMesh::default(),
        }
    }

    fn sample_from_secs(&self, secs: f64) -> usize {
        ((secs * self.rate_hz).max(0.0) as usize).min(self.n_samples)
    }
}

impl Lane for Waveform {
    fn title(&self) -> &'static str {
        "waveform"
    }

    fn subtitle(&self) -> &'static str {
        "amplitude, ±1"
    }

    fn height(&self) -> f32 {
        72.0
    }

    fn paint(&mut self, canvas: &Canvas<'_>) {
        let middle = canvas.rect.center().y;
        let half = 0.5 * canvas.rect.height() - 2.0;
        canvas.painter.hline(
            canvas.rect.x_range(),
            canvas.painter.round_to_pixel_center(middle),
            Stroke::new(1.0, canvas.palette.line),
        );
        let columns: Vec<_> = canvas.columns().collect();
        let from = self.sample_from_secs(canvas.map.start_secs());
        let to = self.sample_from_secs(canvas.map.end_secs()).max(from + 1);
        let (overview, n_samples) = (&self.overview, self.n_samples);
        self.mesh.paint(canvas, |mesh| {
            let extremes = overview.min_max(from..to.min(n_samples), columns.len());
            let mut bars = Bars::new(mesh);
            let mut before: Option<[f32; 2]> = None;
            for ((left, right, _), [low, high]) in columns.into_iter().zip(extremes) {
                // Reach over to the column before, so that a steep wave is a line and not a row of dots.
                let (mut bottom, mut top) = (low.clamp(-1.0, 1.0), high.clamp(-1.0, 1.0));
                if let Some([its_low, its_high]) = before {
                    top = top.max(its_low.clamp(-1.0, 1.0));
                    bottom = bottom.min(its_high.clamp(-1.0, 1.0));
                }
                before = Some([low, high]);
                let y =
                    middle - top * half..(middle - bottom * half).max(middle - top * half + 1.0);
                bars.add(left..right, y, canvas.palette.waveform);
            }
        });
    }

    fn readout(&self, secs: f64) -> Option<String> {
        let at = self.sample_from_secs(secs);
        let to = (at + (0.01 * self.rate_hz) as usize).min(self.n_samples);
        if at >= to {
            return None;
        }
        let [low, high] = *self.overview.min_max(at..to, 1).first()?;
        let peak = high.abs().max(low.abs());
        Some(if peak > 0.0 {
            format!("{:.1} dBFS", 20.0 * peak.log10())
        } else {
            "silence".to_owned()
        })
    }
}
