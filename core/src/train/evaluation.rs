//! Scoring a model on a split: every track is tagged whole, as DESIGN fixes it, then ROC-AUC and average precision per tag.

use super::Error;
use super::prepare::whole_track;
use crate::dataset::{Dataset, PcmCache};
use crate::job::Job;
use crate::metrics::{self, Scores};
use crate::predict::{self, Model};
use serde::Serialize;

/// How a model did on a set of tracks.
#[derive(Clone, Debug, Serialize)]
pub struct Evaluation {
    /// Macro and per-tag ROC-AUC and average precision.
    pub scores: Scores,
    /// Binary cross entropy of the averaged probabilities, mean over tracks and tags.
    pub loss: f64,
    /// Probabilities, `[tracks, tags]`, row by row, in the order of `track_idxs`.
    #[serde(skip)]
    pub probabilities: Vec<f32>,
    /// The tracks that were scored, by their index in the data set.
    #[serde(skip)]
    pub track_idxs: Vec<usize>,
}

/// Tags the given tracks of `dataset` and scores the outcome. Tracks without audio in the cache are left out.
///
/// The model must know all tags of the data set; others that it knows are passed over.
pub fn evaluate(
    model: &Model,
    dataset: &Dataset,
    cache: &PcmCache,
    track_idxs: &[usize],
    job: &Job,
) -> Result<Evaluation, Error> {
    let mut evaluator = Evaluator::new(model, dataset, cache, track_idxs)?;
    while evaluator.next_track()? {
        job.check()?;
        job.report(
            evaluator.n_done() as u64,
            track_idxs.len() as u64,
            "evaluating",
        );
    }
    evaluator.finish()
}

/// An evaluation track by track, so that its caller can do something in between.
#[derive(Debug)]
pub(super) struct Evaluator<'a> {
    model: &'a Model,
    /// Where the data set's tags stand in the model's answers.
    places: Vec<usize>,
    dataset: &'a Dataset,
    cache: &'a PcmCache,
    track_idxs: &'a [usize],
    n_done: usize,
    probabilities: Vec<f32>,
    labels: Vec<bool>,
    scored: Vec<usize>,
}

impl<'a> Evaluator<'a> {
    pub(super) fn new(
        model: &'a Model,
        dataset: &'a Dataset,
        cache: &'a PcmCache,
        track_idxs: &'a [usize],
    ) -> Result<Self, Error> {
        let places = places_of_tags(model, dataset)?;
        let (probabilities, labels, scored) = Default::default();
        Ok(Self {
            model,
            places,
            dataset,
            cache,
            track_idxs,
            n_done: 0,
            probabilities,
            labels,
            scored,
        })
    }

    /// Tags one track; false when none is left.
    pub(super) fn next_track(&mut self) -> Result<bool, Error> {
        let Some(&track_idx) = self.track_idxs.get(self.n_done) else {
            return Ok(false);
        };
        self.n_done += 1;
        let rate_hz = self.model.sample_rate_hz();
        if let Some(wave) = whole_track(self.dataset, track_idx, self.cache, rate_hz)? {
            let all = predict::tag_track(self.model, &wave, &Job::quiet())?;
            self.probabilities
                .extend(self.places.iter().map(|&place| all[place]));
            self.labels.extend(self.dataset.labels_of(track_idx));
            self.scored.push(track_idx);
        }
        Ok(true)
    }

    pub(super) fn n_done(&self) -> usize {
        self.n_done
    }

    pub(super) fn finish(self) -> Result<Evaluation, Error> {
        if self.scored.is_empty() {
            return Err(Error::NoAudio);
        }
        let loss = cross_entropy(&self.probabilities, &self.labels);
        let scores = metrics::score(&self.probabilities, &self.labels, self.dataset.n_tags());
        Ok(Evaluation {
            scores,
            loss,
            probabilities: self.probabilities,
            track_idxs: self.scored,
        })
    }
}

/// Where the tags of the data set stand in the model's answers. Fails with [`Error::UnknownTags`].
pub(super) fn places_of_tags(model: &Model, dataset: &Dataset) -> Result<Vec<usize>, Error> {
    let place = |tag: &String| model.tags.iter().position(|known| known == tag);
    let places: Vec<Option<usize>> = dataset.tags.iter().map(place).collect();
    let tags = dataset.tags.iter().zip(&places);
    let mut unknown = tags.filter(|(_, place)| place.is_none());
    match unknown.next() {
        None => Ok(places.into_iter().flatten().collect()),
        Some((first, _)) => Err(Error::UnknownTags {
            model: model.name.clone(),
            n_unknown: 1 + unknown.count(),
            n_tags: dataset.n_tags(),
            first: first.clone(),
        }),
    }
}

/// Binary cross entropy, its logarithms bounded at -100 as PyTorch's `BCELoss` does.
fn cross_entropy(probabilities: &[f32], labels: &[bool]) -> f64 {
    let sum: f64 = probabilities
        .iter()
        .zip(labels)
        .map(|(&p, &label)| {
            let p = f64::from(if label { p } else { 1.0 - p });
            -p.ln().max(-100.0)
        })
        .sum();
    sum / probabilities.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cross_entropy_stays_finite_at_certainty() {
        assert_eq!(cross_entropy(&[0.0, 1.0], &[true, false]), 100.0);
        let fair = cross_entropy(&[0.5, 0.5], &[true, false]);
        assert!((fair - std::f64::consts::LN_2).abs() < 1e-12);
    }
}
