//! The paper's eight augmentations (section 3.4), further ones that the field uses, and the chain that draws them.
//!
//! The further ones (SpecAugment's masks, time stretch, crop, mixup, background, codecs) stand in no shipped chain.
//!
//! There is one implementation: what a training batch gets is what the audition plays and what `attune augment` writes,
//! bit for bit, because all three call [`Draw::apply_among`], or [`Draw::apply`] where no effect needs another clip.
//!
//! ```text
//! Chain (TOML: steps, probabilities, ranges) --draw(address)--> Draw (effects with numbers) --apply--> wave
//!                                                        (among a Company: mixup, background)
//! ```
//!
//! An effect changes a mono wave in place and keeps its length. Random numbers come from [`crate::rng`] alone.

mod chain;
mod chains;
mod codec;
mod company;
mod convolve;
mod copied;
mod crop;
mod delay;
mod difference;
mod draw;
mod effect;
mod error;
mod fade;
mod filter;
mod gain;
mod kind;
mod ladder;
mod noise;
mod notebook;
mod parameter;
mod pitch;
mod polarity;
mod reverb;
mod sidecar;
mod simd;
mod text;
mod time_mask;
mod time_stretch;

pub use chain::{Chain, Choice, PRESETS, Range, Step};
pub use chains::{Chains, Entry, Origin};
pub use company::{Alone, Company, Mixed, OtherClip, Picked, Sounds, pick};
pub use difference::Difference;
pub use draw::{Applied, Draw};
pub(crate) use effect::EFFECTS_VERSION;
pub use effect::Effect;
pub use error::Error;
pub use kind::Kind;
pub use ladder::{Ladder, steps};
pub use notebook::{KeptDraw, Notebook};
pub use parameter::Parameter;
pub use sidecar::Sidecar;
