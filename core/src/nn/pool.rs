//! Maximum pooling.

use super::data::{tensor, with_data};
use super::element::{Element, PoolShape, by_type};
use super::tape::{Gradient, Value, record};
use candle_core::{Result, bail};

/// Largest value of each `window` (height, width) of `x` `[batch, channels, height, width]`; windows do not overlap.
///
/// What does not fill a window at the end is left out. Of equal maxima the first in row-major order gets the gradient, as in PyTorch.
pub fn max_pool2d(x: &Value, window: [usize; 2]) -> Result<Value> {
    let (batch, channels, height, width) = x.tensor().dims4()?;
    if window[0] == 0 || window[1] == 0 || window[0] * window[1] > 256 {
        bail!("max pooling by {} x {}", window[0], window[1]);
    }
    if height < window[0] || width < window[1] {
        bail!(
            "max pooling by {} x {}: the input is only {height} x {width}",
            window[0],
            window[1]
        );
    }
    let shape = PoolShape {
        planes: batch * channels,
        input: [height, width],
        window,
    };
    by_type!(x.tensor().dtype(), T => run::<T>(shape, x))
}

fn run<T: Element>(shape: PoolShape, x: &Value) -> Result<Value> {
    let dims = x.tensor().dims().to_vec();
    let (y, argmax) = with_data(x.tensor(), |x: &[T]| Ok(T::max_pool(&shape, x)))?;
    let [out_height, out_width] = shape.output();
    let y = tensor(y, &[dims[0], dims[1], out_height, out_width])?;
    let [y] = record("max pooling", [x], [y], move |[dy]| {
        let Some(dy) = dy else { return Ok([None]) };
        let dx = with_data(&dy, |dy: &[T]| {
            Ok(T::max_pool_gradient(&shape, &argmax, dy))
        })?;
        Ok([Gradient::fresh(tensor(dx, &dims)?)])
    });
    Ok(y)
}
