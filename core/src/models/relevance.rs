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

/// The relevance of the positions of what was heard in one input, `[tokens, width]`, for `tags`.
pub(crate) fn relevance(
    network: &dyn ClassToken,
    tokens: &Tensor,
    tags: &[usize],
) -> Result<Relevance> {
    let tokens = Value::constant(tokens.unsqueeze(0)?);
    let tokens = network.place(&Pass::inference(), &tokens)?;
    let tokens = tokens.tensor()?;
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
            let [speaks_for, speaks_against] = walk_down(&layers, row, n);
            found.speaks_for.extend(speaks_for);
            found.speaks_against.extend(speaks_against);
        }
    }
    Ok(found)
}

/// 1 at the tag of each row.
pub(super) fn one_hot(logits: &Value, tags: &[usize]) -> Result<Tensor> {
    let (n_rows, n_tags) = logits.dims2()?;
    let mut ones = vec![0f32; n_rows * n_tags];
    for (row, &tag) in tags.iter().enumerate() {
        if tag >= n_tags {
            bail!("there is no tag {tag} among {n_tags}");
        }
        ones[row * n_tags + tag] = 1.0;
    }
    Tensor::from_vec(ones, (n_rows, n_tags), logits.tensor()?.device())
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
            weights: numbers(attended.weights.tensor()?)?,
            qkv: numbers(attended.qkv.tensor()?)?,
            gradient: numbers(gradient)?,
        })
    }

    /// `r + r A'`, for what speaks for the answer and for what speaks against it. The gradient of a weight is that of its context times
    /// its value.
    fn pass_down(&self, row: usize, r: &[Vec<f32>; 2]) -> [Vec<f32>; 2] {
        let (n, width) = (r[0].len(), self.heads * self.head_width);
        let value = |key: usize, head: usize| {
            let at = (row * n + key) * 3 * width + 2 * width + head * self.head_width;
            &self.qkv[at..][..self.head_width]
        };
        let mut sums = r.clone();
        for query in (0..n).filter(|&query| r.iter().any(|r| r[query] != 0.0)) {
            for head in 0..self.heads {
                let at = (row * n + query) * width + head * self.head_width;
                let gradient = &self.gradient[at..][..self.head_width];
                let weights = &self.weights[((row * self.heads + head) * n + query) * n..][..n];
                for (key, &weight) in weights.iter().enumerate() {
                    let both = gradient.iter().zip(value(key, head));
                    let slope: f32 = both.map(|(a, b)| a * b).sum();
                    let bears = slope * weight / self.heads as f32;
                    sums[0][key] += r[0][query] * bears.max(0.0);
                    sums[1][key] += r[1][query] * (-bears).max(0.0);
                }
            }
        }
        sums
    }
}

/// The relevance of the lowest positions for the class token of the last layer, for and against, without the class token's share that is
/// only itself.
fn walk_down(layers: &[Layer], row: usize, n: usize) -> [Vec<f32>; 2] {
    let mut start = vec![0f32; n];
    start[0] = 1.0;
    let mut r = [start.clone(), start];
    for layer in layers.iter().rev() {
        r = layer.pass_down(row, &r);
    }
    for r in &mut r {
        // The walk began there; what came back to it is its relevance.
        r[0] -= 1.0;
    }
    r
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A layer of one head of width 1 whose values and gradients are 1, so that weights are what bears.
    fn layer(weights: [f32; 4], gradient: [f32; 2]) -> Layer {
        Layer {
            heads: 1,
            head_width: 1,
            weights: weights.to_vec(),
            qkv: [0.0, 0.0, 1.0].repeat(2),
            gradient: gradient.to_vec(),
        }
    }

    #[test]
    fn layers_are_walked_through_from_the_last_to_the_first() {
        let lower = layer([0.5, 0.5, 0.0, 1.0], [1.0, 2.0]);
        let upper = layer([0.25, 0.75, 1.0, 0.0], [1.0, -1.0]);
        // From above: (1, 0) + (0.25, 0.75) = (1.25, 0.75). Below, position 0 adds 1.25 (0.5, 0.5), position 1 0.75 (0, 2):
        // (1.875, 2.875), less the start.
        let [speaks_for, against] = walk_down(&[lower, upper], 0, 2);
        assert_eq!(speaks_for, [0.875, 2.875]);
        assert_eq!(against, [0.0, 0.0]);
    }
}
