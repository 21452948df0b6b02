//! What is listened to: variants of one sound under one play head.

use attune_core::audio::{self, Clip};

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
        }
    }
}
