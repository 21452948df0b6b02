//! Occlusion in the audio, for every network: what the answer loses if a stretch of the window is silent.
//!
//! Zeiler, Fergus, *Visualizing and understanding convolutional networks*, ECCV 2014, along time. The stretch is faded out and in, so
//! that the network does not hear a click.

use super::model::failed;
use super::silence::silence;
use super::{Error, Grid};
use crate::predict::Model;

/// Stretches in a window: each costs a pass of the network.
const STRETCHES: std::ops::RangeInclusive<usize> = 4..=16;

/// The shortest stretch, unless the window is too short for four of them.
const SHORTEST_SECS: f64 = 0.25;

/// Windows that are asked about at a time.
const BATCH: usize = 4;

/// Where the stretches of a sound of `n_samples` lie.
pub(super) fn grid(model: &Model, n_samples: usize) -> Grid {
    let stretch = stretch_samples(model);
    Grid {
        samples_per_token: stretch as f64,
        first_centre_samples: stretch as f64 / 2.0,
        receptive_field_samples: stretch as f64,
        n_tokens: n_samples.div_ceil(stretch),
        sample_rate_hz: model.sample_rate_hz(),
    }
}

fn stretch_samples(model: &Model) -> usize {
    let shortest = (SHORTEST_SECS * f64::from(model.sample_rate_hz())) as usize;
    let n = (model.input_samples / shortest.max(1)).clamp(*STRETCHES.start(), *STRETCHES.end());
    model.input_samples.div_ceil(n).max(1)
}

/// `[tags, stretches]` of a window: what the answer loses without the sound of each stretch. The answer itself is asked for in the same
/// way, from the sound: what was put together of what neighbours heard is not the same to the last digit.
pub(super) fn explain(model: &Model, window: &[f32]) -> Result<Vec<f32>, Error> {
    let answer = model.logits(&[window]).map_err(failed)?.concat();
    let logits = &answer;
    let stretch = stretch_samples(model);
    let n_stretches = window.len().div_ceil(stretch);
    let mut without: Vec<Vec<f32>> = Vec::with_capacity(n_stretches);
    let stretches: Vec<usize> = (0..n_stretches).collect();
    for batch in stretches.chunks(BATCH) {
        let silenced: Vec<Vec<f32>> = batch
            .iter()
            .map(|i| {
                let mut silenced = window.to_vec();
                let stretch = i * stretch..(i + 1) * stretch;
                silence(&mut silenced, stretch, model.sample_rate_hz());
                silenced
            })
            .collect();
        let waves: Vec<&[f32]> = silenced.iter().map(Vec::as_slice).collect();
        without.extend(model.logits(&waves).map_err(failed)?);
    }
    let lost = |tag: usize| {
        without
            .iter()
            .map(move |without| logits[tag] - without[tag])
    };
    Ok((0..logits.len()).flat_map(lost).collect())
}
