//! What the transformer tells about its answer.

use super::MusicTaggingTransformer;
use crate::models::insight::{Ask, Insight, Variants};
use crate::models::network::{ClassToken as _, Pass};
use crate::nn::{self, Value};
use candle_core::{Result, Tensor, bail};

/// What [`crate::models::ClassToken::inspect`] gives: a forward pass in which the last layer answers for every position apart.
pub(super) fn inspect(
    network: &MusicTaggingTransformer,
    tokens: &Tensor,
    ask: Ask,
) -> Result<Insight> {
    let pass = Pass::inference();
    let tape = &pass.tape;
    let mut x = network.place(&pass, &Value::constant(tokens.unsqueeze(0)?))?;
    let mut attention = Vec::new();
    let Some((last, lower)) = network.layers.split_last() else {
        bail!("a network without layers of attention has nothing to tell");
    };
    for layer in lower {
        attention.push(layer.forward(&pass, &mut x)?);
    }
    let normed = last.attention_norm.forward(tape, &x)?;
    let attended = nn::attention(&last.to_qkv.forward(tape, &normed)?, last.n_heads)?;
    let variants = Variants::new(&attended, last.n_heads, ask)?;
    let read = last.to_out.forward(tape, &variants.contexts)?;
    let read = nn::add(&variants.beside(&x)?, &read)?;
    let logits = network.answer(tape, &last.feed_forward(&pass, &read)?)?;
    let reads = last.to_out.forward(tape, &variants.shares)?;
    attention.push(attended);
    variants.insight(&logits, &reads, &attention)
}

#[cfg(test)]
mod tests {
    use super::super::MttConfig;
    use super::super::tests::{narrow, network};
    use super::*;
    use crate::models::Network as _;
    use crate::models::check::draw;
    use crate::models::relevance;
    use candle_core::DType;
    use candle_core::Device;

    fn heard(network: &MusicTaggingTransformer, log_mel: &Tensor) -> Tensor {
        let x = Value::constant(log_mel.unsqueeze(0).unwrap());
        let heard = network.hear(&Pass::inference(), &x).unwrap();
        heard.tensor().unwrap().squeeze(0).unwrap()
    }

    /// The literal sweep: attention of the last layer replaced by a one-hot column, or by the softmax without a column, for
    /// every query, one pass per position.
    #[test]
    fn insight_equals_the_literal_sweep_over_positions() {
        let config = MttConfig {
            conv_width: 8,
            attention_width: 32,
            n_heads: 4,
            n_tags: 7,
            ..narrow(0.1)
        };
        let network = network(&config);
        let log_mel = draw(1, &[24, 41], DType::F32);
        let everything = Ask {
            without: true,
            token_answers: true,
        };
        let insight = network
            .inspect(&heard(&network, &log_mel), everything)
            .unwrap();
        let pass = Pass {
            record_attention: true,
            ..Pass::inference()
        };
        let tape = &pass.tape;
        let batch = log_mel.unsqueeze(0).unwrap();
        let output = network.forward(&pass, &batch).unwrap();
        let whole: Vec<f32> = output
            .logits
            .tensor()
            .unwrap()
            .flatten_all()
            .unwrap()
            .to_vec1()
            .unwrap();
        let close = |a: &[f32], b: &[f32], what: &str| {
            assert_eq!(a.len(), b.len());
            for (a, b) in a.iter().zip(b) {
                assert!((a - b).abs() < 1e-5, "{what}: {a} and {b}");
            }
        };
        close(&insight.logits, &whole, "whole");
        assert_eq!(insight.n_tokens, 10);
        assert_eq!(insight.attention.len(), 2);
        let n = 11;

        let x = Value::constant(batch.clone());
        let mut x = network.to_tokens(&pass, &x).unwrap();
        network.layers[0].forward(&pass, &mut x).unwrap();
        let last = &network.layers[1];
        let qkv = last
            .to_qkv
            .forward(tape, &last.attention_norm.forward(tape, &x).unwrap())
            .unwrap();
        // [heads, n, width of a head]
        let values = qkv
            .tensor()
            .unwrap()
            .narrow(2, 64, 32)
            .unwrap()
            .reshape((n, 4, 8))
            .unwrap()
            .transpose(0, 1)
            .unwrap()
            .contiguous()
            .unwrap();
        let attention = output.attention[1]
            .weights
            .tensor()
            .unwrap()
            .squeeze(0)
            .unwrap();
        let logits_with = |attention: &Tensor| -> Vec<f32> {
            let context = attention
                .matmul(&values)
                .unwrap()
                .transpose(0, 1)
                .unwrap()
                .reshape((1, n, 32))
                .unwrap();
            let read = last
                .to_out
                .forward(tape, &Value::constant(context))
                .unwrap();
            let y = last
                .feed_forward(&pass, &nn::add(&x, &read).unwrap())
                .unwrap();
            let logits = network.answer(tape, &nn::first_token(&y).unwrap()).unwrap();
            logits
                .tensor()
                .unwrap()
                .flatten_all()
                .unwrap()
                .to_vec1()
                .unwrap()
        };
        // Each position in the place of the class token.
        let y = {
            let mut y = x.clone();
            last.forward(&pass, &mut y).unwrap();
            y
        };
        for t in 0..n {
            let alone = Value::constant(
                y.tensor()
                    .unwrap()
                    .narrow(1, t, 1)
                    .unwrap()
                    .squeeze(1)
                    .unwrap(),
            );
            let logits = network.answer(tape, &alone).unwrap();
            let logits: Vec<f32> = logits
                .tensor()
                .unwrap()
                .flatten_all()
                .unwrap()
                .to_vec1()
                .unwrap();
            close(&insight.token_logits[t * 7..][..7], &logits, "token");
        }
        for t in 0..n {
            let mut one_hot = vec![0f32; n];
            one_hot[t] = 1.0;
            let one_hot = Tensor::new(one_hot, &Device::Cpu).unwrap();
            let only = one_hot
                .broadcast_as((4, n, n))
                .unwrap()
                .contiguous()
                .unwrap();
            close(
                &insight.only_logits[t * 7..][..7],
                &logits_with(&only),
                "only",
            );
            let without = attention.broadcast_mul(&(1.0 - &one_hot).unwrap()).unwrap();
            let without = without
                .broadcast_div(&without.sum_keepdim(2).unwrap())
                .unwrap();
            close(
                &insight.without_logits[t * 7..][..7],
                &logits_with(&without),
                "without",
            );
        }
    }

    /// One layer, in which relevance is the mean over heads of what is positive of slope times weight: the slopes by finite differences
    /// of the answer with respect to each weight of the class token's row.
    #[test]
    fn relevance_of_one_layer_is_slope_times_weight() {
        let config = MttConfig {
            conv_width: 8,
            attention_width: 32,
            n_heads: 4,
            n_layers: 1,
            n_tags: 7,
            ..narrow(0.1)
        };
        let network = network(&config);
        let log_mel = draw(1, &[24, 41], DType::F32);
        let tags = [4, 2];
        let found = relevance(&network, &heard(&network, &log_mel), &tags).unwrap();
        let n = 11;
        assert_eq!(found.n, n);

        let pass = Pass::inference();
        let tape = &pass.tape;
        let batch = Value::constant(log_mel.unsqueeze(0).unwrap());
        let x = network.to_tokens(&pass, &batch).unwrap();
        let layer = &network.layers[0];
        let normed = layer.attention_norm.forward(tape, &x).unwrap();
        let attended = nn::attention(&layer.to_qkv.forward(tape, &normed).unwrap(), 4).unwrap();
        let numbers = |tensor: &Tensor| tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        let (qkv, weights) = (
            numbers(attended.qkv.tensor().unwrap()),
            numbers(attended.weights.tensor().unwrap()),
        );
        let context = numbers(&attended.context.tensor().unwrap().narrow(1, 0, 1).unwrap());
        // The answer if one weight of the class token's row is larger by `more`.
        let answer = |head: usize, key: usize, more: f32| -> Vec<f32> {
            let mut context = context.clone();
            for d in 0..8 {
                context[head * 8 + d] += more * qkv[key * 96 + 64 + head * 8 + d];
            }
            let context = Tensor::from_vec(context, (1, 32), &Device::Cpu).unwrap();
            let read = layer
                .to_out
                .forward(tape, &Value::constant(context))
                .unwrap();
            let y = nn::add(&nn::first_token(&x).unwrap(), &read).unwrap();
            let y = layer.feed_forward(&pass, &y).unwrap();
            numbers(network.answer(tape, &y).unwrap().tensor().unwrap())
        };
        let mut expected = vec![[0f32; 2]; 2 * n];
        for (head, key) in (0..4).flat_map(|head| (0..n).map(move |key| (head, key))) {
            let step = 0.02;
            let (up, down) = (answer(head, key, step), answer(head, key, -step));
            for (row, &tag) in tags.iter().enumerate() {
                let slope = (up[tag] - down[tag]) / (2.0 * step);
                let bears = slope * weights[head * n * n + key] / 4.0;
                expected[row * n + key][0] += bears.max(0.0);
                expected[row * n + key][1] += (-bears).max(0.0);
            }
        }
        let largest = expected.iter().flatten().fold(0f32, |a, b| a.max(*b));
        for (i, expected) in expected.iter().enumerate() {
            for (found, expected) in [found.speaks_for[i], found.speaks_against[i]]
                .iter()
                .zip(expected)
            {
                assert!(
                    (found - expected).abs() < 1e-3 * largest,
                    "{i}: {found} for {expected} of at most {largest}"
                );
            }
        }
    }

    /// What the class token takes of all positions together is what attention gives it.
    #[test]
    fn shares_of_values_sum_to_what_is_read() {
        let network = network(&narrow(0.1));
        let log_mel = draw(1, &[24, 41], DType::F32);
        let pass = Pass::inference();
        let batch = Value::constant(log_mel.unsqueeze(0).unwrap());
        let x = network.to_tokens(&pass, &batch).unwrap();
        let layer = &network.layers[0];
        let normed = layer.attention_norm.forward(&pass.tape, &x).unwrap();
        let qkv = layer.to_qkv.forward(&pass.tape, &normed).unwrap();
        let attended = nn::attention(&qkv, layer.n_heads).unwrap();
        let variants = Variants::new(&attended, layer.n_heads, Ask::default()).unwrap();
        let sum = variants
            .shares
            .tensor()
            .unwrap()
            .sum(0)
            .unwrap()
            .to_vec1::<f32>()
            .unwrap();
        let read = attended.context.tensor().unwrap().narrow(1, 0, 1).unwrap();
        let read = read.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        for (sum, read) in sum.iter().zip(&read) {
            assert!((sum - read).abs() < 1e-5, "{sum} for {read}");
        }
    }
}
