//! Operations together with their parameters, as models use them. Initial values are PyTorch's defaults.

use super::conv::{ConvOptions, conv2d};
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
