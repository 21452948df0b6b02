//! Training from the command line, as a user does it: it learns, it stops and resumes, and a killed run ends with the
//! same numbers as one that was never killed.

use attune_core::run::{Event, History, Scalar, Status};
use attune_core::weights;
use attune_tests::small_data;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

struct Lab {
    folder: tempfile::TempDir,
}

impl Lab {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        small_data::write(&folder.path().join("data"), 36, 1.5);
        Self { folder }
    }

    fn workspace(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn attune(&self, workspace: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_attune-under-test"));
        command
            .arg("--workspace")
            .arg(self.workspace(workspace))
            .args(arguments);
        command
            .env_remove("DISPLAY")
            .env_remove("WAYLAND_DISPLAY")
            .stderr(Stdio::piped())
            .stdout(Stdio::piped());
        command
    }

    fn train(&self, workspace: &str, more: &[&str]) -> Command {
        let data = self.folder.path().join("data");
        let mut command = self.attune(workspace, &["train", "--preset", "tiny", "--data"]);
        command
            .arg(data)
            .args(["--input-secs", "1", "--batch", "4", "--seed", "3", "--json"])
            .args(more);
        command
    }

    /// The only run of a workspace.
    fn run_folder(&self, workspace: &str) -> Option<PathBuf> {
        let mut runs = std::fs::read_dir(self.workspace(workspace).join("runs"))
            .ok()?
            .flatten();
        runs.next().map(|entry| entry.path())
    }
}

fn succeed(mut command: Command) -> serde_json::Value {
    let output = command.output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?} failed: {stderr}");
    let stdout = String::from_utf8(output.stdout).unwrap();
    serde_json::from_str(&stdout)
        .unwrap_or_else(|error| panic!("stdout is not one JSON object ({error}): {stdout}"))
}

/// Waits until `is_so` of the run's history, then gives the history.
fn wait_until(
    lab: &Lab,
    workspace: &str,
    child: &mut Child,
    is_so: impl Fn(&History) -> bool,
) -> History {
    let begun = Instant::now();
    loop {
        assert!(
            begun.elapsed() < Duration::from_secs(120),
            "the run never came that far"
        );
        if let Some(history) = lab
            .run_folder(workspace)
            .and_then(|folder| History::open(&folder).ok())
            && is_so(&history)
        {
            return history;
        }
        assert!(
            child.try_wait().unwrap().is_none(),
            "the run ended before it came that far"
        );
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn validations(run_folder: &Path) -> Vec<(u64, f64)> {
    let history = History::open(run_folder).unwrap();
    history
        .validations()
        .iter()
        .map(|validation| (validation.step, validation.loss))
        .collect()
}

fn assert_same_weights(a: &Path, b: &Path) {
    let (a, b) = (weights::read(a).unwrap(), weights::read(b).unwrap());
    assert_eq!(
        a.tensors.keys().collect::<Vec<_>>(),
        b.tensors.keys().collect::<Vec<_>>()
    );
    for (name, tensor) in &a.tensors {
        let values =
            |tensor: &candle_core::Tensor| tensor.flatten_all().unwrap().to_vec1::<f32>().ok();
        assert_eq!(values(tensor), values(&b.tensors[name]), "{name} differs");
    }
}

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

    let shown = succeed(lab.attune("w", &["runs", "show", run, "--json"]));
    assert!(shown.to_string().contains("finished"), "{shown}");
}

#[test]
fn a_killed_run_ends_with_the_same_numbers_as_one_never_killed() {
    check_killed_run(&["--epochs", "5", "--augment", "reference"], "adam");
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
    check_killed_run(&options, "sgd");
}

fn check_killed_run(options: &[&str], optimizer: &str) {
    let lab = Lab::new();
    succeed(lab.train("whole", options));

    let mut child = lab.train("killed", options).spawn().unwrap();
    let in_third_epoch = |history: &History| {
        history
            .events()
            .iter()
            .any(|record| record.epoch == 2 && matches!(record.event, Event::EpochStarted))
    };
    wait_until(&lab, "killed", &mut child, in_third_epoch);
    child.kill().unwrap();
    child.wait().unwrap();
    let run = lab.run_folder("killed").unwrap();
    let recipe: toml::Value =
        toml::from_str(&std::fs::read_to_string(run.join("run.toml")).unwrap()).unwrap();
    assert_eq!(
        recipe["config"]["optimizer"]["name"].as_str(),
        Some(optimizer)
    );
    assert_eq!(History::open(&run).unwrap().status(), Status::Interrupted);

    let mut resume = lab.attune("killed", &["train", "--json", "--resume"]);
    resume.arg(&run);
    succeed(resume);

    let whole = lab.run_folder("whole").unwrap();
    assert_eq!(
        validations(&run),
        validations(&whole),
        "steps and losses of all validations"
    );
    for checkpoint in ["last", "best"] {
        let file = format!("checkpoints/{checkpoint}.safetensors");
        assert_same_weights(&run.join(&file), &whole.join(&file));
    }
    for scalar in [
        Scalar::Loss,
        Scalar::RunningRocAuc,
        Scalar::RunningAveragePrecision,
    ] {
        let values = |run: &Path| -> Vec<(u64, u32)> {
            let history = History::open(run).unwrap();
            let bits = history.series(scalar).iter();
            bits.map(|(step, value)| (step, value.to_bits())).collect()
        };
        assert!(!values(&whole).is_empty());
        assert_eq!(values(&run), values(&whole), "{scalar:?} of every step");
    }
    let test_scores = |run: &Path| {
        let history = History::open(run).unwrap();
        history
            .evaluated()
            .map(|(split, scores)| (split.to_owned(), scores.clone()))
    };
    assert_eq!(test_scores(&run), test_scores(&whole));
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
