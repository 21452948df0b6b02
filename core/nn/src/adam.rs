//! Adam, one pass over all parameters, with a state that can be saved.

use super::data::update;
use super::optimizer::{each_with_gradient, step_of, step_to_tensor};
use super::parameters::Parameters;
use super::tape::Gradients;
use candle_core::{Result, Tensor, bail};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Settings of Adam; the defaults are PyTorch's.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AdamConfig {
    /// Decay of the running mean of the gradients.
    pub beta_1: f64,
    /// Decay of the running mean of their squares.
    pub beta_2: f64,
    /// Added to the root of the latter.
    pub epsilon: f64,
    /// L2 decay: this share of the parameter is added to its gradient (as `torch.optim.Adam`, not AdamW).
    pub weight_decay: f64,
}

impl Default for AdamConfig {
    fn default() -> Self {
        Self {
            beta_1: 0.9,
            beta_2: 0.999,
            epsilon: 1e-8,
            weight_decay: 0.0,
        }
    }
}

/// The optimizer and its state.
#[derive(Clone, Debug)]
pub struct Adam {
    config: AdamConfig,
    n_steps: u64,
    moments: BTreeMap<String, Moments>,
    /// Means and squares of parameters that lie on a GPU.
    #[cfg(feature = "cuda")]
    on_gpu: BTreeMap<String, [super::gpu::Array; 2]>,
}

#[derive(Clone, Debug)]
struct Moments {
    mean: Vec<f32>,
    square: Vec<f32>,
}

/// Numbers that one task updates.
const TASK: usize = 1 << 15;

impl Adam {
    /// An optimizer that has not taken a step.
    pub fn new(config: AdamConfig) -> Self {
        Self {
            config,
            n_steps: 0,
            moments: BTreeMap::new(),
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
        self.step_keeping(parameters, gradients, learning_rate, 1.0)
    }

    /// [`Self::step`] from parameters of which only the share `keep` is left: decay that is no part of the gradient.
    pub(super) fn step_keeping(
        &mut self,
        parameters: &Parameters,
        gradients: &Gradients,
        learning_rate: f64,
        keep: f64,
    ) -> Result<()> {
        self.n_steps += 1;
        let steps = self.n_steps as f64;
        let rule = Rule {
            share_1: (1.0 - self.config.beta_1) as f32,
            beta_2: self.config.beta_2 as f32,
            share_2: (1.0 - self.config.beta_2) as f32,
            epsilon: self.config.epsilon as f32,
            weight_decay: self.config.weight_decay as f32,
            keep: keep as f32,
            step: (learning_rate / (1.0 - self.config.beta_1.powf(steps))) as f32,
            correction: (1.0 / (1.0 - self.config.beta_2.powf(steps)).sqrt()) as f32,
        };
        #[cfg(feature = "cuda")]
        if parameters.is_on_gpu() {
            return self.step_on_gpu(parameters, gradients, rule);
        }
        each_with_gradient(parameters, gradients, |name, tensor, gradient| {
            let n = gradient.len();
            let moments = self
                .moments
                .entry(name.to_owned())
                .or_insert_with(|| Moments {
                    mean: vec![0.0; n],
                    square: vec![0.0; n],
                });
            if moments.mean.len() != n {
                bail!("{name}: the optimizer's state has another size");
            }
            update::<f32>(tensor, |values| rule.apply(values, gradient, moments))
        })
    }

    /// The state as tensors, to be saved beside a checkpoint: `NAME.exp_avg`, `NAME.exp_avg_sq` and `step`.
    pub fn to_map(&self) -> Result<BTreeMap<String, Tensor>> {
        let device = candle_core::Device::Cpu;
        let mut map = BTreeMap::new();
        for (name, moments) in &self.moments {
            let n = moments.mean.len();
            map.insert(
                format!("{name}.exp_avg"),
                Tensor::from_slice(&moments.mean, n, &device)?,
            );
            map.insert(
                format!("{name}.exp_avg_sq"),
                Tensor::from_slice(&moments.square, n, &device)?,
            );
        }
        #[cfg(feature = "cuda")]
        for (name, [mean, square]) in &self.on_gpu {
            map.insert(format!("{name}.exp_avg"), mean.fetch()?.flatten_all()?);
            map.insert(format!("{name}.exp_avg_sq"), square.fetch()?.flatten_all()?);
        }
        map.insert("step".into(), step_to_tensor(self.n_steps)?);
        Ok(map)
    }

    /// The optimizer whose state [`Self::to_map`] gave.
    pub fn from_map(config: AdamConfig, map: &BTreeMap<String, Tensor>) -> Result<Self> {
        let n_steps = step_of(map)?;
        let mut moments = BTreeMap::new();
        for (key, mean) in map {
            let Some(name) = key.strip_suffix(".exp_avg") else {
                continue;
            };
            let Some(square) = map.get(&format!("{name}.exp_avg_sq")) else {
                bail!("the optimizer's state has no {name}.exp_avg_sq");
            };
            moments.insert(
                name.to_owned(),
                Moments {
                    mean: mean.flatten_all()?.to_vec1()?,
                    square: square.flatten_all()?.to_vec1()?,
                },
            );
        }
        Ok(Self {
            config,
            n_steps,
            moments,
            #[cfg(feature = "cuda")]
            on_gpu: BTreeMap::new(),
        })
    }
}

#[cfg(feature = "cuda")]
impl Adam {
    /// The same step where the parameters lie; what a checkpoint brought moves there with the first one.
    fn step_on_gpu(
        &mut self,
        parameters: &Parameters,
        gradients: &Gradients,
        rule: Rule,
    ) -> Result<()> {
        use super::gpu::{Array, ops};
        let rule = ops::AdamRule {
            share_1: rule.share_1,
            beta_2: rule.beta_2,
            share_2: rule.share_2,
            epsilon: rule.epsilon,
            weight_decay: rule.weight_decay,
            keep: rule.keep,
            step: rule.step,
            correction: rule.correction,
        };
        super::optimizer::each_on_gpu(parameters, gradients, |name, value, gradient| {
            if !self.on_gpu.contains_key(name) {
                let moments = match self.moments.remove(name) {
                    Some(known) if known.mean.len() == value.elem_count() => {
                        let upload =
                            |data: &[f32]| Array::of_slice(value.device(), data, value.dims());
                        [upload(&known.mean)?, upload(&known.square)?]
                    }
                    Some(_) => bail!("{name}: the optimizer's state has another size"),
                    None => [ops::zeros_like(value)?, ops::zeros_like(value)?],
                };
                self.on_gpu.insert(name.to_owned(), moments);
            }
            match self.on_gpu.get(name) {
                Some([mean, square]) => ops::adam(rule, value, gradient, [mean, square]),
                None => bail!("{name}: the optimizer has no state"),
            }
        })
    }
}

#[derive(Clone, Copy)]
struct Rule {
    /// What a new gradient counts in its running mean.
    share_1: f32,
    beta_2: f32,
    /// What a new square counts in theirs.
    share_2: f32,
    epsilon: f32,
    weight_decay: f32,
    /// What is left of a parameter before the step; 1 changes no bit.
    keep: f32,
    /// Learning rate over the bias correction of the mean.
    step: f32,
    /// One over the root of the bias correction of the squares.
    correction: f32,
}

impl Rule {
    fn apply(&self, values: &mut [f32], gradient: &[f32], moments: &mut Moments) {
        values
            .par_chunks_mut(TASK)
            .zip(gradient.par_chunks(TASK))
            .zip(moments.mean.par_chunks_mut(TASK))
            .zip(moments.square.par_chunks_mut(TASK))
            .for_each(|(((values, gradient), means), squares)| {
                for (((value, &gradient), mean), square) in
                    values.iter_mut().zip(gradient).zip(means).zip(squares)
                {
                    let gradient = gradient + self.weight_decay * *value;
                    *mean += self.share_1 * (gradient - *mean);
                    *square = self.beta_2 * *square + self.share_2 * gradient * gradient;
                    *value = self.keep * *value
                        - self.step * *mean / (square.sqrt() * self.correction + self.epsilon);
                }
            });
    }
}
