//! Training batches: crop, augment, the network's input, collate, ahead of the trainer and in an order that only the seed decides.
//!
//! Worker `w` of `n` makes the batches `w, w + n, w + 2n, …` and hands them over through a bounded channel of its own; the trainer takes
//! from the channels in turn. So the order needs no sorting, nobody runs ahead without bound, and the number of threads changes nothing:
//! every draw is addressed by (seed, epoch, track). It also means that a loader can start at any [`Position`].
//!
//! Batches are large, and fresh memory for each would be paged in anew: who is done with one gives it back, and the next is made in it. So
//! the loader holds a fixed number of batches, which its budget of memory decides.

mod source;

use super::spent::Spent;
use super::{Dataset, Error, PcmCache, Split};
use crate::augment::{Chain, Draw, Mixed};
use crate::features::Input;
use crossbeam::channel::{Receiver, Sender, bounded};
use serde::{Deserialize, Serialize};
use source::Source;
use std::sync::Arc;
use std::thread::JoinHandle;

/// What a loader delivers.
#[derive(Clone, Debug)]
pub struct LoaderConfig {
    /// Whose tracks.
    pub split: Split,
    /// Length of a clip at the cache's rate.
    pub crop_samples: usize,
    /// Clips per batch.
    pub batch_size: usize,
    /// What happens to a clip between cropping and the front end.
    pub chain: Option<Chain>,
    /// Seed of the run.
    pub seed: u64,
    /// Threads that work ahead; at least one is started.
    pub n_threads: usize,
    /// How many batches may lie ready, all threads together (at least one each).
    pub prefetch: usize,
    /// What batches and clips may take in memory, in bytes, all threads and the one who trains together. Too little for so many threads
    /// and batches means fewer of them.
    pub memory_bytes: u64,
    /// What the network takes in; a rate other than the cache's is resampled to.
    pub input: Input,
    /// What a teacher takes in, if it is to hear the same clips without augmentation.
    pub clean: Option<Input>,
    /// An epoch has so many batches. If the split has fewer, it is gone through again, each time in another order and with other draws.
    /// `None`: as many as the split has.
    pub steps_per_epoch: Option<u32>,
}

/// A place in the stream of batches.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Position {
    /// Epoch, from 0.
    pub epoch: u32,
    /// Batch within the epoch, from 0.
    pub step_in_epoch: u32,
}

/// Which clip it was: enough to make it again with [`super::clip_of`].
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClipRef {
    /// Number of the track in the data set.
    pub track_idx: usize,
    /// How often the track has come before in this epoch.
    pub visit: u32,
    /// Where the crop starts, in samples at the cache's rate.
    pub offset_samples: usize,
    /// What was rolled, where there is augmentation.
    pub draw: Option<Draw>,
    /// Which tracks' clips were mixed in.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mixed: Vec<Mixed>,
}

/// What a network trains on in one step.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// Epoch, from 0.
    pub epoch: u32,
    /// Which batch of the epoch, from 0.
    pub step_in_epoch: u32,
    /// Where the clips come from; `[batch]`.
    pub clips: Vec<ClipRef>,
    /// What the network takes in.
    pub inputs: Inputs,
    /// What the teacher takes in of the clips as they were before augmentation, if there is one.
    pub clean: Option<Inputs>,
    /// 1 where the clip has the tag, else 0; between the two where clips were mixed up; `[batch, n_tags]`. Of unlabelled tracks it
    /// says nothing.
    pub labels: Vec<f32>,
    /// Tags.
    pub n_tags: usize,
}

/// The inputs of a network for the clips of a batch.
#[derive(Clone, Debug, PartialEq)]
pub struct Inputs {
    /// `[batch, n_rows, n_columns]`.
    pub values: Vec<f32>,
    /// Rows of an input: mel bands, bins, or 1.
    pub n_rows: usize,
    /// Columns of an input: frames or samples.
    pub n_columns: usize,
}

/// An endless, ordered stream of training batches, made by threads that work ahead. Dropping it ends them.
#[derive(Debug)]
pub struct Loader {
    source: Arc<Source>,
    queues: Vec<Receiver<Result<Made, Error>>>,
    /// Takes batches back.
    used: Sender<Batch>,
    memory_bytes: u64,
    workers: Vec<JoinHandle<()>>,
    steps_per_epoch: u32,
    /// Number of the next batch since the start, which says whose turn it is.
    turn: usize,
    position: Position,
    /// On the batches that were taken since somebody asked.
    spent: Spent,
}

/// A batch, and what its thread spent on it.
struct Made {
    batch: Batch,
    spent: Spent,
}

impl Position {
    /// The place one batch later.
    pub fn after_one(self, steps_per_epoch: u32) -> Self {
        self.after(1, steps_per_epoch)
    }

    /// The place `n_steps` batches later.
    fn after(self, n_steps: u64, steps_per_epoch: u32) -> Self {
        let per_epoch = u64::from(steps_per_epoch);
        let total = u64::from(self.epoch) * per_epoch + u64::from(self.step_in_epoch) + n_steps;
        Self {
            epoch: (total / per_epoch) as u32,
            step_in_epoch: (total % per_epoch) as u32,
        }
    }
}

impl Loader {
    /// Starts the threads, with the batch at `from` as the first.
    ///
    /// Tracks whose audio is not in the cache are left out (see [`PcmCache::prepare`]'s report). Fails for an empty split, if there
    /// are fewer usable tracks than a batch needs, and if not even one thread can work in the budget of memory. An epoch's last,
    /// incomplete batch is dropped.
    pub fn start(
        dataset: Arc<Dataset>,
        cache: Arc<PcmCache>,
        config: LoaderConfig,
        from: Position,
    ) -> Result<Self, Error> {
        let source = Arc::new(Source::new(dataset, cache, config)?);
        let steps_per_epoch = source.steps_per_epoch();
        let plan = Plan::of(&source)?;
        let (n_threads, per_queue) = (plan.n_threads, plan.per_queue);
        // A position beyond the epoch's end (the data set has shrunk) counts on into the next.
        let from = from.after(0, steps_per_epoch);
        let (used, free) = bounded(plan.n_batches());
        let mut loader = Self {
            source: Arc::clone(&source),
            queues: Vec::new(),
            used,
            memory_bytes: plan.bytes(&source),
            workers: Vec::new(),
            steps_per_epoch,
            turn: 0,
            position: from,
            spent: Spent::default(),
        };
        for worker in 0..n_threads {
            let (sender, receiver) = bounded(per_queue);
            let (source, free) = (Arc::clone(&source), free.clone());
            let start = from.after(worker as u64, steps_per_epoch);
            let handle = std::thread::Builder::new()
                .name(format!("attune-loader-{worker}"))
                .spawn(move || {
                    crate::device::enter_worker();
                    source.work(start, n_threads as u64, &sender, &free)
                })
                .map_err(Error::io("start a thread for", "the loader"))?;
            loader.queues.push(receiver);
            loader.workers.push(handle);
        }
        Ok(loader)
    }

    /// One batch, made by the caller's thread alone: what a loader of `config` gives at `position`.
    pub fn one_batch(
        dataset: &Arc<Dataset>,
        cache: &Arc<PcmCache>,
        config: LoaderConfig,
        position: Position,
    ) -> Result<Batch, Error> {
        Source::new(Arc::clone(dataset), Arc::clone(cache), config)?.batch_at(position)
    }

    /// The next batch; waits until it is ready. After an error every further call fails.
    #[expect(
        clippy::should_implement_trait,
        reason = "the stream is endless and ends with an error; a for loop over it would be a mistake"
    )]
    pub fn next(&mut self) -> Result<Batch, Error> {
        let queue = &self.queues[self.turn % self.queues.len()];
        let Made { batch, spent } = queue.recv().map_err(|_closed| Error::LoaderDied)??;
        self.spent.add(&spent);
        self.turn += 1;
        self.position = self.position.after_one(self.steps_per_epoch);
        Ok(batch)
    }

    /// Takes back a batch of [`Self::next`] that is no longer needed, so that another is made in its memory.
    pub fn give_back(&self, batch: Batch) {
        // There is room for all that the budget knows of; one too many is freed.
        drop(self.used.try_send(batch));
    }

    /// The most that batches and clips take in memory, in bytes, if each batch is given back (or dropped) before the next is asked for.
    pub fn memory_bytes(&self) -> u64 {
        self.memory_bytes
    }

    /// What the threads spent on the batches that [`Self::next`] gave since the last call.
    pub fn take_spent(&mut self) -> Spent {
        std::mem::take(&mut self.spent)
    }

    /// How many threads work ahead.
    pub fn n_threads(&self) -> usize {
        self.queues.len()
    }

    /// What the network takes in of the clips of a batch as they were before augmentation.
    pub fn clean_inputs(&self, batch: &Batch) -> Result<Inputs, Error> {
        self.source.clean_inputs(batch)
    }

    /// How many batches an epoch has.
    pub fn steps_per_epoch(&self) -> u32 {
        self.steps_per_epoch
    }

    /// Where the batch stands that [`Self::next`] will give.
    pub fn position(&self) -> Position {
        self.position
    }
}

/// How many threads and batches the budget of memory allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Plan {
    n_threads: usize,
    /// Batches that may lie ready in a thread's queue.
    per_queue: usize,
}

impl Plan {
    /// As many as were asked for; if that is too much, fewer batches lie ready, then fewer threads work.
    fn of(source: &Source) -> Result<Self, Error> {
        let config = source.config();
        let n_threads = config.n_threads.max(1);
        let mut plan = Self {
            n_threads,
            per_queue: config.prefetch.div_ceil(n_threads).max(1),
        };
        while plan.bytes(source) > config.memory_bytes {
            if plan.per_queue > 1 {
                plan.per_queue -= 1;
            } else if plan.n_threads > 1 {
                plan.n_threads -= 1;
            } else {
                let megabytes = |bytes: u64| bytes.div_ceil(1 << 20);
                return Err(Error::BadConfig(format!(
                    "the loader needs {} MiB for batches of {} clips and may take {} MiB; allow it more (`--loader-memory`) or choose a smaller batch",
                    megabytes(plan.bytes(source)),
                    config.batch_size,
                    megabytes(config.memory_bytes)
                )));
            }
        }
        Ok(plan)
    }

    /// In the queues, one that each thread works at, and one that is trained on.
    fn n_batches(self) -> usize {
        self.n_threads * (self.per_queue + 1) + 1
    }

    fn bytes(self, source: &Source) -> u64 {
        let batches = self.n_batches() as u64 * source.batch_bytes();
        batches + self.n_threads as u64 * source.bench_bytes()
    }
}

impl Drop for Loader {
    fn drop(&mut self) {
        // Threads find their channel closed when they hand over their next batch.
        self.queues.clear();
        for worker in self.workers.drain(..) {
            // A panic in a worker has been told by `next`.
            drop(worker.join());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::clip::clip_of;
    use super::super::test_set::{RATE_HZ, make, samples};
    use super::*;
    use crate::features::{FrontEnd, InputExtractor};
    use crate::job::Job;

    const CROP: usize = 2000;

    fn config(n_threads: usize) -> LoaderConfig {
        LoaderConfig {
            split: Split::Train,
            crop_samples: CROP,
            batch_size: 2,
            chain: None,
            seed: 11,
            n_threads,
            prefetch: 3,
            memory_bytes: 1 << 20,
            input: Input::LogMel(FrontEnd {
                sample_rate_hz: RATE_HZ,
                n_fft: 256,
                hop_samples: 128,
                n_mels: 8,
                f_min_hz: 0.0,
                f_max_hz: 4000.0,
            }),
            clean: None,
            steps_per_epoch: None,
        }
    }

    /// Seven tracks (three batches of two an epoch), one of them shorter than a crop.
    fn prepared(folder: &std::path::Path) -> (Arc<Dataset>, Arc<PcmCache>) {
        let dataset = make(folder, &[9000, 2000, 12_345, 8001, 900, 7000, 7001]);
        let cache = PcmCache::open(folder.join("pcm"), RATE_HZ).unwrap();
        let all: Vec<usize> = (0..dataset.tracks.len()).collect();
        cache.prepare(&dataset, &all, &Job::quiet()).unwrap();
        (Arc::new(dataset), Arc::new(cache))
    }

    fn batches(loader: &mut Loader, n: usize) -> Vec<Batch> {
        (0..n).map(|_| loader.next().unwrap()).collect()
    }

    #[test]
    fn batches_do_not_depend_on_threads_or_on_where_it_started() {
        let folder = tempfile::tempdir().unwrap();
        let (dataset, cache) = prepared(folder.path());
        let start = |n_threads, from| {
            Loader::start(dataset.clone(), cache.clone(), config(n_threads), from).unwrap()
        };
        let mut one = start(1, Position::default());
        assert_eq!(one.steps_per_epoch(), 3, "the seventh track waits");
        let expected = batches(&mut one, 10);
        let mut four = start(4, Position::default());
        assert_eq!(batches(&mut four, 10), expected);
        let from = Position {
            epoch: 1,
            step_in_epoch: 2,
        };
        let mut resumed = start(3, from);
        assert_eq!(resumed.position(), from);
        assert_eq!(batches(&mut resumed, 5), expected[5..]);
        assert_eq!(
            resumed.position(),
            Position {
                epoch: 3,
                step_in_epoch: 1
            }
        );
    }

    #[test]
    fn an_epoch_takes_every_track_at_most_once_and_the_next_in_another_order() {
        let folder = tempfile::tempdir().unwrap();
        let (dataset, cache) = prepared(folder.path());
        let mut loader = Loader::start(dataset, cache, config(2), Position::default()).unwrap();
        let mut orders = Vec::new();
        for epoch in 0..4 {
            let mut order = Vec::new();
            for batch in batches(&mut loader, 3) {
                assert_eq!(batch.epoch, epoch);
                order.extend(batch.clips.iter().map(|clip| clip.track_idx));
            }
            let mut sorted = order.clone();
            sorted.sort_unstable();
            sorted.dedup();
            assert_eq!(sorted.len(), 6, "{order:?}");
            orders.push(order);
        }
        orders.dedup();
        assert!(orders.len() > 1, "shuffled anew");
    }

    #[test]
    fn a_clip_is_a_stretch_of_its_track_with_its_labels_and_can_be_made_again() {
        let folder = tempfile::tempdir().unwrap();
        let (dataset, cache) = prepared(folder.path());
        let config = config(1);
        let extractor = InputExtractor::new(&config.input).unwrap();
        let mut loader = Loader::start(
            dataset.clone(),
            cache.clone(),
            config.clone(),
            Position::default(),
        )
        .unwrap();
        let mut offsets = std::collections::BTreeSet::new();
        for batch in batches(&mut loader, 12) {
            for (row, clip) in batch.clips.iter().enumerate() {
                let pcm = cache.samples(&dataset.tracks[clip.track_idx]).unwrap();
                let mut expected: Vec<f32> = samples(clip.track_idx, pcm.n_samples())
                    .into_iter()
                    .skip(clip.offset_samples)
                    .take(CROP)
                    .map(|sample| f32::from(sample) / 32768.0)
                    .collect();
                // Only the short track is padded.
                assert!(expected.len() == CROP || pcm.n_samples() < CROP);
                expected.resize(CROP, 0.0);
                let again = clip_of(
                    &dataset,
                    &cache,
                    &config,
                    batch.epoch,
                    clip.visit,
                    clip.track_idx,
                )
                .unwrap();
                assert_eq!(again.wave, expected);
                assert_eq!(again.offset_samples, clip.offset_samples);
                let size = batch.inputs.n_rows * batch.inputs.n_columns;
                let mut input = vec![0.0; size];
                extractor.extract_into(&expected, &mut input).unwrap();
                assert_eq!(batch.inputs.values[row * size..(row + 1) * size], input[..]);
                let labels = &batch.labels[row * 3..(row + 1) * 3];
                for (tag, &label) in labels.iter().enumerate() {
                    assert_eq!(label == 1.0, clip.track_idx % 3 == tag);
                }
                offsets.insert(clip.offset_samples);
            }
        }
        assert!(offsets.len() > 10, "crops start at random places");
    }

    #[test]
    fn a_short_stream_goes_round_within_the_epoch_with_other_crops_each_time() {
        let folder = tempfile::tempdir().unwrap();
        let (dataset, cache) = prepared(folder.path());
        let config = LoaderConfig {
            steps_per_epoch: Some(7),
            ..config(2)
        };
        let start =
            |from| Loader::start(dataset.clone(), cache.clone(), config.clone(), from).unwrap();
        let mut loader = start(Position::default());
        assert_eq!(loader.steps_per_epoch(), 7);
        let epoch = batches(&mut loader, 7);
        let visits: Vec<u32> = epoch.iter().map(|batch| batch.clips[0].visit).collect();
        assert_eq!(visits, [0, 0, 0, 1, 1, 1, 2], "three batches a round");
        let places = |batches: &[Batch]| -> std::collections::BTreeSet<(usize, usize)> {
            let clips = batches.iter().flat_map(|batch| &batch.clips);
            clips
                .map(|clip| (clip.track_idx, clip.offset_samples))
                .collect()
        };
        assert_ne!(places(&epoch[..3]), places(&epoch[3..6]));
        assert_eq!(loader.next().unwrap().epoch, 1);
        let from = Position {
            epoch: 0,
            step_in_epoch: 4,
        };
        assert_eq!(
            batches(&mut start(from), 3),
            epoch[4..],
            "resumed within a round"
        );
    }

    #[test]
    fn mixed_up_clips_have_mixed_labels_whatever_the_threads_and_can_be_made_again() {
        let folder = tempfile::tempdir().unwrap();
        let (dataset, cache) = prepared(folder.path());
        let chain = "[[steps]]\nprobability = 0.8\nchoices = [{ effect = \"mixup\", share = { min = 0.5, max = 0.9 }, other = { min = 0, max = 1 } }]
            [[steps]]\nprobability = 0.5\nchoices = [{ effect = \"background\", snr = { min = 5, max = 20 }, other = { min = 0, max = 1 } }]";
        let config = |n_threads| LoaderConfig {
            chain: Some(Chain::from_toml("mine", chain).unwrap()),
            ..config(n_threads)
        };
        let start = |n_threads| {
            let (dataset, cache) = (dataset.clone(), cache.clone());
            Loader::start(dataset, cache, config(n_threads), Position::default()).unwrap()
        };
        let all = batches(&mut start(1), 12);
        assert_eq!(batches(&mut start(4), 12), all);
        let mut others = std::collections::BTreeSet::new();
        for batch in &all {
            for (row, clip) in batch.clips.iter().enumerate() {
                let (epoch, visit) = (batch.epoch, clip.visit);
                let again =
                    clip_of(&dataset, &cache, &config(1), epoch, visit, clip.track_idx).unwrap();
                assert_eq!(again.mixed, clip.mixed);
                let labels = &batch.labels[row * 3..(row + 1) * 3];
                assert_eq!(again.labels, labels);
                let mut expected = [0.0; 3];
                expected[clip.track_idx % 3] = 1.0;
                let mut wave = again.original.clone();
                for mixed in &clip.mixed {
                    assert_ne!(mixed.track, clip.track_idx as u64, "never its own company");
                    others.insert(mixed.track);
                    if mixed.label_share < 1.0 {
                        expected = expected.map(|label| label * mixed.label_share);
                        expected[mixed.track as usize % 3] += 1.0 - mixed.label_share;
                    }
                }
                assert_eq!(labels, expected);
                if !clip.mixed.is_empty() {
                    assert_ne!(again.wave, wave);
                    wave = again.wave.clone();
                }
                let mut input = vec![0.0; batch.inputs.n_rows * batch.inputs.n_columns];
                let extractor = InputExtractor::new(&config(1).input).unwrap();
                extractor.extract_into(&wave, &mut input).unwrap();
                let size = input.len();
                assert_eq!(batch.inputs.values[row * size..(row + 1) * size], input[..]);
            }
        }
        assert_eq!(others.len(), 7, "every track is company for another");
    }

    #[test]
    fn the_threads_time_is_told_by_what_it_was_spent_on() {
        let folder = tempfile::tempdir().unwrap();
        let (dataset, cache) = prepared(folder.path());
        let chain = "[[steps]]\nprobability = 1.0\nchoices = [{ effect = \"polarity\" }]\n\
            [[steps]]\nprobability = 1.0\nchoices = [{ effect = \"reverb\", reverberance = { min = 50, max = 50 }, damping = { min = 50, max = 50 }, room = { min = 50, max = 50 } }]";
        let config = LoaderConfig {
            chain: Some(Chain::from_toml("mine", chain).unwrap()),
            ..config(2)
        };
        let mut loader = Loader::start(dataset, cache, config, Position::default()).unwrap();
        assert_eq!(loader.n_threads(), 2);
        assert_eq!(loader.take_spent(), Spent::default(), "nothing was taken");
        batches(&mut loader, 3);
        let spent = loader.take_spent();
        assert_eq!(spent.n_clips, 6);
        let effects: Vec<_> = spent.effects().map(|(kind, _)| kind.name()).collect();
        assert_eq!(effects, ["polarity", "reverb"]);
        let of_effects: std::time::Duration = spent.effects().map(|(_, time)| time).sum();
        assert!(of_effects <= spent.augmenting, "{spent:?}");
        assert!(
            !spent.reading.is_zero() && !spent.features.is_zero(),
            "{spent:?}"
        );
        assert_eq!(loader.take_spent(), Spent::default());
    }

    #[test]
    fn a_teacher_gets_the_same_clips_without_augmentation() {
        let folder = tempfile::tempdir().unwrap();
        let (dataset, cache) = prepared(folder.path());
        let plain = config(1);
        let augmented = LoaderConfig {
            chain: Some(Chain::preset("reference").unwrap()),
            clean: Some(plain.input.clone()),
            ..plain.clone()
        };
        let first = |config| {
            Loader::start(dataset.clone(), cache.clone(), config, Position::default())
                .unwrap()
                .next()
                .unwrap()
        };
        let (plain, augmented) = (first(plain), first(augmented));
        assert_eq!(plain.clean, None);
        assert_eq!(augmented.clean.as_ref(), Some(&plain.inputs));
        assert_ne!(augmented.inputs, plain.inputs);
    }

    #[test]
    fn what_cannot_work_fails_at_the_start_and_says_why() {
        let folder = tempfile::tempdir().unwrap();
        let (dataset, cache) = prepared(folder.path());
        let message = |config: LoaderConfig| {
            Loader::start(dataset.clone(), cache.clone(), config, Position::default())
                .unwrap_err()
                .to_string()
        };
        let many = LoaderConfig {
            batch_size: 8,
            ..config(1)
        };
        assert!(message(many).contains("7 usable tracks"));
        let empty = LoaderConfig {
            split: Split::Valid,
            ..config(1)
        };
        assert!(message(empty).contains("`valid`"));
        let short = LoaderConfig {
            crop_samples: 100,
            ..config(1)
        };
        assert!(!message(short).is_empty());
    }

    #[test]
    fn the_budget_of_memory_is_kept_whatever_was_asked_for_and_changes_no_batch() {
        let folder = tempfile::tempdir().unwrap();
        let (dataset, cache) = prepared(folder.path());
        let start = |n_threads, prefetch, memory_bytes| {
            let config = LoaderConfig {
                prefetch,
                memory_bytes,
                ..config(n_threads)
            };
            Loader::start(dataset.clone(), cache.clone(), config, Position::default())
        };
        let mut roomy = start(4, 12, 1 << 30).unwrap();
        assert_eq!(roomy.n_threads(), 4);
        // Two clips of 8 bands and 16 frames with 3 labels; a thread lays out two crops.
        let (batch, bench) = (4 * 2 * (8 * 16 + 3), 4 * 2 * CROP as u64);
        assert_eq!(roomy.memory_bytes(), (4 * 4 + 1) * batch + 4 * bench);
        let expected = batches(&mut roomy, 12);
        let (fewer, least) = ((2 * 2 + 1) * batch + 2 * bench, (2 + 1) * batch + bench);
        for (bytes, n_threads) in [(roomy.memory_bytes() - 1, 4), (fewer, 2), (least, 1)] {
            let mut loader = start(4, 12, bytes).unwrap();
            assert!(loader.memory_bytes() <= bytes);
            assert_eq!(loader.n_threads(), n_threads);
            for expected in &expected {
                let batch = loader.next().unwrap();
                assert_eq!(batch, *expected);
                loader.give_back(batch);
            }
        }
        let error = start(4, 12, least - 1).unwrap_err().to_string();
        assert!(error.contains("--loader-memory"), "{error}");
    }

    #[test]
    fn what_is_given_back_is_used_again_and_nothing_of_it_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let (dataset, cache) = prepared(folder.path());
        for input in [
            config(1).input,
            Input::Waveform {
                sample_rate_hz: RATE_HZ,
            },
        ] {
            let config = LoaderConfig {
                chain: Some(Chain::preset("reference").unwrap()),
                clean: Some(input.clone()),
                input,
                ..config(1)
            };
            let start = || {
                let (dataset, cache) = (dataset.clone(), cache.clone());
                Loader::start(dataset, cache, config.clone(), Position::default()).unwrap()
            };
            let expected = batches(&mut start(), 20);
            let mut loader = start();
            let mut places = std::collections::BTreeSet::new();
            for expected in &expected {
                let mut batch = loader.next().unwrap();
                assert_eq!(batch, *expected);
                places.insert(batch.inputs.values.as_ptr() as usize);
                batch.inputs.values.fill(f32::NAN);
                batch.labels.fill(f32::NAN);
                loader.give_back(batch);
            }
            assert!(places.len() < 10, "{} batches were made", places.len());
        }
    }

    #[test]
    fn dropping_a_loader_ends_its_threads() {
        let folder = tempfile::tempdir().unwrap();
        let (dataset, cache) = prepared(folder.path());
        let loader = Loader::start(dataset.clone(), cache, config(4), Position::default()).unwrap();
        drop(loader);
        assert_eq!(Arc::strong_count(&dataset), 1);
    }
}
