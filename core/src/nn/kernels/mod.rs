//! The operations in `f32`, fast: every thread busy, results bit-equal for any number of threads.
//!
//! Work is cut into tasks whose size depends on the shapes alone, never on the number of threads, and sums over tasks are
//! taken in a fixed order. Each kernel is tested against the plain loops of the same name.

pub(crate) mod conv;
pub(crate) mod matmul;
pub(crate) mod shared;
