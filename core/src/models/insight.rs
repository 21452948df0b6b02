//! What a network tells about how it came to its answer: the one-hot sweep of Won et al. 2019, section 4.2, in the last layer, for all
//! tags at once.
//!
//! Only the class token's row of the last layer depends on what it may read, so that one pass over `1 + 2 n` rows replaces `2 n` passes
//! of the network.

use crate::nn::{Attended, Value, probabilities};
use candle_core::{Device, Result, Tensor};

/// Inside of one forward pass, as plain numbers.
///
/// `n` below is 1 + tokens; index 0 is the class token, index `t + 1` token `t` (see [`super::TokenGrid`]).
#[derive(Clone, Debug, PartialEq)]
pub struct Insight {
    /// Tokens, without the class token.
    pub n_tokens: usize,
    /// Tags.
    pub n_tags: usize,
    /// `[tags]`: the answer.
    pub probabilities: Vec<f32>,
    /// `[tags]`: the answer before the sigmoid.
    pub logits: Vec<f32>,
    /// Softmax weights, layer by layer.
    pub attention: Vec<Attention>,
    /// `[n, tags]` logits if in the last layer the class token could read position `i` only: the exact one-hot sweep of
    /// Won et al. 2019, section 4.2, for all tags at once. Row 0: it reads only itself.
    pub only_logits: Vec<f32>,
    /// `[n, tags]` logits if in the last layer the class token could read every position but `i`.
    pub without_logits: Vec<f32>,
}

/// The attention weights of one layer.
#[derive(Clone, Debug, PartialEq)]
pub struct Attention {
    /// Heads.
    pub heads: usize,
    /// 1 + tokens.
    pub n: usize,
    /// `[heads, n (query), n (key)]`, row-major; a row sums to 1.
    pub values: Vec<f32>,
}

impl Attention {
    /// How the class token spreads its attention, mean over heads: `[n]`, sums to 1.
    pub fn class_row(&self) -> Vec<f32> {
        let mut mean = vec![0.0; self.n];
        for head in self.values.chunks_exact((self.n * self.n).max(1)) {
            for (sum, weight) in mean.iter_mut().zip(head) {
                *sum += weight / self.heads as f32;
            }
        }
        mean
    }
}

/// What the class token of one clip reads in the last layer, in `1 + 2 n` variants: as it is; position `i` only (the values of `i`);
/// every position but `i` (the weights of the others made to sum to 1).
pub(super) struct Variants {
    n: usize,
    n_heads: usize,
    /// `[1 + 2 n, width]`, before the linear map behind attention.
    pub(super) contexts: Value,
}

impl Variants {
    /// From queries, keys and values of one clip, `[1, n, 3 * width]`, and what attention made of them.
    pub(super) fn new(qkv: &Value, attended: &Attended, n_heads: usize) -> Result<Self> {
        let (_, n, packed) = qkv.tensor().dims3()?;
        let width = packed / 3;
        let head_width = width / n_heads;
        let qkv = qkv.tensor().flatten_all()?.to_vec1::<f32>()?;
        let weights = attended.weights.flatten_all()?.to_vec1::<f32>()?;
        let whole = attended.context.tensor().narrow(1, 0, 1)?;
        let mut contexts = whole.flatten_all()?.to_vec1::<f32>()?;

        let value = |i: usize| &qkv[i * packed + 2 * width..][..width];
        let class_row = |head: usize| &weights[head * n * n..][..n];
        contexts.reserve(2 * n * width);
        for i in 0..n {
            contexts.extend_from_slice(value(i));
        }
        for left_out in 0..n {
            for head in 0..n_heads {
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
        Ok(Self {
            n,
            n_heads,
            contexts: Value::constant(contexts),
        })
    }

    /// The class token `[1, width]`, once for each variant.
    pub(super) fn beside(&self, class_token: &Value) -> Result<Value> {
        let shape = self.contexts.tensor().dims2()?;
        let rows = class_token.tensor().broadcast_as(shape)?;
        Ok(Value::constant(rows.contiguous()?))
    }

    /// From the logits of the variants, `[1 + 2 n, tags]`, and the attention weights of all layers.
    pub(super) fn insight(&self, logits: &Value, attention: &[Tensor]) -> Result<Insight> {
        let logits = logits.tensor();
        let rows_of = |from: usize, len: usize| {
            let rows = logits.narrow(0, from, len)?.flatten_all()?;
            rows.to_vec1::<f32>()
        };
        Ok(Insight {
            n_tokens: self.n - 1,
            n_tags: logits.dim(1)?,
            probabilities: probabilities(&logits.narrow(0, 0, 1)?)?
                .flatten_all()?
                .to_vec1()?,
            logits: rows_of(0, 1)?,
            attention: attention
                .iter()
                .map(|weights| {
                    Ok(Attention {
                        heads: self.n_heads,
                        n: self.n,
                        values: weights.flatten_all()?.to_vec1()?,
                    })
                })
                .collect::<Result<_>>()?,
            only_logits: rows_of(1, self.n)?,
            without_logits: rows_of(1 + self.n, self.n)?,
        })
    }
}
