//! The latest value of a few numbers, from one writer to any reader, without a lock: a sequence lock over atomics.
//!
//! A channel would deliver old values first and fill up when nobody reads; a mutex could make the audio callback wait.

use std::sync::atomic::{AtomicU64, Ordering, fence};

/// `N` words that belong together.
#[derive(Debug)]
pub(super) struct Slot<const N: usize> {
    /// Odd while a write is under way.
    sequence: AtomicU64,
    words: [AtomicU64; N],
}

impl<const N: usize> Slot<N> {
    pub(super) fn new(words: [u64; N]) -> Self {
        Self {
            sequence: AtomicU64::new(0),
            words: words.map(AtomicU64::new),
        }
    }

    /// Replaces the value. Only one thread at a time may write.
    pub(super) fn write(&self, words: [u64; N]) {
        let sequence = self.sequence.load(Ordering::Relaxed);
        self.sequence
            .store(sequence.wrapping_add(1), Ordering::Relaxed);
        fence(Ordering::Release);
        for (slot, word) in self.words.iter().zip(words) {
            slot.store(word, Ordering::Relaxed);
        }
        self.sequence
            .store(sequence.wrapping_add(2), Ordering::Release);
    }

    /// The value, or `None` if it is just being written. Never waits.
    pub(super) fn try_read(&self) -> Option<[u64; N]> {
        let before = self.sequence.load(Ordering::Acquire);
        let words = std::array::from_fn(|i| self.words[i].load(Ordering::Relaxed));
        fence(Ordering::Acquire);
        let after = self.sequence.load(Ordering::Relaxed);
        (before == after && before.is_multiple_of(2)).then_some(words)
    }

    /// The value; waits out a write, which takes nanoseconds.
    pub(super) fn read(&self) -> [u64; N] {
        loop {
            if let Some(words) = self.try_read() {
                return words;
            }
            std::hint::spin_loop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_never_sees_half_of_a_write() {
        let slot = Slot::new([0; 4]);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for i in 1..200_000 {
                    slot.write([i; 4]);
                }
            });
            for _ in 0..200_000 {
                let words = slot.read();
                assert!(words.iter().all(|word| *word == words[0]), "{words:?}");
            }
        });
    }
}
