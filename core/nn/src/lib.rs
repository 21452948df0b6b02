//! The engine: tensor operations with hand-written backward passes, recorded on an own [`Tape`].
//!
//! candle's tensors carry the numbers; none of candle's own layers or gradients are used (several are silently wrong,
//! see `clippy.toml` at the root of the workspace). Every operation computes in `f32` by the fast kernels and in `f64` by plain loops that say the same
//! thing without haste; the former are tested against the latter, the latter by finite differences.
//!
//! ```text
//! models ──► layers ──► operations (one file each) ──► Element ──► kernels (f32) | plain (f64)
//!                          │
//!                          └──► Tape ──► backward ──► Gradients ──► Optimizer ──► Parameters
//! ```
//!
//! Results are bit-equal for any number of threads.

mod adam;
mod adam_w;
mod arithmetic;
mod arrange;
mod attention;
mod band_filters;
#[cfg(test)]
mod check;
#[cfg(test)]
mod check_blocks;
mod conv;
mod conv1d;
mod conv_block;
mod data;
mod decibels;
mod dropout;
mod element;
mod fused;
mod global_pool;
#[cfg(feature = "cuda")]
mod gpu;
mod gru;
mod kernels;
mod layers;
mod linear;
mod loss;
mod maps;
mod matmul;
mod norm;
mod numbers;
mod optimizer;
mod parameters;
mod place;
mod plain;
mod pointwise;
mod pool;
mod residual;
pub mod rng;
mod sgd;
mod shapes;
mod softmax;
mod tape;
mod tokens;

#[cfg(test)]
pub(crate) use data::copy_in_place_or_panic as copy_for_tests;

pub use adam::{Adam, AdamConfig};
pub use adam_w::{AdamW, AdamWConfig};
pub use arithmetic::{add, mul, sub};
pub use arrange::{concat, narrow, permute, select, transpose};
pub use attention::{Attended, attention};
pub use band_filters::band_filters;
pub use conv::{ConvOptions, conv2d};
pub use conv_block::{ConvBlock, ConvBlock1d};
pub use conv1d::{Conv1dOptions, conv1d};
pub use decibels::{DECIBEL_FLOOR, decibels};
pub use global_pool::{Over, global_avg_pool, global_max_pool};
#[cfg(feature = "cuda")]
pub use gpu::Device;
pub use gru::{Direction, GruWeights, gru};
pub use layers::{BatchNorm, Conv1d, Conv2d, Gru, LayerNorm, Linear, Mode, Reading, Weight};
pub use linear::linear;
pub use loss::{bce_with_logits, probabilities, weighted_bce_with_logits};
pub use maps::Maps;
pub use matmul::matmul;
pub use norm::{RunningStatistics, Statistics, batch_norm, layer_norm};
pub use optimizer::{Optimizer, OptimizerConfig};
pub use parameters::{Parameter, Parameters, Role};
pub use place::{DeviceName, GpuActivity, Place, Precision};
pub use pointwise::{dropout, gelu, relu, sigmoid, tanh};
pub use pool::{avg_pool1d, avg_pool2d, max_pool1d, max_pool2d};
pub use residual::ResidualBlock;
pub use sgd::{Momentum, Sgd, SgdConfig};
pub use softmax::softmax;
pub use tape::{Gradients, Tape, Value, backward, backward_from};
pub use tokens::{class_and_positions, first_token, reshape, tokens_of_maps};
