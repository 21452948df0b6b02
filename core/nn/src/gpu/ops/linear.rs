//! Linear maps and products of matrices.

use super::super::array::{Array, Order};
use super::super::launch::Kind;
use super::super::products::{Factor, Sizes, product};
use super::sums::{column_sums, with_columns};
use super::{arrays, device_of, in_kind, in_order, on, record_one};
use crate::tape::{Gradient, Value};
use candle_core::{Result, bail};

/// [`crate::linear`].
pub(crate) fn linear(x: &Value, weight: &Value, bias: Option<&Value>) -> Result<Value> {
    let [x_array, weight_array] = arrays([x, weight])?;
    let device = x_array.device().clone();
    let kind = device.kind();
    let (x_kind, weight_kind) = (x_array.kind(), weight_array.kind());
    let x_array = in_order(&in_kind(&x_array, kind)?, Order::Rows)?;
    let weight_array = in_order(&in_kind(&weight_array, kind)?, Order::Rows)?;
    let (outs, ins) = weight.dims2()?;
    let rows = x.elem_count() / ins.max(1);
    let mut dims = x.dims().to_vec();
    if let Some(last) = dims.last_mut() {
        *last = outs;
    }
    let sizes = |m, n, k| Sizes { batch: 1, m, n, k };
    let (a, b) = (Factor::of(&x_array), Factor::t(&weight_array));
    let mut y = product(sizes(rows, outs, ins), a, b, &dims, kind)?;
    if let Some(bias) = bias {
        y = with_columns(&y, &on(&device, bias.numbers())?, outs)?;
    }
    let bias = bias.cloned().unwrap_or_else(|| x.detached());
    let needs = [x, weight, &bias].map(Value::is_recorded);
    let (x_dims, weight_dims) = (x.dims().to_vec(), [outs, ins]);
    Ok(record_one("linear", [x, weight, &bias], y, move |dy| {
        let mut gradients = [None, None, None];
        if needs[0] {
            let (a, b) = (Factor::of(&dy), Factor::of(&weight_array));
            let dx = product(sizes(rows, ins, outs), a, b, &x_dims, kind)?;
            gradients[0] = Gradient::fresh(in_kind(&dx, x_kind)?);
        }
        if needs[1] {
            // Weights are summed and kept in f32.
            let (a, b) = (Factor::t(&dy), Factor::of(&x_array));
            let dw = product(sizes(outs, ins, rows), a, b, &weight_dims, Kind::F32)?;
            gradients[1] = Gradient::fresh(in_kind(&dw, weight_kind)?);
        }
        if needs[2] {
            gradients[2] = Gradient::fresh(column_sums(&dy, outs, &[outs])?);
        }
        Ok(gradients)
    }))
}

/// [`crate::matmul`].
pub(crate) fn matmul(a: &Value, b: &Value) -> Result<Value> {
    let (&[.., m, k], &[.., n]) = (a.dims(), b.dims()) else {
        bail!("matrix product of {:?} and {:?}", a.dims(), b.dims());
    };
    let Some(device) = device_of([a, b]) else {
        bail!("GPU: none of the inputs lies there");
    };
    let kind = device.kind();
    let [a_array, b_array] = arrays([a, b])?;
    let kinds = [a_array.kind(), b_array.kind()];
    let rows = |array: &Array| in_order(&in_kind(array, kind)?, Order::Rows);
    let (a_array, b_array) = (rows(&a_array)?, rows(&b_array)?);
    let batch = a.elem_count() / (m * k).max(1);
    let mut dims = a.dims().to_vec();
    if let Some(last) = dims.last_mut() {
        *last = n;
    }
    let sizes = move |m, n, k| Sizes { batch, m, n, k };
    let (x, y) = (Factor::of(&a_array), Factor::of(&b_array));
    let y = product(sizes(m, n, k), x, y, &dims, kind)?;
    let needs = [a.is_recorded(), b.is_recorded()];
    Ok(record_one("matrix product", [a, b], y, move |dy| {
        let mut gradients = [None, None];
        if needs[0] {
            let (x, y) = (Factor::of(&dy), Factor::t(&b_array));
            let da = product(sizes(m, k, n), x, y, a_array.dims(), kind)?;
            gradients[0] = Gradient::fresh(in_kind(&da, kinds[0])?);
        }
        if needs[1] {
            let (x, y) = (Factor::t(&a_array), Factor::of(&dy));
            let db = product(sizes(k, n, m), x, y, b_array.dims(), kind)?;
            gradients[1] = Gradient::fresh(in_kind(&db, kinds[1])?);
        }
        Ok(gradients)
    }))
}
