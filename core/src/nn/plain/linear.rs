//! Matrix product.

use crate::nn::element::{Float, Matrix};

pub(crate) fn matmul<T: Float>(
    m: usize,
    n: usize,
    k: usize,
    a: Matrix<'_, T>,
    b: Matrix<'_, T>,
    to: &mut [T],
) {
    for row in 0..m {
        for column in 0..n {
            let mut sum = T::ZERO;
            for i in 0..k {
                sum += a.data[row * a.row_stride + i * a.column_stride]
                    * b.data[i * b.row_stride + column * b.column_stride];
            }
            to[row * n + column] += sum;
        }
    }
}
