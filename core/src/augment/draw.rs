//! What a chain rolled: a list of effects with numbers, and the address that gave them.

use super::company::{self, Alone, Company, Mixed};
use super::{Effect, Error, Kind};
use crate::rng;
use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};

/// The effects that apply to one clip, and where their random numbers stand.
///
/// Serialised with the parts of the address beside the effects, so that a draw can be copied, stored and played again. Numbers that its
/// effects do not take are refused when it is read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(into = "Stored", try_from = "Stored")]
pub struct Draw {
    /// The effects, in the order in which they are applied. Empty: the clip stays as it is.
    pub effects: Vec<Effect>,
    /// Seed, epoch, visit and track of the clip; noise is drawn here too.
    pub address: rng::Address,
}

/// What happened to a wave beside its samples.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Applied {
    /// Samples that were clipped at full scale.
    pub n_clipped: usize,
    /// Other clips that were mixed in, in the order of the effects.
    pub mixed: Vec<Mixed>,
}

impl Applied {
    /// Mixes labels as the waves were mixed. `labels` are the clip's own, `of_track` adds a share of another track's to them:
    /// `labels[tag] += share`.
    pub fn mix_labels(&self, labels: &mut [f32], of_track: impl Fn(u64, f32, &mut [f32])) {
        for mixed in self.mixed.iter().filter(|mixed| mixed.label_share < 1.0) {
            for label in &mut *labels {
                *label *= mixed.label_share;
            }
            of_track(mixed.track, 1.0 - mixed.label_share, labels);
        }
    }
}

impl Draw {
    /// These effects, always applied; noise is drawn from `seed`.
    pub fn of(effects: Vec<Effect>, seed: u64) -> Self {
        Self {
            effects,
            address: rng::Address::new(seed, rng::Purpose::Augment, 0),
        }
    }

    /// The augmented wave (mono), of the same length, without company: mixup and background are left out.
    pub fn apply(&self, wave: &[f32], rate_hz: u32) -> Vec<f32> {
        let mut wave = wave.to_vec();
        self.apply_in_place(&mut wave, rate_hz);
        wave
    }

    /// [`Draw::apply`] without a copy; gives the number of samples that were clipped at full scale.
    pub fn apply_in_place(&self, wave: &mut [f32], rate_hz: u32) -> usize {
        self.apply_among(wave, rate_hz, &Alone).n_clipped
    }

    /// Augments the wave (mono) in place, among `company` for mixup and background. Training and audition both call this.
    ///
    /// An effect that finds no other clip is left out.
    pub fn apply_among(&self, wave: &mut [f32], rate_hz: u32, company: &dyn Company) -> Applied {
        self.apply_timed(wave, rate_hz, company, |_, _| ())
    }

    /// As [`Draw::apply_among`]; tells `took` how long each effect took.
    pub fn apply_timed(
        &self,
        wave: &mut [f32],
        rate_hz: u32,
        company: &dyn Company,
        mut took: impl FnMut(Kind, Duration),
    ) -> Applied {
        let mut applied = Applied::default();
        for effect_idx in 0..self.effects.len() {
            let begun = Instant::now();
            self.apply_nth(effect_idx, wave, rate_hz, company, &mut applied);
            took(self.effects[effect_idx].kind(), begun.elapsed());
        }
        applied
    }

    fn apply_nth(
        &self,
        effect_idx: usize,
        wave: &mut [f32],
        rate_hz: u32,
        company: &dyn Company,
        applied: &mut Applied,
    ) {
        let effect = &self.effects[effect_idx];
        let Some(other) = effect.other() else {
            applied.n_clipped +=
                effect.apply_as_nth(wave, rate_hz, self.address, effect_idx as u32);
            return;
        };
        let label_share = match *effect {
            Effect::Mixup { share, .. } => share,
            _ => 1.0,
        };
        let mut place = company::place(self.address, effect_idx);
        let Some(clip) = company.clip(other, wave.len(), &mut place) else {
            return;
        };
        if let Effect::Background { snr, .. } = *effect {
            let Some(n_clipped) = company::add_behind(wave, &clip.samples, snr) else {
                return;
            };
            applied.n_clipped += n_clipped;
        } else {
            company::mix_up(wave, &clip.samples, label_share);
        }
        applied.mixed.push(Mixed {
            effect_idx,
            track: clip.track,
            label_share,
        });
    }

    /// Whether an effect needs another clip.
    pub fn needs_company(&self) -> bool {
        self.effects
            .iter()
            .any(|effect| effect.kind().needs_company())
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

impl TryFrom<Stored> for Draw {
    type Error = Error;

    fn try_from(stored: Stored) -> Result<Self, Error> {
        for effect in &stored.effects {
            effect.check()?;
        }
        Ok(Self {
            effects: stored.effects,
            address: rng::Address {
                seed: stored.seed,
                epoch: stored.epoch,
                visit: stored.visit,
                track: stored.track,
                purpose: rng::Purpose::Augment,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::augment::{Chain, PRESETS, Sounds};
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

    #[test]
    fn mixup_mixes_waves_and_labels_by_the_same_share_and_background_only_waves() {
        let (own, other) = (vec![0.5; 100], vec![-0.5; 100]);
        let company = Sounds {
            waves: vec![music(100).into(), other.into()],
        };
        let mixup = |share| Effect::Mixup { share, other: 0.9 };
        let apply = |effects: Vec<Effect>| {
            let mut wave = own.clone();
            let applied = Draw::of(effects, 4).apply_among(&mut wave, RATE_HZ, &company);
            let mut labels = vec![1.0, 0.0];
            applied.mix_labels(&mut labels, |track, share, labels| {
                assert_eq!(track, 1);
                labels[1] += share;
            });
            (wave, applied, labels)
        };
        let (wave, applied, labels) = apply(vec![mixup(0.75)]);
        assert!(wave.iter().all(|sample| (sample - 0.25).abs() < 1e-6));
        assert_eq!(labels, [0.75, 0.25]);
        assert_eq!((applied.mixed.len(), applied.mixed[0].effect_idx), (1, 0));
        // Mixed twice: what was there before counts half.
        let (wave, _, labels) = apply(vec![Effect::Polarity, mixup(0.5), mixup(0.5)]);
        assert!(wave.iter().all(|sample| (sample + 0.5).abs() < 1e-6));
        assert_eq!(labels, [0.25, 0.75]);
        let background = Effect::Background {
            snr: 6.0,
            other: 0.9,
        };
        let (wave, applied, labels) = apply(vec![background]);
        assert!((wave[7] - 0.5 + 0.5 * 10f32.powf(-6.0 / 20.0)).abs() < 1e-6);
        assert_eq!(
            (labels, applied.mixed[0].label_share),
            (vec![1.0, 0.0], 1.0)
        );
    }

    #[test]
    fn without_company_what_needs_it_is_left_out_and_the_rest_stays_the_same_draw() {
        let wave = music(4000);
        let noise = Effect::Noise { ratio: 0.4 };
        let mixup = Effect::Mixup {
            share: 0.5,
            other: 0.5,
        };
        let with = Draw::of(vec![noise, mixup], 3);
        assert!(with.needs_company());
        let without = Draw::of(vec![noise], 3);
        assert_eq!(with.apply(&wave, RATE_HZ), without.apply(&wave, RATE_HZ));
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
            let mut augmented = wave.clone();
            // Company as silent as the clip, or a clip of noise.
            let other = if sound == 0 { vec![0.0; n / 2] } else { music(n / 2 + 1) };
            let company = Sounds { waves: vec![other.into()] };
            Draw::of(vec![effect], 1).apply_among(&mut augmented, rate_hz, &company);
            prop_assert_eq!(augmented.len(), n);
            prop_assert!(augmented.iter().all(|x| x.is_finite()), "{}", effect);
            if sound == 0 {
                prop_assert!(augmented.iter().all(|x| *x == 0.0), "{} of silence", effect);
            }
        }
    }
}
