//! What learns: a network, its weights and their optimizer. It knows batches and steps, and nothing of logs, files or commands.

use super::{Error, TrainConfig};
use crate::dataset::Batch;
use crate::models::{ModelConfig, Network, Pass};
use crate::nn::{self, Optimizer, Parameters};
use crate::predict::Model;
use candle_core::{DType, Tensor};

/// A network in training.
pub(super) struct Learner {
    /// Its sizes, the number of tags included.
    pub(super) config: ModelConfig,
    tags: Vec<String>,
    input_samples: usize,
    seed: u64,
    network: Box<dyn Network>,
    pub(super) parameters: Parameters,
    pub(super) optimizer: Optimizer,
}

/// What a step found out.
#[derive(Debug)]
pub(super) struct Learned {
    /// Binary cross entropy before the step.
    pub(super) loss: f64,
    /// Euclidean norm of all gradients together.
    pub(super) gradient_norm: f64,
    /// The network's answers before the step, `[clips, tags]`.
    pub(super) probabilities: Vec<f32>,
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
        let rate_hz = f64::from(network.input().sample_rate_hz());
        let input_samples = (recipe.input_secs * rate_hz).round() as usize;
        Ok(Self {
            config,
            tags,
            input_samples,
            seed: recipe.seed,
            network,
            parameters,
            optimizer: Optimizer::new(recipe.optimizer),
        })
    }

    /// The network.
    pub(super) fn network(&self) -> &dyn Network {
        &*self.network
    }

    /// Step number `step` of the run: forward, backward, optimizer. `None`, and nothing is changed, if the loss or a gradient is not
    /// finite.
    pub(super) fn step(
        &mut self,
        batch: &Batch,
        step: u64,
        learning_rate: f64,
    ) -> Result<Option<Learned>, Error> {
        let device = crate::device::cpu();
        let n_clips = batch.clips.len();
        let shape = (n_clips, batch.n_rows, batch.n_columns);
        let inputs = Tensor::from_slice(&batch.inputs, shape, &device)?;
        let labels = Tensor::from_slice(&batch.labels, (n_clips, batch.n_tags), &device)?;

        let pass = Pass::training(self.seed, step);
        let output = self.network.forward(&pass, &inputs)?;
        let loss = nn::bce_with_logits(&output.logits, &labels)?;
        let loss_value = f64::from(loss.tensor().to_scalar::<f32>()?);
        if !loss_value.is_finite() {
            return Ok(None);
        }
        let logits = output.logits.tensor().flatten_all()?.to_vec1::<f32>()?;
        let gradients = nn::backward(&loss)?;
        let gradient_norm = gradients.norm()?;
        if !gradient_norm.is_finite() {
            return Ok(None);
        }
        self.optimizer
            .step(&self.parameters, &gradients, learning_rate)?;
        let sigmoid = |logit: f32| 1.0 / (1.0 + (-logit).exp());
        Ok(Some(Learned {
            loss: loss_value,
            gradient_norm,
            probabilities: logits.into_iter().map(sigmoid).collect(),
        }))
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
