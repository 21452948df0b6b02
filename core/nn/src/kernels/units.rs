//! What blocks are built of: a convolution, and the batch norm behind it.
//!
//! Only what the convolution gives is kept, without its bias, which has no effect on a normalised batch: its gradient is exactly 0
//! there (PyTorch gives rounding noise, which Adam turns into steps).

use super::block_end::Normed;
use super::buffer::Buffer;
use super::lanes::LANES;
use super::maps::{MapShape, padded};
use super::shared::Shared;
use super::sources::{Activated, NormCoefficients};
use super::winograd::TaskSums;
use crate::element::Moments;

/// A convolution and the batch norm behind it.
#[derive(Clone, Copy)]
pub(crate) struct Unit<'a> {
    /// `[out channels, in channels, 3, 3]`
    pub(crate) weight: &'a [f32],
    pub(crate) bias: &'a [f32],
    pub(crate) gamma: &'a [f32],
    pub(crate) beta: &'a [f32],
    pub(crate) epsilon: f64,
    /// Running mean and variance to normalise with; `None`: those of the batch.
    pub(crate) running: Option<&'a [Moments<f32>]>,
}

/// A block of units that is one operation.
pub(crate) trait Block: Clone + 'static {
    /// What the way back needs.
    type State: 'static;

    /// Sizes of the maps before pooling.
    fn maps(&self) -> MapShape;

    /// From the input and the units, in the block's own order.
    fn forward(&self, x: &[f32], units: &[Unit<'_>]) -> (Output, Self::State);

    /// Gradients for the input (if `of_input` asks for it) and for the parameters of the units, from `dy`, that of the output.
    /// Biases and norms of `units` are not looked at.
    fn backward(
        &self,
        state: &Self::State,
        x: &[f32],
        units: &[Unit<'_>],
        dy: &[f32],
        of_input: bool,
    ) -> (Option<Buffer>, Vec<UnitGradient>);

    /// Memory of a state.
    fn n_bytes(state: &Self::State) -> usize;
}

/// What a block gives.
#[derive(Debug)]
pub(crate) struct Output {
    /// Pooled maps.
    pub(crate) y: Buffer,
    pub(crate) shape: MapShape,
    /// Batch statistics of each unit's convolution, bias included; empty if running ones were used.
    pub(crate) moments: Vec<Vec<Moments<f32>>>,
}

/// Gradients of a unit's parameters.
#[derive(Clone, Debug, Default)]
pub(crate) struct UnitGradient {
    pub(crate) weight: Vec<f32>,
    pub(crate) bias: Vec<f32>,
    pub(crate) gamma: Vec<f32>,
    pub(crate) beta: Vec<f32>,
}

/// One convolution's maps and the norm behind them, for the way back.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) maps: Buffer,
    pub(crate) norm: Norm,
}

/// The affine map that a batch norm is, channel by channel, padded to whole blocks.
#[derive(Debug)]
pub(crate) struct Norm {
    pub(crate) scale: Vec<f32>,
    pub(crate) shift: Vec<f32>,
    /// Of the maps without bias.
    pub(crate) mean: Vec<f32>,
    /// One over the deviation.
    inverse: Vec<f32>,
}

/// Maps that a convolution fills.
#[expect(unsafe_code, reason = "the buffer is not cleared first")]
pub(crate) fn filled(shape: &MapShape, fill: impl FnOnce(Shared<f32>)) -> Buffer {
    // SAFETY: a convolution gives its sink every pixel of every block, and the sinks of blocks store each.
    unsafe { Buffer::filled(shape.len(), fill) }
}

impl Kept {
    pub(crate) fn normed(&self) -> Normed<'_> {
        Normed {
            maps: &self.maps,
            scale: &self.norm.scale,
            shift: &self.norm.shift,
        }
    }

    /// Behind the norm and a ReLU.
    pub(crate) fn activated(&self) -> Activated<'_> {
        Activated {
            maps: &self.maps,
            scale: &self.norm.scale,
            shift: &self.norm.shift,
        }
    }

    pub(crate) fn n_bytes(&self) -> usize {
        size_of_val(&*self.maps)
    }
}

impl Norm {
    pub(crate) fn new(
        shape: &MapShape,
        unit: &Unit<'_>,
        sums: &[TaskSums],
        batch_moments: &mut Vec<Vec<Moments<f32>>>,
    ) -> Self {
        let blocks = shape.blocks();
        // Mean of the maps without bias, and variance.
        let moments: Vec<(f64, f64)> = match unit.running {
            Some(running) => running
                .iter()
                .zip(unit.bias)
                .map(|(m, &bias)| (f64::from(m.mean - bias), f64::from(m.variance)))
                .collect(),
            None => {
                let moments = merged(shape.channels, sums);
                batch_moments.push(
                    moments
                        .iter()
                        .zip(unit.bias)
                        .map(|(&(mean, variance), &bias)| Moments {
                            mean: mean as f32 + bias,
                            variance: variance as f32,
                        })
                        .collect(),
                );
                moments
            }
        };
        let inverse = |variance: f64| 1.0 / (variance + unit.epsilon).sqrt();
        let padded = |value: &dyn Fn(usize) -> f64| {
            padded((0..shape.channels).map(|c| value(c) as f32), blocks)
        };
        let scale = |c: usize| f64::from(unit.gamma[c]) * inverse(moments[c].1);
        Self {
            scale: padded(&scale),
            shift: padded(&|c| f64::from(unit.beta[c]) - moments[c].0 * scale(c)),
            mean: padded(&|c| moments[c].0),
            inverse: padded(&|c| inverse(moments[c].1)),
        }
    }

    /// Coefficients for the gradient behind this norm, and the gradients of gamma and beta, from the sums of the gradient and of its
    /// product with the distance from the mean.
    pub(crate) fn backward(
        &self,
        shape: &MapShape,
        sums: &[(f64, f64)],
        batch_statistics: bool,
    ) -> (NormCoefficients, UnitGradient) {
        let n = shape.per_channel() as f64;
        let blocks = shape.blocks();
        let padded = |value: &dyn Fn(usize) -> f64| {
            padded((0..shape.channels).map(|c| value(c) as f32), blocks)
        };
        let wide = |values: &[f32], c: usize| f64::from(values[c]);
        let of_maps = |c: usize| {
            if batch_statistics {
                -wide(&self.scale, c) * sums[c].1 * wide(&self.inverse, c).powi(2) / n
            } else {
                0.0
            }
        };
        let constant = |c: usize| {
            if batch_statistics {
                -wide(&self.scale, c) * sums[c].0 / n - of_maps(c) * wide(&self.mean, c)
            } else {
                0.0
            }
        };
        let coefficients = NormCoefficients {
            of_gradient: self.scale.clone(),
            of_maps: padded(&of_maps),
            constant: padded(&constant),
        };
        let channels = 0..shape.channels;
        let gradient = UnitGradient {
            weight: Vec::new(),
            bias: channels
                .clone()
                .map(|c| {
                    if batch_statistics {
                        0.0
                    } else {
                        self.scale[c] * sums[c].0 as f32
                    }
                })
                .collect(),
            gamma: channels
                .clone()
                .map(|c| (sums[c].1 * wide(&self.inverse, c)) as f32)
                .collect(),
            beta: channels.map(|c| sums[c].0 as f32).collect(),
        };
        (coefficients, gradient)
    }
}

/// Mean and biased variance of each channel, from what the tasks added up (Chan's formula, in order).
fn merged(channels: usize, sums: &[TaskSums]) -> Vec<(f64, f64)> {
    (0..channels)
        .map(|channel| {
            let (block, lane) = (channel / LANES, channel % LANES);
            let (mut n, mut mean, mut squares) = (0f64, 0f64, 0f64);
            for task in sums {
                let [pivot, sum, square] = task.blocks[block].map(|lanes| f64::from(lanes[lane]));
                let task_n = task.n_pixels as f64;
                let task_mean = pivot + sum / task_n;
                let task_squares = square - sum * sum / task_n;
                let apart = task_mean - mean;
                let total = n + task_n;
                mean += apart * task_n / total;
                squares += task_squares + apart * apart * n * task_n / total;
                n = total;
            }
            (mean, squares.max(0.0) / n)
        })
        .collect()
}

/// The second and third of what the tasks added up, channel by channel, in order.
pub(crate) fn totals(channels: usize, sums: &[TaskSums]) -> Vec<(f64, f64)> {
    (0..channels)
        .map(|channel| {
            let (block, lane) = (channel / LANES, channel % LANES);
            sums.iter().fold((0.0, 0.0), |(a, b), task| {
                let [_, second, third] = task.blocks[block];
                (a + f64::from(second[lane]), b + f64::from(third[lane]))
            })
        })
        .collect()
}
