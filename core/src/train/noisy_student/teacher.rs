//! The teacher: who answers for clips without labels.

use super::store;
use crate::dataset::{Batch, Dataset, Inputs, PcmCache};
use crate::features::Input;
use crate::job::Job;
use crate::models::{Network, Pass};
use crate::nn::{Parameters, Precision};
use crate::predict::{self, Model};
use crate::train::Error;
use crate::train::evaluation::places_of_tags;
use candle_core::{Device, Tensor};
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

/// Prefix of a changing teacher's tensors in a checkpoint.
const PREFIX: &str = "teacher.";

/// A model that labels clips. It has no gradient and no dropout.
pub(in crate::train) struct Teacher {
    model: Arc<Model>,
    /// Where the data set's tags stand in its answers.
    places: Vec<usize>,
    moving: Option<Moving>,
    /// Logits of whole tracks, if they were made before training.
    made_before: Option<HashMap<usize, Vec<f32>>>,
}

/// A teacher that follows its student.
struct Moving {
    decay: f64,
    parameters: Parameters,
    network: Box<dyn Network>,
}

impl Teacher {
    /// `model` as a teacher for the tags of `dataset` and clips of `clip_secs`; with `decay` one that follows its student.
    ///
    /// Fails if it does not know all tags of the data set, and if it cannot hear clips of that length.
    pub(in crate::train) fn new(
        model: Arc<Model>,
        decay: Option<f64>,
        dataset: &Dataset,
        clip_secs: f64,
    ) -> Result<Self, Error> {
        let places = places_of_tags(&model, dataset)?;
        let network = model.config.build(model.parameters().var_builder())?;
        let rate_hz = f64::from(model.sample_rate_hz());
        predict::check_length(&*network, (clip_secs * rate_hz).round() as usize)?;
        let moving = decay
            .map(|decay| -> Result<Moving, Error> {
                let parameters = model.parameters().snapshot()?;
                let network = model.config.build(parameters.var_builder())?;
                parameters.move_to(&crate::device::place(Precision::default())?)?;
                Ok(Moving {
                    decay,
                    parameters,
                    network,
                })
            })
            .transpose()?;
        Ok(Self {
            model,
            places,
            moving,
            made_before: None,
        })
    }

    /// What it takes in of a clip.
    pub(in crate::train) fn input(&self) -> Input {
        self.model.extractor().input().clone()
    }

    /// The model as it was in the beginning.
    pub(in crate::train) fn model(&self) -> &Arc<Model> {
        &self.model
    }

    /// Labels whole tracks before training, or takes these labels from the cache in `folder`.
    pub(in crate::train) fn label_tracks(
        &mut self,
        dataset: &Dataset,
        cache: &PcmCache,
        track_idxs: &[usize],
        folder: &Path,
        job: &Job,
    ) -> Result<(), Error> {
        let labels = store::label_tracks(&self.model, dataset, cache, track_idxs, folder, job)?;
        // Far out enough for f32, and finite.
        let logit = |p: f32| {
            let p = p.clamp(1e-6, 1.0 - 1e-6);
            (p / (1.0 - p)).ln()
        };
        let logits = labels.into_iter().map(|(track_idx, probabilities)| {
            let of_data = self.places.iter().map(|&at| logit(probabilities[at]));
            (track_idx, of_data.collect())
        });
        self.made_before = Some(logits.collect());
        Ok(())
    }

    /// Its logits for the clips of a batch, `[clips, tags of the data set]`.
    pub(in crate::train) fn logits(&self, batch: &Batch) -> Result<Vec<f32>, Error> {
        if let Some(made_before) = &self.made_before {
            let clips = batch.clips.iter();
            return Ok(clips
                .flat_map(|clip| made_before.get(&clip.track_idx).into_iter().flatten())
                .copied()
                .collect());
        }
        // The loader was asked for them.
        let Some(clean) = &batch.clean else {
            return Ok(Vec::new());
        };
        let inputs = to_tensor(clean, batch.clips.len())?;
        let pass = Pass::inference();
        let logits = match &self.moving {
            Some(moving) => moving
                .network
                .forward(&pass.beside(&moving.parameters), &inputs)?
                .logits
                .tensor()?
                .clone(),
            None => self.model.forward(&inputs, &pass)?.0,
        };
        let rows = logits.to_vec2::<f32>()?;
        Ok(rows
            .iter()
            .flat_map(|row| self.places.iter().map(|&at| row[at]))
            .collect())
    }

    /// Moves towards the student, if it is to.
    pub(in crate::train) fn follow(&self, student: &Parameters) -> Result<(), Error> {
        if let Some(moving) = &self.moving {
            moving.parameters.approach(student, 1.0 - moving.decay)?;
        }
        Ok(())
    }

    /// What of it changes in training, for a checkpoint.
    pub(in crate::train) fn to_map(&self) -> BTreeMap<String, Tensor> {
        let moving = self
            .moving
            .iter()
            .flat_map(|moving| moving.parameters.to_map());
        moving
            .map(|(name, tensor)| (format!("{PREFIX}{name}"), tensor))
            .collect()
    }

    /// Takes up what [`Self::to_map`] gave, if the run has a checkpoint already.
    pub(in crate::train) fn restore(&self, state: &BTreeMap<String, Tensor>) -> Result<(), Error> {
        if let Some(moving) = &self.moving
            && !state.is_empty()
        {
            let own = state.iter().filter_map(|(name, tensor)| {
                Some((name.strip_prefix(PREFIX)?.to_owned(), tensor.clone()))
            });
            moving.parameters.load_from(&own.collect())?;
        }
        Ok(())
    }
}

/// `[clips, rows, columns]`.
pub(in crate::train) fn to_tensor(inputs: &Inputs, n_clips: usize) -> Result<Tensor, Error> {
    let shape = (n_clips, inputs.n_rows, inputs.n_columns);
    Ok(Tensor::from_slice(&inputs.values, shape, &Device::Cpu)?)
}
