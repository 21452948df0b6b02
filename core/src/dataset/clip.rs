//! One training clip: cut out of its track and augmented. Training and replay take the same way.

use super::{Dataset, Error, Inputs, LoaderConfig, PcmCache};
use crate::audio;
use crate::augment::{Chain, Draw};
use crate::features::{Input, InputExtractor};
use crate::rng::{Address, Purpose};

/// A training clip, made again: exactly what the network got.
#[derive(Clone, Debug, PartialEq)]
pub struct ReplayedClip {
    /// The clip before augmentation, mono, at the cache's rate; padded with zeros where the track is shorter.
    pub original: Vec<f32>,
    /// The clip as the front end got it, at the cache's rate.
    pub wave: Vec<f32>,
    /// Where it starts in its track, in samples.
    pub offset_samples: usize,
    /// What was rolled, where there is augmentation.
    pub draw: Option<Draw>,
}

/// Makes the clip that a loader with `config` made of track `track_idx` in `epoch` at its `visit`-th coming.
///
/// Fails with [`Error::NotCached`] if the track was not prepared.
pub fn clip_of(
    dataset: &Dataset,
    cache: &PcmCache,
    config: &LoaderConfig,
    epoch: u32,
    visit: u32,
    track_idx: usize,
) -> Result<ReplayedClip, Error> {
    let at = |purpose| Address {
        seed: config.seed,
        epoch,
        visit,
        track: track_idx as u64,
        purpose,
    };
    let track = &dataset.tracks[track_idx];
    let pcm = cache
        .samples(track)
        .ok_or_else(|| Error::NotCached(track.id.clone()))?;
    let room = pcm.n_samples().saturating_sub(config.crop_samples);
    let offset_samples = at(Purpose::Crop).stream().index(room + 1);
    let original = pcm.wave(offset_samples, config.crop_samples);
    let draw = config
        .chain
        .as_ref()
        .map(|chain: &Chain| chain.draw(at(Purpose::Augment)));
    let wave = draw.as_ref().map_or_else(
        || original.clone(),
        |draw| draw.apply(&original, cache.rate_hz()),
    );
    Ok(ReplayedClip {
        original,
        wave,
        offset_samples,
        draw,
    })
}

/// Turns clips into inputs of a network, for the loader's threads.
pub(super) struct InputMaker {
    clip_rate_hz: u32,
    extractor: InputExtractor,
    n_columns: usize,
}

impl InputMaker {
    /// For clips of `crop_samples` at `clip_rate_hz`. Fails if they are too short for the front end.
    pub(super) fn new(
        input: &Input,
        crop_samples: usize,
        clip_rate_hz: u32,
    ) -> Result<Self, Error> {
        let extractor = InputExtractor::new(input)?;
        let rate_hz = input.sample_rate_hz();
        // The exact length that resampling gives.
        let n_samples = if rate_hz == clip_rate_hz {
            crop_samples
        } else {
            audio::resample(&vec![0.0; crop_samples], clip_rate_hz, rate_hz)?.len()
        };
        let n_columns = input.n_columns(n_samples);
        let mut out = vec![0.0; input.n_rows() * n_columns];
        extractor.extract_into(&vec![0.0; n_samples], &mut out)?;
        Ok(Self {
            clip_rate_hz,
            extractor,
            n_columns,
        })
    }

    /// Room for the inputs of `n_clips` clips.
    pub(super) fn room(&self, n_clips: usize) -> Inputs {
        let n_rows = self.extractor.input().n_rows();
        Inputs {
            values: vec![0.0; n_clips * n_rows * self.n_columns],
            n_rows,
            n_columns: self.n_columns,
        }
    }

    /// The input of a clip into `[rows, columns]`.
    pub(super) fn extract_into(&self, wave: &[f32], out: &mut [f32]) -> Result<(), Error> {
        let rate_hz = self.extractor.input().sample_rate_hz();
        if rate_hz == self.clip_rate_hz {
            self.extractor.extract_into(wave, out)?;
        } else {
            let wave = audio::resample(wave, self.clip_rate_hz, rate_hz)?;
            self.extractor.extract_into(&wave, out)?;
        }
        Ok(())
    }
}
