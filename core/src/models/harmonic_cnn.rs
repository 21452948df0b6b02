//! Harmonic CNN: Won, Chun, Nieto, Serra, *Data-driven harmonic filters for audio representation learning*, ICASSP 2020.
//!
//! After `minzwon/sota-music-tagging-models` (MIT), whose parameter names these are. Triangular filters at the harmonics of
//! semitones, whose bandwidth is learned, make one map per harmonic; seven convolutional blocks read them.

use super::Error;
use super::architecture::{Architecture, Found, demand, demand_sizes};
use super::dense_head::DenseHead;
use super::map_grid::{AlongTime, MapGrid};
use super::network::{FeatureMaps, Network, Output, Pass, check_input};
use super::onnx::{Graph, Wire};
use crate::features::{Input, SpectrumFrontEnd};
use crate::nn::{
    BatchNorm, ConvBlock, DECIBEL_FLOOR, Maps, Over, ResidualBlock, Tape, Value, Weight,
    band_filters, decibels, global_max_pool, linear, reshape, transpose,
};
use candle_core::{Device, Result, Tensor};
use candle_nn::{Init, VarBuilder};
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;

/// MIDI number of the lowest filter: C1.
const LOWEST_MIDI: f64 = 24.0;

/// Bandwidth in Hz at a centre of 0 Hz, and what each Hz adds (Glasberg and Moore, 1990).
const BANDWIDTH: [f64; 2] = [24.7, 0.1079];

/// Frames that are pooled into one.
const FRAMES: usize = 288;

/// Bands that are pooled into one.
const BANDS: usize = 128;

/// Sizes of a Harmonic CNN.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct HarmonicCnnConfig {
    /// Channels of the first four layers; the other three have twice as many.
    pub width: usize,
    /// Harmonics, the fundamental included.
    pub n_harmonics: usize,
    /// Filters per semitone.
    pub filters_per_semitone: usize,
    /// Probability of dropping a number before the last layer in training.
    pub dropout: f32,
    /// Tags.
    pub n_tags: usize,
    /// The spectrum under the filters.
    pub front_end: SpectrumFrontEnd,
}

impl HarmonicCnnConfig {
    /// Filters of one harmonic: from C1 to where the highest harmonic reaches the Nyquist frequency.
    fn n_bands(&self) -> usize {
        let highest_hz =
            f64::from(self.front_end.sample_rate_hz) / (2.0 * self.n_harmonics.max(1) as f64);
        let highest_midi = (69.0 + 12.0 * (highest_hz / 440.0).log2()).round();
        (highest_midi - LOWEST_MIDI).max(0.0) as usize * self.filters_per_semitone
    }

    /// Centre frequencies, harmonic by harmonic.
    fn centres_hz(&self) -> Vec<f64> {
        let midi = |band: usize| LOWEST_MIDI + band as f64 / self.filters_per_semitone as f64;
        let hz = |band: usize| 440.0 * ((midi(band) - 69.0) / 12.0).exp2();
        (1..=self.n_harmonics)
            .flat_map(|harmonic| (0..self.n_bands()).map(move |band| hz(band) * harmonic as f64))
            .collect()
    }
}

impl Architecture for HarmonicCnnConfig {
    fn n_tags(&self) -> usize {
        self.n_tags
    }

    fn set_n_tags(&mut self, n_tags: usize) {
        self.n_tags = n_tags;
    }

    fn input(&self) -> Input {
        Input::Spectrum(self.front_end.clone())
    }

    fn check(&self) -> std::result::Result<(), Error> {
        let sizes = [
            self.width,
            self.n_harmonics,
            self.filters_per_semitone,
            self.n_tags,
        ];
        demand_sizes(&sizes, &[self.dropout])?;
        demand(self.n_bands() / BANDS == 1, || {
            format!(
                "{} filters per harmonic cannot be pooled into one: {BANDS} to {} can",
                self.n_bands(),
                2 * BANDS - 1
            )
        })
    }

    fn recognise(found: &Found<'_>, _: Option<usize>) -> std::result::Result<Self, Error> {
        let _: [usize; 1] = found.dims("hstft.bw_Q")?;
        let [width, n_harmonics, _, _] = found.dims("layer1.conv.weight")?;
        let [n_tags, _] = found.dims("dense2.weight")?;
        Ok(Self {
            width,
            n_harmonics,
            filters_per_semitone: 2,
            dropout: 0.5,
            n_tags,
            front_end: SpectrumFrontEnd {
                sample_rate_hz: 16_000,
                n_fft: 512,
                hop_samples: 256,
            },
        })
    }

    fn build(&self, builder: &VarBuilder<'_>) -> Result<Box<dyn Network>> {
        let (width, layer) = (self.width, |i: usize| builder.pp(format!("layer{i}")));
        let residual = |i: usize, width: usize, window: [usize; 2]| {
            ResidualBlock::new(&layer(i), width, width, [1, 1], window)
        };
        let centres_hz = self.centres_hz();
        let bandwidths_hz: Vec<f64> = centres_hz
            .iter()
            .map(|hz| BANDWIDTH[0] + BANDWIDTH[1] * hz)
            .collect();
        let n_bins = self.front_end.n_fft / 2 + 1;
        let nyquist_hz = f64::from(self.front_end.sample_rate_hz / 2);
        let bins_hz: Vec<f64> = (0..n_bins)
            .map(|bin| bin as f64 * nyquist_hz / (n_bins - 1) as f64)
            .collect();
        let fixed = |values: Vec<f64>| Tensor::new(values, &Device::Cpu)?.to_dtype(builder.dtype());
        Ok(Box::new(HarmonicCnn {
            q: Weight::new(&builder.pp("hstft"), &[1], "bw_Q", Init::Const(1.0))?,
            centres_hz: fixed(centres_hz)?,
            bandwidths_hz: fixed(bandwidths_hz)?,
            bins_hz: fixed(bins_hz)?,
            input_norm: BatchNorm::new(&builder.pp("hstft_bn"), self.n_harmonics)?,
            first: ConvBlock::new(&layer(1), self.n_harmonics, width, [2, 2])?,
            narrow: [
                residual(2, width, [2, 2])?,
                residual(3, width, [2, 2])?,
                residual(4, width, [2, 2])?,
            ],
            widen: ConvBlock::new(&layer(5), width, 2 * width, [2, 2])?,
            wide: [
                residual(6, 2 * width, [2, 3])?,
                residual(7, 2 * width, [2, 3])?,
            ],
            head: DenseHead::new(builder, 2 * width, 2 * width, self.n_tags, self.dropout)?,
            config: self.clone(),
        }))
    }
}

#[derive(Debug)]
struct HarmonicCnn {
    config: HarmonicCnnConfig,
    /// How narrow the filters are.
    q: Weight,
    centres_hz: Tensor,
    bandwidths_hz: Tensor,
    bins_hz: Tensor,
    input_norm: BatchNorm,
    first: ConvBlock,
    narrow: [ResidualBlock; 3],
    widen: ConvBlock,
    wide: [ResidualBlock; 2],
    head: DenseHead,
}

impl HarmonicCnn {
    /// `[harmonics * bands, bins]`, as wide as they are now.
    fn filters(&self, tape: &Tape) -> Result<Value> {
        band_filters(
            &self.q.on(tape),
            &self.centres_hz,
            &self.bandwidths_hz,
            &self.bins_hz,
        )
    }

    /// Power spectra `[batch, bins, frames]` to decibels `[batch, harmonics, bands, frames]`.
    fn harmonics(&self, pass: &Pass, x: &Value) -> Result<Value> {
        let filters = self.filters(&pass.tape)?;
        let (batch, _, frames) = x.dims3()?;
        let x = transpose(x, 1, 2)?;
        let y = transpose(&linear(&x, &filters, None)?, 1, 2)?;
        let bands = self.config.n_bands();
        decibels(&reshape(
            &y,
            &[batch, self.config.n_harmonics, bands, frames],
        )?)
    }
}

impl Network for HarmonicCnn {
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

    /// The learned filters become a fixed table.
    fn export(&self, graph: &mut Graph, x: &Wire) -> Result<Wire> {
        let filters = self.filters(&Tape::off())?;
        let filters = graph.tensor("hstft.filters", filters.tensor()?)?;
        let x = graph.binary("MatMul", &filters, x);
        let (harmonics, bands) = (self.config.n_harmonics as i64, self.config.n_bands() as i64);
        let x = graph.reshape(&x, &[0, harmonics, bands, -1]);
        let floor = graph.number(DECIBEL_FLOOR as f32);
        let unit = graph.number((10.0 / std::f64::consts::LN_10) as f32);
        let x = graph.binary("Max", &x, &floor);
        let x = graph.unary("Log", &x);
        let x = graph.binary("Mul", &x, &unit);
        let x = graph.batch_norm(&self.input_norm, &x)?;
        let mut x = graph.conv_block(&self.first, &x)?;
        for block in &self.narrow {
            x = graph.residual_block(block, &x)?;
        }
        x = graph.conv_block(&self.widen, &x)?;
        for block in &self.wide {
            x = graph.residual_block(block, &x)?;
        }
        let x = graph.over("ReduceMax", &x, &[2, 3]);
        self.head.export(graph, &x)
    }

    fn columns(&self) -> RangeInclusive<usize> {
        FRAMES..=usize::MAX
    }
}

impl FeatureMaps for HarmonicCnn {
    /// Behind five of the seven blocks: 9 columns in the published 5 s, one more block would leave 3.
    fn map_grid(&self) -> MapGrid {
        let (conv, pool) = (AlongTime::convolution(3, 1), AlongTime::pooling(2));
        let narrow = self.narrow.iter().flat_map(|_| [conv, conv, pool]);
        MapGrid::behind([conv, pool].into_iter().chain(narrow).chain([conv, pool]))
    }

    fn to_maps(&self, pass: &Pass, x: &Value) -> Result<Maps> {
        check_input(self, x)?;
        let (tape, mode) = (&pass.tape, pass.mode);
        let x = self.harmonics(pass, x)?;
        let mut maps = Maps::new(&self.input_norm.forward(tape, mode, &x)?)?;
        maps = self.first.forward(tape, mode, &maps)?;
        for block in &self.narrow {
            maps = block.forward(tape, mode, &maps)?;
        }
        self.widen.forward(tape, mode, &maps)
    }

    fn read_maps(&self, pass: &Pass, maps: &Maps) -> Result<Output> {
        let mut maps = maps.clone();
        for block in &self.wide {
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
        let ModelConfig::HarmonicCnn(config) = preset("harmonic-cnn") else {
            panic!("another network");
        };
        let config = HarmonicCnnConfig { width: 2, ..config };
        check(ModelConfig::HarmonicCnn(config), 3, 290);
    }
}
