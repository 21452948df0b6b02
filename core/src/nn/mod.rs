//! Tensor operations with hand-written backward passes.
