//! A convolution with batch norm, ReLU and maximum pooling behind it: what most networks are built of.

use super::element::ConvShape;
use super::fused::{self, UnitLayers, check_channels, check_window};
use super::kernels::conv_block::Convolved;
use super::kernels::first::takes;
use super::layers::{BatchNorm, Conv1d, Conv2d, Mode};
use super::maps::Maps;
use super::tape::{Tape, Value};
use super::{Conv1dOptions, ConvOptions, max_pool1d, max_pool2d, relu, reshape};
use candle_core::{DType, Result};
use candle_nn::VarBuilder;

/// Convolution 3 × 3 that keeps the size, batch norm, ReLU, maximum pooling.
#[derive(Clone, Debug)]
pub struct ConvBlock {
    unit: (Conv2d, BatchNorm),
    in_channels: usize,
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
            unit: (
                Conv2d::new(conv, in_channels, out_channels, [3, 3], options)?,
                BatchNorm::new(&builder.pp("bn"), out_channels)?,
            ),
            in_channels,
            window,
        })
    }

    /// The convolution and its norm.
    pub fn unit(&self) -> &(Conv2d, BatchNorm) {
        &self.unit
    }

    /// Window of the pooling.
    pub fn window(&self) -> [usize; 2] {
        self.window
    }

    /// Maps to pooled maps. Fails if they are smaller than the window, or in training if a channel has a single value.
    pub fn forward(&self, tape: &Tape, mode: Mode, x: &Maps) -> Result<Maps> {
        let (conv, norm) = &self.unit;
        let from = x.shape()?;
        let shape = ConvShape {
            batch: from.batch,
            in_channels: self.in_channels,
            out_channels: conv.bias.tensor().elem_count(),
            input: [from.height, from.width],
            kernel: [3, 3],
            stride: conv.options.stride,
            padding: conv.options.padding,
            dilation: conv.options.dilation,
        };
        if let Some(y) = fused(
            shape,
            self.window,
            UnitLayers::from(&self.unit),
            tape,
            mode,
            x,
        )? {
            return Ok(y);
        }
        let y = conv.forward(tape, &x.to_value()?)?;
        let y = relu(&norm.forward(tape, mode, &y)?)?;
        Maps::new(&max_pool2d(&y, self.window)?)
    }
}

/// By the fused kernel; `None` where it does not compute.
fn fused(
    shape: ConvShape,
    window: [usize; 2],
    unit: UnitLayers,
    tape: &Tape,
    mode: Mode,
    x: &Maps,
) -> Result<Option<Maps>> {
    check_channels(&shape, x.shape()?.channels)?;
    check_window(shape.output().unwrap_or([0, 0]), window)?;
    if tape.is_on_gpu() || x.value().dtype() != DType::F32 || fused::is_too_large(window) {
        return Ok(None);
    }
    let plain = !x.in_blocks() && takes(&shape);
    let x = if plain { x.clone() } else { x.blocked()? };
    let Some(block) = Convolved::new(shape, plain, window) else {
        return Ok(None);
    };
    let (y, shape) = fused::run(
        "convolution block",
        block,
        vec![unit],
        tape,
        mode,
        x.value(),
    )?;
    Ok(Some(Maps::of_blocks(y, shape.channels)))
}

/// Convolution over time, batch norm, ReLU, maximum pooling.
#[derive(Clone, Debug)]
pub struct ConvBlock1d {
    unit: (Conv1d, BatchNorm),
    in_channels: usize,
    taps: usize,
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
            unit: (
                Conv1d::new(conv, in_channels, out_channels, taps, options)?,
                BatchNorm::new(&builder.pp("bn"), out_channels)?,
            ),
            in_channels,
            taps,
            window,
        })
    }

    /// The convolution and its norm.
    pub fn unit(&self) -> &(Conv1d, BatchNorm) {
        &self.unit
    }

    /// Window of the pooling.
    pub fn window(&self) -> usize {
        self.window
    }

    /// `[batch, in, length]` to `[batch, out, length]`. Fails if there is less than a window.
    pub fn forward(&self, tape: &Tape, mode: Mode, x: &Value) -> Result<Value> {
        let (conv, norm) = &self.unit;
        let (batch, channels, length) = x.dims3()?;
        let shape = ConvShape {
            batch,
            in_channels: self.in_channels,
            out_channels: conv.bias.tensor().elem_count(),
            input: [1, length],
            kernel: [1, self.taps],
            stride: [1, conv.options.stride],
            padding: [0, conv.options.padding],
            dilation: [1, conv.options.dilation],
        };
        let row = Maps::new(&reshape(x, &[batch, channels, 1, length])?)?;
        let unit = UnitLayers::from(&self.unit);
        if let Some(y) = fused(shape, [1, self.window], unit, tape, mode, &row)? {
            let y = y.to_value()?;
            let (_, channels, _, length) = y.dims4()?;
            return reshape(&y, &[batch, channels, length]);
        }
        let y = norm.forward(tape, mode, &conv.forward(tape, x)?)?;
        let y = relu(&y)?;
        if self.window == 1 {
            return Ok(y);
        }
        max_pool1d(&y, self.window)
    }
}

#[cfg(test)]
mod tests {
    use super::super::check_blocks::{Network, check_blocks};
    use super::*;

    /// A block: channels, window.
    fn check(dims: [usize; 4], sizes: &[(usize, [usize; 2])]) {
        check_blocks(&format!("{sizes:?}"), &dims, |builder| -> Result<Network> {
            let (mut blocks, mut ins) = (Vec::new(), dims[1]);
            for (i, &(outs, window)) in sizes.iter().enumerate() {
                let builder = builder.pp(format!("block_{i}"));
                blocks.push(ConvBlock::new(&builder, ins, outs, window)?);
                ins = outs;
            }
            Ok(Box::new(move |tape, mode, x| {
                let mut maps = Maps::new(x)?;
                for block in &blocks {
                    maps = block.forward(tape, mode, &maps)?;
                }
                maps.to_value()
            }))
        });
    }

    #[test]
    fn blocks_of_any_width_and_window() {
        check([3, 1, 13, 30], &[(16, [2, 4]), (20, [3, 5])]);
        check([2, 1, 12, 25], &[(5, [1, 1]), (40, [4, 4]), (7, [1, 2])]);
        check([2, 6, 17, 18], &[(24, [2, 2]), (70, [2, 2]), (3, [2, 3])]);
        check([6, 1, 4, 4], &[(18, [2, 2]), (33, [2, 2])]);
        check([6, 30, 1, 1], &[(18, [1, 1])]);
    }

    /// A block: channels, taps, stride, window.
    fn check_1d(dims: [usize; 3], sizes: &[(usize, usize, usize, usize)]) {
        check_blocks(&format!("{sizes:?}"), &dims, |builder| -> Result<Network> {
            let (mut blocks, mut ins) = (Vec::new(), dims[1]);
            for (i, &(outs, taps, stride, window)) in sizes.iter().enumerate() {
                let builder = builder.pp(format!("block_{i}"));
                blocks.push(ConvBlock1d::new(&builder, ins, outs, taps, stride, window)?);
                ins = outs;
            }
            Ok(Box::new(move |tape, mode, x| {
                let mut x = x.clone();
                for block in &blocks {
                    x = block.forward(tape, mode, &x)?;
                }
                Ok(x)
            }))
        });
    }

    #[test]
    fn blocks_along_time() {
        check_1d([2, 1, 3500], &[(16, 3, 3, 1), (20, 3, 1, 3)]);
        check_1d([2, 1, 95], &[(16, 3, 3, 1), (20, 3, 1, 3), (5, 3, 1, 1)]);
        check_1d([3, 35, 40], &[(16, 7, 1, 1), (16, 7, 1, 1), (24, 1, 1, 2)]);
        check_1d([3, 1, 41], &[(6, 7, 2, 1), (6, 4, 3, 2)]);
        check_1d([6, 20, 1], &[(18, 3, 1, 1)]);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let store = crate::Parameters::initialise(3, DType::F32);
        let builder = store.var_builder();
        let block = ConvBlock1d::new(&builder, 2, 4, 3, 1, 5).unwrap();
        let zeros = |channels: usize, length: usize| {
            let dims = (2, channels, length);
            let device = &candle_core::Device::Cpu;
            Value::constant(candle_core::Tensor::zeros(dims, DType::F32, device).unwrap())
        };
        let forward = |x: &Value| block.forward(&Tape::off(), Mode::Eval, x);
        assert!(forward(&zeros(2, 4)).is_err());
        assert!(forward(&zeros(3, 9)).is_err());
        assert!(forward(&zeros(2, 9)).is_ok());
    }
}
