//! What tests of training from the command line share: a folder, a small data set, the program, and a run that is killed.

use crate::attune;
use attune_core::run::{self, Event, History, RunSummary, Scalar, Status, StepTimes, SystemLog};
use attune_core::weights;
use attune_tests::small_data;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A workspace or several, and a small data set.
pub struct Lab {
    pub folder: tempfile::TempDir,
}

impl Lab {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        small_data::write(&folder.path().join("data"), 36, 1.5);
        Self { folder }
    }

    pub fn workspace(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A command of the program.
    pub fn attune(&self, workspace: &str, arguments: &[&str]) -> Command {
        let mut command = attune::at(&self.workspace(workspace));
        command
            .args(arguments)
            .env_remove("DISPLAY")
            .env_remove("WAYLAND_DISPLAY")
            .stderr(Stdio::piped())
            .stdout(Stdio::piped());
        command
    }

    /// `attune train` of a tiny model on the data set.
    pub fn train(&self, workspace: &str, more: &[&str]) -> Command {
        let data = self.folder.path().join("data");
        let mut command = self.attune(workspace, &["train", "--preset", "tiny", "--data"]);
        command
            .arg(data)
            .args(["--input-secs", "1", "--batch", "4", "--seed", "3", "--json"])
            .args(more);
        command
    }

    /// The only run of a workspace.
    pub fn run_folder(&self, workspace: &str) -> Option<PathBuf> {
        let mut runs = std::fs::read_dir(self.workspace(workspace).join("runs"))
            .ok()?
            .flatten();
        runs.next().map(|entry| entry.path())
    }
}

/// The JSON object that a command prints. Panics if it fails.
pub fn succeed(mut command: Command) -> serde_json::Value {
    let output = command.output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?} failed: {stderr}");
    let stdout = String::from_utf8(output.stdout).unwrap();
    serde_json::from_str(&stdout)
        .unwrap_or_else(|error| panic!("stdout is not one JSON object ({error}): {stdout}"))
}

/// Waits until `is_so` of the run's history, then gives the history.
pub fn wait_until(
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

/// Steps and losses of a run's validations.
pub fn validations(run_folder: &Path) -> Vec<(u64, f64)> {
    let history = History::open(run_folder).unwrap();
    history
        .validations()
        .iter()
        .map(|validation| (validation.step, validation.loss))
        .collect()
}

/// Panics unless all tensors of two files are equal.
pub fn assert_same_weights(a: &Path, b: &Path) {
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

/// Trains once undisturbed and once killed in the third epoch and resumed; both must give the same numbers, bit for bit.
pub fn check_killed_run(
    lab: &Lab,
    options: &[&str],
    optimizer: &str,
    before_resuming: impl FnOnce(),
) {
    succeed(lab.train("whole", options));

    let mut child = lab.train("killed", options).spawn().unwrap();
    let in_third_epoch = |history: &History| {
        history
            .events()
            .iter()
            .any(|record| record.epoch == 2 && matches!(record.event, Event::EpochStarted))
    };
    wait_until(lab, "killed", &mut child, in_third_epoch);
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

    before_resuming();
    let mut resume = lab.attune("killed", &["train", "--json", "--resume"]);
    resume.arg(&run);
    succeed(resume);

    let whole = lab.run_folder("whole").unwrap();
    assert_same_run(&run, &whole);
    assert_eq!(
        validations(&run),
        validations(&whole),
        "each validation once"
    );
}

/// Panics unless two runs of one recipe ended with the same numbers, bit for bit: validations, weights, what was measured at each step,
/// pseudo-labels, snapshots and scores.
pub fn assert_same_run(run: &Path, whole: &Path) {
    // A validation that was made just before a kill may be told twice: then both are the same.
    let by_step = |run| {
        let mut told = BTreeMap::new();
        for (step, loss) in validations(run) {
            let before = told.insert(step, loss);
            assert!(before.is_none_or(|before| before == loss), "step {step}");
        }
        told
    };
    assert_eq!(
        by_step(run),
        by_step(whole),
        "steps and losses of all validations"
    );
    for checkpoint in ["last", "best"] {
        let file = format!("checkpoints/{checkpoint}.safetensors");
        assert_same_weights(&run.join(&file), &whole.join(&file));
    }
    for scalar in [
        Scalar::Loss,
        Scalar::LearningRate,
        Scalar::GradientNorm,
        Scalar::RunningRocAuc,
        Scalar::RunningAveragePrecision,
        Scalar::SupervisedLoss,
        Scalar::SemiSupervisedLoss,
        Scalar::AgreementClean,
    ] {
        let values = |run: &Path| -> Vec<(u64, u32)> {
            let history = History::open(run).unwrap();
            let bits = history.series(scalar).iter();
            bits.map(|(step, value)| (step, value.to_bits())).collect()
        };
        assert!(scalar != Scalar::Loss || !values(whole).is_empty());
        assert_eq!(values(run), values(whole), "{scalar:?} of every step");
    }
    let pseudo_labels = |run: &Path| {
        let history = History::open(run).unwrap();
        history.pseudo_labels().cloned()
    };
    assert_eq!(pseudo_labels(run), pseudo_labels(whole));
    // Not only those that count: a file too many shows up here as well.
    let snapshots = |run: &Path| -> Vec<(std::ffi::OsString, Vec<u8>)> {
        let files = std::fs::read_dir(run.join("snapshots"));
        let files = files.into_iter().flatten().flatten();
        let mut files: Vec<_> = files
            .map(|file| (file.file_name(), std::fs::read(file.path()).unwrap()))
            .collect();
        files.sort();
        files
    };
    let (of_killed, of_whole) = (snapshots(run), snapshots(whole));
    assert_eq!(run::snapshots(run).unwrap().len(), of_killed.len());
    assert!(of_killed == of_whole, "the same snapshots, byte by byte");
    let test_scores = |run: &Path| {
        let history = History::open(run).unwrap();
        history
            .evaluated()
            .map(|(split, scores)| (split.to_owned(), scores.clone()))
    };
    assert_eq!(test_scores(run), test_scores(whole));
}

/// Panics unless everybody can read a run that was left at any moment: as a run, in the list, with whole weights where there are some.
pub fn check_readable(lab: &Lab, workspace: &str, run: &Path) {
    let history = History::open(run).unwrap();
    assert_eq!(history.n_bad_lines(), 0, "no line is torn");
    let losses: Vec<(u64, f32)> = history.series(Scalar::Loss).iter().collect();
    assert!(losses.is_sorted_by(|a, b| a.0 < b.0), "each step once");
    let summary = RunSummary::read(run).unwrap();
    assert_eq!(summary.best_loss, history.best().map(|best| best.loss));
    let mut list = lab.attune(workspace, &["runs", "list", "--json"]);
    let output = list.output().unwrap();
    let listed = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success() && listed.contains(&summary.id),
        "{listed}"
    );
    let samples = SystemLog::read(run).unwrap().samples().to_vec();
    assert!(samples.is_sorted_by_key(|sample| sample.at_unix_ms));
    StepTimes::default().follow(&history);
    for name in ["last", "best"] {
        let path = run.join(format!("checkpoints/{name}.safetensors"));
        if path.exists() {
            let weights = weights::read(&path).unwrap();
            let state = weights.metadata.get("attune.train.state");
            if let Some(state) = state {
                weights::read(&run.join("checkpoints").join(state)).unwrap();
            }
            assert_eq!(state.is_some(), name == "last");
        }
    }
}
