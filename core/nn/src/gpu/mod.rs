//! The operations on NVIDIA GPUs: own kernels, cuBLAS for products of matrices, cuDNN for convolutions.
//!
//! Nothing of this needs CUDA to build: the driver and the libraries are opened when the program runs, and the kernels are compiled for the GPU at hand
//! by NVRTC when they are first wanted. candle's own `cuda` feature is not used: it needs nvcc to build and NVIDIA libraries to start, and its
//! convolution gradients are about fifty times slower than cuDNN's.
//!
//! ```text
//! Value ──► operation (nn) ──► ops ──► launch | products | convolution ──► Device
//!                               └────► Array (memory)        module ───────► NVRTC, cache on disk
//! ```
//!
//! All work of a device goes through one stream, in the order in which it is asked for; nobody waits for it but who fetches numbers.

mod activity;
mod array;
mod convolution;
mod device;
#[cfg(test)]
pub(crate) mod fake;
mod kernels;
mod launch;
mod libraries;
mod module;
pub(crate) mod ops;
mod products;
#[cfg(test)]
mod tests;

pub(crate) use array::{Array, Order};
pub use device::Device;
