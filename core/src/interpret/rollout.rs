//! Attention rollout: Abnar, Zuidema, *Quantifying attention flow in transformers*, ACL 2020.
//!
//! Each layer's attention (mean over heads) is mixed half and half with the identity, which stands for the residual connection; the layers
//! are multiplied. It takes mixing for linear, and knows no tag.

use crate::models::Attention;

/// `[n, n]`: how much each position (rows) holds of each position of the input behind all layers; rows sum to 1.
pub fn rollout(layers: &[Attention]) -> Vec<f32> {
    let n = layers.first().map_or(0, |layer| layer.n);
    let mut product: Vec<f32> = (0..n * n)
        .map(|i| f32::from(u8::from(i / n == i % n)))
        .collect();
    for layer in layers {
        let mut next = vec![0f32; n * n];
        let share = 0.5 / layer.heads.max(1) as f32;
        let mut mean = vec![0f32; n * n];
        for head in layer.values.chunks_exact((n * n).max(1)) {
            add_scaled(&mut mean, head, share);
        }
        for query in 0..n {
            let row = &mut next[query * n..][..n];
            add_scaled(row, &product[query * n..][..n], 0.5);
            for (key, &weight) in mean[query * n..][..n].iter().enumerate() {
                add_scaled(row, &product[key * n..][..n], weight);
            }
        }
        product = next;
    }
    product
}

fn add_scaled(sum: &mut [f32], row: &[f32], factor: f32) {
    for (sum, value) in sum.iter_mut().zip(row) {
        *sum += factor * value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn layers(n: usize, heads: usize, weights: &[f32]) -> Vec<Attention> {
        let layer = n * n * heads;
        let normed = |rows: &[f32]| {
            let rows = rows.chunks_exact(n).flat_map(|row| {
                let sum: f32 = row.iter().sum();
                row.iter().map(move |weight| weight / sum)
            });
            rows.collect()
        };
        let layers = weights.chunks_exact(layer).map(|values| Attention {
            heads,
            n,
            values: normed(values),
        });
        layers.collect()
    }

    proptest! {
        #[test]
        fn rows_sum_to_one(n in 1usize..9, heads in 1usize..4, n_layers in 1usize..5, seed in prop::collection::vec(0.01f32..1.0, 1..400)) {
            let weights: Vec<f32> = seed.iter().copied().cycle().take(n * n * heads * n_layers).collect();
            let found = rollout(&layers(n, heads, &weights));
            prop_assert_eq!(found.len(), n * n);
            for row in found.chunks_exact(n) {
                prop_assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-5);
            }
        }
    }

    #[test]
    fn two_layers_are_the_product_worked_out_by_hand() {
        // Heads agree; 0.5 A + 0.5 I of [[0, 1], [1, 0]] is all halves, of the identity itself.
        let swap = [0.0, 1.0, 1.0, 0.0];
        let stay = [1.0, 0.0, 0.0, 1.0];
        let first = layers(2, 1, &[swap, stay].concat());
        assert_eq!(rollout(&first), [0.5, 0.5, 0.5, 0.5]);
        // The last layer looks at position 1 only, which holds a quarter and three.
        let lower = [1.0, 0.0, 0.5, 0.5];
        let upper = [0.0, 1.0, 0.0, 1.0];
        let found = rollout(&layers(2, 1, &[lower, upper].concat()));
        assert_eq!(found, [0.625, 0.375, 0.25, 0.75]);
    }

    #[test]
    fn without_layers_there_is_nothing() {
        assert!(rollout(&[]).is_empty());
    }
}
