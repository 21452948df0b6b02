//! AdamW: Adam whose decay acts on the parameters themselves instead of on their gradients (Loshchilov and Hutter 2019).

use super::adam::{Adam, AdamConfig};
use super::parameters::Parameters;
use super::tape::Gradients;
use candle_core::{Result, Tensor};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Settings of AdamW; the defaults are PyTorch's.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AdamWConfig {
    /// Decay of the running mean of the gradients.
    pub beta_1: f64,
    /// Decay of the running mean of their squares.
    pub beta_2: f64,
    /// Added to the root of the latter.
    pub epsilon: f64,
    /// Each step takes this share, times the learning rate, off every parameter.
    pub weight_decay: f64,
}

impl Default for AdamWConfig {
    fn default() -> Self {
        let AdamConfig {
            beta_1,
            beta_2,
            epsilon,
            ..
        } = AdamConfig::default();
        Self {
            beta_1,
            beta_2,
            epsilon,
            weight_decay: 0.01,
        }
    }
}

impl AdamWConfig {
    /// What is left to Adam: all but the decay.
    fn inner(&self) -> AdamConfig {
        AdamConfig {
            beta_1: self.beta_1,
            beta_2: self.beta_2,
            epsilon: self.epsilon,
            weight_decay: 0.0,
        }
    }
}

/// The optimizer and its state.
#[derive(Clone, Debug)]
pub struct AdamW {
    adam: Adam,
    weight_decay: f64,
}

impl AdamW {
    /// An optimizer that has not taken a step.
    pub fn new(config: AdamWConfig) -> Self {
        Self {
            adam: Adam::new(config.inner()),
            weight_decay: config.weight_decay,
        }
    }

    /// How many steps it has taken.
    pub fn n_steps(&self) -> u64 {
        self.adam.n_steps()
    }

    /// One step: changes every learned f32 parameter that has a gradient, in place.
    pub fn step(
        &mut self,
        parameters: &Parameters,
        gradients: &Gradients,
        learning_rate: f64,
    ) -> Result<()> {
        let keep = 1.0 - learning_rate * self.weight_decay;
        self.adam
            .step_keeping(parameters, gradients, learning_rate, keep)
    }

    /// The state as tensors, the same as [`Adam::to_map`].
    pub fn to_map(&self) -> Result<BTreeMap<String, Tensor>> {
        self.adam.to_map()
    }

    /// The optimizer whose state [`Self::to_map`] gave.
    pub fn from_map(config: AdamWConfig, map: &BTreeMap<String, Tensor>) -> Result<Self> {
        Ok(Self {
            adam: Adam::from_map(config.inner(), map)?,
            weight_decay: config.weight_decay,
        })
    }
}
