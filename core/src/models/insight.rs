//! What a network tells about how it came to its answer: the one-hot sweep of Won et al. 2019, section 4.2, in the last layer, for all
//! tags at once.
//!
//! Only the class token's row of the last layer depends on what it may read, so that one pass over `1 + 2 n` rows replaces `2 n` passes
//! of the network.

use crate::nn::{Attended, Value};
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
    /// `[tags]`: the answer, before the sigmoid.
    pub logits: Vec<f32>,
    /// Softmax weights, layer by layer.
    pub attention: Vec<Attention>,
    /// `[n, tags]` logits if in the last layer the class token could read position `i` only: the exact one-hot sweep of
    /// Won et al. 2019, section 4.2, for all tags at once. Row 0: it reads only itself.
    pub only_logits: Vec<f32>,
    /// `[n, tags]` logits if in the last layer the class token could read every position but `i`. Empty if not asked for.
    pub without_logits: Vec<f32>,
    /// `[n, tags]` logits if each position of the last layer were the class token. Empty if not asked for.
    pub token_logits: Vec<f32>,
    /// `[n]`: length of what the class token takes of each position in the last layer: weights times values, all heads behind
    /// their linear map (Kobayashi et al., *Attention is not only a weight*, EMNLP 2020).
    pub read_norms: Vec<f32>,
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

/// What is asked beside the one-hot sweep; each costs about as much as it again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ask {
    /// [`Insight::without_logits`].
    pub without: bool,
    /// [`Insight::token_logits`].
    pub token_answers: bool,
}

/// What the class token of one clip reads in the last layer, in variants: as it is; position `i` only (the values of `i`);
/// every position but `i` (the weights of the others made to sum to 1). Behind them what each position reads itself.
pub(super) struct Variants {
    n: usize,
    n_heads: usize,
    ask: Ask,
    /// `[variants, width]`, before the linear map behind attention.
    pub(super) contexts: Value,
    /// `[1 + n, width]`: nothing, then what the class token takes of each position, weights times values.
    pub(super) shares: Value,
}

impl Variants {
    /// From the attention of one clip.
    pub(super) fn new(attended: &Attended, n_heads: usize, ask: Ask) -> Result<Self> {
        let (_, n, packed) = attended.qkv.dims3()?;
        let width = packed / 3;
        let head_width = width / n_heads;
        let qkv = attended.qkv.tensor()?.flatten_all()?.to_vec1::<f32>()?;
        let weights = attended.weights.tensor()?.flatten_all()?.to_vec1::<f32>()?;
        let own = attended.context.tensor()?.flatten_all()?.to_vec1::<f32>()?;
        let mut contexts = own[..width].to_vec();

        let value = |i: usize| &qkv[i * packed + 2 * width..][..width];
        let class_row = |head: usize| &weights[head * n * n..][..n];
        let mut shares = vec![0.0; width];
        for i in 0..n {
            contexts.extend_from_slice(value(i));
            for (head, part) in value(i).chunks_exact(head_width).enumerate() {
                let weight = class_row(head)[i];
                shares.extend(part.iter().map(|value| weight * value));
            }
        }
        for left_out in (0..n).filter(|_| ask.without) {
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
        if ask.token_answers {
            contexts.extend(own);
        }
        let rows = |values: Vec<f32>| {
            let n_rows = values.len() / width;
            Tensor::from_vec(values, (n_rows, width), &Device::Cpu).map(Value::constant)
        };
        Ok(Self {
            n,
            n_heads,
            ask,
            contexts: rows(contexts)?,
            shares: rows(shares)?,
        })
    }

    /// Of the tokens `[1, n, width]` before attention, the one beside each variant: `[variants, width]`.
    pub(super) fn beside(&self, tokens: &Value) -> Result<Value> {
        let (n_rows, width) = self.contexts.dims2()?;
        let tokens = tokens.tensor()?.squeeze(0)?;
        let n_own = if self.ask.token_answers { self.n } else { 0 };
        let class_tokens = tokens
            .narrow(0, 0, 1)?
            .broadcast_as((n_rows - n_own, width))?;
        let own = tokens.narrow(0, 0, n_own)?;
        Ok(Value::constant(Tensor::cat(&[class_tokens, own], 0)?))
    }

    /// From the logits of the variants, `[variants, tags]`, the shares behind the linear map, and the attention of all layers.
    pub(super) fn insight(
        &self,
        logits: &Value,
        reads: &Value,
        attention: &[Attended],
    ) -> Result<Insight> {
        let logits = logits.tensor()?;
        let rows_of = |from: usize, len: usize| {
            let rows = logits.narrow(0, from, len)?.flatten_all()?;
            rows.to_vec1::<f32>()
        };
        let n_without = if self.ask.without { self.n } else { 0 };
        let n_own = if self.ask.token_answers { self.n } else { 0 };
        let reads = reads.tensor()?.to_vec2::<f32>()?;
        let norm = |read: &Vec<f32>| {
            let squares = read.iter().zip(&reads[0]);
            squares
                .map(|(read, nothing)| (read - nothing).powi(2))
                .sum::<f32>()
                .sqrt()
        };
        Ok(Insight {
            n_tokens: self.n - 1,
            n_tags: logits.dim(1)?,
            logits: rows_of(0, 1)?,
            attention: attention
                .iter()
                .map(|attended| {
                    Ok(Attention {
                        heads: self.n_heads,
                        n: self.n,
                        values: attended.weights.tensor()?.flatten_all()?.to_vec1()?,
                    })
                })
                .collect::<Result<_>>()?,
            only_logits: rows_of(1, self.n)?,
            without_logits: rows_of(1 + self.n, n_without)?,
            token_logits: rows_of(1 + self.n + n_without, n_own)?,
            read_norms: reads.iter().skip(1).map(norm).collect(),
        })
    }
}
