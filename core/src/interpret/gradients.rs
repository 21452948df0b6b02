//! What the input owes the answer, by slopes: gradient times input, and integrated gradients.
//!
//! Simonyan et al., *Deep inside convolutional networks*, 2014; Sundararajan, Taly, Yan, *Axiomatic attribution for deep networks*, ICML 2017. For
//! every network, whatever it takes in: the rows of the input (mel bands) are summed, and neighbouring columns, so that what is shown is owed
//! to about a tenth of a second. Integrated gradients go from silence to the sound in equal steps, and in more of them until their
//! sum is the difference of the answers.

use super::model::failed;
use super::{Error, Grid};
use crate::predict::Model;

/// About how long a bin is.
const BIN_SECS: f64 = 0.1;

/// Steps from silence to the sound: at first, and at most.
const STEPS: std::ops::RangeInclusive<usize> = 32..=512;

/// Inputs in a batch.
const BATCH: usize = 8;

/// Steps are enough when the sum is so near to the difference of the logits, as a share of it.
const NEAR: f32 = 0.005;

/// Differences below this are counted as this: the share of next to nothing says nothing.
const LEAST_LOGIT: f32 = 0.1;

/// Columns of the input in a bin.
fn columns_per_bin(model: &Model) -> usize {
    let input = model.extractor().input();
    let columns = BIN_SECS * f64::from(input.sample_rate_hz()) / input.hop_samples() as f64;
    (columns.round() as usize).max(1)
}

/// Where the bins of a sound of `n_samples` lie.
pub(super) fn grid(model: &Model, n_samples: usize) -> Grid {
    let input = model.extractor().input();
    let (hop, columns) = (input.hop_samples() as f64, columns_per_bin(model));
    Grid {
        samples_per_token: hop * columns as f64,
        first_centre_samples: hop * (columns - 1) as f64 / 2.0,
        receptive_field_samples: hop * columns as f64,
        n_tokens: (input.n_columns(n_samples) / columns).max(1),
        sample_rate_hz: input.sample_rate_hz(),
    }
}

/// `[bins]`: the sums over rows and columns of an attribution `[rows, columns]`; columns that are left over count to the last bin.
fn binned(model: &Model, attribution: &[f32]) -> Vec<f32> {
    let n_rows = model.extractor().input().n_rows();
    let n_columns = attribution.len() / n_rows;
    let per_bin = columns_per_bin(model);
    let n_bins = (n_columns / per_bin).max(1);
    let mut bins = vec![0f32; n_bins];
    for row in attribution.chunks_exact(n_columns) {
        for (column, value) in row.iter().enumerate() {
            bins[(column / per_bin).min(n_bins - 1)] += value;
        }
    }
    bins
}

/// `[bins]`: the slope of a tag's logit times the input's distance from silence.
pub(super) fn gradient_input(model: &Model, window: &[f32], tag: usize) -> Result<Vec<f32>, Error> {
    let path = Path::new(model, window)?;
    let (_, slopes) = model
        .input_gradients(std::slice::from_ref(&path.sound), tag)
        .map_err(failed)?;
    Ok(binned(model, &path.times(&slopes)))
}

/// Integrated gradients of a window.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Integrated {
    /// `[bins]`
    pub(super) bins: Vec<f32>,
    /// How far their sum is from the difference of the logits, as a share of it.
    pub(super) error: f32,
}

/// What a tag's logit owes to each bin, against silence.
pub(super) fn integrated(model: &Model, window: &[f32], tag: usize) -> Result<Integrated, Error> {
    let path = Path::new(model, window)?;
    let ends = [path.silence.clone(), path.sound.clone()];
    let (logits, _) = model.input_gradients(&ends, tag).map_err(failed)?;
    let difference = logits[1] - logits[0];
    let mut n_steps = *STEPS.start();
    loop {
        let mut sums = vec![0f64; path.sound.len()];
        let steps: Vec<usize> = (0..n_steps).collect();
        for steps in steps.chunks(BATCH) {
            // The middles of equal steps.
            let inputs: Vec<Vec<f32>> = steps
                .iter()
                .map(|&step| path.at((step as f32 + 0.5) / n_steps as f32))
                .collect();
            let (_, slopes) = model.input_gradients(&inputs, tag).map_err(failed)?;
            for slopes in slopes.chunks_exact(sums.len()) {
                for (sum, slope) in sums.iter_mut().zip(slopes) {
                    *sum += f64::from(*slope);
                }
            }
        }
        let mean: Vec<f32> = sums
            .iter()
            .map(|sum| (sum / n_steps as f64) as f32)
            .collect();
        let attribution = path.times(&mean);
        let sum: f64 = attribution.iter().map(|&part| f64::from(part)).sum();
        let error = (sum as f32 - difference).abs() / difference.abs().max(LEAST_LOGIT);
        if error <= NEAR || n_steps >= *STEPS.end() {
            let bins = binned(model, &attribution);
            return Ok(Integrated { bins, error });
        }
        n_steps *= 2;
    }
}

/// From what the model hears of silence to what it hears of the window.
struct Path {
    silence: Vec<f32>,
    sound: Vec<f32>,
}

impl Path {
    fn new(model: &Model, window: &[f32]) -> Result<Self, Error> {
        Ok(Self {
            silence: model.input(&vec![0.0; window.len()]).map_err(failed)?,
            sound: model.input(window).map_err(failed)?,
        })
    }

    fn at(&self, share: f32) -> Vec<f32> {
        let both = self.silence.iter().zip(&self.sound);
        both.map(|(silence, sound)| silence + share * (sound - silence))
            .collect()
    }

    /// Slopes times the way.
    fn times(&self, slopes: &[f32]) -> Vec<f32> {
        let both = self.silence.iter().zip(&self.sound);
        both.zip(slopes)
            .map(|((silence, sound), slope)| (sound - silence) * slope)
            .collect()
    }
}
