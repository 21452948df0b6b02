//! Sample-level CNN with squeeze and excitation: Kim, Lee, Nam, *Sample-level CNN architectures for music auto-tagging using raw
//! waveforms*, ICASSP 2018.
//!
//! After `minzwon/sota-music-tagging-models` (MIT), whose parameter names these are. Each layer of the Sample-level CNN becomes a
//! residual block whose channels are weighed by what the whole clip holds.

use super::Error;
use super::architecture::{Architecture, Found, demand_sizes};
use super::dense_head::DenseHead;
use super::map_grid::MapGrid;
use super::network::{
    FeatureMaps, Network, Output, Pass, check_input, columns_of_maps, maps_of_columns,
};
use super::onnx::{Graph, Wire};
use super::sample_cnn::{BELOW_MAPS, WIDTHS, accepted_samples, layer_sizes, map_grid};
use crate::features::Input;
use crate::nn::{
    BatchNorm, Conv1d, Conv1dOptions, Linear, Maps, Over, Value, add, global_avg_pool, max_pool1d,
    mul, relu, reshape, select, sigmoid,
};
use candle_core::Result;
use candle_nn::VarBuilder;
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;

/// Sizes of a Sample-level CNN with squeeze and excitation.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct SampleCnnSeConfig {
    /// Channels of the first three layers; the others have twice and four times as many.
    pub width: usize,
    /// Probability of dropping a number before the last layer in training.
    pub dropout: f32,
    /// Tags.
    pub n_tags: usize,
    /// Rate of the waveform.
    pub sample_rate_hz: u32,
}

impl Architecture for SampleCnnSeConfig {
    fn n_tags(&self) -> usize {
        self.n_tags
    }

    fn set_n_tags(&mut self, n_tags: usize) {
        self.n_tags = n_tags;
    }

    fn input(&self) -> Input {
        Input::Waveform {
            sample_rate_hz: self.sample_rate_hz,
        }
    }

    fn check(&self) -> std::result::Result<(), Error> {
        demand_sizes(&[self.width, self.n_tags], &[self.dropout])
    }

    fn recognise(found: &Found<'_>, _: Option<usize>) -> std::result::Result<Self, Error> {
        let [width, _, _] = found.dims("layer1.conv_1.weight")?;
        let _: [usize; 3] = found.dims("layer11.conv_1.weight")?;
        let [n_tags, _] = found.dims("dense2.weight")?;
        Ok(Self {
            width,
            dropout: 0.5,
            n_tags,
            sample_rate_hz: 16_000,
        })
    }

    fn build(&self, builder: &VarBuilder<'_>) -> Result<Box<dyn Network>> {
        let mut ins = 1;
        let mut blocks = Vec::new();
        for (i, widths) in WIDTHS.into_iter().enumerate() {
            let builder = builder.pp(format!("layer{}", i + 1));
            let outs = widths * self.width;
            blocks.push(Block::new(&builder, ins, outs, layer_sizes(i))?);
            ins = outs;
        }
        Ok(Box::new(SampleCnnSe {
            blocks,
            head: DenseHead::new(builder, ins, ins, self.n_tags, self.dropout)?,
            config: self.clone(),
        }))
    }
}

#[derive(Debug)]
struct SampleCnnSe {
    config: SampleCnnSeConfig,
    blocks: Vec<Block>,
    head: DenseHead,
}

impl Network for SampleCnnSe {
    fn input(&self) -> Input {
        self.config.input()
    }

    fn n_tags(&self) -> usize {
        self.config.n_tags
    }

    fn run(&self, pass: &Pass, x: &Value) -> Result<Output> {
        self.read_maps(pass, &self.to_maps(pass, x)?)
    }

    fn feature_maps(&self) -> Option<&dyn FeatureMaps> {
        Some(self)
    }

    fn export(&self, graph: &mut Graph, x: &Wire) -> Result<Wire> {
        let mut x = x.clone();
        for block in &self.blocks {
            x = block.export(graph, &x)?;
        }
        let x = graph.reshape(&x, &[0, -1]);
        self.head.export(graph, &x)
    }

    fn columns(&self) -> RangeInclusive<usize> {
        accepted_samples()
    }
}

impl FeatureMaps for SampleCnnSe {
    /// Squeeze and excitation look at all of time, but weigh all columns of a map alike.
    fn map_grid(&self) -> MapGrid {
        map_grid(2)
    }

    fn to_maps(&self, pass: &Pass, x: &Value) -> Result<Maps> {
        check_input(self, x)?;
        let mut x = x.clone();
        for block in &self.blocks[..BELOW_MAPS] {
            x = block.forward(pass, &x)?;
        }
        maps_of_columns(&x)
    }

    fn read_maps(&self, pass: &Pass, maps: &Maps) -> Result<Output> {
        let mut x = columns_of_maps(maps)?;
        for block in &self.blocks[BELOW_MAPS..] {
            x = block.forward(pass, &x)?;
        }
        Ok(Output::of(self.head.forward(pass, &select(&x, 2, 0)?)?))
    }
}

/// Two convolutions, weighed channel by channel, beside a shortcut; ReLU and pooling.
#[derive(Debug)]
struct Block {
    first: (Conv1d, BatchNorm),
    second: (Conv1d, BatchNorm),
    squeeze: Linear,
    excite: Linear,
    shortcut: Option<(Conv1d, BatchNorm)>,
    window: usize,
}

impl Block {
    fn new(
        builder: &VarBuilder<'_>,
        ins: usize,
        outs: usize,
        [taps, stride, window]: [usize; 3],
    ) -> Result<Self> {
        let unit = |i: usize, ins: usize, stride: usize| -> Result<_> {
            let options = Conv1dOptions {
                stride,
                padding: taps / 2,
                ..Conv1dOptions::default()
            };
            let of = |part: &str| builder.pp(format!("{part}_{i}"));
            Ok((
                Conv1d::new(&of("conv"), ins, outs, taps, options)?,
                BatchNorm::new(&of("bn"), outs)?,
            ))
        };
        Ok(Self {
            first: unit(1, ins, stride)?,
            second: unit(2, outs, 1)?,
            squeeze: Linear::new(&builder.pp("dense1"), outs, outs)?,
            excite: Linear::new(&builder.pp("dense2"), outs, outs)?,
            shortcut: (stride != 1 || ins != outs)
                .then(|| unit(3, ins, stride))
                .transpose()?,
            window,
        })
    }

    fn forward(&self, pass: &Pass, x: &Value) -> Result<Value> {
        let tape = &pass.tape;
        let unit = |(conv, norm): &(Conv1d, BatchNorm), x: &Value| {
            norm.forward(tape, pass.mode, &conv.forward(tape, x)?)
        };
        let y = unit(&self.second, &relu(&unit(&self.first, x)?)?)?;
        let whole = global_avg_pool(&y, Over::Time)?;
        let weights = relu(&self.squeeze.forward(tape, &whole)?)?;
        let weights = sigmoid(&self.excite.forward(tape, &weights)?)?;
        let (batch, channels) = weights.dims2()?;
        let y = mul(&y, &reshape(&weights, &[batch, channels, 1])?)?;
        let beside = match &self.shortcut {
            Some(shortcut) => unit(shortcut, x)?,
            None => x.clone(),
        };
        let y = relu(&add(&beside, &y)?)?;
        if self.window == 1 {
            return Ok(y);
        }
        max_pool1d(&y, self.window)
    }

    fn export(&self, graph: &mut Graph, x: &Wire) -> Result<Wire> {
        let mut unit = |(conv, norm): &(Conv1d, BatchNorm), x: &Wire, relu: bool| {
            let y = graph.conv1d(conv, x)?;
            let y = graph.batch_norm(norm, &y)?;
            candle_core::Result::Ok(if relu { graph.unary("Relu", &y) } else { y })
        };
        let y = unit(&self.first, x, true)?;
        let y = unit(&self.second, &y, false)?;
        let beside = match &self.shortcut {
            Some(shortcut) => unit(shortcut, x, false)?,
            None => x.clone(),
        };
        let weights = graph.over("ReduceMean", &y, &[2]);
        let weights = graph.linear(&self.squeeze, &weights)?;
        let weights = graph.unary("Relu", &weights);
        let weights = graph.linear(&self.excite, &weights)?;
        let weights = graph.unary("Sigmoid", &weights);
        let weights = graph.unsqueeze(&weights, 2);
        let y = graph.binary("Mul", &y, &weights);
        let y = graph.binary("Add", &beside, &y);
        let y = graph.unary("Relu", &y);
        Ok(graph.max_pool(&y, &[self.window]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::ModelConfig;
    use crate::models::check::{check, preset};

    #[test]
    fn gradients_bits_and_refusals() {
        let ModelConfig::SampleCnnSe(config) = preset("sample-cnn-se") else {
            panic!("another network");
        };
        let config = SampleCnnSeConfig { width: 2, ..config };
        check(ModelConfig::SampleCnnSe(config), 3, 59_050);
    }
}
