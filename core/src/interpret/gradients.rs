//! What the input owes the answer, by slopes: gradient times input, and integrated gradients.
//!
//! Simonyan et al., *Deep inside convolutional networks*, 2014; Sundararajan, Taly, Yan, *Axiomatic attribution for deep networks*, ICML 2017. For
//! every network, whatever it takes in: the rows of the input (mel bands) are summed, and neighbouring columns, so that what is shown is owed
//! to about a tenth of a second. Integrated gradients go from silence to the sound; where the slopes of a part of the way do not come to what the
//! answer gains on it, which is known, that part is halved.

use super::model::failed;
use super::{Error, Grid};
use crate::predict::Model;

/// About how long a bin is.
const BIN_SECS: f64 = 0.1;

/// Parts of the way from silence to the sound at first.
const PARTS: usize = 12;

/// The most points at which slopes are taken.
const MOST_POINTS: usize = 300;

/// Points in a batch.
const BATCH: usize = 4;

/// The sum is near enough to the difference of the logits, as a share of it.
const NEAR: f32 = 0.004;

/// The parts of the way are near enough, all of them together, whether too much or too little: they may not only happen to cancel.
const NEAR_IN_PARTS: f32 = 0.03;

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
        n_tokens: input.n_columns(n_samples).div_ceil(columns).max(1),
        sample_rate_hz: input.sample_rate_hz(),
    }
}

/// `[bins]`: the sums over rows and columns of an attribution `[rows, columns]`; the last bin may have fewer columns.
fn binned(model: &Model, attribution: &[f32]) -> Vec<f32> {
    let n_rows = model.extractor().input().n_rows();
    let n_columns = attribution.len() / n_rows;
    let per_bin = columns_per_bin(model);
    let n_bins = n_columns.div_ceil(per_bin).max(1);
    let mut bins = vec![0f32; n_bins];
    for row in attribution.chunks_exact(n_columns) {
        for (column, value) in row.iter().enumerate() {
            bins[column / per_bin] += value;
        }
    }
    bins
}

/// Integrated gradients of a window.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Integrated {
    /// `[bins]`
    pub(super) bins: Vec<f32>,
    /// How far their sum is from the difference of the logits, as a share of it.
    pub(super) error: f32,
}

/// A point of the way: where, the answer there, and its slopes.
struct Point {
    at: f32,
    logit: f32,
    slopes: Vec<f32>,
}

/// From what the model hears of silence to what it hears of the window.
pub(super) struct Path<'a> {
    model: &'a Model,
    silence: Vec<f32>,
    sound: Vec<f32>,
}

impl<'a> Path<'a> {
    pub(super) fn new(model: &'a Model, window: &[f32]) -> Result<Self, Error> {
        Ok(Self {
            model,
            silence: model.input(&vec![0.0; window.len()]).map_err(failed)?,
            sound: model.input(window).map_err(failed)?,
        })
    }

    /// `[bins]`: the slope of a tag's logit times the input's distance from silence.
    pub(super) fn gradient_input(&self, tag: usize) -> Result<Vec<f32>, Error> {
        let end = self.points(tag, &[1.0])?;
        Ok(binned(self.model, &self.times(&end[0].slopes)))
    }

    /// What a tag's logit owes to each bin, against silence.
    pub(super) fn integrated(&self, tag: usize) -> Result<Integrated, Error> {
        let ends: Vec<f32> = (0..=PARTS).map(|part| part as f32 / PARTS as f32).collect();
        let mut points = self.points(tag, &ends)?;
        loop {
            let gained = points[points.len() - 1].logit - points[0].logit;
            let scale = gained.abs().max(LEAST_LOGIT);
            let parts = points.windows(2);
            let off: Vec<f32> = parts.map(|ends| self.off(&ends[0], &ends[1])).collect();
            let in_sum = off.iter().sum::<f32>().abs() / scale;
            let in_parts = off.iter().map(|off| off.abs()).sum::<f32>() / scale;
            let is_near = in_sum <= NEAR && in_parts <= NEAR_IN_PARTS;
            if is_near || points.len() >= MOST_POINTS {
                let attribution = self.attribution(&points);
                let sum: f32 = attribution.iter().sum();
                return Ok(Integrated {
                    bins: binned(self.model, &attribution),
                    error: (sum - gained).abs() / scale,
                });
            }
            let mut worst: Vec<usize> = (0..off.len()).collect();
            worst.sort_by(|&a, &b| off[b].abs().total_cmp(&off[a].abs()));
            worst.truncate(BATCH);
            let middles: Vec<f32> = worst
                .into_iter()
                .map(|part| f32::midpoint(points[part].at, points[part + 1].at))
                .collect();
            points.extend(self.points(tag, &middles)?);
            points.sort_by(|a, b| a.at.total_cmp(&b.at));
        }
    }

    fn at(&self, share: f32) -> Vec<f32> {
        let both = self.silence.iter().zip(&self.sound);
        both.map(|(silence, sound)| silence + share * (sound - silence))
            .collect()
    }

    /// The answer and its slopes at these points of the way.
    fn points(&self, tag: usize, at: &[f32]) -> Result<Vec<Point>, Error> {
        let mut points = Vec::with_capacity(at.len());
        for at in at.chunks(BATCH) {
            let inputs: Vec<Vec<f32>> = at.iter().map(|&at| self.at(at)).collect();
            let (logits, slopes) = self.model.input_gradients(&inputs, tag).map_err(failed)?;
            let slopes = slopes.chunks_exact(self.sound.len());
            points.extend(
                at.iter()
                    .zip(logits)
                    .zip(slopes)
                    .map(|((&at, logit), slopes)| Point {
                        at,
                        logit,
                        slopes: slopes.to_vec(),
                    }),
            );
        }
        Ok(points)
    }

    /// By how much the slopes at its ends say more than a part of the way gains.
    fn off(&self, from: &Point, to: &Point) -> f32 {
        let way = self.silence.iter().zip(&self.sound);
        let slopes = from.slopes.iter().zip(&to.slopes);
        let said: f64 = way
            .zip(slopes)
            .map(|((silence, sound), (a, b))| f64::from((sound - silence) * (a + b)))
            .sum();
        (said / 2.0) as f32 * (to.at - from.at) - (to.logit - from.logit)
    }

    /// The mean slope over the way, times the way.
    fn attribution(&self, points: &[Point]) -> Vec<f32> {
        let mut mean = vec![0f32; self.sound.len()];
        for ends in points.windows(2) {
            let weight = (ends[1].at - ends[0].at) / 2.0;
            let slopes = ends[0].slopes.iter().zip(&ends[1].slopes);
            for (mean, (a, b)) in mean.iter_mut().zip(slopes) {
                *mean += weight * (a + b);
            }
        }
        self.times(&mean)
    }

    /// Slopes times the way.
    fn times(&self, slopes: &[f32]) -> Vec<f32> {
        let both = self.silence.iter().zip(&self.sound);
        both.zip(slopes)
            .map(|((silence, sound), slope)| (sound - silence) * slope)
            .collect()
    }
}
