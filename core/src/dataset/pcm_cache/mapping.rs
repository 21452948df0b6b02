//! A shard file mapped into memory: the one place of the data set code that needs `unsafe`.

use std::fs::File;
use std::io;
use std::path::Path;

/// A read-only map of a file of 16-bit samples in the machine's byte order.
#[derive(Debug)]
pub(super) struct Mapping(memmap2::Mmap);

impl Mapping {
    /// Maps the file at its present length.
    #[expect(unsafe_code, reason = "mapping a file has no safe interface")]
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        // SAFETY: shards are only ever appended to, under new names after a restart, and never changed or cut where an index entry
        // points (see the head of this module's parent); deleting the cache unlinks the file and leaves the mapped pages alive.
        // Against somebody who cuts a shard short by hand, `Shard` looks at the file's length before it touches the map.
        unsafe { memmap2::Mmap::map(&file) }.map(Self)
    }

    /// How long the file was when it was mapped.
    pub(super) fn n_bytes(&self) -> u64 {
        self.0.len() as u64
    }

    /// How many samples are mapped.
    pub(super) fn n_samples(&self) -> usize {
        self.0.len() / size_of::<i16>()
    }

    /// All mapped samples.
    #[expect(unsafe_code, reason = "reads bytes as 16-bit numbers")]
    pub(super) fn samples(&self) -> &[i16] {
        // SAFETY: every bit pattern is an i16, and align_to itself takes care of alignment and length.
        let (before, samples, _rest) = unsafe { self.0.align_to::<i16>() };
        debug_assert!(before.is_empty(), "maps start on a page");
        samples
    }
}
