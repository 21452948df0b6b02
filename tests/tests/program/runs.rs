//! Keeping many runs in order from the command line: found by what was typed, sorted, tagged, noted, put away, thrown away, brought back.

use crate::attune::{json, printed, refused};
use attune_core::metrics::Scores;
use attune_core::run::{Event, RunLog};
use std::path::Path;

/// A run as training leaves it, without the training: three validations, of which the second is the best.
fn write_run(folder: &Path, id: &str, learning_rate: f64, preset: &str, roc_auc: [f64; 3]) {
    let seed = id.rsplit('-').next().unwrap();
    let recipe = format!(
        "[config]\nlearning_rate = {learning_rate}\nseed = {seed}\n[config.model]\npreset = \"{preset}\"\n"
    );
    let recipe: toml::Table = recipe.parse().unwrap();
    let run = folder.join("workspace/runs").join(id);
    let mut log = RunLog::create(&run, &recipe).unwrap();
    for (epoch, (roc_auc, loss)) in (0..).zip(roc_auc.into_iter().zip([0.4, 0.2, 0.3])) {
        let validated = Event::Validated {
            loss,
            scores: Scores {
                roc_auc_macro: Some(roc_auc),
                ..Scores::default()
            },
            seconds: 0.1,
            localisation: None,
        };
        log.event(10 * (u64::from(epoch) + 1), epoch, validated)
            .unwrap();
    }
    log.event(30, 2, Event::Finished).unwrap();
}

fn three_runs() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    write_run(folder.path(), "slow-1", 1e-4, "tiny", [0.5, 0.7, 0.8]);
    write_run(folder.path(), "fast-1", 1e-3, "tiny", [0.6, 0.9, 0.7]);
    write_run(folder.path(), "wide-1", 1e-3, "crnn", [0.6, 0.8, 0.75]);
    folder
}

fn ids(folder: &Path, arguments: &[&str]) -> Vec<String> {
    let list = [&["runs", "list", "--json"], arguments].concat();
    let list = json(folder, &list);
    let runs = list.as_array().unwrap().iter();
    runs.map(|run| run["id"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn runs_are_found_and_sorted_by_what_was_typed() {
    let folder = three_runs();
    let folder = folder.path();
    assert_eq!(
        ids(folder, &["--sort", "roc-auc"]),
        ["fast-1", "wide-1", "slow-1"]
    );
    assert_eq!(
        ids(folder, &["--sort", "roc-auc.last"]),
        ["slow-1", "wide-1", "fast-1"]
    );
    assert_eq!(
        ids(folder, &["--sort", "roc", "--reverse"]),
        ["slow-1", "wide-1", "fast-1"]
    );
    assert_eq!(ids(folder, &["lr<1e-3"]), ["slow-1"]);
    assert_eq!(
        ids(folder, &["roc>0.7", "--without", "preset:tiny"]),
        ["wide-1"]
    );
    let table = printed(
        folder,
        &[
            "runs",
            "list",
            "--columns",
            "roc-auc,roc-auc.last",
            "--differing",
            "--sort",
            "id",
        ],
    );
    let header = table.lines().next().unwrap();
    for column in ["ROC-AUC", "ROC-AUC, last", "learning_rate", "model.preset"] {
        assert!(header.contains(column), "{table}");
    }
    assert!(
        !header.contains("seed"),
        "in this they do not differ: {table}"
    );
    let fast = table
        .lines()
        .find(|line| line.starts_with("fast-1"))
        .unwrap();
    assert!(fast.contains("0.9000") && fast.contains("0.7000"), "{fast}");

    let (code, errors) = refused(folder, &["runs", "list", "lr<much"]);
    assert_eq!(code, Some(2), "{errors}");
    assert!(errors.contains("`much`"), "{errors}");
    let (code, errors) = refused(folder, &["runs", "list", "learnig_rate<1"]);
    assert_eq!(code, Some(0));
    assert!(
        errors.contains("no run has a setting `learnig_rate`"),
        "{errors}"
    );
}

#[test]
fn what_is_said_of_runs_is_kept_and_found() {
    let folder = three_runs();
    let folder = folder.path();
    printed(
        folder,
        &[
            "runs", "tag", "slow-1", "fast", "--add", "paper", "baseline",
        ],
    );
    let told = printed(folder, &["runs", "tag", "fast-1", "--remove", "baseline"]);
    assert_eq!(told.trim(), "fast-1: paper");
    printed(folder, &["runs", "title", "wide-1", "A wider net"]);
    printed(
        folder,
        &["runs", "note", "wide-1", "the loss jumps", "--step", "20"],
    );
    printed(folder, &["runs", "note", "wide-1", "Try with more reverb."]);
    assert_eq!(
        ids(folder, &["tag:paper", "--sort", "id"]),
        ["fast-1", "slow-1"]
    );
    assert_eq!(ids(folder, &["tag:baseline"]), ["slow-1"]);
    assert_eq!(ids(folder, &["wider net"]), ["wide-1"]);
    assert_eq!(ids(folder, &["reverb"]), ["wide-1"]);
    let shown = printed(folder, &["runs", "show", "wide-1"]);
    for line in ["A wider net", "Try with more reverb.", "the loss jumps"] {
        assert!(shown.contains(line), "{shown}");
    }
    printed(folder, &["runs", "archive", "wide-1"]);
    assert_eq!(ids(folder, &["--sort", "id"]), ["fast-1", "slow-1"]);
    assert_eq!(ids(folder, &["is:archived"]), ["wide-1"]);
    printed(folder, &["runs", "archive", "wide-1", "--undo"]);
    assert_eq!(ids(folder, &[]).len(), 3);
}

#[test]
fn what_was_thrown_away_comes_back_until_the_trash_is_emptied() {
    let folder = three_runs();
    let folder = folder.path();
    let (code, errors) = refused(folder, &["runs", "discard", "slow-1", "no-such"]);
    assert_eq!(code, Some(3), "{errors}");
    assert_eq!(ids(folder, &[]).len(), 3, "all or none");
    let told = printed(folder, &["runs", "discard", "slow-1", "fast-1"]);
    assert!(told.contains("--restore slow-1"), "{told}");
    assert_eq!(ids(folder, &[]), ["wide-1"]);
    assert_eq!(printed(folder, &["runs", "trash"]).lines().count(), 2);
    printed(folder, &["runs", "trash", "--restore", "slow"]);
    assert_eq!(
        ids(folder, &["lr<1e-3"]),
        ["slow-1"],
        "with all that it was"
    );
    assert_eq!(
        printed(folder, &["runs", "trash", "--empty"]).trim(),
        "1 run deleted"
    );
    assert_eq!(printed(folder, &["runs", "trash"]), "");
    assert_eq!(ids(folder, &[]).len(), 2);
}

#[test]
fn repetitions_are_put_together_with_mean_spread_and_number() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for (seed, roc_auc) in [(1, 0.7), (2, 0.8), (3, 0.9)] {
        write_run(
            folder,
            &format!("fast-{seed}"),
            1e-3,
            "tiny",
            [0.5, roc_auc, 0.6],
        );
    }
    write_run(folder, "slow-1", 1e-4, "tiny", [0.5, 0.6, 0.6]);
    let grouped = ["runs", "list", "--json", "--group-but", "seed"];
    let groups = json(
        folder,
        &[&grouped[..], &["--sort", "id", "--reverse"]].concat(),
    );
    let fast = groups
        .as_array()
        .unwrap()
        .iter()
        .find(|group| group["runs"].as_array().unwrap().len() == 3)
        .unwrap();
    assert_eq!(fast["label"], "learning_rate=0.001");
    let found = &fast["fields"]["roc-auc"];
    assert_eq!(found["n"], 3);
    let figure = |name: &str| found[name].as_f64().unwrap();
    assert!((figure("mean") - 0.8).abs() < 1e-9 && (figure("sd") - 0.1).abs() < 1e-9);
    assert!((figure("se") - 0.1 / 3f64.sqrt()).abs() < 1e-9);
    assert_eq!(fast["fields"]["model"], serde_json::Value::Null);

    let table = printed(folder, &["runs", "list", "--group-but", "seed"]);
    assert!(table.contains("0.8000 ±0.1000"), "{table}");
    let errors = printed(
        folder,
        &[
            &["runs", "list"][..],
            &["--group-by", "lr", "--spread", "se"],
        ]
        .concat(),
    );
    assert!(errors.contains("0.8000 ±0.0577"), "{errors}");
}
