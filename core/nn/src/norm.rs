//! Batch norm and layer norm.

use super::data::{tensor, update, with_all};
use super::element::{Element, Float, Moments, by_type};
use super::numbers::on_gpu;
use super::tape::{Gradient, Value, record};
use candle_core::{Result, Tensor, bail};

/// The running statistics of a batch norm, changed in place by training.
#[derive(Clone, Debug)]
pub struct RunningStatistics {
    /// `[channels]`
    pub mean: Tensor,
    /// Unbiased, `[channels]`.
    pub variance: Tensor,
    /// How many batches they have seen; i64, one element.
    pub n_batches: Tensor,
    /// Share of a new batch.
    pub momentum: f64,
}

/// Whether a batch norm takes its statistics from the batch (and adds them to the running ones) or the running ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Statistics {
    /// Of this batch; the running ones move towards them. Training.
    Batch,
    /// The running ones, unchanged. Evaluation.
    Running,
}

/// Normalises each channel (axis 1) of `x` `[batch, channels, ...]`, then scales and shifts it.
///
/// As in PyTorch the batch is normalised by its biased variance, and the running variance takes the unbiased one.
/// Fails in training if a channel has only one value.
pub fn batch_norm(
    x: &Value,
    weight: &Value,
    bias: &Value,
    running: &RunningStatistics,
    epsilon: f64,
    statistics: Statistics,
) -> Result<Value> {
    let dims = x.dims();
    if dims.len() < 2 || weight.dims() != [dims[1]] || bias.dims() != [dims[1]] {
        bail!(
            "batch norm of {} channels over a tensor of shape {dims:?}",
            weight.elem_count()
        );
    }
    if statistics == Statistics::Batch && x.elem_count() == dims[1] {
        bail!("batch norm: one value per channel has no variance to train with");
    }
    by_type!(x.dtype(), T => run::<T>(x, weight, bias, running, epsilon, statistics))
}

fn run<T: Element>(
    x: &Value,
    weight: &Value,
    bias: &Value,
    running: &RunningStatistics,
    epsilon: f64,
    statistics: Statistics,
) -> Result<Value> {
    let dims = x.dims().to_vec();
    let channels = dims[1];
    let plane: usize = dims[2..].iter().product();
    let running_moments = match statistics {
        Statistics::Batch => None,
        Statistics::Running => Some(moments_of(running)?),
    };
    let (y, moments) = with_all(
        [x.tensor()?, weight.tensor()?, bias.tensor()?],
        |[x, weight, bias]: [&[T]; 3]| {
            Ok(match running_moments {
                None => T::batch_norm(plane, x, weight, bias, epsilon),
                Some(moments) => {
                    let (scale, shift) = affine(&moments, weight, bias, epsilon);
                    let y = T::scale_channels(channels, plane, x, &scale, &shift);
                    (y, moments)
                }
            })
        },
    )?;
    if statistics == Statistics::Batch {
        learn(running, &moments, dims[0] * plane)?;
    }
    let y = tensor(y, &dims)?;
    let (x_kept, weight_kept) = (x.tensor()?.clone(), weight.tensor()?.clone());
    let [y] = record("batch norm", [x, weight, bias], [y], move |[dy]| {
        let Some(dy) = dy else {
            return Ok([None, None, None]);
        };
        with_all(
            [&x_kept, &weight_kept, &dy],
            |[x, weight, dy]: [&[T]; 3]| {
                let mut gradient = T::batch_norm_gradient(plane, x, weight, &moments, epsilon, dy);
                if statistics == Statistics::Running {
                    // The statistics do not depend on the batch: only the scale remains.
                    let zero = vec![T::ZERO; channels];
                    let (scale, _) = affine(&moments, weight, &zero, epsilon);
                    gradient.x = T::scale_channels(channels, plane, dy, &scale, &zero);
                }
                Ok([
                    Gradient::fresh(tensor(gradient.x, &dims)?),
                    Gradient::fresh(tensor(gradient.weight, &[channels])?),
                    Gradient::fresh(tensor(gradient.bias, &[channels])?),
                ])
            },
        )
    });
    Ok(y)
}

/// What batch norm does to each channel: `x * scale + shift`.
fn affine<T: Float>(
    moments: &[Moments<T>],
    weight: &[T],
    bias: &[T],
    epsilon: f64,
) -> (Vec<T>, Vec<T>) {
    moments
        .iter()
        .zip(weight)
        .zip(bias)
        .map(|((m, &weight), &bias)| m.affine(weight, bias, epsilon).into())
        .unzip()
}

/// The running statistics as moments.
pub(crate) fn moments_of<T: Element>(running: &RunningStatistics) -> Result<Vec<Moments<T>>> {
    with_all([&running.mean, &running.variance], |[means, variances]| {
        Ok(means
            .iter()
            .zip(variances)
            .map(|(&mean, &variance)| Moments { mean, variance })
            .collect())
    })
}

/// Moves the running statistics towards those of a batch with `n` values per channel.
pub(crate) fn learn<T: Element>(
    running: &RunningStatistics,
    moments: &[Moments<T>],
    n: usize,
) -> Result<()> {
    let momentum = T::of(running.momentum);
    let unbiased = T::of(n as f64 / (n as f64 - 1.0));
    let mix = |old: &mut T, new: T| *old = (T::ONE - momentum) * *old + momentum * new;
    update::<T>(&running.mean, |means| {
        for (mean, m) in means.iter_mut().zip(moments) {
            mix(mean, m.mean);
        }
    })?;
    update::<T>(&running.variance, |variances| {
        for (variance, m) in variances.iter_mut().zip(moments) {
            mix(variance, m.variance * unbiased);
        }
    })?;
    count_batch(running)
}

/// One batch more that the running statistics have seen; the counter stays on the host wherever they lie.
pub(crate) fn count_batch(running: &RunningStatistics) -> Result<()> {
    update::<i64>(&running.n_batches, |n| n.iter_mut().for_each(|n| *n += 1))
}

/// Normalises each row (the last axis) of `x`, then scales and shifts it.
pub fn layer_norm(x: &Value, weight: &Value, bias: &Value, epsilon: f64) -> Result<Value> {
    let width = x.dims().last().copied().unwrap_or(0);
    if width == 0 || weight.dims() != [width] || bias.dims() != [width] {
        bail!(
            "layer norm of width {} over a tensor of shape {:?}",
            weight.elem_count(),
            x.dims()
        );
    }
    on_gpu!([x, weight, bias] => crate::gpu::ops::layer_norm(x, weight, bias, epsilon));
    by_type!(x.dtype(), T => run_layer_norm::<T>(x, weight, bias, epsilon))
}

fn run_layer_norm<T: Element>(
    x: &Value,
    weight: &Value,
    bias: &Value,
    epsilon: f64,
) -> Result<Value> {
    let dims = x.dims().to_vec();
    let y = with_all(
        [x.tensor()?, weight.tensor()?, bias.tensor()?],
        |[x, weight, bias]| tensor(T::layer_norm(x, weight, bias, epsilon), &dims),
    )?;
    let (x_kept, weight_kept) = (x.tensor()?.clone(), weight.tensor()?.clone());
    let [y] = record("layer norm", [x, weight, bias], [y], move |[dy]| {
        let Some(dy) = dy else {
            return Ok([None, None, None]);
        };
        with_all(
            [&x_kept, &weight_kept, &dy],
            |[x, weight, dy]: [&[T]; 3]| {
                let gradient = T::layer_norm_gradient(x, weight, epsilon, dy);
                let width = weight.len();
                Ok([
                    Gradient::fresh(tensor(gradient.x, &dims)?),
                    Gradient::fresh(tensor(gradient.weight, &[width])?),
                    Gradient::fresh(tensor(gradient.bias, &[width])?),
                ])
            },
        )
    });
    Ok(y)
}
