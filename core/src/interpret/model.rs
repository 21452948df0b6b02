//! The real [`Explainer`]: a model that predicts.

use super::{Error, Explainer, Grid, LeaveOneOut, Method, WindowExplanation, occlusion};
use crate::predict::Model;

pub(super) fn failed(source: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::Model {
        start_secs: 0.0,
        source: Box::new(source),
    }
}

impl Explainer for Model {
    fn name(&self) -> &str {
        &self.name
    }

    fn sample_rate_hz(&self) -> u32 {
        Model::sample_rate_hz(self)
    }

    fn window_samples(&self) -> usize {
        self.input_samples
    }

    fn tags(&self) -> &[String] {
        &self.tags
    }

    fn methods(&self, leave_one_out: LeaveOneOut) -> Vec<Method> {
        if self.token_grid().is_none() {
            return vec![Method::Occlusion];
        }
        let mut methods = vec![Method::Contribution, Method::OnlyToken];
        if leave_one_out == LeaveOneOut::Make {
            methods.push(Method::LeaveOneOut);
        }
        methods
    }

    fn grid(&self, n_samples: usize) -> Grid {
        let Some(tokens) = self.token_grid() else {
            return occlusion::grid(self, n_samples);
        };
        let input = self.extractor().input();
        let hop = input.hop_samples() as f64;
        Grid {
            samples_per_token: tokens.frames_per_token as f64 * hop,
            first_centre_samples: tokens.first_centre_frames * hop,
            receptive_field_samples: tokens.receptive_field_frames as f64 * hop,
            n_tokens: tokens.n_tokens(input.n_columns(n_samples)),
            sample_rate_hz: input.sample_rate_hz(),
        }
    }

    fn explain(
        &self,
        window: &[f32],
        _leave_one_out: LeaveOneOut,
    ) -> Result<WindowExplanation, Error> {
        if self.token_grid().is_none() {
            return occlusion::explain(self, window);
        }
        let insight = self
            .inspect(window)
            .map_err(failed)?
            .ok_or_else(|| failed(std::io::Error::other("tokens and nothing to tell of them")))?;
        Ok(WindowExplanation {
            class_attention: insight
                .attention
                .last()
                .map(|layer| layer.class_row())
                .unwrap_or_default(),
            probabilities: insight.probabilities,
            only_logits: insight.only_logits,
            without_logits: insight.without_logits,
            logits: insight.logits,
        })
    }
}
