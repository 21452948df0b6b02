//! Holding what a model says about whole tracks against what is known to sound in them.

use super::{Error, Localisation, Method, SongSettings, song};
use crate::dataset::{Dataset, Track};
use crate::job::Job;
use crate::metrics::{Localised, mean_defined};
use crate::predict::Model;
use crate::rng::{Address, Purpose};
use std::ops::Range;

/// Gathers, track by track, how well each of some methods finds the stretches of a data set's timelines.
#[derive(Debug)]
pub struct Localiser<'a> {
    model: &'a Model,
    dataset: &'a Dataset,
    methods: Vec<Method>,
    /// One per method.
    found: Vec<Localisation>,
    n_tracks: usize,
}

impl<'a> Localiser<'a> {
    /// For these methods of `model` on tracks of `dataset`, whose tags need not be those of the model; no track yet.
    pub fn new(model: &'a Model, dataset: &'a Dataset, methods: &[Method]) -> Self {
        Self {
            model,
            dataset,
            methods: methods.to_vec(),
            found: vec![Localisation::new(model.tags.len()); methods.len()],
            n_tracks: 0,
        }
    }

    /// Explains all of a track, `wave` at the model's rate, and holds it against the track's timeline. Passes over a track of which nothing is
    /// known that the model has a tag for, and one without sound. Fails with [`Error::Cancelled`] soon after the job was cancelled.
    pub fn add(&mut self, track: &Track, wave: &[f32], job: &Job) -> Result<(), Error> {
        let known = known_spans(self.model, self.dataset, track);
        if known.is_empty() || wave.is_empty() {
            return Ok(());
        }
        let settings = SongSettings {
            methods: self.methods.clone(),
            tags: Some(known.iter().map(|(tag, _)| *tag).collect()),
            ..SongSettings::default()
        };
        let quiet = Job::new(job.cancel.clone(), |_| ());
        let explained = song(self.model, wave, &settings, &quiet)?;
        for (map, found) in explained.maps.iter().zip(&mut self.found) {
            for (tag, spans) in &known {
                found.push(*tag, map, spans);
            }
        }
        self.n_tracks += 1;
        Ok(())
    }

    /// Tracks that were explained.
    pub fn n_tracks(&self) -> usize {
        self.n_tracks
    }

    /// How well the method at this place finds them; `None` if there was nothing to find.
    pub fn localised(&self, method_idx: usize) -> Option<Localised> {
        let found = self.found.get(method_idx)?;
        let tags: Vec<_> = (0..self.model.tags.len())
            .filter_map(|tag| found.tag(tag))
            .filter(|tag| tag.n_songs > 0)
            .collect();
        (!tags.is_empty()).then(|| Localised {
            n_tags: tags.len(),
            roc_auc: mean_defined(tags.iter().map(|tag| tag.roc_auc)),
            average_precision: mean_defined(tags.iter().map(|tag| tag.average_precision)),
            pointing: mean_defined(tags.iter().map(|tag| tag.pointing)),
        })
    }

    /// Share of the first method's tokens at which a tag that sounds at times does sound, mean over tags: the average precision of chance.
    pub fn prevalence(&self) -> Option<f64> {
        let found = self.found.first()?;
        let tags = (0..self.model.tags.len()).filter_map(|tag| found.tag(tag));
        mean_defined(tags.map(|tag| tag.prevalence))
    }
}

/// Whether it is known of a track when one of its tags holds.
pub fn has_timeline(track: &Track) -> bool {
    let mut spans = track.timeline.iter();
    spans.any(|span| track.tags.contains(&span.tag))
}

/// At most `n` of some tracks, and one at least if there is one, drawn by the seed; in the order of the data set.
pub fn draw_tracks(mut track_idxs: Vec<usize>, n: usize, seed: u64) -> Vec<usize> {
    let address = Address::new(seed, Purpose::Explanation, u64::MAX);
    address.stream().shuffle(&mut track_idxs);
    track_idxs.truncate(n.max(1));
    track_idxs.sort_unstable();
    track_idxs
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
