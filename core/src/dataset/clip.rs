//! One training clip: cut out of its track and augmented. Training and replay take the same way.

use super::spent::{Spent, lap};
use super::{Dataset, Error, Inputs, LoaderConfig, PcmCache};
use crate::audio;
use crate::augment::{Applied, Chain, Company, Draw, Mixed, OtherClip, pick};
use crate::features::{Input, InputExtractor};
use crate::rng::{Address, Purpose, Stream};
use std::time::Instant;

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
    /// Which tracks' clips were mixed in; numbers of tracks of the data set.
    pub mixed: Vec<Mixed>,
    /// `[n_tags]`: 1 where the track has the tag, else 0; where clips were mixed up, the same mixture of their labels.
    pub labels: Vec<f32>,
}

/// The usable tracks of a stream, from which mixup and background take their other clips.
pub(super) struct Pool<'a> {
    dataset: &'a Dataset,
    cache: &'a PcmCache,
    /// Numbers of the tracks, ascending.
    tracks: &'a [usize],
    /// The track that is augmented: never its own company.
    own: usize,
}

impl Company for Pool<'_> {
    fn clip(&self, other: f32, n_samples: usize, place: &mut Stream) -> Option<OtherClip> {
        let own_place = self.tracks.binary_search(&self.own);
        let n_others = self.tracks.len() - usize::from(own_place.is_ok());
        let idx = pick(other, n_others)?;
        let skips_own = own_place.is_ok_and(|own_place| own_place <= idx);
        let track = self.tracks[idx + usize::from(skips_own)];
        let pcm = self.cache.samples(&self.dataset.tracks[track])?;
        let room = pcm.n_samples().saturating_sub(n_samples);
        Some(OtherClip {
            samples: pcm.wave(place.index(room + 1), n_samples),
            track: track as u64,
        })
    }
}

/// Numbers of the tracks of `config`'s split whose audio is in the cache, ascending: those that its loader takes.
pub(super) fn usable(
    dataset: &Dataset,
    cache: &PcmCache,
    config: &LoaderConfig,
) -> Result<Vec<usize>, Error> {
    let mut tracks = dataset.split(config.split)?;
    tracks.retain(|&track_idx| cache.samples(&dataset.tracks[track_idx]).is_some());
    Ok(tracks)
}

/// Makes the clip that a loader with `config` made of track `track_idx` in `epoch` at its `visit`-th coming.
///
/// Fails with [`Error::NotCached`] if the track was not prepared. A chain with mixup or background needs all tracks of the split that
/// the run had, as they are the company.
pub fn clip_of(
    dataset: &Dataset,
    cache: &PcmCache,
    config: &LoaderConfig,
    epoch: u32,
    visit: u32,
    track_idx: usize,
) -> Result<ReplayedClip, Error> {
    let tracks = match &config.chain {
        Some(chain) if chain.needs_company() => usable(dataset, cache, config)?,
        _ => Vec::new(),
    };
    let mut spent = Spent::default();
    clip_among(
        dataset, cache, config, &tracks, epoch, visit, track_idx, &mut spent,
    )
}

/// [`clip_of`] where the usable tracks are known already; the time it takes is added to `spent`.
pub(super) fn clip_among(
    dataset: &Dataset,
    cache: &PcmCache,
    config: &LoaderConfig,
    tracks: &[usize],
    epoch: u32,
    visit: u32,
    track_idx: usize,
    spent: &mut Spent,
) -> Result<ReplayedClip, Error> {
    let mut since = Instant::now();
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
    spent.n_clips += 1;
    spent.reading += lap(&mut since);
    let draw = config
        .chain
        .as_ref()
        .map(|chain: &Chain| chain.draw(at(Purpose::Augment)));
    let mut wave = original.clone();
    let company = Pool {
        dataset,
        cache,
        tracks,
        own: track_idx,
    };
    let applied = draw.as_ref().map_or_else(Applied::default, |draw| {
        let took = |kind, time| spent.add_effect(kind, time);
        draw.apply_timed(&mut wave, cache.rate_hz(), &company, took)
    });
    spent.augmenting += lap(&mut since);
    let mut labels = vec![0.0; dataset.n_tags()];
    let add = |track_idx: usize, share: f32, labels: &mut [f32]| {
        for tag in &dataset.tracks[track_idx].tags {
            labels[tag.index()] += share;
        }
    };
    add(track_idx, 1.0, &mut labels);
    applied.mix_labels(&mut labels, |track, share, labels| {
        add(track as usize, share, labels);
    });
    Ok(ReplayedClip {
        original,
        wave,
        offset_samples,
        draw,
        mixed: applied.mixed,
        labels,
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
