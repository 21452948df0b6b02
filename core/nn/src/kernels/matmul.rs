//! Matrix product by the gemm crate, in tiles of fixed size: the result does not depend on the number of threads.
#![expect(unsafe_code, reason = "gemm takes pointers and strides")]

use super::buffer::filled_by_tasks;
use super::shared::Shared;
use crate::element::{BatchMatrix, Matrix};
use rayon::prelude::*;

/// Rows and columns of the result that one task computes: square, as each task packs its rows of one factor and its columns of the other.
const TILE: [usize; 2] = [128, 128];

/// Below this many products a single task does all: waking threads costs more.
const SMALL: usize = 1 << 15;

/// From how many rows of the first factor on a transposed second one is turned first. Each tile would turn its columns anew, number by
/// number: in a linear map's way there that was as much work as the products.
const TURNED_FROM: usize = 48;

/// `to += a b`, row-major `[m, n]`.
pub(crate) fn parallel(
    m: usize,
    n: usize,
    k: usize,
    a: Matrix<'_, f32>,
    b: Matrix<'_, f32>,
    to: &mut [f32],
) {
    assert_eq!(to.len(), m * n, "size of the result");
    if m * n * k <= SMALL {
        return single(m, n, k, a, b, to, n);
    }
    if b.row_stride == 1 && b.column_stride != 1 && m >= TURNED_FROM {
        return parallel(m, n, k, a, Matrix::rows(&turned(n, k, b), n), to);
    }
    let tiles = [m.div_ceil(TILE[0]), n.div_ceil(TILE[1])];
    let shared = Shared::new(to);
    (0..tiles[0] * tiles[1]).into_par_iter().for_each(|tile| {
        let (row, column) = (tile / tiles[1] * TILE[0], tile % tiles[1] * TILE[1]);
        let (rows, columns) = (TILE[0].min(m - row), TILE[1].min(n - column));
        let a = Matrix {
            data: &a.data[row * a.row_stride..],
            ..a
        };
        let b = Matrix {
            data: &b.data[column * b.column_stride..],
            ..b
        };
        // SAFETY: tiles are disjoint blocks of rows and columns of `to`, all inside of it.
        unsafe {
            to_pointer(
                rows,
                columns,
                k,
                a,
                b,
                shared.pointer(row * n + column),
                n,
                1.0,
            )
        }
    });
}

/// The rows of `b`, `[k, n]`, one behind the other.
fn turned(n: usize, k: usize, b: Matrix<'_, f32>) -> Vec<f32> {
    const SIDE: usize = 16;
    // SAFETY: each task writes all of its rows.
    unsafe {
        filled_by_tasks(k * n, SIDE * n, |first, to| {
            let (first, rows) = (first / n, to.len() / n);
            for column in (0..n).step_by(SIDE) {
                let columns = SIDE.min(n - column);
                let mut square = [[0f32; SIDE]; SIDE];
                for (i, numbers) in square[..columns].iter_mut().enumerate() {
                    let from = &b.data[first + (column + i) * b.column_stride..][..rows];
                    numbers[..rows].copy_from_slice(from);
                }
                for row in 0..rows {
                    let to = to.part(row * n + column, columns);
                    for (to, numbers) in to.iter_mut().zip(&square) {
                        *to = numbers[row];
                    }
                }
            }
        })
    }
    .0
}

/// Several products of one shape, one after the other; each is one task, a single one is cut up.
pub(crate) fn batch(
    [m, n, k]: [usize; 3],
    a: BatchMatrix<'_, f32>,
    b: BatchMatrix<'_, f32>,
    to: &mut [f32],
) {
    if to.len() <= m * n {
        return parallel(m, n, k, a.first, b.first, to);
    }
    to.par_chunks_mut(m * n)
        .enumerate()
        .for_each(|(i, to)| single(m, n, k, a.at(i), b.at(i), to, n));
}

/// `to += a b` on the calling thread; rows of `to` lie `to_stride` apart.
pub(crate) fn single(
    m: usize,
    n: usize,
    k: usize,
    a: Matrix<'_, f32>,
    b: Matrix<'_, f32>,
    to: &mut [f32],
    to_stride: usize,
) {
    if m == 0 || n == 0 {
        return;
    }
    assert!((m - 1) * to_stride + n <= to.len(), "size of the result");
    // SAFETY: the result lies inside `to` (checked above), which is borrowed mutably.
    unsafe { to_pointer(m, n, k, a, b, to.as_mut_ptr(), to_stride, 1.0) }
}

/// `to = keep * to + a b` on the calling thread. With `keep` 0 what is in `to` is not read.
///
/// # Safety
/// `to` is valid for writing rows of `n` numbers, `m` of them, `to_stride` apart, and nobody else touches them.
pub(crate) unsafe fn to_pointer(
    m: usize,
    n: usize,
    k: usize,
    a: Matrix<'_, f32>,
    b: Matrix<'_, f32>,
    to: *mut f32,
    to_stride: usize,
    keep: f32,
) {
    if m == 0 || n == 0 || k == 0 {
        return;
    }
    let last = |x: &Matrix<'_, f32>, rows: usize, columns: usize| {
        (rows - 1) * x.row_stride + (columns - 1) * x.column_stride
    };
    assert!(last(&a, m, k) < a.data.len(), "first factor too short");
    assert!(last(&b, k, n) < b.data.len(), "second factor too short");
    // SAFETY: both factors lie inside their slices (checked above), the result is the caller's promise.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            to,
            1,
            to_stride as isize,
            keep != 0.0,
            a.data.as_ptr(),
            a.column_stride as isize,
            a.row_stride as isize,
            b.data.as_ptr(),
            b.column_stride as isize,
            b.row_stride as isize,
            keep,
            1.0,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plain;
    use crate::rng::{Address, Purpose};

    #[test]
    fn tiles_and_edges_give_the_plain_product() {
        for (m, n, k) in [
            (1, 1, 1),
            (5, 7, 3),
            (64, 256, 33),
            (130, 300, 40),
            (3, 1000, 65),
            (70, 5, 200),
        ] {
            let mut draws = Address::new(1, Purpose::Check, (m * n * k) as u64).stream();
            let mut draw = |n: usize| -> Vec<f32> { (0..n).map(|_| draws.normal()).collect() };
            let (a, b, mut to) = (draw(m * k), draw(k * n), draw(m * n));
            let mut expected = to.clone();
            // The second factor as the transpose of a row-major [n, k], as linear layers have it.
            let (a, b) = (Matrix::rows(&a, k), Matrix::rows(&b, k).t());
            parallel(m, n, k, a, b, &mut to);
            plain::linear::matmul(m, n, k, a, b, &mut expected);
            for (found, expected) in to.iter().zip(&expected) {
                assert!(
                    (found - expected).abs() < 1e-4,
                    "{m} x {n} x {k}: {found} for {expected}"
                );
            }
        }
    }
}
