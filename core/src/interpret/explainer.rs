//! What a model must tell about one window so that a song can be explained.

use super::{Error, Grid, LeaveOneOut, Method};

/// A model that can be asked about windows of a fixed length.
///
/// `predict::Model` is the real one; tests use fakes with known answers.
pub trait Explainer: Sync {
    /// Name for messages.
    fn name(&self) -> &str;

    /// The rate at which the model hears, in hertz.
    fn sample_rate_hz(&self) -> u32;

    /// Length of a window in samples.
    fn window_samples(&self) -> usize;

    /// Names of the tags, in the model's order.
    fn tags(&self) -> &[String];

    /// The methods that it can be explained by, the one for every day first.
    fn methods(&self, leave_one_out: LeaveOneOut) -> Vec<Method>;

    /// Where the tokens of a sound of `n_samples` lie; for [`Method::Occlusion`] the stretches that are left out.
    fn grid(&self, n_samples: usize) -> Grid;

    /// Explains one window of exactly [`Explainer::window_samples`]; `without_logits` may stay empty with [`LeaveOneOut::Skip`].
    fn explain(
        &self,
        window: &[f32],
        leave_one_out: LeaveOneOut,
    ) -> Result<WindowExplanation, Error>;
}

/// What a model tells about one window of `n_tokens` tokens.
#[derive(Clone, Debug, PartialEq)]
pub struct WindowExplanation {
    /// `[tags]`: the model's answer for the window.
    pub probabilities: Vec<f32>,
    /// `[1 + tokens]`: how the class token spreads its attention in the last layer (mean over heads; sums to 1).
    /// Index 0 is the class token itself. Empty if there is no class token.
    pub class_attention: Vec<f32>,
    /// `[1 + tokens, tags]` logits: the class token of the last layer reads one position only (row 0: only itself);
    /// empty if there is no class token.
    pub only_logits: Vec<f32>,
    /// `[1 + tokens, tags]` logits: the class token of the last layer reads all positions but one (row 0: all but itself);
    /// without a class token: the sound of one stretch is silent (row 0: none). Empty if it was not computed.
    pub without_logits: Vec<f32>,
    /// `[tags]`: the logits of the window as it is.
    pub logits: Vec<f32>,
}
