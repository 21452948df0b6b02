//! An experiment from the command line: killed in the middle, gone on with, and exported.

use crate::attune;
use attune_core::experiment::{Experiment, State, Table};
use attune_core::run::{Event, History, Status};
use attune_core::workspace::Workspace;
use attune_tests::small_data;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant, SystemTime};

/// Two cells that train and one that blows up, with a cell that has the runs of another.
const PLAN: &str = r#"
name = "small"
title = "Small & quick"
seeds = [1, 2]
report = { resamples = 50 }

[base]
data = { folder = "data" }
model = { preset = "tiny-student" }
input_secs = 1.0
batch_size = 4
epochs = 3
learning_rate = 1e-3

[[cells]]
id = "plain"
label = "Plain"
paper = { roc_auc = 0.9188, average_precision = 0.3775 }

[[cells]]
id = "augmented"
label = "Augmented_DA"
set = { augmentation = { preset = "reference" }, epochs = 15 }

[[cells]]
id = "wild"
label = "Wild"
set = { learning_rate = 1e30 }

[[cells]]
id = "again"
label = "Plain again"
same_runs_as = "plain"
"#;

struct Lab {
    folder: tempfile::TempDir,
}

impl Lab {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        small_data::write(&folder.path().join("data"), 36, 1.5);
        std::fs::write(folder.path().join("small.toml"), PLAN).unwrap();
        Self { folder }
    }

    fn workspace(&self) -> Workspace {
        Workspace::at(self.folder.path().join("workspace"))
    }

    fn attune(&self, arguments: &[&str]) -> Command {
        let mut command = attune::at(self.workspace().root());
        command
            .arg("experiment")
            .args(arguments)
            .current_dir(self.folder.path())
            .stderr(Stdio::piped())
            .stdout(Stdio::piped());
        command
    }

    fn output(&self, arguments: &[&str]) -> Output {
        self.attune(arguments).output().unwrap()
    }

    fn table(&self) -> Option<Table> {
        let experiment = Experiment::open(&self.workspace(), "small").ok()?;
        experiment.table().ok()
    }

    fn run_folder(&self, run: &str) -> PathBuf {
        self.workspace().runs().join(run)
    }
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Id, and when its log, its weights and its predictions were last written.
fn fingerprint(lab: &Lab, run: &str) -> Vec<SystemTime> {
    let files = [
        "events.jsonl",
        "checkpoints/best.safetensors",
        "scores/test.safetensors",
    ];
    files
        .iter()
        .map(|file| {
            let path = lab.run_folder(run).join(file);
            std::fs::metadata(path).unwrap().modified().unwrap()
        })
        .collect()
}

fn done_runs(table: &Table) -> Vec<String> {
    let runs = table.rows.iter().flat_map(|row| &row.runs);
    let mut ids: Vec<String> = runs
        .filter(|run| run.state == State::Done)
        .filter_map(|run| run.run.clone())
        .collect();
    ids.sort();
    ids.dedup();
    ids
}

#[test]
fn an_experiment_that_was_killed_goes_on_and_is_reported() {
    let lab = Lab::new();
    let mut child = lab
        .attune(&["run", "small.toml", "--set", "patience_epochs=0"])
        .spawn()
        .unwrap();
    // Killed in the second epoch of the second run.
    let begun = Instant::now();
    let half_done = loop {
        assert!(
            begun.elapsed() < Duration::from_secs(120),
            "never came so far"
        );
        let has_begun_two = lab.table().filter(|table| {
            let second = &table.rows[1].runs[0];
            table.rows[0].runs[0].state == State::Done
                && second.run.as_ref().is_some_and(|run| {
                    History::open(&lab.run_folder(run)).is_ok_and(|history| {
                        history.events().iter().any(|record| {
                            record.epoch == 1 && matches!(record.event, Event::EpochStarted)
                        })
                    })
                })
        });
        if let Some(table) = has_begun_two {
            child.kill().unwrap();
            break table;
        }
        assert!(child.try_wait().unwrap().is_none(), "it ended before");
        std::thread::sleep(Duration::from_millis(10));
    };
    child.wait().unwrap();
    let killed = half_done.rows[1].runs[0].run.clone().unwrap();
    let status = || History::open(&lab.run_folder(&killed)).unwrap().status();
    assert_eq!(status(), Status::Interrupted);
    let table = lab.table().unwrap();
    assert_eq!(table.rows[1].runs[0].state, State::Interrupted);
    assert!(!table.is_worked_on);
    let done = done_runs(&table);
    assert_eq!(done.len(), 1);
    let before = fingerprint(&lab, &done[0]);

    // By the name of the experiment: what was set at first still counts.
    let output = lab.output(&["run", "small"]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert!(
        stderr(&output).contains("--retry-failed"),
        "{}",
        stderr(&output)
    );
    let table = lab.table().unwrap();
    assert_eq!((table.n_runs, table.n_done, table.n_failed), (6, 4, 2));
    assert_eq!(
        fingerprint(&lab, &done[0]),
        before,
        "what was done was left alone"
    );
    assert_eq!(
        table.rows[1].runs[0].run.as_ref(),
        Some(&killed),
        "gone on with"
    );
    let history = History::open(&lab.run_folder(&killed)).unwrap();
    let resumed = |record: &&std::sync::Arc<attune_core::run::Record>| {
        matches!(record.event, Event::Resumed { .. })
    };
    assert_eq!(history.events().iter().filter(resumed).count(), 1);
    assert_eq!(
        history.run_toml().unwrap()["config"]["patience_epochs"].as_integer(),
        Some(0)
    );
    let State::Failed { message } = &table.rows[2].state else {
        panic!("{:?}", table.rows[2].state);
    };
    assert!(message.contains("not finite"), "{message}");
    assert_eq!(table.rows[3].runs, table.rows[0].runs);
    let n_runs = std::fs::read_dir(lab.workspace().runs()).unwrap().count();
    assert_eq!(n_runs, 6, "no run was lost or trained twice");

    // Scores are those of the runs' own logs, and `attune metrics` finds the same in what they kept.
    let measured = table.rows[0].measures[0].measured.unwrap();
    let values: Vec<f64> = table.rows[0]
        .runs
        .iter()
        .filter_map(|run| run.roc_auc)
        .collect();
    assert_eq!(measured.n, 2);
    assert!((measured.mean - (values[0] + values[1]) / 2.0).abs() < 1e-12);
    assert!((measured.sd.unwrap() - (values[0] - values[1]).abs() / 2f64.sqrt()).abs() < 1e-12);
    let difference = table.rows[1].measures[0].difference.unwrap();
    let other = table.rows[1].measures[0].measured.unwrap();
    assert!((difference.value.unwrap() - (other.mean - measured.mean)).abs() < 1e-6);

    // Nothing is left to do: nothing is written.
    let all: Vec<_> = done_runs(&table);
    let before: Vec<_> = all.iter().map(|run| fingerprint(&lab, run)).collect();
    lab.output(&["run", "small"]);
    let after: Vec<_> = all.iter().map(|run| fingerprint(&lab, run)).collect();
    assert_eq!(before, after);

    check_exports(&lab);

    let output = lab.output(&["run", "small", "--set", "epochs=9"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr(&output).contains("base.epochs"),
        "{}",
        stderr(&output)
    );
}

fn check_exports(lab: &Lab) {
    let export = |format: &str| {
        let output = lab.output(&["export", "small", "--format", format]);
        assert!(output.status.success(), "{}", stderr(&output));
        stdout(&output)
    };
    let markdown = export("markdown");
    for expected in [
        "| Plain | 2 |",
        "0.9188",
        " ± ",
        "Augmented\\_DA",
        "Wild, seed 1, failed",
    ] {
        assert!(markdown.contains(expected), "{expected} in {markdown}");
    }
    let csv = export("csv");
    assert!(
        csv.starts_with("cell,label,group,versus,state,n,roc_auc_mean"),
        "{csv}"
    );
    assert_eq!(csv.lines().count(), 5, "{csv}");
    let latex = export("latex");
    for expected in ["\\toprule", "Augmented\\_DA", "Small \\& quick", "$\\pm$"] {
        assert!(latex.contains(expected), "{expected} in {latex}");
    }
    let file = lab.folder.path().join("out.csv");
    let output = lab.output(&["export", "small", "--format", "csv", "--out", "out.csv"]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(std::fs::read_to_string(file).unwrap(), csv);

    let shown = lab.output(&["show", "small", "--json"]);
    let shown: serde_json::Value = serde_json::from_str(&stdout(&shown)).unwrap();
    assert_eq!(shown["n_done"], 4);
    assert_eq!(shown["rows"][2]["state"]["state"], "failed");
    let listed = lab.output(&["list", "--json"]);
    let listed: serde_json::Value = serde_json::from_str(&stdout(&listed)).unwrap();
    assert_eq!(listed["experiments"][0]["name"], "small");
    assert_eq!(listed["plans"].as_array().unwrap().len(), 8);
}

#[test]
#[cfg(unix)]
fn ctrl_c_stops_the_run_at_work_and_more_seeds_can_be_added() {
    let lab = Lab::new();
    let plan = PLAN.split("[[cells]]\nid = \"augmented\"").next().unwrap();
    std::fs::write(lab.folder.path().join("small.toml"), plan).unwrap();
    let arguments = ["run", "small.toml", "--seeds", "1", "--set", "epochs=200"];
    let child = lab.attune(&arguments).spawn().unwrap();
    let begun = Instant::now();
    let is_running =
        |table: &Table| matches!(&table.rows[0].state, State::Running { step, .. } if *step > 10);
    while !lab.table().is_some_and(|table| is_running(&table)) {
        assert!(
            begun.elapsed() < Duration::from_secs(120),
            "never came so far"
        );
        std::thread::sleep(Duration::from_millis(10));
    }
    let second = lab.output(&arguments);
    assert_eq!(second.status.code(), Some(1));
    assert!(
        stderr(&second).contains("somebody else"),
        "{}",
        stderr(&second)
    );

    let sent = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(sent.success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", stderr(&output));
    assert!(
        stderr(&output).contains("attune experiment run small"),
        "{}",
        stderr(&output)
    );
    let table = lab.table().unwrap();
    assert_eq!(table.rows[0].state, State::Interrupted);
    let run = table.rows[0].runs[0].run.clone().unwrap();
    let status = History::open(&lab.run_folder(&run)).unwrap().status();
    assert_eq!(status, Status::Stopped);

    // More seeds, and everything else as it was.
    let child = lab
        .attune(&["run", "small", "--seeds", "1,2"])
        .spawn()
        .unwrap();
    while lab.table().unwrap().seeds != [1, 2] {
        assert!(
            begun.elapsed() < Duration::from_secs(120),
            "never came so far"
        );
        std::thread::sleep(Duration::from_millis(10));
    }
    let sent = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(sent.success());
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(130));
    let table = lab.table().unwrap();
    assert_eq!(table.rows[0].runs[0].run.as_ref(), Some(&run));
    assert_eq!(table.n_runs, 2);
}

/// A machine that slept, or was cut off from the folder, finds another's name in it.
#[test]
#[cfg(target_os = "linux")]
fn an_experiment_that_another_machine_has_taken_over_is_left_to_it() {
    let lab = Lab::new();
    let plan = PLAN.split("[[cells]]\nid = \"augmented\"").next().unwrap();
    std::fs::write(lab.folder.path().join("small.toml"), plan).unwrap();
    let arguments = ["run", "small.toml", "--seeds", "1", "--set", "epochs=20000"];
    let child = lab.attune(&arguments).spawn().unwrap();
    let begun = Instant::now();
    let is_running =
        |table: &Table| matches!(&table.rows[0].state, State::Running { step, .. } if *step > 10);
    while !lab.table().is_some_and(|table| is_running(&table)) {
        assert!(
            begun.elapsed() < Duration::from_secs(120),
            "never came so far"
        );
        std::thread::sleep(Duration::from_millis(10));
    }
    let folder = lab.workspace().experiments().join("small");
    let ledger = || std::fs::read_to_string(folder.join("ledger.jsonl")).unwrap();
    let before = ledger();
    let lock = folder.join("writer.lock");
    std::fs::write(&lock, "another machine").unwrap();

    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert!(
        stderr(&output).contains("another machine has taken over"),
        "{}",
        stderr(&output)
    );
    assert_eq!(ledger(), before, "it is the other machine's");
    assert_eq!(std::fs::read_to_string(&lock).unwrap(), "another machine");
    let run = lab.table().unwrap().rows[0].runs[0].run.clone().unwrap();
    let run = lab.run_folder(&run);
    assert_eq!(History::open(&run).unwrap().status(), Status::Stopped);
    assert!(
        run.join("checkpoints/last.safetensors").exists(),
        "whoever took over goes on from here"
    );
}

#[test]
fn plans_that_are_wrong_are_refused_before_anything_is_written() {
    let lab = Lab::new();
    let path = lab.folder.path().join("small.toml");
    for (from, to, code, expected) in [
        ("epochs = 3", "epoch = 3", 3, "`epoch`"),
        ("data = { folder = \"data\" }", "", 2, "--data"),
        ("same_runs_as = \"plain\"", "versus = \"z\"", 3, "`versus`"),
    ] {
        std::fs::write(&path, PLAN.replace(from, to)).unwrap();
        let output = lab.output(&["run", "small.toml"]);
        assert_eq!(output.status.code(), Some(code), "{}", stderr(&output));
        assert!(stderr(&output).contains(expected), "{}", stderr(&output));
        assert!(
            stderr(&output).contains("small.toml"),
            "{}",
            stderr(&output)
        );
    }
    let output = lab.output(&["run", "table9"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr(&output).contains("table3-quick"),
        "{}",
        stderr(&output)
    );
    let output = lab.output(&["show", "table9"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(!lab.workspace().experiments().exists());
}
