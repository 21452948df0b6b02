//! Musicnn: Pons, Serra, *musicnn: pre-trained convolutional neural networks for music audio tagging*, ISMIR 2019 (late-breaking).
//!
//! After `minzwon/sota-music-tagging-models` (MIT), whose parameter names these are. Tall filters that look for timbre and long ones
//! that look for rhythm, three residual convolutions over time, and the largest and mean values over the clip.

use super::Error;
use super::architecture::{Architecture, Found, demand, demand_sizes};
use super::dense_head::DenseHead;
use super::map_grid::{AlongTime, MapGrid};
use super::network::{
    FeatureMaps, Network, Output, Pass, check_input, columns_of_maps, maps_of_columns, picture,
};
use super::onnx::{Graph, Wire};
use crate::features::{FrontEnd, Input};
use crate::nn::{
    BatchNorm, Conv1d, Conv1dOptions, Conv2d, ConvBlock1d, ConvOptions, Maps, Over, Value, add,
    avg_pool2d, concat, global_avg_pool, global_max_pool, max_pool2d, relu, reshape,
};
use candle_core::Result;
use candle_nn::VarBuilder;
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;

/// Heights of the tall filters, as shares of the mel bands; they are seven frames wide.
const HEIGHTS: [f64; 2] = [0.7, 0.4];

/// Lengths of the long filters, in frames.
const LENGTHS: [usize; 3] = [129, 65, 33];

/// Frames under a filter, where it is not a long one.
const WIDTH: usize = 7;

/// Sizes of a Musicnn.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct MusicnnConfig {
    /// Tall filters of each height.
    pub n_tall: usize,
    /// Long filters of each length.
    pub n_long: usize,
    /// Channels of the three convolutions behind them: 64 for MagnaTagATune and MTG-Jamendo, 512 for the MSD.
    pub back_end_width: usize,
    /// Width of the hidden dense layer: 200, or 500 for the MSD.
    pub dense_width: usize,
    /// Probability of dropping a number before the last layer in training.
    pub dropout: f32,
    /// Tags.
    pub n_tags: usize,
    /// What it sees of a sound.
    pub front_end: FrontEnd,
}

impl MusicnnConfig {
    fn heights(&self) -> [usize; 2] {
        HEIGHTS.map(|share| (share * self.front_end.n_mels as f64) as usize)
    }

    /// Channels of all filters side by side.
    fn front_width(&self) -> usize {
        HEIGHTS.len() * self.n_tall + LENGTHS.len() * self.n_long
    }
}

impl Architecture for MusicnnConfig {
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
        let widths = [
            self.n_tall,
            self.n_long,
            self.back_end_width,
            self.dense_width,
            self.n_tags,
        ];
        demand_sizes(&widths, &[self.dropout])?;
        demand(!self.heights().contains(&0), || {
            format!("{} mel bands are too few", self.front_end.n_mels)
        })
    }

    fn recognise(found: &Found<'_>, _: Option<usize>) -> std::result::Result<Self, Error> {
        let [n_tall, _, height, _] = found.dims("layers.0.conv.weight")?;
        let [n_long, _, _] = found.dims("layers.2.conv.weight")?;
        let [back_end_width, _, _] = found.dims("layer1.conv.weight")?;
        let [dense_width, _] = found.dims("dense1.weight")?;
        let [n_tags, _] = found.dims("dense2.weight")?;
        let front_end = FrontEnd::sota96();
        found.check_bands(front_end.n_mels)?;
        let config = Self {
            n_tall,
            n_long,
            back_end_width,
            dense_width,
            dropout: 0.5,
            n_tags,
            front_end,
        };
        if height != config.heights()[0] {
            return Err(Error::Unrecognised(format!("filters of {height} bands")));
        }
        Ok(config)
    }

    fn build(&self, builder: &VarBuilder<'_>) -> Result<Box<dyn Network>> {
        let filters = |i: usize| builder.pp(format!("layers.{i}"));
        let tall = self.heights().into_iter().enumerate().map(|(i, height)| {
            let options = ConvOptions {
                padding: [0, WIDTH / 2],
                ..ConvOptions::default()
            };
            let conv = filters(i).pp("conv");
            Ok((
                Conv2d::new(&conv, 1, self.n_tall, [height, WIDTH], options)?,
                BatchNorm::new(&filters(i).pp("bn"), self.n_tall)?,
            ))
        });
        let long = LENGTHS.into_iter().enumerate().map(|(i, length)| {
            let builder = filters(HEIGHTS.len() + i);
            let options = Conv1dOptions {
                padding: length / 2,
                ..Conv1dOptions::default()
            };
            Ok((
                Conv1d::new(&builder.pp("conv"), 1, self.n_long, length, options)?,
                BatchNorm::new(&builder.pp("bn"), self.n_long)?,
            ))
        });
        let width = self.back_end_width;
        let back_end = [self.front_width(), width, width]
            .into_iter()
            .enumerate()
            .map(|(i, ins)| {
                let builder = builder.pp(format!("layer{}", i + 1));
                ConvBlock1d::new(&builder, ins, width, WIDTH, 1, 1)
            });
        let pooled = 2 * (self.front_width() + 3 * width);
        Ok(Box::new(Musicnn {
            input_norm: BatchNorm::new(&builder.pp("spec_bn"), 1)?,
            tall: tall.collect::<Result<_>>()?,
            long: long.collect::<Result<_>>()?,
            back_end: back_end.collect::<Result<_>>()?,
            head: DenseHead::new(builder, pooled, self.dense_width, self.n_tags, self.dropout)?,
            config: self.clone(),
        }))
    }
}

#[derive(Debug)]
struct Musicnn {
    config: MusicnnConfig,
    input_norm: BatchNorm,
    tall: Vec<(Conv2d, BatchNorm)>,
    long: Vec<(Conv1d, BatchNorm)>,
    back_end: Vec<ConvBlock1d>,
    head: DenseHead,
}

impl Musicnn {
    /// `[batch, 1, mels, frames]` to `[batch, channels, frames]`.
    fn filter(&self, pass: &Pass, x: &Value) -> Result<Value> {
        let (tape, mode) = (&pass.tape, pass.mode);
        let (batch, _, bands, frames) = x.dims4()?;
        let mut filtered = Vec::new();
        for (conv, norm) in &self.tall {
            let y = relu(&norm.forward(tape, mode, &conv.forward(tape, x)?)?)?;
            let (_, channels, height, _) = y.dims4()?;
            let y = max_pool2d(&y, [height, 1])?;
            filtered.push(reshape(&y, &[batch, channels, frames])?);
        }
        let loudness = reshape(&avg_pool2d(x, [bands, 1])?, &[batch, 1, frames])?;
        for (conv, norm) in &self.long {
            let y = conv.forward(tape, &loudness)?;
            filtered.push(relu(&norm.forward(tape, mode, &y)?)?);
        }
        let [a, b, c, d, e] = &filtered[..] else {
            candle_core::bail!("two tall and three long filters");
        };
        concat([a, b, c, d, e], 1)
    }
}

impl Network for Musicnn {
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
        let x = graph.batch_norm(&self.input_norm, &x)?;
        let mut filtered = Vec::new();
        for (conv, norm) in &self.tall {
            let y = graph.conv2d(conv, &x)?;
            let y = graph.batch_norm(norm, &y)?;
            let y = graph.unary("Relu", &y);
            filtered.push(graph.over("ReduceMax", &y, &[2]));
        }
        let loudness = graph.over("ReduceMean", &x, &[2]);
        for (conv, norm) in &self.long {
            let y = graph.conv1d(conv, &loudness)?;
            let y = graph.batch_norm(norm, &y)?;
            filtered.push(graph.unary("Relu", &y));
        }
        let front = graph.concat(&filtered.iter().collect::<Vec<_>>(), 1);
        let mut all = vec![front];
        for (i, block) in self.back_end.iter().enumerate() {
            let y = graph.conv_block1d(block, &all[i])?;
            all.push(match i {
                0 => y,
                i => graph.binary("Add", &y, &all[i]),
            });
        }
        let y = graph.concat(&all.iter().collect::<Vec<_>>(), 1);
        let largest = graph.over("ReduceMax", &y, &[2]);
        let mean = graph.over("ReduceMean", &y, &[2]);
        let y = graph.concat(&[&largest, &mean], 1);
        self.head.export(graph, &y)
    }

    fn columns(&self) -> RangeInclusive<usize> {
        1..=usize::MAX
    }
}

impl FeatureMaps for Musicnn {
    /// No layer strides or pools along time. What is furthest away that a column sees, the longest filter and all three convolutions see.
    fn map_grid(&self) -> MapGrid {
        let longest = AlongTime::convolution(LENGTHS[0], 1);
        let back_end = self
            .back_end
            .iter()
            .map(|_| AlongTime::convolution(WIDTH, 1));
        MapGrid::behind(std::iter::once(longest).chain(back_end))
    }

    /// All that is pooled over time: what the filters and each of the three convolutions give, side by side.
    fn to_maps(&self, pass: &Pass, x: &Value) -> Result<Maps> {
        check_input(self, x)?;
        let (tape, mode) = (&pass.tape, pass.mode);
        let x = picture(x)?;
        let front = self.filter(pass, &self.input_norm.forward(tape, mode, &x)?)?;
        let [one, two, three] = &self.back_end[..] else {
            candle_core::bail!("three convolutions over time");
        };
        let one = one.forward(tape, mode, &front)?;
        let two = add(&two.forward(tape, mode, &one)?, &one)?;
        let three = add(&three.forward(tape, mode, &two)?, &two)?;
        maps_of_columns(&concat([&front, &one, &two, &three], 1)?)
    }

    fn read_maps(&self, pass: &Pass, maps: &Maps) -> Result<Output> {
        let y = columns_of_maps(maps)?;
        let y = concat(
            [
                &global_max_pool(&y, Over::Time)?,
                &global_avg_pool(&y, Over::Time)?,
            ],
            1,
        )?;
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
        let ModelConfig::Musicnn(config) = preset("musicnn") else {
            panic!("another network");
        };
        let config = MusicnnConfig {
            n_tall: 2,
            n_long: 2,
            back_end_width: 3,
            dense_width: 4,
            ..config
        };
        check(ModelConfig::Musicnn(config), 3, 21);
    }
}
