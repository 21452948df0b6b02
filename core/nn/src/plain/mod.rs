//! The operations as plain loops, in any number type: slow, short, and what the fast kernels must equal.

pub(crate) mod attention;
pub(crate) mod conv;
pub(crate) mod linear;
pub(crate) mod norm;
pub(crate) mod pointwise;
pub(crate) mod pool;
pub(crate) mod softmax;
