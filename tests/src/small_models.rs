//! Untrained networks, small enough for tests, as files of weights.
#![expect(clippy::unwrap_used, reason = "a test without its model cannot go on")]

use attune_core::models::{ModelConfig, presets};
use attune_core::nn::Parameters;
use attune_core::predict::Model;
use candle_core::DType;
use std::path::Path;

/// The preset `tiny`.
///
/// # Panics
/// If there is none.
pub fn tiny() -> ModelConfig {
    presets::preset("tiny").unwrap().config
}

/// A small network that hears at another rate than `tiny`.
///
/// # Panics
/// If its preset is not there.
pub fn at_another_rate() -> ModelConfig {
    let mut config = presets::preset("musicnn").unwrap().config;
    if let ModelConfig::Musicnn(config) = &mut config {
        (config.n_tall, config.n_long) = (2, 2);
        (config.back_end_width, config.dense_width) = (4, 8);
    }
    config
}

/// Writes a network with random weights that hears `secs` seconds at once.
///
/// # Panics
/// If it cannot be written.
pub fn write(path: &Path, config: ModelConfig, tags: &[&str], secs: f64, seed: u64) {
    let tags: Vec<String> = tags.iter().map(|tag| (*tag).to_owned()).collect();
    let config = config.with_n_tags(tags.len());
    let input_samples = (secs * f64::from(config.input().sample_rate_hz())) as usize;
    let parameters = Parameters::initialise(seed, DType::F32);
    config.build(parameters.var_builder()).unwrap();
    let model = Model::from_parameters(config, tags, input_samples, &parameters).unwrap();
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).unwrap();
    }
    model.save(path).unwrap();
}
