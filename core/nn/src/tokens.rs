//! From feature maps to a sequence of tokens and back to one.

use super::data::{tensor, with_all, with_data};
use super::element::{Element, by_type};
use super::numbers::on_gpu;
use super::tape::{Gradient, Value, record};
use candle_core::{Result, bail};

/// The same numbers, row-major, in another shape.
pub fn reshape(x: &Value, dims: &[usize]) -> Result<Value> {
    on_gpu!([x] => crate::gpu::ops::reshape(x, dims));
    let old = x.dims().to_vec();
    let [y] = record("reshape", [x], [x.tensor()?.reshape(dims)?], move |[dy]| {
        let Some(dy) = dy else { return Ok([None]) };
        Ok([Gradient::shared(dy.reshape(old)?)])
    });
    Ok(y)
}

/// Feature maps `[batch, channels, frequencies, times]` as tokens `[batch, times, channels * frequencies]`.
pub fn tokens_of_maps(x: &Value) -> Result<Value> {
    let dims = x.dims4()?;
    let (batch, channels, frequencies, times) = dims;
    on_gpu!([x] => {
        let by_time = super::permute(x, &[0, 3, 1, 2])?;
        reshape(&by_time, &[batch, times, channels * frequencies])
    });
    // [batch, times, channels, frequencies]
    let y = x
        .tensor()?
        .permute((0, 3, 1, 2))?
        .reshape((batch, times, channels * frequencies))?;
    let [y] = record("tokens of maps", [x], [y], move |[dy]| {
        let Some(dy) = dy else { return Ok([None]) };
        let dx = dy
            .reshape((batch, times, channels, frequencies))?
            .permute((0, 2, 3, 1))?
            .contiguous()?;
        Ok([Gradient::shared(dx)])
    });
    Ok(y)
}

/// Puts a class token before the tokens and adds positions: `x` `[batch, tokens, width]`, `class` `[width]`,
/// `positions` `[1, at least 1 + tokens, width]`, to `[batch, 1 + tokens, width]`.
pub fn class_and_positions(x: &Value, class: &Value, positions: &Value) -> Result<Value> {
    let (batch, tokens, width) = x.dims3()?;
    let (one, places, positions_width) = positions.dims3()?;
    if class.dims() != [width] || one != 1 || positions_width != width {
        bail!("tokens of width {width}, class token and positions of other widths");
    }
    if tokens + 1 > places {
        bail!("{tokens} tokens and a class token, but only {places} positions");
    }
    on_gpu!([x, class, positions] => crate::gpu::ops::class_and_positions(x, class, positions));
    by_type!(x.dtype(), T => run::<T>([batch, tokens, width, places], x, class, positions))
}

fn run<T: Element>(
    sizes: [usize; 4],
    x: &Value,
    class: &Value,
    positions: &Value,
) -> Result<Value> {
    let [batch, tokens, width, places] = sizes;
    let y = with_all(
        [x.tensor()?, class.tensor()?, positions.tensor()?],
        |[x, class, positions]: [&[T]; 3]| {
            let mut y = Vec::with_capacity(batch * (tokens + 1) * width);
            for clip in x.chunks_exact(tokens * width) {
                y.extend(class.iter().zip(positions).map(|(&a, &b)| a + b));
                y.extend(clip.iter().zip(&positions[width..]).map(|(&a, &b)| a + b));
            }
            tensor(y, &[batch, tokens + 1, width])
        },
    )?;
    let [y] = record("positions", [x, class, positions], [y], move |[dy]| {
        let Some(dy) = dy else {
            return Ok([None, None, None]);
        };
        with_data(&dy, |dy: &[T]| {
            let mut dx = Vec::with_capacity(batch * tokens * width);
            let mut dpositions = vec![T::ZERO; places * width];
            for clip in dy.chunks_exact((tokens + 1) * width) {
                dx.extend_from_slice(&clip[width..]);
                for (sum, &dy) in dpositions.iter_mut().zip(clip) {
                    *sum += dy;
                }
            }
            Ok([
                Gradient::fresh(tensor(dx, &[batch, tokens, width])?),
                Gradient::fresh(tensor(dpositions[..width].to_vec(), &[width])?),
                Gradient::fresh(tensor(dpositions, &[1, places, width])?),
            ])
        })
    });
    Ok(y)
}

/// The first token of every clip: `[batch, tokens, width]` to `[batch, width]`.
pub fn first_token(x: &Value) -> Result<Value> {
    fn run<T: Element>(x: &Value) -> Result<Value> {
        let (batch, tokens, width) = x.dims3()?;
        let y = x.tensor()?.narrow(1, 0, 1)?.reshape((batch, width))?;
        let [y] = record("first token", [x], [y], move |[dy]| {
            let Some(dy) = dy else { return Ok([None]) };
            with_data(&dy, |dy: &[T]| {
                let mut dx = vec![T::ZERO; batch * tokens * width];
                for (dx, dy) in dx
                    .chunks_exact_mut(tokens * width)
                    .zip(dy.chunks_exact(width))
                {
                    dx[..width].copy_from_slice(dy);
                }
                Ok([Gradient::fresh(tensor(dx, &[batch, tokens, width])?)])
            })
        });
        Ok(y)
    }
    on_gpu!([x] => super::select(x, 1, 0));
    by_type!(x.dtype(), T => run::<T>(x))
}
