//! What a loader's threads do: make the batches of the places whose turn is theirs.

use super::super::clip::{ClipMaker, InputMaker, Room, usable};
use super::super::spent::{Spent, lap};
use super::orders::{Order, Orders, Round};
use super::{Batch, Inputs, LoaderConfig, Made, Position};
use crate::dataset::{Dataset, Error, PcmCache};
use crossbeam::channel::{Receiver, Sender};
use std::sync::Arc;
use std::time::Instant;

/// What the threads share.
pub(super) struct Source {
    dataset: Arc<Dataset>,
    cache: Arc<PcmCache>,
    maker: InputMaker,
    clean_maker: Option<InputMaker>,
    tracks: Vec<usize>,
    orders: Orders,
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
            orders: Orders::new(config.seed, &tracks)?,
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

    /// Tracks that it takes clips of.
    pub(super) fn n_tracks(&self) -> usize {
        self.tracks.len()
    }

    /// One batch alone.
    pub(super) fn batch_at(&self, position: Position) -> Result<Batch, Error> {
        let (visit, first) = self.round(position.step_in_epoch);
        let order = self.orders.of((position.epoch, visit));
        let tracks = &order[first..first + self.config.batch_size];
        let made = self.batch(position, visit, tracks, self.room(), &mut Bench::default())?;
        Ok(made.batch)
    }

    /// Makes every `stride`-th batch from `start` on until nobody wants them any more, into batches that were given back if there are any.
    pub(super) fn work(
        &self,
        start: Position,
        stride: u64,
        queue: &Sender<Result<Made, Error>>,
        used: &Receiver<Batch>,
    ) {
        let mut position = start;
        let mut bench = Bench::default();
        let mut held: Option<(Round, Order)> = None;
        loop {
            let (visit, first) = self.round(position.step_in_epoch);
            let round = (position.epoch, visit);
            if held.as_ref().is_some_and(|(of, _)| *of != round) {
                // Before the next is made, so that a thread never holds two.
                held = None;
            }
            let (_, tracks) = held.get_or_insert_with(|| (round, self.orders.of(round)));
            let batch = self.batch(
                position,
                visit,
                &tracks[first..first + self.config.batch_size],
                used.try_recv().unwrap_or_else(|_none| self.room()),
                &mut bench,
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

    /// An empty batch.
    fn room(&self) -> Batch {
        let size = self.config.batch_size;
        let n_tags = self.dataset.n_tags();
        Batch {
            epoch: 0,
            step_in_epoch: 0,
            clips: Vec::with_capacity(size),
            inputs: self.maker.room(size),
            clean: self.clean_maker.as_ref().map(|maker| maker.room(size)),
            labels: vec![0.0; size * n_tags],
            n_tags,
        }
    }

    /// What a batch takes in memory, as far as it is large.
    pub(super) fn batch_bytes(&self) -> u64 {
        let clean = self.clean_maker.as_ref().map_or(0, InputMaker::clip_bytes);
        let labels = (self.dataset.n_tags() * size_of::<f32>()) as u64;
        (self.maker.clip_bytes() + clean + labels) * self.config.batch_size as u64
    }

    /// What a thread takes in memory beside its batch.
    pub(super) fn bench_bytes(&self) -> u64 {
        2 * (self.config.crop_samples * size_of::<f32>()) as u64
    }

    /// What the orders take that `n_threads` threads hold which are at most `n_batches` batches apart, and the list that they are made of.
    pub(super) fn orders_bytes(&self, n_threads: usize, n_batches: usize) -> u64 {
        // A round ends with its tracks or with the epoch.
        let per_round = self.tracks.len() / self.config.batch_size;
        let per_epoch = self.steps_per_epoch as usize;
        let ends = n_batches.div_ceil(per_round) + n_batches.div_ceil(per_epoch);
        let n_orders = n_threads.min(1 + ends);
        (1 + n_orders as u64) * self.orders.bytes()
    }

    /// Makes a batch in `batch`, of whose content nothing is left.
    fn batch(
        &self,
        position: Position,
        visit: u32,
        track_idxs: &[u32],
        mut batch: Batch,
        bench: &mut Bench,
    ) -> Result<Made, Error> {
        batch.epoch = position.epoch;
        batch.step_in_epoch = position.step_in_epoch;
        batch.clips.clear();
        let clips = self.clips();
        let n_tags = batch.n_tags;
        let is_augmented = self.config.chain.is_some();
        let mut spent = Spent::default();
        for (row, &track_idx) in track_idxs.iter().enumerate() {
            let input = batch.inputs.row_mut(row);
            let takes_clips = self.maker.takes_clips();
            let wave = if takes_clips {
                &mut *input
            } else {
                bench.wave.resize(self.config.crop_samples, 0.0);
                &mut bench.wave
            };
            let original = (self.clean_maker.is_some() && is_augmented).then(|| {
                bench.original.resize(self.config.crop_samples, 0.0);
                bench.original.as_mut_slice()
            });
            let room = Room {
                wave,
                original,
                labels: &mut batch.labels[row * n_tags..(row + 1) * n_tags],
            };
            let clip = clips.make(position.epoch, visit, track_idx as usize, room, &mut spent)?;
            let mut since = Instant::now();
            if !takes_clips {
                self.maker.extract_into(&bench.wave, input)?;
            }
            if let (Some(maker), Some(clean)) = (&self.clean_maker, &mut batch.clean) {
                let original = match (is_augmented, takes_clips) {
                    (true, _) => &bench.original,
                    (false, true) => &*input,
                    (false, false) => &bench.wave,
                };
                maker.extract_into(original, clean.row_mut(row))?;
            }
            spent.features += lap(&mut since);
            batch.clips.push(clip);
        }
        Ok(Made { batch, spent })
    }

    fn clips(&self) -> ClipMaker<'_> {
        ClipMaker {
            dataset: &self.dataset,
            cache: &self.cache,
            config: &self.config,
            tracks: &self.tracks,
        }
    }
}

/// Where a thread lays out a clip that is not the network's input itself.
#[derive(Default)]
struct Bench {
    wave: Vec<f32>,
    original: Vec<f32>,
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
        let mut wave = vec![0.0; self.config.crop_samples];
        for (row, clip) in batch.clips.iter().enumerate() {
            let track = &self.dataset.tracks[clip.track_idx];
            self.cache.read(track, clip.offset_samples, &mut wave)?;
            self.maker.extract_into(&wave, inputs.row_mut(row))?;
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
