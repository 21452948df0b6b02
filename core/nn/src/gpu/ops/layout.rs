//! Moving numbers about: types, orders, axes, parts.

use super::super::array::{Array, Order};
use super::super::launch::{Arg, Grid, Kind, int, launch, long};
use super::{arrays, record_one};
use crate::tape::{Gradient, Value};
use candle_core::{Result, bail};

/// The same numbers in another type.
pub(crate) fn in_kind(x: &Array, kind: Kind) -> Result<Array> {
    if x.kind() == kind {
        return Ok(x.clone());
    }
    let y = Array::new(x.device(), x.dims(), kind, x.order())?;
    let n = x.elem_count();
    // Both kernels stand beside `bf16`; in f32 there is nothing to convert.
    let name = match kind {
        Kind::F32 => "to_float",
        Kind::Bf16 => "from_float",
    };
    let args = [x.arg(), y.arg(), long(n)];
    launch(x.device(), Kind::Bf16, name, Grid::each(n), &args)?;
    Ok(y)
}

/// The same numbers in another order.
pub(crate) fn in_order(x: &Array, order: Order) -> Result<Array> {
    // Up to two axes, or where one of the exchanged sides has a single place, the orders are the same.
    let dims = x.dims();
    let alike = dims.len() < 3 || dims[1] == 1 || dims[2..].iter().product::<usize>() == 1;
    if x.order() == order {
        return Ok(x.clone());
    }
    if alike {
        return Ok(x.relabelled(order));
    }
    let y = Array::new(x.device(), dims, x.kind(), order)?;
    let (from, to) = (strides(x), strides(&y));
    copy(x, 0, &from, &y, 0, &to, dims)?;
    Ok(y)
}

/// How far apart neighbours along each axis lie.
pub(super) fn strides(x: &Array) -> Vec<usize> {
    strides_of(x.dims(), x.order())
}

fn strides_of(dims: &[usize], order: Order) -> Vec<usize> {
    let mut strides = vec![1; dims.len()];
    let mut step = 1;
    for axis in axes_by_density(dims.len(), order).into_iter().rev() {
        strides[axis] = step;
        step *= dims[axis];
    }
    strides
}

/// The axes from the widest to the densest.
pub(super) fn axes_by_density(rank: usize, order: Order) -> Vec<usize> {
    let mut axes: Vec<usize> = (0..rank).collect();
    if order == Order::ChannelsLast && rank > 2 {
        axes.remove(1);
        axes.push(1);
    }
    axes
}

/// Copies a box of `dims` numbers from one array into another: from place `from_at` on along `from`, to `to_at` on along `to`.
pub(super) fn copy(
    x: &Array,
    from_at: usize,
    from: &[usize],
    y: &Array,
    to_at: usize,
    to: &[usize],
    dims: &[usize],
) -> Result<()> {
    /// What the kernel counts along.
    const AXES: usize = 5;
    let n: usize = dims.iter().product();
    if n == 0 {
        return Ok(());
    }
    let merged = merged(dims, from, to);
    let Some(missing) = AXES.checked_sub(merged.len()) else {
        bail!("GPU: numbers along {} axes to move", merged.len());
    };
    let axis = |i: usize| match i.checked_sub(missing) {
        Some(i) => merged[i],
        None => (1, 0, 0),
    };
    let size = match x.kind() {
        Kind::F32 => 4,
        Kind::Bf16 => 2,
    };
    let at = |array: &Array, place: usize| Arg::Pointer(array.address() + (place * size) as u64);
    let mut args = vec![at(x, from_at), at(y, to_at)];
    for i in 1..AXES {
        args.push(int(axis(i).0)?);
    }
    args.extend((0..AXES).map(|i| long(axis(i).1)));
    args.extend((0..AXES).map(|i| long(axis(i).2)));
    args.push(long(n));
    launch(x.device(), x.kind(), "strided_copy", Grid::each(n), &args)
}

/// Axes that lie behind each other on both sides as one: sizes and strides on either side.
fn merged(dims: &[usize], from: &[usize], to: &[usize]) -> Vec<(usize, usize, usize)> {
    let mut merged: Vec<(usize, usize, usize)> = Vec::new();
    for ((&n, &from), &to) in dims.iter().zip(from).zip(to) {
        match merged.last_mut() {
            _ if n == 1 => {}
            Some((size, far, wide)) if *far == n * from && *wide == n * to => {
                (*size, *far, *wide) = (*size * n, from, to);
            }
            _ => merged.push((n, from, to)),
        }
    }
    merged
}

/// The same numbers, row-major, in another shape.
pub(super) fn reshaped(x: &Array, dims: &[usize]) -> Result<Array> {
    if x.elem_count() != dims.iter().product::<usize>() {
        bail!("shape {:?} cannot become {dims:?}", x.dims());
    }
    // Feature maps whose batch and channels stay what they are lie as they should.
    let keeps = x.dims().len() > 2 && dims.len() >= 2 && x.dims()[..2] == dims[..2];
    if keeps {
        return Ok(x.with_dims(dims));
    }
    Ok(in_order(x, Order::Rows)?.with_dims(dims))
}

/// [`crate::reshape`].
pub(crate) fn reshape(x: &Value, dims: &[usize]) -> Result<Value> {
    let [array] = arrays([x])?;
    let y = reshaped(&array, dims)?;
    let old = x.dims().to_vec();
    Ok(record_one("reshape", [x], y, move |dy| {
        Ok([Gradient::shared(reshaped(&dy, &old)?)])
    }))
}

fn permuted(x: &Array, axes: &[usize]) -> Result<Array> {
    let dims: Vec<usize> = axes.iter().map(|&axis| x.dims()[axis]).collect();
    let all = strides(x);
    let from: Vec<usize> = axes.iter().map(|&axis| all[axis]).collect();
    let y = Array::rows(x.device(), &dims, x.kind())?;
    copy(x, 0, &from, &y, 0, &strides(&y), &dims)?;
    Ok(y)
}

/// [`crate::permute`].
pub(crate) fn permute(x: &Value, axes: &[usize]) -> Result<Value> {
    let mut back = vec![usize::MAX; x.rank()];
    for (to, &from) in axes.iter().enumerate() {
        match back.get_mut(from) {
            Some(place) => *place = to,
            None => bail!("no axis {from} in a tensor of shape {:?}", x.dims()),
        }
    }
    if axes.len() != back.len() || back.contains(&usize::MAX) {
        bail!("axes {axes:?} of a tensor of shape {:?}", x.dims());
    }
    let [array] = arrays([x])?;
    let y = permuted(&array, axes)?;
    Ok(record_one("permutation", [x], y, move |dy| {
        Ok([Gradient::fresh(permuted(&dy, &back)?)])
    }))
}

/// [`crate::narrow`].
pub(crate) fn narrow(x: &Value, axis: usize, start: usize, len: usize) -> Result<Value> {
    let n = x.dim(axis)?;
    if start + len > n {
        bail!("the part {start}..{} of {n} on axis {axis}", start + len);
    }
    let [array] = arrays([x])?;
    let y = part(&array, axis, start, len)?;
    let dims = x.dims().to_vec();
    Ok(record_one("part", [x], y, move |dy| {
        let dx = Array::rows(dy.device(), &dims, dy.kind())?;
        fill(&dx, 0.0)?;
        let to = strides(&dx);
        copy(&dy, 0, &strides(&dy), &dx, start * to[axis], &to, dy.dims())?;
        Ok([Gradient::fresh(dx)])
    }))
}

fn part(x: &Array, axis: usize, start: usize, len: usize) -> Result<Array> {
    let mut dims = x.dims().to_vec();
    dims[axis] = len;
    let y = Array::rows(x.device(), &dims, x.kind())?;
    let from = strides(x);
    copy(x, start * from[axis], &from, &y, 0, &strides(&y), &dims)?;
    Ok(y)
}

/// [`crate::concat`].
pub(crate) fn concat<const N: usize>(parts: [&Value; N], axis: usize) -> Result<Value> {
    let all = arrays(parts)?;
    let kind = all[0].kind();
    let mut dims = parts[0].dims().to_vec();
    let mut sizes = Vec::with_capacity(N);
    for part in parts {
        sizes.push(part.dim(axis)?);
        let alike = part.rank() == dims.len()
            && (0..dims.len()).all(|i| i == axis || part.dims()[i] == dims[i]);
        if !alike {
            bail!("shapes {dims:?} and {:?} along axis {axis}", part.dims());
        }
    }
    dims[axis] = sizes.iter().sum();
    let y = Array::rows(all[0].device(), &dims, kind)?;
    let to = strides(&y);
    let mut start = 0;
    for (array, &size) in all.iter().zip(&sizes) {
        let array = in_kind(array, kind)?;
        let from = strides(&array);
        copy(&array, 0, &from, &y, start * to[axis], &to, array.dims())?;
        start += size;
    }
    Ok(record_one("concatenation", parts, y, move |dy| {
        let mut gradients = [const { None }; N];
        let mut start = 0;
        for (gradient, size) in gradients.iter_mut().zip(sizes) {
            *gradient = Gradient::fresh(part(&dy, axis, start, size)?);
            start += size;
        }
        Ok(gradients)
    }))
}

/// The same number everywhere.
pub(super) fn fill(x: &Array, value: f32) -> Result<()> {
    let n = x.elem_count();
    let args = [x.arg(), Arg::Float(value), long(n)];
    launch(x.device(), x.kind(), "fill", Grid::each(n), &args)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_last_are_densest() {
        assert_eq!(strides_of(&[2, 3, 4, 5], Order::Rows), [60, 20, 5, 1]);
        assert_eq!(
            strides_of(&[2, 3, 4, 5], Order::ChannelsLast),
            [60, 1, 15, 3]
        );
        assert_eq!(strides_of(&[2, 3, 7], Order::ChannelsLast), [21, 1, 3]);
        assert_eq!(strides_of(&[2, 3], Order::ChannelsLast), [3, 1]);
    }

    #[test]
    fn axes_that_lie_behind_each_other_are_one() {
        assert_eq!(merged(&[2, 3, 4], &[12, 4, 1], &[12, 4, 1]), [(24, 1, 1)]);
        // Channels last to rows: pixels stay together.
        let to = strides_of(&[2, 3, 4, 5], Order::Rows);
        let from = strides_of(&[2, 3, 4, 5], Order::ChannelsLast);
        assert_eq!(
            merged(&[2, 3, 4, 5], &from, &to),
            [(2, 60, 60), (3, 1, 20), (20, 3, 1)]
        );
        assert_eq!(merged(&[1, 1], &[1, 1], &[1, 1]), []);
    }
}
