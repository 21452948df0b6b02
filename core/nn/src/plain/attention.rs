//! Scaled dot-product attention over packed queries, keys and values.
//!
//! `qkv` is `[batch, tokens, 3, heads, width]`, the output `[batch, tokens, heads, width]`, the weights
//! `[batch, heads, tokens (query), tokens (key)]`.

use crate::element::{AttentionShape, Float};

/// Index of a number of the query (0), key (1) or value (2) of a token.
fn at(shape: &AttentionShape, b: usize, token: usize, which: usize, head: usize) -> usize {
    (((b * shape.tokens + token) * 3 + which) * shape.heads + head) * shape.width
}

fn dot<T: Float>(a: &[T], b: &[T]) -> T {
    a.iter().zip(b).map(|(&a, &b)| a * b).sum()
}

/// `to += factor * from`.
fn add_scaled<T: Float>(to: &mut [T], factor: T, from: &[T]) {
    for (to, &from) in to.iter_mut().zip(from) {
        *to += factor * from;
    }
}

/// The context of every token, and the attention weights.
pub(crate) fn forward<T: Float>(shape: &AttentionShape, qkv: &[T]) -> (Vec<T>, Vec<T>) {
    let AttentionShape {
        batch,
        tokens,
        heads,
        width,
    } = *shape;
    let scale = T::of((width as f64).powf(-0.5));
    let mut y = vec![T::ZERO; batch * tokens * heads * width];
    let mut weights = Vec::with_capacity(batch * heads * tokens * tokens);
    for b in 0..batch {
        for head in 0..heads {
            for query in 0..tokens {
                let q = &qkv[at(shape, b, query, 0, head)..][..width];
                let scores: Vec<T> = (0..tokens)
                    .map(|key| dot(q, &qkv[at(shape, b, key, 1, head)..][..width]) * scale)
                    .collect();
                let highest = scores
                    .iter()
                    .copied()
                    .fold(scores[0], |a, b| if b > a { b } else { a });
                let powers: Vec<T> = scores.iter().map(|&s| (s - highest).exp()).collect();
                let total: T = powers.iter().copied().sum();
                let row = &mut y[((b * tokens + query) * heads + head) * width..][..width];
                for (key, &power) in powers.iter().enumerate() {
                    let weight = power / total;
                    weights.push(weight);
                    add_scaled(row, weight, &qkv[at(shape, b, key, 2, head)..][..width]);
                }
            }
        }
    }
    (y, weights)
}

/// Gradient for `qkv`.
pub(crate) fn gradient<T: Float>(
    shape: &AttentionShape,
    qkv: &[T],
    weights: &[T],
    dy: &[T],
) -> Vec<T> {
    let AttentionShape {
        batch,
        tokens,
        heads,
        width,
    } = *shape;
    let scale = T::of((width as f64).powf(-0.5));
    let mut dqkv = vec![T::ZERO; qkv.len()];
    for b in 0..batch {
        for head in 0..heads {
            for query in 0..tokens {
                let a = &weights[((b * heads + head) * tokens + query) * tokens..][..tokens];
                let dy = &dy[((b * tokens + query) * heads + head) * width..][..width];
                let da: Vec<T> = (0..tokens)
                    .map(|key| dot(dy, &qkv[at(shape, b, key, 2, head)..][..width]))
                    .collect();
                let mean = dot(a, &da);
                for key in 0..tokens {
                    let ds = a[key] * (da[key] - mean) * scale;
                    add_scaled(&mut dqkv[at(shape, b, key, 2, head)..][..width], a[key], dy);
                    let k = &qkv[at(shape, b, key, 1, head)..][..width];
                    add_scaled(&mut dqkv[at(shape, b, query, 0, head)..][..width], ds, k);
                    let q = &qkv[at(shape, b, query, 0, head)..][..width];
                    add_scaled(&mut dqkv[at(shape, b, key, 1, head)..][..width], ds, q);
                }
            }
        }
    }
    dqkv
}
