//! Runs held against each other from the command line: really trained ones, tag by tag, track by track and setting by setting.

use crate::attune;
use crate::lab::{Lab, succeed};
use attune_core::metrics::roc_auc;
use attune_core::train::Predictions;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Two runs of the small data set that differ in seed and learning rate.
fn two_runs(lab: &Lab) -> [PathBuf; 2] {
    let rates = [("0.003", "4"), ("0.0005", "5")];
    rates.map(|(rate, seed)| {
        let data = lab.folder.path().join("data");
        let mut train = lab.attune("w", &["train", "--preset", "tiny", "--data"]);
        train
            .arg(data)
            .args(["--input-secs", "1", "--batch", "4", "--json"])
            .args(["--epochs", "2", "--seed", seed, "--learning-rate", rate]);
        let summary = succeed(train);
        PathBuf::from(summary["folder"].as_str().unwrap())
    })
}

fn id(run: &Path) -> &str {
    run.file_name().unwrap().to_str().unwrap()
}

fn json(lab: &Lab, arguments: &[&str]) -> Value {
    succeed(lab.attune("w", arguments))
}

/// What the program says when it refuses, and with which code.
fn refused(lab: &Lab, arguments: &[&str]) -> (Option<i32>, String) {
    let output = lab.attune("w", arguments).output().unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    (output.status.code(), errors)
}

fn printed(lab: &Lab, arguments: &[&str]) -> String {
    let output = lab.attune("w", arguments).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

fn number(value: &Value) -> f64 {
    value
        .as_f64()
        .unwrap_or_else(|| panic!("no number: {value}"))
}

#[test]
fn trained_runs_are_compared_tag_by_tag_track_by_track_and_setting_by_setting() {
    let lab = Lab::new();
    let runs = two_runs(&lab);
    let [first, second] = runs.each_ref().map(|run| id(run));
    let kept = Predictions::read(&runs[0]).unwrap();
    let column = |tag: usize| -> (Vec<f64>, Vec<bool>) {
        let rows = 0..kept.tracks.len();
        rows.map(|row| {
            let label = kept.labels[row * kept.tags.len() + tag];
            (f64::from(kept.probability(row, tag)), label)
        })
        .unzip()
    };

    // Curves: a point of the curve, asked for by its threshold, gives its own rates back.
    let shown = json(&lab, &["runs", "curves", first, second, "--json"]);
    assert_eq!(shown[1]["run"], second);
    assert_eq!(shown[0]["n_tracks"], kept.tracks.len());
    let tags = shown[0]["tags"].as_array().unwrap();
    assert_eq!(tags.len(), kept.tags.len());
    for (at, tag) in tags.iter().enumerate() {
        let (scores, labels) = column(at);
        assert_eq!(tag["roc_auc"].as_f64(), roc_auc(&scores, &labels));
        let point = tag["curves"]["roc"].as_array().unwrap()[1].clone();
        let name = tag["tag"].as_str().unwrap();
        let threshold = point[2].to_string();
        let at_point = json(
            &lab,
            &[
                "runs",
                "curves",
                first,
                "--tag",
                name,
                "--threshold",
                &threshold,
                "--json",
            ],
        );
        let judged = &at_point[0]["tags"][0];
        let count = |name: &str| number(&judged[name]);
        let (tp, fp) = (count("true_positives"), count("false_positives"));
        let (fnegatives, tn) = (count("false_negatives"), count("true_negatives"));
        assert_eq!(tp + fp + fnegatives + tn, kept.tracks.len() as f64);
        assert_eq!(fp / (fp + tn), number(&point[0]), "{name}");
        assert_eq!(tp / (tp + fnegatives), number(&point[1]), "{name}");
        assert!(
            number(&judged["best_f1"]) >= number(&judged["f1"]),
            "{name}"
        );
    }

    // Mistakes: those that the file of predictions holds, the worst first, with sound.
    let list = lab.folder.path().join("lists/low.m3u8");
    let arguments = [
        "runs",
        "mistakes",
        first,
        "--tag",
        "low",
        "--threshold",
        "0.4",
        "--json",
        "--m3u",
    ];
    let mistakes = json(&lab, &[&arguments[..], &[list.to_str().unwrap()]].concat());
    let (scores, labels) = column(0);
    let mut expected: Vec<(bool, f64, &str)> = (0..kept.tracks.len())
        .filter(|&row| (scores[row] >= 0.4) != labels[row])
        .map(|row| (labels[row], scores[row], kept.tracks[row].as_str()))
        .collect();
    expected.sort_by(|one, other| {
        let falls = other.1.total_cmp(&one.1);
        one.0
            .cmp(&other.0)
            .then(if one.0 { falls.reverse() } else { falls })
    });
    let tracks = mistakes["tracks"].as_array().unwrap();
    let told: Vec<(bool, &str)> = tracks
        .iter()
        .map(|track| {
            (
                track["outcome"] == "false-negative",
                track["track"].as_str().unwrap(),
            )
        })
        .collect();
    let expected: Vec<(bool, &str)> = expected.iter().map(|(is, _, id)| (*is, *id)).collect();
    assert_eq!(told, expected);
    let list = std::fs::read_to_string(list).unwrap();
    let files: Vec<&str> = list.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(files.len(), tracks.len());
    assert!(files.iter().all(|file| Path::new(file).is_file()), "{list}");
    let all: u64 = [
        "false-positives",
        "false-negatives",
        "true-positives",
        "true-negatives",
    ]
    .map(|kind| {
        let told = json(
            &lab,
            &[
                "runs", "mistakes", first, "--tag", "low", "--only", kind, "--json",
            ],
        );
        told["tracks"].as_array().unwrap().len() as u64
    })
    .iter()
    .sum();
    assert_eq!(all, kept.tracks.len() as u64);

    // Runs against tags: the scores that `runs show` tells.
    let files = ["map.csv", "map.svg"].map(|name| lab.folder.path().join(name));
    let [csv, svg] = files.each_ref().map(|path| path.to_str().unwrap());
    let arguments = [
        "runs",
        "per-tag",
        first,
        second,
        "--on",
        "test",
        "--measure",
        "pr-auc",
        "--json",
    ];
    let map = json(
        &lab,
        &[&arguments[..], &["--csv", csv, "--out", svg]].concat(),
    );
    let run = json(&lab, &["runs", "show", second, "--json"]);
    for (at, tag) in kept.tags.iter().enumerate() {
        let score = &run["evaluated"]["average_precision_per_tag"][at];
        assert_eq!(&map["runs"][1]["tags"][tag], score, "{tag}");
    }
    let header = std::fs::read_to_string(csv).unwrap();
    assert!(header.starts_with("run,mean,low,high,noisy\n"), "{header}");
    assert!(std::fs::read_to_string(svg).unwrap().contains("noisy"));
    let less = json(
        &lab,
        &[
            "runs",
            "per-tag",
            "--filter",
            "model:tiny",
            "--baseline",
            first,
            "--json",
        ],
    );
    let of = |run: &str| {
        let rows = less["runs"].as_array().unwrap().iter();
        rows.clone().find(|row| row["run"] == run).unwrap()["mean"].clone()
    };
    assert_eq!(number(&of(first)), 0.0);
    assert!(less["runs"].as_array().unwrap().len() == 2);

    // Settings: exactly what was asked for otherwise.
    let diff = json(&lab, &["runs", "diff", first, second, "--json"]);
    let differing: Vec<&str> = diff["settings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|pair| pair["differs"] == true)
        .map(|pair| pair["name"].as_str().unwrap())
        .collect();
    assert_eq!(differing, ["learning_rate", "seed"]);
    let table = printed(&lab, &["runs", "diff", first, second]);
    assert!(
        table.contains("learning_rate") && !table.contains("batch_size"),
        "{table}"
    );
    let all = printed(&lab, &["runs", "diff", first, second, "--all"]);
    for fact in ["batch_size", "dataset.fingerprint", "run.version"] {
        assert!(all.contains(fact), "{fact}: {all}");
    }

    // A run that has kept no predictions says how to get them; scored afterwards they are the same, bit for bit.
    std::fs::remove_file(Predictions::path(&runs[0])).unwrap();
    let (code, errors) = refused(&lab, &["runs", "curves", first]);
    assert_eq!(code, Some(3), "{errors}");
    assert!(
        errors.contains("--score") && errors.contains("--resume"),
        "{errors}"
    );
    let (code, errors) = refused(&lab, &["runs", "mistakes", second, "--tag", "loud"]);
    assert_eq!(code, Some(2), "{errors}");
    assert!(errors.contains("low, high, noisy"), "{errors}");
    printed(
        &lab,
        &[
            "runs",
            "curves",
            first,
            "--score",
            "--threshold",
            "best-mean-f1",
        ],
    );
    assert_eq!(Predictions::read(&runs[0]).unwrap(), kept);
}

#[test]
fn two_recipes_are_compared_as_they_would_be_trained() {
    let folder = tempfile::tempdir().unwrap();
    let recipe = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    recipe("a.toml", "seed = 1\n[model]\npreset = \"tiny\"\n");
    recipe(
        "b.toml",
        "seed = 1\nmax_minutes = 5.0\n[model]\npreset = \"crnn\"\n",
    );
    let table = attune::printed(folder.path(), &["runs", "diff", "a.toml", "b.toml"]);
    let names: Vec<&str> = table
        .lines()
        .skip(1)
        .filter_map(|line| line.split_whitespace().nth(1))
        .collect();
    assert_eq!(names, ["max_minutes", "model.preset"], "{table}");
    let (code, errors) = attune::refused(folder.path(), &["runs", "diff", "a.toml", "no-such-run"]);
    assert_eq!(code, Some(3), "{errors}");
    assert!(errors.contains("no-such-run"), "{errors}");
}
