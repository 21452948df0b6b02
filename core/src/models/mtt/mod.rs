//! Music Tagging Transformer: Won, Choi, Serra, *Semi-Supervised Music Tagging Transformer*, ISMIR 2021, section 3.1.
//!
//! After `minzwon/semi-supervised-music-tagging-transformer` (MIT), whose parameter names these are.
//!
//! | step | shape (C convolution width, D attention width) |
//! |---|---|
//! | log-mel, batch norm | batch, 1, 128, frames |
//! | three residual blocks, pooled 2×2, 2×2, 2×1 | batch, C, 16, frames / 4 |
//! | channels and frequencies of one time side by side, linear | batch, tokens, D |
//! | class token first, learned positions, dropout | batch, 1 + tokens, D |
//! | pre-norm transformer layers | batch, 1 + tokens, D |
//! | class token: layer norm, linear | batch, tags |

mod inspect;
mod layer;

use self::layer::Layer;
use super::Error;
use super::architecture::{Architecture, Found, demand, demand_sizes};
use super::insight::{Ask, Insight};
use super::network::{ClassToken, Network, Output, Pass, TokenGrid, check_input, picture};
use super::onnx::{Graph, Wire};
use crate::features::{FrontEnd, Input};
use crate::nn::{self, BatchNorm, LayerNorm, Linear, Maps, ResidualBlock, Tape, Value, Weight};
use candle_core::{Result, Tensor};
use candle_nn::{Init, VarBuilder};
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;

/// Windows (frequency, time) of the pooling after each residual block.
const POOLING: [[usize; 2]; 3] = [[2, 2], [2, 2], [2, 1]];

/// Frames per token: the product of the pooling over time.
const FRAMES_PER_TOKEN: usize = 4;

/// Sizes of a Music Tagging Transformer.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct MttConfig {
    /// Channels of the convolutions.
    pub conv_width: usize,
    /// Width of a token.
    pub attention_width: usize,
    /// Attention heads; they share the width.
    pub n_heads: usize,
    /// Transformer layers.
    pub n_layers: usize,
    /// Probability of dropping a number in training.
    pub dropout: f32,
    /// The most tokens that there are positions for.
    pub max_tokens: usize,
    /// Tags.
    pub n_tags: usize,
    /// What it sees of a sound.
    pub front_end: FrontEnd,
}

impl MttConfig {
    /// Width of what one time of the feature maps holds: channels times frequencies.
    fn map_width(&self) -> usize {
        let frequencies = POOLING
            .iter()
            .fold(self.front_end.n_mels, |n, window| n / window[0]);
        self.conv_width * frequencies
    }
}

impl Architecture for MttConfig {
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
        let sizes = [
            self.conv_width,
            self.attention_width,
            self.n_heads,
            self.n_layers,
            self.max_tokens,
            self.n_tags,
        ];
        demand_sizes(&sizes, &[self.dropout])?;
        demand(self.attention_width.is_multiple_of(self.n_heads), || {
            format!(
                "{} heads cannot share an attention width of {}",
                self.n_heads, self.attention_width
            )
        })?;
        demand(self.front_end.n_mels >= 8, || {
            format!(
                "{} mel bands are too few to be pooled three times",
                self.front_end.n_mels
            )
        })
    }

    fn recognise(found: &Found<'_>, n_heads: Option<usize>) -> std::result::Result<Self, Error> {
        let [_, n_positions, attention_width] = found.dims("pos_embedding")?;
        let [conv_width, _, _, _] = found.dims("frontend.layer1.conv_1.weight")?;
        let [_, map_width] = found.dims("frontend.fc.weight")?;
        let [n_tags, _] = found.dims("mlp_head.1.weight")?;
        let n_layers =
            found.n_layers(|layer| format!("transformer.layers.{layer}.0.fn.norm.weight"));
        let config = Self {
            conv_width,
            attention_width,
            n_heads: n_heads.unwrap_or(8),
            n_layers,
            dropout: 0.1,
            max_tokens: n_positions.saturating_sub(1),
            n_tags,
            front_end: FrontEnd::mtt(),
        };
        found.check_bands(config.front_end.n_mels)?;
        if map_width != config.map_width() {
            return Err(Error::Unrecognised(format!(
                "tokens of {map_width} numbers do not come from {} mel bands",
                config.front_end.n_mels
            )));
        }
        Ok(config)
    }

    fn build(&self, builder: &VarBuilder<'_>) -> Result<Box<dyn Network>> {
        Ok(Box::new(MusicTaggingTransformer::new(self, builder)?))
    }
}

/// The network.
#[derive(Debug)]
pub(super) struct MusicTaggingTransformer {
    config: MttConfig,
    maps: MapFrontEnd,
    class_token: Weight,
    positions: Weight,
    layers: Vec<Layer>,
    head_norm: LayerNorm,
    head: Linear,
}

impl MusicTaggingTransformer {
    pub(super) fn new(config: &MttConfig, builder: &VarBuilder<'_>) -> Result<Self> {
        let width = config.attention_width;
        let normal = Init::Randn {
            mean: 0.0,
            stdev: 1.0,
        };
        let layers = (0..config.n_layers)
            .map(|layer| Layer::new(config, &builder.pp(format!("transformer.layers.{layer}"))))
            .collect::<Result<_>>()?;
        Ok(Self {
            maps: MapFrontEnd::new(config, &builder.pp("frontend"))?,
            class_token: Weight::new(builder, &[width], "cls_token", normal)?,
            positions: Weight::new(
                builder,
                &[1, config.max_tokens + 1, width],
                "pos_embedding",
                normal,
            )?,
            layers,
            head_norm: LayerNorm::new(&builder.pp("mlp_head.0"), width)?,
            head: Linear::new(&builder.pp("mlp_head.1"), width, config.n_tags)?,
            config: config.clone(),
        })
    }

    /// Logits `[rows, tags]` of class tokens `[rows, width]`.
    fn answer(&self, tape: &Tape, class_tokens: &Value) -> Result<Value> {
        self.head
            .forward(tape, &self.head_norm.forward(tape, class_tokens)?)
    }
}

impl Network for MusicTaggingTransformer {
    fn input(&self) -> Input {
        self.config.input()
    }

    fn n_tags(&self) -> usize {
        self.config.n_tags
    }

    fn run(&self, pass: &Pass, log_mel: &Value) -> Result<Output> {
        self.read_tokens(pass, self.to_tokens(pass, log_mel)?)
    }

    fn class_token(&self) -> Option<&dyn ClassToken> {
        Some(self)
    }

    fn export(&self, graph: &mut Graph, x: &Wire) -> Result<Wire> {
        let x = graph.unsqueeze(x, 1);
        let mut x = graph.batch_norm(&self.maps.input_norm, &x)?;
        for block in &self.maps.blocks {
            x = graph.residual_block(block, &x)?;
        }
        let x = graph.tokens_of_maps(&x);
        let x = graph.linear(&self.maps.to_tokens, &x)?;
        let class = graph.weight(&self.class_token)?;
        let x = graph.class_token(&class, self.config.attention_width, &x);
        let mut x = graph.positions(&self.positions, &x)?;
        for layer in &self.layers {
            x = layer.export(graph, &x)?;
        }
        let x = graph.first_token(&x);
        let x = graph.layer_norm(&self.head_norm, &x)?;
        graph.linear(&self.head, &x)
    }

    fn columns(&self) -> RangeInclusive<usize> {
        FRAMES_PER_TOKEN..=self.config.max_tokens * FRAMES_PER_TOKEN + FRAMES_PER_TOKEN - 1
    }
}

impl ClassToken for MusicTaggingTransformer {
    fn grid(&self) -> TokenGrid {
        TokenGrid {
            frames_per_token: FRAMES_PER_TOKEN,
            first_centre_frames: 1.5,
            // Two 3×3 convolutions at 1, 2 and 4 frames per pixel, and the pools: 1 + 4 + 1 + 8 + 2 + 16.
            receptive_field_frames: 32,
            last_is_partial: false,
        }
    }

    fn hear(&self, pass: &Pass, log_mel: &Value) -> Result<Value> {
        check_input(self, log_mel)?;
        self.maps.forward(pass, &picture(log_mel)?)
    }

    fn place(&self, pass: &Pass, tokens: &Value) -> Result<Value> {
        let tape = &pass.tape;
        let class_token = self.class_token.on(tape);
        let x = nn::class_and_positions(tokens, &class_token, &self.positions.on(tape))?;
        pass.mode.dropout(&x, self.config.dropout, "positions")
    }

    fn read_tokens(&self, pass: &Pass, tokens: Value) -> Result<Output> {
        let mut x = tokens;
        let mut attention = Vec::new();
        for layer in &self.layers {
            let attended = layer.forward(pass, &mut x)?;
            pass.keep(&mut attention, attended);
        }
        let logits = self.answer(&pass.tape, &nn::first_token(&x)?)?;
        Ok(Output { logits, attention })
    }

    fn inspect(&self, tokens: &Tensor, ask: Ask) -> Result<Insight> {
        inspect::inspect(self, tokens, ask)
    }
}

/// From spectrogram to tokens.
#[derive(Debug)]
struct MapFrontEnd {
    input_norm: BatchNorm,
    blocks: Vec<ResidualBlock>,
    to_tokens: Linear,
}

impl MapFrontEnd {
    fn new(config: &MttConfig, builder: &VarBuilder<'_>) -> Result<Self> {
        let mut in_channels = 1;
        let mut blocks = Vec::new();
        for (i, pooling) in POOLING.into_iter().enumerate() {
            let builder = builder.pp(format!("layer{}", i + 1));
            blocks.push(ResidualBlock::new(
                &builder,
                in_channels,
                config.conv_width,
                [1, 1],
                pooling,
            )?);
            in_channels = config.conv_width;
        }
        Ok(Self {
            input_norm: BatchNorm::new(&builder.pp("input_bn"), 1)?,
            blocks,
            to_tokens: Linear::new(
                &builder.pp("fc"),
                config.map_width(),
                config.attention_width,
            )?,
        })
    }

    /// `[batch, 1, mels, frames]` to `[batch, tokens, width]`.
    fn forward(&self, pass: &Pass, x: &Value) -> Result<Value> {
        let (tape, mode) = (&pass.tape, pass.mode);
        let mut maps = Maps::new(&self.input_norm.forward(tape, mode, x)?)?;
        for block in &self.blocks {
            maps = block.forward(tape, mode, &maps)?;
        }
        self.to_tokens.forward(tape, &maps.to_tokens()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::ModelConfig;
    use crate::models::check::{check, preset};
    use crate::nn::Parameters;
    use candle_core::DType;

    /// 24 bands are pooled to 3.
    pub(super) fn narrow(dropout: f32) -> MttConfig {
        let ModelConfig::MusicTaggingTransformer(config) = preset("tiny") else {
            panic!("another network");
        };
        MttConfig {
            conv_width: 4,
            attention_width: 8,
            n_heads: 2,
            n_layers: 2,
            dropout,
            max_tokens: 16,
            front_end: FrontEnd {
                n_mels: 24,
                ..config.front_end
            },
            ..config
        }
    }

    pub(super) fn network(config: &MttConfig) -> MusicTaggingTransformer {
        let parameters = Parameters::initialise(11, DType::F32);
        MusicTaggingTransformer::new(config, &parameters.var_builder()).unwrap()
    }

    /// Odd sizes on purpose: 27 frames are pooled to 13 and 6.
    #[test]
    fn gradients_bits_and_refusals() {
        check(ModelConfig::MusicTaggingTransformer(narrow(0.1)), 3, 27);
    }

    #[test]
    fn a_wider_one_that_takes_the_fast_ways() {
        let config = MttConfig {
            conv_width: 16,
            attention_width: 32,
            ..narrow(0.1)
        };
        check(ModelConfig::MusicTaggingTransformer(config), 2, 61);
    }
}
