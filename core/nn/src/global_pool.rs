//! Pooling over all of a clip: over time, or over frequency and time. Works for clips of any length, windows do not.

use super::data::{tensor, with_data};
use super::element::{Element, by_type};
use super::numbers::on_gpu;
use super::tape::{Gradient, Value, record};
use candle_core::{Result, bail};

/// What a global pooling pools over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    /// The last axis.
    Time,
    /// The last two axes.
    FrequencyAndTime,
}

/// Largest value over time, or over both axes: the pooled axes are gone from the result.
///
/// Of equal maxima the first in row-major order gets the gradient. Fails if there is nothing to pool.
pub fn global_max_pool(x: &Value, over: Over) -> Result<Value> {
    let (dims, n) = split(x, over)?;
    on_gpu!([x] => crate::gpu::ops::global_pool(crate::gpu::ops::Pooling::Max, x, &dims, n));
    by_type!(x.dtype(), T => run_max::<T>(x, &dims, n))
}

/// Mean over time, or over both axes: the pooled axes are gone from the result. Fails if there is nothing to pool.
pub fn global_avg_pool(x: &Value, over: Over) -> Result<Value> {
    let (dims, n) = split(x, over)?;
    on_gpu!([x] => crate::gpu::ops::global_pool(crate::gpu::ops::Pooling::Mean, x, &dims, n));
    by_type!(x.dtype(), T => run_avg::<T>(x, &dims, n))
}

/// The axes that stay, and how many numbers are pooled into one.
fn split(x: &Value, over: Over) -> Result<(Vec<usize>, usize)> {
    let dims = x.dims();
    let n_axes = match over {
        Over::Time => 1,
        Over::FrequencyAndTime => 2,
    };
    if dims.len() <= n_axes || x.elem_count() == 0 {
        bail!("global pooling over the last {n_axes} axes of a tensor of shape {dims:?}");
    }
    let (kept, pooled) = dims.split_at(dims.len() - n_axes);
    Ok((kept.to_vec(), pooled.iter().product()))
}

fn run_max<T: Element>(x: &Value, kept: &[usize], n: usize) -> Result<Value> {
    let dims = x.dims().to_vec();
    let (y, argmax) = with_data(x.tensor()?, |x: &[T]| Ok(T::row_max(n, x)))?;
    let y = tensor(y, kept)?;
    let [y] = record("global max pooling", [x], [y], move |[dy]| {
        let Some(dy) = dy else { return Ok([None]) };
        let dx = with_data(&dy, |dy: &[T]| {
            let mut dx = vec![T::ZERO; dy.len() * n];
            for ((row, &place), &dy) in dx.chunks_exact_mut(n).zip(&argmax).zip(dy) {
                row[place as usize] = dy;
            }
            Ok(dx)
        })?;
        Ok([Gradient::fresh(tensor(dx, &dims)?)])
    });
    Ok(y)
}

fn run_avg<T: Element>(x: &Value, kept: &[usize], n: usize) -> Result<Value> {
    let dims = x.dims().to_vec();
    let y = with_data(x.tensor()?, |x: &[T]| Ok(T::row_mean(n, x)))?;
    let [y] = record(
        "global average pooling",
        [x],
        [tensor(y, kept)?],
        move |[dy]| {
            let Some(dy) = dy else { return Ok([None]) };
            let dx = with_data(&dy, |dy: &[T]| {
                let mut dx = Vec::with_capacity(dy.len() * n);
                for &dy in dy {
                    dx.resize(dx.len() + n, dy / T::of(n as f64));
                }
                Ok(dx)
            })?;
            Ok([Gradient::fresh(tensor(dx, &dims)?)])
        },
    );
    Ok(y)
}

#[cfg(test)]
mod tests {
    use super::super::check::check;
    use super::*;

    #[test]
    fn pooling_over_time_and_over_both_axes() {
        let dims: &[usize] = &[2, 3, 5, 37];
        for over in [Over::Time, Over::FrequencyAndTime] {
            check("max", &[dims], |[x]| global_max_pool(x, over));
            check("average", &[dims], |[x]| global_avg_pool(x, over));
        }
    }

    #[test]
    fn the_pooled_axes_are_gone() {
        let x = candle_core::Tensor::arange(0f32, 24.0, &candle_core::Device::Cpu).unwrap();
        let x = Value::constant(x.reshape((2, 3, 2, 2)).unwrap());
        let y = global_max_pool(&x, Over::FrequencyAndTime).unwrap();
        assert_eq!(y.dims(), [2, 3]);
        let y = y
            .tensor()
            .unwrap()
            .flatten_all()
            .unwrap()
            .to_vec1::<f32>()
            .unwrap();
        assert_eq!(y, [3.0, 7.0, 11.0, 15.0, 19.0, 23.0]);
        let y = global_avg_pool(&x, Over::Time).unwrap();
        assert_eq!(y.dims(), [2, 3, 2]);
        assert!(global_max_pool(&y, Over::FrequencyAndTime).is_ok());
        let row = global_avg_pool(&y, Over::FrequencyAndTime).unwrap();
        assert!(global_max_pool(&row, Over::Time).is_err());
    }
}
