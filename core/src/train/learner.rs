//! What learns: a network, its weights and their optimizer. It knows batches and steps, and nothing of logs, files or commands.

use super::noisy_student::{Halves, Lesson, losses, to_tensor};
use super::{Error, TrainConfig};
use crate::dataset::{Batch, Inputs};
use crate::models::{ModelConfig, Network, Pass};
use crate::nn::{self, Optimizer, Parameters, Value};
use crate::predict::Model;
use candle_core::{DType, Tensor};
use std::time::{Duration, Instant};

/// A network in training.
pub(super) struct Learner {
    /// Its sizes, the number of tags included.
    pub(super) config: ModelConfig,
    tags: Vec<String>,
    input_samples: usize,
    seed: u64,
    clip_gradient_norm: Option<f64>,
    network: Box<dyn Network>,
    pub(super) parameters: Parameters,
    pub(super) optimizer: Optimizer,
}

/// What a step found out.
#[derive(Debug)]
pub(super) struct Learned {
    /// Binary cross entropy before the step; with a teacher, on labels and pseudo-labels together.
    pub(super) loss: f64,
    /// Euclidean norm of all gradients together, before clipping.
    pub(super) gradient_norm: f64,
    /// The network's answers to the labelled clips before the step, `[clips, tags]`.
    pub(super) probabilities: Vec<f32>,
    /// With a teacher: what was found out about the unlabelled clips.
    pub(super) from_teacher: Option<FromTeacher>,
    /// How long it took.
    pub(super) took: Took,
}

/// How long the parts of a step took.
#[derive(Clone, Copy, Debug)]
pub(super) struct Took {
    /// Network and loss.
    pub(super) forward: Duration,
    /// Gradients.
    pub(super) backward: Duration,
    /// Norm of the gradients, clipping, new weights.
    pub(super) optimizer: Duration,
}

/// What a step found out about unlabelled clips.
#[derive(Debug)]
pub(super) struct FromTeacher {
    /// Loss on the labelled clips alone.
    pub(super) supervised_loss: f64,
    /// Loss on the pseudo-labels.
    pub(super) semi_supervised_loss: f64,
    /// The student's answers to the clips as it heard them, before the step, `[clips, tags]`, before the sigmoid.
    pub(super) logits: Vec<f32>,
}

impl Learner {
    /// A network with initial weights drawn from the recipe's seed.
    pub(super) fn new(
        recipe: &TrainConfig,
        config: ModelConfig,
        tags: Vec<String>,
    ) -> Result<Self, Error> {
        let parameters = Parameters::initialise(recipe.seed, DType::F32);
        let network = config.build(parameters.var_builder())?;
        parameters.move_to(&crate::device::place(recipe.precision)?)?;
        let rate_hz = f64::from(network.input().sample_rate_hz());
        let input_samples = (recipe.input_secs * rate_hz).round() as usize;
        Ok(Self {
            config,
            tags,
            input_samples,
            seed: recipe.seed,
            clip_gradient_norm: recipe.clip_gradient_norm,
            network,
            parameters,
            optimizer: Optimizer::new(recipe.optimizer),
        })
    }

    /// The tags, in the order of its outputs.
    pub(super) fn tags(&self) -> &[String] {
        &self.tags
    }

    /// The network.
    pub(super) fn network(&self) -> &dyn Network {
        &*self.network
    }

    /// Step number `step` of the run: forward, backward, optimizer. `None`, and nothing is changed, if the loss or a gradient is not
    /// finite.
    ///
    /// With a `lesson`, unlabelled clips and what the teacher says of them, both losses are added (paper, Table 2).
    pub(super) fn step(
        &mut self,
        batch: &Batch,
        lesson: Option<&Lesson>,
        step: u64,
        learning_rate: f64,
    ) -> Result<Option<Learned>, Error> {
        let begun = Instant::now();
        let of_clips = |values: &[f32], batch: &Batch| {
            let shape = (batch.clips.len(), batch.n_tags);
            Tensor::from_slice(values, shape, &crate::device::cpu())
        };
        let labels = of_clips(&batch.labels, batch)?;
        let inputs = to_tensor(&batch.inputs, batch.clips.len())?;
        let pass = Pass::training(self.seed, step).beside(&self.parameters);
        let (loss, logits, with_teacher) = match lesson {
            None => {
                let logits = self.network.forward(&pass, &inputs)?.logits;
                (nn::bce_with_logits(&logits, &labels)?, logits, None)
            }
            Some(lesson) => {
                let halves = Halves {
                    labelled: &inputs,
                    labels: &labels,
                    unlabelled: &to_tensor(&lesson.batch.inputs, lesson.batch.clips.len())?,
                    targets: &of_clips(&lesson.targets, &lesson.batch)?,
                    weights: &of_clips(&lesson.weights, &lesson.batch)?,
                };
                let losses = losses(&*self.network, &pass, lesson.passes, halves)?;
                let logits = losses.labelled_logits.clone();
                (losses.total.clone(), logits, Some(losses))
            }
        };
        // On a GPU nothing is asked for before all is on its way there: asking waits for it.
        let forward_done = Instant::now();
        let mut gradients = nn::backward(&loss)?;
        let loss_value = scalar(&loss)?;
        let backward_done = Instant::now();
        let gradient_norm = gradients.norm()?;
        if !loss_value.is_finite() || !gradient_norm.is_finite() {
            return Ok(None);
        }
        let logits = numbers(&logits)?;
        let from_teacher = with_teacher
            .map(|losses| -> Result<_, Error> {
                Ok(FromTeacher {
                    supervised_loss: scalar(&losses.supervised)?,
                    semi_supervised_loss: scalar(&losses.semi_supervised)?,
                    logits: numbers(&losses.unlabelled_logits)?,
                })
            })
            .transpose()?;
        if let Some(limit) = self.clip_gradient_norm
            && gradient_norm > limit
        {
            gradients.scale(limit / gradient_norm)?;
        }
        self.optimizer
            .step(&self.parameters, &gradients, learning_rate)?;
        let took = Took {
            forward: forward_done - begun,
            backward: backward_done - forward_done,
            optimizer: backward_done.elapsed(),
        };
        let sigmoid = |logit: f32| 1.0 / (1.0 + (-logit).exp());
        Ok(Some(Learned {
            loss: loss_value,
            gradient_norm,
            probabilities: logits.into_iter().map(sigmoid).collect(),
            from_teacher,
            took,
        }))
    }

    /// Its logits for clips in evaluation mode, `[clips, tags]`.
    pub(super) fn answers(&self, inputs: &Inputs, n_clips: usize) -> Result<Vec<f32>, Error> {
        let inputs = to_tensor(inputs, n_clips)?;
        let pass = Pass::inference().beside(&self.parameters);
        numbers(&self.network.forward(&pass, &inputs)?.logits)
    }

    /// An immutable copy of the current weights.
    pub(super) fn model(&self) -> Result<Model, Error> {
        Ok(Model::from_parameters(
            self.config.clone(),
            self.tags.clone(),
            self.input_samples,
            &self.parameters,
        )?)
    }
}

fn scalar(value: &Value) -> Result<f64, Error> {
    Ok(f64::from(value.tensor()?.to_scalar::<f32>()?))
}

fn numbers(value: &Value) -> Result<Vec<f32>, Error> {
    Ok(value.tensor()?.flatten_all()?.to_vec1()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::ClipRef;
    use crate::nn::{OptimizerConfig, SgdConfig};
    use crate::rng::{Address, Purpose};
    use std::collections::BTreeMap;

    const CLIPS: usize = 3;
    const LEARNING_RATE: f64 = 0.5;

    /// The tiny network under plain gradient descent: its weights move by the learning rate times the gradient.
    fn learner(clip_gradient_norm: Option<f64>) -> Learner {
        let recipe = TrainConfig {
            optimizer: OptimizerConfig::Sgd(SgdConfig::default()),
            clip_gradient_norm,
            ..TrainConfig::for_preset("tiny")
        };
        let config = recipe.model.resolve(2).unwrap();
        Learner::new(&recipe, config, vec!["a".to_owned(), "b".to_owned()]).unwrap()
    }

    fn batch(learner: &Learner) -> Batch {
        let input = learner.network().input();
        let (n_rows, n_columns) = (input.n_rows(), input.n_columns(16_000));
        let mut noise = Address::new(1, Purpose::Check, 0).stream();
        let values = (0..CLIPS * n_rows * n_columns).map(|_| noise.range(-60.0, 20.0));
        let clip = ClipRef {
            track_idx: 0,
            visit: 0,
            offset_samples: 0,
            draw: None,
            mixed: Vec::new(),
        };
        Batch {
            epoch: 0,
            step_in_epoch: 0,
            clips: vec![clip; CLIPS],
            inputs: Inputs {
                values: values.collect(),
                n_rows,
                n_columns,
            },
            clean: None,
            labels: vec![1.0, 0.0, 1.0, 1.0, 0.0, 0.0],
            n_tags: 2,
        }
    }

    type Numbers = BTreeMap<String, Vec<f32>>;

    /// Learned numbers before and after a step, and the gradient norm that it reports.
    fn step(clip_gradient_norm: Option<f64>) -> (Numbers, Numbers, f64) {
        let mut learner = learner(clip_gradient_norm);
        let numbers = |learner: &Learner| -> Numbers {
            let weights = learner.parameters.weights().into_iter();
            let numbers = weights.map(|weight| {
                let values = weight.tensor.flatten_all().unwrap().to_vec1().unwrap();
                (weight.name.to_string(), values)
            });
            numbers.collect()
        };
        let before = numbers(&learner);
        let batch = batch(&learner);
        let learned = learner.step(&batch, None, 0, LEARNING_RATE).unwrap();
        (before, numbers(&learner), learned.unwrap().gradient_norm)
    }

    #[test]
    fn a_clipped_step_goes_the_same_way_and_as_far_as_the_limit_allows() {
        let (start, free, norm) = step(None);
        let limit = norm / 8.0;
        let (_, clipped, told) = step(Some(limit));
        assert_eq!(told, norm, "that before clipping is told");
        let mut squares = 0.0;
        for (name, start) in &start {
            let moved = start.iter().zip(&free[name]).zip(&clipped[name]);
            for ((&start, &free), &clipped) in moved {
                let (free, clipped) = (f64::from(free - start), f64::from(clipped - start));
                // Weights near 1 are rounded to 6e-8.
                assert!(
                    (clipped - free / 8.0).abs() < 1e-6 + 1e-5 * free.abs(),
                    "{name}"
                );
                squares += clipped * clipped;
            }
        }
        let moved = squares.sqrt() / LEARNING_RATE;
        assert!((moved / limit - 1.0).abs() < 1e-3, "{moved} of {limit}");
    }

    #[test]
    fn a_limit_that_is_not_reached_changes_no_bit() {
        let (_, free, norm) = step(None);
        for limit in [norm, 1e30] {
            assert_eq!(step(Some(limit)).1, free);
        }
    }
}
