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
    pub fn apply_in_place(&self, wave: &mut [f32], rate_hz: u32) -> usize {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::augment::{Chain, Kind, PRESETS};
    use crate::rng::{Address, Purpose};
    use proptest::prelude::*;

    const RATE_HZ: u32 = 22050;

    fn music(n: usize) -> Vec<f32> {
        let mut stream = Address::new(5, Purpose::Check, 0).stream();
        (0..n)
            .map(|i| {
                0.4 * (i as f32 * 0.06).sin()
                    + 0.3 * (i as f32 * 0.31).sin()
                    + 0.1 * stream.normal()
            })
            .collect()
    }

    #[test]
    fn training_and_audition_hear_the_same_bits() {
        let wave = music(30_000);
        for (name, _) in PRESETS {
            let chain = Chain::preset(name).unwrap();
            for track in 0..40 {
                let address = Address {
                    track,
                    epoch: 3,
                    ..Address::new(9, Purpose::Crop, 0)
                };
                // As the loader does it, on another thread, in its own buffer …
                let (chain_there, wave_there) = (chain.clone(), wave.clone());
                let trained = std::thread::scope(|scope| {
                    let run = || chain_there.draw(address).apply(&wave_there, RATE_HZ);
                    scope.spawn(run).join().unwrap()
                });
                // … and as the audition does it: effect by effect, from a draw that was written down.
                let written = serde_json::to_string(&chain.draw(address)).unwrap();
                let draw: Draw = serde_json::from_str(&written).unwrap();
                assert_eq!(draw, chain.draw(address));
                let mut heard = wave.clone();
                for nth in 0..draw.effects.len() {
                    draw.effects[nth].apply_as_nth(&mut heard, RATE_HZ, draw.address, nth as u32);
                }
                let bits = |wave: &[f32]| wave.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
                assert_eq!(bits(&trained), bits(&heard), "{name} {track}");
            }
        }
    }

    #[test]
    fn another_seed_is_another_draw() {
        let chain = Chain::preset("reference").unwrap();
        let draw = |seed| chain.draw(Address::new(seed, Purpose::Augment, 0)).effects;
        assert_ne!(draw(1), draw(2));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn any_sound_stays_finite_and_keeps_its_length(
            kind in 0..Kind::ALL.len(),
            places in proptest::array::uniform3(0.0f32..=1.0),
            n in prop_oneof![0..5usize, 0..3000usize, 20_000..30_000usize],
            rate_hz in prop_oneof![Just(22050u32), Just(8000), Just(1), 1..192_000u32],
            sound in 0..4,
        ) {
            let kind = Kind::ALL[kind];
            let values: Vec<f32> = kind.parameters().iter().zip(places)
                .map(|(p, place)| p.min + (p.max - p.min) * place)
                .collect();
            let effect = Effect::from_values(kind, &values);
            let wave: Vec<f32> = match sound {
                0 => vec![0.0; n],
                1 => (0..n).map(|i| if i / 20 % 2 == 0 { 1.0 } else { -1.0 }).collect(),
                2 => (0..n).map(|i| if i == n / 2 { 1.0 } else { 0.0 }).collect(),
                _ => music(n),
            };
            let augmented = Draw::of(vec![effect], 1).apply(&wave, rate_hz);
            prop_assert_eq!(augmented.len(), n);
            prop_assert!(augmented.iter().all(|x| x.is_finite()), "{}", effect);
            if sound == 0 {
                prop_assert!(augmented.iter().all(|x| *x == 0.0), "{} of silence", effect);
            }
        }
    }
}
