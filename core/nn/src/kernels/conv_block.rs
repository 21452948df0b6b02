//! A convolution, batch norm, ReLU and maximum pooling, as one operation. What the convolution gives is stored, and where the maxima were.

use super::block_end::{self, Shortcut};
use super::buffer::Buffer;
use super::convolution::Convolution;
use super::first;
use super::maps::{MapShape, Pooled};
use super::sinks::{Store, WithStatistics};
use super::sources::Plain;
use super::units::{Block, Kept, Norm, Output, Unit, UnitGradient, filled};
use crate::element::ConvShape;

/// Sizes of a block.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Convolved {
    shape: ConvShape,
    conv: Convolution,
    /// The input is one plain channel `[batch, height, width]`, not blocks of channels.
    plain: bool,
    window: [usize; 2],
}

impl Convolved {
    /// `plain`: the input is one plain channel, not blocks of channels. `None` if the kernel does not fit.
    pub(crate) fn new(shape: ConvShape, plain: bool, window: [usize; 2]) -> Option<Self> {
        Some(Self {
            shape,
            conv: Convolution::new(shape)?,
            plain,
            window,
        })
    }
}

/// What the way back needs.
#[derive(Debug)]
pub(crate) struct State {
    kept: Kept,
    argmax: Vec<u8>,
    batch_statistics: bool,
}

impl Block for Convolved {
    type State = State;

    fn maps(&self) -> MapShape {
        self.conv.to()
    }

    fn n_bytes(state: &State) -> usize {
        state.argmax.len() + state.kept.n_bytes()
    }

    fn forward(&self, x: &[f32], units: &[Unit<'_>]) -> (Output, State) {
        let (shape, unit) = (self.maps(), &units[0]);
        let mut sums = Vec::new();
        let maps = if self.plain {
            let [(maps, of_tasks)] = first::forward(&self.shape, x, [unit.weight]);
            sums = of_tasks;
            maps
        } else {
            filled(&shape, |to| {
                let sink = WithStatistics { to };
                sums = self.conv.forward(unit.weight, &Plain(x), &sink);
            })
        };
        let mut moments = Vec::new();
        let norm = Norm::new(&shape, unit, &sums, &mut moments);
        let kept = Kept { maps, norm };
        let (y, argmax) = block_end::forward(&shape, kept.normed(), Shortcut::Nothing, self.window);
        let output = Output {
            y,
            shape: block_end::pooled_shape(&shape, self.window),
            moments,
        };
        let state = State {
            kept,
            argmax,
            batch_statistics: unit.running.is_none(),
        };
        (output, state)
    }

    fn backward(
        &self,
        state: &State,
        x: &[f32],
        units: &[Unit<'_>],
        dy: &[f32],
        of_input: bool,
    ) -> (Option<Buffer>, Vec<UnitGradient>) {
        let (shape, weight) = (&self.maps(), units[0].weight);
        let pooled = Pooled {
            gradient: dy,
            argmax: &state.argmax,
            window: self.window,
        };
        let (maps, norm) = (&state.kept.maps, &state.kept.norm);
        let sums = block_end::sums(shape, pooled, (maps, &norm.mean), None);
        let sums = block_end::of_channels(shape.channels, &sums, 1);
        let (coefficients, mut gradient) = norm.backward(shape, &sums, state.batch_statistics);
        let d_maps = block_end::before_norm(shape, pooled, maps, &coefficients);
        let dx = if self.plain {
            let gradients = [Plain(&d_maps)];
            let ([dw], dx) = first::backward(&self.shape, x, [weight], gradients, of_input);
            gradient.weight = dw;
            dx.map(Buffer::from)
        } else {
            gradient.weight = self.conv.weight_gradient(&Plain(x), &Plain(&d_maps));
            of_input.then(|| {
                filled(&self.conv.from(), |to| {
                    self.conv
                        .input_gradient(weight, &Plain(&d_maps), &Store { to });
                })
            })
        };
        (dx, vec![gradient])
    }
}
