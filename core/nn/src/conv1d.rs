//! Convolution along time.
//!
//! It is [`conv2d`] of height 1: as soon as there are some tens of channels, copying the columns is a small part of the work.

use super::conv::{ConvOptions, conv2d};
use super::tape::Value;
use super::tokens::reshape;
use candle_core::Result;

/// How a kernel moves along time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv1dOptions {
    /// Steps between output frames.
    pub stride: usize,
    /// Zeros put before and after the input.
    pub padding: usize,
    /// Steps between the taps of the kernel.
    pub dilation: usize,
}

impl Default for Conv1dOptions {
    fn default() -> Self {
        Self {
            stride: 1,
            padding: 0,
            dilation: 1,
        }
    }
}

/// Convolution (cross-correlation, as in PyTorch): `x` `[batch, in, length]`, `weight` `[out, in, taps]`, `bias` `[out]`,
/// to `[batch, out, (length + 2 padding - dilation (taps - 1) - 1) / stride + 1]`.
///
/// Fails if shapes do not fit together or the kernel is larger than the padded input.
pub fn conv1d(
    x: &Value,
    weight: &Value,
    bias: Option<&Value>,
    options: Conv1dOptions,
) -> Result<Value> {
    let (batch, in_channels, length) = x.dims3()?;
    let (out_channels, weight_channels, taps) = weight.dims3()?;
    let y = conv2d(
        &reshape(x, &[batch, in_channels, 1, length])?,
        &reshape(weight, &[out_channels, weight_channels, 1, taps])?,
        bias,
        ConvOptions {
            stride: [1, options.stride],
            padding: [0, options.padding],
            dilation: [1, options.dilation],
        },
    )?;
    let n = y.dim(3)?;
    reshape(&y, &[batch, out_channels, n])
}

#[cfg(test)]
mod tests {
    use super::super::check::check;
    use super::*;

    #[test]
    fn strides_paddings_and_dilations() {
        let options = |stride, padding, dilation| Conv1dOptions {
            stride,
            padding,
            dilation,
        };
        for (taps, options) in [
            (3, options(3, 1, 1)),
            (3, options(1, 1, 1)),
            (7, options(2, 3, 2)),
            (1, options(1, 0, 1)),
            (33, options(1, 16, 1)),
        ] {
            check(
                "convolution along time",
                &[&[2, 3, 20], &[5, 3, taps], &[5]],
                |[x, weight, bias]| conv1d(x, weight, Some(bias), options),
            );
        }
        // So many outputs for one input that the gradient for the input goes by columns.
        check(
            "convolution of one channel",
            &[&[3, 1, 700], &[9, 1, 65], &[9]],
            |[x, weight, bias]| conv1d(x, weight, Some(bias), options(1, 32, 1)),
        );
    }

    #[test]
    fn a_kernel_longer_than_the_padded_signal_is_refused() {
        let zeros = |dims: &[usize]| {
            Value::constant(
                candle_core::Tensor::zeros(
                    dims,
                    candle_core::DType::F32,
                    &candle_core::Device::Cpu,
                )
                .unwrap(),
            )
        };
        let options = Conv1dOptions::default();
        let x = zeros(&[1, 2, 6]);
        assert!(conv1d(&x, &zeros(&[3, 2, 7]), None, options).is_err());
        assert!(conv1d(&x, &zeros(&[3, 1, 3]), None, options).is_err());
        assert!(conv1d(&x, &zeros(&[3, 2, 6]), None, options).is_ok());
    }
}
