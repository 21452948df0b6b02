//! Operations together with their parameters, as models use them. Initial values are PyTorch's defaults.

use super::arrange::concat;
use super::conv::{ConvOptions, conv2d};
use super::conv1d::{Conv1dOptions, conv1d};
use super::gru::{Direction, GruWeights, gru};
use super::linear::linear;
use super::norm::{RunningStatistics, Statistics, batch_norm, layer_norm};
use super::tape::{Tape, Value};
use crate::rng::{Address, Purpose, hash_name};
use candle_core::{DType, Result, Tensor};
use candle_nn::{Init, VarBuilder};
use std::sync::Arc;

/// What a forward pass is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Batch statistics, and dropout drawn for this step of the run with this seed.
    Train {
        /// Seed of the run.
        seed: u64,
        /// Number of the step, from 0.
        step: u64,
    },
    /// Running statistics, no dropout.
    Eval,
}

impl Mode {
    /// Where batch norms take their statistics from.
    pub fn statistics(self) -> Statistics {
        match self {
            Self::Train { .. } => Statistics::Batch,
            Self::Eval => Statistics::Running,
        }
    }

    /// Dropout with probability `p` in the layer of that name; in evaluation nothing is dropped.
    pub fn dropout(self, x: &Value, p: f32, layer: &str) -> Result<Value> {
        match self {
            Self::Eval => Ok(x.clone()),
            Self::Train { seed, step } => super::dropout(
                x,
                p,
                Address {
                    seed,
                    epoch: step as u32,
                    visit: (step >> 32) as u32,
                    track: hash_name(layer),
                    purpose: Purpose::Dropout,
                },
            ),
        }
    }
}

/// A learned tensor and its key.
#[derive(Clone, Debug)]
pub struct Weight {
    name: Arc<str>,
    tensor: Tensor,
}

impl Weight {
    /// The weight of that name, initially (if it is new) as `init` says.
    pub fn new(builder: &VarBuilder<'_>, shape: &[usize], name: &str, init: Init) -> Result<Self> {
        let prefix = builder.prefix();
        let key = if prefix.is_empty() {
            name.to_owned()
        } else {
            format!("{prefix}.{name}")
        };
        Ok(Self {
            name: key.into(),
            tensor: builder.get_with_hints(shape, name, init)?,
        })
    }

    /// As a value on a tape.
    pub fn on(&self, tape: &Tape) -> Value {
        tape.parameter(&self.name, &self.tensor)
    }

    /// Its key.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its numbers.
    pub fn tensor(&self) -> &Tensor {
        &self.tensor
    }
}

/// Kaiming-uniform with a = √5, which is uniform within ±1/√`fan_in`.
fn uniform(fan_in: usize) -> Init {
    let bound = 1.0 / (fan_in.max(1) as f64).sqrt();
    Init::Uniform {
        lo: -bound,
        up: bound,
    }
}

/// Two-dimensional convolution with a bias.
#[derive(Clone, Debug)]
pub struct Conv2d {
    /// `[out, in, kernel height, kernel width]`
    pub weight: Weight,
    /// `[out]`
    pub bias: Weight,
    /// Stride, padding, dilation.
    pub options: ConvOptions,
}

impl Conv2d {
    /// From `weight` and `bias` below `builder`.
    pub fn new(
        builder: &VarBuilder<'_>,
        in_channels: usize,
        out_channels: usize,
        kernel: [usize; 2],
        options: ConvOptions,
    ) -> Result<Self> {
        let init = uniform(in_channels * kernel[0] * kernel[1]);
        let shape = [out_channels, in_channels, kernel[0], kernel[1]];
        Ok(Self {
            weight: Weight::new(builder, &shape, "weight", init)?,
            bias: Weight::new(builder, &[out_channels], "bias", init)?,
            options,
        })
    }

    /// `[batch, in, height, width]` to `[batch, out, height, width]`.
    pub fn forward(&self, tape: &Tape, x: &Value) -> Result<Value> {
        conv2d(
            x,
            &self.weight.on(tape),
            Some(&self.bias.on(tape)),
            self.options,
        )
    }
}

/// Convolution along time, with a bias.
#[derive(Clone, Debug)]
pub struct Conv1d {
    /// `[out, in, taps]`
    pub weight: Weight,
    /// `[out]`
    pub bias: Weight,
    /// Stride, padding, dilation.
    pub options: Conv1dOptions,
}

impl Conv1d {
    /// From `weight` and `bias` below `builder`.
    pub fn new(
        builder: &VarBuilder<'_>,
        in_channels: usize,
        out_channels: usize,
        taps: usize,
        options: Conv1dOptions,
    ) -> Result<Self> {
        let init = uniform(in_channels * taps);
        let shape = [out_channels, in_channels, taps];
        Ok(Self {
            weight: Weight::new(builder, &shape, "weight", init)?,
            bias: Weight::new(builder, &[out_channels], "bias", init)?,
            options,
        })
    }

    /// `[batch, in, length]` to `[batch, out, length]`.
    pub fn forward(&self, tape: &Tape, x: &Value) -> Result<Value> {
        conv1d(
            x,
            &self.weight.on(tape),
            Some(&self.bias.on(tape)),
            self.options,
        )
    }
}

/// Batch norm with its running statistics.
#[derive(Clone, Debug)]
pub struct BatchNorm {
    /// `[channels]`
    pub weight: Weight,
    /// `[channels]`
    pub bias: Weight,
    /// Changed by every training pass.
    pub running: RunningStatistics,
    /// Added to the variance.
    pub epsilon: f64,
}

impl BatchNorm {
    /// From `weight`, `bias`, `running_mean`, `running_var` and `num_batches_tracked` below `builder`; PyTorch's epsilon and momentum.
    pub fn new(builder: &VarBuilder<'_>, channels: usize) -> Result<Self> {
        Ok(Self {
            weight: Weight::new(builder, &[channels], "weight", Init::Const(1.0))?,
            bias: Weight::new(builder, &[channels], "bias", Init::Const(0.0))?,
            running: RunningStatistics {
                mean: builder.get_with_hints(channels, "running_mean", Init::Const(0.0))?,
                variance: builder.get_with_hints(channels, "running_var", Init::Const(1.0))?,
                n_batches: builder.get_with_hints_dtype(
                    (),
                    "num_batches_tracked",
                    Init::Const(0.0),
                    DType::I64,
                )?,
                momentum: 0.1,
            },
            epsilon: 1e-5,
        })
    }

    /// Any shape with the channels on axis 1.
    pub fn forward(&self, tape: &Tape, mode: Mode, x: &Value) -> Result<Value> {
        #[cfg(feature = "cuda")]
        if let Some(running) = self.running_on_gpu(tape)? {
            let learn = mode.statistics() == Statistics::Batch;
            return self.forward_on_gpu(tape, x, &running, learn);
        }
        batch_norm(
            x,
            &self.weight.on(tape),
            &self.bias.on(tape),
            &self.running,
            self.epsilon,
            mode.statistics(),
        )
    }
}

#[cfg(feature = "cuda")]
impl BatchNorm {
    /// The running statistics in use, if the network computes on a GPU.
    fn running_on_gpu(&self, tape: &Tape) -> Result<Option<crate::gpu::ops::Running>> {
        let Some(home) = tape.home() else {
            return Ok(None);
        };
        let name = self.weight.name();
        let of = |part: &str| {
            let prefix = name.strip_suffix("weight").unwrap_or(name);
            let key = format!("{prefix}{part}");
            match home.array(&key) {
                Some(array) => Ok(array),
                None => candle_core::bail!("{key} is not on the GPU"),
            }
        };
        Ok(Some(crate::gpu::ops::Running {
            mean: of("running_mean")?,
            variance: of("running_var")?,
            momentum: self.running.momentum,
        }))
    }

    fn forward_on_gpu(
        &self,
        tape: &Tape,
        x: &Value,
        running: &crate::gpu::ops::Running,
        learn: bool,
    ) -> Result<Value> {
        let n = x.elem_count();
        if x.rank() < 2 || (learn && n == x.dims()[1]) {
            candle_core::bail!("batch norm over {:?}: no variance to train with", x.dims());
        }
        let (weight, bias) = (self.weight.on(tape), self.bias.on(tape));
        let y = crate::gpu::ops::batch_norm(x, &weight, &bias, running, self.epsilon, learn)?;
        if learn {
            super::norm::count_batch(&self.running)?;
        }
        Ok(y)
    }
}

/// Linear map of the last axis.
#[derive(Clone, Debug)]
pub struct Linear {
    /// `[out, in]`
    pub weight: Weight,
    /// `[out]`
    pub bias: Option<Weight>,
}

impl Linear {
    /// From `weight` and `bias` below `builder`.
    pub fn new(builder: &VarBuilder<'_>, ins: usize, outs: usize) -> Result<Self> {
        Ok(Self {
            bias: Some(Weight::new(builder, &[outs], "bias", uniform(ins))?),
            ..Self::without_bias(builder, ins, outs)?
        })
    }

    /// From `weight` below `builder`.
    pub fn without_bias(builder: &VarBuilder<'_>, ins: usize, outs: usize) -> Result<Self> {
        Ok(Self {
            weight: Weight::new(builder, &[outs, ins], "weight", uniform(ins))?,
            bias: None,
        })
    }

    /// `[..., in]` to `[..., out]`.
    pub fn forward(&self, tape: &Tape, x: &Value) -> Result<Value> {
        let bias = self.bias.as_ref().map(|bias| bias.on(tape));
        linear(x, &self.weight.on(tape), bias.as_ref())
    }
}

/// Layer norm of the last axis.
#[derive(Clone, Debug)]
pub struct LayerNorm {
    /// `[width]`
    pub weight: Weight,
    /// `[width]`
    pub bias: Weight,
    /// Added to the variance.
    pub epsilon: f64,
}

impl LayerNorm {
    /// From `weight` and `bias` below `builder`; PyTorch's epsilon.
    pub fn new(builder: &VarBuilder<'_>, width: usize) -> Result<Self> {
        Ok(Self {
            weight: Weight::new(builder, &[width], "weight", Init::Const(1.0))?,
            bias: Weight::new(builder, &[width], "bias", Init::Const(0.0))?,
            epsilon: 1e-5,
        })
    }

    /// Any shape with the width last.
    pub fn forward(&self, tape: &Tape, x: &Value) -> Result<Value> {
        layer_norm(x, &self.weight.on(tape), &self.bias.on(tape), self.epsilon)
    }
}

/// Which ways a [`Gru`] reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// From the first time to the last.
    Forward,
    /// Both ways, the states side by side: those of the way back come second.
    BothWays,
}

/// Gated recurrent units, several layers on top of each other.
#[derive(Clone, Debug)]
pub struct Gru {
    /// For each layer one way, or two.
    layers: Vec<Vec<(Direction, [Weight; 4])>>,
}

impl Gru {
    /// Of each layer the ways that it reads, each with the weights for input and state and their biases; gates in PyTorch's order:
    /// reset, update, new.
    pub fn layers(&self) -> &[Vec<(Direction, [Weight; 4])>] {
        &self.layers
    }

    /// From `weight_ih_l0`, `weight_hh_l0`, `bias_ih_l0`, `bias_hh_l0`, those of the way back with `_reverse` behind, and of the
    /// further layers `l1` and so on, below `builder`.
    pub fn new(
        builder: &VarBuilder<'_>,
        ins: usize,
        hidden: usize,
        n_layers: usize,
        reading: Reading,
    ) -> Result<Self> {
        let ways: &[(Direction, &str)] = match reading {
            Reading::Forward => &[(Direction::Forward, "")],
            Reading::BothWays => &[(Direction::Forward, ""), (Direction::Backward, "_reverse")],
        };
        let layer = |i: usize| -> Result<Vec<_>> {
            let ins = if i == 0 { ins } else { ways.len() * hidden };
            ways.iter()
                .map(|&(direction, suffix)| {
                    let weight = |part: &str, shape: &[usize]| {
                        let name = format!("{part}_l{i}{suffix}");
                        Weight::new(builder, shape, &name, uniform(hidden))
                    };
                    Ok((
                        direction,
                        [
                            weight("weight_ih", &[3 * hidden, ins])?,
                            weight("weight_hh", &[3 * hidden, hidden])?,
                            weight("bias_ih", &[3 * hidden])?,
                            weight("bias_hh", &[3 * hidden])?,
                        ],
                    ))
                })
                .collect()
        };
        Ok(Self {
            layers: (0..n_layers).map(layer).collect::<Result<_>>()?,
        })
    }

    /// The states of the last layer: `[batch, times, in]` to `[batch, times, hidden]`, twice as wide if read both ways.
    pub fn forward(&self, tape: &Tape, x: &Value) -> Result<Value> {
        let mut x = x.clone();
        for ways in &self.layers {
            let read = |(direction, weights): &(Direction, [Weight; 4])| {
                let [input, hidden, input_bias, hidden_bias] =
                    weights.each_ref().map(|weight| weight.on(tape));
                let weights = GruWeights {
                    input: &input,
                    hidden: &hidden,
                    input_bias: &input_bias,
                    hidden_bias: &hidden_bias,
                };
                gru(&x, weights, *direction)
            };
            x = match &ways[..] {
                [way, back] => concat([&read(way)?, &read(back)?], 2)?,
                ways => read(&ways[0])?,
            };
        }
        Ok(x)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Parameters;
    use candle_core::Device;

    #[test]
    fn recurrent_layers_have_the_names_and_shapes_of_pytorch() {
        let store = Parameters::initialise(1, DType::F32);
        let builder = store.var_builder().pp("rnn");
        let network = Gru::new(&builder, 5, 4, 2, Reading::BothWays).unwrap();
        let x = Value::constant(Tensor::ones((2, 7, 5), DType::F32, &Device::Cpu).unwrap());
        let y = network.forward(&Tape::off(), &x).unwrap();
        assert_eq!(y.dims(), [2, 7, 8]);
        let mut expected = Vec::new();
        for part in ["bias_hh", "bias_ih", "weight_hh", "weight_ih"] {
            for (layer, ins) in [(0, 5), (1, 8)] {
                for way in ["", "_reverse"] {
                    let dims = match part {
                        "weight_ih" => vec![12, ins],
                        "weight_hh" => vec![12, 4],
                        _ => vec![12],
                    };
                    expected.push((format!("rnn.{part}_l{layer}{way}"), dims));
                }
            }
        }
        let found: Vec<_> = store
            .weights()
            .iter()
            .map(|weight| (weight.name.to_string(), weight.tensor.dims().to_vec()))
            .collect();
        assert_eq!(found, expected);
    }
}
