//! The networks against PyTorch's own results, from the waveform.

use crate::data::{self, distance, json, read, wave};
use attune_core::models::Pass;
use attune_core::nn::probabilities;
use attune_core::predict::Model;
use candle_core::Tensor;
use std::collections::BTreeMap;

/// The model of a reference network, through a file as a user has it.
fn model(name: &str) -> Model {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.safetensors");
    attune_core::weights::write(&path, &data::weights(name), &BTreeMap::new()).unwrap();
    Model::load(&path).unwrap()
}

/// Parameters, probabilities and attention agree at the length of the golden data and at others.
///
/// The float32 rounding of PyTorch itself against float64 is up to 1.1e-4 for logits, 2.8e-5 for probabilities and 6e-5 for
/// attention (manifests): a few times that is allowed.
fn check(name: &str, n_layers: usize, lengths: &[usize]) {
    if data::folder().is_none() {
        return;
    }
    let manifest = json(&format!("models/{name}/manifest.json"));
    let golden = read(&format!("models/{name}/golden.safetensors"));
    let model = model(name);
    assert_eq!(
        model.parameters().n_weights() as u64,
        manifest["parameters"].as_u64().unwrap()
    );
    let rows = manifest["input"]["rows"].as_array().unwrap();
    let run = |length: usize| -> (Tensor, Vec<Tensor>) {
        let waves: Vec<Vec<f32>> = rows.iter().map(|row| wave(row, length)).collect();
        let waves: Vec<&[f32]> = waves.iter().map(Vec::as_slice).collect();
        let pass = Pass {
            record_attention: true,
            ..Pass::inference()
        };
        model
            .forward(&model.inputs(&waves).unwrap(), &pass)
            .unwrap()
    };

    let (logits, attention) = run(rows[0]["length"].as_u64().unwrap() as usize);
    let apart = distance(&logits, &golden["logits"]);
    println!("{name}: logits {apart:e} apart");
    assert!(apart < 5e-4, "logits {apart:e} apart");
    let apart = distance(&probabilities(&logits).unwrap(), &golden["probs"]);
    println!("{name}: probabilities {apart:e} apart");
    assert!(apart < 1e-4, "probabilities {apart:e} apart");
    assert_eq!(attention.len(), n_layers);
    for (layer, weights) in attention.iter().enumerate() {
        let first = weights.narrow(0, 0, 1).unwrap();
        let apart = distance(&first, &golden[&format!("attention.layer{layer}")]);
        println!("{name}: attention of layer {layer} {apart:e} apart");
        assert!(apart < 5e-4, "attention of layer {layer} {apart:e} apart");
    }

    let stored = golden.keys().filter(|key| key.starts_with("probs.length_"));
    assert_eq!(stored.count(), lengths.len(), "every stored length");
    for length in lengths {
        let (logits, _) = run(*length);
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
    check("mtt_teacher", 4, &[81_364, 220_500]);
}

#[test]
fn the_student_answers_as_in_pytorch() {
    check("mtt_student", 4, &[81_364, 220_500]);
}

#[test]
fn fcn_answers_as_in_pytorch() {
    check("fcn", 0, &[]);
}

#[test]
fn musicnn_answers_as_in_pytorch() {
    check("musicnn", 0, &[80_000]);
}

#[test]
fn crnn_answers_as_in_pytorch() {
    check("crnn", 0, &[160_000]);
}

#[test]
fn the_sample_level_networks_answer_as_in_pytorch() {
    check("samplecnn", 0, &[]);
    check("samplecnn_se", 0, &[]);
}

#[test]
fn cnnsa_answers_as_in_pytorch() {
    check("cnnsa", 2, &[59_049]);
}

#[test]
fn harmonic_cnn_answers_as_in_pytorch() {
    check("harmonic_cnn", 0, &[240_000]);
}

#[test]
fn the_short_chunk_networks_answer_as_in_pytorch() {
    check("short_chunk_cnn", 0, &[118_098]);
    check("short_chunk_cnn_res", 0, &[118_098]);
}

/// FCN, CRNN and Musicnn with the weights that were published, on real music: the first chunk of each clip, and with the short
/// chunks of Musicnn the mean of 16.
#[test]
fn published_weights_give_the_predictions_of_the_published_code() {
    let Some(folder) = data::folder() else {
        return;
    };
    let manifest = json("models/pretrained/manifest.json");
    let golden = read("models/pretrained/predictions.safetensors");
    let clips = manifest["input"]["clips"].as_array().unwrap();
    let models = manifest["models"].as_object().unwrap();
    assert_eq!(models.len(), 8);
    for (name, about) in models {
        let file = folder.join(format!("models/pretrained/{name}.safetensors"));
        let model = Model::load(&file).unwrap();
        let network = name.split('_').nth(1).unwrap();
        let length = manifest["chunk_length_samples"][network].as_u64().unwrap() as usize;
        assert_eq!(model.input_samples, length, "{name}");
        let n_chunks = if network == "musicnn" { 16 } else { 1 };
        let (mut first, mut average) = (Vec::new(), Vec::new());
        for clip in clips {
            let clip = clip.as_str().unwrap();
            let hop = &about["chunk_hop_samples"][clip.trim_end_matches("_16k")];
            let hop = hop.as_u64().unwrap() as usize;
            let row = serde_json::json!({ "tensor": clip, "offset": 0 });
            let whole = wave(&row, (n_chunks - 1) * hop + length);
            let chunks: Vec<&[f32]> = (0..n_chunks).map(|i| &whole[i * hop..][..length]).collect();
            let found = model.probabilities(&chunks).unwrap();
            average.extend((0..model.tags.len()).map(|tag| {
                let sum: f32 = found.iter().map(|chunk| chunk[tag]).sum();
                sum / n_chunks as f32
            }));
            first.extend(found[0].clone());
        }
        let check = |found: Vec<f32>, key: &str| {
            let expected = &golden[&format!("{name}.{key}")];
            let found = Tensor::from_vec(found, expected.dims(), expected.device()).unwrap();
            let apart = distance(&found, expected);
            println!("{name}, {key}: probabilities {apart:e} apart");
            assert!(apart < 1e-4, "{name}, {key}: {apart:e} apart");
        };
        check(first, "first");
        if n_chunks == 16 {
            check(average, "average");
        }
    }
}
