//! Two-dimensional convolution, with a bias.

use super::super::array::{Array, Order};
use super::super::convolution::{forward, input_gradient, weight_gradient};
use super::super::launch::Kind;
use super::sums::{column_sums, with_columns};
use super::{arrays, in_kind, in_order, on, record_one};
use crate::shapes::ConvShape;
use crate::tape::{Gradient, Value};
use candle_core::Result;

/// [`crate::conv2d`]; shapes are looked at there.
pub(crate) fn conv2d(
    shape: ConvShape,
    x: &Value,
    weight: &Value,
    bias: Option<&Value>,
) -> Result<Value> {
    let [x_array, weight_array] = arrays([x, weight])?;
    let device = x_array.device().clone();
    let kind = device.kind();
    let x_kind = x_array.kind();
    let last = |array: &Array| in_order(&in_kind(array, kind)?, Order::ChannelsLast);
    let (x_array, weight_array) = (last(&x_array)?, last(&weight_array)?);
    let mut y = forward(&shape, &x_array, &weight_array)?;
    let outs = shape.out_channels;
    if let Some(bias) = bias {
        // Channels last, they are columns.
        y = with_columns(&y, &on(&device, bias.numbers())?, outs)?;
    }
    let bias = bias.cloned().unwrap_or_else(|| x.detached());
    let needs = [x, weight, &bias].map(Value::is_recorded);
    Ok(record_one(
        "convolution",
        [x, weight, &bias],
        y,
        move |dy| {
            let mut gradients = [None, None, None];
            if needs[0] {
                let dx = input_gradient(&shape, &weight_array, &dy)?;
                gradients[0] = Gradient::fresh(in_kind(&dx, x_kind)?);
            }
            if needs[1] {
                let dw = weight_gradient(&shape, &x_array, &dy)?;
                let dw = in_order(&in_kind(&dw, Kind::F32)?, Order::Rows)?;
                gradients[1] = Gradient::fresh(dw);
            }
            if needs[2] {
                gradients[2] = Gradient::fresh(column_sums(&dy, outs, &[outs])?);
            }
            Ok(gradients)
        },
    ))
}
