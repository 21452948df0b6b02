//! Convolution, straight from its definition.

use crate::element::{ConvShape, Float};

/// Calls `visit(y index, x index, weight index)` for every product of the convolution.
fn each_product(shape: &ConvShape, mut visit: impl FnMut(usize, usize, usize)) {
    let Some([out_height, out_width]) = shape.output() else {
        return;
    };
    let [height, width] = shape.input;
    let [kernel_height, kernel_width] = shape.kernel;
    for b in 0..shape.batch {
        for o in 0..shape.out_channels {
            for i in 0..shape.in_channels {
                for kh in 0..kernel_height {
                    for kw in 0..kernel_width {
                        let w =
                            ((o * shape.in_channels + i) * kernel_height + kh) * kernel_width + kw;
                        for oh in 0..out_height {
                            let h = oh * shape.stride[0] + kh * shape.dilation[0];
                            if h < shape.padding[0] || h - shape.padding[0] >= height {
                                continue;
                            }
                            for ow in 0..out_width {
                                let v = ow * shape.stride[1] + kw * shape.dilation[1];
                                if v < shape.padding[1] || v - shape.padding[1] >= width {
                                    continue;
                                }
                                let y = ((b * shape.out_channels + o) * out_height + oh)
                                    * out_width
                                    + ow;
                                let x = ((b * shape.in_channels + i) * height + h
                                    - shape.padding[0])
                                    * width
                                    + v
                                    - shape.padding[1];
                                visit(y, x, w);
                            }
                        }
                    }
                }
            }
        }
    }
}

pub(crate) fn forward<T: Float>(
    shape: &ConvShape,
    x: &[T],
    weight: &[T],
    bias: Option<&[T]>,
) -> Vec<T> {
    let plane = shape.out_plane();
    let mut y = vec![T::ZERO; shape.batch * shape.out_channels * plane];
    if let Some(bias) = bias {
        for (i, channel) in y.chunks_mut(plane.max(1)).enumerate() {
            channel.fill(bias[i % shape.out_channels]);
        }
    }
    each_product(shape, |yi, xi, wi| y[yi] += x[xi] * weight[wi]);
    y
}

pub(crate) fn input_gradient<T: Float>(shape: &ConvShape, weight: &[T], dy: &[T]) -> Vec<T> {
    let mut dx = vec![T::ZERO; shape.batch * shape.in_channels * shape.in_plane()];
    each_product(shape, |yi, xi, wi| dx[xi] += dy[yi] * weight[wi]);
    dx
}

pub(crate) fn weight_gradient<T: Float>(shape: &ConvShape, x: &[T], dy: &[T]) -> Vec<T> {
    let mut dw = vec![T::ZERO; shape.out_channels * shape.depth()];
    each_product(shape, |yi, xi, wi| dw[wi] += dy[yi] * x[xi]);
    dw
}
