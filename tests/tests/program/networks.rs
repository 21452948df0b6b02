//! Networks beside the transformer, from the command line: those that take in waveforms, power spectra or another log-mel train at
//! their own rate, are scored, tag and explain.

use crate::attune;
use attune_core::models::{ModelConfig, presets};
use attune_core::train::{ModelChoice, TrainConfig};
use attune_tests::small_data;
use std::path::Path;

/// The preset with narrow layers, so that a step takes milliseconds.
fn narrow(name: &str) -> ModelConfig {
    let mut config = presets::preset(name).unwrap().config;
    match &mut config {
        ModelConfig::Musicnn(config) => {
            (config.n_tall, config.n_long) = (2, 2);
            (config.back_end_width, config.dense_width) = (4, 8);
        }
        ModelConfig::SampleCnn(config) => config.width = 2,
        ModelConfig::HarmonicCnn(config) => config.width = 2,
        ModelConfig::Cnnsa(config) => {
            (config.width, config.n_heads, config.feed_forward_width) = (4, 2, 8);
        }
        _ => panic!("{name}"),
    }
    config
}

fn json(workspace: &Path, arguments: &[&str]) -> serde_json::Value {
    let output = started(workspace, arguments);
    serde_json::from_slice(&output.stdout).unwrap_or(serde_json::Value::Null)
}

fn started(workspace: &Path, arguments: &[&str]) -> std::process::Output {
    let output = attune::at(workspace).args(arguments).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {errors}");
    output
}

#[test]
fn networks_of_every_kind_of_input_train_tag_explain_and_compare() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    small_data::write(&data, 36, 1.5);
    let song = std::fs::read_dir(data.join("audio")).unwrap().flatten();
    let song = song.map(|entry| entry.path()).min().unwrap();
    let mut ids = Vec::new();
    for (name, input_secs) in [
        ("musicnn", 1.0),
        ("cnnsa", 1.0),
        ("sample-cnn", 3.7),
        ("harmonic-cnn", 4.7),
    ] {
        let recipe = TrainConfig {
            name: name.to_owned(),
            input_secs,
            batch_size: 4,
            model: ModelChoice::Config(narrow(name)),
            ..TrainConfig::default()
        };
        let file = folder.path().join(format!("{name}.toml"));
        std::fs::write(&file, toml::to_string(&recipe).unwrap()).unwrap();
        let (file, data) = (file.to_str().unwrap(), data.to_str().unwrap());
        let arguments = ["train", file, "--data", data, "--epochs", "1", "--json"];
        let run = json(folder.path(), &arguments);
        assert!(run["best_loss"].as_f64().unwrap().is_finite(), "{name}");
        assert!(run["parameters"].as_u64().unwrap() > 100, "{name}");
        let id = run["id"].as_str().unwrap();

        let song = song.to_str().unwrap();
        let tagged = json(folder.path(), &["predict", id, song, "--json"]);
        for (tag, probability) in tagged["tags"].as_object().unwrap() {
            let probability = probability.as_f64().unwrap();
            assert!((0.0..=1.0).contains(&probability), "{name}: {tag}");
        }

        let out = folder.path().join(format!("why-{name}"));
        let out = out.to_str().unwrap();
        let explained = started(folder.path(), &["explain", id, song, "--out", out]);
        let told = String::from_utf8_lossy(&explained.stderr).into_owned();
        assert_eq!(
            told.contains("by occlusion"),
            name != "cnnsa",
            "{name}: {told}"
        );
        let table = std::fs::read_dir(out).unwrap().flatten();
        let table = table
            .map(|entry| entry.path())
            .find(|path| path.extension().is_some_and(|ending| ending == "csv"))
            .unwrap();
        let lines = std::fs::read_to_string(table).unwrap();
        let mut lines = lines.lines();
        let method = if name == "cnnsa" {
            "contribution"
        } else {
            "occlusion"
        };
        let header = format!("tag,token,time_s,probability,{method}_logit");
        assert_eq!(lines.next(), Some(&header[..]), "{name}");
        for line in lines.by_ref().take(3) {
            let contribution = line.rsplit(',').next().unwrap();
            let contribution: f64 = contribution.parse().unwrap();
            assert!(contribution.is_finite(), "{name}: {line}");
        }
        ids.push(id.to_owned());
    }

    let data = data.to_str().unwrap();
    let arguments = ["compare", &ids[0], &ids[1], "--data", data, "--json"];
    let compared = json(folder.path(), &arguments);
    let score = |which: &str| compared[which]["roc_auc_macro"].as_f64().unwrap();
    let difference = &compared["difference"]["roc_auc_macro"];
    let apart = difference["value"].as_f64().unwrap() - (score("second") - score("first"));
    assert!(apart.abs() < 1e-12, "{compared}");
    let ends = ["low", "high"].map(|end| difference["interval"][end].as_f64().unwrap());
    assert!(ends[0] <= ends[1], "{compared}");
    let itself = json(
        folder.path(),
        &["compare", &ids[0], &ids[0], "--data", data, "--json"],
    );
    assert_eq!(
        itself["difference"]["average_precision_macro"]["value"],
        0.0
    );
    assert_eq!(itself["disagreements"][0]["mean_distance"], 0.0);

    let other_tags = attune::at(folder.path())
        .args(["compare", &ids[0], "demo", "--data", data])
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&other_tags.stderr);
    assert_eq!(other_tags.status.code(), Some(3), "{errors}");
    assert!(errors.contains("no tag is known to both"), "{errors}");
}

#[test]
fn a_clip_that_the_network_cannot_take_is_refused_before_anything_begins() {
    let folder = tempfile::tempdir().unwrap();
    for (presets, secs) in [
        ("tiny,fcn", "5"),
        ("sample-cnn", "10"),
        ("musicnn", "1000000000000"),
    ] {
        let arguments = ["train", "--preset", presets, "--data", "nowhere"];
        let output = attune::at(folder.path())
            .args(arguments)
            .args(["--input-secs", secs])
            .output()
            .unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{presets}: {errors}");
        assert!(errors.contains("do not fit the network"), "{errors}");
    }
}
