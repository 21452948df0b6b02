//! Log-mel spectrograms: one definition of what a network sees of a sound.
//!
//! Follows torchaudio's `MelSpectrogram` and `AmplitudeToDB` as the reference implementations construct them:
//! periodic Hann window, centred with reflection, power 2, HTK mel scale without area normalisation,
//! `10 * log10(max(x, 1e-10))`. Paper: section 3.1.

mod decibel;
mod file;
mod front_end;
mod input;
mod level_spectra;
mod log_mel;
mod mel;
mod spectrum;
mod stft;

pub use front_end::FrontEnd;
pub use input::{Input, InputExtractor, SpectrumFrontEnd};
pub use level_spectra::LevelSpectra;
pub use log_mel::{LogMel, LogMelExtractor};

use std::io;
use std::path::PathBuf;

/// What can go wrong with a spectrogram.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A front end that cannot be computed.
    #[error("impossible front end: {0}")]
    FrontEnd(String),
    /// The sound is too short to be reflected at its ends.
    #[error(
        "a sound of {n_samples} samples is too short: this front end needs at least {min_samples}"
    )]
    TooShort {
        /// Its length.
        n_samples: usize,
        /// The shortest length that works.
        min_samples: usize,
    },
    /// A buffer of the wrong length was handed in.
    #[error("{what} has {found} values, expected {expected}")]
    WrongLength {
        /// Which buffer.
        what: &'static str,
        /// Its length.
        found: usize,
        /// The length that fits.
        expected: usize,
    },
    /// The file could not be written.
    #[error("cannot write the spectrogram {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

fn check_len(what: &'static str, values: &[f32], expected: usize) -> Result<(), Error> {
    if values.len() == expected {
        return Ok(());
    }
    Err(Error::WrongLength {
        what,
        found: values.len(),
        expected,
    })
}
