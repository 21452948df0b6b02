//! The paper's eight augmentations (section 3.4), and the chain that draws them.
//!
//! There is one implementation: what a training batch gets is what the audition plays and what `attune augment` writes,
//! bit for bit, because all three call [`Draw::apply`] or [`Effect::apply`].
//!
//! ```text
//! Chain (TOML: steps, probabilities, ranges) --draw(address)--> Draw (effects with numbers) --apply--> wave
//! ```
//!
//! An effect changes a mono wave in place and keeps its length. Random numbers come from [`crate::rng`] alone.

mod chain;
mod convolve;
mod delay;
mod draw;
mod effect;
mod error;
mod filter;
mod gain;
mod kind;
mod noise;
mod pitch;
mod polarity;
mod reverb;
mod simd;
mod text;

pub use chain::{Chain, Choice, PRESETS, Range, Step};
pub use draw::Draw;
pub use effect::Effect;
pub use error::Error;
pub use kind::{Kind, Parameter};
