//! The class token and the positions of a sequence.

use super::super::array::{Array, Order};
use super::super::launch::{Grid, Kind, int, launch, long};
use super::layout::{copy, strides};
use super::{arrays, in_order, plain, record_one};
use crate::tape::{Gradient, Value};
use candle_core::Result;

/// [`crate::class_and_positions`]; shapes are looked at there.
pub(crate) fn class_and_positions(x: &Value, class: &Value, positions: &Value) -> Result<Value> {
    let (batch, tokens, width) = x.dims3()?;
    let places = positions.dims3()?.1;
    let [array, class_array, positions_array] = arrays([x, class, positions])?;
    let array = in_order(&array, Order::Rows)?;
    let (class_array, positions_array) = (plain(&class_array)?, plain(&positions_array)?);
    let device = array.device();
    let y = Array::rows(device, &[batch, tokens + 1, width], array.kind())?;
    let n = y.elem_count();
    let args = [
        array.arg(),
        class_array.arg(),
        positions_array.arg(),
        y.arg(),
        int(tokens)?,
        int(width)?,
        long(n),
    ];
    let name = "class_and_positions";
    launch(device, y.kind(), name, Grid::each(n), &args)?;
    let inputs = [x, class, positions];
    Ok(record_one("positions", inputs, y, move |dy| {
        let (device, kind) = (dy.device(), dy.kind());
        let dx = Array::rows(device, &[batch, tokens, width], kind)?;
        copy(&dy, width, &strides(&dy), &dx, 0, &strides(&dx), dx.dims())?;
        let dpositions = Array::rows(device, &[1, places, width], Kind::F32)?;
        let args = [
            dy.arg(),
            dpositions.arg(),
            int(batch)?,
            int(tokens)?,
            int(width)?,
            long(places),
        ];
        let grid = Grid::each(places * width);
        launch(device, kind, "positions_gradient", grid, &args)?;
        let dclass = Array::rows(device, &[width], Kind::F32)?;
        copy(&dpositions, 0, &[1], &dclass, 0, &[1], &[width])?;
        Ok([
            Gradient::fresh(dx),
            Gradient::fresh(dclass),
            Gradient::fresh(dpositions),
        ])
    }))
}
