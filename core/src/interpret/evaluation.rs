//! How far each method can be trusted, over the tracks of a data set: whether it is true to the model, whether it finds what is known to
//! sound, whether it says what other methods say, and whether it changes at all when the model is another one.
//!
//! Praher et al., *On the veracity of local, model-agnostic explanations in audio classification*, ISMIR 2021: an explanation may
//! look right and be unfaithful, so that the numbers stand beside every map.

use super::faithfulness::{self, Faithfulness, curves, mean, random_order};
use super::model::failed;
use super::segments::{self, order};
use super::{Error, Explainer, Localisation, Method, SongSettings, Wanted, song};
use crate::audio::decode_mono;
use crate::dataset::{Dataset, Split, Track};
use crate::job::Job;
use crate::metrics::rank_correlation;
use crate::predict::Model;
use crate::rng::{Address, Purpose};
use rayon::prelude::*;
use serde::Serialize;
use std::ops::Range;
use std::time::Instant;

/// Random orders beside each case.
const RANDOM_ORDERS: u32 = 10;

/// Tags of a window that are looked at, the most probable first.
const TAGS: usize = 3;

/// Seeds of the models with other weights.
const FRESH_SEED: u64 = 77;

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
    /// Tracks that were looked at.
    pub n_tracks: usize,
    /// Windows with a tag that the model gives: a case each.
    pub n_cases: usize,
    /// The methods.
    pub rows: Vec<MethodRow>,
    /// What random orders come to.
    pub random: Faithfulness,
    /// The same for the lowest and the highest of the random orders, each measure by itself: what chance alone gives.
    pub random_band: [Faithfulness; 2],
    /// Share of tokens at which a tag that sounds at times does sound, mean over tags: the average precision of chance.
    pub prevalence: Option<f64>,
}

/// How far a method can be trusted.
#[derive(Clone, Debug, Serialize)]
pub struct MethodRow {
    /// Which.
    pub method: Method,
    /// Whether it is true to the model, mean over the cases.
    pub faithfulness: Faithfulness,
    /// Rank correlation with the first method, stretch by stretch, mean over the cases.
    pub agreement: Option<f64>,
    /// Rank correlation with its own map of the same model with another last layer; near 0 if it depends on what the model has learned.
    pub fresh_head: Option<f64>,
    /// The same with all weights drawn anew.
    pub fresh_weights: Option<f64>,
    /// How well it finds what is known to sound, where the data set tells.
    pub localised: Option<Localised>,
    /// How long a window takes, in seconds.
    pub seconds_per_window: f64,
    /// How far integrated gradients fall short of their sum in the worst case, as a share.
    pub completeness_error: Option<f32>,
}

/// How well known stretches are found: means over the tags for which each is defined.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Localised {
    /// Tags.
    pub n_tags: usize,
    /// Area under the ROC curve over tokens.
    pub roc_auc: Option<f64>,
    /// Average precision over tokens.
    pub average_precision: Option<f64>,
    /// Share of songs whose highest token is a true one.
    pub pointing: Option<f64>,
}

/// A window and a tag that the model gives it.
struct Case {
    number: u64,
    tag: usize,
}

/// What is measured of one case and method.
struct Measured {
    faithfulness: Faithfulness,
    agreement: Option<f64>,
    fresh: [Option<f64>; 2],
    seconds: f64,
    completeness_error: Option<f32>,
}

/// Evaluates the methods of `model` on a data set, whose tags need not be those of the model.
///
/// Of each track, the window in the middle counts for what is true to the model, and all of the track for what is known to sound. Fails with
/// [`Error::Nothing`] if the split has no track.
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
    let tracks = draw_tracks(dataset, settings)?;
    let others = [
        model.with_fresh_head(FRESH_SEED).map_err(failed)?,
        model.with_fresh_weights(FRESH_SEED).map_err(failed)?,
    ];
    let mut measured: Vec<Vec<Measured>> = methods.iter().map(|_| Vec::new()).collect();
    let mut random: Vec<Vec<Faithfulness>> = (0..RANDOM_ORDERS).map(|_| Vec::new()).collect();
    let mut found: Vec<Localisation> = methods
        .iter()
        .map(|_| Localisation::new(model.tags.len()))
        .collect();
    for (at, &track) in tracks.iter().enumerate() {
        job.report(at as u64, tracks.len() as u64, "evaluating explanations");
        job.check()?;
        let track_of = &dataset.tracks[track];
        let wave = decode_mono(&track_of.path, Explainer::sample_rate_hz(model), job)?;
        let window = middle(&wave, model.input_samples);
        let cases = cases_of(model, &window, at as u64)?;
        for (method, measured) in methods.iter().zip(&mut measured) {
            job.check()?;
            measured.extend(measure(
                model, &others, &window, &cases, *method, methods[0],
            )?);
        }
        let orders: Vec<(usize, u32)> = (0..cases.len())
            .flat_map(|case| (0..RANDOM_ORDERS).map(move |number| (case, number)))
            .collect();
        let by_chance: Vec<(u32, Faithfulness)> = orders
            .into_par_iter()
            .map(|(case, number)| {
                let order = random_order(settings.seed, cases[case].number, number);
                let curves = curves(model, &window, cases[case].tag, &order)?;
                Ok((number, curves.measure()))
            })
            .collect::<Result<_, Error>>()?;
        for (number, measure) in by_chance {
            random[number as usize].push(measure);
        }
        localise(model, dataset, track_of, &wave, &methods, &mut found, job)?;
    }
    let n_cases = random[0].len();
    let rows = methods.iter().zip(&measured).zip(&found);
    let random: Vec<Faithfulness> = random.iter().map(|one| mean(one)).collect();
    Ok(Evaluation {
        n_tracks: tracks.len(),
        n_cases,
        rows: rows
            .map(|((&method, measured), found)| row(method, measured, found, model.tags.len()))
            .collect(),
        random: mean(&random),
        random_band: band(&random),
        prevalence: prevalence(&found[0], model.tags.len()),
    })
}

/// The tracks that are looked at, in the order of the data set.
pub(super) fn draw_tracks(
    dataset: &Dataset,
    settings: &EvaluationSettings,
) -> Result<Vec<usize>, Error> {
    let mut tracks = dataset.split(settings.split)?;
    let address = Address::new(settings.seed, Purpose::Explanation, u64::MAX);
    address.stream().shuffle(&mut tracks);
    tracks.truncate(settings.max_tracks.max(1));
    tracks.sort_unstable();
    if tracks.is_empty() {
        return Err(Error::Nothing(format!(
            "the {} split of {} has no tracks",
            settings.split, dataset.name
        )));
    }
    Ok(tracks)
}

/// The window in the middle; a shorter sound is padded as in evaluation.
fn middle(wave: &[f32], n: usize) -> Vec<f32> {
    let start = wave.len().saturating_sub(n) / 2;
    let mut window = wave[start..(start + n).min(wave.len())].to_vec();
    window.resize(n, 0.0);
    window
}

/// The tags that the model gives the window: those of at least a half, or else the most probable.
fn cases_of(model: &Model, window: &[f32], track: u64) -> Result<Vec<Case>, Error> {
    let answer = model.probabilities(&[window]).map_err(failed)?.concat();
    let mut tags: Vec<usize> = (0..answer.len()).collect();
    tags.sort_by(|&a, &b| answer[b].total_cmp(&answer[a]));
    let n_given = tags.iter().filter(|&&tag| answer[tag] >= 0.5).count();
    tags.truncate(n_given.clamp(1, TAGS));
    let cases = tags.into_iter().enumerate().map(|(at, tag)| Case {
        number: track * TAGS as u64 + at as u64,
        tag,
    });
    Ok(cases.collect())
}

/// The lane of each case's tag by a method, and how far its integrated gradients fall short.
fn lanes(
    model: &Model,
    window: &[f32],
    cases: &[Case],
    method: Method,
) -> Result<(Vec<Vec<f32>>, Option<f32>), Error> {
    let tags: Vec<usize> = cases.iter().map(|case| case.tag).collect();
    let wanted = Wanted {
        methods: &[method],
        tags: &tags,
    };
    let explained = model.explain(window, &wanted)?;
    let map = &explained.maps[0];
    let n_rows = if method.is_shared() {
        1
    } else if method.is_per_tag() {
        tags.len()
    } else {
        model.tags.len()
    };
    let n_tokens = map.len() / n_rows;
    let lanes = tags.iter().enumerate().map(|(at, &tag)| {
        let row = if method.is_shared() {
            0
        } else if method.is_per_tag() {
            at
        } else {
            tag
        };
        map[row * n_tokens..(row + 1) * n_tokens].to_vec()
    });
    Ok((lanes.collect(), explained.completeness_error))
}

fn measure(
    model: &Model,
    others: &[Model; 2],
    window: &[f32],
    cases: &[Case],
    method: Method,
    first: Method,
) -> Result<Vec<Measured>, Error> {
    let window_secs = window.len() as f64 / f64::from(Explainer::sample_rate_hz(model));
    let scores_of = |model: &Model, method: Method, lane: &[f32]| {
        let grid = Explainer::grid(model, method, window.len());
        segments::scores(&grid, lane, window_secs)
    };
    let began = Instant::now();
    let (found, completeness_error) = lanes(model, window, cases, method)?;
    let seconds = began.elapsed().as_secs_f64();
    let (beside, _) = lanes(model, window, cases, first)?;
    let mut fresh = Vec::new();
    for other in others {
        fresh.push(lanes(other, window, cases, method)?.0);
    }
    cases
        .par_iter()
        .enumerate()
        .map(|(at, case)| {
            let scores = scores_of(model, method, &found[at]);
            let curves = curves(model, window, case.tag, &order(&scores))?;
            let first_scores = scores_of(model, first, &beside[at]);
            Ok(Measured {
                faithfulness: curves.measure(),
                agreement: rank_correlation(&scores, &first_scores),
                fresh: [0, 1].map(|which| rank_correlation(&found[at], &fresh[which][at])),
                seconds,
                completeness_error,
            })
        })
        .collect()
}

/// Explains all of a track and holds it against what is known to sound, if something is.
fn localise(
    model: &Model,
    dataset: &Dataset,
    track: &Track,
    wave: &[f32],
    methods: &[Method],
    found: &mut [Localisation],
    job: &Job,
) -> Result<(), Error> {
    let known = known_spans(model, dataset, track);
    if known.is_empty() || wave.is_empty() {
        return Ok(());
    }
    let settings = SongSettings {
        methods: methods.to_vec(),
        tags: Some(known.iter().map(|(tag, _)| *tag).collect()),
        ..SongSettings::default()
    };
    let quiet = Job::new(job.cancel.clone(), |_| ());
    let explained = song(model, wave, &settings, &quiet)?;
    for (map, found) in explained.maps.iter().zip(found) {
        for (tag, spans) in &known {
            found.push(*tag, map, spans);
        }
    }
    Ok(())
}

/// The tags of the model that are known to sound at times in a track, and when.
fn known_spans(model: &Model, dataset: &Dataset, track: &Track) -> Vec<(usize, Vec<Range<f64>>)> {
    let tags = track.tags.iter().filter_map(|tag| {
        let name = &dataset.tags[tag.index()];
        let of_model = model.tags.iter().position(|known| known == name)?;
        let spans = track.timeline.iter().filter(|span| span.tag == *tag);
        let spans: Vec<Range<f64>> = spans.map(|span| span.start_secs..span.end_secs).collect();
        (!spans.is_empty()).then_some((of_model, spans))
    });
    tags.collect()
}

fn row(method: Method, measured: &[Measured], found: &Localisation, n_tags: usize) -> MethodRow {
    let all: Vec<Faithfulness> = measured.iter().map(|one| one.faithfulness).collect();
    MethodRow {
        method,
        faithfulness: faithfulness::mean(&all),
        agreement: mean_of(measured.iter().map(|one| one.agreement)),
        fresh_head: mean_of(measured.iter().map(|one| one.fresh[0])),
        fresh_weights: mean_of(measured.iter().map(|one| one.fresh[1])),
        localised: localised(found, n_tags),
        seconds_per_window: mean_of(measured.iter().map(|one| Some(one.seconds))).unwrap_or(0.0),
        completeness_error: measured
            .iter()
            .filter_map(|one| one.completeness_error)
            .reduce(f32::max),
    }
}

fn localised(found: &Localisation, n_tags: usize) -> Option<Localised> {
    let tags: Vec<_> = (0..n_tags)
        .filter_map(|tag| found.tag(tag))
        .filter(|tag| tag.n_songs > 0)
        .collect();
    (!tags.is_empty()).then(|| Localised {
        n_tags: tags.len(),
        roc_auc: mean_of(tags.iter().map(|tag| tag.roc_auc)),
        average_precision: mean_of(tags.iter().map(|tag| tag.average_precision)),
        pointing: mean_of(tags.iter().map(|tag| tag.pointing)),
    })
}

fn prevalence(found: &Localisation, n_tags: usize) -> Option<f64> {
    let tags = (0..n_tags).filter_map(|tag| found.tag(tag));
    mean_of(tags.map(|tag| tag.prevalence))
}

/// The mean of what is defined.
fn mean_of(values: impl Iterator<Item = Option<f64>>) -> Option<f64> {
    let values: Vec<f64> = values.flatten().collect();
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// The lowest and the highest of each measure.
fn band(all: &[Faithfulness]) -> [Faithfulness; 2] {
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
