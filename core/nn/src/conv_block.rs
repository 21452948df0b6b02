//! A convolution with batch norm, ReLU and maximum pooling behind it: what most networks are built of.

use super::layers::{BatchNorm, Conv1d, Conv2d, Mode};
use super::residual::Maps;
use super::tape::{Tape, Value};
use super::{Conv1dOptions, ConvOptions, max_pool1d, max_pool2d, relu};
use candle_core::Result;
use candle_nn::VarBuilder;

/// Convolution 3 × 3 that keeps the size, batch norm, ReLU, maximum pooling.
#[derive(Clone, Debug)]
pub struct ConvBlock {
    conv: Conv2d,
    norm: BatchNorm,
    window: [usize; 2],
}

impl ConvBlock {
    /// From `conv` and `bn` below `builder`. `window`: of the pooling.
    pub fn new(
        builder: &VarBuilder<'_>,
        in_channels: usize,
        out_channels: usize,
        window: [usize; 2],
    ) -> Result<Self> {
        let options = ConvOptions {
            padding: [1, 1],
            ..ConvOptions::default()
        };
        let conv = &builder.pp("conv");
        Ok(Self {
            conv: Conv2d::new(conv, in_channels, out_channels, [3, 3], options)?,
            norm: BatchNorm::new(&builder.pp("bn"), out_channels)?,
            window,
        })
    }

    /// Maps to pooled maps. Fails if they are smaller than the window, or in training if a channel has a single value.
    pub fn forward(&self, tape: &Tape, mode: Mode, x: &Maps) -> Result<Maps> {
        let y = self.conv.forward(tape, &x.to_value()?)?;
        let y = relu(&self.norm.forward(tape, mode, &y)?)?;
        Maps::new(&max_pool2d(&y, self.window)?)
    }
}

/// Convolution over time, batch norm, ReLU, maximum pooling.
#[derive(Clone, Debug)]
pub struct ConvBlock1d {
    conv: Conv1d,
    norm: BatchNorm,
    window: usize,
}

impl ConvBlock1d {
    /// From `conv` and `bn` below `builder`. The convolution is padded by half its taps. `window`: of the pooling; 1 is none.
    pub fn new(
        builder: &VarBuilder<'_>,
        in_channels: usize,
        out_channels: usize,
        taps: usize,
        stride: usize,
        window: usize,
    ) -> Result<Self> {
        let options = Conv1dOptions {
            stride,
            padding: taps / 2,
            ..Conv1dOptions::default()
        };
        let conv = &builder.pp("conv");
        Ok(Self {
            conv: Conv1d::new(conv, in_channels, out_channels, taps, options)?,
            norm: BatchNorm::new(&builder.pp("bn"), out_channels)?,
            window,
        })
    }

    /// `[batch, in, length]` to `[batch, out, length]`. Fails if there is less than a window.
    pub fn forward(&self, tape: &Tape, mode: Mode, x: &Value) -> Result<Value> {
        let y = self
            .norm
            .forward(tape, mode, &self.conv.forward(tape, x)?)?;
        let y = relu(&y)?;
        if self.window == 1 {
            return Ok(y);
        }
        max_pool1d(&y, self.window)
    }
}
