//! What a network with a class token heard in a stretch of sound, before it reads it.

use super::Error;
use candle_core::Tensor;
use std::ops::Range;

/// Tokens `[tokens, width]`, each of its place in time, none of its place in the window.
#[derive(Clone, Debug)]
pub struct Tokens(pub(super) Tensor);

impl Tokens {
    /// Stretches of what was heard, one behind the other.
    pub fn join(parts: &[(&Self, Range<usize>)]) -> Result<Self, Error> {
        let parts = parts.iter().filter(|(_, range)| !range.is_empty());
        let parts: Vec<Tensor> = parts
            .map(|(tokens, range)| tokens.0.narrow(0, range.start, range.len()))
            .collect::<Result<_, _>>()?;
        Ok(Self(Tensor::cat(&parts, 0)?))
    }
}
