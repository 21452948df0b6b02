//! The operations in `f32`, fast: every thread busy, results bit-equal for any number of threads.
//!
//! Work is cut into tasks whose size depends on the shapes alone, never on the number of threads, and sums over tasks are
//! taken in a fixed order. Each kernel is tested against the plain loops of the same name.

pub(crate) mod attention;
pub(crate) mod batch_norm;
mod block_end;
mod buffer;
mod columns;
pub(crate) mod conv;
pub(crate) mod conv_block;
mod convolution;
pub(crate) mod first;
pub(crate) mod lanes;
pub(crate) mod layer_norm;
pub(crate) mod maps;
pub(crate) mod matmul;
mod patches;
pub(crate) mod pointwise;
pub(crate) mod pool;
mod products;
pub(crate) mod residual;
pub(crate) mod row_pool;
mod shared;
mod sinks;
pub(crate) mod softmax;
mod sources;
mod sums;
pub(crate) mod units;
mod winograd;
