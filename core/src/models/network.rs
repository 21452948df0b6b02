//! What every network can do.

use super::Insight;
use crate::features::FrontEnd;
use crate::nn::{Mode, Tape, Value};
use candle_core::{Result, Tensor};

/// One forward pass: what it is for and what it leaves behind.
#[derive(Clone, Debug)]
pub struct Pass {
    /// Where operations are recorded.
    pub tape: Tape,
    /// Training or evaluation.
    pub mode: Mode,
    /// Whether [`Output::attention`] is filled.
    pub record_attention: bool,
}

impl Pass {
    /// Evaluation: nothing recorded, running statistics, no dropout.
    pub fn inference() -> Self {
        Self {
            tape: Tape::off(),
            mode: Mode::Eval,
            record_attention: false,
        }
    }

    /// Training: recorded, batch statistics, dropout drawn for this step of the run with this seed.
    pub fn training(seed: u64, step: u64) -> Self {
        Self {
            tape: Tape::recording(),
            mode: Mode::Train { seed, step },
            record_attention: false,
        }
    }
}

/// What a forward pass gives.
#[derive(Clone, Debug)]
pub struct Output {
    /// `[batch, tags]`, before the sigmoid.
    pub logits: Value,
    /// Softmax weights, layer by layer: `[batch, heads, 1 + tokens (query), 1 + tokens (key)]`, index 0 is the class token.
    /// Empty unless the pass asked for it and the network has attention.
    pub attention: Vec<Tensor>,
}

/// Where the tokens of a network lie in its frames: token `t` has its centre at `first_centre_frames + t * frames_per_token`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TokenGrid {
    /// Frames from one token to the next.
    pub frames_per_token: usize,
    /// Centre of token 0, in frames.
    pub first_centre_frames: f64,
    /// What one token sees through the convolutions, in frames around its centre.
    pub receptive_field_frames: usize,
}

impl TokenGrid {
    /// How many tokens a spectrogram of `n_frames` frames has.
    pub fn n_tokens(&self, n_frames: usize) -> usize {
        n_frames / self.frames_per_token
    }
}

/// A network with its parameters.
pub trait Network: Send + Sync {
    /// What it sees of a sound.
    fn front_end(&self) -> &FrontEnd;

    /// How many tags it answers for.
    fn n_tags(&self) -> usize;

    /// Log-mel spectrograms `[batch, mels, frames]` (dB) to logits.
    ///
    /// Fails if there are fewer frames than [`Network::shortest_frames`], more than [`Network::longest_frames`], or another
    /// number of mel bands.
    fn forward(&self, pass: &Pass, log_mel: &Tensor) -> Result<Output>;

    /// Looks inside, for one spectrogram `[mels, frames]`; `None` if the network has no class token to explain.
    fn inspect(&self, log_mel: &Tensor) -> Result<Option<Insight>>;

    /// Where its tokens lie.
    fn tokens(&self) -> TokenGrid;

    /// The fewest frames that it accepts.
    fn shortest_frames(&self) -> usize;

    /// The most frames that it accepts.
    fn longest_frames(&self) -> usize;
}
