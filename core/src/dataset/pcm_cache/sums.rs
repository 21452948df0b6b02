//! The checksums of a shard's samples, and reading samples without a map.

use pulp::bytemuck;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::Path;

/// Samples that one checksum covers (64 KiB): a crop is checked without reading its whole track.
pub(super) const BLOCK_SAMPLES: usize = 1 << 15;

/// The checksum of some bytes.
pub(super) fn sum_of(bytes: &[u8]) -> u64 {
    let mut sum = [0; 8];
    sum.copy_from_slice(&blake3::hash(bytes).as_bytes()[..8]);
    u64::from_le_bytes(sum)
}

/// The checksum of a block of samples.
pub(super) fn sum_of_samples(samples: &[i16]) -> u64 {
    sum_of(bytemuck::cast_slice(samples))
}

/// How many checksums so many samples have.
pub(super) fn n_sums(n_samples: usize) -> usize {
    n_samples.div_ceil(BLOCK_SAMPLES)
}

/// The checksums of a track.
pub(super) fn sums_of(samples: &[i16]) -> impl Iterator<Item = u64> {
    samples.chunks(BLOCK_SAMPLES).map(sum_of_samples)
}

/// All whole checksums in a shard's file of them.
pub(super) fn read_sums(path: &Path) -> io::Result<Vec<u64>> {
    let bytes = std::fs::read(path)?;
    let (sums, _cut_off) = bytes.as_chunks::<8>();
    Ok(sums.iter().map(|sum| u64::from_le_bytes(*sum)).collect())
}

/// The checksum of the samples with these numbers in a shard's file; `buffer` is room for them. Fails if the disk cannot be read, and where
/// the file is shorter.
pub(super) fn sum_in(file: &File, samples: Range<usize>, buffer: &mut Vec<u8>) -> io::Result<u64> {
    buffer.resize(samples.len() * size_of::<i16>(), 0);
    read_exact_at(file, buffer, (samples.start * size_of::<i16>()) as u64)?;
    Ok(sum_of(buffer))
}

#[cfg(unix)]
fn read_exact_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, buffer, offset)
}

#[cfg(windows)]
fn read_exact_at(file: &File, mut buffer: &mut [u8], mut offset: u64) -> io::Result<()> {
    while !buffer.is_empty() {
        match std::os::windows::fs::FileExt::seek_read(file, buffer, offset)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            n => {
                buffer = &mut buffer[n..];
                offset += n as u64;
            }
        }
    }
    Ok(())
}
