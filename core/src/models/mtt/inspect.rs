//! What the transformer tells about its answer: the one-hot sweep of Won et al. 2019, section 4.2, in the last layer, for all tags at once.
//!
//! Only the class token's row of the last layer depends on what it may read, so that one pass over `1 + 2 n` rows replaces `2 n` passes
//! of the network.

use super::MusicTaggingTransformer;
use super::layer::Layer;
use crate::models::insight::{Attention, Insight};
use crate::models::network::Pass;
use crate::nn::{self, Tape, Value, probabilities};
use candle_core::{Device, Result, Tensor};

/// What [`crate::models::Network::inspect`] gives: a forward pass in which the last layer answers for every position apart.
pub(super) fn inspect(
    network: &MusicTaggingTransformer,
    log_mel: &Tensor,
) -> Result<Option<Insight>> {
    let pass = Pass::inference();
    let tape = &pass.tape;
    let mut x = network.tokens(&pass, &log_mel.unsqueeze(0)?)?;
    let mut attention = Vec::new();
    let Some((last, lower)) = network.layers.split_last() else {
        return Ok(None);
    };
    for layer in lower {
        attention.push(layer.forward(&pass, &mut x)?);
    }
    let (contexts, weights) = last.contexts(tape, &x)?;
    attention.push(weights);
    let class_token = nn::first_token(&x)?;
    // Row 0: as it is; then the n of "only", then the n of "without".
    let (rows, width) = contexts.dims2()?;
    let residual = Value::constant(
        class_token
            .tensor()
            .broadcast_as((rows, width))?
            .contiguous()?,
    );
    let read = nn::add(
        &residual,
        &last.to_out.forward(tape, &Value::constant(contexts))?,
    )?;
    let logits = network.answer(tape, &last.feed_forward(&pass, &read)?)?;

    let n = (rows - 1) / 2;
    let rows_of = |from: usize, len: usize| {
        logits
            .tensor()
            .narrow(0, from, len)?
            .flatten_all()?
            .to_vec1::<f32>()
    };
    Ok(Some(Insight {
        n_tokens: n - 1,
        n_tags: network.config.n_tags,
        probabilities: probabilities(&logits.tensor().narrow(0, 0, 1)?)?
            .flatten_all()?
            .to_vec1()?,
        logits: rows_of(0, 1)?,
        attention: attention
            .iter()
            .map(|weights| {
                Ok(Attention {
                    heads: network.config.n_heads,
                    n,
                    values: weights.flatten_all()?.to_vec1()?,
                })
            })
            .collect::<Result<_>>()?,
        only_logits: rows_of(1, n)?,
        without_logits: rows_of(1 + n, n)?,
    }))
}

impl Layer {
    /// What the class token of one clip `[1, n, width]` reads, before `to_out`, in `1 + 2 n` variants `[1 + 2 n, width]`: as it is; position
    /// `i` only (the values of `i`); every position but `i` (the weights of the others made to sum to 1). And the attention weights.
    fn contexts(&self, tape: &Tape, x: &Value) -> Result<(Tensor, Tensor)> {
        let qkv = self
            .to_qkv
            .forward(tape, &self.attention_norm.forward(tape, x)?)?;
        let attended = nn::attention(&qkv, self.n_heads)?;
        let (_, n, packed) = qkv.tensor().dims3()?;
        let width = packed / 3;
        let head_width = width / self.n_heads;
        let qkv = qkv.tensor().flatten_all()?.to_vec1::<f32>()?;
        let weights = attended.weights.flatten_all()?.to_vec1::<f32>()?;
        let whole = attended
            .context
            .tensor()
            .narrow(1, 0, 1)?
            .flatten_all()?
            .to_vec1::<f32>()?;

        let value = |i: usize| &qkv[i * packed + 2 * width..][..width];
        let class_row = |head: usize| &weights[head * n * n..][..n];
        let mut contexts = whole;
        contexts.reserve(2 * n * width);
        for i in 0..n {
            contexts.extend_from_slice(value(i));
        }
        for left_out in 0..n {
            for head in 0..self.n_heads {
                let row = class_row(head);
                let mut sum = vec![0f64; head_width];
                let mut rest = 0f64;
                for i in (0..n).filter(|&i| i != left_out) {
                    let weight = f64::from(row[i]);
                    rest += weight;
                    for (sum, value) in sum.iter_mut().zip(&value(i)[head * head_width..]) {
                        *sum += weight * f64::from(*value);
                    }
                }
                // All others have underflowed to 0: they are equally unread.
                let scale = if rest > 0.0 { 1.0 / rest } else { 0.0 };
                contexts.extend(sum.iter().map(|sum| (sum * scale) as f32));
            }
        }
        let contexts = Tensor::from_vec(contexts, (1 + 2 * n, width), &Device::Cpu)?;
        Ok((contexts, attended.weights))
    }
}

#[cfg(test)]
mod tests {
    use super::super::MttConfig;
    use super::super::tests::{draw, narrow, network};
    use super::*;
    use crate::models::Network as _;
    use candle_core::DType;

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
        let (_, network) = network(&config, DType::F32);
        let log_mel = draw(1, &[24, 41], DType::F32);
        let insight = network.inspect(&log_mel).unwrap().unwrap();
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

        let mut x = network.tokens(&pass, &batch).unwrap();
        network.layers[0].forward(&pass, &mut x).unwrap();
        let last = &network.layers[1];
        let qkv = last
            .to_qkv
            .forward(tape, &last.attention_norm.forward(tape, &x).unwrap())
            .unwrap();
        // [heads, n, width of a head]
        let values = qkv
            .tensor()
            .narrow(2, 64, 32)
            .unwrap()
            .reshape((n, 4, 8))
            .unwrap()
            .transpose(0, 1)
            .unwrap()
            .contiguous()
            .unwrap();
        let attention = output.attention[1].squeeze(0).unwrap();
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
            logits.tensor().flatten_all().unwrap().to_vec1().unwrap()
        };
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
}
