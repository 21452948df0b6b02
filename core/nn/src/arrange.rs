//! Moving numbers about: joining tensors, taking a part, exchanging axes.

use super::numbers::on_gpu;
use super::tape::{Gradient, Value, record};
use candle_core::{Result, Tensor, bail};

/// Tensors one after the other along `axis`; all other axes are of one size.
pub fn concat<const N: usize>(parts: [&Value; N], axis: usize) -> Result<Value> {
    #[cfg(feature = "cuda")]
    if super::gpu::ops::device_of(parts).is_some() {
        return super::gpu::ops::concat(parts, axis);
    }
    let sizes: Vec<usize> = parts
        .iter()
        .map(|part| part.dim(axis))
        .collect::<Result<_>>()?;
    let tensors: Vec<&Tensor> = parts
        .iter()
        .map(|part| part.tensor())
        .collect::<Result<_>>()?;
    let y = Tensor::cat(&tensors, axis)?;
    let [y] = record("concatenation", parts, [y], move |[dy]| {
        let mut gradients = [const { None }; N];
        let Some(dy) = dy else { return Ok(gradients) };
        let mut start = 0;
        for (gradient, size) in gradients.iter_mut().zip(sizes) {
            *gradient = Gradient::shared(dy.narrow(axis, start, size)?.contiguous()?);
            start += size;
        }
        Ok(gradients)
    });
    Ok(y)
}

/// The part `start..start + len` along `axis`. Fails if there is less.
pub fn narrow(x: &Value, axis: usize, start: usize, len: usize) -> Result<Value> {
    on_gpu!([x] => crate::gpu::ops::narrow(x, axis, start, len));
    let n = x.dim(axis)?;
    let y = x.tensor()?.narrow(axis, start, len)?.contiguous()?;
    let [y] = record("part", [x], [y], move |[dy]| {
        let Some(dy) = dy else { return Ok([None]) };
        let dx = dy.pad_with_zeros(axis, start, n - start - len)?;
        Ok([Gradient::shared(dx)])
    });
    Ok(y)
}

/// One place of `axis`, which is then gone: `select(x, 1, t)` of `[batch, times, width]` is `[batch, width]` at time `t`.
pub fn select(x: &Value, axis: usize, place: usize) -> Result<Value> {
    let mut dims = x.dims().to_vec();
    if dims.get(axis).is_none_or(|&n| place >= n) {
        bail!("no place {place} on axis {axis} of a tensor of shape {dims:?}");
    }
    dims.remove(axis);
    super::reshape(&narrow(x, axis, place, 1)?, &dims)
}

/// The axes in another order: axis `i` of the result is axis `axes[i]` of `x`.
pub fn permute(x: &Value, axes: &[usize]) -> Result<Value> {
    on_gpu!([x] => crate::gpu::ops::permute(x, axes));
    let y = x.tensor()?.permute(axes)?.contiguous()?;
    let mut back = vec![0; axes.len()];
    for (to, &from) in axes.iter().enumerate() {
        back[from] = to;
    }
    let [y] = record("permutation", [x], [y], move |[dy]| {
        let Some(dy) = dy else { return Ok([None]) };
        Ok([Gradient::shared(dy.permute(back)?.contiguous()?)])
    });
    Ok(y)
}

/// Two axes exchanged.
pub fn transpose(x: &Value, a: usize, b: usize) -> Result<Value> {
    let n = x.rank();
    if a >= n || b >= n {
        bail!("no axes {a} and {b} to exchange in a tensor of {n} axes");
    }
    let mut axes: Vec<usize> = (0..n).collect();
    axes.swap(a, b);
    permute(x, &axes)
}

#[cfg(test)]
mod tests {
    use super::super::check::check;
    use super::*;

    #[test]
    fn tensors_are_joined_and_taken_apart_along_any_axis() {
        let dims: &[usize] = &[2, 3, 5];
        check("concatenation", &[dims, &[1, 3, 5]], |[a, b]| {
            concat([a, b], 0)
        });
        check(
            "concatenation",
            &[dims, &[2, 4, 5], &[2, 1, 5]],
            |[a, b, c]| concat([a, b, c, a], 1),
        );
        check("concatenation", &[dims, &[2, 3, 1]], |[a, b]| {
            concat([a, b], 2)
        });
        for axis in 0..3 {
            check("part", &[dims], |[x]| narrow(x, axis, 1, 1));
            check("place", &[dims], |[x]| select(x, axis, 1));
        }
        check("part", &[dims], |[x]| narrow(x, 2, 1, 3));
        check("axes", &[dims], |[x]| permute(x, &[2, 0, 1]));
        check("axes", &[dims], |[x]| transpose(x, 0, 2));
    }

    #[test]
    fn places_that_are_not_there_are_refused() {
        let x = Tensor::zeros((2, 3), candle_core::DType::F32, &candle_core::Device::Cpu).unwrap();
        let x = Value::constant(x);
        assert!(select(&x, 1, 3).is_err());
        assert!(select(&x, 2, 0).is_err());
        assert!(narrow(&x, 1, 2, 2).is_err());
        assert!(transpose(&x, 0, 2).is_err());
        assert!(permute(&x, &[0, 0]).is_err());
        assert!(concat([&x, &x], 2).is_err());
    }
}
