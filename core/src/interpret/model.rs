//! The real [`Explainer`]: a model that predicts.

use super::gradients::Path;
use super::song::sigmoid;
use super::{
    Error, Explainer, Grid, Method, Needs, TokenMap, Wanted, WindowExplanation, attention,
    grad_cam, gradients, occlusion, rollout,
};
use crate::models::{Ask, Insight};
use crate::predict::{self, Model, Tokens};

/// What a model could not do; where in the song is added by those who know.
pub(super) fn failed(source: predict::Error) -> Error {
    match source {
        predict::Error::Cancelled(cancelled) => cancelled.into(),
        source => Error::Model {
            start_secs: 0.0,
            source: Box::new(source),
        },
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

    fn methods(&self) -> Vec<Method> {
        let (has_class_token, has_maps) = (self.token_grid().is_some(), self.map_grid().is_some());
        let suits = |method: &Method| match method.needs() {
            Needs::Nothing => true,
            Needs::ClassToken => has_class_token,
            Needs::FeatureMaps => has_maps,
        };
        Method::ALL.into_iter().filter(suits).collect()
    }

    fn usual_methods(&self) -> Vec<Method> {
        if self.token_grid().is_some() {
            vec![Method::Contribution, Method::OnlyToken, Method::Attention]
        } else {
            vec![Method::Occlusion]
        }
    }

    fn grid(&self, method: Method, n_samples: usize) -> Grid {
        match (method, self.token_grid()) {
            (Method::GradientInput | Method::IntegratedGradients, _) => {
                gradients::grid(self, n_samples)
            }
            (Method::GradCam, _) => grad_cam::grid(self, n_samples),
            (Method::Occlusion, _) | (_, None) => occlusion::grid(self, n_samples),
            (_, Some(tokens)) => {
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
        }
    }

    fn hears_tokens(&self) -> bool {
        self.token_grid().is_some()
    }

    fn hear(&self, stretch: &[f32]) -> Result<Option<Tokens>, Error> {
        Model::hear(self, stretch).map_err(failed)
    }

    fn explain(&self, window: &[f32], wanted: &Wanted<'_>) -> Result<WindowExplanation, Error> {
        let needs_tokens = wanted
            .methods
            .iter()
            .any(|method| method.needs() == Needs::ClassToken);
        let heard = if needs_tokens {
            Explainer::hear(self, window)?
        } else {
            None
        };
        self.explain_heard(window, heard.as_ref(), wanted)
    }

    fn explain_heard(
        &self,
        window: &[f32],
        heard: Option<&Tokens>,
        wanted: &Wanted<'_>,
    ) -> Result<WindowExplanation, Error> {
        let ask = Ask {
            without: wanted.methods.contains(&Method::LeaveOneOut),
            token_answers: wanted.methods.contains(&Method::TokenAnswer),
        };
        let inside = match heard {
            Some(heard) => Some((heard, self.inspect(heard, ask).map_err(failed)?)),
            None => None,
        };
        let logits = match &inside {
            Some((_, insight)) => insight.logits.clone(),
            None => self.logits(&[window]).map_err(failed)?.concat(),
        };
        let mut found = WindowExplanation {
            probabilities: logits.iter().map(|&logit| sigmoid(logit)).collect(),
            self_attention: inside
                .as_ref()
                .and_then(|(_, insight)| attention::class_row(insight).first().copied()),
            maps: Vec::with_capacity(wanted.methods.len()),
            completeness_error: None,
            logits,
        };
        for &method in wanted.methods {
            let map = match (&inside, method) {
                (_, Method::Occlusion) => occlusion::explain(self, window)?,
                (_, Method::GradientInput) => {
                    let path = Path::new(self, window)?;
                    each(wanted.tags, |tag| path.gradient_input(tag))?
                }
                (_, Method::IntegratedGradients) => {
                    let path = Path::new(self, window)?;
                    let mut worst = 0f32;
                    let map = each(wanted.tags, |tag| {
                        let integrated = path.integrated(tag)?;
                        worst = worst.max(integrated.error);
                        Ok(integrated.bins)
                    })?;
                    found.completeness_error = Some(worst);
                    map
                }
                (_, Method::GradCam) => grad_cam::explain(self, window, wanted.tags)?,
                (Some((heard, _)), Method::Relevance) => relevance(self, heard, wanted.tags)?,
                (Some((_, insight)), _) => of_insight(insight, method),
                (None, _) => {
                    let model = self.name.clone();
                    return Err(Error::Unsuited { method, model });
                }
            };
            let tags = if method.is_shared() {
                Vec::new()
            } else if method.is_per_tag() {
                wanted.tags.to_vec()
            } else {
                (0..self.tags.len()).collect()
            };
            let grid = Explainer::grid(self, method, window.len());
            found.maps.push(TokenMap::new(method, grid, tags, map));
        }
        Ok(found)
    }
}

/// The rows of the tags, one behind the other.
fn each(
    tags: &[usize],
    mut row: impl FnMut(usize) -> Result<Vec<f32>, Error>,
) -> Result<Vec<f32>, Error> {
    let mut rows = Vec::new();
    for &tag in tags {
        rows.extend(row(tag)?);
    }
    Ok(rows)
}

/// What speaks for the tags, less what speaks against them.
fn relevance(model: &Model, heard: &Tokens, tags: &[usize]) -> Result<Vec<f32>, Error> {
    let found = model.relevance(heard, tags).map_err(failed)?;
    let rows = found.speaks_for.chunks_exact(found.n);
    let rows = rows.zip(found.speaks_against.chunks_exact(found.n));
    Ok(rows
        .flat_map(|(for_it, against)| {
            let both = for_it.iter().zip(against).skip(1);
            both.map(|(for_it, against)| for_it - against)
        })
        .collect())
}

/// `[rows, tokens]` of the methods that one look inside answers.
fn of_insight(insight: &Insight, method: Method) -> Vec<f32> {
    let n_tags = insight.n_tags;
    // From `[1 + tokens, tags]` to a row a tag; `position` counts the class token.
    let turned = |value: &dyn Fn(usize, usize) -> f32| -> Vec<f32> {
        let rows = (0..n_tags).flat_map(|tag| (1..=insight.n_tokens).map(move |at| (at, tag)));
        rows.map(|(at, tag)| value(at, tag)).collect()
    };
    let only = |at: usize, tag: usize| insight.only_logits[at * n_tags + tag];
    match method {
        Method::Contribution => turned(&|at, tag| only(at, tag) - only(0, tag)),
        Method::OnlyToken => turned(&|at, tag| sigmoid(only(at, tag))),
        Method::LeaveOneOut => {
            turned(&|at, tag| insight.logits[tag] - insight.without_logits[at * n_tags + tag])
        }
        Method::TokenAnswer => {
            turned(&|at, tag| insight.token_logits[at * n_tags + tag] - insight.token_logits[tag])
        }
        Method::ValueWeighted => attention::value_weighted(insight),
        Method::Rollout => {
            let n = insight.n_tokens + 1;
            let mut rows = rollout(&insight.attention);
            rows.truncate(n);
            rows.into_iter().skip(1).collect()
        }
        _ => attention::class_row(insight).into_iter().skip(1).collect(),
    }
}
