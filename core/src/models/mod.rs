//! The networks: one file each, a configuration (front end included) and a forward pass.
//!
//! Parameter names equal the keys of the published PyTorch checkpoints, so that their weights load as they are.
//! [`ModelConfig`] lists the architectures, knows the presets and builds a [`Network`].

mod config;
mod insight;
mod mtt;
mod network;

pub use config::ModelConfig;
pub use insight::{Attention, Insight};
pub use mtt::MttConfig;
pub use network::{Network, Output, Pass, TokenGrid};

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
        known: Vec<&'static str>,
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
