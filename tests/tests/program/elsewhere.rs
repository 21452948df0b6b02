//! A run that one process trains and others watch and steer, through its folder alone.

use crate::lab::{Lab, succeed, wait_until};
use attune_core::run::{Event, History, Status};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command};

/// A run that only a command ends.
fn endless(lab: &Lab, more: &[&str]) -> (Child, String) {
    let options = [&["--epochs", "100000", "--patience", "0"], more].concat();
    let mut child = lab.train("w", &options).spawn().unwrap();
    let history = wait_until(lab, "w", &mut child, |history| history.last_step() > 3);
    (child, history.id().to_owned())
}

/// What a command prints. Panics if it fails.
fn told(mut command: Command) -> String {
    let output = command.output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?} failed: {stderr}");
    String::from_utf8(output.stdout).unwrap()
}

fn append(run: &Path, text: &str) {
    let mut file = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(run.join("commands.jsonl"))
        .unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

#[test]
fn a_run_is_steered_from_another_process() {
    let lab = Lab::new();
    let (child, id) = endless(&lab, &[]);
    let run = lab.run_folder("w").unwrap();
    let runs = |words: &[&str]| {
        let words: Vec<&str> = [&["runs"], words].concat();
        told(lab.attune("w", &words))
    };
    let status = || History::open(&run).unwrap().status();
    assert!(runs(&["pause", &id]).contains("paused at step"));
    assert_eq!(status(), Status::Paused);
    assert!(runs(&["pause", &id]).contains("paused already"));

    // What is written by hand is obeyed as well, also while paused; what is not understood is said and stops nothing.
    append(
        &run,
        "levitate\n{\"command\":\"set-learning-rate\",\"value\":0}\n",
    );
    assert!(runs(&["set-learning-rate", &id, "0.0005"]).contains("learning rate set to 0.0005"));
    let kept = runs(&["snapshot", &id]);
    let history = History::open(&run).unwrap();
    let path = history
        .events()
        .iter()
        .find_map(|record| match &record.event {
            Event::SnapshotTaken { path } => Some(path.clone()),
            _ => None,
        });
    let path = path.unwrap();
    assert!(
        run.join(&path).is_file() && kept.contains(path.to_str().unwrap()),
        "{kept}"
    );
    let warnings: Vec<&str> = history
        .events()
        .iter()
        .filter_map(|record| match &record.event {
            Event::Warned { message } => Some(message.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert!(warnings[0].contains("levitate"), "{warnings:?}");
    assert!(warnings[1].contains("positive"), "{warnings:?}");

    let paused_at = history.last_step();
    append(&run, "{\"command\":\"continue\"}\n");
    assert!(runs(&["validate", &id]).contains("validation loss"));
    assert!(History::open(&run).unwrap().last_step() >= paused_at);
    assert!(runs(&["stop", &id]).contains("stopped at step"));
    let output = child.wait_with_output().unwrap();
    let summary: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(summary["outcome"], "stopped");
    assert!(run.join("checkpoints/last.safetensors").exists());

    // A command for nobody is refused, and does not lie in wait for the next writer.
    let before = std::fs::read(run.join("commands.jsonl")).unwrap();
    let refused = lab.attune("w", &["runs", "stop", &id]).output().unwrap();
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("nobody writes this run"));
    assert_eq!(std::fs::read(run.join("commands.jsonl")).unwrap(), before);
}

#[test]
fn commands_of_an_earlier_sitting_are_not_obeyed_again() {
    let lab = Lab::new();
    let data = ["--epochs", "3", "--patience", "0"];
    let mut child = lab.train("w", &data).spawn().unwrap();
    wait_until(&lab, "w", &mut child, |history| history.last_step() > 3);
    child.kill().unwrap();
    child.wait().unwrap();
    let run = lab.run_folder("w").unwrap();
    append(
        &run,
        "{\"command\":\"pause\"}\n{\"command\":\"stop\"}\n{\"comm",
    );
    let mut resume = lab.attune("w", &["train", "--json", "--resume"]);
    resume.arg(&run);
    assert_eq!(succeed(resume)["outcome"], "finished");
}

/// What `attune watch` printed until the run ended, and its exit code; `end` is called when it has printed a line with `sign` in it.
fn watched(lab: &Lab, words: &[&str], sign: &str, end: impl FnOnce()) -> (Option<i32>, String) {
    let words = [&["watch", "--every", "0.1"], words].concat();
    let mut watch = lab.attune("elsewhere", &words).spawn().unwrap();
    let mut lines = BufReader::new(watch.stdout.take().unwrap());
    let mut printed = String::new();
    let mut end = Some(end);
    let mut begin = 0;
    while lines.read_line(&mut printed).unwrap() > 0 {
        let line = begin..printed.len();
        begin = line.end;
        if printed[line].contains(sign)
            && let Some(end) = end.take()
        {
            end();
        }
    }
    (watch.wait().unwrap().code(), printed)
}

#[test]
fn a_run_is_watched_to_its_end_and_the_watcher_ends_as_it_did() {
    let lab = Lab::new();
    let (child, id) = endless(&lab, &[]);
    let run = lab.run_folder("w").unwrap();
    let run_folder = run.to_str().unwrap();
    let (code, printed) = watched(&lab, &[run_folder, "--json"], "progress", || {
        told(lab.attune("w", &["runs", "validate", &id]));
        told(lab.attune("w", &["runs", "stop", &id]));
    });
    child.wait_with_output().unwrap();
    assert_eq!(code, Some(130), "as `attune train` ends when it is stopped");
    let lines: Vec<serde_json::Value> = printed
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let of = |event: &str| lines.iter().filter(|line| line["event"] == event).count();
    assert_eq!(
        (of("started"), of("stopped"), of("ended")),
        (1, 1, 1),
        "{printed}"
    );
    assert!(of("validated") >= 1 && of("progress") >= 1, "{printed}");
    let progress = lines
        .iter()
        .rfind(|line| line["event"] == "progress")
        .unwrap();
    assert_eq!(progress["run"], id);
    for number in ["loss", "learning_rate", "clips_per_second", "seconds_left"] {
        assert!(progress[number].is_number(), "{progress}");
    }

    // A run that is over is told and ends as it ended; nothing in training is said.
    let (code, printed) = watched(&lab, &[run_folder], "never", || ());
    assert_eq!(code, Some(130));
    assert!(printed.contains("outcome     stopped after"), "{printed}");
    let workspace = lab.workspace("w");
    let (code, _) = watched(&lab, &[workspace.to_str().unwrap()], "never", || ());
    assert_eq!(code, Some(1), "there is none in training");
}

#[test]
fn the_watcher_of_a_workspace_finds_the_run_in_training_and_sees_it_killed() {
    let lab = Lab::new();
    let (mut child, id) = endless(&lab, &[]);
    let workspace = lab.workspace("w");
    let workspace = workspace.to_str().unwrap();
    let (code, printed) = watched(&lab, &[workspace], "learning rate", || {
        child.kill().unwrap();
        child.wait().unwrap();
    });
    assert_eq!(code, Some(1));
    assert!(printed.contains(&format!("{id}  epoch ")), "{printed}");
    assert!(printed.contains("learning rate 0.001"), "{printed}");
    assert!(
        printed.contains("outcome     interrupted after"),
        "{printed}"
    );
}
