//! Gradient-weighted relevance of tokens, tag by tag: Chefer, Gur, Wolf, *Generic attention-model explainability*, ICCV 2021.
//!
//! Each layer's attention counts as far as it raises the answer: `A' = mean over heads of max(0, dz/dA * A)`. Relevance starts at the
//! class token of the last layer and goes down: `r <- r + r A'`. The same with `-z` is what speaks against the tag.

use super::network::{ClassToken, Pass};
use crate::nn::{Attended, Value, backward_from};
use candle_core::{Result, Tensor, bail};

/// Tags that are gone through at a time: each is a row of a batch.
const TAGS: usize = 16;

/// How much each position bears on the answers.
#[derive(Clone, Debug, PartialEq)]
pub struct Relevance {
    /// 1 + tokens; index 0 is the class token.
    pub n: usize,
    /// `[asked tags, n]`: what speaks for the tag, 0 or more.
    pub speaks_for: Vec<f32>,
    /// `[asked tags, n]`: what speaks against it, 0 or more.
    pub speaks_against: Vec<f32>,
}

/// The relevance of the positions of one input `[rows, columns]` for `tags`.
pub(crate) fn relevance(
    network: &dyn ClassToken,
    input: &Tensor,
    tags: &[usize],
) -> Result<Relevance> {
    let input = Value::constant(input.unsqueeze(0)?);
    let tokens = network.to_tokens(&Pass::inference(), &input)?;
    let tokens = tokens.tensor();
    let (_, n, width) = tokens.dims3()?;
    let mut found = Relevance {
        n,
        speaks_for: Vec::with_capacity(tags.len() * n),
        speaks_against: Vec::with_capacity(tags.len() * n),
    };
    for tags in tags.chunks(TAGS) {
        let batch = tokens.broadcast_as((tags.len(), n, width))?.contiguous()?;
        let pass = Pass {
            record_attention: true,
            ..Pass::explanation()
        };
        let output = network.read_tokens(&pass, pass.tape.watched(&batch))?;
        let gradients = backward_from(&output.logits, &one_hot(&output.logits, tags)?)?;
        let mut layers = Vec::new();
        for attended in &output.attention {
            let Some(gradient) = gradients.of(&attended.context) else {
                bail!("the answer does not depend on what attention gives");
            };
            layers.push(Layer::new(attended, gradient)?);
        }
        for row in 0..tags.len() {
            for (sign, into) in [
                (1.0, &mut found.speaks_for),
                (-1.0, &mut found.speaks_against),
            ] {
                into.extend(walk_down(&layers, row, sign, n));
            }
        }
    }
    Ok(found)
}

/// 1 at the tag of each row.
pub(super) fn one_hot(logits: &Value, tags: &[usize]) -> Result<Tensor> {
    let (n_rows, n_tags) = logits.tensor().dims2()?;
    let mut ones = vec![0f32; n_rows * n_tags];
    for (row, &tag) in tags.iter().enumerate() {
        if tag >= n_tags {
            bail!("there is no tag {tag} among {n_tags}");
        }
        ones[row * n_tags + tag] = 1.0;
    }
    Tensor::from_vec(ones, (n_rows, n_tags), logits.tensor().device())
}

/// One layer: its weights, and what they are to the answer.
struct Layer {
    heads: usize,
    head_width: usize,
    /// `[batch, heads, n, n]`
    weights: Vec<f32>,
    /// `[batch, n, 3 * width]`
    qkv: Vec<f32>,
    /// `[batch, n, width]`
    gradient: Vec<f32>,
}

impl Layer {
    fn new(attended: &Attended, gradient: &Tensor) -> Result<Self> {
        let (_, heads, _, _) = attended.weights.dims4()?;
        let (_, _, width) = gradient.dims3()?;
        let numbers = |tensor: &Tensor| tensor.flatten_all()?.to_vec1::<f32>();
        Ok(Self {
            heads,
            head_width: width / heads,
            weights: numbers(&attended.weights)?,
            qkv: numbers(&attended.qkv)?,
            gradient: numbers(gradient)?,
        })
    }

    /// Adds `r A'` to `sum`; the gradient of a weight is that of its context times its value.
    fn add(&self, row: usize, sign: f32, r: &[f32], sum: &mut [f32]) {
        let (n, width) = (r.len(), self.heads * self.head_width);
        let value = |key: usize, head: usize| {
            let at = (row * n + key) * 3 * width + 2 * width + head * self.head_width;
            &self.qkv[at..][..self.head_width]
        };
        for (query, &relevance) in r.iter().enumerate().filter(|(_, r)| **r != 0.0) {
            for head in 0..self.heads {
                let at = (row * n + query) * width + head * self.head_width;
                let gradient = &self.gradient[at..][..self.head_width];
                let weights = &self.weights[((row * self.heads + head) * n + query) * n..][..n];
                for (key, &weight) in weights.iter().enumerate() {
                    let slope: f32 = gradient
                        .iter()
                        .zip(value(key, head))
                        .map(|(a, b)| a * b)
                        .sum();
                    let bears = (sign * slope * weight).max(0.0) / self.heads as f32;
                    sum[key] += relevance * bears;
                }
            }
        }
    }
}

/// The relevance of the lowest positions for the class token of the last layer, without the class token's share that is only itself.
fn walk_down(layers: &[Layer], row: usize, sign: f32, n: usize) -> Vec<f32> {
    let mut r = vec![0f32; n];
    r[0] = 1.0;
    for layer in layers.iter().rev() {
        let mut next = r.clone();
        layer.add(row, sign, &r, &mut next);
        r = next;
    }
    // The walk began there; what came back to it is its relevance.
    r[0] -= 1.0;
    r
}
