//! Products of many small matrices, such as the scores of every head of every clip.

use super::data::{tensor, with_all};
use super::element::{BatchMatrix, Element, by_type};
use super::numbers::on_gpu;
use super::tape::{Gradient, Value, record};
use candle_core::{Result, bail};

/// Matrix product over the last two axes: `a` `[..., m, k]`, `b` `[..., k, n]`, to `[..., m, n]`. The axes before are the same in both.
pub fn matmul(a: &Value, b: &Value) -> Result<Value> {
    let (dims_a, dims_b) = (a.dims(), b.dims());
    let (&[ref batch_a @ .., m, k], &[ref batch_b @ .., k_b, n]) = (dims_a, dims_b) else {
        bail!("matrix product of shapes {dims_a:?} and {dims_b:?}");
    };
    if batch_a != batch_b || k != k_b || a.elem_count() * b.elem_count() == 0 {
        bail!("matrix product of shapes {dims_a:?} and {dims_b:?}");
    }
    on_gpu!([a, b] => crate::gpu::ops::matmul(a, b));
    by_type!(a.dtype(), T => run::<T>([m, n, k], a, b))
}

fn run<T: Element>([m, n, k]: [usize; 3], a: &Value, b: &Value) -> Result<Value> {
    let mut dims = a.dims().to_vec();
    if let Some(last) = dims.last_mut() {
        *last = n;
    }
    let len: usize = dims.iter().product();
    let y = with_all([a.tensor()?, b.tensor()?], |[a, b]: [&[T]; 2]| {
        let mut y = vec![T::ZERO; len];
        let (a, b) = (BatchMatrix::rows(a, m, k), BatchMatrix::rows(b, k, n));
        T::matmul_batch([m, n, k], a, b, &mut y);
        tensor(y, &dims)
    })?;
    let (a_kept, b_kept) = (a.tensor()?.clone(), b.tensor()?.clone());
    let needs = [a.is_recorded(), b.is_recorded()];
    let [y] = record("matrix product", [a, b], [y], move |[dy]| {
        let mut gradients = [None, None];
        let Some(dy) = dy else { return Ok(gradients) };
        with_all([&a_kept, &b_kept, &dy], |[a, b, dy]: [&[T]; 3]| {
            let dy = BatchMatrix::rows(dy, m, n);
            if needs[0] {
                let mut da = vec![T::ZERO; a.len()];
                T::matmul_batch([m, k, n], dy, BatchMatrix::rows(b, k, n).t(), &mut da);
                gradients[0] = Gradient::fresh(tensor(da, a_kept.dims())?);
            }
            if needs[1] {
                let mut db = vec![T::ZERO; b.len()];
                T::matmul_batch([k, n, m], BatchMatrix::rows(a, m, k).t(), dy, &mut db);
                gradients[1] = Gradient::fresh(tensor(db, b_kept.dims())?);
            }
            Ok(gradients)
        })
    });
    Ok(y)
}

#[cfg(test)]
mod tests {
    use super::super::check::check;
    use super::*;

    #[test]
    fn one_product_and_many() {
        check("product", &[&[5, 7], &[7, 3]], |[a, b]| matmul(a, b));
        check("products", &[&[2, 3, 5, 7], &[2, 3, 7, 4]], |[a, b]| {
            matmul(a, b)
        });
    }

    #[test]
    fn shapes_that_do_not_fit_are_refused() {
        let zeros = |dims: &[usize]| {
            let device = candle_core::Device::Cpu;
            let zeros = candle_core::Tensor::zeros(dims, candle_core::DType::F32, &device);
            Value::constant(zeros.unwrap())
        };
        for (a, b) in [
            (&[2, 3][..], &[2, 3][..]),
            (&[2, 2, 3], &[3, 3, 2]),
            (&[3], &[3, 2]),
            (&[2, 0], &[0, 2]),
        ] {
            assert!(matmul(&zeros(a), &zeros(b)).is_err(), "{a:?} {b:?}");
        }
    }
}
