//! What operations, kernels and plain loops hand to each other beside plain numbers: sizes, matrices in memory, results in parts.

use super::element::Float;

/// A matrix somewhere in memory: element (r, c) is `data[r * row_stride + c * column_stride]`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Matrix<'a, T> {
    pub(crate) data: &'a [T],
    pub(crate) row_stride: usize,
    pub(crate) column_stride: usize,
}

impl<'a, T> Matrix<'a, T> {
    /// Row-major, `columns` wide.
    pub(crate) fn rows(data: &'a [T], columns: usize) -> Self {
        Self {
            data,
            row_stride: columns,
            column_stride: 1,
        }
    }

    /// The transpose.
    pub(crate) fn t(self) -> Self {
        Self {
            data: self.data,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
        }
    }
}

/// Matrices of one shape, one after the other: number `i` starts at `i * step`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BatchMatrix<'a, T> {
    pub(crate) first: Matrix<'a, T>,
    pub(crate) step: usize,
}

impl<'a, T> BatchMatrix<'a, T> {
    /// Row-major `[rows, columns]` each.
    pub(crate) fn rows(data: &'a [T], rows: usize, columns: usize) -> Self {
        Self {
            first: Matrix::rows(data, columns),
            step: rows * columns,
        }
    }

    /// Each one transposed.
    pub(crate) fn t(self) -> Self {
        Self {
            first: self.first.t(),
            ..self
        }
    }

    /// Number `i`.
    pub(crate) fn at(self, i: usize) -> Matrix<'a, T> {
        Matrix {
            data: &self.first.data[i * self.step..],
            ..self.first
        }
    }
}

/// Sizes of a convolution. Axes: batch, channels, height (frequency), width (time).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ConvShape {
    pub(crate) batch: usize,
    pub(crate) in_channels: usize,
    pub(crate) out_channels: usize,
    pub(crate) input: [usize; 2],
    pub(crate) kernel: [usize; 2],
    pub(crate) stride: [usize; 2],
    pub(crate) padding: [usize; 2],
    pub(crate) dilation: [usize; 2],
}

impl ConvShape {
    /// Height and width of the output; `None` if the kernel does not fit into the padded input.
    pub(crate) fn output(&self) -> Option<[usize; 2]> {
        let along = |axis: usize| {
            let reach = self.dilation[axis] * (self.kernel[axis] - 1) + 1;
            let room = self.input[axis] + 2 * self.padding[axis];
            (room >= reach).then(|| (room - reach) / self.stride[axis] + 1)
        };
        Some([along(0)?, along(1)?])
    }

    /// Pixels of one output channel.
    pub(crate) fn out_plane(&self) -> usize {
        self.output().map_or(0, |[height, width]| height * width)
    }

    /// Pixels of one input channel.
    pub(crate) fn in_plane(&self) -> usize {
        self.input[0] * self.input[1]
    }

    /// Products that make one output number.
    pub(crate) fn depth(&self) -> usize {
        self.in_channels * self.kernel[0] * self.kernel[1]
    }
}

/// Sizes of a pooling over windows that do not overlap. What does not fill a window is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PoolShape {
    /// Batch times channels.
    pub(crate) planes: usize,
    pub(crate) input: [usize; 2],
    pub(crate) window: [usize; 2],
}

impl PoolShape {
    /// Height and width of the output.
    pub(crate) fn output(&self) -> [usize; 2] {
        [
            self.input[0] / self.window[0],
            self.input[1] / self.window[1],
        ]
    }
}

/// Sizes of multi-head self-attention.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AttentionShape {
    pub(crate) batch: usize,
    pub(crate) tokens: usize,
    pub(crate) heads: usize,
    /// Width of one head.
    pub(crate) width: usize,
}

/// Mean and biased variance of a channel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Moments<T> {
    pub(crate) mean: T,
    pub(crate) variance: T,
}

impl<T: Float> Moments<T> {
    /// What batch norm does to the channel: `x * scale + shift`. In f64, as in PyTorch: each of the two is rounded once.
    pub(crate) fn affine(&self, weight: T, bias: T, epsilon: f64) -> [T; 2] {
        let scale = weight.wide() / (self.variance.wide() + epsilon).sqrt();
        [scale, bias.wide() - self.mean.wide() * scale].map(T::of)
    }
}

/// Gradients of a normalisation for its input, weight and bias.
#[derive(Clone, Debug)]
pub(crate) struct NormGradient<T> {
    pub(crate) x: Vec<T>,
    pub(crate) weight: Vec<T>,
    pub(crate) bias: Vec<T>,
}
