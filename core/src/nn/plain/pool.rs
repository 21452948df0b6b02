//! Maximum pooling. Of equal maxima the first in row-major order takes the whole gradient, as in PyTorch.

use crate::nn::element::{Float, PoolShape};

/// The maxima, and where in its window (row-major) each was found.
pub(crate) fn max_pool<T: Float>(shape: &PoolShape, x: &[T]) -> (Vec<T>, Vec<u8>) {
    let ([height, width], [window_height, window_width]) = (shape.input, shape.window);
    let [out_height, out_width] = shape.output();
    let n = shape.planes * out_height * out_width;
    let (mut y, mut argmax) = (Vec::with_capacity(n), Vec::with_capacity(n));
    for plane in x.chunks_exact((height * width).max(1)) {
        for row in 0..out_height {
            for column in 0..out_width {
                let at = |k: usize| {
                    plane[(row * window_height + k / window_width) * width
                        + column * window_width
                        + k % window_width]
                };
                let mut best = 0;
                for k in 1..window_height * window_width {
                    if at(k) > at(best) {
                        best = k;
                    }
                }
                y.push(at(best));
                argmax.push(best as u8);
            }
        }
    }
    (y, argmax)
}

pub(crate) fn max_pool_gradient<T: Float>(shape: &PoolShape, argmax: &[u8], dy: &[T]) -> Vec<T> {
    let ([height, width], [window_height, window_width]) = (shape.input, shape.window);
    let [out_height, out_width] = shape.output();
    let mut dx = vec![T::ZERO; shape.planes * height * width];
    for (i, (&k, &dy)) in argmax.iter().zip(dy).enumerate() {
        let (plane, row, column) = (
            i / (out_height * out_width),
            i / out_width % out_height,
            i % out_width,
        );
        let k = usize::from(k);
        dx[(plane * height + row * window_height + k / window_width) * width
            + column * window_width
            + k % window_width] = dy;
    }
    dx
}
