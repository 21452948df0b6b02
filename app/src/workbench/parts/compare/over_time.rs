//! What each of the two models says of the open song over time.

use super::Side;
use crate::workbench::jobs::{Activity, Jobs, Slot};
use crate::workbench::parts::song::OpenSong;
use attune_core::predict::{self, Model, TagTimeline};
use std::sync::Arc;

/// Neighbouring windows lie at most this part of a window apart: finer than that, and hardly anything changes from one to the next.
const PARTS_OF_WINDOW: f64 = 4.0;

/// What was asked for. The same song while somebody holds it, and the key does.
#[derive(Clone, Debug)]
struct Key {
    song: Arc<OpenSong>,
    model: String,
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.song, &other.song) && self.model == other.model
    }
}

impl Key {
    fn new(song: &Arc<OpenSong>, model: &Model) -> Self {
        Self {
            song: Arc::clone(song),
            model: model.fingerprint.clone(),
        }
    }
}

/// Answers over time, one kind of work for each side.
#[derive(Debug)]
pub(super) struct OverTime {
    sides: [Slot<Key, Arc<TagTimeline>>; 2],
    cancelled: [Option<Key>; 2],
}

impl Default for OverTime {
    fn default() -> Self {
        Self {
            sides: [
                Slot::new("tag song over time"),
                Slot::new("tag song over time"),
            ],
            cancelled: [None, None],
        }
    }
}

impl OverTime {
    pub(super) fn of(
        &self,
        side: Side,
        song: &Arc<OpenSong>,
        model: &Model,
    ) -> Option<&Arc<TagTimeline>> {
        self.sides[side.idx()].value_for(&Key::new(song, model))
    }

    pub(super) fn is_settled(&self, side: Side, song: &Arc<OpenSong>, model: &Model) -> bool {
        let key = Key::new(song, model);
        let slot = &self.sides[side.idx()];
        [
            slot.busy_with(),
            slot.done_key(),
            self.cancelled[side.idx()].as_ref(),
        ]
        .contains(&Some(&key))
    }

    pub(super) fn error(&self, side: Side, song: &Arc<OpenSong>, model: &Model) -> Option<&str> {
        let slot = &self.sides[side.idx()];
        let is_it = slot.done_key() == Some(&Key::new(song, model));
        slot.error().filter(|_| is_it)
    }

    pub(super) fn activities(&self) -> impl Iterator<Item = Activity> {
        self.sides.iter().filter_map(Slot::activity)
    }

    pub(super) fn request(
        &mut self,
        side: Side,
        song: &Arc<OpenSong>,
        model: &Arc<Model>,
        jobs: &Jobs,
    ) {
        let key = Key::new(song, model);
        if self.cancelled[side.idx()].as_ref() == Some(&key) {
            return;
        }
        let (song, model) = (Arc::clone(song), Arc::clone(model));
        self.sides[side.idx()].request(jobs, key, move |job| {
            let rate_hz = model.sample_rate_hz();
            let window_secs = model.input_samples as f64 / f64::from(rate_hz);
            let wave = song.wave_at(rate_hz, job)?;
            let max_hop_secs = window_secs / PARTS_OF_WINDOW;
            Ok(Arc::new(predict::over_time(
                &model,
                &wave,
                max_hop_secs,
                job,
            )?))
        });
    }

    pub(super) fn poll(&mut self, jobs: &Jobs) {
        for slot in &mut self.sides {
            slot.poll(jobs);
        }
    }

    pub(super) fn swap(&mut self) {
        self.sides.swap(0, 1);
        self.cancelled.swap(0, 1);
    }

    pub(super) fn cancel(&mut self) {
        for (slot, cancelled) in self.sides.iter_mut().zip(&mut self.cancelled) {
            if let Some(key) = slot.busy_with() {
                *cancelled = Some(key.clone());
            }
            slot.cancel();
        }
    }

    /// Lets what was cancelled or has failed be asked for again.
    pub(super) fn forget_stopped(&mut self) {
        self.cancelled = [None, None];
        for slot in &mut self.sides {
            if slot.error().is_some() {
                slot.clear();
            }
        }
    }
}
