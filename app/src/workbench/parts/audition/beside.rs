//! What the other model (Compare's second one) makes of both variants, beside the model in use.

use super::{ClipKey, Heard};
use crate::workbench::Jobs;
use crate::workbench::jobs::{Activity, Slot};
use attune_core::audio;
use attune_core::augment::Draw;
use attune_core::predict::{self, Model};
use std::sync::Arc;

type Tagged = Slot<(ClipKey, Option<Draw>, String), Vec<f32>>;

/// The other model and its answers.
#[derive(Debug)]
pub(super) struct Beside {
    model: Option<Arc<Model>>,
    original: Tagged,
    augmented: Tagged,
}

impl Default for Beside {
    fn default() -> Self {
        Self {
            model: None,
            original: Slot::new("tag the clip with the other model"),
            augmented: Slot::new("tag the augmented clip with the other model"),
        }
    }
}

impl Beside {
    /// The other model, if one is chosen that is not the one in use.
    pub(super) fn model(&self) -> Option<&Arc<Model>> {
        self.model.as_ref()
    }

    /// Its probabilities for the original and the augmented clip; the newest that are ready.
    pub(super) fn tags(&self) -> Option<(&[f32], &[f32])> {
        let n_tags = self.model.as_ref()?.tags.len();
        let is_its = |tags: &&Vec<f32>| tags.len() == n_tags;
        let of_same_clip = self.original.done_key()?.0 == self.augmented.done_key()?.0;
        let original = self
            .original
            .value()
            .filter(is_its)
            .filter(|_| of_same_clip)?;
        Some((original, self.augmented.value().filter(is_its)?))
    }

    /// Another model, or none, is beside the one in use from now on.
    pub(super) fn set_model(&mut self, model: Option<&Arc<Model>>) {
        let fingerprint = |model: &Arc<Model>| model.fingerprint.clone();
        if self.model.as_ref().map(fingerprint) != model.map(fingerprint) {
            self.original.clear();
            self.augmented.clear();
            self.model = model.cloned();
        }
    }

    /// Asks for what has become stale: its answers for these variants.
    pub(super) fn request(
        &mut self,
        jobs: &Jobs,
        original: Option<&Arc<Heard>>,
        augmented: Option<(&Arc<Heard>, &Draw)>,
        key: &ClipKey,
    ) {
        let Some(model) = &self.model else { return };
        let ask = |slot: &mut Tagged, heard: &Arc<Heard>, draw: Option<Draw>| {
            let (model, heard) = (Arc::clone(model), Arc::clone(heard));
            let wanted = (key.clone(), draw, model.fingerprint.clone());
            slot.request(jobs, wanted, move |job| {
                let clip = &heard.clip;
                let wave = audio::resample(&clip.samples, clip.rate_hz, model.sample_rate_hz())?;
                Ok(predict::tag_track(&model, &wave, job)?)
            });
        };
        if let Some(heard) = original {
            ask(&mut self.original, heard, None);
        }
        if let Some((heard, draw)) = augmented {
            ask(&mut self.augmented, heard, Some(draw.clone()));
        }
    }

    pub(super) fn poll(&mut self, jobs: &Jobs) {
        self.original.poll(jobs);
        self.augmented.poll(jobs);
    }

    pub(super) fn activities(&self) -> impl Iterator<Item = Activity> {
        let both = [self.original.activity(), self.augmented.activity()];
        both.into_iter().flatten()
    }

    pub(super) fn cancel(&mut self) {
        self.original.cancel();
        self.augmented.cancel();
    }
}
