//! The splice test: two clips joined in the middle of a window, one with the tag and one without. The evidence must lie in the right half.
//!
//! After the demonstration of Won, Chun, Serra, *Toward interpretable music tagging with self-attention*, 2019, section 5, made a
//! measurement. A pair counts if its tag is true of one clip, absent from the other, and given to the joined window by the model, above the
//! threshold that gives the best F1 on the validation split. Where a timeline says when the tag sounds, it must sound in its half. Evidence is
//! the positive part of a map. Each pair of tracks counts once for a tag; tracks may come up in several pairs.

use super::model::failed;
use super::silence::silence;
use super::{Error, Explainer, Method, TokenMap, Wanted};
use crate::audio::{self, decode_mono};
use crate::dataset::{Dataset, Split, Track};
use crate::job::Job;
use crate::message::full_message;
use crate::metrics::{Interval, best_f1_threshold, bootstrap_of_mean};
use crate::predict::{Model, tag_track};
use crate::rng::{Address, Purpose};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// Tracks of the validation split that thresholds are found on, at most.
const THRESHOLD_TRACKS: usize = 200;

/// Pairs that are tried for each that is wanted.
const TRIES: usize = 40;

/// Where a timeline tells, the tag must sound for so much of its half.
const LEAST_SHARE: f64 = 0.25;

const RESAMPLES: usize = 1000;
const CONFIDENCE: f64 = 0.95;

/// What is spliced.
#[derive(Clone, Debug)]
pub struct SpliceSettings {
    /// The methods; empty: all that the model has and that tell evidence for a tag from evidence against it.
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
    /// Tracks that could not be read, and why.
    pub skipped: Vec<String>,
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
            .filter(|method| method.is_signed())
            .collect(),
        methods => methods.to_vec(),
    };
    let shared = shared_tags(model, dataset);
    let mut halves = Halves {
        model,
        dataset,
        kept: BTreeMap::new(),
        skipped: Vec::new(),
    };
    let thresholds = halves.thresholds(&shared, job)?;
    let tracks = dataset.split(settings.split)?;
    let mut draws = Address::new(settings.seed, Purpose::Explanation, u64::MAX - 1).stream();
    let mut shares: Vec<Vec<(usize, f64)>> = methods.iter().map(|_| Vec::new()).collect();
    let mut seen = BTreeSet::new();
    let (mut n_pairs, mut n_tried) = (0, 0);
    while n_pairs < settings.n_pairs && n_tried < TRIES * settings.n_pairs {
        job.report(n_pairs as u64, settings.n_pairs as u64, "splicing clips");
        job.check()?;
        n_tried += 1;
        let [one, other] = [(); 2].map(|()| tracks[draws.index(tracks.len())]);
        let (labels, others) = (dataset.labels_of(one), dataset.labels_of(other));
        let differing: Vec<usize> = thresholds
            .keys()
            .copied()
            .filter(|&tag| labels[tag] && !others[tag])
            .collect();
        if differing.is_empty() {
            continue;
        }
        let tag = differing[draws.index(differing.len())];
        let is_first = draws.chance(0.5);
        if !seen.insert((one, other, tag)) {
            continue;
        }
        let with = halves.half(one, job)?;
        let without = halves.half(other, job)?;
        let (Some(with), Some(without)) = (with, without) else {
            continue;
        };
        if !with.sounds(&dataset.tracks[one], tag) {
            continue;
        }
        let (first, second) = if is_first {
            (&with, &without)
        } else {
            (&without, &with)
        };
        let window = join(
            &first.wave,
            &second.wave,
            model.input_samples,
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
    let tags: BTreeSet<usize> = shares.iter().flatten().map(|(tag, _)| *tag).collect();
    let rows = methods.iter().zip(&shares);
    Ok(SpliceTest {
        n_pairs,
        n_tried,
        n_tags: tags.len(),
        skipped: halves.skipped,
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

/// What is cut out of tracks, kept.
struct Halves<'a> {
    model: &'a Model,
    dataset: &'a Dataset,
    kept: BTreeMap<usize, Option<Half>>,
    skipped: Vec<String>,
}

/// Half a window from the middle of a track.
#[derive(Clone)]
struct Half {
    wave: Vec<f32>,
    /// Where it lies in the track.
    secs: Range<f64>,
}

impl Half {
    /// Whether the tag sounds in it, as far as a timeline tells; without one, the label counts.
    fn sounds(&self, track: &Track, tag: usize) -> bool {
        let mut spans = track
            .timeline
            .iter()
            .filter(|span| span.tag.index() == tag)
            .peekable();
        if spans.peek().is_none() {
            return true;
        }
        let sounding: f64 = spans
            .map(|span| span.end_secs.min(self.secs.end) - span.start_secs.max(self.secs.start))
            .map(|secs| secs.max(0.0))
            .sum();
        sounding >= LEAST_SHARE * (self.secs.end - self.secs.start)
    }
}

impl Halves<'_> {
    /// The half from a track; `None` if it is too short or cannot be read.
    fn half(&mut self, track: usize, job: &Job) -> Result<Option<Half>, Error> {
        if let Some(kept) = self.kept.get(&track) {
            return Ok(kept.clone());
        }
        let rate_hz = Explainer::sample_rate_hz(self.model);
        let n = self.model.input_samples / 2;
        let half = self.read(track, job)?.and_then(|wave| {
            let start = wave.len().checked_sub(n)? / 2;
            let secs = |at: usize| at as f64 / f64::from(rate_hz);
            Some(Half {
                wave: wave[start..start + n].to_vec(),
                secs: secs(start)..secs(start + n),
            })
        });
        self.kept.insert(track, half.clone());
        Ok(half)
    }

    fn read(&mut self, track: usize, job: &Job) -> Result<Option<Vec<f32>>, Error> {
        let path = &self.dataset.tracks[track].path;
        match decode_mono(path, Explainer::sample_rate_hz(self.model), job) {
            Ok(wave) => Ok(Some(wave)),
            Err(audio::Error::Cancelled(cancelled)) => Err(cancelled.into()),
            Err(error) => {
                self.skipped.push(full_message(&error));
                Ok(None)
            }
        }
    }

    /// By tag of the data set: from which probability on the model gives it.
    fn thresholds(
        &mut self,
        shared: &BTreeMap<usize, usize>,
        job: &Job,
    ) -> Result<BTreeMap<usize, f32>, Error> {
        let mut tracks = self.dataset.split(Split::Valid)?;
        let address = Address::new(0, Purpose::Explanation, u64::MAX);
        address.stream().shuffle(&mut tracks);
        tracks.truncate(THRESHOLD_TRACKS);
        let quiet = Job::new(job.cancel.clone(), |_| ());
        let (mut answers, mut labels) = (Vec::new(), Vec::new());
        for (at, &track) in tracks.iter().enumerate() {
            job.report(at as u64, tracks.len() as u64, "finding thresholds");
            job.check()?;
            let Some(wave) = self.read(track, &quiet)?.filter(|wave| !wave.is_empty()) else {
                continue;
            };
            answers.push(tag_track(self.model, &wave, &quiet).map_err(failed)?);
            labels.push(self.dataset.labels_of(track));
        }
        let found = shared.iter().filter_map(|(&tag, &of_model)| {
            let scores: Vec<f32> = answers.iter().map(|answer| answer[of_model]).collect();
            let labels: Vec<bool> = labels.iter().map(|labels| labels[tag]).collect();
            Some((tag, best_f1_threshold(&scores, &labels)?))
        });
        Ok(found.collect())
    }
}

/// One clip behind the other in a window of `n` samples, with a short fade at the joint.
fn join(first: &[f32], second: &[f32], n: usize, rate_hz: u32) -> Vec<f32> {
    let mut joined = [first, second].concat();
    joined.resize(n, 0.0);
    // Out and in again: a step would be a click.
    silence(&mut joined, first.len()..first.len(), rate_hz);
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
    let maps = explained.maps.iter();
    Ok(maps
        .map(|map| right_share(map, tag, window.len() as f64 / 2.0, is_first))
        .collect())
}

/// The share of a tag's evidence before (or behind) `middle`, in samples; what lies across it counts in parts.
fn right_share(map: &TokenMap, tag: usize, middle: f64, is_first: bool) -> Option<f64> {
    let width = map.grid.samples_per_token;
    let (mut right, mut all) = (0f64, 0f64);
    for (token, evidence) in map.evidence(tag).into_iter().enumerate() {
        let start = map.grid.first_centre_samples + (token as f64 - 0.5) * width;
        let before = ((middle - start) / width).clamp(0.0, 1.0);
        let share = if is_first { before } else { 1.0 - before };
        all += f64::from(evidence);
        right += share * f64::from(evidence);
    }
    (all > 0.0).then(|| right / all)
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
    use crate::interpret::Grid;

    #[test]
    fn clips_are_joined_in_the_middle_without_a_step() {
        let joined = join(&[1.0; 2000], &[-1.0; 2000], 4001, 10_000);
        assert_eq!(joined.len(), 4001);
        assert_eq!(
            (joined[0], joined[1800], joined[2200], joined[4000]),
            (1.0, 1.0, -1.0, 0.0)
        );
        let steps = joined[..4000]
            .windows(2)
            .map(|pair| (pair[1] - pair[0]).abs());
        // From one side of nothing to the other.
        assert!(steps.fold(0.0, f32::max) < 0.02);
    }

    #[test]
    fn evidence_is_counted_on_its_side_of_the_joint() {
        let grid = Grid {
            samples_per_token: 10.0,
            first_centre_samples: 5.0,
            receptive_field_samples: 10.0,
            n_tokens: 3,
            sample_rate_hz: 10,
        };
        // The one in the middle lies across; what speaks against the tag is no evidence for it.
        let map = TokenMap::new(Method::Occlusion, grid, vec![0], vec![3.0, 1.0, -7.0]);
        assert_eq!(right_share(&map, 0, 15.0, true), Some(3.5 / 4.0));
        assert_eq!(right_share(&map, 0, 15.0, false), Some(0.5 / 4.0));
        let blank = TokenMap::new(Method::Occlusion, grid, vec![0], vec![-1.0; 3]);
        assert_eq!(right_share(&blank, 0, 15.0, true), None);
    }
}
