//! What a run will cost, measured on this machine before it begins.

use super::noisy_student::Teacher;
use super::streams::Lengths;
use super::tracks::open_tracks;
use super::{Error, TrainConfig, open_model, timelines};
use crate::dataset::Split;
use crate::features::Input;
use crate::job::Job;
use crate::machine;
use crate::models::Pass;
use crate::nn::{self, Optimizer, Parameters};
use crate::rng::{Address, Purpose};
use crate::workspace::Workspace;
use candle_core::{DType, Tensor};
use serde::Serialize;
use std::sync::Arc;
use std::time::Instant;

/// What a run will cost.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Estimate {
    /// Trainable parameters.
    pub parameters: u64,
    /// Memory of weights, gradients, optimizer and recorded activations, in bytes.
    pub memory_bytes: u64,
    /// Memory that the machine, or the GPU that is computed on, has free, in bytes, where the system tells.
    pub available_bytes: Option<u64>,
    /// Steps in an epoch.
    pub steps_per_epoch: u32,
    /// Time of one step, in seconds, features and loading not included.
    pub seconds_per_step: f64,
    /// Time of one epoch of steps, in seconds, validation not included.
    pub seconds_per_epoch: f64,
    /// What the user should know before starting.
    pub warnings: Vec<String>,
}

/// Steps that are measured; the fastest counts, because the first warms up and others may share the machine.
const STEPS: u64 = 3;

/// Measures a training step of `config` on noise.
///
/// Opens the data set to count its tracks; nothing is decoded.
pub fn estimate(config: &TrainConfig, workspace: &Workspace, job: &Job) -> Result<Estimate, Error> {
    let config = &config.clone().in_full(workspace)?;
    config.check()?;
    config.check_network()?;
    let (dataset, _) = open_tracks(config, workspace, job)?;
    if let Ok(valid_idxs) = dataset.split(Split::Valid) {
        timelines::choose(config, &dataset, &valid_idxs)?;
    }
    let (labelled, unlabelled) = config.clips();
    let n_train = dataset.split(Split::Train)?.len();
    let mut steps_per_epoch = (n_train / labelled) as u32;
    let (mut seconds_of_teacher, mut weights_of_teacher, mut n_unlabelled) = (0.0, 0, 0);
    if let Some(student) = &config.noisy_student {
        n_unlabelled = dataset.split(Split::Unlabelled)?.len();
        steps_per_epoch = steps_per_epoch.max((n_unlabelled / unlabelled) as u32);
        let model = Arc::new(open_model(&student.teacher, workspace)?);
        weights_of_teacher = model.parameters().n_weights() as u64;
        let teacher = Teacher::new(model, None, &dataset, config.input_secs)?;
        if !student.precomputed {
            seconds_of_teacher = seconds_to_answer(&teacher, unlabelled, config)?;
        }
    }
    let model_config = config.model.resolve(dataset.n_tags())?;
    let parameters = Parameters::initialise(config.seed, DType::F32);
    let network = model_config.build(parameters.var_builder())?;
    let place = crate::device::place(config.precision)?;
    parameters.move_to(&place)?;
    let input = network.input();
    let inputs = noise(&input, config.batch_size, config)?;
    let labels = Tensor::zeros(
        (config.batch_size, dataset.n_tags()),
        DType::F32,
        &crate::device::cpu(),
    )?;
    let mut optimizer = Optimizer::new(config.optimizer);
    let (mut seconds_per_step, mut activation_bytes) = (f64::INFINITY, 0);
    for step in 0..STEPS {
        job.check()?;
        job.report(step, STEPS, "measuring a step");
        let begun = Instant::now();
        let pass = Pass::training(config.seed, step).beside(&parameters);
        let output = network.forward(&pass, &inputs)?;
        let loss = nn::bce_with_logits(&output.logits, &labels)?;
        activation_bytes = pass.tape.recorded_bytes();
        let gradients = nn::backward(&loss)?;
        optimizer.step(&parameters, &gradients, config.learning_rate)?;
        place.wait()?;
        seconds_per_step = begun.elapsed().as_secs_f64().min(seconds_per_step);
    }
    seconds_per_step += seconds_of_teacher;

    let n_parameters = parameters.n_weights() as u64;
    // Weights, gradients, two moments, the published snapshot; the teacher's weights; what the forward pass keeps, and in the largest residual block
    // (about two thirds of that, three maps) two maps of gradients on the way back.
    let memory_bytes =
        n_parameters * 4 * 5 + weights_of_teacher * 4 + activation_bytes as u64 * 3 / 2;
    let available_bytes = match place.memory()? {
        Some((free, _)) => Some(free as u64),
        None => machine::available_memory(),
    };
    let mut warnings = Vec::new();
    if let Some(available) = available_bytes
        && memory_bytes > available
    {
        warnings.push(format!(
            "this needs about {:.1} GiB and {:.1} GiB are free: choose a smaller batch or a shorter input",
            gibibytes(memory_bytes),
            gibibytes(available)
        ));
    }
    if let Err(problem) = Lengths::of(config, n_train, n_unlabelled) {
        warnings.push(problem.to_string());
    }
    if let Err(problem) = dataset.split(Split::Valid) {
        warnings.push(problem.to_string());
    }
    Ok(Estimate {
        parameters: n_parameters,
        memory_bytes,
        available_bytes,
        steps_per_epoch,
        seconds_per_step,
        seconds_per_epoch: seconds_per_step * f64::from(steps_per_epoch),
        warnings,
    })
}

/// Inputs `[n_clips, rows, columns]` of a network of this kind, of clips as long as the recipe's.
fn noise(input: &Input, n_clips: usize, config: &TrainConfig) -> Result<Tensor, Error> {
    let n_samples = (config.input_secs * f64::from(input.sample_rate_hz())).round() as usize;
    let shape = (n_clips, input.n_rows(), input.n_columns(n_samples));
    let mut noise = Address::new(config.seed, Purpose::Check, 0).stream();
    // Decibels, power or samples.
    let (lowest, highest) = match input {
        Input::LogMel(_) => (-60.0, 20.0),
        Input::Spectrum(_) => (0.0, 100.0),
        Input::Waveform { .. } => (-1.0, 1.0),
    };
    let values: Vec<f32> = (0..shape.0 * shape.1 * shape.2)
        .map(|_| noise.range(lowest, highest))
        .collect();
    Ok(Tensor::from_vec(values, shape, &crate::device::cpu())?)
}

fn seconds_to_answer(
    teacher: &Teacher,
    n_clips: usize,
    config: &TrainConfig,
) -> Result<f64, Error> {
    let inputs = noise(&teacher.input(), n_clips, config)?;
    let mut fastest = f64::INFINITY;
    for _ in 0..STEPS {
        let begun = Instant::now();
        teacher.model().forward(&inputs, &Pass::inference())?;
        fastest = begun.elapsed().as_secs_f64().min(fastest);
    }
    Ok(fastest)
}

fn gibibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 30)
}
