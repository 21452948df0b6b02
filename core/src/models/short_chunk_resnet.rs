//! Short-chunk CNN with residual connections: Won, Ferraro, Bogdanov, Serra, *Evaluation of CNN-based automatic music tagging
//! models*, SMC 2020; "ResNet" in the paper's Tables 3 and 4, where it is the student and the teacher beside the transformer.
//!
//! After `minzwon/sota-music-tagging-models` (MIT), whose parameter names these are. The published code has 12,104,244 parameters for 50
//! tags; the paper says 13.5 M. With width 68 it is the paper's distilled one of 3.4 M.

use super::Error;
use super::architecture::{Architecture, Found, demand, demand_sizes};
use super::dense_head::DenseHead;
use super::map_grid::{AlongTime, MapGrid};
use super::network::{FeatureMaps, Network, Output, Pass, check_input, picture};
use super::onnx::{Graph, Wire};
use super::short_chunk_cnn::WIDTHS;
use crate::features::{FrontEnd, Input};
use crate::nn::{BatchNorm, Maps, Over, ResidualBlock, Value, global_max_pool};
use candle_core::Result;
use candle_nn::VarBuilder;
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;

/// Blocks below the feature maps that are looked at: 8 columns in the published 3.69 s, one more block would leave 4.
const BELOW_MAPS: usize = 5;

/// Sizes of a Short-chunk ResNet.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct ShortChunkResnetConfig {
    /// Channels of the first two layers; the others have twice and four times as many.
    pub width: usize,
    /// Probability of dropping a number before the last layer in training.
    pub dropout: f32,
    /// Tags.
    pub n_tags: usize,
    /// What it sees of a sound.
    pub front_end: FrontEnd,
}

impl Architecture for ShortChunkResnetConfig {
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
        demand_sizes(&[self.width, self.n_tags], &[self.dropout])?;
        let most = 1 << WIDTHS.len();
        demand((1..=most).contains(&self.front_end.n_mels), || {
            format!(
                "{} mel bands do not become one by halving: 1 to {most} do",
                self.front_end.n_mels
            )
        })
    }

    fn recognise(found: &Found<'_>, _: Option<usize>) -> std::result::Result<Self, Error> {
        let [width, _, _, _] = found.dims("layer1.conv_1.weight")?;
        let _: [usize; 4] = found.dims("layer7.conv_3.weight")?;
        let [n_tags, _] = found.dims("dense2.weight")?;
        let front_end = FrontEnd::sota128();
        found.check_bands(front_end.n_mels)?;
        Ok(Self {
            width,
            dropout: 0.5,
            n_tags,
            front_end,
        })
    }

    fn build(&self, builder: &VarBuilder<'_>) -> Result<Box<dyn Network>> {
        let mut ins = 1;
        let mut blocks = Vec::new();
        for (i, widths) in WIDTHS.into_iter().enumerate() {
            let builder = builder.pp(format!("layer{}", i + 1));
            let outs = widths * self.width;
            blocks.push(ResidualBlock::new(&builder, ins, outs, [2, 2], [1, 1])?);
            ins = outs;
        }
        Ok(Box::new(ShortChunkResnet {
            input_norm: BatchNorm::new(&builder.pp("spec_bn"), 1)?,
            blocks,
            head: DenseHead::new(builder, ins, ins, self.n_tags, self.dropout)?,
            config: self.clone(),
        }))
    }
}

#[derive(Debug)]
struct ShortChunkResnet {
    config: ShortChunkResnetConfig,
    input_norm: BatchNorm,
    blocks: Vec<ResidualBlock>,
    head: DenseHead,
}

impl Network for ShortChunkResnet {
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
            x = graph.residual_block(block, &x)?;
        }
        let x = graph.over("ReduceMax", &x, &[2, 3]);
        self.head.export(graph, &x)
    }

    fn columns(&self) -> RangeInclusive<usize> {
        1..=usize::MAX
    }
}

impl FeatureMaps for ShortChunkResnet {
    /// By the two convolutions of each block: the one on the shortcut has the stride of the first, and sees less.
    fn map_grid(&self) -> MapGrid {
        let block = [AlongTime::convolution(3, 2), AlongTime::convolution(3, 1)];
        MapGrid::behind([block; BELOW_MAPS].concat())
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
        let mut maps = maps.clone();
        for block in &self.blocks[BELOW_MAPS..] {
            maps = block.forward(&pass.tape, pass.mode, &maps)?;
        }
        let y = global_max_pool(&maps.to_value()?, Over::FrequencyAndTime)?;
        Ok(Output::of(self.head.forward(pass, &y)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::ModelConfig;
    use crate::models::check::{check, preset};

    #[test]
    fn gradients_bits_and_refusals() {
        let ModelConfig::ShortChunkResnet(config) = preset("short-chunk-resnet") else {
            panic!("another network");
        };
        let config = ShortChunkResnetConfig { width: 3, ..config };
        check(ModelConfig::ShortChunkResnet(config), 3, 37);
    }
}
