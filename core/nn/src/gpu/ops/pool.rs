//! Pooling over windows, and over whole axes.

use super::super::array::{Array, Memory, Order};
use super::super::launch::{Arg, Grid, int, launch, long};
use super::{Pooling, arrays, in_order, record_one};
use crate::shapes::PoolShape;
use crate::tape::{Gradient, Value};
use candle_core::Result;

/// [`crate::max_pool2d`] and [`crate::avg_pool2d`]; shapes are looked at there.
pub(crate) fn pool(kind: Pooling, shape: PoolShape, x: &Value) -> Result<Value> {
    let (batch, channels, _, _) = x.dims4()?;
    let [array] = arrays([x])?;
    let [height, width] = shape.output();
    let dims = [batch, channels, height, width];
    let y = Array::new(array.device(), &dims, array.kind(), array.order())?;
    let sizes = [
        int(channels)?,
        int(shape.input[0])?,
        int(shape.input[1])?,
        int(shape.window[0])?,
        int(shape.window[1])?,
        Arg::Int((array.order() == Order::ChannelsLast) as i32),
    ];
    let n = y.elem_count();
    // Which place of its window the largest had, a byte each.
    let places = match kind {
        Pooling::Max => Some(Memory::new(array.device(), n)?),
        Pooling::Mean => None,
    };
    let places_arg = places.as_ref().map(Memory::arg);
    let mut args = vec![array.arg(), y.arg()];
    args.extend(places_arg);
    args.extend(sizes);
    args.push(long(n));
    let (forward, backward, name) = match kind {
        Pooling::Max => ("max_pool", "max_pool_gradient", "max pooling"),
        Pooling::Mean => ("avg_pool", "avg_pool_gradient", "average pooling"),
    };
    launch(y.device(), y.kind(), forward, Grid::each(n), &args)?;
    let (x_dims, order) = (x.dims().to_vec(), array.order());
    Ok(record_one(name, [x], y, move |dy| {
        let dx = Array::new(dy.device(), &x_dims, dy.kind(), order)?;
        let n = dx.elem_count();
        let mut args: Vec<Arg> = places.as_ref().map(Memory::arg).into_iter().collect();
        args.extend([dy.arg(), dx.arg()]);
        args.extend(sizes);
        args.push(long(n));
        launch(dx.device(), dx.kind(), backward, Grid::each(n), &args)?;
        Ok([Gradient::fresh(dx)])
    }))
}

/// [`crate::global_max_pool`] and [`crate::global_avg_pool`]: rows of `n` numbers to one each, of shape `kept`.
pub(crate) fn global_pool(kind: Pooling, x: &Value, kept: &[usize], n: usize) -> Result<Value> {
    let [array] = arrays([x])?;
    let array = in_order(&array, Order::Rows)?;
    let device = array.device();
    let y = Array::rows(device, kept, array.kind())?;
    let rows = y.elem_count();
    let places = match kind {
        Pooling::Max => Some(Memory::new(device, rows * size_of::<i32>())?),
        Pooling::Mean => None,
    };
    let mut args = vec![array.arg(), y.arg()];
    args.extend(places.as_ref().map(Memory::arg));
    args.extend([long(n), long(rows)]);
    let (forward, backward, name) = match kind {
        Pooling::Max => ("row_max", "row_max_gradient", "global max pooling"),
        Pooling::Mean => ("row_mean", "row_mean_gradient", "global average pooling"),
    };
    launch(device, y.kind(), forward, Grid::rows(rows), &args)?;
    let dims = x.dims().to_vec();
    Ok(record_one(name, [x], y, move |dy| {
        let dx = Array::rows(dy.device(), &dims, dy.kind())?;
        let total = dx.elem_count();
        let mut args: Vec<Arg> = places.as_ref().map(Memory::arg).into_iter().collect();
        args.extend([dy.arg(), dx.arg(), long(n), long(total)]);
        launch(dx.device(), dx.kind(), backward, Grid::each(total), &args)?;
        Ok([Gradient::fresh(dx)])
    }))
}
