//! A residual block as one operation: two convolutions with batch norm, the shortcut, ReLU, maximum pooling.
//!
//! In f32 it works on feature maps in blocks of channels ([`Maps`] hides the layout) and keeps only what the convolutions give; in f64
//! it is put together from the single operations, and that is what the fused one is tested against.

use super::conv::conv2d;
use super::data::{tensor, with_all, with_data, with_slices};
use super::kernels::maps::{MapShape, from_planes, from_tokens, to_planes, to_tokens};
use super::kernels::residual::{self, Gradient as Back, Input, Unit};
use super::layers::{BatchNorm, Conv2d, Mode};
use super::norm::{Statistics, learn, moments_of};
use super::tape::{Gradient, Tape, Value, record};
use super::{add, max_pool2d, relu, tokens_of_maps};
use candle_core::{DType, Result, Tensor, bail};
use candle_nn::VarBuilder;

/// Feature maps between residual blocks, in the layout that the engine likes.
#[derive(Clone, Debug)]
pub struct Maps {
    /// One plain channel or any number `[batch, channels, height, width]`, or blocks `[batch, blocks, height, width, 16]`.
    value: Value,
    channels: usize,
}

impl Maps {
    /// Feature maps `[batch, channels, height, width]`.
    pub fn new(value: &Value) -> Result<Self> {
        Ok(Self {
            value: value.clone(),
            channels: value.tensor().dims4()?.1,
        })
    }

    fn shape(&self) -> Result<MapShape> {
        let dims = self.value.tensor().dims();
        let (&[batch, _, height, width] | &[batch, _, height, width, _]) = dims else {
            bail!("feature maps of shape {dims:?}");
        };
        Ok(MapShape {
            batch,
            channels: self.channels,
            height,
            width,
        })
    }

    fn in_blocks(&self) -> bool {
        self.value.tensor().rank() == 5
    }

    /// The plain form, `[batch, channels, height, width]`.
    pub fn to_value(&self) -> Result<Value> {
        if !self.in_blocks() {
            return Ok(self.value.clone());
        }
        let shape = self.shape()?;
        let dims = [shape.batch, shape.channels, shape.height, shape.width];
        let y = with_data(self.value.tensor(), |maps| {
            tensor(to_planes(&shape, maps), &dims)
        })?;
        let [y] = record("planes of maps", [&self.value], [y], move |[dy]| {
            let Some(dy) = dy else { return Ok([None]) };
            let dx = with_data(&dy, |dy| Ok(from_planes(&shape, dy)))?;
            Ok([Gradient::fresh(tensor(dx, &shape.dims())?)])
        });
        Ok(y)
    }

    /// As tokens `[batch, times, channels * frequencies]`.
    pub fn to_tokens(&self) -> Result<Value> {
        if !self.in_blocks() {
            return tokens_of_maps(&self.value);
        }
        let shape = self.shape()?;
        let dims = [shape.batch, shape.width, shape.channels * shape.height];
        let y = with_data(self.value.tensor(), |maps| {
            tensor(to_tokens(&shape, maps), &dims)
        })?;
        let [y] = record("tokens of maps", [&self.value], [y], move |[dy]| {
            let Some(dy) = dy else { return Ok([None]) };
            let dx = with_data(&dy, |dy| Ok(from_tokens(&shape, dy)))?;
            Ok([Gradient::fresh(tensor(dx, &shape.dims())?)])
        });
        Ok(y)
    }
}

/// Convolution and norm, twice; a third pair on the shortcut if the widths differ.
#[derive(Clone, Debug)]
pub struct ResidualBlock {
    first: (Conv2d, BatchNorm),
    second: (Conv2d, BatchNorm),
    shortcut: Option<(Conv2d, BatchNorm)>,
    stride: [usize; 2],
    window: [usize; 2],
}

impl ResidualBlock {
    /// From `conv_1`, `bn_1`, `conv_2`, `bn_2` and, if the shortcut changes the shape, `conv_3`, `bn_3` below `builder`.
    ///
    /// `stride`: of the first convolution and of the shortcut. `window`: of the maximum pooling; 1 × 1 is none.
    pub fn new(
        builder: &VarBuilder<'_>,
        in_channels: usize,
        out_channels: usize,
        stride: [usize; 2],
        window: [usize; 2],
    ) -> Result<Self> {
        let unit = |i: usize, in_channels: usize, stride: [usize; 2]| -> Result<_> {
            let options = super::ConvOptions {
                stride,
                padding: [1, 1],
                ..super::ConvOptions::default()
            };
            let of = |part: &str| builder.pp(format!("{part}_{i}"));
            Ok((
                Conv2d::new(&of("conv"), in_channels, out_channels, [3, 3], options)?,
                BatchNorm::new(&of("bn"), out_channels)?,
            ))
        };
        Ok(Self {
            first: unit(1, in_channels, stride)?,
            second: unit(2, out_channels, [1, 1])?,
            shortcut: (in_channels != out_channels || stride != [1, 1])
                .then(|| unit(3, in_channels, stride))
                .transpose()?,
            stride,
            window,
        })
    }

    /// Maps to pooled maps. Fails if they are smaller than the window, or in training if a channel has a single value.
    pub fn forward(&self, tape: &Tape, mode: Mode, x: &Maps) -> Result<Maps> {
        let shape = x.shape()?;
        let height = shape.height.div_ceil(self.stride[0]);
        let width = shape.width.div_ceil(self.stride[1]);
        if height < self.window[0] || width < self.window[1] {
            bail!(
                "pooling by {} x {}: the maps are only {height} x {width}",
                self.window[0],
                self.window[1],
            );
        }
        let from_one = !x.in_blocks() && x.channels == 1 && self.shortcut.is_some();
        let within = x.in_blocks() && self.shortcut.is_none();
        let fits = self.stride == [1, 1] && (from_one || within);
        if x.value.tensor().dtype() == DType::F32 && fits {
            self.fused(tape, mode, x)
        } else {
            self.composed(tape, mode, x)
        }
    }

    fn units(&self) -> impl Iterator<Item = &(Conv2d, BatchNorm)> {
        [&self.first, &self.second]
            .into_iter()
            .chain(&self.shortcut)
    }

    fn out_channels(&self) -> usize {
        self.second.0.bias.tensor().elem_count()
    }

    /// From single operations.
    fn composed(&self, tape: &Tape, mode: Mode, x: &Maps) -> Result<Maps> {
        let apply = |(conv, norm): &(Conv2d, BatchNorm), x: &Value| -> Result<Value> {
            let conv = conv2d(
                x,
                &conv.weight.on(tape),
                Some(&conv.bias.on(tape)),
                conv.options,
            )?;
            norm.forward(tape, mode, &conv)
        };
        let x = x.to_value()?;
        let y = apply(&self.second, &relu(&apply(&self.first, &x)?)?)?;
        let beside = match &self.shortcut {
            Some(unit) => apply(unit, &x)?,
            None => x,
        };
        let y = relu(&add(&beside, &y)?)?;
        Maps::new(&match self.window {
            [1, 1] => y,
            window => max_pool2d(&y, window)?,
        })
    }

    /// By the fused kernel.
    fn fused(&self, tape: &Tape, mode: Mode, x: &Maps) -> Result<Maps> {
        let statistics = mode.statistics();
        let shape = MapShape {
            channels: self.out_channels(),
            ..x.shape()?
        };
        if x.in_blocks() && x.channels != shape.channels {
            bail!(
                "a residual block from {} to {} channels",
                x.channels,
                shape.channels
            );
        }
        if statistics == Statistics::Batch && shape.per_channel() == 1 {
            bail!("batch norm: one value per channel has no variance to train with");
        }
        let parameters = Parameters::of(self);
        let output = parameters.with(self, statistics, |units| {
            with_data(x.value.tensor(), |x_data: &[f32]| {
                let input = match units.get(2) {
                    Some(&unit) => Input::Channel(x_data, unit),
                    None => Input::Maps(x_data),
                };
                Ok(residual::forward(
                    shape,
                    input,
                    [units[0], units[1]],
                    self.window,
                ))
            })
        })?;
        for ((_, norm), moments) in self.units().zip(&output.moments) {
            learn(&norm.running, moments, shape.per_channel())?;
        }

        let mut inputs = vec![x.value.clone()];
        for (conv, norm) in self.units() {
            for weight in [&conv.weight, &conv.bias, &norm.weight, &norm.bias] {
                inputs.push(weight.on(tape));
            }
        }
        // Room for the shortcut's four, used or not.
        inputs.resize(13, Value::constant(x.value.tensor().clone()));
        let inputs: [&Value; 13] = std::array::from_fn(|i| &inputs[i]);
        let (state, block) = (output.state, self.clone());
        let n_bytes = state.n_bytes();
        let (x_kept, needs_x) = (x.value.tensor().clone(), x.value.is_recorded());
        let y = output.y.into_tensor(&output.shape.dims())?;
        let [y] = record("residual block", inputs, [y], move |[dy]| {
            let mut gradients: [Option<Gradient>; 13] = Default::default();
            let Some(dy) = dy else { return Ok(gradients) };
            let (dx, of_units) = parameters.with(&block, statistics, |units| {
                with_all([&x_kept, &dy], |[x, dy]: [&[f32]; 2]| {
                    let input = match units.get(2) {
                        Some(&unit) => Input::Channel(x, unit),
                        None => Input::Maps(x),
                    };
                    let weights = [units[0].weight, units[1].weight];
                    Ok(residual::backward(&state, input, weights, dy, needs_x))
                })
            })?;
            gradients[0] = match dx {
                Some(Back::Channel(dx)) => Gradient::fresh(tensor(dx, x_kept.dims())?),
                Some(Back::Maps(dx)) => Gradient::fresh(dx.into_tensor(x_kept.dims())?),
                None => None,
            };
            for (i, (unit, (conv, _))) in of_units.into_iter().zip(block.units()).enumerate() {
                let channels = [shape.channels];
                let slots = &mut gradients[1 + 4 * i..];
                slots[0] = Gradient::fresh(tensor(unit.weight, conv.weight.tensor().dims())?);
                slots[1] = Gradient::fresh(tensor(unit.bias, &channels)?);
                slots[2] = Gradient::fresh(tensor(unit.gamma, &channels)?);
                slots[3] = Gradient::fresh(tensor(unit.beta, &channels)?);
            }
            Ok(gradients)
        });
        y.count_kept(n_bytes);
        Ok(Maps {
            value: y,
            channels: shape.channels,
        })
    }
}

/// The tensors of a block's units: weight, bias, gamma, beta.
struct Parameters(Vec<[Tensor; 4]>);

impl Parameters {
    fn of(block: &ResidualBlock) -> Self {
        Self(
            block
                .units()
                .map(|(conv, norm)| {
                    [&conv.weight, &conv.bias, &norm.weight, &norm.bias]
                        .map(|weight| weight.tensor().clone())
                })
                .collect(),
        )
    }

    /// Calls `work` with the units as the kernel wants them.
    fn with<R>(
        &self,
        block: &ResidualBlock,
        statistics: Statistics,
        work: impl FnOnce(&[Unit<'_>]) -> Result<R>,
    ) -> Result<R> {
        let mut norms = Vec::new();
        for (_, norm) in block.units() {
            let running = match statistics {
                Statistics::Running => Some(moments_of::<f32>(&norm.running)?),
                Statistics::Batch => None,
            };
            norms.push((norm.epsilon, running));
        }
        let tensors: Vec<&Tensor> = self.0.iter().flatten().collect();
        with_slices(&tensors, |slices| {
            let units: Vec<Unit<'_>> = slices
                .chunks_exact(4)
                .zip(&norms)
                .map(|(slices, (epsilon, running))| Unit {
                    weight: slices[0],
                    bias: slices[1],
                    gamma: slices[2],
                    beta: slices[3],
                    epsilon: *epsilon,
                    running: running.as_deref(),
                })
                .collect();
            work(&units)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::kernels::lanes::Level;
    use super::super::tape::backward;
    use super::super::{Parameters as Store, linear, reshape};
    use super::*;
    use crate::rng::{Address, Purpose};
    use candle_core::Device;

    fn draw(track: u64, dims: &[usize], dtype: DType) -> Tensor {
        let mut draws = Address::new(8, Purpose::Check, track).stream();
        let values: Vec<f32> = (0..dims.iter().product()).map(|_| draws.normal()).collect();
        let values = Tensor::from_vec(values, dims, &Device::Cpu).unwrap();
        values.to_dtype(dtype).unwrap()
    }

    /// Output of two blocks as tokens, running statistics, and all gradients, in f64.
    fn run(channels: usize, size: [usize; 2], mode: Mode, dtype: DType) -> Vec<(String, Vec<f64>)> {
        let store = Store::initialise(3, dtype);
        let builder = store.var_builder();
        let one = ResidualBlock::new(&builder.pp("one"), 1, channels, [1, 1], [2, 2]).unwrap();
        let two =
            ResidualBlock::new(&builder.pp("two"), channels, channels, [1, 1], [2, 1]).unwrap();
        // Nothing at its neutral value.
        for (i, parameter) in store.all().into_iter().enumerate() {
            if parameter.tensor.dtype() == dtype {
                let noise = draw(50 + i as u64, parameter.tensor.dims(), dtype);
                let moved = (&parameter.tensor + (noise * 0.1).unwrap()).unwrap();
                crate::copy_for_tests(&parameter.tensor, &moved.abs().unwrap());
            }
        }
        let tape = Tape::recording();
        let x = tape.watched(&draw(1, &[3, 1, size[0], size[1]], dtype));
        let y = one.forward(&tape, mode, &Maps::new(&x).unwrap()).unwrap();
        let y = two.forward(&tape, mode, &y).unwrap().to_tokens().unwrap();
        let n = y.tensor().elem_count();
        let row = reshape(&y, &[1, n]).unwrap();
        let weight = tape.constant(&draw(2, &[1, n], dtype));
        let gradients = backward(&linear(&row, &weight, None).unwrap()).unwrap();
        let values = |t: &Tensor| {
            let t = t.to_dtype(DType::F64).unwrap().flatten_all().unwrap();
            t.to_vec1::<f64>().unwrap()
        };
        let mut all = vec![
            ("output".to_owned(), values(y.tensor())),
            (
                "input gradient".to_owned(),
                values(gradients.of(&x).unwrap()),
            ),
        ];
        for (name, gradient) in gradients.iter() {
            all.push((format!("gradient of {name}"), values(gradient)));
        }
        for parameter in store.all() {
            all.push((parameter.name.to_string(), values(&parameter.tensor)));
        }
        all
    }

    #[test]
    fn the_fused_block_gives_what_the_single_operations_give() {
        for level in Level::available() {
            for (channels, size) in [(16, [16, 24]), (5, [13, 9]), (40, [8, 31]), (64, [9, 14])] {
                for mode in [Mode::Train { seed: 0, step: 0 }, Mode::Eval] {
                    let expected = run(channels, size, mode, DType::F64);
                    let found = level.run(|| run(channels, size, mode, DType::F32));
                    assert_eq!(found.len(), expected.len());
                    for ((name, found), (_, expected)) in found.iter().zip(expected) {
                        let largest = expected.iter().fold(0f64, |a, b| a.max(b.abs()));
                        // Winograd's rounding (see there) through four convolutions; biases before a batch's norm have no gradient.
                        let bound = 2e-5 * largest + 2e-5;
                        for (found, expected) in found.iter().zip(expected) {
                            assert!(
                                (found - expected).abs() <= bound,
                                "{level:?}, {channels} channels of {size:?}, {mode:?}, {name}: {found} for {expected} (largest {largest})"
                            );
                        }
                    }
                }
            }
        }
    }
}
