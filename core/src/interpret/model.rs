//! The real [`Explainer`]: a model that predicts.

use super::{Error, Explainer, Grid, LeaveOneOut, WindowExplanation};
use crate::predict::Model;

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

    fn grid(&self, n_samples: usize) -> Grid {
        let tokens = self.token_grid();
        let front_end = self.config.front_end();
        let hop = front_end.hop_samples as f64;
        Grid {
            samples_per_token: tokens.frames_per_token as f64 * hop,
            first_centre_samples: tokens.first_centre_frames * hop,
            receptive_field_samples: tokens.receptive_field_frames as f64 * hop,
            n_tokens: tokens.n_tokens(front_end.n_frames(n_samples)),
            sample_rate_hz: front_end.sample_rate_hz,
        }
    }

    fn explain(
        &self,
        window: &[f32],
        _leave_one_out: LeaveOneOut,
    ) -> Result<WindowExplanation, Error> {
        let failed = |source| Error::Model {
            start_secs: 0.0,
            source: Box::new(source),
        };
        let insight =
            self.inspect(window)
                .map_err(failed)?
                .ok_or_else(|| Error::NotApplicable {
                    model: self.name.clone(),
                })?;
        let class_attention = insight
            .attention
            .last()
            .map(|layer| layer.class_row())
            .ok_or_else(|| Error::NotApplicable {
                model: self.name.clone(),
            })?;
        Ok(WindowExplanation {
            probabilities: insight.probabilities,
            class_attention,
            only_logits: insight.only_logits,
            without_logits: insight.without_logits,
            logits: insight.logits,
        })
    }
}
