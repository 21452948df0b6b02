//! Multi-head self-attention from products of matrices: the heads side by side become matrices of their own and come together again.

use super::super::array::{Array, Order};
use super::super::products::{Factor, Sizes, product};
use super::layout::{copy, strides};
use super::norm::{softmax_gradient, softmax_of};
use super::{arrays, in_kind, in_order, record_one};
use crate::attention::Attended;
use crate::numbers::Numbers;
use crate::shapes::AttentionShape;
use crate::tape::{Gradient, Value};
use candle_core::Result;

/// [`crate::attention`].
pub(crate) fn attention(shape: AttentionShape, qkv: &Value) -> Result<Attended> {
    let [array] = arrays([qkv])?;
    let qkv_kind = array.kind();
    let kind = array.device().kind();
    let array = in_order(&in_kind(&array, kind)?, Order::Rows)?;
    let [q, k, v] = [
        head(&shape, &array, 0)?,
        head(&shape, &array, 1)?,
        head(&shape, &array, 2)?,
    ];
    let AttentionShape {
        batch,
        tokens,
        heads,
        width,
    } = shape;
    let scale = (width as f32).sqrt().recip();
    let (square, narrow) = (
        [batch, heads, tokens, tokens],
        [batch, heads, tokens, width],
    );
    let sizes = |m, n, k| Sizes {
        batch: batch * heads,
        m,
        n,
        k,
    };
    let (to_scores, to_context) = (sizes(tokens, tokens, width), sizes(tokens, width, tokens));
    let scores = product(to_scores, Factor::of(&q), Factor::t(&k), &square, kind)?;
    let weights = softmax_of(&scores, tokens, scale)?;
    let context = product(
        to_context,
        Factor::of(&weights),
        Factor::of(&v),
        &narrow,
        kind,
    )?;
    let y = Array::rows(array.device(), &[batch, tokens, heads * width], kind)?;
    put(&shape, &context, &y, 0)?;

    let kept = weights.clone();
    let context = record_one("attention", [qkv], y, move |dy| {
        let dcontext = head(&shape, &dy, 0)?;
        let of = Factor::of;
        let dv = product(to_context, Factor::t(&kept), of(&dcontext), &narrow, kind)?;
        let dweights = product(to_scores, of(&dcontext), Factor::t(&v), &square, kind)?;
        let dscores = softmax_gradient(&kept, &dweights, tokens, scale)?;
        let dq = product(to_context, of(&dscores), of(&k), &narrow, kind)?;
        let dk = product(to_context, Factor::t(&dscores), of(&q), &narrow, kind)?;
        let dims = [batch, tokens, 3 * heads * width];
        let dqkv = Array::rows(dy.device(), &dims, kind)?;
        for (part, gradient) in [dq, dk, dv].iter().enumerate() {
            put(&shape, gradient, &dqkv, part)?;
        }
        Ok([Gradient::fresh(in_kind(&dqkv, qkv_kind)?)])
    });
    Ok(Attended {
        context,
        weights: Value::unrecorded(Numbers::from(weights)),
        qkv: qkv.detached(),
    })
}

/// Part number `part` of `[batch, tokens, parts * heads * width]` as `[batch, heads, tokens, width]`.
fn head(shape: &AttentionShape, x: &Array, part: usize) -> Result<Array> {
    let dims = [shape.batch, shape.heads, shape.tokens, shape.width];
    let y = Array::rows(x.device(), &dims, x.kind())?;
    let (from, at) = side_by_side(shape, x, part);
    copy(x, at, &from, &y, 0, &strides(&y), &dims)?;
    Ok(y)
}

/// The inverse of [`head`], into one part of `y`.
fn put(shape: &AttentionShape, x: &Array, y: &Array, part: usize) -> Result<()> {
    let (to, at) = side_by_side(shape, y, part);
    copy(x, 0, &strides(x), y, at, &to, x.dims())
}

/// Strides of batch, heads, tokens and width in `[batch, tokens, parts * heads * width]`, and where a part starts.
fn side_by_side(shape: &AttentionShape, packed: &Array, part: usize) -> ([usize; 4], usize) {
    let row = packed.dims().last().copied().unwrap_or(0);
    let strides = [shape.tokens * row, shape.width, row, 1];
    (strides, part * shape.heads * shape.width)
}
