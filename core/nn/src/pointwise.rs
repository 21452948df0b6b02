//! Operations on single numbers: GELU, ReLU, sigmoid, tanh, dropout.

use super::data::{tensor, with_all, with_data};
use super::dropout as masks;
use super::element::{Element, by_type};
use super::numbers::on_gpu;
use super::tape::{Gradient, Value, record};
use crate::rng::Address;
use candle_core::{Result, bail};

/// The exact GELU, `x Φ(x)` with erf.
pub fn gelu(x: &Value) -> Result<Value> {
    fn run<T: Element>(x: &Value) -> Result<Value> {
        let dims = x.dims().to_vec();
        let y = with_data(x.tensor()?, |x: &[T]| tensor(T::gelu(x), &dims))?;
        let kept = x.tensor()?.clone();
        let [y] = record("gelu", [x], [y], move |[dy]| {
            let Some(dy) = dy else { return Ok([None]) };
            let dx = with_all([&kept, &dy], |[x, dy]: [&[T]; 2]| {
                Ok(T::gelu_gradient(x, dy))
            })?;
            Ok([Gradient::fresh(tensor(dx, &dims)?)])
        });
        Ok(y)
    }
    on_gpu!([x] => crate::gpu::ops::function(crate::gpu::ops::Function::Gelu, x));
    by_type!(x.dtype(), T => run::<T>(x))
}

/// `max(x, 0)`, with gradient 0 at 0 as in PyTorch. What is not a number stays so.
pub fn relu(x: &Value) -> Result<Value> {
    fn run<T: Element>(x: &Value) -> Result<Value> {
        let dims = x.dims().to_vec();
        let y = with_data(x.tensor()?, |x: &[T]| tensor(T::relu(x), &dims))?;
        let kept = y.clone();
        let [y] = record("relu", [x], [y], move |[dy]| {
            let Some(dy) = dy else { return Ok([None]) };
            let dx = with_all([&kept, &dy], |[y, dy]: [&[T]; 2]| {
                Ok(T::relu_gradient(y, dy))
            })?;
            Ok([Gradient::fresh(tensor(dx, &dims)?)])
        });
        Ok(y)
    }
    on_gpu!([x] => crate::gpu::ops::function(crate::gpu::ops::Function::Relu, x));
    by_type!(x.dtype(), T => run::<T>(x))
}

/// `1 / (1 + exp(-x))`.
pub fn sigmoid(x: &Value) -> Result<Value> {
    fn run<T: Element>(x: &Value) -> Result<Value> {
        let dims = x.dims().to_vec();
        let y = with_data(x.tensor()?, |x: &[T]| tensor(T::sigmoid(x), &dims))?;
        let kept = y.clone();
        let [y] = record("sigmoid", [x], [y], move |[dy]| {
            let Some(dy) = dy else { return Ok([None]) };
            let dx = with_all([&kept, &dy], |[y, dy]: [&[T]; 2]| {
                Ok(T::sigmoid_gradient(y, dy))
            })?;
            Ok([Gradient::fresh(tensor(dx, &dims)?)])
        });
        Ok(y)
    }
    on_gpu!([x] => crate::gpu::ops::function(crate::gpu::ops::Function::Sigmoid, x));
    by_type!(x.dtype(), T => run::<T>(x))
}

/// The hyperbolic tangent.
pub fn tanh(x: &Value) -> Result<Value> {
    fn run<T: Element>(x: &Value) -> Result<Value> {
        let dims = x.dims().to_vec();
        let y = with_data(x.tensor()?, |x: &[T]| {
            tensor(<T as Element>::tanh(x), &dims)
        })?;
        let kept = y.clone();
        let [y] = record("tanh", [x], [y], move |[dy]| {
            let Some(dy) = dy else { return Ok([None]) };
            let dx = with_all([&kept, &dy], |[y, dy]: [&[T]; 2]| {
                Ok(T::tanh_gradient(y, dy))
            })?;
            Ok([Gradient::fresh(tensor(dx, &dims)?)])
        });
        Ok(y)
    }
    on_gpu!([x] => crate::gpu::ops::function(crate::gpu::ops::Function::Tanh, x));
    by_type!(x.dtype(), T => run::<T>(x))
}

/// Sets each number to 0 with probability `p` and divides the others by `1 - p`.
///
/// Which ones is a function of `address` and the number's place alone, so that any thread or a replay finds the same.
/// Fails if `p` is not in [0, 1).
pub fn dropout(x: &Value, p: f32, address: Address) -> Result<Value> {
    fn run<T: Element>(x: &Value, p: f32, address: Address) -> Result<Value> {
        let dims = x.dims().to_vec();
        let mask = masks::Mask::new(address, p);
        let apply = move |x: &[T]| -> Vec<T> { masks::apply(&mask, x) };
        let y = with_data(x.tensor()?, |x: &[T]| tensor(apply(x), &dims))?;
        let [y] = record("dropout", [x], [y], move |[dy]| {
            let Some(dy) = dy else { return Ok([None]) };
            let dx = with_data(&dy, |dy: &[T]| Ok(apply(dy)))?;
            Ok([Gradient::fresh(tensor(dx, &dims)?)])
        });
        Ok(y)
    }
    if !(0.0..1.0).contains(&p) {
        bail!("dropout probability {p} is not in [0, 1)");
    }
    if p == 0.0 {
        return Ok(x.clone());
    }
    on_gpu!([x] => crate::gpu::ops::dropout(x, masks::Mask::new(address, p)));
    by_type!(x.dtype(), T => run::<T>(x, p, address))
}

#[cfg(test)]
mod tests {
    use super::super::check::check;
    use super::*;

    #[test]
    fn functions_of_single_numbers() {
        for (name, f) in [
            ("gelu", gelu as fn(&Value) -> Result<Value>),
            ("relu", relu),
            ("sigmoid", sigmoid),
            ("tanh", tanh),
        ] {
            check(name, &[&[3, 41]], |[x]| f(x));
        }
    }
}
