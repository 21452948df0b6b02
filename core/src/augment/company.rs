//! Company for a clip: other clips, for the effects that mix two.
//!
//! Whoever augments says what the pool is: a loader takes the other tracks of its split, the command line the files that were named.
//! The effect's number `other` picks one of the pool, and where it is cut is drawn at the clip's own address, so that a replay hears
//! the same.

use super::gain;
use crate::rng::{Address, Purpose, Stream};
use std::sync::Arc;

/// Where other clips come from.
pub trait Company {
    /// `n_samples` samples of another track, at the rate of the clip that is augmented; `None` if there is no other track.
    ///
    /// `other`, from 0 to 1, picks the track: number `⌊other · n⌋` of `n` ([`pick`]). `place` has the random numbers for where it
    /// is cut.
    fn clip(&self, other: f32, n_samples: usize, place: &mut Stream) -> Option<OtherClip>;
}

/// Another track's clip.
#[derive(Clone, Debug, PartialEq)]
pub struct OtherClip {
    /// Mono, as long as was asked for; zeros where the track is shorter.
    pub samples: Vec<f32>,
    /// Number of the track, in the numbering of whoever gave it.
    pub track: u64,
}

/// What was mixed into a clip.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mixed {
    /// Which effect of the draw did it, from 0.
    pub effect_idx: usize,
    /// Number of the other track, see [`OtherClip::track`].
    pub track: u64,
    /// How much of the labels stays the clip's own; the rest is the other track's. 1 for a background.
    pub label_share: f32,
}

/// Nobody: mixup and background change nothing.
#[derive(Clone, Copy, Debug)]
pub struct Alone;

impl Company for Alone {
    fn clip(&self, _other: f32, _n_samples: usize, _place: &mut Stream) -> Option<OtherClip> {
        None
    }
}

/// Whole sounds as company, at the rate of the clips that they go with.
#[derive(Clone, Debug, Default)]
pub struct Sounds {
    /// Mono waves; their places are the tracks' numbers.
    pub waves: Vec<Arc<[f32]>>,
}

impl Company for Sounds {
    fn clip(&self, other: f32, n_samples: usize, place: &mut Stream) -> Option<OtherClip> {
        let idx = pick(other, self.waves.len())?;
        let wave = &self.waves[idx];
        let start = place.index(wave.len().saturating_sub(n_samples) + 1);
        let end = wave.len().min(start + n_samples);
        let mut samples = wave[start..end].to_vec();
        samples.resize(n_samples, 0.0);
        Some(OtherClip {
            samples,
            track: idx as u64,
        })
    }
}

/// Whole sounds as company for given numbers, at the rate of the clips that they go with: what a listener needs of a large pool, and what a
/// replay has of the run's.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Picked {
    /// The effect's number `other`, and the sound that it picked, mono. For any other number there is no clip: that of another number would be
    /// another track's.
    pub waves: Vec<(f32, Arc<[f32]>)>,
}

impl Company for Picked {
    fn clip(&self, other: f32, n_samples: usize, place: &mut Stream) -> Option<OtherClip> {
        let mut picked = self.waves.iter();
        let idx = picked.position(|(number, _)| number.to_bits() == other.to_bits())?;
        let only = Sounds {
            waves: vec![Arc::clone(&self.waves[idx].1)],
        };
        only.clip(0.0, n_samples, place).map(|clip| OtherClip {
            track: idx as u64,
            ..clip
        })
    }
}

/// Which of `n` is meant by a number from 0 to 1: `⌊other · n⌋`, and the last for 1. `None` if there are none.
pub fn pick(other: f32, n: usize) -> Option<usize> {
    let idx = (f64::from(other) * n as f64) as usize;
    n.checked_sub(1).map(|last| idx.min(last))
}

/// The numbers for where the `nth` effect of a draw cuts its other clip.
pub(super) fn place(address: Address, nth: usize) -> Stream {
    let address = Address {
        purpose: Purpose::Company,
        ..address
    };
    // One number is drawn, of two words: a block each is more than enough.
    address.stream_from(nth as u64)
}

/// `y = share · x + (1 − share) · other`.
pub(super) fn mix_up(wave: &mut [f32], other: &[f32], share: f32) {
    for (sample, &other) in wave.iter_mut().zip(other) {
        *sample = share * *sample + (1.0 - share) * other;
    }
}

/// Adds `other` so that the wave's energy is `snr_db` above it, then clamps to full scale. Gives the number of clipped samples, or
/// `None` if one of the two is silent: then there is no such ratio, and nothing is added.
pub(super) fn add_behind(wave: &mut [f32], other: &[f32], snr_db: f32) -> Option<usize> {
    let energy = |wave: &[f32]| wave.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>();
    let (signal, background) = (energy(wave), energy(other));
    if signal == 0.0 || background == 0.0 {
        return None;
    }
    let factor = (signal / background * 10f64.powf(-f64::from(snr_db) / 10.0)).sqrt() as f32;
    for (sample, &other) in wave.iter_mut().zip(other) {
        *sample += factor * other;
    }
    Some(gain::clip(wave))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sounds(n: usize) -> Sounds {
        let wave = |number: usize| (0..500).map(|i| (number * 1000 + i) as f32).collect();
        Sounds {
            waves: (0..n).map(wave).collect(),
        }
    }

    #[test]
    fn the_number_picks_the_track_and_reaches_the_first_and_the_last() {
        let picks: Vec<_> = [0.0, 0.24, 0.25, 0.5, 0.99, 1.0]
            .map(|other| pick(other, 4))
            .to_vec();
        assert_eq!(picks, [0, 0, 1, 2, 3, 3].map(Some));
        assert_eq!(pick(0.5, 0), None);
    }

    #[test]
    fn another_clip_is_a_stretch_of_its_sound_cut_where_its_address_says() {
        let sounds = sounds(3);
        let clip = |track: u64, nth: usize, n: usize| {
            let address = Address::new(1, Purpose::Augment, track);
            sounds.clip(0.5, n, &mut place(address, nth)).unwrap()
        };
        let one = clip(0, 0, 100);
        assert_eq!(one.track, 1);
        assert!(one.samples.windows(2).all(|pair| pair[1] == pair[0] + 1.0));
        assert_eq!(clip(0, 0, 100), one);
        assert_ne!(clip(0, 1, 100), one, "the second effect cuts elsewhere");
        assert_ne!(clip(1, 0, 100), one);
        assert_eq!(clip(0, 0, 600).samples[500..], [0.0; 100]);
    }

    #[test]
    fn a_number_that_picked_nothing_has_no_clip() {
        let [first, second] = [1.0, 2.0].map(|level| vec![level; 50].into());
        let picked = Picked {
            waves: vec![(0.25, first), (0.75, second)],
        };
        let clip = |other: f32| {
            let address = Address::new(1, Purpose::Augment, 0);
            picked.clip(other, 50, &mut place(address, 0))
        };
        let second = clip(0.75).unwrap();
        assert_eq!((second.samples[0], second.track), (2.0, 1));
        assert_eq!(clip(0.74), None);
    }

    #[test]
    fn a_background_lies_as_far_below_the_clip_as_was_asked() {
        let original: Vec<f32> = (0..4000).map(|i| 0.3 * (i as f32 * 0.1).sin()).collect();
        let other: Vec<f32> = (0..4000).map(|i| 0.02 * (i as f32 * 0.37).cos()).collect();
        for snr_db in [0.0, 6.0, 20.0] {
            let mut wave = original.clone();
            assert_eq!(add_behind(&mut wave, &other, snr_db), Some(0));
            let energy = |it: &mut dyn Iterator<Item = f32>| it.map(|x| x * x).sum::<f32>();
            let added = energy(&mut wave.iter().zip(&original).map(|(a, b)| a - b));
            let found = 10.0 * (energy(&mut original.iter().copied()) / added).log10();
            assert!((found - snr_db).abs() < 0.05, "{found} for {snr_db}");
        }
        let mut wave = original.clone();
        assert_eq!(add_behind(&mut wave, &[0.0; 4000], 10.0), None);
        assert_eq!(wave, original, "silence cannot be a background");
    }
}
