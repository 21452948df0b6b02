//! How far each method can be trusted, over the tracks of a data set: whether it is true to the model, whether it finds what is known to
//! sound, whether it says what other methods say, and whether it changes at all when the model is another one.
//!
//! Praher et al., *On the veracity of local, model-agnostic explanations in audio classification*, ISMIR 2021: an explanation may
//! look right and be unfaithful, so that the numbers stand beside every map.

use super::faithfulness::{Faithfulness, Masked, mean, random_order};
use super::model::failed;
use super::segments::{self, N, order};
use super::{Error, Explainer, Localiser, Method, TokenMap, Wanted, draw_tracks};
use crate::audio::{self, decode_mono};
use crate::dataset::{Dataset, Split};
use crate::job::Job;
use crate::message::full_message;
use crate::metrics::{Localised, mean_defined, rank_correlation};
use crate::predict::{Model, by_probability};
use serde::Serialize;
use std::time::Instant;

/// Random orders beside each window.
pub(super) const RANDOM_ORDERS: u32 = 20;

/// Tags of a window that are looked at, the most probable first.
const TAGS: usize = 3;

/// Seeds of the models with other weights.
pub(super) const FRESH_SEED: u64 = 77;

/// What is evaluated.
#[derive(Clone, Debug)]
pub struct EvaluationSettings {
    /// The methods; empty: all that the model has.
    pub methods: Vec<Method>,
    /// The split.
    pub split: Split,
    /// At most so many tracks, drawn by the seed.
    pub max_tracks: usize,
    /// Seed of the draw and of the random orders.
    pub seed: u64,
}

/// The table of methods.
#[derive(Clone, Debug, Serialize)]
pub struct Evaluation {
    /// Tracks that were looked at, with a window each.
    pub n_tracks: usize,
    /// Tracks that could not be read, and why.
    pub skipped: Vec<String>,
    /// Answers that were explained: the tags of at least a half in each window, three at most, or else the most probable one.
    pub n_answers: usize,
    /// The methods.
    pub rows: Vec<MethodRow>,
    /// What random orders come to.
    pub random: Faithfulness,
    /// The lowest and the highest of twenty random orders, each measure by itself: about what chance alone gives.
    pub random_range: [Faithfulness; 2],
    /// Share of tokens at which a tag that sounds at times does sound, mean over tags: the average precision of chance.
    pub prevalence: Option<f64>,
}

/// How far a method can be trusted.
#[derive(Clone, Debug, Serialize)]
pub struct MethodRow {
    /// Which.
    pub method: Method,
    /// Whether it is true to the model, mean over the answers.
    pub faithfulness: Faithfulness,
    /// Rank correlation with the first method, stretch by stretch, mean over the answers.
    pub agreement: Option<f64>,
    /// Size of the rank correlation with its own map of the same model with another last layer, mean over the answers; small if it depends on
    /// the answer. Of two unrelated maps it is not 0, but about 0.8 by the square root of the number of tokens.
    pub fresh_head: Option<f64>,
    /// The same with all weights drawn anew.
    pub fresh_weights: Option<f64>,
    /// How well it finds what is known to sound, where the data set tells.
    pub localised: Option<Localised>,
    /// How long it takes, in seconds: a window for all tags, or one answer where each tag costs passes of its own.
    pub seconds: f64,
    /// How far integrated gradients fall short of their sum in the worst case, as a share.
    pub completeness_error: Option<f32>,
}

/// What is measured of one answer by one method.
struct Measured {
    faithfulness: Faithfulness,
    agreement: Option<f64>,
    fresh: [Option<f64>; 2],
}

/// What is gathered of one method.
struct Gathered {
    measured: Vec<Measured>,
    seconds: Vec<f64>,
    completeness_error: Option<f32>,
}

/// Evaluates the methods of `model` on a data set, whose tags need not be those of the model.
///
/// Of each track, the window in the middle counts for what is true to the model, and all of the track for what is known to sound. Tracks
/// that cannot be read are skipped and named. Fails if the split is empty, or if none of its tracks can be read.
pub fn evaluate(
    model: &Model,
    dataset: &Dataset,
    settings: &EvaluationSettings,
    job: &Job,
) -> Result<Evaluation, Error> {
    let methods = match &settings.methods[..] {
        [] => model.methods(),
        methods => methods.to_vec(),
    };
    let tracks = draw_tracks(
        dataset.split(settings.split)?,
        settings.max_tracks,
        settings.seed,
    );
    let others = [
        model.with_fresh_head(FRESH_SEED).map_err(failed)?,
        model.with_fresh_weights(FRESH_SEED).map_err(failed)?,
    ];
    let mut gathered: Vec<Gathered> = methods
        .iter()
        .map(|_| Gathered {
            measured: Vec::new(),
            seconds: Vec::new(),
            completeness_error: None,
        })
        .collect();
    let mut localiser = Localiser::new(model, dataset, &methods);
    let mut random: Vec<Vec<Faithfulness>> = (0..RANDOM_ORDERS).map(|_| Vec::new()).collect();
    let mut skipped = Vec::new();
    for (at, &track) in tracks.iter().enumerate() {
        job.report(at as u64, tracks.len() as u64, "evaluating explanations");
        let track = &dataset.tracks[track];
        let wave = match decode_mono(&track.path, Explainer::sample_rate_hz(model), job) {
            Ok(wave) => wave,
            Err(audio::Error::Cancelled(cancelled)) => return Err(cancelled.into()),
            Err(error) => {
                skipped.push(full_message(&error));
                continue;
            }
        };
        let window = middle(&wave, model.input_samples);
        let mut masked = Masked::new(model, &window);
        let tags = tags_of(masked.whole(job)?);
        let orders: Vec<_> = (0..RANDOM_ORDERS)
            .map(|number| random_order(settings.seed, at as u64, number))
            .collect();
        masked.prepare(&orders, job)?;
        for (order, random) in orders.iter().zip(&mut random) {
            random.extend(tags.iter().map(|&tag| masked.curves(tag, order).measure()));
        }
        let mut first: Option<Vec<[f32; N]>> = None;
        for (&method, gathered) in methods.iter().zip(&mut gathered) {
            job.check()?;
            let began = Instant::now();
            let (map, error) = explain_one(model, &window, &tags, method)?;
            gathered.completeness_error = gathered
                .completeness_error
                .into_iter()
                .chain(error)
                .reduce(f32::max);
            let n_asked = if method.is_per_tag() { tags.len() } else { 1 };
            gathered
                .seconds
                .push(began.elapsed().as_secs_f64() / n_asked as f64);
            let scores: Vec<[f32; N]> = tags
                .iter()
                .map(|&tag| segments::scores(&map.grid, map.tag(tag), window_secs(model)))
                .collect();
            let orders: Vec<_> = scores.iter().map(order).collect();
            masked.prepare(&orders, job)?;
            let mut fresh = Vec::new();
            for other in &others {
                fresh.push(explain_one(other, &window, &tags, method)?.0);
            }
            let first = first.get_or_insert_with(|| scores.clone());
            for (at, &tag) in tags.iter().enumerate() {
                gathered.measured.push(Measured {
                    faithfulness: masked.curves(tag, &orders[at]).measure(),
                    agreement: rank_correlation(&scores[at], &first[at]),
                    fresh: [0, 1].map(|which: usize| {
                        let other: &TokenMap = &fresh[which];
                        rank_correlation(map.tag(tag), other.tag(tag)).map(f64::abs)
                    }),
                });
            }
        }
        localiser.add(track, &wave, job)?;
    }
    if skipped.len() == tracks.len() {
        return Err(Error::Nothing(skipped.join("; ")));
    }
    let n_answers = random[0].len();
    let random: Vec<Faithfulness> = random.iter().map(|one| mean(one)).collect();
    Ok(Evaluation {
        n_tracks: tracks.len() - skipped.len(),
        skipped,
        n_answers,
        prevalence: localiser.prevalence(),
        rows: methods
            .iter()
            .zip(gathered)
            .enumerate()
            .map(|(at, (&method, gathered))| row(method, &gathered, localiser.localised(at)))
            .collect(),
        random: mean(&random),
        random_range: range(&random),
    })
}

/// The window in the middle; a shorter sound is padded as in evaluation.
fn middle(wave: &[f32], n: usize) -> Vec<f32> {
    let start = wave.len().saturating_sub(n) / 2;
    let mut window = wave[start..(start + n).min(wave.len())].to_vec();
    window.resize(n, 0.0);
    window
}

pub(super) fn window_secs(model: &Model) -> f64 {
    model.input_samples as f64 / f64::from(Explainer::sample_rate_hz(model))
}

/// The tags that are looked at in an answer.
fn tags_of(answer: &[f32]) -> Vec<usize> {
    let mut tags = by_probability(answer);
    let n_given = tags.iter().filter(|&&tag| answer[tag] >= 0.5).count();
    tags.truncate(n_given.clamp(1, TAGS));
    tags
}

/// The map of one method for these tags, and how far integrated gradients fall short.
pub(super) fn explain_one(
    model: &Model,
    window: &[f32],
    tags: &[usize],
    method: Method,
) -> Result<(TokenMap, Option<f32>), Error> {
    let wanted = Wanted {
        methods: &[method],
        tags,
    };
    let mut explained = model.explain(window, &wanted)?;
    Ok((explained.maps.remove(0), explained.completeness_error))
}

fn row(method: Method, gathered: &Gathered, localised: Option<Localised>) -> MethodRow {
    let measured = &gathered.measured;
    let all: Vec<Faithfulness> = measured.iter().map(|one| one.faithfulness).collect();
    let seconds = gathered.seconds.iter().sum::<f64>();
    MethodRow {
        method,
        faithfulness: mean(&all),
        agreement: mean_defined(measured.iter().map(|one| one.agreement)),
        fresh_head: mean_defined(measured.iter().map(|one| one.fresh[0])),
        fresh_weights: mean_defined(measured.iter().map(|one| one.fresh[1])),
        localised,
        seconds: seconds / gathered.seconds.len().max(1) as f64,
        completeness_error: gathered.completeness_error,
    }
}

/// The lowest and the highest of each measure.
fn range(all: &[Faithfulness]) -> [Faithfulness; 2] {
    let of = |pick: fn(f64, f64) -> f64, start: f64| {
        let value = |get: fn(&Faithfulness) -> f64| all.iter().map(get).fold(start, pick);
        Faithfulness {
            deletion: value(|one| one.deletion),
            insertion: value(|one| one.insertion),
            comprehensiveness: value(|one| one.comprehensiveness),
            sufficiency: value(|one| one.sufficiency),
        }
    };
    [of(f64::min, f64::INFINITY), of(f64::max, f64::NEG_INFINITY)]
}
