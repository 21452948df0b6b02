//! The attention of one window, layer by layer and head by head.

use super::model::failed;
use super::{Error, Explainer, Grid, Method};
use crate::models::{Ask, Attention};
use crate::predict::Model;

/// Windows to look at start at multiples of this part of a window.
const PARTS: usize = 4;

/// Attention weights of one window of a song.
#[derive(Clone, Debug, PartialEq)]
pub struct Heads {
    /// Start of the window in the song, in seconds.
    pub start_secs: f64,
    /// Where its tokens lie, from its start.
    pub grid: Grid,
    /// Layer by layer. Position 0 is the class token, position `t + 1` token `t`.
    pub layers: Vec<Attention>,
}

impl Heads {
    /// What position `query` reads of each position, in one head: `[1 + tokens]`, sums to 1.
    pub fn row(&self, layer: usize, head: usize, query: usize) -> &[f32] {
        let Some(layer) = self.layers.get(layer) else {
            return &[];
        };
        let start = (head * layer.n + query) * layer.n;
        layer.values.get(start..start + layer.n).unwrap_or_default()
    }

    /// The position of the token whose centre is nearest to a time of the song; `None` outside of the window.
    pub fn position_at_secs(&self, secs: f64) -> Option<usize> {
        Some(1 + self.grid.token_at_secs(secs - self.start_secs)?)
    }
}

/// The number of the window that is looked at for a time of a song: one that has the time near its middle. The same for all times that are
/// nearer to its middle than to the next one's.
pub fn window_at(model: &Model, n_samples: usize, secs: f64) -> usize {
    let step = (model.input_samples / PARTS).max(1);
    let last = n_samples.saturating_sub(model.input_samples).div_ceil(step);
    let middle = secs * f64::from(Explainer::sample_rate_hz(model));
    let start = middle - model.input_samples as f64 / 2.0;
    ((start / step as f64).round().max(0.0) as usize).min(last)
}

/// Looks at a window of a song by its number, see [`window_at`]; `None` if the network has no class token that reads tokens.
pub fn heads(model: &Model, wave: &[f32], window: usize) -> Result<Option<Heads>, Error> {
    let n = model.input_samples;
    let start = (window * (n / PARTS).max(1)).min(wave.len().saturating_sub(n));
    let mut samples = wave[start..(start + n).min(wave.len())].to_vec();
    samples.resize(n, 0.0);
    let Some(heard) = model.hear(&samples).map_err(failed)? else {
        return Ok(None);
    };
    let insight = model.inspect(&heard, Ask::default()).map_err(failed)?;
    Ok(Some(Heads {
        start_secs: start as f64 / f64::from(Explainer::sample_rate_hz(model)),
        grid: Explainer::grid(model, Method::Attention, n),
        layers: insight.attention,
    }))
}
