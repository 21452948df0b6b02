//! The networks against PyTorch's own results, from the waveform.

mod reference;

use attune_core::models::Pass;
use attune_core::nn::probabilities;
use attune_core::predict::Model;
use candle_core::Tensor;
use reference::{distance, json, read, wave};
use std::collections::BTreeMap;

/// The model of a reference network, through a file as a user has it.
fn model(name: &str) -> Model {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.safetensors");
    attune_core::weights::write(&path, &reference::weights(name), &BTreeMap::new()).unwrap();
    Model::load(&path).unwrap()
}

/// Probabilities and attention agree at the length of the golden data and at others. The logits' float32 rounding against float64
/// in PyTorch itself is 5e-5 to 7e-5 (manifest), the probabilities' 1e-5, attention's 6e-5: a few times that is allowed.
fn check_transformer(name: &str) {
    if reference::folder().is_none() {
        return;
    }
    let manifest = json(&format!("models/{name}/manifest.json"));
    let golden = read(&format!("models/{name}/golden.safetensors"));
    let model = model(name);
    let rows = manifest["input"]["rows"].as_array().unwrap();
    let run = |length: usize| -> (Tensor, Vec<Tensor>) {
        let waves: Vec<Vec<f32>> = rows.iter().map(|row| wave(row, length)).collect();
        let waves: Vec<&[f32]> = waves.iter().map(Vec::as_slice).collect();
        let pass = Pass {
            record_attention: true,
            ..Pass::inference()
        };
        model
            .forward(&model.log_mels(&waves).unwrap(), &pass)
            .unwrap()
    };

    let (logits, attention) = run(rows[0]["length"].as_u64().unwrap() as usize);
    let apart = distance(&logits, &golden["logits"]);
    println!("{name}: logits {apart:e} apart");
    assert!(apart < 5e-4, "logits {apart:e} apart");
    let apart = distance(&probabilities(&logits).unwrap(), &golden["probs"]);
    println!("{name}: probabilities {apart:e} apart");
    assert!(apart < 1e-4, "probabilities {apart:e} apart");
    for (layer, weights) in attention.iter().enumerate() {
        let first = weights.narrow(0, 0, 1).unwrap();
        let apart = distance(&first, &golden[&format!("attention.layer{layer}")]);
        println!("{name}: attention of layer {layer} {apart:e} apart");
        assert!(apart < 5e-4, "attention of layer {layer} {apart:e} apart");
    }
    assert_eq!(attention.len(), 4);

    for length in [81_364, 220_500] {
        let (logits, _) = run(length);
        let expected = &golden[&format!("probs.length_{length}")];
        let apart = distance(&probabilities(&logits).unwrap(), expected);
        println!("{name}: probabilities of {length} samples {apart:e} apart");
        assert!(
            apart < 1e-4,
            "{length} samples: probabilities {apart:e} apart"
        );
    }
}

#[test]
fn the_teacher_answers_as_in_pytorch() {
    check_transformer("mtt_teacher");
}

#[test]
fn the_student_answers_as_in_pytorch() {
    check_transformer("mtt_student");
}
