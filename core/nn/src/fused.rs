//! Blocks of convolutions and norms as one operation on the tape, by the fast kernels.

use super::data::{tensor, with_all, with_data, with_slices};
use super::element::ConvShape;
use super::kernels::maps::{MapShape, NOWHERE};
use super::kernels::units::{Block, Unit};
use super::layers::{BatchNorm, Conv1d, Conv2d, Mode, Weight};
use super::norm::{Statistics, learn, moments_of};
use super::tape::{Gradient, Tape, Value, record};
use candle_core::{Result, Tensor, bail};

/// The most units of a block.
const MOST_UNITS: usize = 3;

/// A convolution and the batch norm behind it.
#[derive(Clone, Debug)]
pub(crate) struct UnitLayers {
    weight: Weight,
    bias: Weight,
    norm: BatchNorm,
}

impl From<&(Conv2d, BatchNorm)> for UnitLayers {
    fn from((conv, norm): &(Conv2d, BatchNorm)) -> Self {
        Self {
            weight: conv.weight.clone(),
            bias: conv.bias.clone(),
            norm: norm.clone(),
        }
    }
}

impl From<&(Conv1d, BatchNorm)> for UnitLayers {
    fn from((conv, norm): &(Conv1d, BatchNorm)) -> Self {
        Self {
            weight: conv.weight.clone(),
            bias: conv.bias.clone(),
            norm: norm.clone(),
        }
    }
}

impl UnitLayers {
    fn weights(&self) -> [&Weight; 4] {
        [&self.weight, &self.bias, &self.norm.weight, &self.norm.bias]
    }
}

/// Whether a window has more places than the kernels count.
pub(crate) fn is_too_large(window: [usize; 2]) -> bool {
    window[0] * window[1] > usize::from(NOWHERE)
}

/// Fails if maps of this size are smaller than the window.
pub(crate) fn check_window([height, width]: [usize; 2], window: [usize; 2]) -> Result<()> {
    if height < window[0] || width < window[1] {
        bail!(
            "pooling by {} x {}: the maps are only {height} x {width}",
            window[0],
            window[1],
        );
    }
    Ok(())
}

/// Fails if a convolution is given other channels than it has weights for.
pub(crate) fn check_channels(shape: &ConvShape, found: usize) -> Result<()> {
    if found != shape.in_channels {
        bail!(
            "convolution of {found} channels with a kernel for {}",
            shape.in_channels
        );
    }
    Ok(())
}

/// Runs a block. `x` is in f32, laid out as the block reads it; the result is in blocks of channels, of the sizes beside it.
pub(crate) fn run<B: Block>(
    name: &'static str,
    block: B,
    units: Vec<UnitLayers>,
    tape: &Tape,
    mode: Mode,
    x: &Value,
) -> Result<(Value, MapShape)> {
    let statistics = mode.statistics();
    let maps = block.maps();
    if statistics == Statistics::Batch && maps.per_channel() == 1 {
        bail!("batch norm: one value per channel has no variance to train with");
    }
    let parameters = Parameters::new(&units, statistics);
    let (output, state) =
        parameters.with(|units| with_data(x.tensor()?, |x: &[f32]| Ok(block.forward(x, units))))?;
    for (unit, moments) in units.iter().zip(&output.moments) {
        learn(&unit.norm.running, moments, maps.per_channel())?;
    }

    let mut inputs = vec![x.clone()];
    for unit in &units {
        inputs.extend(unit.weights().map(|weight| weight.on(tape)));
    }
    // Room for the most units, used or not.
    inputs.resize(1 + 4 * MOST_UNITS, Value::constant(x.tensor()?.clone()));
    let inputs: [&Value; 1 + 4 * MOST_UNITS] = std::array::from_fn(|i| &inputs[i]);
    let n_bytes = B::n_bytes(&state);
    let (x_kept, needs_x) = (x.tensor()?.clone(), x.is_recorded());
    let y = output.y.into_tensor(&output.shape.dims())?;
    let [y] = record(name, inputs, [y], move |[dy]| {
        let mut gradients: [Option<Gradient>; 1 + 4 * MOST_UNITS] = Default::default();
        let Some(dy) = dy else { return Ok(gradients) };
        let (dx, of_units) = parameters.with(|units| {
            with_all([&x_kept, &dy], |[x, dy]: [&[f32]; 2]| {
                Ok(block.backward(&state, x, units, dy, needs_x))
            })
        })?;
        if let Some(dx) = dx {
            gradients[0] = Gradient::fresh(dx.into_tensor(x_kept.dims())?);
        }
        for ((gradient, unit), slots) in of_units
            .into_iter()
            .zip(&units)
            .zip(gradients[1..].chunks_exact_mut(4))
        {
            let numbers = [
                gradient.weight,
                gradient.bias,
                gradient.gamma,
                gradient.beta,
            ];
            for ((slot, numbers), weight) in slots.iter_mut().zip(numbers).zip(unit.weights()) {
                *slot = Gradient::fresh(tensor(numbers, weight.tensor().dims())?);
            }
        }
        Ok(gradients)
    });
    y.count_kept(n_bytes);
    Ok((y, output.shape))
}

/// The numbers of a block's units: weight, bias, gamma, beta of each, and their norms' settings.
struct Parameters {
    tensors: Vec<Tensor>,
    norms: Vec<BatchNorm>,
    statistics: Statistics,
}

impl Parameters {
    fn new(units: &[UnitLayers], statistics: Statistics) -> Self {
        Self {
            tensors: units
                .iter()
                .flat_map(|unit| unit.weights().map(|weight| weight.tensor().clone()))
                .collect(),
            norms: units.iter().map(|unit| unit.norm.clone()).collect(),
            statistics,
        }
    }

    /// Calls `work` with the units as the kernels want them.
    fn with<R>(&self, work: impl FnOnce(&[Unit<'_>]) -> Result<R>) -> Result<R> {
        let mut running = Vec::new();
        for norm in &self.norms {
            running.push(match self.statistics {
                Statistics::Running => Some(moments_of::<f32>(&norm.running)?),
                Statistics::Batch => None,
            });
        }
        let tensors: Vec<&Tensor> = self.tensors.iter().collect();
        with_slices(&tensors, |slices| {
            let units: Vec<Unit<'_>> = slices
                .chunks_exact(4)
                .zip(&self.norms)
                .zip(&running)
                .map(|((slices, norm), running)| Unit {
                    weight: slices[0],
                    bias: slices[1],
                    gamma: slices[2],
                    beta: slices[3],
                    epsilon: norm.epsilon,
                    running: running.as_deref(),
                })
                .collect();
            work(&units)
        })
    }
}
