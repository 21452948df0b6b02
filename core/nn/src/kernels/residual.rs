//! A residual block of convolutions 3×3, as one operation:
//!
//! ```text
//! x ── conv 1 ── norm 1 ── ReLU ── conv 2 ── norm 2 ──┐
//! └─────────── (conv 3 ── norm 3, if widths differ) ──┴─ sum ── ReLU ── maximum pooling ──► y
//! ```
//!
//! Only what the convolutions give is stored. Norm 1 with its ReLU is computed where the second convolution reads; everything behind
//! that in one pass with the pooling. The biases of the convolutions have no effect on a normalised batch: they are left out of
//! the maps and their gradient is exactly 0 (PyTorch gives rounding noise there, which Adam turns into steps).

use super::block_end::{self, Normed, Shortcut};
use super::buffer::Buffer;
use super::first;
use super::lanes::LANES;
use super::maps::{
    Activated, BeforeRelu, BehindNorm, MapShape, NormCoefficients, Plain, PlusShortcut, Pooled,
    WithStatistics,
};
use super::winograd::{Direction, TaskSums, convolve, transform_weights, weight_gradient};
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

/// What a block reads.
#[derive(Clone, Copy)]
pub(crate) enum Input<'a> {
    /// One plain channel `[batch, height, width]`, and the unit that makes the shortcut as wide as the block.
    Channel(&'a [f32], Unit<'a>),
    /// Blocks of as many channels as the block gives.
    Maps(&'a [f32]),
}

/// One convolution's maps and the norm behind them, for the way back.
#[derive(Debug)]
struct Kept {
    maps: Buffer,
    norm: Norm,
}

/// The affine map that a batch norm is, channel by channel, padded to whole blocks.
#[derive(Debug)]
struct Norm {
    scale: Vec<f32>,
    shift: Vec<f32>,
    /// Of the maps without bias.
    mean: Vec<f32>,
    /// One over the deviation.
    inverse: Vec<f32>,
}

/// What the way back needs.
#[derive(Debug)]
pub(crate) struct State {
    shape: MapShape,
    window: [usize; 2],
    first: Kept,
    second: Kept,
    shortcut: Option<Kept>,
    argmax: Vec<u8>,
    batch_statistics: bool,
}

impl State {
    /// Its memory.
    pub(crate) fn n_bytes(&self) -> usize {
        let maps = [&self.first, &self.second]
            .into_iter()
            .chain(&self.shortcut);
        self.argmax.len() + maps.map(|kept| size_of_val(&*kept.maps)).sum::<usize>()
    }
}

/// What a block gives.
#[derive(Debug)]
pub(crate) struct Output {
    /// Pooled maps.
    pub(crate) y: Buffer,
    pub(crate) shape: MapShape,
    /// Batch statistics of each unit's convolution, bias included; empty if running ones were used.
    pub(crate) moments: Vec<Vec<Moments<f32>>>,
    pub(crate) state: State,
}

/// Gradients of a unit's parameters.
#[derive(Clone, Debug, Default)]
pub(crate) struct UnitGradient {
    pub(crate) weight: Vec<f32>,
    pub(crate) bias: Vec<f32>,
    pub(crate) gamma: Vec<f32>,
    pub(crate) beta: Vec<f32>,
}

/// `shape` is that of the maps before pooling.
pub(crate) fn forward(
    shape: MapShape,
    input: Input<'_>,
    units: [Unit<'_>; 2],
    window: [usize; 2],
) -> Output {
    let [one, two] = units;
    let mut moments = Vec::new();
    let mut norm = |unit: &Unit<'_>, maps: Buffer, sums: &[TaskSums]| {
        let norm = Norm::new(&shape, unit, sums, &mut moments);
        Kept { maps, norm }
    };
    let (first, third) = match input {
        Input::Channel(x, three) => {
            let [(maps_1, sums_1), (maps_3, sums_3)] =
                first::forward(&shape, x, [one.weight, three.weight]);
            let first = norm(&one, maps_1, &sums_1);
            (first, Some((three, maps_3, sums_3)))
        }
        Input::Maps(x) => {
            let (maps, sums) = convolution(&shape, one.weight, &Plain(x));
            (norm(&one, maps, &sums), None)
        }
    };
    let activated = Activated {
        maps: &first.maps,
        scale: &first.norm.scale,
        shift: &first.norm.shift,
    };
    let (maps, sums) = convolution(&shape, two.weight, &activated);
    let second = norm(&two, maps, &sums);
    let third = third.map(|(unit, maps, sums)| norm(&unit, maps, &sums));

    let beside = match (&third, input) {
        (Some(third), _) => Shortcut::Convolved(third.normed()),
        (None, Input::Maps(x) | Input::Channel(x, _)) => Shortcut::Input(x),
    };
    let (y, argmax) = block_end::forward(&shape, second.normed(), beside, window);
    Output {
        y,
        shape: block_end::pooled_shape(&shape, window),
        moments,
        state: State {
            shape,
            window,
            first,
            second,
            shortcut: third,
            argmax,
            batch_statistics: one.running.is_none(),
        },
    }
}

/// A convolution of maps with as many channels on both sides, and the sums for its statistics.
fn convolution<S: super::winograd::Source>(
    shape: &MapShape,
    weight: &[f32],
    source: &S,
) -> (Buffer, Vec<TaskSums>) {
    let weights = transform_weights(weight, shape.channels, shape.channels, Direction::Forward);
    let mut sums = Vec::new();
    let maps = filled(shape, |to| {
        sums = convolve(shape, &weights, source, &WithStatistics { to });
    });
    (maps, sums)
}

/// Maps that a convolution fills.
#[expect(unsafe_code, reason = "the buffer is not cleared first")]
fn filled(shape: &MapShape, fill: impl FnOnce(super::shared::Shared<f32>)) -> Buffer {
    // SAFETY: a convolution gives its sink every pixel of every block, and the sinks here store each.
    unsafe { Buffer::filled(shape.len(), fill) }
}

impl Kept {
    fn normed(&self) -> Normed<'_> {
        Normed {
            maps: &self.maps,
            scale: &self.norm.scale,
            shift: &self.norm.shift,
        }
    }
}

impl Norm {
    fn new(
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
            super::maps::padded((0..shape.channels).map(|c| value(c) as f32), blocks)
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
    fn backward(
        &self,
        shape: &MapShape,
        sums: &[(f64, f64)],
        batch_statistics: bool,
    ) -> (NormCoefficients, UnitGradient) {
        let n = shape.per_channel() as f64;
        let blocks = shape.blocks();
        let padded = |value: &dyn Fn(usize) -> f64| {
            super::maps::padded((0..shape.channels).map(|c| value(c) as f32), blocks)
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
fn totals(channels: usize, sums: &[TaskSums]) -> Vec<(f64, f64)> {
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

/// Gradients for the input (if `of_input` asks for it) and for the parameters of the units (first, second, shortcut), from `dy`, that of the pooled maps.
pub(crate) fn backward(
    state: &State,
    input: Input<'_>,
    weights: [&[f32]; 2],
    dy: &[f32],
    of_input: bool,
) -> (Option<Gradient>, Vec<UnitGradient>) {
    let shape = &state.shape;
    let channels = shape.channels;
    let pooled = Pooled {
        gradient: dy,
        argmax: &state.argmax,
        window: state.window,
    };
    let sums = block_end::sums(
        shape,
        pooled,
        (&state.second.maps, &state.second.norm.mean),
        state
            .shortcut
            .as_ref()
            .map(|kept| (&*kept.maps, &*kept.norm.mean)),
    );
    let sums_of = |which: usize| -> Vec<(f64, f64)> {
        (0..channels)
            .map(|c| {
                let block = &sums[c / LANES];
                (block[0][c % LANES], block[which][c % LANES])
            })
            .collect()
    };
    let behind =
        |kept: &Kept, sums: &[(f64, f64)]| kept.norm.backward(shape, sums, state.batch_statistics);

    let (coefficients, mut of_second) = behind(&state.second, &sums_of(1));
    let d_second = block_end::before_norm(shape, pooled, &state.second.maps, &coefficients);
    let norm = &state.first.norm;
    let activated = Activated {
        maps: &state.first.maps,
        scale: &norm.scale,
        shift: &norm.shift,
    };
    of_second.weight = weight_gradient(shape, channels, channels, &activated, &Plain(&d_second));
    let turned = transform_weights(weights[1], channels, channels, Direction::Backward);
    let mut task_sums = Vec::new();
    let d_first = filled(shape, |to| {
        let sink = BeforeRelu {
            to,
            maps: &state.first.maps,
            scale: &norm.scale,
            shift: &norm.shift,
            mean: &norm.mean,
        };
        task_sums = convolve(shape, &turned, &Plain(&d_second), &sink);
    });
    drop(d_second);
    let (coefficients, mut of_first) = behind(&state.first, &totals(channels, &task_sums));
    let behind_first = BehindNorm {
        gradient: &d_first,
        maps: &state.first.maps,
        coefficients: &coefficients,
    };

    match (input, &state.shortcut) {
        (Input::Maps(x), _) => {
            of_first.weight = weight_gradient(shape, channels, channels, &Plain(x), &behind_first);
            let dx = of_input.then(|| {
                let turned = transform_weights(weights[0], channels, channels, Direction::Backward);
                Gradient::Maps(filled(shape, |to| {
                    let sink = PlusShortcut {
                        to,
                        shape: *shape,
                        pooled,
                    };
                    convolve(shape, &turned, &behind_first, &sink);
                }))
            });
            (dx, vec![of_first, of_second])
        }
        (Input::Channel(x, three), Some(third)) => {
            let (coefficients, mut of_third) = behind(third, &sums_of(2));
            let d_third = block_end::before_norm(shape, pooled, &third.maps, &coefficients);
            // As it is: once itself, nothing else.
            let blocks = shape.blocks();
            let as_it_is = NormCoefficients {
                of_gradient: vec![1.0; blocks * LANES],
                of_maps: vec![0.0; blocks * LANES],
                constant: vec![0.0; blocks * LANES],
            };
            let behind_third = BehindNorm {
                gradient: &d_third,
                maps: &d_third,
                coefficients: &as_it_is,
            };
            let ([dw_1, dw_3], dx) = first::backward(
                shape,
                x,
                [weights[0], three.weight],
                [behind_first, behind_third],
                of_input,
            );
            of_first.weight = dw_1;
            of_third.weight = dw_3;
            (
                dx.map(Gradient::Channel),
                vec![of_first, of_second, of_third],
            )
        }
        (Input::Channel(..), None) => unreachable!("the way there kept the shortcut of a channel"),
    }
}

/// The gradient of a block's input.
#[derive(Debug)]
pub(crate) enum Gradient {
    /// `[batch, height, width]`
    Channel(Vec<f32>),
    /// Blocks of channels.
    Maps(Buffer),
}
