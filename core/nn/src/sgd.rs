//! Stochastic gradient descent with momentum, one pass over all parameters, with a state that can be saved.

use super::data::update;
use super::optimizer::{each_with_gradient, step_of, step_to_tensor};
use super::parameters::Parameters;
use super::tape::Gradients;
use candle_core::{Result, Tensor, bail};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Where momentum is taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Momentum {
    /// A step goes where the sum of past gradients points.
    #[default]
    Plain,
    /// It goes where that sum will point after this gradient (Nesterov).
    Nesterov,
}

/// Settings of gradient descent; the defaults are PyTorch's: no momentum, no decay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SgdConfig {
    /// Share of the past gradients' sum that is kept.
    pub momentum: f64,
    /// How the sum is used; of no matter if `momentum` is 0.
    pub kind: Momentum,
    /// L2 decay: this share of the parameter is added to its gradient.
    pub weight_decay: f64,
}

/// The optimizer and its state.
#[derive(Clone, Debug)]
pub struct Sgd {
    config: SgdConfig,
    n_steps: u64,
    velocities: BTreeMap<String, Vec<f32>>,
    /// Those of parameters that lie on a GPU.
    #[cfg(feature = "cuda")]
    on_gpu: BTreeMap<String, super::gpu::Array>,
}

/// Numbers that one task updates.
const TASK: usize = 1 << 15;

/// What the names of the saved velocities end in.
const SUFFIX: &str = ".momentum_buffer";

impl Sgd {
    /// An optimizer that has not taken a step.
    pub fn new(config: SgdConfig) -> Self {
        Self {
            config,
            n_steps: 0,
            velocities: BTreeMap::new(),
            #[cfg(feature = "cuda")]
            on_gpu: BTreeMap::new(),
        }
    }

    /// How many steps it has taken.
    pub fn n_steps(&self) -> u64 {
        self.n_steps
    }

    /// One step: changes every learned f32 parameter that has a gradient, in place.
    pub fn step(
        &mut self,
        parameters: &Parameters,
        gradients: &Gradients,
        learning_rate: f64,
    ) -> Result<()> {
        self.n_steps += 1;
        let rule = Rule {
            momentum: self.config.momentum as f32,
            weight_decay: self.config.weight_decay as f32,
            learning_rate: learning_rate as f32,
        };
        #[cfg(feature = "cuda")]
        if parameters.is_on_gpu() {
            return self.step_on_gpu(parameters, gradients, rule);
        }
        each_with_gradient(parameters, gradients, |name, tensor, gradient| {
            if self.config.momentum == 0.0 {
                return update::<f32>(tensor, |values| rule.descend(values, gradient));
            }
            let velocity = self
                .velocities
                .entry(name.to_owned())
                .or_insert_with(|| vec![0.0; gradient.len()]);
            if velocity.len() != gradient.len() {
                bail!("{name}: the optimizer's state has another size");
            }
            update::<f32>(tensor, |values| match self.config.kind {
                Momentum::Plain => rule.follow(values, gradient, velocity, |_, v| v),
                Momentum::Nesterov => {
                    rule.follow(values, gradient, velocity, |g, v| g + rule.momentum * v);
                }
            })
        })
    }

    /// The state as tensors, to be saved beside a checkpoint: `NAME.momentum_buffer` and `step`.
    pub fn to_map(&self) -> Result<BTreeMap<String, Tensor>> {
        let device = candle_core::Device::Cpu;
        let mut map = BTreeMap::new();
        for (name, velocity) in &self.velocities {
            let tensor = Tensor::from_slice(velocity, velocity.len(), &device)?;
            map.insert(format!("{name}{SUFFIX}"), tensor);
        }
        #[cfg(feature = "cuda")]
        for (name, velocity) in &self.on_gpu {
            map.insert(format!("{name}{SUFFIX}"), velocity.fetch()?.flatten_all()?);
        }
        map.insert("step".into(), step_to_tensor(self.n_steps)?);
        Ok(map)
    }

    /// The optimizer whose state [`Self::to_map`] gave.
    pub fn from_map(config: SgdConfig, map: &BTreeMap<String, Tensor>) -> Result<Self> {
        let n_steps = step_of(map)?;
        let mut velocities = BTreeMap::new();
        for (key, velocity) in map {
            if let Some(name) = key.strip_suffix(SUFFIX) {
                velocities.insert(name.to_owned(), velocity.flatten_all()?.to_vec1()?);
            }
        }
        Ok(Self {
            config,
            n_steps,
            velocities,
            #[cfg(feature = "cuda")]
            on_gpu: BTreeMap::new(),
        })
    }
}

#[cfg(feature = "cuda")]
impl Sgd {
    /// The same step where the parameters lie; what a checkpoint brought moves there with the first one.
    fn step_on_gpu(
        &mut self,
        parameters: &Parameters,
        gradients: &Gradients,
        rule: Rule,
    ) -> Result<()> {
        use super::gpu::{Array, ops};
        let has_momentum = self.config.momentum != 0.0;
        let rule = ops::SgdRule {
            momentum: rule.momentum,
            weight_decay: rule.weight_decay,
            learning_rate: rule.learning_rate,
            nesterov: self.config.kind == Momentum::Nesterov,
        };
        super::optimizer::each_on_gpu(parameters, gradients, |name, value, gradient| {
            if has_momentum && !self.on_gpu.contains_key(name) {
                let velocity = match self.velocities.remove(name) {
                    Some(known) if known.len() == value.elem_count() => {
                        Array::of_slice(value.device(), &known, value.dims())?
                    }
                    Some(_) => bail!("{name}: the optimizer's state has another size"),
                    None => ops::zeros_like(value)?,
                };
                self.on_gpu.insert(name.to_owned(), velocity);
            }
            ops::sgd(rule, value, gradient, self.on_gpu.get(name))
        })
    }
}

#[derive(Clone, Copy)]
struct Rule {
    momentum: f32,
    weight_decay: f32,
    learning_rate: f32,
}

impl Rule {
    /// Without momentum.
    fn descend(&self, values: &mut [f32], gradient: &[f32]) {
        values
            .par_chunks_mut(TASK)
            .zip(gradient.par_chunks(TASK))
            .for_each(|(values, gradient)| {
                for (value, &gradient) in values.iter_mut().zip(gradient) {
                    *value -= self.learning_rate * (gradient + self.weight_decay * *value);
                }
            });
    }

    /// With momentum; `direction` of gradient and velocity is where it goes.
    fn follow(
        &self,
        values: &mut [f32],
        gradient: &[f32],
        velocity: &mut [f32],
        direction: impl Fn(f32, f32) -> f32 + Sync,
    ) {
        values
            .par_chunks_mut(TASK)
            .zip(gradient.par_chunks(TASK))
            .zip(velocity.par_chunks_mut(TASK))
            .for_each(|((values, gradient), velocity)| {
                for ((value, &gradient), velocity) in values.iter_mut().zip(gradient).zip(velocity)
                {
                    let gradient = gradient + self.weight_decay * *value;
                    *velocity = self.momentum * *velocity + gradient;
                    *value -= self.learning_rate * direction(gradient, *velocity);
                }
            });
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Tape, Value, backward, linear, reshape};
    use super::*;
    use candle_core::Device;

    /// Values of one parameter, first 1, 2, after steps along a gradient of 1 and -1.
    fn after(config: SgdConfig, n_steps: usize) -> Vec<f32> {
        let start = Tensor::new(&[1f32, 2.0], &Device::Cpu).unwrap();
        let parameters = Parameters::from_map(&BTreeMap::from([("p".into(), start)])).unwrap();
        let mut sgd = Sgd::new(config);
        for _ in 0..n_steps {
            let tape = Tape::recording();
            let p = tape.parameter(&"p".into(), &parameters.get("p").unwrap());
            let signs = Tensor::new(&[[1f32, -1.0]], &Device::Cpu).unwrap();
            let row = reshape(&p, &[1, 2]).unwrap();
            let loss = linear(&row, &Value::constant(signs), None).unwrap();
            sgd.step(&parameters, &backward(&loss).unwrap(), 0.5)
                .unwrap();
            // As if the run had ended here and gone on.
            sgd = Sgd::from_map(config, &sgd.to_map().unwrap()).unwrap();
        }
        assert_eq!(sgd.n_steps(), n_steps as u64);
        parameters.get("p").unwrap().to_vec1().unwrap()
    }

    #[test]
    fn momentum_gathers_speed_over_saved_and_resumed_steps() {
        let config = SgdConfig::default();
        assert_eq!(after(config, 2), [0.0, 3.0]);
        let config = SgdConfig {
            momentum: 0.5,
            ..config
        };
        // Velocities 1 and 1.5.
        assert_eq!(after(config, 2), [-0.25, 3.25]);
        let config = SgdConfig {
            kind: Momentum::Nesterov,
            ..config
        };
        // Directions 1 + 0.5 and 1 + 0.75.
        assert_eq!(after(config, 2), [-0.625, 3.625]);
        let config = SgdConfig {
            momentum: 0.0,
            weight_decay: 1.0,
            ..config
        };
        assert_eq!(after(config, 1), [0.0, 1.5]);
    }
}
