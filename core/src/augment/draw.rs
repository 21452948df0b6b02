//! What a chain rolled: a list of effects with numbers, and the address that gave them.

use super::Effect;
use crate::rng;
use serde::{Deserialize, Serialize};

/// The effects that apply to one clip, and where their random numbers stand.
///
/// Serialised with the parts of the address beside the effects, so that a draw can be copied, stored and played again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(into = "Stored", from = "Stored")]
pub struct Draw {
    /// The effects, in the order in which they are applied. Empty: the clip stays as it is.
    pub effects: Vec<Effect>,
    /// Seed, epoch, visit and track of the clip; noise is drawn here too.
    pub address: rng::Address,
}

impl Draw {
    /// These effects, always applied; noise is drawn from `seed`.
    pub fn of(effects: Vec<Effect>, seed: u64) -> Self {
        Self {
            effects,
            address: rng::Address::new(seed, rng::Purpose::Augment, 0),
        }
    }

    /// The augmented wave (mono), of the same length. Training and audition both call this.
    pub fn apply(&self, wave: &[f32], rate_hz: u32) -> Vec<f32> {
        let mut wave = wave.to_vec();
        self.apply_in_place(&mut wave, rate_hz);
        wave
    }

    /// [`Draw::apply`] without a copy; gives the number of samples that were clipped at full scale.
    pub fn apply_in_place(&self, wave: &mut Vec<f32>, rate_hz: u32) -> usize {
        let mut n_clipped = 0;
        for (nth, effect) in (0..).zip(&self.effects) {
            n_clipped += effect.apply_as_nth(wave, rate_hz, self.address, nth);
        }
        n_clipped
    }
}

/// A draw as it is written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    seed: u64,
    epoch: u32,
    visit: u32,
    track: u64,
    effects: Vec<Effect>,
}

impl From<Draw> for Stored {
    fn from(draw: Draw) -> Self {
        Self {
            seed: draw.address.seed,
            epoch: draw.address.epoch,
            visit: draw.address.visit,
            track: draw.address.track,
            effects: draw.effects,
        }
    }
}

impl From<Stored> for Draw {
    fn from(stored: Stored) -> Self {
        Self {
            effects: stored.effects,
            address: rng::Address {
                seed: stored.seed,
                epoch: stored.epoch,
                visit: stored.visit,
                track: stored.track,
                purpose: rng::Purpose::Augment,
            },
        }
    }
}
