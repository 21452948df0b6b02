//! What a loader's threads spent their time on.

use crate::augment::Kind;
use std::time::{Duration, Instant};

/// Time of a loader's threads, added up over threads and clips. It passes by the clock, so that a thread that waits for a core counts, too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// Clips that were made.
    pub n_clips: u64,
    /// Finding a clip in the cache, reading it and cutting it out.
    pub reading: Duration,
    /// Rolling the dice and applying the effects.
    pub augmenting: Duration,
    /// What the network takes in: resampling, log-mel; with a teacher, what it takes in as well.
    pub features: Duration,
    /// Of augmenting, each effect's part, in the order of [`Kind::ALL`].
    effects: [Duration; Kind::ALL.len()],
}

impl Spent {
    /// Takes in more time.
    pub fn add(&mut self, other: &Self) {
        self.n_clips += other.n_clips;
        self.reading += other.reading;
        self.augmenting += other.augmenting;
        self.features += other.features;
        for (own, other) in self.effects.iter_mut().zip(other.effects) {
            *own += other;
        }
    }

    /// The effects that took time, with it.
    pub fn effects(&self) -> impl Iterator<Item = (Kind, Duration)> {
        let effects = Kind::ALL.into_iter().zip(self.effects);
        effects.filter(|(_, time)| !time.is_zero())
    }

    /// Takes in time of an effect, which is a part of [`Self::augmenting`].
    pub(super) fn add_effect(&mut self, kind: Kind, time: Duration) {
        self.effects[kind as usize] += time;
    }
}

/// The time since `before`, which becomes now.
pub(super) fn lap(before: &mut Instant) -> Duration {
    let now = Instant::now();
    now.duration_since(std::mem::replace(before, now))
}
