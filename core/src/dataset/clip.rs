//! One training clip: cut out of its track and augmented. Training and replay take the same way.

use super::spent::{Spent, lap};
use super::{ClipRef, Dataset, Error, Inputs, LoaderConfig, PcmCache};
use crate::audio;
use crate::augment::{Applied, Chain, Company, Draw, Mixed, OtherClip, pick};
use crate::features::{Input, InputExtractor};
use crate::rng::{Address, Purpose, Stream};
use std::cell::Cell;
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
    /// Why a clip that was picked could not be read: without it the clip would not be what was drawn.
    failed: Cell<Option<Error>>,
}

impl Company for Pool<'_> {
    fn clip(&self, other: f32, n_samples: usize, place: &mut Stream) -> Option<OtherClip> {
        let own_place = self.tracks.binary_search(&self.own);
        let n_others = self.tracks.len() - usize::from(own_place.is_ok());
        let idx = pick(other, n_others)?;
        let skips_own = own_place.is_ok_and(|own_place| own_place <= idx);
        let track_idx = self.tracks[idx + usize::from(skips_own)];
        let track = &self.dataset.tracks[track_idx];
        let pcm = self.cache.samples(track)?;
        let room = pcm.n_samples().saturating_sub(n_samples);
        let mut samples = vec![0.0; n_samples];
        let offset = place.index(room + 1);
        match self.cache.read_of(&pcm, track, offset, &mut samples) {
            Ok(()) => Some(OtherClip {
                samples,
                track: track_idx as u64,
            }),
            Err(error) => {
                self.failed.set(Some(error));
                None
            }
        }
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
    let maker = ClipMaker {
        dataset,
        cache,
        config,
        tracks: &tracks,
    };
    let mut clip = ReplayedClip {
        original: vec![0.0; config.crop_samples],
        wave: vec![0.0; config.crop_samples],
        offset_samples: 0,
        draw: None,
        mixed: Vec::new(),
        labels: vec![0.0; dataset.n_tags()],
    };
    let room = Room {
        wave: &mut clip.wave,
        original: Some(&mut clip.original),
        labels: &mut clip.labels,
    };
    let made = maker.make(epoch, visit, track_idx, room, &mut Spent::default())?;
    Ok(ReplayedClip {
        offset_samples: made.offset_samples,
        draw: made.draw,
        mixed: made.mixed,
        ..clip
    })
}

/// Makes clips where the usable tracks are known already.
pub(super) struct ClipMaker<'a> {
    pub(super) dataset: &'a Dataset,
    pub(super) cache: &'a PcmCache,
    pub(super) config: &'a LoaderConfig,
    /// Their numbers, ascending: company for each other.
    pub(super) tracks: &'a [usize],
}

/// Where a clip is put, so that nothing is copied that need not be.
pub(super) struct Room<'a> {
    /// `[crop_samples]`: as the front end gets it.
    pub(super) wave: &'a mut [f32],
    /// `[crop_samples]`: as it was before augmentation, if that is wanted.
    pub(super) original: Option<&'a mut [f32]>,
    /// `[n_tags]`
    pub(super) labels: &'a mut [f32],
}

impl ClipMaker<'_> {
    /// Makes a clip; the time it takes is added to `spent`.
    pub(super) fn make(
        &self,
        epoch: u32,
        visit: u32,
        track_idx: usize,
        room: Room<'_>,
        spent: &mut Spent,
    ) -> Result<ClipRef, Error> {
        let mut since = Instant::now();
        let config = self.config;
        let at = |purpose| Address {
            seed: config.seed,
            epoch,
            visit,
            track: track_idx as u64,
            purpose,
        };
        let track = &self.dataset.tracks[track_idx];
        let pcm = self.cache.samples(track);
        let pcm = pcm.ok_or_else(|| Error::NotCached(track.id.clone()))?;
        let spare = pcm.n_samples().saturating_sub(config.crop_samples);
        let offset_samples = at(Purpose::Crop).stream().index(spare + 1);
        self.cache.read_of(&pcm, track, offset_samples, room.wave)?;
        if let Some(original) = room.original {
            original.copy_from_slice(room.wave);
        }
        spent.n_clips += 1;
        spent.reading += lap(&mut since);
        let draw = config
            .chain
            .as_ref()
            .map(|chain: &Chain| chain.draw(at(Purpose::Augment)));
        let company = Pool {
            dataset: self.dataset,
            cache: self.cache,
            tracks: self.tracks,
            own: track_idx,
            failed: Cell::default(),
        };
        let applied = draw.as_ref().map_or_else(Applied::default, |draw| {
            let took = |kind, time| spent.add_effect(kind, time);
            draw.apply_timed(room.wave, self.cache.rate_hz(), &company, took)
        });
        if let Some(error) = company.failed.take() {
            return Err(error);
        }
        spent.augmenting += lap(&mut since);
        let add = |track_idx: usize, share: f32, labels: &mut [f32]| {
            for tag in &self.dataset.tracks[track_idx].tags {
                labels[tag.index()] += share;
            }
        };
        room.labels.fill(0.0);
        add(track_idx, 1.0, room.labels);
        applied.mix_labels(room.labels, |track, share, labels| {
            add(track as usize, share, labels);
        });
        Ok(ClipRef {
            track_idx,
            visit,
            offset_samples,
            draw,
            mixed: applied.mixed,
        })
    }
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

    /// Whether an input is the clip itself.
    pub(super) fn takes_clips(&self) -> bool {
        matches!(self.extractor.input(), Input::Waveform { sample_rate_hz } if *sample_rate_hz == self.clip_rate_hz)
    }

    /// What the inputs of a clip take in memory.
    pub(super) fn clip_bytes(&self) -> u64 {
        (self.extractor.input().n_rows() * self.n_columns * size_of::<f32>()) as u64
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
