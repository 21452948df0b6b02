//! Linear map of the last axis.

use super::data::{tensor, with_all, with_data};
use super::element::{Element, Matrix, by_type};
use super::numbers::on_gpu;
use super::tape::{Gradient, Value, record};
use candle_core::{Result, bail};

/// `x wᵀ + b`: `x` `[..., in]`, `weight` `[out, in]`, `bias` `[out]`.
pub fn linear(x: &Value, weight: &Value, bias: Option<&Value>) -> Result<Value> {
    let (outs, ins) = weight.dims2()?;
    if x.dims().last() != Some(&ins) {
        bail!(
            "linear map from {ins} numbers of a tensor of shape {:?}",
            x.dims()
        );
    }
    if bias.is_some_and(|bias| bias.dims() != [outs]) {
        bail!("linear map to {outs} numbers with a bias of another length");
    }
    on_gpu!([x, weight] => crate::gpu::ops::linear(x, weight, bias));
    by_type!(x.dtype(), T => run::<T>(x, weight, bias))
}

fn run<T: Element>(x: &Value, weight: &Value, bias: Option<&Value>) -> Result<Value> {
    let (outs, ins) = weight.dims2()?;
    let rows = x.elem_count() / ins;
    let mut dims = x.dims().to_vec();
    if let Some(last) = dims.last_mut() {
        *last = outs;
    }
    let mut y = match bias {
        Some(bias) => with_data(bias.tensor()?, |bias: &[T]| Ok(bias.repeat(rows)))?,
        None => vec![T::ZERO; rows * outs],
    };
    with_all([x.tensor()?, weight.tensor()?], |[x, weight]| {
        let (x, weight) = (Matrix::rows(x, ins), Matrix::rows(weight, ins));
        T::matmul(rows, outs, ins, x, weight.t(), &mut y);
        Ok(())
    })?;
    let needs = [x.is_recorded(), weight.is_recorded()];
    let (x_kept, weight_kept) = (x.tensor()?.clone(), weight.tensor()?.clone());
    let bias_of = bias.cloned().unwrap_or_else(|| x.detached());
    let needs_bias = bias_of.is_recorded();
    let [y] = record(
        "linear",
        [x, weight, &bias_of],
        [tensor(y, &dims)?],
        move |[dy]| {
            let Some(dy) = dy else {
                return Ok([None, None, None]);
            };
            with_all(
                [&x_kept, &weight_kept, &dy],
                |[x, weight, dy]: [&[T]; 3]| {
                    let mut gradients = [None, None, None];
                    let (x, weight, dy_rows) = (
                        Matrix::rows(x, ins),
                        Matrix::rows(weight, ins),
                        Matrix::rows(dy, outs),
                    );
                    if needs[0] {
                        let mut dx = vec![T::ZERO; rows * ins];
                        T::matmul(rows, ins, outs, dy_rows, weight, &mut dx);
                        gradients[0] = Gradient::fresh(tensor(dx, x_kept.dims())?);
                    }
                    if needs[1] {
                        let mut dw = vec![T::ZERO; outs * ins];
                        T::matmul(outs, ins, rows, dy_rows.t(), x, &mut dw);
                        gradients[1] = Gradient::fresh(tensor(dw, weight_kept.dims())?);
                    }
                    if needs_bias {
                        let mut db = vec![T::ZERO; outs];
                        for row in dy.chunks_exact(outs) {
                            for (sum, &dy) in db.iter_mut().zip(row) {
                                *sum += dy;
                            }
                        }
                        gradients[2] = Gradient::fresh(tensor(db, &[outs])?);
                    }
                    Ok(gradients)
                },
            )
        },
    );
    Ok(y)
}
