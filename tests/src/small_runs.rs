//! Runs as training leaves them, without the training: curves that fall and rise, validations, an end.
#![expect(clippy::unwrap_used, reason = "a test without its run cannot go on")]

use attune_core::metrics::{Localised, Scores};
use attune_core::rng::{Address, Purpose};
use attune_core::run::{CheckpointKind, Event, RunLog, Scalar, StepScalars, TimelineScores};
use std::path::{Path, PathBuf};

/// The tags of these runs.
pub const TAGS: [&str; 5] = ["piano", "drums", "guitar", "strings", "choir"];
/// Steps of their epochs.
pub const STEPS_PER_EPOCH: u64 = 50;

/// A run of so many steps, as if it had been trained; `pace` is how fast it learns. Returns its folder.
///
/// # Panics
/// If it cannot be written.
pub fn write(runs: &Path, id: &str, n_steps: u64, pace: f64) -> PathBuf {
    write_with(runs, id, n_steps, pace, "[config]\nseed = 1\n")
}

/// The same with this `run.toml`.
///
/// # Panics
/// If it cannot be written, or is no TOML.
pub fn write_with(runs: &Path, id: &str, n_steps: u64, pace: f64, recipe: &str) -> PathBuf {
    let folder = runs.join(id);
    let recipe: toml::Table = recipe.parse().unwrap();
    let mut log = RunLog::create(&folder, &recipe).unwrap();
    let started = Event::Started {
        name: id.to_owned(),
        model: "tiny".to_owned(),
        data: "demo".to_owned(),
        tags: TAGS.map(str::to_owned).to_vec(),
        n_parameters: 164_452,
        steps_per_epoch: STEPS_PER_EPOCH,
        epochs: (n_steps / STEPS_PER_EPOCH) as u32,
        patience_epochs: Some(20),
        version: "test".to_owned(),
        teaching: None,
    };
    log.event(0, 0, started).unwrap();
    let mut noise = Address::new(1, Purpose::Check, 0).stream();
    for step in 1..=n_steps {
        let epoch = ((step - 1) / STEPS_PER_EPOCH) as u32;
        if (step - 1) % STEPS_PER_EPOCH == 0 {
            log.event(step - 1, epoch, Event::EpochStarted).unwrap();
        }
        let learnt = 1.0 - (-(step as f64) * pace / 600.0).exp();
        let loss = 0.65 - 0.45 * learnt + 0.04 * f64::from(noise.normal());
        let scalars = StepScalars::new(step, epoch)
            .with(Scalar::Loss, loss)
            .with(Scalar::LearningRate, 1e-3)
            .with(
                Scalar::ClipsPerSecond,
                120.0 + 4.0 * f64::from(noise.normal()),
            )
            .with(Scalar::GradientNorm, 1.0 - 0.5 * learnt)
            .with(Scalar::RunningRocAuc, 0.5 + 0.4 * learnt)
            .with(Scalar::RunningAveragePrecision, 0.2 + 0.5 * learnt)
            .with(Scalar::StepSeconds, 0.13)
            .with(Scalar::LoaderWait, 0.002);
        log.step(&scalars).unwrap();
        if step % STEPS_PER_EPOCH == 0 {
            let score = |tag: usize, top: f64| Some(top * learnt + 0.02 * tag as f64);
            let scores = Scores::from_tags(
                (0..TAGS.len()).map(|tag| score(tag, 0.85)).collect(),
                (0..TAGS.len()).map(|tag| score(tag, 0.6)).collect(),
            );
            let found = Localised {
                n_tags: TAGS.len(),
                roc_auc: Some(0.5 + 0.3 * learnt),
                average_precision: None,
                pointing: (epoch > 0).then_some(0.1 + 0.6 * learnt),
            };
            let localisation = TimelineScores {
                method: "contribution".to_owned(),
                n_tracks: 20,
                found,
                seconds: 0.5,
            };
            let loss = 0.66 - 0.4 * learnt + 0.00002 * (step as f64 - 700.0).max(0.0);
            let validated = Event::Validated {
                loss,
                scores,
                seconds: 1.5,
                localisation: Some(localisation),
            };
            log.event(step, epoch, validated).unwrap();
        }
    }
    let best = Event::Checkpointed {
        kind: CheckpointKind::Best,
        path: "checkpoints/best.safetensors".into(),
    };
    log.event(n_steps, (n_steps / STEPS_PER_EPOCH) as u32, best)
        .unwrap();
    log.event(n_steps, (n_steps / STEPS_PER_EPOCH) as u32, Event::Finished)
        .unwrap();
    log.flush().unwrap();
    folder
}
