//! A residual block of convolutions 3×3, as one operation:
//!
//! ```text
//! x ── conv 1 ── norm 1 ── ReLU ── conv 2 ── norm 2 ──┐
//! └────── (conv 3 ── norm 3, if the shape changes) ───┴─ sum ── ReLU ── maximum pooling ──► y
//! ```
//!
//! Only what the convolutions give is stored. Norm 1 with its ReLU is computed where the second convolution reads; everything behind
//! that in one pass with the pooling.

use super::block_end::{self, Shortcut};
use super::buffer::Buffer;
use super::convolution::Convolution;
use super::first;
use super::lanes::LANES;
use super::maps::{MapShape, Pooled};
use super::sinks::{Adding, BeforeRelu, PlusShortcut, Store, WithStatistics};
use super::sources::{BehindNorm, NormCoefficients, Plain};
use super::units::{Block, Kept, Norm, Output, Unit, UnitGradient, filled, totals};
use super::winograd::Source;
use crate::element::ConvShape;

/// Sizes of a block.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Residual {
    entry: Entry,
    second: Convolution,
    window: [usize; 2],
}

/// What a block reads, and how.
#[derive(Clone, Copy, Debug)]
enum Entry {
    /// One plain channel `[batch, height, width]`, into the block and into its shortcut.
    Channel(ConvShape),
    /// Maps; they go by the shortcut as they are, or through a convolution.
    Maps(Convolution, Beside),
}

/// What goes along the shortcut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Beside {
    /// The input itself.
    Input,
    /// What a convolution makes of it.
    Convolved,
}

impl Residual {
    /// `entry`: of the first convolution, and of the shortcut's if there is one. `plain`: the input is one plain channel, not blocks of
    /// channels. `None` if the kernel does not fit, or for a plain channel that is not convolved on its way along the shortcut.
    pub(crate) fn new(
        entry: ConvShape,
        plain: bool,
        beside: Beside,
        window: [usize; 2],
    ) -> Option<Self> {
        let second = Convolution::new(ConvShape {
            in_channels: entry.out_channels,
            input: entry.output()?,
            stride: [1, 1],
            ..entry
        })?;
        let entry = match (plain, beside) {
            (true, Beside::Convolved) => Entry::Channel(entry),
            (true, Beside::Input) => return None,
            (false, _) => Entry::Maps(Convolution::new(entry)?, beside),
        };
        Some(Self {
            entry,
            second,
            window,
        })
    }
}

/// What the way back needs.
#[derive(Debug)]
pub(crate) struct State {
    first: Kept,
    second: Kept,
    shortcut: Option<Kept>,
    argmax: Vec<u8>,
    batch_statistics: bool,
}

/// A convolution and the sums for its statistics, behind it the norm.
fn unit<S: Source>(conv: &Convolution, unit: &Unit<'_>, source: &S, output: &mut Output) -> Kept {
    let mut sums = Vec::new();
    let maps = filled(&conv.to(), |to| {
        sums = conv.forward(unit.weight, source, &WithStatistics { to });
    });
    let norm = Norm::new(&conv.to(), unit, &sums, &mut output.moments);
    Kept { maps, norm }
}

impl Block for Residual {
    type State = State;

    fn maps(&self) -> MapShape {
        self.second.to()
    }

    fn n_bytes(state: &State) -> usize {
        let maps = [&state.first, &state.second]
            .into_iter()
            .chain(&state.shortcut);
        state.argmax.len() + maps.map(Kept::n_bytes).sum::<usize>()
    }

    /// The units: first, second, that of the shortcut.
    fn forward(&self, x: &[f32], units: &[Unit<'_>]) -> (Output, State) {
        let shape = self.maps();
        let mut output = Output {
            y: Buffer::default(),
            shape: block_end::pooled_shape(&shape, self.window),
            moments: Vec::new(),
        };
        // The moments are those of the units in their order.
        let (first, second, shortcut);
        match self.entry {
            Entry::Channel(entry) => {
                let weights = [units[0].weight, units[2].weight];
                let [(maps_1, sums_1), (maps_3, sums_3)] = first::forward(&entry, x, weights);
                let norm = Norm::new(&shape, &units[0], &sums_1, &mut output.moments);
                first = Kept { maps: maps_1, norm };
                second = unit(&self.second, &units[1], &first.activated(), &mut output);
                let norm = Norm::new(&shape, &units[2], &sums_3, &mut output.moments);
                shortcut = Some(Kept { maps: maps_3, norm });
            }
            Entry::Maps(conv, beside) => {
                first = unit(&conv, &units[0], &Plain(x), &mut output);
                second = unit(&self.second, &units[1], &first.activated(), &mut output);
                shortcut = (beside == Beside::Convolved)
                    .then(|| unit(&conv, &units[2], &Plain(x), &mut output));
            }
        }
        let beside = match &shortcut {
            Some(shortcut) => Shortcut::Convolved(shortcut.normed()),
            None => Shortcut::Input(x),
        };
        let (y, argmax) = block_end::forward(&shape, second.normed(), beside, self.window);
        output.y = y;
        let state = State {
            first,
            second,
            shortcut,
            argmax,
            batch_statistics: units[0].running.is_none(),
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
        let shape = &self.maps();
        let pooled = Pooled {
            gradient: dy,
            argmax: &state.argmax,
            window: self.window,
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
        let behind = |kept: &Kept, sums: &[(f64, f64)]| {
            kept.norm.backward(shape, sums, state.batch_statistics)
        };

        let of_channels = block_end::of_channels(shape.channels, &sums, 1);
        let (coefficients, mut of_second) = behind(&state.second, &of_channels);
        let d_second = block_end::before_norm(shape, pooled, &state.second.maps, &coefficients);
        of_second.weight = self
            .second
            .weight_gradient(&state.first.activated(), &Plain(&d_second));
        let norm = &state.first.norm;
        let mut task_sums = Vec::new();
        let d_first = filled(shape, |to| {
            let sink = BeforeRelu {
                to,
                maps: &state.first.maps,
                scale: &norm.scale,
                shift: &norm.shift,
                mean: &norm.mean,
            };
            let weight = units[1].weight;
            task_sums = self.second.input_gradient(weight, &Plain(&d_second), &sink);
        });
        drop(d_second);
        let of_channels_first = totals(shape.channels, &task_sums);
        let (coefficients, mut of_first) = behind(&state.first, &of_channels_first);
        let behind_first = BehindNorm {
            gradient: &d_first,
            maps: &state.first.maps,
            coefficients: &coefficients,
        };
        let third = state.shortcut.as_ref().map(|third| {
            let of_channels = block_end::of_channels(shape.channels, &sums, 2);
            let (coefficients, of_third) = behind(third, &of_channels);
            let d_third = block_end::before_norm(shape, pooled, &third.maps, &coefficients);
            (d_third, of_third)
        });

        match (self.entry, third) {
            (Entry::Maps(conv, _), None) => {
                of_first.weight = conv.weight_gradient(&Plain(x), &behind_first);
                let dx = of_input.then(|| {
                    filled(&conv.from(), |to| {
                        let shape = *shape;
                        let sink = PlusShortcut { to, shape, pooled };
                        conv.input_gradient(units[0].weight, &behind_first, &sink);
                    })
                });
                (dx, vec![of_first, of_second])
            }
            (Entry::Maps(conv, _), Some((d_third, mut of_third))) => {
                of_first.weight = conv.weight_gradient(&Plain(x), &behind_first);
                of_third.weight = conv.weight_gradient(&Plain(x), &Plain(&d_third));
                let dx = of_input.then(|| {
                    filled(&conv.from(), |to| {
                        conv.input_gradient(units[0].weight, &behind_first, &Store { to });
                        conv.input_gradient(units[2].weight, &Plain(&d_third), &Adding { to });
                    })
                });
                (dx, vec![of_first, of_second, of_third])
            }
            (Entry::Channel(entry), Some((d_third, mut of_third))) => {
                // As it is: once itself, nothing else.
                let n = shape.blocks() * LANES;
                let as_it_is = NormCoefficients {
                    of_gradient: vec![1.0; n],
                    of_maps: vec![0.0; n],
                    constant: vec![0.0; n],
                };
                let behind_third = BehindNorm {
                    gradient: &d_third,
                    maps: &d_third,
                    coefficients: &as_it_is,
                };
                let weights = [units[0].weight, units[2].weight];
                let gradients = [behind_first, behind_third];
                let ([dw_1, dw_3], dx) = first::backward(&entry, x, weights, gradients, of_input);
                of_first.weight = dw_1;
                of_third.weight = dw_3;
                (dx.map(Buffer::from), vec![of_first, of_second, of_third])
            }
            (Entry::Channel(_), None) => {
                unreachable!("the way there kept the shortcut of a channel")
            }
        }
    }
}
