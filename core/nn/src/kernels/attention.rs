//! Attention, one task per clip and head. Equals `plain::attention`.
#![expect(unsafe_code, reason = "heads lie interleaved in one buffer")]

use super::buffer::with_scratch;
use super::lanes::dispatch;
use super::matmul::to_pointer;
use super::shared::Shared;
use super::softmax::{RowGradients, Rows};
use crate::element::{AttentionShape, Matrix};
use rayon::prelude::*;

/// Queries (0), keys (1) or values (2) of a head as a matrix `[tokens, width]`.
fn part<'a>(shape: &AttentionShape, qkv: &'a [f32], task: usize, which: usize) -> Matrix<'a, f32> {
    let row = 3 * shape.heads * shape.width;
    let (b, head) = (task / shape.heads, task % shape.heads);
    Matrix {
        data: &qkv[b * shape.tokens * row + (which * shape.heads + head) * shape.width..],
        row_stride: row,
        column_stride: 1,
    }
}

/// A head's rows of `[batch, tokens, heads, width]`.
fn head<'a>(shape: &AttentionShape, rows: &'a [f32], task: usize) -> Matrix<'a, f32> {
    let row = shape.heads * shape.width;
    let (b, head) = (task / shape.heads, task % shape.heads);
    Matrix {
        data: &rows[b * shape.tokens * row + head * shape.width..],
        row_stride: row,
        column_stride: 1,
    }
}

pub(crate) fn forward(shape: &AttentionShape, qkv: &[f32]) -> (Vec<f32>, Vec<f32>) {
    let AttentionShape {
        batch,
        tokens,
        heads,
        width,
    } = *shape;
    let scale = (width as f32).powf(-0.5);
    let mut y = vec![0.0; batch * tokens * heads * width];
    let mut weights = vec![0.0; batch * heads * tokens * tokens];
    if y.is_empty() {
        return (y, weights);
    }
    let to = Shared::new(&mut y);
    weights
        .par_chunks_mut(tokens * tokens)
        .enumerate()
        .for_each(|(task, scores)| {
            let [q, k, v] = [0, 1, 2].map(|which| part(shape, qkv, task, which));
            let (b, head) = (task / heads, task % heads);
            let row = heads * width;
            // SAFETY: the scores are this task's; it alone writes this head's columns of this clip.
            unsafe {
                to_pointer(
                    tokens,
                    tokens,
                    width,
                    q,
                    k.t(),
                    scores.as_mut_ptr(),
                    tokens,
                    0.0,
                );
                dispatch(Rows {
                    n: tokens,
                    width: tokens,
                    scale,
                    x: scores.as_ptr(),
                    y: scores.as_mut_ptr(),
                });
                let context = to.pointer(b * tokens * row + head * width);
                to_pointer(
                    tokens,
                    width,
                    tokens,
                    Matrix::rows(scores, tokens),
                    v,
                    context,
                    row,
                    0.0,
                );
            }
        });
    (y, weights)
}

pub(crate) fn gradient(
    shape: &AttentionShape,
    qkv: &[f32],
    weights: &[f32],
    dy: &[f32],
) -> Vec<f32> {
    let AttentionShape {
        batch: _,
        tokens,
        heads,
        width,
    } = *shape;
    let scale = (width as f32).powf(-0.5);
    let mut dqkv = vec![0.0; qkv.len()];
    if dqkv.is_empty() {
        return dqkv;
    }
    let to = Shared::new(&mut dqkv);
    weights
        .par_chunks(tokens * tokens)
        .enumerate()
        .for_each(|(task, weights)| {
            let [q, k, v] = [0, 1, 2].map(|which| part(shape, qkv, task, which));
            let dy = head(shape, dy, task);
            let row = 3 * heads * width;
            let (b, head) = (task / heads, task % heads);
            let to = [0, 1, 2]
                .map(|which| to.pointer(b * tokens * row + (which * heads + head) * width));
            with_scratch(tokens * tokens, |gradient| {
                // SAFETY: the scratch memory is this thread's; this task alone writes this head's columns of this clip.
                unsafe {
                    to_pointer(
                        tokens,
                        tokens,
                        width,
                        dy,
                        v.t(),
                        gradient.as_mut_ptr(),
                        tokens,
                        0.0,
                    );
                    let weights_rows = Matrix::rows(weights, tokens);
                    to_pointer(tokens, width, tokens, weights_rows.t(), dy, to[2], row, 0.0);
                    dispatch(RowGradients {
                        n: tokens,
                        width: tokens,
                        scale,
                        y: weights.as_ptr(),
                        dy: gradient.as_ptr(),
                        dx: gradient.as_mut_ptr(),
                    });
                    let gradient = Matrix::rows(gradient, tokens);
                    to_pointer(tokens, width, tokens, gradient, k, to[0], row, 0.0);
                    to_pointer(tokens, width, tokens, gradient.t(), q, to[1], row, 0.0);
                }
            });
        });
    dqkv
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plain;
    use crate::rng::{Address, Purpose};

    #[test]
    fn attention_and_its_gradient_give_the_plain_result() {
        for (tokens, heads, width) in [(1, 1, 1), (7, 2, 5), (41, 4, 16), (55, 8, 32)] {
            let shape = AttentionShape {
                batch: 2,
                tokens,
                heads,
                width,
            };
            let draw = |n: usize, track: u64| -> Vec<f32> {
                let mut draws = Address::new(2, Purpose::Check, track).stream();
                (0..n).map(|_| draws.normal()).collect()
            };
            let qkv = draw(2 * tokens * 3 * heads * width, 1);
            let dy = draw(2 * tokens * heads * width, 2);
            let wide = |x: &[f32]| -> Vec<f64> { x.iter().map(|&x| f64::from(x)).collect() };
            let (y, weights) = forward(&shape, &qkv);
            let dqkv = gradient(&shape, &qkv, &weights, &dy);
            let (plain_y, plain_weights) = plain::attention::forward(&shape, &wide(&qkv));
            let plain_dqkv =
                plain::attention::gradient(&shape, &wide(&qkv), &plain_weights, &wide(&dy));
            for (found, expected) in [(y, plain_y), (weights, plain_weights), (dqkv, plain_dqkv)] {
                let largest = expected.iter().fold(0f64, |a, b| a.max(b.abs()));
                for (found, expected) in found.iter().zip(expected) {
                    let apart = (f64::from(*found) - expected).abs();
                    assert!(apart <= 3e-6 * largest, "{shape:?}: {found} for {expected}");
                }
            }
        }
    }
}
