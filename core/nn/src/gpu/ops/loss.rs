//! Binary cross entropy.

use super::super::array::{Array, Memory, Order};
use super::super::launch::{Arg, Grid, Kind, THREADS, int, launch, long};
use super::{arrays, in_order, record_one};
use crate::tape::{Gradient, Value};
use candle_core::{Result, Tensor};

/// [`crate::bce_with_logits`], or with weights [`crate::weighted_bce_with_logits`]; the loss stays on the GPU, in f32.
pub(crate) fn bce(logits: &Value, targets: &Tensor, weights: Option<&Tensor>) -> Result<Value> {
    let [z] = arrays([logits])?;
    let z = in_order(&z, Order::Rows)?;
    let device = z.device();
    let n = z.elem_count();
    let targets = Array::upload(device, targets)?;
    let share = if weights.is_some() {
        1.0
    } else {
        1.0 / n as f64
    };
    let weights = weights
        .map(|weights| Array::upload(device, weights))
        .transpose()?;
    let slope = Array::rows(device, z.dims(), Kind::F32)?;
    let grid = Grid::rows(n.div_ceil(THREADS).min(256));
    let partial = Memory::new(device, grid.blocks() * size_of::<f64>())?;
    let args = [
        z.arg(),
        targets.arg(),
        weights.as_ref().map_or(Arg::Pointer(0), Array::arg),
        slope.arg(),
        partial.arg(),
        Arg::Float(share as f32),
        long(n),
    ];
    launch(device, z.kind(), "bce", grid, &args)?;
    let loss = Array::rows(device, &[], Kind::F32)?;
    let args = [partial.arg(), loss.arg(), int(grid.blocks())?];
    launch(device, Kind::F32, "loss_finish", Grid::rows(1), &args)?;
    let kind = z.kind();
    Ok(record_one("bce", [logits], loss, move |dy| {
        let dz = Array::rows(dy.device(), slope.dims(), kind)?;
        let args = [slope.arg(), dy.arg(), dz.arg(), long(n)];
        launch(dz.device(), kind, "scale_by", Grid::each(n), &args)?;
        Ok([Gradient::fresh(dz)])
    }))
}
