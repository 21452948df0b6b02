//! How far explanations can be trusted, from the command line: on sounds of which it is known when they sound, a trained model's explanations
//! find them, are true to the model, and say nothing when the model has learned nothing.

use crate::attune::{command, json, output};
use attune_tests::bursts;
use serde_json::Value;
use std::process::{Command, Stdio};
use std::time::Duration;

fn row<'a>(table: &'a Value, method: &str) -> &'a Value {
    let rows = table["rows"].as_array().unwrap().iter();
    let mut rows = rows.filter(|row| row["method"] == method);
    rows.next()
        .unwrap_or_else(|| panic!("no {method} in {table}"))
}

fn number(value: &Value) -> f64 {
    value
        .as_f64()
        .unwrap_or_else(|| panic!("{value} is no number"))
}

#[test]
fn a_trained_models_explanations_find_what_sounds_and_are_true_to_it() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    bursts::write(&folder.join("data"), 90);
    let recipe = "name = \"bursts\"\ndata = { folder = \"data\" }\nmodel = { preset = \"tiny\" }\ninput_secs = 3.0\nbatch_size = 8\n\
                  learning_rate = 2e-3\nepochs = 25\npatience_epochs = 0\n";
    std::fs::write(folder.join("bursts.toml"), recipe).unwrap();
    let trained = json(folder, &["train", "bursts.toml", "--json"]);
    assert!(number(&trained["test"]["roc_auc_macro"]) > 0.9, "{trained}");

    let table = json(
        folder,
        &[
            "explain",
            "bursts-1",
            "--evaluate",
            "--data",
            "data",
            "--max-tracks",
            "6",
            "--json",
            "--out",
            "out",
        ],
    );
    assert_eq!(table["n_tracks"], 6);
    assert_eq!(table["rows"].as_array().unwrap().len(), 11);
    let random = &table["random"];
    let contribution = row(&table, "contribution");
    let measures = &contribution["faithfulness"];
    assert!(
        number(&measures["deletion"]) < number(&random["deletion"]),
        "{table}"
    );
    assert!(
        number(&measures["insertion"]) > number(&random["insertion"]),
        "{table}"
    );
    assert!(
        number(&contribution["localised"]["roc_auc"]) > 0.8,
        "{contribution}"
    );
    assert!(number(&contribution["localised"]["pointing"]) > number(&table["prevalence"]));
    assert!(
        number(&row(&table, "leave-one-out")["agreement"]) > 0.3,
        "{table}"
    );
    assert!(
        number(&contribution["fresh_weights"]) < 0.8,
        "{contribution}"
    );
    // Attention does not look at the last layer.
    assert!(number(&row(&table, "attention")["fresh_head"]) > 0.999);
    let integrated = row(&table, "integrated-gradients");
    assert!(
        number(&integrated["completeness_error"]) < 0.01,
        "{integrated}"
    );
    let text = std::fs::read_to_string(folder.join("out/methods.csv")).unwrap();
    assert_eq!(text.lines().count(), 1 + 11 + 3);

    let spliced = json(
        folder,
        &[
            "explain", "bursts-1", "--splice", "--data", "data", "--pairs", "12", "--json",
        ],
    );
    let contribution = row(&spliced, "contribution");
    assert!(number(&contribution["share"]) > 0.7, "{spliced}");
    assert!(number(&contribution["interval"]["low"]) > 0.5, "{spliced}");

    // Stopped by Ctrl-C: not a broken file.
    let mut working = command(
        folder,
        &["explain", "bursts-1", "--evaluate", "--data", "data"],
    )
    .stdout(Stdio::null())
    .stderr(Stdio::null())
    .spawn()
    .unwrap();
    std::thread::sleep(Duration::from_millis(1200));
    let interrupt = Command::new("kill")
        .args(["-INT", &working.id().to_string()])
        .status();
    assert!(interrupt.unwrap().success());
    assert_eq!(working.wait().unwrap().code(), Some(130));

    let refused = output(
        folder,
        &[
            "explain",
            "bursts-1",
            "--evaluate",
            "--data",
            "data",
            "--method",
            "gradcam",
        ],
    );
    let told = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(2));
    assert!(
        told.contains("gradcam") && told.contains("relevance"),
        "{told}"
    );

    // One song by one method, drawn and written.
    let song = "data/audio/x000.wav";
    let arguments = [
        "explain",
        "bursts-1",
        song,
        "--method",
        "relevance",
        "--tag",
        "low",
        "--out",
        "out",
    ];
    let output = output(folder, &arguments);
    assert!(output.status.success());
    let text = std::fs::read_to_string(folder.join("out/x000.csv")).unwrap();
    assert!(
        text.starts_with("tag,token,time_s,probability,relevance\n"),
        "{text}"
    );
    assert!(folder.join("out/x000.svg").is_file());
}
