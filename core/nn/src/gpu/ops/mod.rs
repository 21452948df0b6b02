//! The operations of the engine on a GPU, each with its backward pass on the tape.
//!
//! An operation takes its inputs as they come: what lies on the host is copied to the GPU, what has another type or order is converted. Products and
//! convolutions are computed in the device's precision and give it on; everything else stays in the type that it is given.

mod arithmetic;
mod attention;
mod convolution;
mod layout;
mod linear;
mod loss;
mod norm;
mod optimizer;
mod pointwise;
mod pool;
mod sums;
mod tokens;

pub(crate) use arithmetic::{accumulated, arithmetic, scaled};
pub(crate) use attention::attention;
pub(crate) use convolution::conv2d;
pub(crate) use layout::{concat, in_kind, in_order, narrow, permute, reshape};
pub(crate) use linear::{linear, matmul};
pub(crate) use loss::bce;
pub(crate) use norm::{Running, batch_norm, layer_norm, softmax};
pub(crate) use optimizer::{AdamRule, SgdRule, adam, sgd, zeros_like};
pub(crate) use pointwise::{Function, dropout, function};
pub(crate) use pool::{global_pool, pool};
pub(crate) use sums::norm;
pub(crate) use tokens::class_and_positions;

use super::array::Array;
use super::device::Device;
use super::launch::Kind;
use crate::numbers::Numbers;
use crate::tape::{Gradient, Value, record_numbers};
use candle_core::{Result, bail};

/// Which windows or axes are pooled how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pooling {
    /// The largest.
    Max,
    /// The mean.
    Mean,
}

/// The GPU on which the first of the values lies that lies on one.
pub(crate) fn device_of<const N: usize>(values: [&Value; N]) -> Option<Device> {
    values
        .into_iter()
        .find_map(|value| Some(value.numbers().array()?.device().clone()))
}

/// A value on a GPU; copied there if it lies on the host.
fn on(device: &Device, numbers: &Numbers) -> Result<Array> {
    match numbers.array() {
        Some(array) => Ok(array.clone()),
        None => Array::upload(device, numbers.host()?),
    }
}

/// Inputs on the GPU on which one of them lies. Fails if none does.
fn arrays<const N: usize>(values: [&Value; N]) -> Result<[Array; N]> {
    let Some(device) = device_of(values) else {
        bail!("GPU: none of the inputs lies there");
    };
    let mut arrays = Vec::with_capacity(N);
    for value in values {
        arrays.push(on(&device, value.numbers())?);
    }
    match arrays.try_into() {
        Ok(arrays) => Ok(arrays),
        Err(_) => bail!("GPU: inputs were lost"),
    }
}

/// Puts an operation with one output on the tape. `backward` gets the gradient of the output in the output's type and order.
fn record_one<const I: usize>(
    name: &'static str,
    inputs: [&Value; I],
    y: Array,
    backward: impl FnOnce(Array) -> Result<[Option<Gradient>; I]> + 'static,
) -> Value {
    let (device, kind, order) = (y.device().clone(), y.kind(), y.order());
    let [y] = record_numbers(name, inputs, [y.into()], move |[dy]| {
        let Some(dy) = dy else {
            return Ok([const { None }; I]);
        };
        let dy = in_order(&in_kind(&on(&device, &dy)?, kind)?, order)?;
        backward(dy)
    });
    y
}

/// A weight, a bias, statistics: in f32, row-major.
fn plain(array: &Array) -> Result<Array> {
    in_order(&in_kind(array, Kind::F32)?, super::Order::Rows)
}
