//! How far one map can be trusted, in one window of a song: what stands beside it on screen.
//!
//! The same tests as [`super::evaluate`] makes over a data set, for one tag, one method and one window.

use super::evaluation::{FRESH_SEED, RANDOM_ORDERS, explain_one, window_secs};
use super::faithfulness::{Faithfulness, Masked, mean, random_order};
use super::model::failed;
use super::segments::{N, order, scores};
use super::{Error, Explainer, Method};
use crate::job::Job;
use crate::metrics::rank_correlation;
use crate::predict::Model;
use std::ops::Range;

/// Seed of the random orders.
const SEED: u64 = 1;

/// A probability while stretches of the window go or come, a tenth at a time, and what twenty random orders make of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    /// `[11]`: in the order of the map, the strongest stretch first.
    pub values: Vec<f32>,
    /// `[11]`: the lowest and the highest of the random orders.
    pub random: Vec<[f32; 2]>,
}

/// How far a map can be trusted in a window.
#[derive(Clone, Debug, PartialEq)]
pub struct WindowTrust {
    /// The window, in seconds of the song.
    pub secs: Range<f64>,
    /// Probability of the tag while stretches go.
    pub deletion: Curve,
    /// Probability of the tag while stretches come.
    pub insertion: Curve,
    /// What the map's own curves come to.
    pub faithfulness: Faithfulness,
    /// The same of random orders, on the mean.
    pub random: Faithfulness,
    /// Rank correlation, stretch by stretch, with other methods.
    pub agreement: Vec<(Method, Option<f64>)>,
    /// Size of the rank correlation with the map of the same model with another last layer; small if the map depends on the answer.
    pub fresh_head: Option<f64>,
    /// The same with all weights drawn anew.
    pub fresh_weights: Option<f64>,
}

/// Methods of different kinds, which a map is held against.
const OTHERS: [Method; 4] = [
    Method::Contribution,
    Method::Relevance,
    Method::GradientInput,
    Method::Occlusion,
];

/// Tests the map of `method` for `tag` (index) in the window around a time of a song: `wave` is mono at the model's rate.
pub fn window_trust(
    model: &Model,
    wave: &[f32],
    secs: f64,
    method: Method,
    tag: usize,
    job: &Job,
) -> Result<WindowTrust, Error> {
    let rate_hz = Explainer::sample_rate_hz(model);
    let n = model.input_samples;
    let middle = (secs * f64::from(rate_hz)) as usize;
    let last = wave.len().saturating_sub(n);
    let start = middle.saturating_sub(n / 2).min(last);
    let mut window = wave[start..(start + n).min(wave.len())].to_vec();
    window.resize(n, 0.0);

    let known = model.methods();
    let others = OTHERS
        .iter()
        .filter(|other| **other != method && known.contains(other));
    let others: Vec<Method> = others.copied().collect();
    let n_steps = 4 + others.len() as u64;
    let step = |done: u64| {
        job.report(done, n_steps, "testing the map");
        job.check()
    };
    step(0)?;
    let (map, _) = explain_one(model, &window, &[tag], method)?;
    let own = scores(&map.grid, map.tag(tag), window_secs(model));
    let own_order = order(&own);
    step(1)?;
    let random: Vec<[usize; N]> = (0..RANDOM_ORDERS)
        .map(|number| random_order(SEED, start as u64, number))
        .collect();
    let mut masked = Masked::new(model, &window);
    masked.prepare(random.iter().chain([&own_order]), job)?;
    let curves = masked.curves(tag, &own_order);
    let random: Vec<_> = random
        .iter()
        .map(|order| masked.curves(tag, order))
        .collect();
    let mut fresh = [None, None];
    let models = [
        model.with_fresh_head(FRESH_SEED).map_err(failed)?,
        model.with_fresh_weights(FRESH_SEED).map_err(failed)?,
    ];
    for (at, (found, other)) in fresh.iter_mut().zip(&models).enumerate() {
        step(2 + at as u64)?;
        let (other, _) = explain_one(other, &window, &[tag], method)?;
        *found = rank_correlation(map.tag(tag), other.tag(tag)).map(f64::abs);
    }
    let mut agreement = Vec::new();
    for other in others {
        step(4 + agreement.len() as u64)?;
        let (other_map, _) = explain_one(model, &window, &[tag], other)?;
        let theirs = scores(&other_map.grid, other_map.tag(tag), window_secs(model));
        agreement.push((other, rank_correlation(&own, &theirs)));
    }
    step(n_steps)?;
    let measured: Vec<Faithfulness> = random.iter().map(|curves| curves.measure()).collect();
    let start_secs = start as f64 / f64::from(rate_hz);
    Ok(WindowTrust {
        secs: start_secs..start_secs + window_secs(model),
        faithfulness: curves.measure(),
        random: mean(&measured),
        deletion: Curve {
            random: band(random.iter().map(|curves| &curves.deletion)),
            values: curves.deletion,
        },
        insertion: Curve {
            random: band(random.iter().map(|curves| &curves.insertion)),
            values: curves.insertion,
        },
        agreement,
        fresh_head: fresh[0],
        fresh_weights: fresh[1],
    })
}

/// The lowest and the highest value at each step.
fn band<'a>(curves: impl Iterator<Item = &'a Vec<f32>> + Clone) -> Vec<[f32; 2]> {
    (0..=N)
        .map(|step| {
            let at = curves.clone().filter_map(|curve| curve.get(step).copied());
            at.fold([f32::INFINITY, f32::NEG_INFINITY], |[low, high], value| {
                [low.min(value), high.max(value)]
            })
        })
        .collect()
}
