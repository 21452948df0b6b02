//! Multi-head self-attention that hands out its weights.

use super::data::{tensor, with_all, with_data};
use super::element::{AttentionShape, Element, by_type};
use super::numbers::on_gpu;
use super::tape::{Gradient, Value, record};
use candle_core::{Result, bail};

/// What attention gives.
#[derive(Clone, Debug)]
pub struct Attended {
    /// The context of each token, heads side by side: `[batch, tokens, heads * width]`.
    pub context: Value,
    /// How much each query (axis 2) takes of each key (axis 3): `[batch, heads, tokens, tokens]`; rows sum to 1.
    pub weights: Value,
    /// What it was made of: queries, keys and values, `[batch, tokens, 3 * heads * width]`.
    pub qkv: Value,
}

/// Scaled dot-product self-attention. `qkv` `[batch, tokens, 3 * heads * width]`: queries, keys, values, each with its heads side by side.
pub fn attention(qkv: &Value, heads: usize) -> Result<Attended> {
    let (batch, tokens, packed) = qkv.dims3()?;
    if heads == 0 || packed % (3 * heads) != 0 {
        bail!("{packed} numbers per token cannot be queries, keys and values of {heads} heads");
    }
    let shape = AttentionShape {
        batch,
        tokens,
        heads,
        width: packed / (3 * heads),
    };
    on_gpu!([qkv] => crate::gpu::ops::attention(shape, qkv));
    by_type!(qkv.dtype(), T => run::<T>(shape, qkv))
}

fn run<T: Element>(shape: AttentionShape, qkv: &Value) -> Result<Attended> {
    let AttentionShape {
        batch,
        tokens,
        heads,
        width,
    } = shape;
    let (context, weights) = with_data(qkv.tensor()?, |qkv: &[T]| Ok(T::attention(&shape, qkv)))?;
    let context = tensor(context, &[batch, tokens, heads * width])?;
    let weights = tensor(weights, &[batch, heads, tokens, tokens])?;
    let (qkv_kept, weights_kept) = (qkv.tensor()?.clone(), weights.clone());
    let [context] = record("attention", [qkv], [context], move |[dy]| {
        let Some(dy) = dy else { return Ok([None]) };
        with_all(
            [&qkv_kept, &weights_kept, &dy],
            |[qkv, weights, dy]: [&[T]; 3]| {
                let dqkv = T::attention_gradient(&shape, qkv, weights, dy);
                Ok([Gradient::fresh(tensor(dqkv, qkv_kept.dims())?)])
            },
        )
    });
    Ok(Attended {
        context,
        weights: Value::constant(weights),
        qkv: qkv.detached(),
    })
}
