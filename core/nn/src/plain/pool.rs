//! Pooling over windows that do not overlap, and over whole rows. Of equal maxima the first in row-major order takes the whole
//! gradient, as in PyTorch; what is not a number counts as the largest.

use crate::element::{Float, PoolShape};

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
                    if at(k) > at(best) || at(k).is_nan() {
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

/// The means of the windows.
pub(crate) fn avg_pool<T: Float>(shape: &PoolShape, x: &[T]) -> Vec<T> {
    let ([height, width], [window_height, window_width]) = (shape.input, shape.window);
    let [out_height, out_width] = shape.output();
    let area = T::of((window_height * window_width) as f64);
    let mut y = Vec::with_capacity(shape.planes * out_height * out_width);
    for plane in x.chunks_exact((height * width).max(1)) {
        for row in 0..out_height {
            for column in 0..out_width {
                let sum: T = (0..window_height)
                    .flat_map(|i| {
                        let start = (row * window_height + i) * width + column * window_width;
                        &plane[start..start + window_width]
                    })
                    .copied()
                    .sum();
                y.push(sum / area);
            }
        }
    }
    y
}

pub(crate) fn avg_pool_gradient<T: Float>(shape: &PoolShape, dy: &[T]) -> Vec<T> {
    let ([height, width], [window_height, window_width]) = (shape.input, shape.window);
    let [out_height, out_width] = shape.output();
    let area = T::of((window_height * window_width) as f64);
    let mut dx = vec![T::ZERO; shape.planes * height * width];
    for (i, dx) in dx.iter_mut().enumerate() {
        let (plane, row, column) = (
            i / (height * width),
            i / width % height / window_height,
            i % width / window_width,
        );
        if row < out_height && column < out_width {
            *dx = dy[(plane * out_height + row) * out_width + column] / area;
        }
    }
    dx
}

/// The largest number of each row of `n`, and where it stands.
pub(crate) fn row_max<T: Float>(n: usize, x: &[T]) -> (Vec<T>, Vec<u32>) {
    x.chunks_exact(n)
        .map(|row| {
            let mut best = 0;
            for (i, value) in row.iter().enumerate().skip(1) {
                if *value > row[best] || (value.is_nan() && !row[best].is_nan()) {
                    best = i;
                }
            }
            (row[best], best as u32)
        })
        .unzip()
}

/// The mean of each row of `n`.
pub(crate) fn row_mean<T: Float>(n: usize, x: &[T]) -> Vec<T> {
    x.chunks_exact(n)
        .map(|row| row.iter().copied().sum::<T>() / T::of(n as f64))
        .collect()
}
