//! What one audio file sounds like, as far as its faults go: decoded once, piece by piece, and measured on the way.

use super::measuring::Measuring;
use crate::audio;
use crate::job::Job;
use crate::message::full_message;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// What was found in a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Outcome {
    /// It could be decoded.
    Heard(Box<Heard>),
    /// It could not; why not, in words.
    Unreadable(String),
}

/// Figures of a decoded file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Heard {
    pub(super) rate_hz: u32,
    pub(super) channels: u16,
    pub(super) secs: f64,
    /// What the decoder says is wrong with it.
    pub(super) warnings: Vec<String>,
    /// Whether one of the warnings is that it ends too early.
    pub(super) is_cut_off: bool,
    /// Root mean square over all samples.
    pub(super) rms: f64,
    /// Share of its time that is silent, 0 to 1.
    pub(super) silent_share: f64,
    /// The longest silence: start and length in seconds.
    pub(super) silence: (f64, f64),
    /// Share of its samples that lie beyond full scale or on a cut top.
    pub(super) clipped_share: f64,
    /// Where that is worst, in seconds.
    pub(super) clipped_at_secs: f64,
    /// The mean of the channel that is farthest from zero.
    pub(super) dc: f64,
    /// Digest of rate, channels and samples.
    pub(super) digest: String,
    /// The acoustic fingerprint; see [`super::fingerprint`]. Kept beside the figures, as bytes.
    #[serde(skip)]
    pub(super) print: Vec<u32>,
}

/// Listens to a file. Only a cancel is an error.
pub(super) fn hear(path: &Path, job: &Job) -> Result<Outcome, crate::job::Cancelled> {
    let mut measuring = Measuring::default();
    let mut take = |rate_hz, channels, piece: &[f32]| measuring.take(rate_hz, channels, piece);
    match audio::decode_pieces(path, job, &mut take) {
        Ok(warnings) => Ok(Outcome::Heard(Box::new(Heard {
            is_cut_off: audio::tell_cut_off(&warnings),
            warnings,
            ..measuring.finish()
        }))),
        Err(audio::Error::Cancelled(cancelled)) => Err(cancelled),
        Err(error) => {
            job.check()?;
            Ok(Outcome::Unreadable(reason(&error)))
        }
    }
}

/// Why a file cannot be decoded, without its path, which is told beside it.
fn reason(error: &audio::Error) -> String {
    match error {
        audio::Error::Open { source, .. } => format!("it cannot be read: {source}"),
        audio::Error::Unsupported { reason, .. } => {
            format!("not audio that Attune can decode ({reason})")
        }
        audio::Error::Damaged { reason, .. } => format!("nothing in it can be decoded ({reason})"),
        other => full_message(other),
    }
}
