//! The networks: one file each, a configuration (front end included) and a forward pass.
//!
//! Parameter names equal the keys of the published PyTorch checkpoints, so that their weights load as they are.
//! [`ModelConfig`] lists the architectures and builds a [`Network`]; [`presets`] have names and the published sizes.

mod architecture;
#[cfg(test)]
mod check;
mod cnnsa;
mod config;
mod crnn;
mod dense_head;
mod fcn;
mod harmonic_cnn;
mod input_gradients;
mod insight;
mod map_grid;
mod map_slopes;
mod mtt;
mod musicnn;
mod network;
mod onnx;
pub mod presets;
mod registry;
mod relevance;
mod sample_cnn;
mod sample_cnn_se;
mod shapes;
mod short_chunk_cnn;
mod short_chunk_resnet;

pub use cnnsa::CnnsaConfig;
pub use config::ModelConfig;
pub use crnn::CrnnConfig;
pub use fcn::FcnConfig;
pub use harmonic_cnn::HarmonicCnnConfig;
pub use insight::{Ask, Attention, Insight};
pub use map_grid::MapGrid;
pub use map_slopes::MapSlopes;
pub use mtt::MttConfig;
pub use musicnn::MusicnnConfig;
pub use network::{ClassToken, FeatureMaps, Network, Output, Pass, TokenGrid};
pub use onnx::{OPSET, onnx};
pub use registry::{Card, Score, registry};
pub use relevance::Relevance;
pub use sample_cnn::SampleCnnConfig;
pub use sample_cnn_se::SampleCnnSeConfig;
pub use short_chunk_cnn::ShortChunkCnnConfig;
pub use short_chunk_resnet::ShortChunkResnetConfig;

pub(crate) use input_gradients::input_gradients;
pub(crate) use map_slopes::map_slopes;
pub(crate) use relevance::relevance;
pub(crate) use shapes::ghost;

pub use crate::nn::Mode;

/// Why there is no such model.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No preset of that name.
    #[error("no model preset {name:?}; there are {}", .known.join(", "))]
    NoPreset {
        /// What was asked for.
        name: String,
        /// What there is.
        known: Vec<String>,
    },
    /// A configuration that cannot be read.
    #[error("broken model configuration")]
    Broken(#[from] toml::de::Error),
    /// A configuration of sizes that do not fit together.
    #[error("impossible model: {0}")]
    Impossible(String),
    /// Tensors whose names are those of no known network.
    #[error("these tensors are the weights of no known network ({0})")]
    Unrecognised(String),
}
