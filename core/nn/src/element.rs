//! The two number types of the engine, and which code computes with each.
//!
//! `f32` goes to the fast kernels, `f64` to plain loops. The plain loops are generic: run in `f32` they are what the
//! kernels are tested against, run in `f64` they are what finite differences are taken of.

use super::data::Writable;
use super::kernels;
use super::plain;
use candle_core::WithDType;

pub(crate) use super::shapes::{
    AttentionShape, BatchMatrix, ConvShape, Matrix, Moments, NormGradient, PoolShape,
};

/// What the plain loops need of a number.
pub(crate) trait Float:
    Copy
    + PartialOrd
    + Default
    + Send
    + Sync
    + std::iter::Sum
    + std::ops::Add<Output = Self>
    + std::ops::Sub<Output = Self>
    + std::ops::Mul<Output = Self>
    + std::ops::Div<Output = Self>
    + std::ops::Neg<Output = Self>
    + std::ops::AddAssign
    + 'static
{
    const ZERO: Self;
    const ONE: Self;
    fn of(value: f64) -> Self;
    fn wide(self) -> f64;
    fn exp(self) -> Self;
    fn ln(self) -> Self;
    fn ln_1p(self) -> Self;
    fn sqrt(self) -> Self;
    fn erf(self) -> Self;
    fn abs(self) -> Self;
    fn tanh(self) -> Self;
    fn is_nan(self) -> bool;
}

macro_rules! float {
    ($type:ty, $erf:path) => {
        impl Float for $type {
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;
            fn of(value: f64) -> Self {
                value as Self
            }
            fn wide(self) -> f64 {
                f64::from(self)
            }
            fn exp(self) -> Self {
                <$type>::exp(self)
            }
            fn ln(self) -> Self {
                <$type>::ln(self)
            }
            fn ln_1p(self) -> Self {
                <$type>::ln_1p(self)
            }
            fn sqrt(self) -> Self {
                <$type>::sqrt(self)
            }
            fn erf(self) -> Self {
                $erf(self)
            }
            fn abs(self) -> Self {
                <$type>::abs(self)
            }
            fn tanh(self) -> Self {
                <$type>::tanh(self)
            }
            fn is_nan(self) -> bool {
                <$type>::is_nan(self)
            }
        }
    };
}
float!(f32, candle_core::cpu::erf::erf_f32);
float!(f64, candle_core::cpu::erf::erf_f64);

/// A number type that the engine computes with. The defaults are the plain loops.
pub(crate) trait Element: Float + WithDType + Writable {
    fn conv2d(shape: &ConvShape, x: &[Self], weight: &[Self], bias: Option<&[Self]>) -> Vec<Self> {
        plain::conv::forward(shape, x, weight, bias)
    }
    fn conv2d_input_gradient(shape: &ConvShape, weight: &[Self], dy: &[Self]) -> Vec<Self> {
        plain::conv::input_gradient(shape, weight, dy)
    }
    fn conv2d_weight_gradient(shape: &ConvShape, x: &[Self], dy: &[Self]) -> Vec<Self> {
        plain::conv::weight_gradient(shape, x, dy)
    }
    /// Sums over all but the channel axis of `[batch, channels, plane]`.
    fn channel_sums(channels: usize, plane: usize, dy: &[Self]) -> Vec<Self> {
        plain::norm::channel_sums(channels, plane, dy)
    }
    /// The batch norm of a batch, and its statistics.
    fn batch_norm(
        plane: usize,
        x: &[Self],
        weight: &[Self],
        bias: &[Self],
        epsilon: f64,
    ) -> (Vec<Self>, Vec<Moments<Self>>) {
        plain::norm::batch_norm(plane, x, weight, bias, epsilon)
    }
    fn scale_channels(
        channels: usize,
        plane: usize,
        x: &[Self],
        scale: &[Self],
        shift: &[Self],
    ) -> Vec<Self> {
        plain::norm::scale_channels(channels, plane, x, scale, shift)
    }
    fn batch_norm_gradient(
        plane: usize,
        x: &[Self],
        weight: &[Self],
        moments: &[Moments<Self>],
        epsilon: f64,
        dy: &[Self],
    ) -> NormGradient<Self> {
        plain::norm::batch_norm_gradient(plane, x, weight, moments, epsilon, dy)
    }
    fn layer_norm(x: &[Self], weight: &[Self], bias: &[Self], epsilon: f64) -> Vec<Self> {
        plain::norm::layer_norm(x, weight, bias, epsilon)
    }
    fn layer_norm_gradient(
        x: &[Self],
        weight: &[Self],
        epsilon: f64,
        dy: &[Self],
    ) -> NormGradient<Self> {
        plain::norm::layer_norm_gradient(x, weight, epsilon, dy)
    }
    fn max_pool(shape: &PoolShape, x: &[Self]) -> (Vec<Self>, Vec<u8>) {
        plain::pool::max_pool(shape, x)
    }
    fn max_pool_gradient(shape: &PoolShape, argmax: &[u8], dy: &[Self]) -> Vec<Self> {
        plain::pool::max_pool_gradient(shape, argmax, dy)
    }
    fn avg_pool(shape: &PoolShape, x: &[Self]) -> Vec<Self> {
        plain::pool::avg_pool(shape, x)
    }
    fn avg_pool_gradient(shape: &PoolShape, dy: &[Self]) -> Vec<Self> {
        plain::pool::avg_pool_gradient(shape, dy)
    }
    /// The largest of each row of `n`, and its place in the row.
    fn row_max(n: usize, x: &[Self]) -> (Vec<Self>, Vec<u32>) {
        plain::pool::row_max(n, x)
    }
    fn row_mean(n: usize, x: &[Self]) -> Vec<Self> {
        plain::pool::row_mean(n, x)
    }
    /// `a b`, `a` of `[m, k]` and `b` of `[k, n]` in any strides, to row-major `[m, n]`, on top of what is in `to`.
    fn matmul(
        m: usize,
        n: usize,
        k: usize,
        a: Matrix<'_, Self>,
        b: Matrix<'_, Self>,
        to: &mut [Self],
    ) {
        plain::linear::matmul(m, n, k, a, b, to);
    }
    /// The products of several `[m, k]` and `[k, n]`, on top of what is in `to`.
    fn matmul_batch(
        sizes: [usize; 3],
        a: BatchMatrix<'_, Self>,
        b: BatchMatrix<'_, Self>,
        to: &mut [Self],
    ) {
        plain::linear::matmul_batch(sizes, a, b, to);
    }
    /// Of rows of `width` numbers.
    fn softmax(width: usize, x: &[Self]) -> Vec<Self> {
        plain::softmax::softmax(width, x)
    }
    fn softmax_gradient(width: usize, y: &[Self], dy: &[Self]) -> Vec<Self> {
        plain::softmax::gradient(width, y, dy)
    }
    fn attention(shape: &AttentionShape, qkv: &[Self]) -> (Vec<Self>, Vec<Self>) {
        plain::attention::forward(shape, qkv)
    }
    fn attention_gradient(
        shape: &AttentionShape,
        qkv: &[Self],
        weights: &[Self],
        dy: &[Self],
    ) -> Vec<Self> {
        plain::attention::gradient(shape, qkv, weights, dy)
    }
    fn gelu(x: &[Self]) -> Vec<Self> {
        plain::pointwise::gelu(x)
    }
    fn gelu_gradient(x: &[Self], dy: &[Self]) -> Vec<Self> {
        plain::pointwise::gelu_gradient(x, dy)
    }
    fn relu(x: &[Self]) -> Vec<Self> {
        plain::pointwise::relu(x)
    }
    /// From the output: where it is 0 nothing passes.
    fn relu_gradient(y: &[Self], dy: &[Self]) -> Vec<Self> {
        plain::pointwise::relu_gradient(y, dy)
    }
    fn sigmoid(x: &[Self]) -> Vec<Self> {
        plain::pointwise::sigmoid(x)
    }
    /// From the output.
    fn sigmoid_gradient(y: &[Self], dy: &[Self]) -> Vec<Self> {
        plain::pointwise::sigmoid_gradient(y, dy)
    }
    fn tanh(x: &[Self]) -> Vec<Self> {
        plain::pointwise::tanh(x)
    }
    /// From the output.
    fn tanh_gradient(y: &[Self], dy: &[Self]) -> Vec<Self> {
        plain::pointwise::tanh_gradient(y, dy)
    }
}

impl Element for f64 {}

impl Element for f32 {
    fn conv2d(shape: &ConvShape, x: &[f32], weight: &[f32], bias: Option<&[f32]>) -> Vec<f32> {
        kernels::conv::forward(shape, x, weight, bias)
    }
    fn conv2d_input_gradient(shape: &ConvShape, weight: &[f32], dy: &[f32]) -> Vec<f32> {
        kernels::conv::input_gradient(shape, weight, dy)
    }
    fn conv2d_weight_gradient(shape: &ConvShape, x: &[f32], dy: &[f32]) -> Vec<f32> {
        kernels::conv::weight_gradient(shape, x, dy)
    }
    fn channel_sums(channels: usize, plane: usize, dy: &[f32]) -> Vec<f32> {
        kernels::batch_norm::channel_sums(channels, plane, dy)
    }
    fn batch_norm(
        plane: usize,
        x: &[f32],
        weight: &[f32],
        bias: &[f32],
        epsilon: f64,
    ) -> (Vec<f32>, Vec<Moments<f32>>) {
        kernels::batch_norm::batch_norm(plane, x, weight, bias, epsilon)
    }
    fn scale_channels(
        channels: usize,
        plane: usize,
        x: &[f32],
        scale: &[f32],
        shift: &[f32],
    ) -> Vec<f32> {
        kernels::batch_norm::scale_channels(channels, plane, x, scale, shift)
    }
    fn batch_norm_gradient(
        plane: usize,
        x: &[f32],
        weight: &[f32],
        moments: &[Moments<f32>],
        epsilon: f64,
        dy: &[f32],
    ) -> NormGradient<f32> {
        kernels::batch_norm::batch_norm_gradient(plane, x, weight, moments, epsilon, dy)
    }
    fn layer_norm(x: &[f32], weight: &[f32], bias: &[f32], epsilon: f64) -> Vec<f32> {
        kernels::layer_norm::layer_norm(x, weight, bias, epsilon)
    }
    fn layer_norm_gradient(
        x: &[f32],
        weight: &[f32],
        epsilon: f64,
        dy: &[f32],
    ) -> NormGradient<f32> {
        kernels::layer_norm::layer_norm_gradient(x, weight, epsilon, dy)
    }
    fn matmul(
        m: usize,
        n: usize,
        k: usize,
        a: Matrix<'_, f32>,
        b: Matrix<'_, f32>,
        to: &mut [f32],
    ) {
        kernels::matmul::parallel(m, n, k, a, b, to);
    }
    fn matmul_batch(
        sizes: [usize; 3],
        a: BatchMatrix<'_, f32>,
        b: BatchMatrix<'_, f32>,
        to: &mut [f32],
    ) {
        kernels::matmul::batch(sizes, a, b, to);
    }
    fn softmax(width: usize, x: &[f32]) -> Vec<f32> {
        kernels::softmax::softmax(width, x)
    }
    fn softmax_gradient(width: usize, y: &[f32], dy: &[f32]) -> Vec<f32> {
        kernels::softmax::gradient(width, y, dy)
    }
    fn max_pool(shape: &PoolShape, x: &[f32]) -> (Vec<f32>, Vec<u8>) {
        kernels::pool::max_pool(shape, x)
    }
    fn max_pool_gradient(shape: &PoolShape, argmax: &[u8], dy: &[f32]) -> Vec<f32> {
        kernels::pool::max_pool_gradient(shape, argmax, dy)
    }
    fn avg_pool(shape: &PoolShape, x: &[f32]) -> Vec<f32> {
        kernels::pool::avg_pool(shape, x)
    }
    fn avg_pool_gradient(shape: &PoolShape, dy: &[f32]) -> Vec<f32> {
        kernels::pool::avg_pool_gradient(shape, dy)
    }
    fn row_max(n: usize, x: &[f32]) -> (Vec<f32>, Vec<u32>) {
        kernels::row_pool::row_max(n, x)
    }
    fn row_mean(n: usize, x: &[f32]) -> Vec<f32> {
        kernels::row_pool::row_mean(n, x)
    }
    fn attention(shape: &AttentionShape, qkv: &[f32]) -> (Vec<f32>, Vec<f32>) {
        kernels::attention::forward(shape, qkv)
    }
    fn attention_gradient(
        shape: &AttentionShape,
        qkv: &[f32],
        weights: &[f32],
        dy: &[f32],
    ) -> Vec<f32> {
        kernels::attention::gradient(shape, qkv, weights, dy)
    }
    fn gelu(x: &[f32]) -> Vec<f32> {
        kernels::pointwise::gelu(x)
    }
    fn gelu_gradient(x: &[f32], dy: &[f32]) -> Vec<f32> {
        kernels::pointwise::gelu_gradient(x, dy)
    }
    fn relu(x: &[f32]) -> Vec<f32> {
        kernels::pointwise::relu(x)
    }
    fn relu_gradient(y: &[f32], dy: &[f32]) -> Vec<f32> {
        kernels::pointwise::relu_gradient(y, dy)
    }
    fn sigmoid(x: &[f32]) -> Vec<f32> {
        kernels::pointwise::sigmoid(x)
    }
    fn sigmoid_gradient(y: &[f32], dy: &[f32]) -> Vec<f32> {
        kernels::pointwise::sigmoid_gradient(y, dy)
    }
    fn tanh(x: &[f32]) -> Vec<f32> {
        kernels::pointwise::tanh(x)
    }
    fn tanh_gradient(y: &[f32], dy: &[f32]) -> Vec<f32> {
        kernels::pointwise::tanh_gradient(y, dy)
    }
}

/// Runs generic code for the type of a tensor: `by_type!(tensor.dtype(), T => expression of T)`.
macro_rules! by_type {
    ($dtype:expr, $type:ident => $body:expr) => {
        match $dtype {
            candle_core::DType::F32 => {
                type $type = f32;
                $body
            }
            candle_core::DType::F64 => {
                type $type = f64;
                $body
            }
            other => candle_core::bail!("the engine computes in f32 and f64, not in {other:?}"),
        }
    };
}
pub(crate) use by_type;
