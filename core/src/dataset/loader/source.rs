//! What a loader's threads do: make the batches of the places whose turn is theirs.

use super::super::clip::{InputMaker, clip_among, usable};
use super::super::spent::{Spent, lap};
use super::{Batch, ClipRef, Inputs, LoaderConfig, Made, Position};
use crate::dataset::{Dataset, Error, PcmCache};
use crate::rng::{Address, Purpose};
use crossbeam::channel::Sender;
use std::sync::Arc;
use std::time::Instant;

/// What the threads share.
pub(super) struct Source {
    dataset: Arc<Dataset>,
    cache: Arc<PcmCache>,
    maker: InputMaker,
    clean_maker: Option<InputMaker>,
    tracks: Vec<usize>,
    config: LoaderConfig,
    steps_per_epoch: u32,
}

impl Source {
    pub(super) fn new(
        dataset: Arc<Dataset>,
        cache: Arc<PcmCache>,
        config: LoaderConfig,
    ) -> Result<Self, Error> {
        let tracks = usable(&dataset, &cache, &config)?;
        if config.batch_size == 0 {
            return Err(Error::BadConfig(
                "a batch must hold at least one clip".into(),
            ));
        }
        if tracks.len() < config.batch_size {
            return Err(Error::TooFewTracks {
                split: config.split,
                n_tracks: tracks.len(),
                batch_size: config.batch_size,
            });
        }
        let batches = (tracks.len() / config.batch_size) as u32;
        let steps_per_epoch = config.steps_per_epoch.map_or(batches, |steps| steps.max(1));
        let maker = |input| InputMaker::new(input, config.crop_samples, cache.rate_hz());
        Ok(Self {
            maker: maker(&config.input)?,
            clean_maker: config.clean.as_ref().map(maker).transpose()?,
            dataset,
            cache,
            tracks,
            config,
            steps_per_epoch,
        })
    }

    pub(super) fn config(&self) -> &LoaderConfig {
        &self.config
    }

    pub(super) fn steps_per_epoch(&self) -> u32 {
        self.steps_per_epoch
    }

    /// One batch alone.
    pub(super) fn batch_at(&self, position: Position) -> Result<Batch, Error> {
        let (visit, first) = self.round(position.step_in_epoch);
        let order = self.order(position.epoch, visit);
        let tracks = &order[first..first + self.config.batch_size];
        let made = self.batch(position, visit, tracks)?;
        Ok(made.batch)
    }

    /// Makes every `stride`-th batch from `start` on until nobody wants them any more.
    pub(super) fn work(&self, start: Position, stride: u64, queue: &Sender<Result<Made, Error>>) {
        let mut position = start;
        let mut order: Option<(u32, u32, Vec<usize>)> = None;
        loop {
            let (epoch, (visit, first)) = (position.epoch, self.round(position.step_in_epoch));
            let tracks = match &order {
                Some((e, v, tracks)) if (*e, *v) == (epoch, visit) => tracks,
                _ => &order.insert((epoch, visit, self.order(epoch, visit))).2,
            };
            let batch = self.batch(
                position,
                visit,
                &tracks[first..first + self.config.batch_size],
            );
            let failed = batch.is_err();
            if queue.send(batch).is_err() || failed {
                return;
            }
            position = position.after(stride, self.steps_per_epoch);
        }
    }

    /// How often all tracks have come before in this epoch, and where in their order the step's batch begins.
    fn round(&self, step_in_epoch: u32) -> (u32, usize) {
        let batches = (self.tracks.len() / self.config.batch_size) as u32;
        let first = (step_in_epoch % batches) as usize * self.config.batch_size;
        (step_in_epoch / batches, first)
    }

    /// The order of the tracks in a round of an epoch.
    fn order(&self, epoch: u32, visit: u32) -> Vec<usize> {
        let mut order = self.tracks.clone();
        Address {
            seed: self.config.seed,
            epoch,
            visit,
            track: 0,
            purpose: Purpose::Shuffle,
        }
        .stream()
        .shuffle(&mut order);
        order
    }

    fn batch(&self, position: Position, visit: u32, track_idxs: &[usize]) -> Result<Made, Error> {
        let size = track_idxs.len();
        let n_tags = self.dataset.n_tags();
        let mut batch = Batch {
            epoch: position.epoch,
            step_in_epoch: position.step_in_epoch,
            clips: Vec::with_capacity(size),
            inputs: self.maker.room(size),
            clean: self.clean_maker.as_ref().map(|maker| maker.room(size)),
            labels: vec![0.0; size * n_tags],
            n_tags,
        };
        let mut spent = Spent::default();
        for (row, &track_idx) in track_idxs.iter().enumerate() {
            let clip = clip_among(
                &self.dataset,
                &self.cache,
                &self.config,
                &self.tracks,
                position.epoch,
                visit,
                track_idx,
                &mut spent,
            )?;
            let mut since = Instant::now();
            self.maker
                .extract_into(&clip.wave, batch.inputs.row_mut(row))?;
            if let (Some(maker), Some(clean)) = (&self.clean_maker, &mut batch.clean) {
                maker.extract_into(&clip.original, clean.row_mut(row))?;
            }
            spent.features += lap(&mut since);
            batch.labels[row * n_tags..(row + 1) * n_tags].copy_from_slice(&clip.labels);
            batch.clips.push(ClipRef {
                track_idx,
                visit,
                offset_samples: clip.offset_samples,
                draw: clip.draw,
                mixed: clip.mixed,
            });
        }
        Ok(Made { batch, spent })
    }
}

impl Source {
    /// What the network takes in of the clips of a batch without augmentation.
    pub(super) fn clean_inputs(&self, batch: &Batch) -> Result<Inputs, Error> {
        if let (Some(clean), Some(input)) = (&batch.clean, &self.config.clean)
            && *input == self.config.input
        {
            return Ok(clean.clone());
        }
        let mut inputs = self.maker.room(batch.clips.len());
        for (row, clip) in batch.clips.iter().enumerate() {
            let (epoch, visit) = (batch.epoch, clip.visit);
            let original = clip_among(
                &self.dataset,
                &self.cache,
                &self.config,
                &self.tracks,
                epoch,
                visit,
                clip.track_idx,
                &mut Spent::default(),
            )?
            .original;
            self.maker.extract_into(&original, inputs.row_mut(row))?;
        }
        Ok(inputs)
    }
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Source")
            .field("tracks", &self.tracks.len())
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

impl Inputs {
    fn row_mut(&mut self, row: usize) -> &mut [f32] {
        let size = self.n_rows * self.n_columns;
        &mut self.values[row * size..(row + 1) * size]
    }
}
