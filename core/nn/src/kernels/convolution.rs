//! Convolution of feature maps in blocks, by whichever way is faster: Winograd's or by patches.

use super::maps::MapShape;
use super::patches::{self, Lattice};
use super::winograd::{self, Direction, Sink, Source, TaskSums, transform_weights};
use crate::element::ConvShape;

/// Sizes of a convolution, and the way it goes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Convolution {
    shape: ConvShape,
    /// Height and width of the output.
    out: [usize; 2],
    way: Way,
}

#[derive(Clone, Copy, Debug)]
enum Way {
    Winograd,
    Patches,
}

impl Convolution {
    /// `None` if the kernel does not fit into the padded input.
    pub(crate) fn new(shape: ConvShape) -> Option<Self> {
        let out = shape.output()?;
        let small = shape.kernel == [3, 3]
            && shape.stride == [1, 1]
            && shape.padding == [1, 1]
            && shape.dilation == [1, 1];
        // Winograd's 36 numbers for a tile against 9 for a pixel, and four times as many numbers of weights to go through.
        let tiles = shape.batch * out[0].div_ceil(4) * out[1].div_ceil(4);
        let worth = tiles.next_multiple_of(24) * 6 < shape.batch * out[0] * out[1];
        Some(Self {
            shape,
            out,
            way: if small && worth {
                Way::Winograd
            } else {
                Way::Patches
            },
        })
    }

    /// Sizes of the maps that are read.
    pub(crate) fn from(&self) -> MapShape {
        MapShape {
            batch: self.shape.batch,
            channels: self.shape.in_channels,
            height: self.shape.input[0],
            width: self.shape.input[1],
        }
    }

    /// Sizes of the maps that are written.
    pub(crate) fn to(&self) -> MapShape {
        MapShape {
            batch: self.shape.batch,
            channels: self.shape.out_channels,
            height: self.out[0],
            width: self.out[1],
        }
    }

    /// Convolves `source` into `sink`; gives what the tasks added up, in order. `weight`: `[out channels, in channels, kernel]`.
    pub(crate) fn forward<S: Source, K: Sink>(
        &self,
        weight: &[f32],
        source: &S,
        sink: &K,
    ) -> Vec<TaskSums> {
        let shape = &self.shape;
        match self.way {
            Way::Winograd => {
                let (outs, ins) = (shape.out_channels, shape.in_channels);
                let weights = transform_weights(weight, outs, ins, Direction::Forward);
                winograd::convolve(&self.to(), &weights, source, sink)
            }
            Way::Patches => {
                let lattice = Lattice::forward(shape, self.out);
                let weights = patches::pack(weight, shape, &lattice, Direction::Forward);
                patches::convolve(&lattice, &weights, source, sink)
            }
        }
    }

    /// The gradient for the input, of `gradient`, that of the output, into `sink`; and what the tasks added up.
    pub(crate) fn input_gradient<S: Source, K: Sink>(
        &self,
        weight: &[f32],
        gradient: &S,
        sink: &K,
    ) -> Vec<TaskSums> {
        let shape = &self.shape;
        match self.way {
            Way::Winograd => {
                let (outs, ins) = (shape.out_channels, shape.in_channels);
                let weights = transform_weights(weight, outs, ins, Direction::Backward);
                winograd::convolve(&self.from(), &weights, gradient, sink)
            }
            Way::Patches => Lattice::backward(shape, self.out)
                .iter()
                .flat_map(|lattice| {
                    let weights = patches::pack(weight, shape, lattice, Direction::Backward);
                    patches::convolve(lattice, &weights, gradient, sink)
                })
                .collect(),
        }
    }

    /// The gradient for the weights: `source` is what was read, `gradient` that of the output.
    pub(crate) fn weight_gradient<S: Source, G: Source>(
        &self,
        source: &S,
        gradient: &G,
    ) -> Vec<f32> {
        let shape = &self.shape;
        match self.way {
            Way::Winograd => {
                let (ins, outs) = (shape.in_channels, shape.out_channels);
                winograd::weight_gradient(&self.to(), ins, outs, source, gradient)
            }
            Way::Patches => patches::weight_gradient(shape, self.out, source, gradient),
        }
    }
}
