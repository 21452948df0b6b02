//! Maximum and average pooling over windows that do not overlap, in two dimensions and in one.
//!
//! Sizes are rounded down, as in PyTorch: what does not fill a window at the end is left out and gets no gradient.

use super::data::{tensor, with_data};
use super::element::{Element, PoolShape, by_type};
use super::numbers::on_gpu;
use super::tape::{Gradient, Value, record};
use super::tokens::reshape;
use candle_core::{Result, bail};

/// Largest value of each `window` (height, width) of `x` `[batch, channels, height, width]`; windows do not overlap.
///
/// Of equal maxima the first in row-major order gets the gradient, and what is not a number is the largest, as in PyTorch.
/// Fails if the window is larger than the input or has more than 256 places.
pub fn max_pool2d(x: &Value, window: [usize; 2]) -> Result<Value> {
    if window[0] * window[1] > 256 {
        bail!("max pooling by {} x {}", window[0], window[1]);
    }
    let shape = shape("max", x, window)?;
    on_gpu!([x] => crate::gpu::ops::pool(crate::gpu::ops::Pooling::Max, shape, x));
    by_type!(x.dtype(), T => run_max::<T>(shape, x))
}

/// Mean of each `window` (height, width) of `x` `[batch, channels, height, width]`; windows do not overlap.
///
/// Fails if the window is larger than the input.
pub fn avg_pool2d(x: &Value, window: [usize; 2]) -> Result<Value> {
    let shape = shape("average", x, window)?;
    on_gpu!([x] => crate::gpu::ops::pool(crate::gpu::ops::Pooling::Mean, shape, x));
    by_type!(x.dtype(), T => run_avg::<T>(shape, x))
}

/// [`max_pool2d`] along time: `x` `[batch, channels, length]` to `[batch, channels, length / window]`.
pub fn max_pool1d(x: &Value, window: usize) -> Result<Value> {
    in_one_row(x, |x| max_pool2d(x, [1, window]))
}

/// [`avg_pool2d`] along time: `x` `[batch, channels, length]` to `[batch, channels, length / window]`.
pub fn avg_pool1d(x: &Value, window: usize) -> Result<Value> {
    in_one_row(x, |x| avg_pool2d(x, [1, window]))
}

fn in_one_row(x: &Value, pool: impl FnOnce(&Value) -> Result<Value>) -> Result<Value> {
    let (batch, channels, length) = x.dims3()?;
    let y = pool(&reshape(x, &[batch, channels, 1, length])?)?;
    let n = y.dim(3)?;
    reshape(&y, &[batch, channels, n])
}

fn shape(kind: &str, x: &Value, window: [usize; 2]) -> Result<PoolShape> {
    let (batch, channels, height, width) = x.dims4()?;
    if window[0] == 0 || window[1] == 0 {
        bail!("{kind} pooling by {} x {}", window[0], window[1]);
    }
    if height < window[0] || width < window[1] {
        bail!(
            "{kind} pooling by {} x {}: the input is only {height} x {width}",
            window[0],
            window[1]
        );
    }
    Ok(PoolShape {
        planes: batch * channels,
        input: [height, width],
        window,
    })
}

fn out_dims(shape: &PoolShape, x: &Value) -> Result<[usize; 4]> {
    let (batch, channels, _, _) = x.dims4()?;
    let [height, width] = shape.output();
    Ok([batch, channels, height, width])
}

fn run_max<T: Element>(shape: PoolShape, x: &Value) -> Result<Value> {
    let dims = x.dims().to_vec();
    let (y, argmax) = with_data(x.tensor()?, |x: &[T]| Ok(T::max_pool(&shape, x)))?;
    let y = tensor(y, &out_dims(&shape, x)?)?;
    let [y] = record("max pooling", [x], [y], move |[dy]| {
        let Some(dy) = dy else { return Ok([None]) };
        let dx = with_data(&dy, |dy: &[T]| {
            Ok(T::max_pool_gradient(&shape, &argmax, dy))
        })?;
        Ok([Gradient::fresh(tensor(dx, &dims)?)])
    });
    Ok(y)
}

fn run_avg<T: Element>(shape: PoolShape, x: &Value) -> Result<Value> {
    let dims = x.dims().to_vec();
    let y = with_data(x.tensor()?, |x: &[T]| Ok(T::avg_pool(&shape, x)))?;
    let y = tensor(y, &out_dims(&shape, x)?)?;
    let [y] = record("average pooling", [x], [y], move |[dy]| {
        let Some(dy) = dy else { return Ok([None]) };
        let dx = with_data(&dy, |dy: &[T]| Ok(T::avg_pool_gradient(&shape, dy)))?;
        Ok([Gradient::fresh(tensor(dx, &dims)?)])
    });
    Ok(y)
}

#[cfg(test)]
mod tests {
    use super::super::check::check;
    use super::*;

    #[test]
    fn pooling_of_odd_sizes() {
        let dims: &[usize] = &[2, 3, 7, 11];
        check("max", &[dims], |[x]| max_pool2d(x, [2, 3]));
        check("max", &[dims], |[x]| max_pool2d(x, [7, 1]));
        check("average", &[dims], |[x]| avg_pool2d(x, [2, 3]));
        check("average", &[dims], |[x]| avg_pool2d(x, [7, 1]));
        check("max in a row", &[&[2, 3, 10]], |[x]| max_pool1d(x, 3));
        check("average in a row", &[&[2, 3, 10]], |[x]| avg_pool1d(x, 3));
    }

    #[test]
    fn a_window_larger_than_the_input_is_refused() {
        let x = Value::constant(
            candle_core::Tensor::zeros(
                (1, 1, 4, 4),
                candle_core::DType::F32,
                &candle_core::Device::Cpu,
            )
            .unwrap(),
        );
        for window in [[5, 1], [1, 5], [0, 2], [2, 0]] {
            assert!(max_pool2d(&x, window).is_err());
            assert!(avg_pool2d(&x, window).is_err());
        }
    }
}
