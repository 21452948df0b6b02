//! One training clip: cut out of its track and augmented. Training and replay take the same way.

use super::{Dataset, Error, LoaderConfig, PcmCache};
use crate::audio;
use crate::augment::{Chain, Draw};
use crate::features::InputExtractor;
use crate::rng::{Address, Purpose};
use std::sync::Arc;

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

/// Cuts clips and turns them into inputs of the network, for the loader's threads.
pub(super) struct Cutter {
    cache: Arc<PcmCache>,
    config: LoaderConfig,
    extractor: InputExtractor,
    n_columns: usize,
}

impl Cutter {
    pub(super) fn new(config: &LoaderConfig, cache: Arc<PcmCache>) -> Result<Self, Error> {
        let extractor = InputExtractor::new(&config.input)?;
        let rate_hz = config.input.sample_rate_hz();
        // The exact length that resampling gives.
        let n_samples = if rate_hz == cache.rate_hz() {
            config.crop_samples
        } else {
            audio::resample(&vec![0.0; config.crop_samples], cache.rate_hz(), rate_hz)?.len()
        };
        let n_columns = config.input.n_columns(n_samples);
        // Says at once if the clip is too short for the front end.
        let mut out = vec![0.0; config.input.n_rows() * n_columns];
        extractor.extract_into(&vec![0.0; n_samples], &mut out)?;
        Ok(Self {
            cache,
            config: config.clone(),
            extractor,
            n_columns,
        })
    }

    pub(super) fn n_rows(&self) -> usize {
        self.config.input.n_rows()
    }

    pub(super) fn n_columns(&self) -> usize {
        self.n_columns
    }

    pub(super) fn cut(
        &self,
        dataset: &Dataset,
        epoch: u32,
        visit: u32,
        track_idx: usize,
    ) -> Result<ReplayedClip, Error> {
        clip_of(dataset, &self.cache, &self.config, epoch, visit, track_idx)
    }

    /// The network's input of a clip at the cache's rate into `[rows, columns]`.
    pub(super) fn extract_into(&self, wave: &[f32], out: &mut [f32]) -> Result<(), Error> {
        let rate_hz = self.config.input.sample_rate_hz();
        if rate_hz == self.cache.rate_hz() {
            self.extractor.extract_into(wave, out)?;
        } else {
            let wave = audio::resample(wave, self.cache.rate_hz(), rate_hz)?;
            self.extractor.extract_into(&wave, out)?;
        }
        Ok(())
    }
}
