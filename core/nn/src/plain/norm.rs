//! Batch norm and layer norm. Batch norm works on `[batch, channels, plane]`, layer norm on rows.

use crate::element::{Float, Moments, NormGradient};

/// Calls `visit(channel, index)` for every element.
fn each<T>(channels: usize, plane: usize, x: &[T], mut visit: impl FnMut(usize, usize)) {
    for i in 0..x.len() {
        visit(i / plane % channels, i);
    }
}

pub(crate) fn channel_sums<T: Float>(channels: usize, plane: usize, x: &[T]) -> Vec<T> {
    let mut sums = vec![0f64; channels];
    each(channels, plane, x, |c, i| sums[c] += x[i].wide());
    sums.into_iter().map(T::of).collect()
}

fn batch_statistics<T: Float>(channels: usize, plane: usize, x: &[T]) -> Vec<Moments<T>> {
    let n = T::of((x.len() / channels) as f64);
    let means: Vec<T> = channel_sums(channels, plane, x)
        .into_iter()
        .map(|sum| sum / n)
        .collect();
    let mut squares = vec![T::ZERO; channels];
    each(channels, plane, x, |c, i| {
        squares[c] += (x[i] - means[c]) * (x[i] - means[c]);
    });
    means
        .into_iter()
        .zip(squares)
        .map(|(mean, square)| Moments {
            mean,
            variance: square / n,
        })
        .collect()
}

pub(crate) fn batch_norm<T: Float>(
    plane: usize,
    x: &[T],
    weight: &[T],
    bias: &[T],
    epsilon: f64,
) -> (Vec<T>, Vec<Moments<T>>) {
    let moments = batch_statistics(weight.len(), plane, x);
    let mut y = x.to_vec();
    each(weight.len(), plane, x, |c, i| {
        let [scale, shift] = moments[c].affine(weight[c], bias[c], epsilon);
        y[i] = x[i] * scale + shift;
    });
    (y, moments)
}

pub(crate) fn scale_channels<T: Float>(
    channels: usize,
    plane: usize,
    x: &[T],
    scale: &[T],
    shift: &[T],
) -> Vec<T> {
    let mut y = x.to_vec();
    each(channels, plane, x, |c, i| y[i] = x[i] * scale[c] + shift[c]);
    y
}

pub(crate) fn batch_norm_gradient<T: Float>(
    plane: usize,
    x: &[T],
    weight: &[T],
    moments: &[Moments<T>],
    epsilon: f64,
    dy: &[T],
) -> NormGradient<T> {
    let channels = weight.len();
    let n = T::of((x.len() / channels) as f64);
    let inverse: Vec<T> = moments
        .iter()
        .map(|m| T::ONE / (m.variance + T::of(epsilon)).sqrt())
        .collect();
    let normal = |c: usize, i: usize| (x[i] - moments[c].mean) * inverse[c];
    let bias = channel_sums(channels, plane, dy);
    let mut dweight = vec![T::ZERO; channels];
    each(channels, plane, x, |c, i| {
        dweight[c] += dy[i] * normal(c, i)
    });
    let mut dx = vec![T::ZERO; x.len()];
    each(channels, plane, x, |c, i| {
        dx[i] = weight[c] * inverse[c] * (dy[i] - bias[c] / n - normal(c, i) * dweight[c] / n);
    });
    NormGradient {
        x: dx,
        weight: dweight,
        bias,
    }
}

fn row_moments<T: Float>(row: &[T]) -> Moments<T> {
    let n = T::of(row.len() as f64);
    let mean = row.iter().copied().sum::<T>() / n;
    let variance = row.iter().map(|&v| (v - mean) * (v - mean)).sum::<T>() / n;
    Moments { mean, variance }
}

pub(crate) fn layer_norm<T: Float>(x: &[T], weight: &[T], bias: &[T], epsilon: f64) -> Vec<T> {
    let mut y = Vec::with_capacity(x.len());
    for row in x.chunks_exact(weight.len()) {
        let m = row_moments(row);
        let inverse = T::ONE / (m.variance + T::of(epsilon)).sqrt();
        y.extend((0..row.len()).map(|i| (row[i] - m.mean) * inverse * weight[i] + bias[i]));
    }
    y
}

pub(crate) fn layer_norm_gradient<T: Float>(
    x: &[T],
    weight: &[T],
    epsilon: f64,
    dy: &[T],
) -> NormGradient<T> {
    let width = weight.len();
    let n = T::of(width as f64);
    let (mut dweight, mut dbias) = (vec![T::ZERO; width], vec![T::ZERO; width]);
    let mut dx = Vec::with_capacity(x.len());
    for (row, dy) in x.chunks_exact(width).zip(dy.chunks_exact(width)) {
        let m = row_moments(row);
        let inverse = T::ONE / (m.variance + T::of(epsilon)).sqrt();
        let (mut sum, mut dot) = (T::ZERO, T::ZERO);
        for i in 0..width {
            let normal = (row[i] - m.mean) * inverse;
            dweight[i] += dy[i] * normal;
            dbias[i] += dy[i];
            sum += dy[i] * weight[i];
            dot += dy[i] * weight[i] * normal;
        }
        dx.extend((0..width).map(|i| {
            let normal = (row[i] - m.mean) * inverse;
            inverse * (dy[i] * weight[i] - sum / n - normal * dot / n)
        }));
    }
    NormGradient {
        x: dx,
        weight: dweight,
        bias: dbias,
    }
}
