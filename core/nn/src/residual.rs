//! A residual block as one operation: two convolutions with batch norm, the shortcut, ReLU, maximum pooling.
//!
//! In f32 it works on feature maps in blocks of channels ([`Maps`] hides the layout) and keeps only what the convolutions give; in f64
//! it is put together from the single operations, and that is what the fused one is tested against.

use super::conv::conv2d;
use super::element::ConvShape;
use super::fused::{self, UnitLayers, check_channels, check_window};
use super::kernels::first::takes;
use super::kernels::residual::{Beside, Residual};
use super::layers::{BatchNorm, Conv2d, Mode};
use super::maps::Maps;
use super::tape::{Tape, Value};
use super::{ConvOptions, add, max_pool2d, relu};
use candle_core::{DType, Result};
use candle_nn::VarBuilder;

/// Convolution and norm, twice; a third pair on the shortcut if the shape changes.
#[derive(Clone, Debug)]
pub struct ResidualBlock {
    first: (Conv2d, BatchNorm),
    second: (Conv2d, BatchNorm),
    shortcut: Option<(Conv2d, BatchNorm)>,
    in_channels: usize,
    window: [usize; 2],
}

impl ResidualBlock {
    /// From `conv_1`, `bn_1`, `conv_2`, `bn_2` and, if the shortcut changes the shape, `conv_3`, `bn_3` below `builder`.
    ///
    /// `stride`: of the first convolution and of the shortcut. `window`: of the maximum pooling; 1 × 1 is none.
    pub fn new(
        builder: &VarBuilder<'_>,
        in_channels: usize,
        out_channels: usize,
        stride: [usize; 2],
        window: [usize; 2],
    ) -> Result<Self> {
        let unit = |i: usize, in_channels: usize, stride: [usize; 2]| -> Result<_> {
            let options = ConvOptions {
                stride,
                padding: [1, 1],
                ..ConvOptions::default()
            };
            let of = |part: &str| builder.pp(format!("{part}_{i}"));
            Ok((
                Conv2d::new(&of("conv"), in_channels, out_channels, [3, 3], options)?,
                BatchNorm::new(&of("bn"), out_channels)?,
            ))
        };
        Ok(Self {
            first: unit(1, in_channels, stride)?,
            second: unit(2, out_channels, [1, 1])?,
            shortcut: (in_channels != out_channels || stride != [1, 1])
                .then(|| unit(3, in_channels, stride))
                .transpose()?,
            in_channels,
            window,
        })
    }

    /// The first convolution and its norm; a ReLU comes behind them.
    pub fn first(&self) -> &(Conv2d, BatchNorm) {
        &self.first
    }

    /// The second convolution and its norm.
    pub fn second(&self) -> &(Conv2d, BatchNorm) {
        &self.second
    }

    /// The convolution and norm beside them, if the shape changes.
    pub fn shortcut(&self) -> Option<&(Conv2d, BatchNorm)> {
        self.shortcut.as_ref()
    }

    /// Window of the pooling.
    pub fn window(&self) -> [usize; 2] {
        self.window
    }

    /// Maps to pooled maps. Fails if they are smaller than the window, or in training if a channel has a single value.
    pub fn forward(&self, tape: &Tape, mode: Mode, x: &Maps) -> Result<Maps> {
        let (conv, from) = (&self.first.0, x.shape()?);
        let entry = ConvShape {
            batch: from.batch,
            in_channels: self.in_channels,
            out_channels: conv.bias.tensor().elem_count(),
            input: [from.height, from.width],
            kernel: [3, 3],
            stride: conv.options.stride,
            padding: conv.options.padding,
            dilation: conv.options.dilation,
        };
        check_channels(&entry, from.channels)?;
        check_window(entry.output().unwrap_or([0, 0]), self.window)?;
        if tape.is_on_gpu() || x.value().dtype() != DType::F32 || fused::is_too_large(self.window) {
            return self.composed(tape, mode, x);
        }
        let beside = match self.shortcut {
            Some(_) => Beside::Convolved,
            None => Beside::Input,
        };
        let plain = !x.in_blocks() && beside == Beside::Convolved && takes(&entry);
        let x = if plain { x.clone() } else { x.blocked()? };
        let Some(block) = Residual::new(entry, plain, beside, self.window) else {
            return self.composed(tape, mode, &x);
        };
        let units = self.units().map(UnitLayers::from).collect();
        let (y, shape) = fused::run("residual block", block, units, tape, mode, x.value())?;
        Ok(Maps::of_blocks(y, shape.channels))
    }

    fn units(&self) -> impl Iterator<Item = &(Conv2d, BatchNorm)> {
        [&self.first, &self.second]
            .into_iter()
            .chain(&self.shortcut)
    }

    /// From single operations.
    fn composed(&self, tape: &Tape, mode: Mode, x: &Maps) -> Result<Maps> {
        let apply = |(conv, norm): &(Conv2d, BatchNorm), x: &Value| -> Result<Value> {
            let conv = conv2d(
                x,
                &conv.weight.on(tape),
                Some(&conv.bias.on(tape)),
                conv.options,
            )?;
            norm.forward(tape, mode, &conv)
        };
        let x = x.to_value()?;
        let y = apply(&self.second, &relu(&apply(&self.first, &x)?)?)?;
        let beside = match &self.shortcut {
            Some(unit) => apply(unit, &x)?,
            None => x,
        };
        let y = relu(&add(&beside, &y)?)?;
        Maps::new(&match self.window {
            [1, 1] => y,
            window => max_pool2d(&y, window)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::check_blocks::{Network, check_blocks};
    use super::*;

    /// A block: channels, stride, window.
    type Size = (usize, [usize; 2], [usize; 2]);

    fn check(dims: [usize; 4], sizes: &[Size]) {
        check_blocks(&format!("{sizes:?}"), &dims, |builder| -> Result<Network> {
            let (mut blocks, mut ins) = (Vec::new(), dims[1]);
            for (i, &(outs, stride, window)) in sizes.iter().enumerate() {
                let builder = builder.pp(format!("block_{i}"));
                blocks.push(ResidualBlock::new(&builder, ins, outs, stride, window)?);
                ins = outs;
            }
            Ok(Box::new(move |tape, mode, x| {
                let mut maps = Maps::new(x)?;
                for block in &blocks {
                    maps = block.forward(tape, mode, &maps)?;
                }
                maps.to_tokens()
            }))
        });
    }

    #[test]
    fn blocks_that_keep_their_width_and_pool() {
        for (channels, size) in [(16, [16, 24]), (5, [13, 9]), (40, [8, 31]), (64, [9, 14])] {
            let dims = [3, 1, size[0], size[1]];
            check(
                dims,
                &[(channels, [1, 1], [2, 2]), (channels, [1, 1], [2, 1])],
            );
        }
        check([2, 7, 9, 20], &[(7, [1, 1], [2, 3]), (20, [1, 1], [2, 3])]);
    }

    #[test]
    fn blocks_that_stride_and_widen() {
        for (widths, size) in [
            ([16, 16], [16, 24]),
            ([5, 20], [13, 9]),
            ([24, 70], [14, 35]),
        ] {
            let dims = [3, 1, size[0], size[1]];
            let [one, two] = widths;
            check(dims, &[(one, [2, 2], [1, 1]), (two, [2, 2], [1, 1])]);
            check(dims, &[(one, [2, 1], [1, 1]), (two, [2, 1], [1, 1])]);
        }
        check([2, 3, 7, 5], &[(4, [1, 2], [1, 2]), (4, [2, 3], [1, 1])]);
    }

    #[test]
    fn blocks_of_the_smallest_maps() {
        check([5, 1, 2, 3], &[(6, [2, 2], [1, 1]), (18, [2, 2], [1, 1])]);
        check([5, 20, 1, 1], &[(20, [1, 1], [1, 1]), (33, [2, 2], [1, 1])]);
        check([4, 16, 1, 2], &[(16, [2, 2], [1, 1])]);
    }

    #[test]
    fn a_window_larger_than_the_maps_is_refused() {
        let store = crate::Parameters::initialise(3, DType::F32);
        let block = ResidualBlock::new(&store.var_builder(), 1, 4, [2, 2], [3, 3]).unwrap();
        let x = candle_core::Tensor::zeros((2, 1, 4, 9), DType::F32, &candle_core::Device::Cpu);
        let x = Maps::new(&Value::constant(x.unwrap())).unwrap();
        assert!(block.forward(&Tape::off(), Mode::Eval, &x).is_err());
    }
}
