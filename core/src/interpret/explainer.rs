//! What a model must tell about one window so that a song can be explained.

use super::{Error, Grid, Method, TokenMap};
use crate::predict::Tokens;

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

    /// The methods that it can be explained by.
    fn methods(&self) -> Vec<Method>;

    /// Those for every day, cheap beside the answer itself; the one to look at first is the first.
    fn usual_methods(&self) -> Vec<Method>;

    /// Where the values of a method lie in a sound of `n_samples`.
    fn grid(&self, method: Method, n_samples: usize) -> Grid;

    /// Whether it hears tokens before it reads them: then [`Explainer::hear`] gives them.
    fn hears_tokens(&self) -> bool {
        false
    }

    /// What it hears in a stretch of sound, if it hears tokens.
    fn hear(&self, _stretch: &[f32]) -> Result<Option<Tokens>, Error> {
        Ok(None)
    }

    /// Explains one window of exactly [`Explainer::window_samples`].
    fn explain(&self, window: &[f32], wanted: &Wanted<'_>) -> Result<WindowExplanation, Error> {
        self.explain_heard(window, self.hear(window)?.as_ref(), wanted)
    }

    /// The same, with what it heard in the window, if it hears tokens.
    fn explain_heard(
        &self,
        window: &[f32],
        heard: Option<&Tokens>,
        wanted: &Wanted<'_>,
    ) -> Result<WindowExplanation, Error>;
}

/// What is asked about a window.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// By which methods.
    pub methods: &'a [Method],
    /// The tags (indices) for which those methods are made that cost passes of their own for each ([`Method::is_per_tag`]). The others are
    /// made for all.
    pub tags: &'a [usize],
}

/// What a model tells about one window.
#[derive(Clone, Debug, PartialEq)]
pub struct WindowExplanation {
    /// `[tags]`: the model's answer for the window.
    pub probabilities: Vec<f32>,
    /// `[tags]`: the same before the sigmoid.
    pub logits: Vec<f32>,
    /// The part of its attention that the class token keeps for itself in the last layer (mean over heads), if there is one.
    pub self_attention: Option<f32>,
    /// For each method that was asked for, in that order. Rows: one for all tags ([`Method::is_shared`]), the asked tags
    /// ([`Method::is_per_tag`]), or all tags.
    pub maps: Vec<TokenMap>,
    /// How far integrated gradients fall short of summing to the difference of the logits, as a share of it, at worst; if they
    /// were asked for.
    pub completeness_error: Option<f32>,
}
