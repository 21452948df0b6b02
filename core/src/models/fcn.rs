//! Fully convolutional network: Choi, Fazekas, Sandler, *Automatic tagging using deep convolutional neural networks*, ISMIR 2016.
//!
//! After `minzwon/sota-music-tagging-models` (MIT), whose parameter names these are. Five blocks of convolution, batch norm, ReLU and
//! pooling bring 29 s of 96 mel bands down to one number per channel.

use super::Error;
use super::architecture::{Architecture, Found, demand, demand_sizes};
use super::map_grid::{AlongTime, MapGrid};
use super::network::{FeatureMaps, Network, Output, Pass, check_input, picture};
use super::onnx::{Graph, Wire};
use crate::features::{FrontEnd, Input};
use crate::nn::{BatchNorm, ConvBlock, Linear, Maps, Value, reshape};
use candle_core::Result;
use candle_nn::VarBuilder;
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;

/// Windows (frequency, time) of the pooling after each convolution.
const POOLING: [[usize; 2]; 5] = [[2, 4], [2, 4], [2, 4], [3, 5], [4, 4]];

/// Blocks below the feature maps that are looked at: 20 columns in the published 29 s, one more block would leave 4.
const BELOW_MAPS: usize = 3;

/// Frames that are pooled into one.
const FRAMES: usize = 1280;

/// Sizes of a fully convolutional network.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct FcnConfig {
    /// Channels of the five convolutions.
    pub channels: [usize; 5],
    /// Probability of dropping a number before the last layer in training.
    pub dropout: f32,
    /// Tags.
    pub n_tags: usize,
    /// What it sees of a sound.
    pub front_end: FrontEnd,
}

impl Architecture for FcnConfig {
    fn n_tags(&self) -> usize {
        self.n_tags
    }

    fn set_n_tags(&mut self, n_tags: usize) {
        self.n_tags = n_tags;
    }

    fn input(&self) -> Input {
        Input::LogMel(self.front_end.clone())
    }

    fn check(&self) -> std::result::Result<(), Error> {
        demand_sizes(&self.channels, &[self.dropout])?;
        demand_sizes(&[self.n_tags], &[])?;
        let bands: usize = POOLING.iter().map(|window| window[0]).product();
        demand(self.front_end.n_mels / bands == 1, || {
            format!(
                "{} mel bands cannot be pooled into one: {bands} to {} can",
                self.front_end.n_mels,
                2 * bands - 1
            )
        })
    }

    fn recognise(found: &Found<'_>, _: Option<usize>) -> std::result::Result<Self, Error> {
        let mut channels = [0; 5];
        for (i, channels) in channels.iter_mut().enumerate() {
            [*channels, _, _, _] = found.dims(&format!("layer{}.conv.weight", i + 1))?;
        }
        let [n_tags, _] = found.dims("dense.weight")?;
        if found.has("layer6.conv.weight") {
            return Err(Error::Unrecognised("more than five layers".to_owned()));
        }
        let front_end = FrontEnd::sota96();
        found.check_bands(front_end.n_mels)?;
        Ok(Self {
            channels,
            dropout: 0.5,
            n_tags,
            front_end,
        })
    }

    fn build(&self, builder: &VarBuilder<'_>) -> Result<Box<dyn Network>> {
        let mut in_channels = 1;
        let mut blocks = Vec::new();
        for (i, (&channels, window)) in self.channels.iter().zip(POOLING).enumerate() {
            let builder = builder.pp(format!("layer{}", i + 1));
            blocks.push(ConvBlock::new(&builder, in_channels, channels, window)?);
            in_channels = channels;
        }
        Ok(Box::new(Fcn {
            input_norm: BatchNorm::new(&builder.pp("spec_bn"), 1)?,
            blocks,
            output: Linear::new(&builder.pp("dense"), in_channels, self.n_tags)?,
            config: self.clone(),
        }))
    }
}

#[derive(Debug)]
struct Fcn {
    config: FcnConfig,
    input_norm: BatchNorm,
    blocks: Vec<ConvBlock>,
    output: Linear,
}

impl Network for Fcn {
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
        let x = graph.unsqueeze(x, 1);
        let mut x = graph.batch_norm(&self.input_norm, &x)?;
        for block in &self.blocks {
            x = graph.conv_block(block, &x)?;
        }
        let x = graph.reshape(&x, &[0, -1]);
        graph.linear(&self.output, &x)
    }

    fn columns(&self) -> RangeInclusive<usize> {
        FRAMES..=2 * FRAMES - 1
    }
}

impl FeatureMaps for Fcn {
    fn map_grid(&self) -> MapGrid {
        let windows = POOLING.iter().take(BELOW_MAPS);
        MapGrid::behind(
            windows
                .flat_map(|window| [AlongTime::convolution(3, 1), AlongTime::pooling(window[1])]),
        )
    }

    fn to_maps(&self, pass: &Pass, x: &Value) -> Result<Maps> {
        check_input(self, x)?;
        let (tape, mode) = (&pass.tape, pass.mode);
        let x = picture(x)?;
        let mut maps = Maps::new(&self.input_norm.forward(tape, mode, &x)?)?;
        for block in &self.blocks[..BELOW_MAPS] {
            maps = block.forward(tape, mode, &maps)?;
        }
        Ok(maps)
    }

    fn read_maps(&self, pass: &Pass, maps: &Maps) -> Result<Output> {
        let (tape, mode) = (&pass.tape, pass.mode);
        let mut maps = maps.clone();
        for block in &self.blocks[BELOW_MAPS..] {
            maps = block.forward(tape, mode, &maps)?;
        }
        let y = maps.to_value()?;
        let (batch, channels, _, _) = y.dims4()?;
        let y = reshape(&y, &[batch, channels])?;
        let y = mode.dropout(&y, self.config.dropout, "head")?;
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
        let ModelConfig::Fcn(config) = preset("fcn") else {
            panic!("another network");
        };
        let config = FcnConfig {
            channels: [2, 3, 2, 3, 4],
            ..config
        };
        check(ModelConfig::Fcn(config), 3, 1283);
    }
}
