//! What is listened to: variants of one sound under one play head.

use attune_core::audio::{self, Clip};
use std::sync::Arc;

/// Variants of the same sound, of the same length in seconds: as recorded, as a network hears it, augmented.
#[derive(Clone, Debug, PartialEq)]
pub struct Track {
    /// For the user, mostly the file's name.
    pub name: String,
    /// In the order of their keys; the first is heard until another is selected.
    pub variants: Vec<Variant>,
}

/// One of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Variant {
    /// For the user.
    pub name: String,
    /// The sound, at any rate and with any number of channels.
    pub clip: Clip,
    /// Factor of the amplitude with which it is heard: 1 as it is. For variants that are to be compared at the same loudness.
    pub gain: f32,
}

impl Track {
    /// A track of these variants.
    pub fn new(name: impl Into<String>, variants: Vec<Variant>) -> Self {
        Self {
            name: name.into(),
            variants,
        }
    }

    /// A song in two variants: 0 as recorded, 1 as a network hears it (mono at `network_rate_hz`).
    ///
    /// Resamples, so call it from a job.
    pub fn of_song(
        name: impl Into<String>,
        clip: Clip,
        network_rate_hz: u32,
    ) -> Result<Self, audio::Error> {
        let heard = audio::resample(&clip.to_mono(), clip.rate_hz, network_rate_hz)?;
        let heard = Clip::mono(heard, network_rate_hz);
        Ok(Self::new(
            name,
            vec![
                Variant::new("as recorded", clip),
                Variant::new("as the network hears it", heard),
            ],
        ))
    }

    /// The numbers of the variants that can be heard. One without samples is a free place, so that the others keep their numbers.
    pub fn places(&self) -> Vec<usize> {
        let all = self.variants.iter().enumerate();
        all.filter(|(_, variant)| !variant.clip.samples.is_empty())
            .map(|(place, _)| place)
            .collect()
    }

    /// Whether it has the same sounds in the same order, each as loud.
    pub(super) fn is(&self, other: &Self) -> bool {
        self.variants.len() == other.variants.len()
            && self
                .variants
                .iter()
                .zip(&other.variants)
                .all(|(one, two)| one.is(two))
    }

    /// Length of the longest variant.
    pub fn duration_secs(&self) -> f64 {
        self.variants
            .iter()
            .map(|variant| variant.clip.duration_secs())
            .fold(0.0, f64::max)
    }
}

impl Variant {
    /// A variant.
    pub fn new(name: impl Into<String>, clip: Clip) -> Self {
        Self {
            name: name.into(),
            clip,
            gain: 1.0,
        }
    }

    /// The same, heard `gain_db` louder (or softer, below 0).
    pub fn with_gain_db(self, gain_db: f32) -> Self {
        Self {
            gain: 10_f32.powf(gain_db / 20.0),
            ..self
        }
    }

    /// Whether it is the same sound, heard as loud: the same samples in memory, not merely equal ones.
    pub(super) fn is(&self, other: &Self) -> bool {
        self.has_clip_of(other) && self.gain == other.gain && self.name == other.name
    }

    /// Whether it is the same sound, perhaps heard louder or softer.
    pub(super) fn has_clip_of(&self, other: &Self) -> bool {
        let (one, two) = (&self.clip, &other.clip);
        Arc::ptr_eq(&one.samples, &two.samples)
            && (one.rate_hz, one.channels) == (two.rate_hz, two.channels)
    }
}
