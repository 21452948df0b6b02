//! Two-dimensional convolution.

use super::data::{tensor, with_all, with_data};
use super::element::{ConvShape, Element, by_type};
use super::numbers::on_gpu;
use super::tape::{Gradient, Value, record};
use candle_core::{Result, bail};

/// How a kernel moves over its input; axes height, width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConvOptions {
    /// Steps between output pixels.
    pub stride: [usize; 2],
    /// Zeros put around the input, on each side.
    pub padding: [usize; 2],
    /// Steps between the taps of the kernel.
    pub dilation: [usize; 2],
}

impl Default for ConvOptions {
    fn default() -> Self {
        Self {
            stride: [1, 1],
            padding: [0, 0],
            dilation: [1, 1],
        }
    }
}

/// Convolution (cross-correlation, as in PyTorch): `x` `[batch, in, height, width]`, `weight` `[out, in, kh, kw]`, `bias` `[out]`.
///
/// Fails if shapes do not fit together or the kernel is larger than the padded input.
pub fn conv2d(
    x: &Value,
    weight: &Value,
    bias: Option<&Value>,
    options: ConvOptions,
) -> Result<Value> {
    let (batch, in_channels, height, width) = x.dims4()?;
    let (out_channels, weight_channels, kernel_height, kernel_width) = weight.dims4()?;
    let shape = ConvShape {
        batch,
        in_channels,
        out_channels,
        input: [height, width],
        kernel: [kernel_height, kernel_width],
        stride: options.stride,
        padding: options.padding,
        dilation: options.dilation,
    };
    if weight_channels != in_channels {
        bail!("convolution of {in_channels} channels with a kernel for {weight_channels}");
    }
    if bias.is_some_and(|bias| bias.dims() != [out_channels]) {
        bail!("convolution to {out_channels} channels with a bias of another length");
    }
    let Some([out_height, out_width]) = shape.output() else {
        bail!("convolution: input of {height} x {width} is smaller than the kernel");
    };
    on_gpu!([x, weight] => crate::gpu::ops::conv2d(shape, x, weight, bias));
    let out_dims = [batch, out_channels, out_height, out_width];
    by_type!(x.dtype(), T => run::<T>(shape, out_dims, x, weight, bias))
}

fn run<T: Element>(
    shape: ConvShape,
    out_dims: [usize; 4],
    x: &Value,
    weight: &Value,
    bias: Option<&Value>,
) -> Result<Value> {
    let y = with_all([x.tensor()?, weight.tensor()?], |[x, weight]| match bias {
        Some(bias) => with_data(bias.tensor()?, |bias| {
            tensor(T::conv2d(&shape, x, weight, Some(bias)), &out_dims)
        }),
        None => tensor(T::conv2d(&shape, x, weight, None), &out_dims),
    })?;
    let needs = [x.is_recorded(), weight.is_recorded()];
    let (x_kept, weight_kept) = (x.tensor()?.clone(), weight.tensor()?.clone());
    let bias_of = bias.cloned().unwrap_or_else(|| x.detached());
    let needs_bias = bias_of.is_recorded();
    let [y] = record("convolution", [x, weight, &bias_of], [y], move |[dy]| {
        let Some(dy) = dy else {
            return Ok([None, None, None]);
        };
        with_all(
            [&x_kept, &weight_kept, &dy],
            |[x, weight, dy]: [&[T]; 3]| {
                let mut gradients = [None, None, None];
                if needs[0] {
                    let dx = T::conv2d_input_gradient(&shape, weight, dy);
                    gradients[0] = Gradient::fresh(tensor(dx, x_kept.dims())?);
                }
                if needs[1] {
                    let dw = T::conv2d_weight_gradient(&shape, x, dy);
                    gradients[1] = Gradient::fresh(tensor(dw, weight_kept.dims())?);
                }
                if needs_bias {
                    let db = T::channel_sums(shape.out_channels, shape.out_plane(), dy);
                    gradients[2] = Gradient::fresh(tensor(db, &[shape.out_channels])?);
                }
                Ok(gradients)
            },
        )
    });
    Ok(y)
}
