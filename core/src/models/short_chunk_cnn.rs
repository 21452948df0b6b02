//! Short-chunk CNN: Won, Ferraro, Bogdanov, Serra, *Evaluation of CNN-based automatic music tagging models*, SMC 2020.
//!
//! After `minzwon/sota-music-tagging-models` (MIT), whose parameter names these are. Seven blocks of small filters and 2 × 2 pooling, the
//! largest values over time, two dense layers.

use super::Error;
use super::architecture::{Architecture, Found, demand, demand_sizes};
use super::dense_head::DenseHead;
use super::map_grid::{AlongTime, MapGrid};
use super::network::{FeatureMaps, Network, Output, Pass, check_input, picture};
use super::onnx::{Graph, Wire};
use crate::features::{FrontEnd, Input};
use crate::nn::{BatchNorm, ConvBlock, Maps, Over, Value, global_max_pool};
use candle_core::Result;
use candle_nn::VarBuilder;
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;

/// Channels of the seven layers, in widths; with [`super::short_chunk_resnet`].
pub(super) const WIDTHS: [usize; 7] = [1, 1, 2, 2, 2, 2, 4];

/// Blocks below the feature maps that are looked at: 14 columns in the published 3.69 s, one more block would leave 7.
const BELOW_MAPS: usize = 4;

/// Bands, and frames, that are pooled into one.
const POOLED: usize = 1 << WIDTHS.len();

/// Sizes of a Short-chunk CNN.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct ShortChunkCnnConfig {
    /// Channels of the first two layers; the others have twice and four times as many.
    pub width: usize,
    /// Probability of dropping a number before the last layer in training.
    pub dropout: f32,
    /// Tags.
    pub n_tags: usize,
    /// What it sees of a sound.
    pub front_end: FrontEnd,
}

impl Architecture for ShortChunkCnnConfig {
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
        demand(self.front_end.n_mels / POOLED == 1, || {
            format!(
                "{} mel bands cannot be pooled into one: {POOLED} to {} can",
                self.front_end.n_mels,
                2 * POOLED - 1
            )
        })
    }

    fn recognise(found: &Found<'_>, _: Option<usize>) -> std::result::Result<Self, Error> {
        let [width, _, _, _] = found.dims("layer1.conv.weight")?;
        let _: [usize; 4] = found.dims("layer7.conv.weight")?;
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
            blocks.push(ConvBlock::new(&builder, ins, outs, [2, 2])?);
            ins = outs;
        }
        Ok(Box::new(ShortChunkCnn {
            input_norm: BatchNorm::new(&builder.pp("spec_bn"), 1)?,
            blocks,
            head: DenseHead::new(builder, ins, ins, self.n_tags, self.dropout)?,
            config: self.clone(),
        }))
    }
}

#[derive(Debug)]
struct ShortChunkCnn {
    config: ShortChunkCnnConfig,
    input_norm: BatchNorm,
    blocks: Vec<ConvBlock>,
    head: DenseHead,
}

impl Network for ShortChunkCnn {
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
        let x = graph.over("ReduceMax", &x, &[2, 3]);
        self.head.export(graph, &x)
    }

    fn columns(&self) -> RangeInclusive<usize> {
        POOLED..=usize::MAX
    }
}

impl FeatureMaps for ShortChunkCnn {
    fn map_grid(&self) -> MapGrid {
        let block = [AlongTime::convolution(3, 1), AlongTime::pooling(2)];
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
        let ModelConfig::ShortChunkCnn(config) = preset("short-chunk-cnn") else {
            panic!("another network");
        };
        let config = ShortChunkCnnConfig { width: 3, ..config };
        check(ModelConfig::ShortChunkCnn(config), 3, 259);
    }
}
