//! Training from the command line, as a user does it: it learns, it stops and resumes, and a killed run ends with the
//! same numbers as one that was never killed.

use crate::lab::{Lab, check_killed_run, succeed, validations, wait_until};
use attune_core::run::{History, Scalar, Status, snapshots};
use attune_tests::small_data;
use std::process::Command;

#[test]
fn a_run_learns_and_is_scored() {
    let lab = Lab::new();
    let summary = succeed(lab.train("w", &["--epochs", "12"]));
    assert_eq!(summary["outcome"], "finished");
    assert!(
        summary["roc_auc_macro"].as_f64().unwrap() > 0.9,
        "{summary}"
    );

    let run = summary["id"].as_str().unwrap();
    let data = lab.folder.path().join("data");
    let mut evaluate = lab.attune(
        "w",
        &["evaluate", run, "--split", "test", "--json", "--data"],
    );
    evaluate.arg(&data);
    let scores = succeed(evaluate);
    assert_eq!(
        scores["roc_auc_per_tag"].as_array().unwrap().len(),
        small_data::TAGS.len()
    );
    for measure in ["roc_auc_macro", "average_precision_macro"] {
        assert_eq!(
            summary["test"][measure], scores[measure],
            "the run scored the test split with its best model, as `evaluate` does"
        );
    }

    let run_folder = lab.run_folder("w").unwrap();
    assert!(
        !run_folder.join("snapshots").exists(),
        "nobody asked for them"
    );
    let shown = succeed(lab.attune("w", &["runs", "show", run, "--json"]));
    assert!(shown.to_string().contains("finished"), "{shown}");
}

#[test]
fn a_killed_run_ends_with_the_same_numbers_as_one_never_killed() {
    let lab = Lab::new();
    let options = ["--epochs", "5", "--augment", "reference", "--snapshots"];
    check_killed_run(&lab, &options, "adam", || {
        // As if it had been killed later, after a validation that is not made again, while it wrote another.
        let run = lab.run_folder("killed").unwrap();
        for name in [
            "step-00999999.safetensors",
            "step-00000012.safetensors.7.part",
        ] {
            std::fs::write(run.join("snapshots").join(name), "later").unwrap();
        }
    });
    let whole = lab.run_folder("whole").unwrap();
    assert_eq!(snapshots(&whole).unwrap().len(), 5);
}

#[test]
fn so_does_one_with_another_optimizer() {
    let options = [
        "--epochs",
        "5",
        "--optimizer",
        "sgd",
        "--weight-decay",
        "1e-4",
    ];
    check_killed_run(&Lab::new(), &options, "sgd", || ());
}

/// Each validation lowers the learning rate, because none is lower by as much as it asks for: what was waited for must survive.
#[test]
fn so_does_one_that_lowers_its_learning_rate_and_clips_its_gradients() {
    let lab = Lab::new();
    let schedule = "plateau:patience=0,factor=0.5,threshold=0.9";
    let options = [
        "--epochs",
        "5",
        "--schedule",
        schedule,
        "--clip-gradient-norm",
        "0.3",
    ];
    check_killed_run(&lab, &options, "adam", || ());
    let history = History::open(&lab.run_folder("killed").unwrap()).unwrap();
    let rates: Vec<f32> = history
        .series(Scalar::LearningRate)
        .iter()
        .map(|it| it.1)
        .collect();
    let (first, last) = (rates[0], rates[rates.len() - 1]);
    assert!(
        (first - 1e-3).abs() < 1e-9 && (last - 1.25e-4).abs() < 1e-9,
        "{first} to {last}"
    );
    let mut norms = history.series(Scalar::GradientNorm).iter();
    assert!(
        norms.any(|(_, norm)| norm > 0.3),
        "as they were before clipping"
    );
}

#[test]
fn a_run_warms_up_and_falls_along_its_cosine() {
    let lab = Lab::new();
    let schedule = "cosine:warmup=1,floor=0.1";
    succeed(lab.train("w", &["--epochs", "4", "--schedule", schedule]));
    let history = History::open(&lab.run_folder("w").unwrap()).unwrap();
    let rates: Vec<f32> = history
        .series(Scalar::LearningRate)
        .iter()
        .map(|it| it.1)
        .collect();
    let n_epoch = rates.len() / 4;
    let n_left = (3 * n_epoch) as f64;
    for (step, rate) in rates.into_iter().enumerate() {
        let expected = if step < n_epoch {
            1e-3 * (step + 1) as f64 / n_epoch as f64
        } else {
            let done = (step - n_epoch) as f64 / n_left;
            1e-4 + 9e-4 * (1.0 + (std::f64::consts::PI * done).cos()) / 2.0
        };
        assert!(
            (f64::from(rate) - expected).abs() < 1e-9,
            "step {step}: {rate}"
        );
    }
    let output = lab
        .train("w", &["--schedule", "cosine:warmpu=1"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        stderr.contains("warmpu") && stderr.contains("warmup"),
        "{stderr}"
    );
}

/// As a run leaves its folder that is killed after its last checkpoint, before the test split was scored.
#[test]
fn a_run_killed_after_its_last_step_is_scored_and_not_trained_on() {
    let lab = Lab::new();
    succeed(lab.train("w", &["--epochs", "40", "--patience", "1"]));
    let run = lab.run_folder("w").unwrap();
    let before = validations(&run);
    let events = run.join("events.jsonl");
    let text = std::fs::read_to_string(&events).unwrap();
    let cut: Vec<&str> = text
        .lines()
        .take_while(|line| !line.contains("\"evaluated\""))
        .collect();
    assert!(cut.len() < text.lines().count());
    std::fs::write(&events, cut.join("\n") + "\n").unwrap();

    let mut resume = lab.attune("w", &["train", "--json", "--resume"]);
    resume.arg(&run);
    let summary = succeed(resume);
    assert_eq!(summary["outcome"], "early-stopped");
    assert!(summary["test"]["roc_auc_macro"].is_number(), "{summary}");
    assert_eq!(validations(&run), before);
}

#[test]
#[cfg(unix)]
fn ctrl_c_stops_after_a_checkpoint_and_says_so() {
    let lab = Lab::new();
    let mut child = lab
        .train("w", &["--epochs", "500", "--patience", "0"])
        .spawn()
        .unwrap();
    wait_until(&lab, "w", &mut child, |history| history.last_step() > 10);
    let sent = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(sent.success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(
        output.status.code(),
        Some(130),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let run = lab.run_folder("w").unwrap();
    assert_eq!(History::open(&run).unwrap().status(), Status::Stopped);
    assert!(run.join("checkpoints/last.safetensors").exists());
}

#[test]
fn a_recipe_with_a_misspelt_key_is_bad_input_and_the_key_is_named() {
    let lab = Lab::new();
    let recipe = lab.folder.path().join("recipe.toml");
    std::fs::write(&recipe, "learning_rat = 0.1\n").unwrap();
    let mut command = lab.attune("w", &["train"]);
    let output = command.arg(&recipe).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        stderr.contains("learning_rat") && stderr.contains("recipe.toml"),
        "{stderr}"
    );
}

#[test]
fn a_learning_rate_that_blows_up_stops_the_run_and_names_the_batch() {
    let lab = Lab::new();
    let mut command = lab.train(
        "w",
        &[
            "--epochs",
            "30",
            "--patience",
            "0",
            "--learning-rate",
            "1e30",
        ],
    );
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        stderr.contains("not finite") && stderr.contains("x0"),
        "{stderr}"
    );
    let history = History::open(&lab.run_folder("w").unwrap()).unwrap();
    assert_eq!(history.status(), Status::Failed);
}
