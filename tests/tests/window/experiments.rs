//! An experiment in the window: a plan dropped onto it, begun, watched, stopped, gone on with, exported.

use crate::saving::check_saved;
use attune::panels::Panel;
use attune::workbench::{Command, UiCommand};
use attune_core::experiment::{Experiment, State as RunState, Table};
use attune_core::workspace::Workspace;
use attune_tests::small_data;
use attune_tests::window::Window;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A cell that is done within a second, its student, one that takes its time, and one that blows up.
const PLAN: &str = r#"
name = "small"
title = "Small & quick"
effort = "seconds"
needs = "a small data set"
seeds = [1]
report = { resamples = 50 }

[base]
model = { preset = "tiny-student" }
input_secs = 1.0
batch_size = 4
epochs = 2
learning_rate = 1e-3

[[cells]]
id = "plain"
label = "Plain"
paper = { roc_auc = 0.9188, average_precision = 0.3775 }

[[cells]]
id = "long"
label = "Long"
set = { epochs = 40, augmentation = { preset = "reference" } }

[[cells]]
id = "student"
label = "Student"
set = { noisy_student = { teacher = "cell:plain" } }

[[cells]]
id = "wild"
label = "Wild"
set = { learning_rate = 1e30 }
"#;

struct Lab {
    folder: tempfile::TempDir,
}

impl Lab {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("small.toml"), PLAN).unwrap();
        small_data::write(&folder.path().join("data"), 36, 1.5);
        small_data::write(&folder.path().join("more"), 12, 1.5);
        Self { folder }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn open(&self) -> Window {
        let mut window = Window::open(&self.at("workspace"));
        window.send(UiCommand::Show(Panel::Experiments));
        window
    }
}

fn fill(window: &mut Window, field: &str, text: &str) {
    window.click(field);
    window.type_text(text);
}

fn table(window: &Window) -> Option<Arc<Table>> {
    window.state().experiments.table("small")
}

fn state_of(window: &Window, cell: &str) -> Option<RunState> {
    let table = table(window)?;
    let row = table.rows.iter().find(|row| row.cell == cell)?;
    Some(row.state.clone())
}

fn is_running(window: &Window, cell: &str) -> bool {
    matches!(state_of(window, cell), Some(RunState::Running { step, .. }) if step > 2)
}

/// Drops the plan, names its data, starts it.
fn begin(lab: &Lab, window: &mut Window) {
    window.drop_files(&[&lab.at("small.toml")]);
    window.wait("the plan", |window| window.shows("Small & quick"));
    window.wait("what is missing", |window| {
        window.shows_part("name a data set") && window.shows_part("a small data set")
    });
    let data = lab.at("data");
    fill(window, "Data set of the experiment", path(&data));
    fill(window, "Seeds", "1, two");
    assert!(window.shows_part("\"two\" is no seed"));
    window.click("Seeds");
    window.press(egui::Modifiers::COMMAND, egui::Key::A);
    window.type_text("3, 5");
    fill(window, "Folder of unlabelled tracks", path(&lab.at("more")));
    window.click("Add");
    window.wait("the check", |window| window.shows_part("8 runs."));
    window.picture("experiment_form");
    window.click("Start experiment");
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn a_plan_is_begun_watched_stopped_gone_on_with_and_exported() {
    let lab = Lab::new();
    let mut window = lab.open();
    begin(&lab, &mut window);
    window.wait("the long cell", |window| is_running(window, "long"));
    assert!(
        window.shows_part("Experiment small"),
        "the status bar tells"
    );
    window.picture("experiment_running");
    window.click("Plain, seed 3");
    let shown = window.state().selection.run.clone().unwrap();
    let table_now = table(&window).unwrap();
    let plain = table_now.rows[0].runs[0].run.clone().unwrap();
    assert!(
        shown.ends_with(&plain),
        "{} is not {plain}",
        shown.display()
    );

    window.send(UiCommand::StartTraining);
    assert!(
        window.shows_part("An experiment is at work"),
        "two trainings at once would only slow each other down"
    );
    window.click("Stop");
    window.wait("the stop", |window| {
        !window.state().experiments.is_working()
    });
    window.wait("the stopped run", |window| {
        state_of(window, "long") == Some(RunState::Interrupted)
    });
    // Which repetition was at work when it was stopped is up to the machine's speed.
    let stopped = table(&window).unwrap();
    let mut repetitions = stopped.rows[1].runs.iter().enumerate();
    let (repetition, stopped) = repetitions
        .find(|(_, run)| run.state == RunState::Interrupted)
        .unwrap();
    let before = stopped.run.clone();

    window.click("Go on");
    window.wait("the run at work in all panels", |window| {
        let shown = window.state().selection.run.as_ref();
        shown.is_some_and(|shown| shown.ends_with(before.as_ref().unwrap()))
    });
    window.wait("the end", |window| {
        let experiments = &window.state().experiments;
        !experiments.is_working() && table(window).is_some_and(|table| table.n_failed == 2)
    });
    let done = table(&window).unwrap();
    assert_eq!((done.n_done, done.n_runs), (6, 8));
    assert_eq!(
        done.rows[1].runs[repetition].run, before,
        "it went on with the same run"
    );
    assert!(
        done.rows[2].measures[0]
            .measured
            .is_some_and(|score| score.n == 2)
    );
    window.wait("what is distinguishable", |window| {
        let table = table(window).unwrap();
        table.rows[2].measures[0].difference.is_some()
    });
    assert!(
        window.shows_part("Wild, seed 3, failed"),
        "why it failed is said"
    );
    window.picture("experiment");
    check_saved(
        &mut window,
        &lab.at("workspace"),
        "the table's scores",
        &[">Plain<", ">Student<"],
        &["ROC-AUC,mean ± standard deviation,line,"],
    );

    window.click("Export");
    window.click("Markdown");
    let file = lab.at("workspace/exports/small.md");
    window.wait("the file", |_| file.is_file());
    let text = std::fs::read_to_string(file).unwrap();
    assert!(text.contains("| Plain | 2 |"), "{text}");
    assert!(text.contains("0.9188"), "{text}");

    // The same experiment from the files alone, in another window.
    drop(window);
    let mut window = lab.open();
    window.wait("the list", |window| {
        let shelf = window.state().experiments.shelf();
        shelf.is_some_and(|shelf| shelf.experiments.len() == 1)
    });
    window.send(attune::workbench::Select::Experiment(Some(
        "small".to_owned(),
    )));
    window.wait("its table", |window| {
        table(window).is_some_and(|table| table.n_done == 6)
    });
    assert!(window.shows("Try failed runs again"));
    window.drop_files(&[&lab.at("small.toml")]);
    window.wait("what counts", |window| {
        window.shows_part("There is an experiment small already")
    });
}

#[test]
fn closing_the_window_stops_an_experiment_after_a_checkpoint_or_lets_it_go_on() {
    let lab = Lab::new();
    let mut window = lab.open();
    begin(&lab, &mut window);
    window.wait("the long cell", |window| is_running(window, "long"));
    window.request_close();
    window.wait("the question", |window| {
        window.shows("The experiment small is at work")
    });
    assert!(!window.has_closed());
    window.click("Stop and close");
    window.wait("the end", |window| {
        !window.state().experiments.is_working() && window.has_closed()
    });
    let workspace = Workspace::at(lab.at("workspace"));
    let experiment = Experiment::open(&workspace, "small").unwrap();
    let stopped = experiment.table().unwrap();
    assert_eq!(stopped.rows[1].runs[0].state, RunState::Interrupted);

    let mut window = lab.open();
    let go_on = attune::workbench::parts::experiments::Command::GoOn {
        name: "small".to_owned(),
        failed: attune_core::experiment::Failed::Leave,
    };
    window.send(Command::Experiments(go_on));
    window.wait("the work", |window| is_running(window, "long"));
    window.request_close();
    window.wait("the question", |window| window.shows("Keep training"));
    window.click("Keep training");
    let Some(attune::workbench::Kept::Experiment(handle)) = window.take_kept() else {
        panic!("the work is handed on");
    };
    assert!(!window.state().experiments.is_working());
    assert!(!handle.is_finished() && !handle.is_stopping());
    handle.stop();
    let ending = handle.join().unwrap();
    assert_eq!(ending, attune_core::experiment::Ending::Stopped);
}
