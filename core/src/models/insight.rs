//! What a network tells about how it came to its answer.

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
