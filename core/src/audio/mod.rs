//! Sound as samples: any file decoded sample-exactly, resampled, written, and reduced to what fits on a screen.
//!
//! Everything is `f32` in -1..=1. What training, tagging, playback and audition see of a file comes from here,
//! so a file has the same length and the same first sample for all of them.

mod aac;
mod clip;
mod decode;
mod edges;
mod libfdk_aac;
mod libopus;
mod loudness;
mod mono;
mod opus;
mod overview;
mod resample;
mod round_trip;
mod source;
mod tape;
mod wav;

pub use clip::Clip;
pub(crate) use clip::mixed;
pub use decode::{
    Decoded, DecodedMono, decode, decode_mono, decode_mono_16, decode_mono_told, decode_pieces,
    rate_of, tell_cut_off,
};
pub use loudness::{CURVE_STEP_SECS, Loudness, MOMENTARY_SECS};
pub use overview::Overview;
pub use resample::{resample, resample_clip};
pub use round_trip::{Codec, mp3, round_trip};
pub use wav::{write_clip, write_wav};

use crate::job::Cancelled;
use std::io;
use std::path::PathBuf;

/// What can go wrong with sound.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file is not there or cannot be read.
    #[error("cannot read the audio file {}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is of a kind that Attune cannot decode.
    #[error("not audio that Attune can decode ({reason}): {}", path.display())]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// What is not supported.
        reason: String,
    },
    /// The file is damaged so badly that not one sample came out of it.
    #[error("damaged audio file, nothing in it could be decoded ({reason}): {}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What the decoder stumbled over.
        reason: String,
    },
    /// There is no way between these two sample rates.
    #[error("cannot resample from {from_hz} Hz to {to_hz} Hz ({reason})")]
    Resample {
        /// Rate of the input.
        from_hz: u32,
        /// Rate asked for.
        to_hz: u32,
        /// What stands in the way.
        reason: String,
    },
    /// A codec could not encode or decode.
    #[error("{codec} cannot code this sound ({reason})")]
    RoundTrip {
        /// Which one.
        codec: String,
        /// What it said.
        reason: String,
    },
    /// The file could not be written.
    #[error("cannot write the audio file {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The caller cancelled the work.
    #[error("stopped")]
    Cancelled(#[from] Cancelled),
}
