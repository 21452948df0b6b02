//! Training batches: crop, augment, the network's input, collate, ahead of the trainer and in an order that only the seed decides.
//!
//! Worker `w` of `n` makes the batches `w, w + n, w + 2n, …` and hands them over through a bounded channel of its own; the trainer takes
//! from the channels in turn. So the order needs no sorting, nobody runs ahead without bound, and the number of threads changes nothing:
//! every draw is addressed by (seed, epoch, track). It also means that a loader can start at any [`Position`].
//!
//! Batches are large, and fresh memory for each would be paged in anew: who is done with one gives it back, and the next is made in it. So
//! the loader holds a fixed number of batches, which its budget of memory decides.

mod memory;
mod orders;
mod source;

pub use memory::Memory;

use super::spent::Spent;
use super::{Dataset, Error, PcmCache, Split};
use crate::augment::{Chain, Draw, Mixed};
use crate::features::Input;
use crossbeam::channel::{Receiver, Sender, bounded};
use memory::Plan;
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
    /// What batches, clips and the order of the tracks may take in memory, all threads and the one who trains together. Too little for so many threads and batches
    /// means fewer of them.
    pub memory: Memory,
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

    /// The most that batches, clips and orders take in memory, in bytes, if each batch is given back (or dropped) before the next is asked for.
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
mod tests;
