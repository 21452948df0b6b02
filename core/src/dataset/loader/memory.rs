//! What a loader's batches may take in memory, and how many threads and batches that allows.

use super::Error;
use super::source::Source;

/// A budget of memory, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Memory {
    /// What the user allows: a loader that needs more does not start.
    AtMost(u64),
    /// What is usual: a loader that needs more for a single thread takes that. Nobody has refused it, and a run that was begun with such
    /// batches must go on.
    About(u64),
}

/// How many threads and batches the budget of memory allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) n_threads: usize,
    /// Batches that may lie ready in a thread's queue.
    pub(super) per_queue: usize,
}

impl Plan {
    /// As many as were asked for; if that is too much, fewer batches lie ready, then fewer threads work. Fails if one thread with one batch
    /// is more than the user allows.
    pub(super) fn of(source: &Source) -> Result<Self, Error> {
        let config = source.config();
        let n_threads = config.n_threads.max(1);
        let mut plan = Self {
            n_threads,
            per_queue: config.prefetch.div_ceil(n_threads).max(1),
        };
        let (Memory::AtMost(allowed) | Memory::About(allowed)) = config.memory;
        while plan.bytes(source) > allowed {
            if plan.per_queue > 1 {
                plan.per_queue -= 1;
            } else if plan.n_threads > 1 {
                plan.n_threads -= 1;
            } else if matches!(config.memory, Memory::About(_)) {
                break;
            } else {
                let megabytes = |bytes: u64| bytes.div_ceil(1 << 20);
                return Err(Error::BadConfig(format!(
                    "the loader needs {} MiB for batches of {} clips and the order of {} tracks, and may take {} MiB; allow it more (`--loader-memory`) or choose a smaller batch",
                    megabytes(plan.bytes(source)),
                    config.batch_size,
                    source.n_tracks(),
                    megabytes(allowed)
                )));
            }
        }
        Ok(plan)
    }

    /// In the queues, one that each thread works at, and one that is trained on.
    pub(super) fn n_batches(self) -> usize {
        self.n_threads * (self.per_queue + 1) + 1
    }

    pub(super) fn bytes(self, source: &Source) -> u64 {
        let batches = self.n_batches() as u64 * source.batch_bytes();
        let orders = source.orders_bytes(self.n_threads, self.n_batches());
        batches + self.n_threads as u64 * source.bench_bytes() + orders
    }
}
