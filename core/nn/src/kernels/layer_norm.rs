//! Layer norm of rows. Equals `plain::norm`.
#![expect(
    unsafe_code,
    reason = "vector instructions; memory that is not cleared before it is filled"
)]

use super::buffer::filled_by_tasks;
use super::lanes::{Kernel, Lanes, dispatch};
use super::shared::Shared;
use super::sums::{Products, squares, sum};
use crate::element::NormGradient;

/// Rows in one task.
const ROWS: usize = 32;

/// Mean of a row and one over its deviation.
#[inline(always)]
unsafe fn row_norm<L: Lanes>(row: &[f32], epsilon: f32) -> (f32, f32) {
    let n = row.len() as f32;
    // SAFETY: the caller's promise.
    unsafe {
        let mean = sum::<L>(row) / n;
        let variance = squares::<L>(row, mean) / n;
        (mean, 1.0 / (variance + epsilon).sqrt())
    }
}

/// Rows of a layer norm.
struct Rows<'a> {
    x: &'a [f32],
    weight: &'a [f32],
    bias: &'a [f32],
    epsilon: f32,
    to: Shared<f32>,
}

impl Kernel for Rows<'_> {
    type Output = ();
    #[inline(always)]
    unsafe fn run<L: Lanes>(self) {
        let width = self.weight.len();
        assert!(self.bias.len() == width && self.to.len() == self.x.len());
        for (i, row) in self.x.chunks_exact(width).enumerate() {
            let to = self.to.pointer(i * width);
            // SAFETY: the caller's promise; sizes are checked above.
            unsafe {
                let (mean, inverse) = row_norm::<L>(row, self.epsilon);
                for (i, &x) in row.iter().enumerate() {
                    let y = (x - mean) * inverse * self.weight[i] + self.bias[i];
                    to.add(i).write(y);
                }
            }
        }
    }
}

pub(crate) fn layer_norm(x: &[f32], weight: &[f32], bias: &[f32], epsilon: f64) -> Vec<f32> {
    // SAFETY: every row is written.
    unsafe {
        filled_by_tasks(x.len(), ROWS * weight.len(), |first, to| {
            dispatch(Rows {
                x: &x[first..][..to.len()],
                weight,
                bias,
                epsilon: epsilon as f32,
                to,
            });
        })
    }
    .0
}

/// Gradients of rows of a layer norm.
struct RowGradients<'a> {
    x: &'a [f32],
    dy: &'a [f32],
    weight: &'a [f32],
    epsilon: f32,
    to: Shared<f32>,
}

impl Kernel for RowGradients<'_> {
    /// Gradients of weight and bias, one after the other.
    type Output = Vec<f32>;
    #[inline(always)]
    unsafe fn run<L: Lanes>(self) -> Vec<f32> {
        let (width, weight) = (self.weight.len(), self.weight);
        assert!(self.dy.len() == self.x.len() && self.to.len() == self.x.len());
        let n = width as f32;
        let mut of_parameters = vec![0f32; 2 * width];
        let (of_weight, of_bias) = of_parameters.split_at_mut(width);
        let rows = self.x.chunks_exact(width).zip(self.dy.chunks_exact(width));
        for (i, (row, dy)) in rows.enumerate() {
            let to = self.to.pointer(i * width);
            // SAFETY: the caller's promise; sizes are checked above.
            unsafe {
                let (mean, inverse) = row_norm::<L>(row, self.epsilon);
                for i in 0..width {
                    to.add(i).write(dy[i] * weight[i]);
                }
                let scaled = std::slice::from_raw_parts(to, width);
                let products = Products {
                    x: row,
                    dy: scaled,
                    mean,
                };
                let [sum, product] = products.run::<L>();
                let (sum, product) = (sum / n, product * inverse / n);
                for i in 0..width {
                    let normal = (row[i] - mean) * inverse;
                    of_weight[i] += dy[i] * normal;
                    of_bias[i] += dy[i];
                    let scaled = to.add(i);
                    scaled.write(inverse * (scaled.read() - sum - normal * product));
                }
            }
        }
        of_parameters
    }
}

pub(crate) fn layer_norm_gradient(
    x: &[f32],
    weight: &[f32],
    epsilon: f64,
    dy: &[f32],
) -> NormGradient<f32> {
    let width = weight.len();
    // SAFETY: every row is written.
    let (dx, parts) = unsafe {
        filled_by_tasks(x.len(), ROWS * width, |first, to| {
            dispatch(RowGradients {
                x: &x[first..][..to.len()],
                dy: &dy[first..][..to.len()],
                weight,
                epsilon: epsilon as f32,
                to,
            })
        })
    };
    let mut sums = vec![0f32; 2 * width];
    for part in &parts {
        for (sum, part) in sums.iter_mut().zip(part) {
            *sum += part;
        }
    }
    let bias = sums.split_off(width);
    NormGradient {
        x: dx,
        weight: sums,
        bias,
    }
}
