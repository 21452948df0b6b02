//! Matrix product.

use crate::element::{BatchMatrix, Float, Matrix};

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

/// The products of `[m, k]` and `[k, n]`, one after the other, on top of what is in `to`.
pub(crate) fn matmul_batch<T: Float>(
    [m, n, k]: [usize; 3],
    a: BatchMatrix<'_, T>,
    b: BatchMatrix<'_, T>,
    to: &mut [T],
) {
    for (i, to) in to.chunks_exact_mut((m * n).max(1)).enumerate() {
        matmul(m, n, k, a.at(i), b.at(i), to);
    }
}
