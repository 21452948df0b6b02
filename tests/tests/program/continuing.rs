//! Runs that go on from the command line: asked for more than their recipe, or as branches with other settings.

use crate::lab::{Lab, assert_same_weights, succeed, validations};
use attune_core::run::{Event, History, Scalar};
use attune_core::train::{RunFile, TrainConfig};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

fn folder_of(summary: &Value) -> PathBuf {
    PathBuf::from(summary["folder"].as_str().unwrap())
}

fn resume(lab: &Lab, workspace: &str, run: &Path, more: &[&str]) -> Command {
    let mut command = lab.attune(workspace, &["train", "--json", "--resume"]);
    command.arg(run).args(more);
    command
}

/// What the program says when it refuses; nothing may have begun.
fn refused(mut command: Command) -> String {
    let output = command.output().unwrap();
    assert!(!output.status.success(), "{command:?}");
    String::from_utf8(output.stderr).unwrap()
}

fn bits(run: &Path, scalar: Scalar) -> Vec<(u64, u32)> {
    let history = History::open(run).unwrap();
    let values = history.series(scalar).iter();
    values
        .map(|(step, value)| (step, value.to_bits()))
        .collect()
}

#[test]
fn an_extended_run_is_the_run_that_had_asked_for_as_much_from_its_beginning() {
    let lab = Lab::new();
    let options = ["--augment", "reference", "--patience", "0"];
    let of = |epochs| [&["--epochs", epochs][..], &options].concat();
    let whole = folder_of(&succeed(lab.train("whole", &of("4"))));
    let run = folder_of(&succeed(lab.train("extended", &of("2"))));
    let recipe = std::fs::read(run.join("run.toml")).unwrap();

    let enough = refused(resume(&lab, "extended", &run, &["--epochs", "2"]));
    assert!(enough.contains("more than the 2"), "{enough}");
    let summary = succeed(resume(&lab, "extended", &run, &["--epochs", "4"]));
    assert_eq!(summary["outcome"], "finished");
    assert!(summary["test"]["roc_auc_macro"].is_number(), "{summary}");

    assert_eq!(validations(&run), validations(&whole));
    for scalar in [Scalar::Loss, Scalar::LearningRate, Scalar::RunningRocAuc] {
        assert_eq!(bits(&run, scalar), bits(&whole, scalar), "{scalar:?}");
    }
    for checkpoint in ["last", "best"] {
        let file = format!("checkpoints/{checkpoint}.safetensors");
        assert_same_weights(&run.join(&file), &whole.join(&file));
    }

    let kept = std::fs::read(run.join("run.toml")).unwrap();
    assert_eq!(kept, recipe, "the first recipe stays");
    assert_eq!(RunFile::in_effect(&run).unwrap().config.epochs, 4);
    assert_eq!(History::open(&run).unwrap().ends().epochs, 4);
    let id = summary["id"].as_str().unwrap();
    let shown = succeed(lab.attune("extended", &["runs", "show", id, "--json"]));
    assert_eq!(shown["extended"]["epochs"], 4);
    // Going on once more without a wish neither trains nor forgets the extension.
    let again = succeed(resume(&lab, "extended", &run, &[]));
    assert_eq!(again["outcome"], "finished");
    assert_eq!(validations(&run), validations(&whole));
}

#[test]
fn a_run_that_stopped_early_goes_on_for_further_epochs_and_does_not_stop_at_once() {
    let lab = Lab::new();
    let options = ["--epochs", "40", "--patience", "1"];
    let summary = succeed(lab.train("w", &options));
    assert_eq!(summary["outcome"], "early-stopped");
    let run = folder_of(&summary);
    let before = validations(&run);

    let refusal = refused(resume(&lab, "w", &run, &["--patience", "1"]));
    assert!(refusal.contains("patience_epochs"), "{refusal}");
    let refusal = refused(resume(&lab, "w", &run, &["--learning-rate", "1e-3"]));
    assert!(refusal.contains("--learning-rate"), "{refusal}");
    assert_eq!(validations(&run), before, "nothing has begun");

    succeed(resume(&lab, "w", &run, &["--epochs", "60"]));
    let after = validations(&run);
    assert!(after.len() > before.len(), "{after:?}");
    assert_eq!(after[..before.len()], before);
    let history = History::open(&run).unwrap();
    assert_eq!(history.ends().epochs, 60);
    assert_eq!(history.ends().patience_epochs, Some(1));
    let mut events = history.events().iter();
    assert!(events.any(
        |it| matches!(it.event, Event::Extended(extension) if extension.waits_from.is_some())
    ));
}

#[test]
fn a_branch_begins_with_the_weights_of_another_run_and_needs_it_no_longer() {
    let lab = Lab::new();
    let options = ["--epochs", "3", "--name", "trunk", "--snapshots"];
    let trunk = folder_of(&succeed(lab.train("w", &options)));
    let branch = |from: &str, more: &[&str]| -> Command {
        let mut command = lab.attune("w", &["train", "--json", "--from", from]);
        command.args(more);
        command
    };
    let settings = ["--epochs", "2", "--learning-rate", "3e-4"];
    let summary = succeed(branch("trunk-1:last", &settings));
    let run = folder_of(&summary);
    assert_eq!(summary["id"], "trunk-branch-1");
    let (then, now) = (RunFile::read(&trunk).unwrap(), RunFile::read(&run).unwrap());
    let record = now.branched_from.unwrap();
    assert_eq!(
        (record.run.as_str(), record.weights.as_str()),
        ("trunk-1", "last")
    );
    assert_eq!(
        record.step,
        Some(History::open(&trunk).unwrap().last_step())
    );
    assert!(record.optimizer_state);
    let expected = TrainConfig {
        name: "trunk-branch".to_owned(),
        learning_rate: 3e-4,
        epochs: 2,
        branch_from: now.config.branch_from.clone(),
        ..then.config
    };
    assert_eq!(now.config, expected, "all else is as in the other run");
    let origin = run.join("checkpoints/origin.safetensors");
    assert_same_weights(&origin, &trunk.join("checkpoints/last.safetensors"));
    let shown = lab
        .attune("w", &["runs", "show", "trunk-branch-1"])
        .output()
        .unwrap();
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.contains("branched from trunk-1:last"), "{shown}");

    let steps: Vec<u64> = validations(&trunk)
        .into_iter()
        .map(|(step, _)| step)
        .collect();
    let from_step = format!("trunk-1:step-{}", steps[0]);
    let early = folder_of(&succeed(branch(
        &from_step,
        &["--epochs", "1", "--name", "early"],
    )));
    let record = RunFile::read(&early).unwrap().branched_from.unwrap();
    assert_eq!(
        (record.step, record.optimizer_state),
        (Some(steps[0]), false)
    );
    let snapshot = attune_core::run::snapshot_path(&trunk, steps[0]);
    assert_same_weights(&early.join("checkpoints/origin.safetensors"), &snapshot);

    // As if it had been killed before its first checkpoint, and the other run thrown away since.
    std::fs::rename(&trunk, lab.folder.path().join("gone")).unwrap();
    let whole = lab.folder.path().join("whole");
    let (file, last) = ("checkpoints/last.safetensors", validations(&run));
    std::fs::create_dir_all(whole.join("checkpoints")).unwrap();
    std::fs::rename(run.join(file), whole.join(file)).unwrap();
    let events = run.join("events.jsonl");
    let text = std::fs::read_to_string(&events).unwrap();
    std::fs::write(&events, text.lines().next().unwrap().to_owned() + "\n").unwrap();
    std::fs::remove_dir_all(run.join("scalars")).unwrap();
    succeed(resume(&lab, "w", &run, &[]));
    assert_eq!(validations(&run), last);
    assert_same_weights(&run.join(file), &whole.join(file));
}

#[test]
fn a_branch_that_cannot_begin_says_why_and_leaves_nothing_behind() {
    let lab = Lab::new();
    let options = ["--epochs", "1", "--name", "trunk"];
    succeed(lab.train("w", &options));
    let config = lab.folder.path().join("other.toml");
    let data = lab.folder.path().join("data");
    let text = format!(
        "input_secs = 1.0\nbatch_size = 4\nmodel = {{ preset = \"tiny-resnet\" }}\ndata = {{ folder = {data:?} }}\n"
    );
    std::fs::write(&config, text).unwrap();
    let refusal = |from: &str, more: &[&str]| {
        let mut command = lab.attune("w", &["train", "--json", "--from", from]);
        command.args(more);
        refused(command)
    };
    let config = config.to_str().unwrap();
    let other_network = refusal("trunk-1", &[config]);
    assert!(
        other_network.contains("does not fit the weights of trunk-1:best"),
        "{other_network}"
    );
    let no_weights = refusal("trunk-1:step-7", &[]);
    assert!(no_weights.contains("no step-7 weights"), "{no_weights}");
    let no_run = refusal("branch-9", &[]);
    assert!(no_run.contains("branch-9"), "{no_run}");
    let runs = std::fs::read_dir(lab.workspace("w").join("runs")).unwrap();
    assert_eq!(runs.count(), 1, "only the other run");
}
