//! What an effect does to the clip, alone: the picture beside its sentence.

use super::others::Wanted;
use super::{ClipKey, Heard};
use crate::workbench::Jobs;
use crate::workbench::jobs::Slot;
use attune_core::augment::{Draw, Effect};
use attune_core::predict::Model;
use std::sync::Arc;

/// The effect that was pointed at last.
#[derive(Debug)]
pub struct Sample {
    made: Slot<(ClipKey, Effect), Arc<Heard>>,
}

impl Default for Sample {
    fn default() -> Self {
        Self {
            made: Slot::new("try the effect"),
        }
    }
}

impl Sample {
    /// The clip with this effect alone, once it is ready.
    pub fn of(&self, key: &ClipKey, effect: Effect) -> Option<&Arc<Heard>> {
        self.made.value_for(&(key.clone(), effect))
    }

    /// Whether it is being made.
    pub fn is_busy(&self) -> bool {
        self.made.is_busy()
    }

    /// Why it could not be made.
    pub fn error(&self, key: &ClipKey, effect: Effect) -> Option<&str> {
        let is_of_it = self.made.done_key() == Some(&(key.clone(), effect));
        self.made.error().filter(|_| is_of_it)
    }

    pub(super) fn request(
        &mut self,
        jobs: &Jobs,
        key: &ClipKey,
        effect: Effect,
        original: &Arc<Heard>,
        others: Wanted,
        model: Option<&Arc<Model>>,
    ) {
        let (cut, original, model) = (key.clone(), Arc::clone(original), model.map(Arc::clone));
        self.made.request(jobs, (key.clone(), effect), move |job| {
            let cut = cut.among(others.decode(job)?);
            original.with(&Draw::of(vec![effect], 0), &cut, model.as_deref())
        });
    }

    pub(super) fn poll(&mut self, jobs: &Jobs) {
        self.made.poll(jobs);
    }
}
