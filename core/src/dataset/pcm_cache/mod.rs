//! Decoded audio on disk: mono 16-bit PCM at one rate, in memory-mapped shards.
//!
//! Decoding is some hundred times slower than reading samples, and a training crop needs a random place of a random track. So every track
//! is decoded once into a shard and the loader reads from the map.
//!
//! ```text
//! cache/pcm/trim.lock        held by the one process that throws away
//! cache/pcm/22050/
//!   lock                     held by the one process that decodes
//!   index.lock               held for as long as a write into an index takes
//!   1786a0c5e0f3d2b1.pcm     samples, one file's after another's, 1 GiB at most or one long file
//!   1786a0c5e0f3d2b1.sums    a checksum for each 64 KiB of a file's samples
//!   1786a0c5e0f3d2b1.index   which file (path, size, time of change) lies where
//!   1786a0c5e0f3d2b1.used    locked by everybody who uses the shard; its time of change says when that was last
//! ```
//!
//! What must stay true: a shard is only appended to, by the process that made it, and removed as a whole; an index names only samples that
//! are on disk; a shard's name never comes again. So a process that is killed leaves a shard with a shorter index, the next one continues in a new shard, and a
//! reader never sees anything change under its map. The whole folder may be deleted at any time; what is mapped stays readable, the rest is
//! decoded again. What a crop reads is compared with its checksum the first time, read from the file and not through the map, which would end
//! the process where the disk fails; if it is not what was written, the track is decoded again, into a shard of the session's repairs.

mod budget;
mod cache;
mod holding;
mod index;
mod key;
mod mapping;
mod pcm;
mod prepare;
mod repair;
mod shard;
mod sums;
mod upkeep;
mod verify;
mod warnings;
mod writer;

pub use budget::{Trimmed, trim};
pub use cache::PcmCache;
pub use pcm::Pcm;
pub use prepare::Report;
pub use upkeep::{RateContents, clear, contents};
pub use verify::{DamagedFile, Verified, verify};

/// Bytes of a sample.
const SAMPLE_BYTES: u64 = size_of::<i16>() as u64;

#[cfg(test)]
mod tests;
