//! The optimizers behind one face, for a recipe to choose by name.

use super::data::with_data;
use super::parameters::{Parameter, Parameters};
use super::tape::Gradients;
use super::{Adam, AdamConfig, AdamW, AdamWConfig, Momentum, Sgd, SgdConfig};
use candle_core::{Device, Result, Tensor, bail};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Which optimizer, and its settings; in a file `name` tells which.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "snake_case")]
pub enum OptimizerConfig {
    /// Adam, as the paper trains.
    Adam(AdamConfig),
    /// Adam with decay of the parameters themselves.
    AdamW(AdamWConfig),
    /// Gradient descent with momentum.
    Sgd(SgdConfig),
}

impl Default for OptimizerConfig {
    fn default() -> Self {
        Self::Adam(AdamConfig::default())
    }
}

impl OptimizerConfig {
    /// One of each kind as it is mostly used: gradient descent with Nesterov's momentum of 0.9.
    pub fn usual() -> [Self; 3] {
        [
            Self::Adam(AdamConfig::default()),
            Self::AdamW(AdamWConfig::default()),
            Self::Sgd(SgdConfig {
                momentum: 0.9,
                kind: Momentum::Nesterov,
                weight_decay: 0.0,
            }),
        ]
    }

    /// The usual one of that name.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::usual().into_iter().find(|usual| usual.name() == name)
    }

    /// As it is called in a file.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Adam(_) => "adam",
            Self::AdamW(_) => "adam_w",
            Self::Sgd(_) => "sgd",
        }
    }

    /// As people call it.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Adam(_) => "Adam",
            Self::AdamW(_) => "AdamW",
            Self::Sgd(_) => "SGD",
        }
    }

    /// Its decay, to be changed.
    pub fn weight_decay_mut(&mut self) -> &mut f64 {
        match self {
            Self::Adam(config) => &mut config.weight_decay,
            Self::AdamW(config) => &mut config.weight_decay,
            Self::Sgd(config) => &mut config.weight_decay,
        }
    }

    /// Which setting is out of range, and what it must be.
    pub fn out_of_range(&self) -> Option<(&'static str, &'static str)> {
        let share = |value: f64| (0.0..1.0).contains(&value);
        let positive = |value: f64| value.is_finite() && value > 0.0;
        let (shares, epsilon, weight_decay) = match *self {
            Self::Adam(AdamConfig {
                beta_1,
                beta_2,
                epsilon,
                weight_decay,
            })
            | Self::AdamW(AdamWConfig {
                beta_1,
                beta_2,
                epsilon,
                weight_decay,
            }) => (
                [("beta_1", beta_1), ("beta_2", beta_2)],
                epsilon,
                weight_decay,
            ),
            Self::Sgd(SgdConfig {
                momentum,
                weight_decay,
                ..
            }) => ([("momentum", momentum); 2], 1.0, weight_decay),
        };
        if let Some((name, _)) = shares.into_iter().find(|(_, value)| !share(*value)) {
            return Some((name, "must be at least 0 and less than 1"));
        }
        if !positive(epsilon) {
            return Some(("epsilon", "must be a positive number"));
        }
        let decays = weight_decay.is_finite() && weight_decay >= 0.0;
        (!decays).then_some(("weight_decay", "must be zero or a positive number"))
    }
}

/// An optimizer and its state.
#[derive(Clone, Debug)]
pub enum Optimizer {
    /// See [`Adam`].
    Adam(Adam),
    /// See [`AdamW`].
    AdamW(AdamW),
    /// See [`Sgd`].
    Sgd(Sgd),
}

impl Optimizer {
    /// An optimizer that has not taken a step.
    pub fn new(config: OptimizerConfig) -> Self {
        match config {
            OptimizerConfig::Adam(config) => Self::Adam(Adam::new(config)),
            OptimizerConfig::AdamW(config) => Self::AdamW(AdamW::new(config)),
            OptimizerConfig::Sgd(config) => Self::Sgd(Sgd::new(config)),
        }
    }

    /// How many steps it has taken.
    pub fn n_steps(&self) -> u64 {
        match self {
            Self::Adam(adam) => adam.n_steps(),
            Self::AdamW(adam) => adam.n_steps(),
            Self::Sgd(sgd) => sgd.n_steps(),
        }
    }

    /// One step: changes every learned f32 parameter that has a gradient, in place.
    pub fn step(
        &mut self,
        parameters: &Parameters,
        gradients: &Gradients,
        learning_rate: f64,
    ) -> Result<()> {
        match self {
            Self::Adam(adam) => adam.step(parameters, gradients, learning_rate),
            Self::AdamW(adam) => adam.step(parameters, gradients, learning_rate),
            Self::Sgd(sgd) => sgd.step(parameters, gradients, learning_rate),
        }
    }

    /// The state as tensors, to be saved beside a checkpoint.
    pub fn to_map(&self) -> Result<BTreeMap<String, Tensor>> {
        match self {
            Self::Adam(adam) => adam.to_map(),
            Self::AdamW(adam) => adam.to_map(),
            Self::Sgd(sgd) => sgd.to_map(),
        }
    }

    /// The optimizer whose state [`Self::to_map`] gave.
    pub fn from_map(config: OptimizerConfig, map: &BTreeMap<String, Tensor>) -> Result<Self> {
        Ok(match config {
            OptimizerConfig::Adam(config) => Self::Adam(Adam::from_map(config, map)?),
            OptimizerConfig::AdamW(config) => Self::AdamW(AdamW::from_map(config, map)?),
            OptimizerConfig::Sgd(config) => Self::Sgd(Sgd::from_map(config, map)?),
        })
    }
}

/// Calls `change` with name, tensor and gradient of every learned f32 parameter that has a gradient. Fails if one has another shape.
pub(super) fn each_with_gradient(
    parameters: &Parameters,
    gradients: &Gradients,
    mut change: impl FnMut(&str, &Tensor, &[f32]) -> Result<()>,
) -> Result<()> {
    for Parameter { name, tensor, .. } in parameters.weights() {
        let Some(gradient) = gradients.get(&name)? else {
            continue;
        };
        if gradient.dims() != tensor.dims() {
            bail!("{name}: gradient of another shape");
        }
        with_data(gradient, |gradient| change(&name, &tensor, gradient))?;
    }
    Ok(())
}

/// Calls `change` with name, values and gradient, all on the GPU, of every learned parameter that has a gradient. Fails if one has another
/// shape.
#[cfg(feature = "cuda")]
pub(super) fn each_on_gpu(
    parameters: &Parameters,
    gradients: &Gradients,
    mut change: impl FnMut(&str, &super::gpu::Array, &super::gpu::Array) -> Result<()>,
) -> Result<()> {
    for Parameter { name, .. } in parameters.weights() {
        let (Some(value), Some(gradient)) = (parameters.array(&name), gradients.numbers(&name))
        else {
            continue;
        };
        if gradient.dims() != value.dims() {
            bail!("{name}: gradient of another shape");
        }
        let gradient = match gradient.array() {
            Some(array) => array.clone(),
            None => super::gpu::Array::upload(value.device(), gradient.host()?)?,
        };
        change(&name, &value, &gradient)?;
    }
    Ok(())
}

/// The steps taken, as the states of optimizers keep them.
pub(super) fn step_to_tensor(n_steps: u64) -> Result<Tensor> {
    Tensor::new(n_steps as i64, &Device::Cpu)
}

/// The inverse of [`step_to_tensor`], from a whole state.
pub(super) fn step_of(map: &BTreeMap<String, Tensor>) -> Result<u64> {
    let Some(step) = map.get("step") else {
        bail!("the optimizer's state has no step");
    };
    Ok(step.to_scalar::<i64>()? as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_out_of_range_are_named() {
        for usual in OptimizerConfig::usual() {
            assert_eq!(usual.out_of_range(), None, "{usual:?}");
            let mut wrong = usual;
            *wrong.weight_decay_mut() = f64::NAN;
            assert_eq!(wrong.out_of_range().map(|it| it.0), Some("weight_decay"));
        }
        let wrong = OptimizerConfig::Sgd(SgdConfig {
            momentum: 1.0,
            ..SgdConfig::default()
        });
        assert_eq!(wrong.out_of_range().map(|it| it.0), Some("momentum"));
    }

    #[test]
    fn a_file_names_the_optimizer_and_only_settings_that_it_has() {
        let read = |text: &str| toml::from_str::<OptimizerConfig>(text);
        assert_eq!(
            read("name = 'adam_w'\nweight_decay = 0.1").unwrap(),
            OptimizerConfig::AdamW(AdamWConfig {
                weight_decay: 0.1,
                ..AdamWConfig::default()
            })
        );
        assert_eq!(
            read("name = 'sgd'\nmomentum = 0.9\nkind = 'nesterov'").unwrap(),
            OptimizerConfig::Sgd(SgdConfig {
                momentum: 0.9,
                kind: crate::Momentum::Nesterov,
                weight_decay: 0.0,
            })
        );
        assert_eq!(read("name = 'adam'").unwrap(), OptimizerConfig::default());
        assert!(read("name = 'adam'\nmomentum = 0.9").is_err());
        assert!(read("name = 'adagrad'").is_err());
    }
}
