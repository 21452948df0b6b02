//! Softmax on its own, for attention whose weights are dropped out or masked.

use super::data::{tensor, with_all, with_data};
use super::element::{Element, by_type};
use super::numbers::on_gpu;
use super::tape::{Gradient, Value, record};
use candle_core::{Result, bail};

/// Softmax of the last axis, from the differences to the largest number, so that none is too large.
pub fn softmax(x: &Value) -> Result<Value> {
    let width = x.dims().last().copied().unwrap_or(0);
    if width == 0 {
        bail!("softmax of nothing: shape {:?}", x.dims());
    }
    on_gpu!([x] => crate::gpu::ops::softmax(x));
    by_type!(x.dtype(), T => run::<T>(width, x))
}

fn run<T: Element>(width: usize, x: &Value) -> Result<Value> {
    let dims = x.dims().to_vec();
    let y = with_data(x.tensor()?, |x: &[T]| tensor(T::softmax(width, x), &dims))?;
    let kept = y.clone();
    let [y] = record("softmax", [x], [y], move |[dy]| {
        let Some(dy) = dy else { return Ok([None]) };
        let dx = with_all([&kept, &dy], |[y, dy]: [&[T]; 2]| {
            Ok(T::softmax_gradient(width, y, dy))
        })?;
        Ok([Gradient::fresh(tensor(dx, &dims)?)])
    });
    Ok(y)
}

#[cfg(test)]
mod tests {
    use super::super::check::check;
    use super::*;

    #[test]
    fn rows_of_any_width() {
        for width in [1, 7, 40] {
            check("softmax", &[&[3, 4, width]], |[x]| softmax(x));
        }
    }
}
