//! CNNSA: Won, Chun, Serra, *Toward interpretable music tagging with self-attention*, 2019.
//!
//! After `minzwon/sota-music-tagging-models` (MIT), whose parameter names these are. The residual blocks of the Short-chunk ResNet
//! leave one frequency and every eighth frame; a class token that is no parameter and two post-norm transformer layers without
//! positions read them.

mod class_token;
mod layer;

use self::layer::Layer;
use super::Error;
use super::architecture::{Architecture, Found, demand, demand_sizes};
use super::insight::{Ask, Insight, Variants};
use super::network::{ClassToken, Network, Output, Pass, TokenGrid, check_input, picture};
use super::onnx::{Graph, Wire};
use crate::features::{FrontEnd, Input};
use crate::nn::{BatchNorm, Linear, Maps, ResidualBlock, Value, concat, first_token, tanh};
use candle_core::{Device, Result, Tensor, bail};
use candle_nn::VarBuilder;
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;

/// Channels (in widths) and stride (frequency, time) of the residual blocks.
const BLOCKS: [(usize, [usize; 2]); 7] = [
    (1, [2, 2]),
    (1, [2, 2]),
    (2, [2, 2]),
    (2, [2, 1]),
    (2, [2, 1]),
    (2, [2, 1]),
    (2, [2, 1]),
];

/// Frames per token: the product of the strides over time.
const FRAMES_PER_TOKEN: usize = 8;

/// Sizes of a CNNSA.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct CnnsaConfig {
    /// Channels of the first two blocks; the others, and a token, have twice as many.
    pub width: usize,
    /// Attention heads; they share the width of a token.
    pub n_heads: usize,
    /// Transformer layers.
    pub n_layers: usize,
    /// Width of the hidden layer of the feed-forward part.
    pub feed_forward_width: usize,
    /// Probability of dropping an attention weight in training.
    pub attention_dropout: f32,
    /// Probability of dropping a number of what a transformer layer adds.
    pub hidden_dropout: f32,
    /// Probability of dropping a number before the last layer in training.
    pub dropout: f32,
    /// Tags.
    pub n_tags: usize,
    /// What it sees of a sound.
    pub front_end: FrontEnd,
}

impl CnnsaConfig {
    fn token_width(&self) -> usize {
        2 * self.width
    }
}

impl Architecture for CnnsaConfig {
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
            self.width,
            self.n_heads,
            self.n_layers,
            self.feed_forward_width,
            self.n_tags,
        ];
        let dropouts = [self.attention_dropout, self.hidden_dropout, self.dropout];
        demand_sizes(&sizes, &dropouts)?;
        demand(self.token_width().is_multiple_of(self.n_heads), || {
            format!(
                "{} heads cannot share a width of {}",
                self.n_heads,
                self.token_width()
            )
        })?;
        let most = 1 << BLOCKS.len();
        demand((1..=most).contains(&self.front_end.n_mels), || {
            format!(
                "{} mel bands do not become one by halving: 1 to {most} do",
                self.front_end.n_mels
            )
        })
    }

    fn recognise(found: &Found<'_>, n_heads: Option<usize>) -> std::result::Result<Self, Error> {
        let [width, _, _, _] = found.dims("layer1.conv_1.weight")?;
        let [feed_forward_width, _] = found.dims("encoder.layer.0.intermediate.dense.weight")?;
        let [n_tags, _] = found.dims("dense.weight")?;
        let n_layers = found.n_layers(|layer| format!("encoder.layer.{layer}.output.dense.weight"));
        let front_end = FrontEnd::sota128();
        found.check_bands(front_end.n_mels)?;
        Ok(Self {
            width,
            n_heads: n_heads.unwrap_or(8),
            n_layers,
            feed_forward_width,
            attention_dropout: 0.5,
            hidden_dropout: 0.4,
            dropout: 0.5,
            n_tags,
            front_end,
        })
    }

    fn build(&self, builder: &VarBuilder<'_>) -> Result<Box<dyn Network>> {
        let mut ins = 1;
        let mut blocks = Vec::new();
        for (i, (widths, stride)) in BLOCKS.into_iter().enumerate() {
            let builder = builder.pp(format!("layer{}", i + 1));
            let outs = widths * self.width;
            blocks.push(ResidualBlock::new(&builder, ins, outs, stride, [1, 1])?);
            ins = outs;
        }
        let width = self.token_width();
        let layers = (0..self.n_layers)
            .map(|i| Layer::new(self, &builder.pp(format!("encoder.layer.{i}"))))
            .collect::<Result<_>>()?;
        Ok(Box::new(Cnnsa {
            input_norm: BatchNorm::new(&builder.pp("spec_bn"), 1)?,
            blocks,
            class_token: Tensor::from_vec(
                class_token::class_token(width),
                (1, 1, width),
                &Device::Cpu,
            )?
            .to_dtype(builder.dtype())?,
            layers,
            pooler: Linear::new(&builder.pp("pooler.dense"), width, width)?,
            output: Linear::new(&builder.pp("dense"), width, self.n_tags)?,
            config: self.clone(),
        }))
    }
}

#[derive(Debug)]
struct Cnnsa {
    config: CnnsaConfig,
    input_norm: BatchNorm,
    blocks: Vec<ResidualBlock>,
    /// `[1, 1, width]`, not learned.
    class_token: Tensor,
    layers: Vec<Layer>,
    pooler: Linear,
    output: Linear,
}

impl Cnnsa {
    /// Logits of class tokens `[rows, width]`.
    fn answer(&self, pass: &Pass, class_tokens: &Value) -> Result<Value> {
        let pooled = tanh(&self.pooler.forward(&pass.tape, class_tokens)?)?;
        let pooled = pass.mode.dropout(&pooled, self.config.dropout, "head")?;
        self.output.forward(&pass.tape, &pooled)
    }
}

impl Network for Cnnsa {
    fn input(&self) -> Input {
        self.config.input()
    }

    fn n_tags(&self) -> usize {
        self.config.n_tags
    }

    fn run(&self, pass: &Pass, x: &Value) -> Result<Output> {
        self.read_tokens(pass, self.to_tokens(pass, x)?)
    }

    fn class_token(&self) -> Option<&dyn ClassToken> {
        Some(self)
    }

    fn export(&self, graph: &mut Graph, x: &Wire) -> Result<Wire> {
        let x = graph.unsqueeze(x, 1);
        let mut x = graph.batch_norm(&self.input_norm, &x)?;
        for block in &self.blocks {
            x = graph.residual_block(block, &x)?;
        }
        let x = graph.tokens_of_maps(&x);
        let class = graph.tensor("class_token", &self.class_token)?;
        let mut x = graph.class_token(&class, self.config.token_width(), &x);
        for layer in &self.layers {
            x = layer.export(graph, &x)?;
        }
        let x = graph.first_token(&x);
        let x = graph.linear(&self.pooler, &x)?;
        let x = graph.unary("Tanh", &x);
        graph.linear(&self.output, &x)
    }

    fn columns(&self) -> RangeInclusive<usize> {
        1..=usize::MAX
    }
}

impl ClassToken for Cnnsa {
    fn grid(&self) -> TokenGrid {
        TokenGrid {
            frames_per_token: FRAMES_PER_TOKEN,
            first_centre_frames: 0.0,
            // Two 3 × 3 convolutions a block, the first of them before the stride: 1 + 2 + 4 + 4 + 8 + 8 + 16, then 4 times 32.
            receptive_field_frames: 171,
            last_is_partial: true,
        }
    }

    fn hear(&self, pass: &Pass, x: &Value) -> Result<Value> {
        check_input(self, x)?;
        let (tape, mode) = (&pass.tape, pass.mode);
        let x = picture(x)?;
        let mut maps = Maps::new(&self.input_norm.forward(tape, mode, &x)?)?;
        for block in &self.blocks {
            maps = block.forward(tape, mode, &maps)?;
        }
        maps.to_tokens()
    }

    fn place(&self, pass: &Pass, tokens: &Value) -> Result<Value> {
        let (batch, _, width) = tokens.dims3()?;
        let class_tokens = self.class_token.broadcast_as((batch, 1, width))?;
        let class_tokens = pass.tape.constant(&class_tokens.contiguous()?);
        concat([&class_tokens, tokens], 1)
    }

    fn read_tokens(&self, pass: &Pass, tokens: Value) -> Result<Output> {
        let mut x = tokens;
        let mut attention = Vec::new();
        for layer in &self.layers {
            let attended = layer.forward(pass, &mut x)?;
            pass.keep(&mut attention, attended);
        }
        let logits = self.answer(pass, &first_token(&x)?)?;
        Ok(Output { logits, attention })
    }

    fn inspect(&self, tokens: &Tensor, ask: Ask) -> Result<Insight> {
        let pass = Pass::inference();
        let mut x = self.place(&pass, &Value::constant(tokens.unsqueeze(0)?))?;
        let Some((last, lower)) = self.layers.split_last() else {
            bail!("a network without layers of attention has nothing to tell");
        };
        let mut attention = Vec::new();
        for layer in lower {
            attention.push(layer.forward(&pass, &mut x)?);
        }
        let attended = last.attend(&pass, &x)?;
        let variants = Variants::new(&attended, last.n_heads, ask)?;
        let rows = variants.beside(&x)?;
        let read = last.after_attention(&pass, &rows, &variants.contexts)?;
        let logits = self.answer(&pass, &last.feed_forward(&pass.tape, pass.mode, &read)?)?;
        let reads = last.to_out.forward(&pass.tape, &variants.shares)?;
        attention.push(attended);
        variants.insight(&logits, &reads, &attention)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::ModelConfig;
    use crate::models::check::{check, preset};

    #[test]
    fn gradients_bits_and_refusals() {
        let ModelConfig::Cnnsa(config) = preset("cnnsa") else {
            panic!("another network");
        };
        let config = CnnsaConfig {
            width: 4,
            n_heads: 2,
            feed_forward_width: 12,
            ..config
        };
        check(ModelConfig::Cnnsa(config), 3, 37);
    }

    #[test]
    fn what_it_tells_of_its_answer_is_its_answer() {
        let ModelConfig::Cnnsa(config) = preset("cnnsa") else {
            panic!("another network");
        };
        let config = CnnsaConfig { width: 4, ..config };
        let parameters = crate::nn::Parameters::initialise(3, candle_core::DType::F32);
        let network = config.build(&parameters.var_builder()).unwrap();
        for n_frames in 1..=40 {
            let x = crate::models::check::draw(1, &[128, n_frames], candle_core::DType::F32);
            let class_token = network.class_token().unwrap();
            let x = Value::constant(x.unsqueeze(0).unwrap());
            let heard = class_token.hear(&Pass::inference(), &x).unwrap();
            let heard = heard.tensor().unwrap().squeeze(0).unwrap();
            let insight = class_token.inspect(&heard, Ask::default()).unwrap();
            let output = network.run(&Pass::inference(), &x).unwrap();
            let logits: Vec<f32> = output
                .logits
                .tensor()
                .unwrap()
                .flatten_all()
                .unwrap()
                .to_vec1()
                .unwrap();
            for (one, other) in insight.logits.iter().zip(&logits) {
                assert!((one - other).abs() < 1e-5, "{one} for {other}");
            }
            let n_tokens = class_token.grid().n_tokens(n_frames);
            assert_eq!(insight.n_tokens, n_tokens, "{n_frames} frames");
            let mean: f32 = insight.attention[1].class_row().iter().sum();
            assert!((mean - 1.0).abs() < 1e-5);
        }
    }
}
