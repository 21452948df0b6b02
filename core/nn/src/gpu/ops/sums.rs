//! Sums over columns and channels, biases, and the norm of all gradients. Sums have two stages in a fixed order: the same bits every time.

use super::super::array::{Array, Memory, Order};
use super::super::launch::{Grid, Kind, THREADS, int, launch, long};
use super::{in_order, plain};
use candle_core::{Result, bail};

/// Parts of a sum over `rows` rows: enough to fill a GPU, few enough that each has something to do.
pub(super) fn parts_of(rows: usize) -> usize {
    (rows / 64).clamp(1, 256)
}

/// The sum of each column of `[rows, width]`, in f32.
pub(super) fn column_sums(x: &Array, width: usize, dims: &[usize]) -> Result<Array> {
    let rows = x.elem_count() / width.max(1);
    let parts = parts_of(rows);
    let device = x.device();
    let partial = Array::rows(device, &[parts, width], Kind::F32)?;
    let args = [x.arg(), partial.arg(), int(width)?, int(parts)?, long(rows)];
    let grid = Grid::pairs(width.div_ceil(THREADS), parts)?;
    launch(device, x.kind(), "column_partial", grid, &args)?;
    column_finish(&partial, width, parts, dims)
}

/// The sums of the columns of partial sums `[parts, width]`.
pub(super) fn column_finish(
    partial: &Array,
    width: usize,
    parts: usize,
    dims: &[usize],
) -> Result<Array> {
    let device = partial.device();
    let sums = Array::rows(device, dims, Kind::F32)?;
    let args = [partial.arg(), sums.arg(), int(width)?, int(parts)?];
    launch(device, Kind::F32, "column_finish", Grid::each(width), &args)?;
    Ok(sums)
}

/// `x` plus a bias for each column of `[rows, width]`.
pub(super) fn with_columns(x: &Array, bias: &Array, width: usize) -> Result<Array> {
    let bias = plain(bias)?;
    let y = x.like()?;
    let n = x.elem_count();
    let args = [x.arg(), bias.arg(), y.arg(), int(width)?, long(n)];
    launch(x.device(), x.kind(), "add_columns", Grid::each(n), &args)?;
    Ok(y)
}

/// Euclidean norm over all arrays. Waits for the GPU.
pub(crate) fn norm(arrays: &[&Array]) -> Result<f64> {
    let Some(first) = arrays.first() else {
        bail!("GPU: the norm of nothing");
    };
    let device = first.device();
    let total = Memory::zeros(device, size_of::<f64>())?;
    for array in arrays {
        let array = in_order(&plain(array)?, Order::Rows)?;
        let n = array.elem_count();
        let grid = Grid::rows(n.div_ceil(THREADS * 16).min(512));
        let partial = Memory::new(device, grid.blocks() * size_of::<f64>())?;
        let args = [array.arg(), partial.arg(), long(n)];
        launch(device, Kind::F32, "square_partial", grid, &args)?;
        let args = [partial.arg(), total.arg(), int(grid.blocks())?];
        launch(device, Kind::F32, "square_finish", Grid::rows(1), &args)?;
    }
    let squares = total.read::<f64>(1)?;
    Ok(squares.iter().sum::<f64>().sqrt())
}
