//! Runs for other programs, as these programs' own readers see them (`pip install tensorboard mlflow-skinny`).

use crate::lab::{Lab, succeed, wait_until};
use attune_core::run::{Event, History, Scalar};
use attune_tests::{python, small_data};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// A run that was killed in its third epoch and resumed, with TensorBoard's event file beside it.
fn killed_and_resumed(lab: &Lab) -> PathBuf {
    let options = ["--epochs", "5", "--tensorboard"];
    let mut child = lab.train("w", &options).spawn().unwrap();
    wait_until(lab, "w", &mut child, |history| {
        let in_third = |epoch: &(u32, u64)| epoch.0 == 2;
        history.epoch_starts().iter().any(in_third) && history.series(Scalar::Loss).len() > 12
    });
    child.kill().unwrap();
    child.wait().unwrap();
    let run = lab.run_folder("w").unwrap();
    // As if it had been killed within a record, after more steps than its last checkpoint knows.
    let board = event_file(&run.join("tensorboard"));
    let before = std::fs::read(&board).unwrap();
    let mut file = std::fs::OpenOptions::new()
        .append(true)
        .open(&board)
        .unwrap();
    file.write_all(&before[..30]).unwrap();
    let mut resume = lab.attune("w", &["train", "--json", "--resume"]);
    resume.arg(&run);
    assert_eq!(succeed(resume)["outcome"], "finished");
    run
}

fn event_file(folder: &Path) -> PathBuf {
    let mut files = std::fs::read_dir(folder).unwrap();
    let file = files.next().unwrap().unwrap().path();
    assert!(files.next().is_none(), "one file for all sittings");
    assert!(file.to_str().unwrap().contains("events.out.tfevents."));
    file
}

/// What a run measured, as points of step and value, under the names that other programs know.
fn measured(history: &History) -> BTreeMap<String, Vec<(u64, f64)>> {
    let mut measured: BTreeMap<String, Vec<(u64, f64)>> = BTreeMap::new();
    for scalar in Scalar::ALL {
        let points = history.series(scalar).iter();
        let points: Vec<_> = points
            .map(|(step, value)| (step, f64::from(value)))
            .collect();
        if !points.is_empty() {
            measured.insert(format!("train/{}", scalar.name()), points);
        }
    }
    let mut add = |name: String, step, value: Option<f64>| {
        if let Some(value) = value {
            measured.entry(name).or_default().push((step, value));
        }
    };
    let evaluated = history
        .events()
        .iter()
        .rev()
        .find_map(|record| match &record.event {
            Event::Evaluated {
                split,
                loss,
                scores,
            } => Some((split.as_str(), record.step, *loss, scores.clone())),
            _ => None,
        });
    let validations = history.validations().iter();
    let validations = validations.map(|v| ("valid", v.step, v.loss, v.scores.as_ref().clone()));
    for (split, step, loss, scores) in validations.chain(evaluated) {
        add(format!("{split}/loss"), step, Some(loss));
        add(format!("{split}/roc_auc"), step, scores.roc_auc_macro);
        add(
            format!("{split}/average_precision"),
            step,
            scores.average_precision_macro,
        );
        for (tag_idx, tag) in small_data::TAGS.iter().enumerate() {
            add(
                format!("{split}_roc_auc/{tag}"),
                step,
                scores.roc_auc_per_tag[tag_idx],
            );
            let score = scores.average_precision_per_tag[tag_idx];
            add(format!("{split}_average_precision/{tag}"), step, score);
        }
    }
    measured
}

/// Panics unless `found` (for each name, points whose first two numbers are step and value) is `measured`, as 32-bit numbers if `as_f32`.
fn assert_same(found: &Value, measured: &BTreeMap<String, Vec<(u64, f64)>>, as_f32: bool) {
    let found = found.as_object().unwrap();
    let names: Vec<&String> = found.keys().collect();
    assert_eq!(names, measured.keys().collect::<Vec<_>>());
    for (name, points) in measured {
        let found: Vec<(u64, f64)> = found[name]
            .as_array()
            .unwrap()
            .iter()
            .map(|point| (point[0].as_u64().unwrap(), point[1].as_f64().unwrap()))
            .collect();
        let rounded = |value: f64| {
            if as_f32 {
                f64::from(value as f32)
            } else {
                value
            }
        };
        let points: Vec<_> = points
            .iter()
            .map(|&(step, value)| (step, rounded(value)))
            .collect();
        assert_eq!(found, points, "{name}");
    }
}

#[test]
fn tensorboard_and_mlflow_read_every_number_of_a_run_that_was_killed_and_resumed() {
    let lab = Lab::new();
    let run = killed_and_resumed(&lab);
    let id = run.file_name().unwrap().to_str().unwrap();
    let history = History::open(&run).unwrap();
    let resumed = |record: &std::sync::Arc<attune_core::run::Record>| {
        matches!(record.event, Event::Resumed { .. })
    };
    assert!(history.events().iter().any(resumed));
    let measured = measured(&history);
    let n_steps = measured["train/loss"].len() as u64;
    assert_eq!(n_steps, history.last_step(), "every step, none twice");
    assert!(measured.contains_key("test_average_precision/low"));
    let shown = succeed(lab.attune("w", &["runs", "show", id, "--json"]));

    let out = lab.folder.path().join("out");
    let export = |format: &str| {
        let mut export = lab.attune("w", &["runs", "export", id, "--to", format]);
        let output = export.arg(out.join(format)).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{stderr}");
    };
    for format in ["tensorboard", "mlflow", "csv"] {
        export(format);
        // Again, over what is there.
        export(format);
    }
    let csv = std::fs::read_to_string(out.join("csv").join(id).join("steps.csv")).unwrap();
    let mut lines = csv.lines();
    assert!(
        lines
            .next()
            .unwrap()
            .starts_with("step,epoch,at_unix_ms,loss,learning_rate,")
    );
    for (line, (step, loss)) in lines.by_ref().zip(&measured["train/loss"]) {
        let fields: Vec<&str> = line.split(',').collect();
        assert_eq!(fields[0], step.to_string());
        assert_eq!(fields[3].parse::<f32>().unwrap(), *loss as f32);
    }
    assert_eq!(
        (lines.next(), csv.lines().count() as u64),
        (None, n_steps + 1)
    );
    for name in ["validations.csv", "tags.csv"] {
        assert!(out.join("csv").join(id).join(name).is_file());
    }

    if let Some(python) = python::with("tensorboard") {
        let read = |folder: &Path| -> Value {
            let printed = python::printed(&python, "tensorboard/scalars.py", folder);
            serde_json::from_str(&printed).unwrap()
        };
        let beside = read(&run.join("tensorboard"));
        assert_same(&beside["scalars"], &measured, true);
        assert_eq!(beside["hparams"]["batch_size"], 4.0);
        assert_eq!(beside["hparams"]["optimizer.name"], "adam");
        assert_eq!(beside["ended"], 1);
        // What is exported is what was written beside the run, wall times included.
        event_file(&out.join("tensorboard").join(id));
        assert_eq!(read(&out.join("tensorboard").join(id)), beside);
        // Killed at any byte: the reader takes what is whole.
        let whole = std::fs::read(event_file(&run.join("tensorboard"))).unwrap();
        let torn = lab.folder.path().join("torn");
        std::fs::create_dir(&torn).unwrap();
        let torn_file = torn.join("events.out.tfevents.1.torn");
        std::fs::write(&torn_file, &whole[..whole.len() / 2 + 5]).unwrap();
        let losses = &read(&torn)["scalars"]["train/loss"];
        let n = losses.as_array().unwrap().len() as u64;
        assert!(n > 3 && n < n_steps, "{n} of {n_steps}");
    }

    if let Some(python) = python::with("mlflow") {
        let printed = python::printed(&python, "mlflow/runs.py", &out.join("mlflow"));
        let found: Value = serde_json::from_str(&printed).unwrap();
        assert_eq!(found["experiment"], "attune");
        assert_eq!(
            (&found["name"], &found["status"]),
            (&json!(id), &json!("FINISHED"))
        );
        assert_same(&found["metrics"], &measured, false);
        assert_eq!(found["params"]["batch_size"], "4");
        assert_eq!(found["tags"]["attune.data"], shown["data"]);
        assert_eq!(found["start"], shown["started_unix_ms"]);
        assert_eq!(found["artifacts"], json!(["events.jsonl", "run.toml"]));
    }
}

#[test]
fn an_export_in_an_unknown_format_is_refused_before_anything_is_written() {
    let lab = Lab::new();
    let out = lab.folder.path().join("out");
    let mut export = lab.attune("w", &["runs", "export", "x", "--to", "gramophone"]);
    let output = export.arg(&out).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("tensorboard, mlflow and csv"));
    assert!(!out.exists());
}
