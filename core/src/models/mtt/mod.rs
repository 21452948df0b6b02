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
use super::insight::Insight;
use super::network::{Network, Output, Pass, TokenGrid};
use crate::features::FrontEnd;
use crate::nn::{self, BatchNorm, LayerNorm, Linear, Maps, ResidualBlock, Tape, Value, Weight};
use candle_core::{Result, Tensor, bail};
use candle_nn::{Init, VarBuilder};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

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
    /// Fails with [`Error::Impossible`].
    pub(super) fn check(&self) -> std::result::Result<(), Error> {
        let wrong = |text: String| Err(Error::Impossible(text));
        if self.conv_width == 0
            || self.attention_width == 0
            || self.n_tags == 0
            || self.max_tokens == 0
        {
            return wrong("widths, tags and tokens must be at least 1".into());
        }
        if self.n_heads == 0 || !self.attention_width.is_multiple_of(self.n_heads) {
            return wrong(format!(
                "{} heads cannot share an attention width of {}",
                self.n_heads, self.attention_width
            ));
        }
        if self.n_layers == 0 {
            return wrong("a transformer without layers".into());
        }
        if !(0.0..1.0).contains(&self.dropout) {
            return wrong(format!("dropout {} is not in [0, 1)", self.dropout));
        }
        if self.front_end.n_mels < 8 {
            return wrong(format!(
                "{} mel bands are too few to be pooled three times",
                self.front_end.n_mels
            ));
        }
        Ok(())
    }

    /// From the shapes of a checkpoint's tensors.
    pub(super) fn recognise(
        tensors: &BTreeMap<String, Tensor>,
        n_heads: Option<usize>,
    ) -> std::result::Result<Self, Error> {
        let dims = |key: &str, rank: usize| match tensors.get(key).map(Tensor::dims) {
            Some(dims) if dims.len() == rank => Ok(dims.to_vec()),
            Some(dims) => Err(Error::Unrecognised(format!("{key} has shape {dims:?}"))),
            None => Err(Error::Unrecognised(format!("no {key}"))),
        };
        let positions = dims("pos_embedding", 3)?;
        let conv = dims("frontend.layer1.conv_1.weight", 4)?;
        let tokens = dims("frontend.fc.weight", 2)?;
        let head = dims("mlp_head.1.weight", 2)?;
        let n_layers = (0..tensors.len())
            .take_while(|layer| {
                tensors.contains_key(&format!("transformer.layers.{layer}.0.fn.norm.weight"))
            })
            .count();
        let n_frequencies = tokens[1] / conv[0].max(1);
        let n_mels = match tensors.get("spec.mel_scale.fb").map(Tensor::dims) {
            Some(&[_, n_mels]) => n_mels,
            _ => n_frequencies * 8,
        };
        let front_end = FrontEnd::mtt();
        if n_mels != front_end.n_mels {
            return Err(Error::Unrecognised(format!(
                "a front end of {n_mels} mel bands"
            )));
        }
        Ok(Self {
            conv_width: conv[0],
            attention_width: positions[2],
            n_heads: n_heads.unwrap_or(8),
            n_layers,
            dropout: 0.1,
            max_tokens: positions[1].saturating_sub(1),
            n_tags: head[0],
            front_end,
        })
    }

    /// Width of what one time of the feature maps holds: channels times frequencies.
    fn map_width(&self) -> usize {
        let frequencies = POOLING
            .iter()
            .fold(self.front_end.n_mels, |n, window| n / window[0]);
        self.conv_width * frequencies
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

    /// Log-mel `[batch, mels, frames]` to tokens with positions `[batch, 1 + tokens, width]`.
    fn tokens(&self, pass: &Pass, log_mel: &Tensor) -> Result<Value> {
        let (_, n_mels, n_frames) = log_mel.dims3()?;
        if n_mels != self.config.front_end.n_mels {
            bail!(
                "a spectrogram of {n_mels} mel bands, the network sees {}",
                self.config.front_end.n_mels
            );
        }
        let (shortest, longest) = (self.shortest_frames(), self.longest_frames());
        if !(shortest..=longest).contains(&n_frames) {
            bail!("a spectrogram of {n_frames} frames, the network sees {shortest} to {longest}");
        }
        let tape = &pass.tape;
        let x = self
            .maps
            .forward(pass, &tape.constant(&log_mel.unsqueeze(1)?))?;
        let x = nn::class_and_positions(&x, &self.class_token.on(tape), &self.positions.on(tape))?;
        pass.mode.dropout(&x, self.config.dropout, "positions")
    }

    /// Logits `[rows, tags]` of class tokens `[rows, width]`.
    fn answer(&self, tape: &Tape, class_tokens: &Value) -> Result<Value> {
        self.head
            .forward(tape, &self.head_norm.forward(tape, class_tokens)?)
    }
}

impl Network for MusicTaggingTransformer {
    fn front_end(&self) -> &FrontEnd {
        &self.config.front_end
    }

    fn n_tags(&self) -> usize {
        self.config.n_tags
    }

    fn forward(&self, pass: &Pass, log_mel: &Tensor) -> Result<Output> {
        let mut x = self.tokens(pass, log_mel)?;
        let mut attention = Vec::new();
        for layer in &self.layers {
            let weights = layer.forward(pass, &mut x)?;
            if pass.record_attention {
                attention.push(weights);
            }
        }
        let logits = self.answer(&pass.tape, &nn::first_token(&x)?)?;
        Ok(Output { logits, attention })
    }

    fn inspect(&self, log_mel: &Tensor) -> Result<Option<Insight>> {
        inspect::inspect(self, log_mel)
    }

    fn tokens(&self) -> TokenGrid {
        TokenGrid {
            frames_per_token: FRAMES_PER_TOKEN,
            first_centre_frames: 1.5,
            // Two 3×3 convolutions at 1, 2 and 4 frames per pixel, and the pools: 1 + 4 + 1 + 8 + 2 + 16.
            receptive_field_frames: 32,
        }
    }

    fn shortest_frames(&self) -> usize {
        FRAMES_PER_TOKEN
    }

    fn longest_frames(&self) -> usize {
        self.config.max_tokens * FRAMES_PER_TOKEN + FRAMES_PER_TOKEN - 1
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
    use crate::nn::{Gradients, Mode, Parameters, backward, bce_with_logits};
    use crate::rng::{Address, Purpose};
    use candle_core::{DType, Device};

    pub(super) fn narrow(dropout: f32) -> MttConfig {
        let ModelConfig::MusicTaggingTransformer(config) = ModelConfig::preset("tiny").unwrap();
        MttConfig {
            conv_width: 4,
            attention_width: 8,
            n_heads: 2,
            n_layers: 2,
            dropout,
            max_tokens: 16,
            n_tags: 3,
            front_end: FrontEnd {
                n_mels: 24,
                ..config.front_end
            },
        }
    }

    pub(super) fn draw(track: u64, shape: &[usize], dtype: DType) -> Tensor {
        let mut stream = Address::new(3, Purpose::Check, track).stream();
        let values: Vec<f32> = (0..shape.iter().product())
            .map(|_| stream.normal())
            .collect();
        Tensor::from_vec(values, shape, &Device::Cpu)
            .unwrap()
            .to_dtype(dtype)
            .unwrap()
    }

    pub(super) fn network(
        config: &MttConfig,
        dtype: DType,
    ) -> (Parameters, MusicTaggingTransformer) {
        let parameters = Parameters::initialise(11, dtype);
        let network = MusicTaggingTransformer::new(config, &parameters.var_builder()).unwrap();
        (parameters, network)
    }

    fn loss(
        network: &MusicTaggingTransformer,
        log_mel: &Tensor,
        targets: &Tensor,
        tape: Tape,
    ) -> Value {
        let pass = Pass {
            tape,
            mode: Mode::Train { seed: 5, step: 9 },
            record_attention: false,
        };
        let output = network.forward(&pass, log_mel).unwrap();
        bce_with_logits(&output.logits, targets).unwrap()
    }

    fn gradients(
        dtype: DType,
        log_mel: &Tensor,
        targets: &Tensor,
    ) -> (Parameters, MusicTaggingTransformer, Gradients) {
        let (parameters, network) = network(&narrow(0.1), dtype);
        let loss = loss(&network, log_mel, targets, Tape::recording());
        let gradients = backward(&loss).unwrap();
        (parameters, network, gradients)
    }

    /// Odd sizes of frequency and time on purpose: 24 bands are pooled to 3, 27 frames to 13 and 6.
    #[test]
    fn every_parameter_gets_the_gradient_that_finite_differences_give() {
        let log_mel = draw(1, &[3, 24, 27], DType::F64);
        let targets = draw(2, &[3, 3], DType::F64)
            .gt(0.0)
            .unwrap()
            .to_dtype(DType::F64)
            .unwrap();
        let (parameters, network, gradients) = gradients(DType::F64, &log_mel, &targets);
        for (i, parameter) in parameters.weights().into_iter().enumerate() {
            let name = &parameter.name;
            let gradient = gradients
                .get(name)
                .unwrap_or_else(|| panic!("{name} has no gradient"));
            let direction = draw(100 + i as u64, parameter.tensor.dims(), DType::F64);
            let slope = (gradient * &direction)
                .unwrap()
                .sum_all()
                .unwrap()
                .to_scalar::<f64>()
                .unwrap();
            let original = parameter.tensor.copy().unwrap();
            let loss_at = |step: f64| {
                let moved = (&original + (&direction * step).unwrap()).unwrap();
                crate::nn::copy_for_tests(&parameter.tensor, &moved);
                let loss = loss(&network, &log_mel, &targets, Tape::off());
                loss.tensor().to_scalar::<f64>().unwrap()
            };
            let step = 1e-6;
            let measured = (loss_at(step) - loss_at(-step)) / (2.0 * step);
            loss_at(0.0);
            // Biases before a batch norm have no effect at all.
            assert!(
                (slope - measured).abs() < 1e-5 * slope.abs().max(1e-3),
                "{name}: gradient {slope:e}, finite differences {measured:e}"
            );
        }
    }

    #[test]
    fn the_fast_kernels_give_the_gradients_of_the_plain_loops() {
        let log_mel = draw(1, &[3, 24, 27], DType::F64);
        let targets = draw(2, &[3, 3], DType::F64)
            .gt(0.0)
            .unwrap()
            .to_dtype(DType::F64)
            .unwrap();
        let (_, _, expected) = gradients(DType::F64, &log_mel, &targets);
        let (_, _, found) = gradients(
            DType::F32,
            &log_mel.to_dtype(DType::F32).unwrap(),
            &targets.to_dtype(DType::F32).unwrap(),
        );
        for (name, expected) in expected.iter() {
            let values = |t: &Tensor| {
                t.to_dtype(DType::F64)
                    .unwrap()
                    .flatten_all()
                    .unwrap()
                    .to_vec1::<f64>()
                    .unwrap()
            };
            let (found, expected) = (values(found.get(name).unwrap()), values(expected));
            let largest = expected.iter().fold(0f64, |a, b| a.max(b.abs()));
            for (found, expected) in found.iter().zip(expected) {
                assert!(
                    (found - expected).abs() < 1e-4 * largest + 1e-6,
                    "{name}: {found} for {expected}"
                );
            }
        }
    }

    #[test]
    fn results_are_bit_equal_for_any_number_of_threads() {
        let config = MttConfig {
            conv_width: 16,
            attention_width: 64,
            ..narrow(0.1)
        };
        let log_mel = draw(1, &[5, 24, 61], DType::F32);
        let targets = draw(2, &[5, 3], DType::F32)
            .gt(0.0)
            .unwrap()
            .to_dtype(DType::F32)
            .unwrap();
        let run = |n_threads: usize| -> Vec<Vec<u32>> {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(n_threads)
                .build()
                .unwrap();
            pool.install(|| {
                let (_, network) = network(&config, DType::F32);
                let loss = loss(&network, &log_mel, &targets, Tape::recording());
                let gradients = backward(&loss).unwrap();
                let bits = |t: &Tensor| -> Vec<u32> {
                    let values = t.flatten_all().unwrap().to_vec1::<f32>().unwrap();
                    values.iter().map(|v| v.to_bits()).collect()
                };
                std::iter::once(bits(loss.tensor()))
                    .chain(gradients.iter().map(|(_, gradient)| bits(gradient)))
                    .collect()
            })
        };
        let one = run(1);
        for n_threads in [2, 3, 7] {
            assert!(run(n_threads) == one, "{n_threads} threads");
        }
    }

    #[test]
    fn spectrograms_that_are_too_short_too_long_or_of_other_bands_are_refused() {
        let (_, network) = network(&narrow(0.1), DType::F32);
        let refused = |n_mels: usize, n_frames: usize| {
            let log_mel = draw(1, &[1, n_mels, n_frames], DType::F32);
            network.forward(&Pass::inference(), &log_mel).is_err()
        };
        assert!(refused(24, 3) && refused(24, 68) && refused(23, 27));
        assert!(!refused(24, 4) && !refused(24, 67));
    }
}
