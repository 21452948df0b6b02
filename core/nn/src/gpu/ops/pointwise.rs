//! Functions of single numbers.

use super::super::launch::{Arg, Grid, launch, long};
use super::{arrays, record_one};
use crate::dropout::Mask;
use crate::gpu::Array;
use crate::tape::{Gradient, Value};
use candle_core::Result;

/// A function of single numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Function {
    Relu,
    Gelu,
    Sigmoid,
    Tanh,
    Decibels,
}

impl Function {
    /// Kernels of the function and of its gradient, and whether that one asks for the output instead of the input.
    fn kernels(self) -> (&'static str, &'static str, bool) {
        match self {
            Self::Relu => ("relu", "relu_gradient", true),
            Self::Gelu => ("gelu", "gelu_gradient", false),
            Self::Sigmoid => ("sigmoid", "sigmoid_gradient", true),
            Self::Tanh => ("tanh_of", "tanh_gradient", true),
            Self::Decibels => ("decibels", "decibels_gradient", false),
        }
    }
}

/// A function of each number.
pub(crate) fn function(function: Function, x: &Value) -> Result<Value> {
    let [array] = arrays([x])?;
    let (name, gradient, by_output) = function.kernels();
    let n = array.elem_count();
    let y = array.like()?;
    let args = [array.arg(), y.arg(), long(n)];
    launch(y.device(), y.kind(), name, Grid::each(n), &args)?;
    let kept = if by_output { y.clone() } else { array };
    Ok(record_one(name, [x], y, move |dy| {
        let dx = dy.like()?;
        let args = [kept.arg(), dy.arg(), dx.arg(), long(n)];
        launch(dx.device(), dx.kind(), gradient, Grid::each(n), &args)?;
        Ok([Gradient::fresh(dx)])
    }))
}

/// [`crate::dropout`], with the same draws as on the processor: by the place of a number in row-major order.
pub(crate) fn dropout(x: &Value, mask: Mask) -> Result<Value> {
    let [array] = arrays([x])?;
    let array = super::in_order(&array, crate::gpu::Order::Rows)?;
    let y = masked(&array, mask)?;
    Ok(record_one("dropout", [x], y, move |dy| {
        Ok([Gradient::fresh(masked(&dy, mask)?)])
    }))
}

fn masked(x: &Array, mask: Mask) -> Result<Array> {
    let ([key_0, key_1], threshold, scale) = mask.parts();
    let y = x.like()?;
    let n = x.elem_count();
    let args = [
        x.arg(),
        y.arg(),
        Arg::Unsigned(key_0),
        Arg::Unsigned(key_1),
        Arg::Unsigned(threshold),
        Arg::Float(scale as f32),
        long(n),
    ];
    launch(x.device(), x.kind(), "dropout", Grid::each(n), &args)?;
    Ok(y)
}
