//! Training against PyTorch's own results: loss, gradients and Adam steps of a whole network.

use crate::data::{self, distance, json, read, relative_distance, values};
use attune_core::models::{Mode, ModelConfig, Pass};
use attune_core::nn::{self, Adam, AdamConfig, Parameters};
use candle_core::DType;

/// Loss and gradients of the first step, losses and parameters of five Adam steps, from the stored log-mel.
#[test]
fn a_small_transformer_trains_as_in_pytorch() {
    if data::folder().is_none() {
        return;
    }
    let manifest = json("training/mtt_small/manifest.json");
    let batch = read("training/mtt_small/batch.safetensors");
    let expected_gradients = read("training/mtt_small/gradients.safetensors");
    let noise: Vec<&str> = manifest["gradients_that_are_rounding_noise"]["tensors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|name| name.as_str().unwrap())
        .collect();
    let mut init = read("training/mtt_small/init.safetensors");
    let ModelConfig::MusicTaggingTransformer(mut config) =
        ModelConfig::recognise(&init, Some(4)).unwrap()
    else {
        panic!("another network");
    };
    config.dropout = 0.0;
    init.retain(|name, _| !name.starts_with("spec."));
    let parameters = Parameters::from_map(&init).unwrap();
    let network = ModelConfig::MusicTaggingTransformer(config)
        .build(parameters.var_builder())
        .unwrap();
    assert_eq!(parameters.n_weights(), 164_452);

    let mut adam = Adam::new(AdamConfig::default());
    let losses: Vec<f64> = manifest["losses_before_each_step"]
        .as_array()
        .unwrap()
        .iter()
        .map(|loss| loss.as_f64().unwrap())
        .collect();
    for (step, expected) in losses.iter().enumerate() {
        let pass = Pass {
            mode: Mode::Train {
                seed: 0,
                step: step as u64,
            },
            ..Pass::training(0, step as u64)
        };
        let output = network.forward(&pass, &batch["logmel"]).unwrap();
        let loss = nn::bce_with_logits(&output.logits, &batch["targets"]).unwrap();
        let found = f64::from(loss.tensor().unwrap().to_scalar::<f32>().unwrap());
        println!(
            "loss before step {}: {:e} apart, relative",
            step + 1,
            (found - expected).abs() / expected
        );
        assert!(
            (found - expected).abs() < 1e-5 * expected,
            "step {step}: loss {found} for {expected}"
        );
        if step == 0 {
            let probabilities = nn::probabilities(output.logits.tensor().unwrap()).unwrap();
            assert!(distance(&probabilities, &batch["probs_step1"]) < 1e-5);
        }
        let gradients = nn::backward(&loss).unwrap();
        if step == 0 {
            let mut worst = (0f32, String::new());
            for (name, expected) in &expected_gradients {
                let found = gradients
                    .get(name)
                    .unwrap()
                    .unwrap_or_else(|| panic!("{name} has no gradient"));
                if noise.contains(&name.as_str()) {
                    let largest = values(found).iter().fold(0f32, |a, b| a.max(b.abs()));
                    assert!(
                        largest < 1e-6,
                        "{name}: {largest:e} where the gradient is 0"
                    );
                    continue;
                }
                let apart = relative_distance(found, expected);
                if apart > worst.0 {
                    worst = (apart, name.clone());
                }
            }
            println!(
                "gradients: at most {:e} apart, relative ({})",
                worst.0, worst.1
            );
            assert!(worst.0 < 1e-4, "{}: gradient {:e} apart", worst.1, worst.0);
        }
        adam.step(&parameters, &gradients, 1e-4).unwrap();
        let after = match step {
            0 => read("training/mtt_small/after1.safetensors"),
            4 => read("training/mtt_small/after5.safetensors"),
            _ => continue,
        };
        let mut worst = (0f32, String::new());
        for (name, expected) in &after {
            let found = parameters.get(name).unwrap();
            if found.dtype() != DType::F32 {
                assert_eq!(
                    found.to_scalar::<i64>().unwrap(),
                    expected.to_scalar::<i64>().unwrap()
                );
                continue;
            }
            // Biases before a batch norm walk at random by up to the learning rate in PyTorch, and running means with them.
            if noise.contains(&name.as_str()) || name.ends_with("running_mean") {
                let apart = distance(&found, expected);
                assert!(
                    apart <= 1e-4 * (step + 1) as f32 * 1.01,
                    "{name}: {apart:e} apart"
                );
                continue;
            }
            let apart = relative_distance(&found, expected);
            if apart > worst.0 {
                worst = (apart, name.clone());
            }
        }
        println!(
            "parameters after step {}: at most {:e} apart, relative ({})",
            step + 1,
            worst.0,
            worst.1
        );
        assert!(
            worst.0 < 1e-3,
            "{}: {:e} apart after step {}",
            worst.1,
            worst.0,
            step + 1
        );
    }
}
