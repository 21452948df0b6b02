//! Small data sets that lie on disk exactly as the published ones do, with the traps of each; and Python's files as Python writes them.

pub mod fma;
pub mod gtzan;
pub mod jamendo;
pub mod magnatagatune;
pub mod mirdata;
pub mod msd;
mod python_files;

pub use python_files::{
    npy_bools, npy_floats, npy_texts, pickle_of_texts, pickle_of_vectors, pickle_that_calls,
};

use crate::small_data::RATE_HZ;
use attune_core::audio::write_wav;
use std::path::Path;

/// Writes a file and the folders it lies in.
///
/// # Panics
/// If it cannot be written.
#[expect(clippy::unwrap_used, reason = "a test without its files cannot go on")]
pub fn put(path: &Path, bytes: impl AsRef<[u8]>) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

/// Writes a tone of 1.5 s, low or high, so that it can be learnt which.
///
/// # Panics
/// If it cannot be written.
#[expect(clippy::unwrap_used, reason = "a test without its files cannot go on")]
pub fn put_tone(path: &Path, is_low: bool) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let hz = if is_low { 150.0 } else { 2500.0 };
    let n_samples = RATE_HZ + RATE_HZ / 2;
    let wave = (0..n_samples)
        .map(|n| 0.3 * (std::f32::consts::TAU * hz * n as f32 / RATE_HZ as f32).sin());
    write_wav(path, &wave.collect::<Vec<f32>>(), RATE_HZ).unwrap();
}
