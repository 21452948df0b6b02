//! One step of a noisy student against PyTorch's: pseudo-labels, both losses, gradients, running statistics.

use crate::data::{self, distance, json, read, relative_distance, values, wave};
use attune_core::models::{ModelConfig, Network, Pass};
use attune_core::nn::{self, Gradients, Parameters};
use attune_core::predict::Model;
use attune_core::train::{Halves, Losses, Passes, losses};
use candle_core::{Device, Tensor};
use std::collections::BTreeMap;

const FOLDER: &str = "training/noisy_student";

fn network(file: &str, dropout: f32) -> (Parameters, Box<dyn Network>) {
    let mut tensors = read(file);
    let ModelConfig::MusicTaggingTransformer(mut config) =
        ModelConfig::recognise(&tensors, Some(4)).unwrap()
    else {
        panic!("another network");
    };
    config.dropout = dropout;
    tensors.retain(|name, _| !name.starts_with("spec."));
    let parameters = Parameters::from_map(&tensors).unwrap();
    let network = ModelConfig::MusicTaggingTransformer(config)
        .build(parameters.var_builder())
        .unwrap();
    (parameters, network)
}

/// A student's first step in one of both ways, and its parameters after the forward pass.
fn step(
    batch: &BTreeMap<String, Tensor>,
    targets: &Tensor,
    passes: Passes,
) -> (Losses, Gradients, Parameters) {
    let (parameters, student) = network("training/mtt_small/init.safetensors", 0.0);
    let both = &batch["logmel_labelled_and_augmented"];
    let weights = Tensor::full(1f32 / 100.0, (2, 50), &Device::Cpu).unwrap();
    let halves = Halves {
        labelled: &both.narrow(0, 0, 2).unwrap(),
        labels: &batch["targets"],
        unlabelled: &both.narrow(0, 2, 2).unwrap(),
        targets,
        weights: &weights,
    };
    let found = losses(&*student, &Pass::training(0, 0), passes, halves).unwrap();
    let gradients = nn::backward(&found.total).unwrap();
    (found, gradients, parameters)
}

fn check_running_statistics(parameters: &Parameters, batch: &BTreeMap<String, Tensor>, mode: &str) {
    let mut n_compared = 0;
    for (name, expected) in batch {
        let Some(name) = name.strip_prefix(&format!("{mode}.")) else {
            continue;
        };
        if name.contains(".running_") {
            let apart = relative_distance(&parameters.get(name).unwrap(), expected);
            assert!(apart < 1e-4, "{mode} {name}: {apart:e} apart");
            n_compared += 1;
        }
    }
    assert_eq!(n_compared, 16, "{mode}");
}

fn check_losses(found: &Losses, manifest: &serde_json::Value, mode: &str) {
    let scalar = |value: &nn::Value| f64::from(value.tensor().unwrap().to_scalar::<f32>().unwrap());
    let results = &manifest["results"][mode];
    for (name, value) in [("l1", &found.supervised), ("l2", &found.semi_supervised)] {
        let expected = results["float64_from_stored_logmel"][name]
            .as_f64()
            .unwrap();
        let apart = (scalar(value) - expected).abs() / expected;
        println!("{mode} {name}: {apart:e} apart, relative");
        assert!(apart < 1e-5, "{mode} {name}: {apart:e}");
    }
    let sum = scalar(&found.supervised) + scalar(&found.semi_supervised);
    assert!((scalar(&found.total) - sum).abs() < 1e-6);
}

#[test]
fn a_noisy_students_step_is_that_of_pytorch_in_one_pass_and_in_two() {
    if data::folder().is_none() {
        return;
    }
    let manifest = json(&format!("{FOLDER}/manifest.json"));
    let batch = read(&format!("{FOLDER}/batch.safetensors"));
    let targets = &batch["teacher_soft_labels"];

    let (found, gradients, parameters) = step(&batch, targets, Passes::One);
    check_losses(&found, &manifest, "concatenated");
    check_running_statistics(&parameters, &batch, "concatenated");
    let answers = nn::probabilities(found.unlabelled_logits.tensor().unwrap()).unwrap();
    assert!(distance(&answers, &batch["concatenated.student_on_augmented"]) < 1e-5);
    let expected = read(&format!("{FOLDER}/concatenated.gradients.safetensors"));
    let noise = manifest["results"]["concatenated"]["gradients_that_are_rounding_noise"]
        .as_array()
        .unwrap();
    let mut worst = 0f32;
    for (name, expected) in &expected {
        let found = gradients.get(name).unwrap().unwrap();
        if noise.iter().any(|noisy| noisy == name.as_str()) {
            assert!(values(found).iter().all(|x| x.abs() < 1e-5), "{name}");
            continue;
        }
        worst = worst.max(relative_distance(found, expected));
    }
    println!("gradients in one pass: at most {worst:e} apart, relative");
    assert!(worst < 1e-4, "{worst:e}");

    let (found, gradients, parameters) = step(&batch, targets, Passes::Two);
    check_losses(&found, &manifest, "separate");
    check_running_statistics(&parameters, &batch, "separate");
    let mut worst = 0f32;
    let mut n_compared = 0;
    for (name, expected) in &batch {
        let Some(name) = name.strip_prefix("separate.gradient_norm.") else {
            continue;
        };
        if noise.iter().any(|noisy| noisy == name) {
            continue;
        }
        let squares = values(gradients.get(name).unwrap().unwrap())
            .into_iter()
            .map(|x| x * x);
        let norm = squares.sum::<f32>().sqrt();
        let expected = values(expected)[0];
        let apart = (norm - expected).abs() / expected;
        // One number before the first block's ReLU lies within rounding of zero. On which side it falls changes the gradients
        // from there back, and no others.
        let is_before = ["frontend.input_bn.", "frontend.layer1."];
        let bound = if is_before.iter().any(|part| name.starts_with(part)) {
            1e-3
        } else {
            1e-4
        };
        assert!(apart < bound, "{name}: {apart:e}");
        worst = worst.max(apart);
        n_compared += 1;
    }
    println!("norms of {n_compared} gradients in two passes: at most {worst:e} apart, relative");
    assert!(n_compared > 40);
}

/// From the waveform, so that rounding in the log-mel counts too.
#[test]
fn the_teachers_answers_to_the_clean_clips_are_pytorchs() {
    if data::folder().is_none() {
        return;
    }
    let manifest = json(&format!("{FOLDER}/manifest.json"));
    let batch = read(&format!("{FOLDER}/batch.safetensors"));
    let (parameters, _) = network(&format!("{FOLDER}/teacher.safetensors"), 0.1);
    let config = ModelConfig::recognise(&parameters.to_map(), Some(4)).unwrap();
    let tags = (0..50).map(|i| format!("tag {i}")).collect();
    let rows = manifest["input"]["unlabelled"].as_array().unwrap();
    let waves: Vec<Vec<f32>> = rows
        .iter()
        .map(|row| wave(row, row["length"].as_u64().unwrap() as usize))
        .collect();
    let teacher = Model::from_parameters(config, tags, waves[0].len(), &parameters).unwrap();
    let waves: Vec<&[f32]> = waves.iter().map(Vec::as_slice).collect();
    let answers = teacher.probabilities(&waves).unwrap().concat();
    let expected = values(&batch["teacher_soft_labels"]);
    assert_eq!(answers.len(), expected.len());
    let apart = answers.iter().zip(&expected);
    let worst = apart.fold(0f32, |worst, (a, b)| worst.max((a - b).abs()));
    println!("the teacher's answers: at most {worst:e} apart");
    assert!(worst < 1e-4, "{worst:e}");
}
