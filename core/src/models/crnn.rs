//! Convolutional recurrent network: Choi, Fazekas, Sandler, Cho, *Convolutional recurrent neural networks for music classification*,
//! ICASSP 2017.
//!
//! After `minzwon/sota-music-tagging-models` (MIT), whose parameter names these are. Four blocks of convolution and pooling, then two
//! layers of gated recurrent units over the remaining times, of which the last one answers.

use super::Error;
use super::architecture::{Architecture, Found, demand, demand_sizes};
use super::map_grid::{AlongTime, MapGrid};
use super::network::{FeatureMaps, Network, Output, Pass, check_input, picture};
use super::onnx::{Graph, Wire};
use crate::features::{FrontEnd, Input};
use crate::nn::{BatchNorm, ConvBlock, Gru, Linear, Maps, Reading, Value, select};
use candle_core::Result;
use candle_nn::VarBuilder;
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;

/// Windows (frequency, time) of the pooling after each convolution.
const POOLING: [[usize; 2]; 4] = [[2, 2], [3, 3], [4, 4], [4, 4]];

/// Bands, and frames, that are pooled into one.
const POOLED: usize = 96;

/// Sizes of a convolutional recurrent network.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct CrnnConfig {
    /// Channels of the four convolutions.
    pub channels: [usize; 4],
    /// Width of the recurrent states.
    pub gru_width: usize,
    /// Recurrent layers.
    pub gru_layers: usize,
    /// Probability of dropping a number before the last layer in training.
    pub dropout: f32,
    /// Tags.
    pub n_tags: usize,
    /// What it sees of a sound.
    pub front_end: FrontEnd,
}

impl Architecture for CrnnConfig {
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
        demand_sizes(&[self.gru_width, self.gru_layers, self.n_tags], &[])?;
        demand(self.front_end.n_mels / POOLED == 1, || {
            format!(
                "{} mel bands cannot be pooled into one: {POOLED} to {} can",
                self.front_end.n_mels,
                2 * POOLED - 1
            )
        })
    }

    fn recognise(found: &Found<'_>, _: Option<usize>) -> std::result::Result<Self, Error> {
        let mut channels = [0; 4];
        for (i, channels) in channels.iter_mut().enumerate() {
            [*channels, _, _, _] = found.dims(&format!("layer{}.conv.weight", i + 1))?;
        }
        let [_, gru_width] = found.dims("layer5.weight_hh_l0")?;
        let gru_layers = found.n_layers(|layer| format!("layer5.weight_hh_l{layer}"));
        let [n_tags, _] = found.dims("dense.weight")?;
        let front_end = FrontEnd::sota96();
        found.check_bands(front_end.n_mels)?;
        Ok(Self {
            channels,
            gru_width,
            gru_layers,
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
        let gru = builder.pp("layer5");
        Ok(Box::new(Crnn {
            input_norm: BatchNorm::new(&builder.pp("spec_bn"), 1)?,
            blocks,
            gru: Gru::new(
                &gru,
                in_channels,
                self.gru_width,
                self.gru_layers,
                Reading::Forward,
            )?,
            output: Linear::new(&builder.pp("dense"), self.gru_width, self.n_tags)?,
            config: self.clone(),
        }))
    }
}

#[derive(Debug)]
struct Crnn {
    config: CrnnConfig,
    input_norm: BatchNorm,
    blocks: Vec<ConvBlock>,
    gru: Gru,
    output: Linear,
}

impl Network for Crnn {
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
        let x = graph.tokens_of_maps(&x);
        let x = graph.last_state(&self.gru, &x)?;
        graph.linear(&self.output, &x)
    }

    fn columns(&self) -> RangeInclusive<usize> {
        POOLED..=usize::MAX
    }
}

impl FeatureMaps for Crnn {
    fn map_grid(&self) -> MapGrid {
        MapGrid::behind(
            POOLING
                .iter()
                .flat_map(|window| [AlongTime::convolution(3, 1), AlongTime::pooling(window[1])]),
        )
    }

    /// What the recurrent units read: 18 columns in the published 29 s.
    fn to_maps(&self, pass: &Pass, x: &Value) -> Result<Maps> {
        check_input(self, x)?;
        let (tape, mode) = (&pass.tape, pass.mode);
        let x = picture(x)?;
        let mut maps = Maps::new(&self.input_norm.forward(tape, mode, &x)?)?;
        for block in &self.blocks {
            maps = block.forward(tape, mode, &maps)?;
        }
        Ok(maps)
    }

    fn read_maps(&self, pass: &Pass, maps: &Maps) -> Result<Output> {
        let (tape, mode) = (&pass.tape, pass.mode);
        let states = self.gru.forward(tape, &maps.to_tokens()?)?;
        let last = states.dim(1)? - 1;
        let y = select(&states, 1, last)?;
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
        let ModelConfig::Crnn(config) = preset("crnn") else {
            panic!("another network");
        };
        let config = CrnnConfig {
            channels: [2, 3, 2, 3],
            gru_width: 4,
            ..config
        };
        check(ModelConfig::Crnn(config), 3, 205);
    }
}
