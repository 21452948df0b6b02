//! Every network as ONNX, run by onnxruntime. Where that is not installed (`pip install onnxruntime`; another Python than `python3` by
//! `ATTUNE_PYTHON`), the comparison is skipped loudly.

use attune_core::models::{Pass, presets};
use attune_core::nn::{Parameters, probabilities};
use attune_core::predict::Model;
use attune_core::rng::{Address, Purpose};
use attune_core::weights;
use attune_tests::python;
use candle_core::{DType, Device, Tensor};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

/// Numbers in a range, the same for the same name.
fn draw(name: &str, dims: &[usize], low: f32, high: f32) -> Tensor {
    let mut stream = Address::new(attune_core::rng::hash_name(name), Purpose::Check, 0).stream();
    let n = dims.iter().product();
    let values: Vec<f32> = (0..n).map(|_| stream.range(low, high)).collect();
    Tensor::from_vec(values, dims, &Device::Cpu).unwrap()
}

/// A network as if it had been trained: no norm is left at ones and zeros, and what distinguishes sounds does not fade from layer to
/// layer (He et al. 2015: weights √6 times as wide as PyTorch's).
fn model(preset: &presets::Preset) -> Model {
    let config = preset.config.clone();
    let parameters = Parameters::initialise(3, DType::F32);
    config.build(parameters.var_builder()).unwrap();
    let mut tensors = parameters.to_map();
    for (name, tensor) in &mut tensors {
        let dims = tensor.dims().to_vec();
        let around = match name.rsplit('.').next().unwrap() {
            "running_mean" | "bias" => Some((-0.2, 0.2)),
            "running_var" => Some((0.5, 2.0)),
            "weight" if dims.len() == 1 => Some((0.7, 1.3)),
            _ => None,
        };
        if let Some((low, high)) = around {
            *tensor = draw(name, &dims, low, high);
        } else if dims.len() > 1 {
            *tensor = (&*tensor * 6f64.sqrt()).unwrap();
        }
    }
    parameters.load_from(&tensors).unwrap();
    let tags = (0..config.n_tags()).map(|i| format!("tag {i}")).collect();
    let rate_hz = config.input().sample_rate_hz();
    let n_samples = (preset.input_secs * f64::from(rate_hz)) as usize;
    Model::from_parameters(config, tags, n_samples, &parameters).unwrap()
}

/// Inputs of two lengths, two sounds each, and the model's answers.
fn write_answers(model: &Model, secs: f64, path: &Path) {
    let input = model.config.input();
    let n_samples = (secs * f64::from(input.sample_rate_hz())) as usize;
    let mut tensors = BTreeMap::new();
    // The other length is an odd one.
    for (k, n_samples) in [n_samples, n_samples + n_samples / 7 + 1]
        .into_iter()
        .enumerate()
    {
        let waves: Vec<Vec<f32>> = ["one", "two"]
            .iter()
            .map(|name| draw(name, &[n_samples], -0.5, 0.5).to_vec1().unwrap())
            .collect();
        let waves: Vec<&[f32]> = waves.iter().map(Vec::as_slice).collect();
        let x = model.inputs(&waves).unwrap();
        let (logits, _) = model.forward(&x, &Pass::inference()).unwrap();
        // A waveform has no axis of rows in ONNX.
        let x = if input.n_rows() == 1 {
            x.squeeze(1).unwrap()
        } else {
            x
        };
        tensors.insert(format!("x.{k}"), x);
        tensors.insert(
            format!("probabilities.{k}"),
            probabilities(&logits).unwrap(),
        );
        tensors.insert(format!("logits.{k}"), logits);
    }
    weights::write(path, &tensors, &BTreeMap::new()).unwrap();
}

#[test]
fn onnxruntime_answers_as_every_network_does() {
    let folder = tempfile::tempdir().unwrap();
    let names = presets::networks();
    for name in &names {
        let preset = presets::preset(name).unwrap();
        let model = model(&preset);
        let path = folder.path().join(name).with_extension("onnx");
        model.export(&path).unwrap();
        assert!(path.metadata().unwrap().len() > 4 * model.parameters().n_weights() as u64);
        write_answers(
            &model,
            preset.input_secs,
            &path.with_extension("safetensors"),
        );
    }
    let Some(python) = python::with("onnxruntime") else {
        return;
    };
    let lines = python::printed(&python, "onnxruntime/compare.py", folder.path());
    assert_eq!(lines.lines().count(), names.len(), "{lines}");
    for line in lines.lines() {
        let found: serde_json::Value = serde_json::from_str(line).unwrap();
        let name = &found["name"];
        let (p, logit) = (&found["probabilities"], &found["logits"]);
        let spread = &found["spread"];
        println!("{name}: probabilities {p} apart, logits {logit}, those of two sounds {spread}");
        // That two numbers agree says something only where others do not.
        assert!(spread.as_f64().unwrap() > 100.0 * logit.as_f64().unwrap());
        assert!(
            p.as_f64().unwrap() < 1e-4,
            "{name}: probabilities {p} apart"
        );
        assert_eq!(found["tags"][49], "tag 49");
    }
}

#[test]
fn a_model_is_exported_by_name_and_a_name_without_a_format_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let export = |out: &str| {
        Command::new(env!("CARGO_BIN_EXE_attune-under-test"))
            .arg("--workspace")
            .arg(folder.path())
            .args(["export", "tunes"])
            .arg(folder.path().join(out))
            .output()
            .unwrap()
    };
    assert!(export("model.onnx").status.success());
    assert!(folder.path().join("model.onnx").metadata().unwrap().len() > 100_000);
    assert!(export("model.safetensors").status.success());
    let back = Model::load(&folder.path().join("model.safetensors")).unwrap();
    assert!(back.tags.contains(&"piano".to_owned()), "{:?}", back.tags);
    let refused = export("model.pt");
    assert_eq!(refused.status.code(), Some(2));
    let text = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(text.contains(".safetensors or .onnx"), "{text}");
}
