//! What the golden tests share: finding the reference data, reading it, and saying how far apart two results are.
//!
//! The data are PyTorch's own results; they lie beside the repository (`../shared/reference`) and are too big for it. Where they are
//! missing a test says so and passes.

use candle_core::{Device, Tensor};
use safetensors::{Dtype, SafeTensors};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Tensors by name.
pub type Tensors = BTreeMap<String, Tensor>;

/// The folder of reference data; `None` (and a word on stderr) where there is none.
pub fn folder() -> Option<PathBuf> {
    attune_tests::shared("reference")
}

/// The tensors of a safetensors file below the reference folder.
pub fn read(path: &str) -> Tensors {
    attune_core::weights::read(&folder().unwrap().join(path))
        .unwrap()
        .tensors
}

/// A JSON file below the reference folder.
pub fn json(path: &str) -> serde_json::Value {
    serde_json::from_slice(&std::fs::read(folder().unwrap().join(path)).unwrap()).unwrap()
}

/// A clip of the reference audio, by its manifest's row (`tensor`, `offset`), of a length of choice.
pub fn wave(row: &serde_json::Value, length: usize) -> Vec<f32> {
    let bytes = std::fs::read(folder().unwrap().join("audio/audio.safetensors")).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let view = file.tensor(row["tensor"].as_str().unwrap()).unwrap();
    assert_eq!(view.dtype(), Dtype::I16);
    let offset = row["offset"].as_u64().unwrap() as usize;
    view.data()[2 * offset..2 * (offset + length)]
        .chunks_exact(2)
        .map(|bytes| f32::from(i16::from_le_bytes([bytes[0], bytes[1]])) / 32768.0)
        .collect()
}

/// The whole state dict of a reference network: its small tensors, and the large ones by formula (`make_weights.py` there).
pub fn weights(model: &str) -> Tensors {
    let mut tensors = read(&format!("models/{model}/small.safetensors"));
    let formula = &json(&format!("models/{model}/manifest.json"))["by_formula"];
    let name = formula["name"].as_str().unwrap();
    for (key, about) in formula["tensors"].as_object().unwrap() {
        let shape: Vec<usize> = about["shape"]
            .as_array()
            .unwrap()
            .iter()
            .map(|n| n.as_u64().unwrap() as usize)
            .collect();
        let scale = about["scale"].as_f64().unwrap() as f32;
        let hash = attune_core::rng::hash_name(&format!("{name}/{key}"));
        let values: Vec<f32> = (1..=shape.iter().product::<usize>() as u64)
            .map(|i| {
                let mut z = hash.wrapping_add(i.wrapping_mul(0x9E37_79B9_7F4A_7C15));
                z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
                z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
                z ^= z >> 31;
                let unit = (z >> 40) as f64 * 2f64.powi(-23) - 1.0;
                (f64::from(scale) * unit) as f32
            })
            .collect();
        tensors.insert(
            key.clone(),
            Tensor::from_vec(values, shape, &Device::Cpu).unwrap(),
        );
    }
    tensors
}

/// The numbers of a tensor.
pub fn values(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

/// Largest absolute difference.
pub fn distance(found: &Tensor, expected: &Tensor) -> f32 {
    assert_eq!(found.dims(), expected.dims());
    values(found)
        .iter()
        .zip(values(expected))
        .fold(0f32, |worst, (a, b)| {
            let apart = (a - b).abs();
            // What is not a number is as far as can be.
            if apart.is_nan() {
                f32::INFINITY
            } else {
                worst.max(apart)
            }
        })
}

/// Largest absolute difference, in units of the largest expected absolute value.
pub fn relative_distance(found: &Tensor, expected: &Tensor) -> f32 {
    let largest = values(expected).iter().fold(0f32, |a, b| a.max(b.abs()));
    distance(found, expected) / largest.max(f32::MIN_POSITIVE)
}

/// Fails, naming `what`, if two tensors are further apart than `tolerance` of the largest expected value.
pub fn assert_close(found: &Tensor, expected: &Tensor, tolerance: f32, what: &str) {
    let apart = relative_distance(found, expected);
    assert!(
        apart <= tolerance,
        "{what}: {apart:e} apart, {tolerance:e} allowed"
    );
}
