//! The queue from the command line: filled, put in order, worked off, killed in the middle, and gone on with.

use crate::lab::{Lab, assert_same_weights, succeed, validations};
use attune_core::queue::{Follower, Queue, State, Table};
use attune_core::run::{Event, History, Status};
use attune_core::train::RunFile;
use attune_core::workspace::Workspace;
use std::path::PathBuf;
use std::process::{Child, Command, Output};
use std::time::{Duration, Instant};

/// A queue in the workspace `w`.
struct Queued {
    lab: Lab,
}

impl Queued {
    fn new() -> Self {
        Self { lab: Lab::new() }
    }

    /// `attune queue …`.
    fn queue(&self, arguments: &[&str]) -> Command {
        self.lab.attune("w", &[&["queue"], arguments].concat())
    }

    fn output(&self, arguments: &[&str]) -> Output {
        self.queue(arguments).output().unwrap()
    }

    /// Puts a tiny model into the queue, as [`Lab::train`] would train it.
    fn add(&self, more: &[&str]) {
        let mut command = self.queue(&["add", "--preset", "tiny", "--data"]);
        command
            .arg(self.lab.folder.path().join("data"))
            .args(["--input-secs", "1", "--batch", "4", "--seed", "3", "--json"])
            .args(more);
        succeed(command);
    }

    fn table(&self) -> Table {
        let workspace = Workspace::at(self.lab.workspace("w"));
        Queue::of(&workspace).table().unwrap()
    }

    fn order(&self) -> Vec<String> {
        self.table().rows.into_iter().map(|row| row.id).collect()
    }

    fn run(&self, id: &str) -> PathBuf {
        self.lab.workspace("w").join("runs").join(id)
    }

    /// Waits until `is_so` of the history of a run that `child` trains.
    fn wait(&self, id: &str, child: &mut Child, is_so: impl Fn(&History) -> bool) {
        let begun = Instant::now();
        while !History::open(&self.run(id)).is_ok_and(|history| is_so(&history)) {
            assert!(begun.elapsed() < Duration::from_secs(120), "never so far");
            let ended = child.try_wait().unwrap();
            assert!(ended.is_none(), "the queue ended before it came so far");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn how_long_a_run_takes_is_told_as_soon_as_another_of_its_kind_has_been_trained() {
    let queued = Queued::new();
    queued.add(&["--epochs", "3"]);
    let workspace = Workspace::at(queued.lab.workspace("w"));
    let mut follower = Follower::new(Queue::of(&workspace));
    let mut seconds = || follower.table().unwrap().rows[0].seconds;
    assert_eq!((seconds(), seconds()), (None, None), "nothing tells");
    succeed(queued.lab.train("w", &["--epochs", "1"]));
    assert!(seconds().is_some_and(|seconds| seconds > 0.0));
}

#[test]
fn a_queue_that_was_killed_goes_on_with_the_same_bits_and_a_failure_does_not_stop_it() {
    let queued = Queued::new();
    let options = ["--epochs", "5", "--augment", "reference", "--name", "long"];
    succeed(queued.lab.train("whole", &options));
    let whole = queued.lab.run_folder("whole").unwrap();

    queued.add(&["--epochs", "1", "--name", "short"]);
    queued.add(&["--learning-rate", "1e30", "--name", "wild"]);
    queued.add(&options);
    assert_eq!(queued.order(), ["short-1", "wild-1", "long-1"]);
    let moved = queued.output(&["move", "long-1", "1"]);
    assert!(moved.status.success(), "{}", stderr(&moved));
    assert_eq!(queued.order(), ["long-1", "short-1", "wild-1"]);

    let mut child = queued.queue(&["run"]).spawn().unwrap();
    queued.wait("long-1", &mut child, |history| {
        let mut events = history.events().iter();
        events.any(|record| record.epoch == 2 && matches!(record.event, Event::EpochStarted))
    });
    let second = queued.output(&["run"]);
    assert_eq!(second.status.code(), Some(1));
    assert!(
        stderr(&second).contains("somebody else"),
        "{}",
        stderr(&second)
    );
    let removed = queued.output(&["remove", "long-1"]);
    assert!(
        stderr(&removed).contains("in training"),
        "{}",
        stderr(&removed)
    );
    child.kill().unwrap();
    child.wait().unwrap();

    let table = queued.table();
    assert!(!table.is_worked_on);
    assert!(matches!(table.rows[0].state, State::Interrupted { step } if step > 0));
    assert_eq!(table.summary(), "2 runs wait, 1 was interrupted");
    // An entry before it does not keep a run waiting that was begun.
    assert!(queued.output(&["move", "long-1", "9"]).status.success());

    let output = queued.output(&["run"]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let told = stderr(&output);
    assert!(
        told.contains("wild-1 failed: the loss is not finite"),
        "{told}"
    );
    assert!(stdout(&output).contains("long-1"), "{}", stdout(&output));
    let run = queued.run("long-1");
    assert_eq!(validations(&run), validations(&whole));
    for checkpoint in ["last", "best"] {
        let file = format!("checkpoints/{checkpoint}.safetensors");
        assert_same_weights(&run.join(&file), &whole.join(&file));
    }
    let ended = |id: &str| History::open(&queued.run(id)).unwrap();
    assert_eq!(ended("short-1").status(), Status::Finished);
    let started = |id: &str| ended(id).started().unwrap().at_unix_ms;
    assert!(
        started("short-1") > ended("long-1").events().last().unwrap().at_unix_ms,
        "the interrupted one went on first"
    );

    // What is done has left; what failed stays with its reason, until it is to be tried again.
    let listed = queued.output(&["list"]);
    assert!(stdout(&listed).contains("failed: the loss is not finite"));
    assert_eq!(queued.order(), ["wild-1"]);
    assert!(
        queued.output(&["run"]).status.code() == Some(1),
        "left alone"
    );
    assert!(queued.output(&["retry"]).status.success());
    assert_eq!(queued.table().n_open(), 1);
    assert!(queued.output(&["remove", "wild-1"]).status.success());
    assert!(queued.order().is_empty());
    assert!(queued.run("wild-1").is_dir(), "what was trained stays");

    // A run that has ended goes on from the queue for longer.
    let refused = queued.output(&["add", "--resume", "short-1"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(stderr(&refused).contains("ask for more epochs"));
    let added = queued.output(&["add", "--resume", "short-1", "--epochs", "2"]);
    assert!(added.status.success(), "{}", stderr(&added));
    let output = queued.output(&["run"]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(validations(&queued.run("short-1")).len(), 2);
    assert!(queued.order().is_empty());
}

#[test]
#[cfg(unix)]
fn ctrl_c_stops_after_a_checkpoint_and_the_entry_stays_the_next() {
    let queued = Queued::new();
    queued.add(&["--epochs", "500", "--patience", "0", "--name", "long"]);
    queued.add(&["--epochs", "1", "--name", "short"]);
    let mut child = queued.queue(&["run"]).spawn().unwrap();
    queued.wait("long-1", &mut child, |history| history.last_step() > 10);
    let sent = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(sent.success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", stderr(&output));
    assert!(stderr(&output).contains("go on with: attune queue run"));
    assert_eq!(queued.order(), ["long-1", "short-1"]);
    let history = History::open(&queued.run("long-1")).unwrap();
    assert_eq!(history.status(), Status::Stopped);
    assert!(!queued.run("short-1").join("run.toml").exists());
    let stopped_at = history.last_step();

    let mut child = queued.queue(&["run"]).spawn().unwrap();
    queued.wait("long-1", &mut child, |history| {
        history.last_step() > stopped_at
    });
    // Stopped by its own name, it ends the queue's work as well.
    let stop = queued.lab.attune("w", &["runs", "stop", "long-1"]).output();
    assert!(stop.unwrap().status.success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(queued.order(), ["long-1", "short-1"]);
}

#[test]
fn students_in_a_row_are_entries_of_which_each_names_the_one_before_as_its_teacher() {
    let queued = Queued::new();
    let options = [
        "--teacher",
        "tunes",
        "--label-fraction",
        "0.5",
        "--iterations",
        "2",
        "--name",
        "pupil",
    ];
    queued.add(&options);
    assert_eq!(queued.order(), ["pupil-1", "pupil-2"]);
    let workspace = Workspace::at(queued.lab.workspace("w"));
    let entries = Queue::of(&workspace).entries().unwrap().entries;
    let teacher = |at: usize| {
        let recipe = entries[at].recipe.as_ref().unwrap();
        recipe.noisy_student.as_ref().unwrap().teacher.clone()
    };
    assert_eq!(teacher(0), PathBuf::from("tunes"));
    assert_eq!(teacher(1), queued.run("pupil-1"));
    assert!(
        RunFile::read(&queued.run("pupil-1")).is_err(),
        "nothing has begun"
    );
}
