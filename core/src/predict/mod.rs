//! The one way to ask a model about a song.

mod break_point;
mod checkpoint;
mod chunks;
mod inside;
mod model;
mod over_time;
mod shipped;
mod sweep;
mod sweep_files;
mod tokens;

pub use break_point::{BreakPoint, Breaks, Threshold, breaks};
pub use checkpoint::{Checkpoint, Key, LoadOptions};
pub use chunks::{chunk_starts, tag_track};
pub(crate) use model::check_length;
pub use model::{ExportFormat, Model};
pub use over_time::{SlidingWindows, TagTimeline, by_probability, over_time};
pub use shipped::Shipped;
pub use sweep::{Sweep, SweepPlan, SweptModel, sweep};
pub use sweep_files::ShownSweep;
pub use tokens::Tokens;

use crate::job::Cancelled;
use std::path::PathBuf;

/// Why a model gives no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The caller stopped the work.
    #[error("stopped")]
    Cancelled(#[from] Cancelled),
    /// There is no sound.
    #[error("there is nothing to tag: the sound is empty")]
    Empty,
    /// Waves of one batch must have one length.
    #[error("waves of one batch have different lengths")]
    UnequalLengths,
    /// Not as many tags as the network has outputs.
    #[error("{n_tags} tags for a network with {n_outputs} outputs")]
    Tags {
        /// Names given.
        n_tags: usize,
        /// Outputs.
        n_outputs: usize,
    },
    /// Chunks of a length that the network cannot take.
    #[error(
        "clips of {found_secs:.2} s do not fit the network, which takes {shortest_secs:.2} to {longest_secs:.2} s"
    )]
    InputLength {
        /// Length of a chunk.
        found_secs: f64,
        /// The shortest chunk.
        shortest_secs: f64,
        /// The longest chunk.
        longest_secs: f64,
    },
    /// The file's description of the model cannot be read.
    #[error("broken description of the model in {}", .path.display())]
    Metadata {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: serde_json::Error,
    },
    /// The weights are not those of the network.
    #[error("the weights do not fit the network {architecture}: {report}: {}", .path.display())]
    Mismatch {
        /// The network.
        architecture: &'static str,
        /// What fits and what does not.
        report: Box<crate::weights::Report>,
        /// The file.
        path: PathBuf,
    },
    /// The weights are those of no network that Attune knows.
    #[error("{why}: {}", .path.display())]
    Unrecognised {
        /// What was looked for in vain.
        why: crate::models::Error,
        /// The file.
        path: PathBuf,
    },
    /// A file to write whose name says no format.
    #[error("models are written as .safetensors or .onnx, not as {}", .path.display())]
    Extension {
        /// The file.
        path: PathBuf,
    },
    /// The model cannot be described.
    #[error("the model cannot be described")]
    Json(#[source] serde_json::Error),
    /// The file of weights.
    #[error(transparent)]
    Weights(#[from] crate::weights::Error),
    /// The configuration.
    #[error(transparent)]
    Config(#[from] crate::models::Error),
    /// The spectrogram.
    #[error(transparent)]
    Features(#[from] crate::features::Error),
    /// The sound cannot be brought to the model's rate.
    #[error(transparent)]
    Audio(#[from] crate::audio::Error),
    /// The network: a tensor is missing or has the wrong shape, or the input does not fit.
    #[error(transparent)]
    Network(#[from] candle_core::Error),
}
