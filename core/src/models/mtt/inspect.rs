//! What the transformer tells about its answer.

use super::MusicTaggingTransformer;
use crate::models::insight::{Insight, Variants};
use crate::models::network::Pass;
use crate::nn;
use candle_core::{Result, Tensor};

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
    let normed = last.attention_norm.forward(tape, &x)?;
    let qkv = last.to_qkv.forward(tape, &normed)?;
    let attended = nn::attention(&qkv, last.n_heads)?;
    attention.push(attended.weights.clone());
    let variants = Variants::new(&qkv, &attended, last.n_heads)?;
    let rows = variants.beside(&nn::first_token(&x)?)?;
    let read = nn::add(&rows, &last.to_out.forward(tape, &variants.contexts)?)?;
    let logits = network.answer(tape, &last.feed_forward(&pass, &read)?)?;
    variants.insight(&logits, &attention).map(Some)
}

#[cfg(test)]
mod tests {
    use super::super::MttConfig;
    use super::super::tests::{narrow, network};
    use super::*;
    use crate::models::Network as _;
    use crate::models::check::draw;
    use crate::nn::Value;
    use candle_core::DType;
    use candle_core::Device;

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
