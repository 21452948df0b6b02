//! The splice test: two clips joined in the middle of a window, one with the tag and one without. The evidence must lie in the right half.
//!
//! After the demonstration of Won, Chun, Serra, *Toward interpretable music tagging with self-attention*, 2019, section 5, made a
//! measurement. A pair counts if its tag is true of one clip, absent from the other, and given to the joined window by the model, above the
//! threshold that gives the best F1 on the validation split. Evidence is the positive part of a map.

use super::model::failed;
use super::{Error, Explainer, Method, Wanted};
use crate::audio::decode_mono;
use crate::dataset::{Dataset, Split};
use crate::job::Job;
use crate::metrics::{Interval, best_f1_threshold, bootstrap_of_mean};
use crate::predict::{Model, tag_track};
use crate::rng::{Address, Purpose};
use rayon::prelude::*;
use serde::Serialize;
use std::collections::BTreeMap;

/// Tracks of the validation split that thresholds are found on, at most.
const THRESHOLD_TRACKS: usize = 200;

/// Pairs that are tried for each that is wanted.
const TRIES: usize = 40;

/// The joint is faded over this.
const FADE_SECS: f64 = 0.01;

const RESAMPLES: usize = 1000;
const CONFIDENCE: f64 = 0.95;

/// What is spliced.
#[derive(Clone, Debug)]
pub struct SpliceSettings {
    /// The methods; empty: all that the model has and that know tags.
    pub methods: Vec<Method>,
    /// The split that clips come from.
    pub split: Split,
    /// Pairs that are wanted.
    pub n_pairs: usize,
    /// Seed of the pairs.
    pub seed: u64,
}

/// What came of it.
#[derive(Clone, Debug, Serialize)]
pub struct SpliceTest {
    /// Pairs that counted.
    pub n_pairs: usize,
    /// Pairs that were tried.
    pub n_tried: usize,
    /// Tags that came up.
    pub n_tags: usize,
    /// The methods.
    pub rows: Vec<SpliceRow>,
}

/// How much of a method's evidence lies in the right half.
#[derive(Clone, Debug, Serialize)]
pub struct SpliceRow {
    /// Which.
    pub method: Method,
    /// Pairs with some evidence.
    pub n_pairs: usize,
    /// Share of the evidence in the half where the tag is true, mean over pairs; a half is chance.
    pub share: f64,
    /// Where the mean lies with 95 % confidence, by a bootstrap over pairs.
    pub interval: Option<Interval>,
    /// Share of pairs with most of the evidence in the right half.
    pub right: f64,
    /// The share of each tag that came up, mean over its pairs, with how many they are.
    pub tags: BTreeMap<String, (f64, usize)>,
}

/// Joins clips of a data set and asks where the evidence lies.
///
/// Fails with [`Error::Nothing`] if no pair counts.
pub fn splice(
    model: &Model,
    dataset: &Dataset,
    settings: &SpliceSettings,
    job: &Job,
) -> Result<SpliceTest, Error> {
    let methods: Vec<Method> = match &settings.methods[..] {
        [] => model
            .methods()
            .into_iter()
            .filter(|method| !method.is_shared())
            .collect(),
        methods => methods.to_vec(),
    };
    let shared = shared_tags(model, dataset);
    let thresholds = thresholds(model, dataset, &shared, job)?;
    let tracks = dataset.split(settings.split)?;
    let mut waves = Waves {
        model,
        dataset,
        clips: BTreeMap::new(),
    };
    let mut draws = Address::new(settings.seed, Purpose::Explanation, u64::MAX - 1).stream();
    let mut shares: Vec<Vec<(usize, f64)>> = methods.iter().map(|_| Vec::new()).collect();
    let (mut n_pairs, mut n_tried) = (0, 0);
    while n_pairs < settings.n_pairs && n_tried < TRIES * settings.n_pairs && tracks.len() > 1 {
        job.report(n_pairs as u64, settings.n_pairs as u64, "splicing clips");
        job.check()?;
        n_tried += 1;
        let [one, other] = [(); 2].map(|()| tracks[draws.index(tracks.len())]);
        let (labels, others) = (dataset.labels_of(one), dataset.labels_of(other));
        let differing: Vec<usize> = shared
            .iter()
            .filter(|(tag, _)| labels[**tag] && !others[**tag])
            .map(|(&tag, _)| tag)
            .filter(|tag| thresholds.contains_key(tag))
            .collect();
        if differing.is_empty() {
            continue;
        }
        let tag = differing[draws.index(differing.len())];
        let is_first = draws.chance(0.5);
        let (first, second) = if is_first { (one, other) } else { (other, one) };
        let window = join(
            waves.clip(first, job)?,
            waves.clip(second, job)?,
            Explainer::sample_rate_hz(model),
        );
        let tag_of_model = shared[&tag];
        let answer = model.probabilities(&[&window]).map_err(failed)?.concat();
        if answer[tag_of_model] < thresholds[&tag] {
            continue;
        }
        n_pairs += 1;
        let found = shares_of(model, &window, &methods, tag_of_model, is_first)?;
        for (all, share) in shares.iter_mut().zip(found) {
            all.extend(share.map(|share| (tag_of_model, share)));
        }
    }
    if n_pairs == 0 {
        return Err(Error::Nothing(format!(
            "none of {n_tried} pairs of tracks of the {} split of {} has a tag that is true of one, absent from the other, and given \
             to both together",
            settings.split, dataset.name
        )));
    }
    let tags: std::collections::BTreeSet<usize> =
        shares.iter().flatten().map(|(tag, _)| *tag).collect();
    let rows = methods.iter().zip(&shares);
    Ok(SpliceTest {
        n_pairs,
        n_tried,
        n_tags: tags.len(),
        rows: rows
            .map(|(&method, shares)| row(model, method, shares, settings.seed))
            .collect(),
    })
}

/// Tags of the data set (indices) that the model knows, with its own indices.
fn shared_tags(model: &Model, dataset: &Dataset) -> BTreeMap<usize, usize> {
    let tags = dataset.tags.iter().enumerate();
    tags.filter_map(|(tag, name)| {
        let of_model = model.tags.iter().position(|known| known == name)?;
        Some((tag, of_model))
    })
    .collect()
}

/// By tag of the data set: from which probability on the model gives it.
fn thresholds(
    model: &Model,
    dataset: &Dataset,
    shared: &BTreeMap<usize, usize>,
    job: &Job,
) -> Result<BTreeMap<usize, f32>, Error> {
    let mut tracks = dataset.split(Split::Valid)?;
    Address::new(0, Purpose::Explanation, u64::MAX)
        .stream()
        .shuffle(&mut tracks);
    tracks.truncate(THRESHOLD_TRACKS);
    job.report(0, 0, "finding thresholds on the validation split");
    let quiet = Job::new(job.cancel.clone(), |_| ());
    let answers: Vec<Vec<f32>> = tracks
        .par_iter()
        .map(|&track| {
            let path = &dataset.tracks[track].path;
            let wave = decode_mono(path, Explainer::sample_rate_hz(model), &quiet)?;
            tag_track(model, &wave, &quiet).map_err(failed)
        })
        .collect::<Result<_, Error>>()?;
    let labels: Vec<Vec<bool>> = tracks.iter().map(|&t| dataset.labels_of(t)).collect();
    let found = shared.iter().filter_map(|(&tag, &of_model)| {
        let scores: Vec<f32> = answers.iter().map(|answer| answer[of_model]).collect();
        let labels: Vec<bool> = labels.iter().map(|labels| labels[tag]).collect();
        Some((tag, best_f1_threshold(&scores, &labels)?))
    });
    Ok(found.collect())
}

/// Half a window from the middle of each track, kept.
struct Waves<'a> {
    model: &'a Model,
    dataset: &'a Dataset,
    clips: BTreeMap<usize, Vec<f32>>,
}

impl Waves<'_> {
    fn clip(&mut self, track: usize, job: &Job) -> Result<Vec<f32>, Error> {
        if let Some(clip) = self.clips.get(&track) {
            return Ok(clip.clone());
        }
        let path = &self.dataset.tracks[track].path;
        let wave = decode_mono(path, Explainer::sample_rate_hz(self.model), job)?;
        let n = self.model.input_samples;
        let start = wave.len().saturating_sub(n) / 2;
        let mut clip = wave[start..(start + n).min(wave.len())].to_vec();
        clip.resize(n, 0.0);
        self.clips.insert(track, clip.clone());
        Ok(clip)
    }
}

/// The first half of one clip and the second of another, cross-faded.
fn join(first: Vec<f32>, second: Vec<f32>, rate_hz: u32) -> Vec<f32> {
    let (n, middle) = (first.len(), first.len() / 2);
    let n_fade = ((FADE_SECS * f64::from(rate_hz)) as usize)
        .min(middle)
        .max(1);
    let mut joined = first;
    for at in 0..n {
        let into = (at + n_fade / 2) as f32 - middle as f32;
        let share = (into / n_fade as f32).clamp(0.0, 1.0);
        joined[at] += share * (second[at] - joined[at]);
    }
    joined
}

/// For each method, the share of its evidence in the half with the tag; `None` without evidence.
fn shares_of(
    model: &Model,
    window: &[f32],
    methods: &[Method],
    tag: usize,
    is_first: bool,
) -> Result<Vec<Option<f64>>, Error> {
    let wanted = Wanted {
        methods,
        tags: &[tag],
    };
    let explained = model.explain(window, &wanted)?;
    let middle_secs = window.len() as f64 / f64::from(Explainer::sample_rate_hz(model)) / 2.0;
    let maps = methods.iter().zip(&explained.maps);
    Ok(maps
        .map(|(&method, map)| {
            let lane = if method.is_shared() || method.is_per_tag() {
                &map[..]
            } else {
                let n_tokens = map.len() / model.tags.len();
                &map[tag * n_tokens..(tag + 1) * n_tokens]
            };
            let grid = Explainer::grid(model, method, window.len());
            let (mut right, mut all) = (0f64, 0f64);
            for (token, value) in lane.iter().enumerate() {
                let evidence = f64::from(value.max(0.0));
                all += evidence;
                if (grid.centre_secs(token) < middle_secs) == is_first {
                    right += evidence;
                }
            }
            (all > 0.0).then(|| right / all)
        })
        .collect())
}

fn row(model: &Model, method: Method, shares: &[(usize, f64)], seed: u64) -> SpliceRow {
    let values: Vec<f64> = shares.iter().map(|(_, share)| *share).collect();
    let n = values.len().max(1) as f64;
    let mut by_tag: BTreeMap<String, (f64, usize)> = BTreeMap::new();
    for (tag, share) in shares {
        let (sum, n) = by_tag.entry(model.tags[*tag].clone()).or_default();
        *sum += share;
        *n += 1;
    }
    for (sum, n) in by_tag.values_mut() {
        *sum /= *n as f64;
    }
    SpliceRow {
        method,
        n_pairs: values.len(),
        share: values.iter().sum::<f64>() / n,
        interval: bootstrap_of_mean(&values, RESAMPLES, CONFIDENCE, seed),
        right: values.iter().filter(|share| **share > 0.5).count() as f64 / n,
        tags: by_tag,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clips_are_joined_in_the_middle_without_a_step() {
        let joined = join(vec![0.0; 4000], vec![1.0; 4000], 10_000);
        assert_eq!(
            (joined[0], joined[1900], joined[2100], joined[3999]),
            (0.0, 0.0, 1.0, 1.0)
        );
        let steps = joined.windows(2).map(|pair| (pair[1] - pair[0]).abs());
        assert!(steps.fold(0.0, f32::max) < 0.011);
    }
}
