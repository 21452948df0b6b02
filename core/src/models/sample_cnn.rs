//! Sample-level CNN: Lee, Park, Kim, Nam, *Sample-level deep convolutional neural networks for music auto-tagging using raw
//! waveforms*, SMC 2017.
//!
//! After `minzwon/sota-music-tagging-models` (MIT), whose parameter names these are. Filters of three samples in eleven layers: the
//! first strides by three, the next nine pool three into one, so that 59,049 samples become one.

use super::Error;
use super::architecture::{Architecture, Found, demand_sizes};
use super::map_grid::{AlongTime, MapGrid};
use super::network::{
    FeatureMaps, Network, Output, Pass, check_input, columns_of_maps, maps_of_columns,
};
use super::onnx::{Graph, Wire};
use crate::features::Input;
use crate::nn::{ConvBlock1d, Linear, Maps, Value, select};
use candle_core::Result;
use candle_nn::VarBuilder;
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;

/// Taps, stride of the first convolution, and window of the pooling after the others.
const THREE: usize = 3;

/// Layers that pool, after the first one with its stride and before the last one.
const POOLED: u32 = 9;

/// Layers below the feature maps that are looked at: 9 columns in the published 3.69 s, one more layer would leave 3.
pub(super) const BELOW_MAPS: usize = 8;

/// Where the columns of those maps lie, in a network of so many convolutions per layer.
pub(super) fn map_grid(convolutions: usize) -> MapGrid {
    MapGrid::behind((0..BELOW_MAPS).flat_map(|i| {
        let [taps, stride, window] = layer_sizes(i);
        let first = AlongTime::convolution(taps, stride);
        let others = std::iter::repeat_n(AlongTime::convolution(taps, 1), convolutions - 1);
        std::iter::once(first)
            .chain(others)
            .chain([AlongTime::pooling(window)])
    }))
}

/// What all Sample-level networks are built of: the channels of the eleven layers, in widths.
pub(super) const WIDTHS: [usize; 11] = [1, 1, 1, 2, 2, 2, 2, 2, 2, 4, 4];

/// Sizes of a layer: taps, stride, window of the pooling.
pub(super) fn layer_sizes(i: usize) -> [usize; 3] {
    match i {
        0 => [THREE, THREE, 1],
        10 => [1, 1, 1],
        _ => [THREE, 1, THREE],
    }
}

/// Samples that come out as a single value.
pub(super) fn accepted_samples() -> RangeInclusive<usize> {
    // The first layer rounds up, the pools round down.
    let one = THREE.pow(POOLED);
    THREE * (one - 1) + 1..=THREE * (2 * one - 1)
}

/// Sizes of a Sample-level CNN.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct SampleCnnConfig {
    /// Channels of the first three layers; the others have twice and four times as many.
    pub width: usize,
    /// Probability of dropping a number before the last layer in training.
    pub dropout: f32,
    /// Tags.
    pub n_tags: usize,
    /// Rate of the waveform.
    pub sample_rate_hz: u32,
}

impl Architecture for SampleCnnConfig {
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
        let [width, _, _] = found.dims("layer1.conv.weight")?;
        let _: [usize; 3] = found.dims("layer11.conv.weight")?;
        let [n_tags, _] = found.dims("dense.weight")?;
        Ok(Self {
            width,
            dropout: 0.5,
            n_tags,
            sample_rate_hz: 16_000,
        })
    }

    fn build(&self, builder: &VarBuilder<'_>) -> Result<Box<dyn Network>> {
        let mut ins = 1;
        let mut layers = Vec::new();
        for (i, widths) in WIDTHS.into_iter().enumerate() {
            let [taps, stride, window] = layer_sizes(i);
            let builder = builder.pp(format!("layer{}", i + 1));
            let outs = widths * self.width;
            layers.push(ConvBlock1d::new(&builder, ins, outs, taps, stride, window)?);
            ins = outs;
        }
        Ok(Box::new(SampleCnn {
            layers,
            output: Linear::new(&builder.pp("dense"), ins, self.n_tags)?,
            config: self.clone(),
        }))
    }
}

#[derive(Debug)]
struct SampleCnn {
    config: SampleCnnConfig,
    layers: Vec<ConvBlock1d>,
    output: Linear,
}

impl Network for SampleCnn {
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
        for layer in &self.layers {
            x = graph.conv_block1d(layer, &x)?;
        }
        let x = graph.reshape(&x, &[0, -1]);
        graph.linear(&self.output, &x)
    }

    fn columns(&self) -> RangeInclusive<usize> {
        accepted_samples()
    }
}

impl FeatureMaps for SampleCnn {
    fn map_grid(&self) -> MapGrid {
        map_grid(1)
    }

    fn to_maps(&self, pass: &Pass, x: &Value) -> Result<Maps> {
        check_input(self, x)?;
        let mut x = x.clone();
        for layer in &self.layers[..BELOW_MAPS] {
            x = layer.forward(&pass.tape, pass.mode, &x)?;
        }
        maps_of_columns(&x)
    }

    fn read_maps(&self, pass: &Pass, maps: &Maps) -> Result<Output> {
        let tape = &pass.tape;
        let mut x = columns_of_maps(maps)?;
        for layer in &self.layers[BELOW_MAPS..] {
            x = layer.forward(tape, pass.mode, &x)?;
        }
        let y = select(&x, 2, 0)?;
        let y = pass.mode.dropout(&y, self.config.dropout, "head")?;
        Ok(Output::of(self.output.forward(tape, &y)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::ModelConfig;
    use crate::models::check::{check, preset};

    #[test]
    fn gradients_bits_and_refusals() {
        let ModelConfig::SampleCnn(config) = preset("sample-cnn") else {
            panic!("another network");
        };
        let config = SampleCnnConfig { width: 2, ..config };
        check(ModelConfig::SampleCnn(config), 3, 59_050);
    }
}
