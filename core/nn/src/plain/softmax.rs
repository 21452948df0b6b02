//! Softmax of rows.

use crate::element::Float;

/// Of each row of `width` numbers.
pub(crate) fn softmax<T: Float>(width: usize, x: &[T]) -> Vec<T> {
    let mut y = Vec::with_capacity(x.len());
    for row in x.chunks_exact(width) {
        let highest = row
            .iter()
            .copied()
            .fold(row[0], |a, b| if b > a { b } else { a });
        let powers: Vec<T> = row.iter().map(|&x| (x - highest).exp()).collect();
        let total: T = powers.iter().copied().sum();
        y.extend(powers.into_iter().map(|power| power / total));
    }
    y
}

/// From the output.
pub(crate) fn gradient<T: Float>(width: usize, y: &[T], dy: &[T]) -> Vec<T> {
    let mut dx = Vec::with_capacity(y.len());
    for (y, dy) in y.chunks_exact(width).zip(dy.chunks_exact(width)) {
        let mean: T = y.iter().zip(dy).map(|(&y, &dy)| y * dy).sum();
        dx.extend(y.iter().zip(dy).map(|(&y, &dy)| y * (dy - mean)));
    }
    dx
}
