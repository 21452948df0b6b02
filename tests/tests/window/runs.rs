//! Runs in the window: curves, tags, list, log. The runs are written by the same log that training writes.

use attune::panels::Panel;
use attune::workbench::{Command, Select};
use attune_core::run::{RunLog, Scalar, StepScalars};
use attune_tests::small_runs::write as write_run;
use attune_tests::window::Window;
use egui::{Key, Modifiers};
use std::path::Path;

fn show(window: &mut Window, folder: &Path) {
    window.send(Select::Run(Some(folder.to_owned())));
    window.send(Command::Show(Panel::Curves));
    let folder = folder.to_owned();
    window.wait("the run", move |window| {
        window.state().runs.view(&folder).is_some()
    });
    window.frames(3);
}

#[test]
fn a_run_of_last_week_is_chosen_in_the_list_and_its_curves_are_drawn() {
    let workspace = tempfile::tempdir().unwrap();
    let runs = workspace.path().join("runs");
    write_run(&runs, "tiny-demo-001", 1500, 1.0);
    write_run(&runs, "tiny-demo-002", 1200, 2.0);
    let mut window = Window::open(workspace.path());
    window.wait("the list", |window| window.shows("Run tiny-demo-001"));
    window.click("Run tiny-demo-001");
    window.wait("curves", |window| window.shows("Loss chart"));
    for chart in ["Scores chart", "Learning rate chart", "Speed chart"] {
        assert!(window.shows(chart), "{chart}");
    }
    assert!(window.shows_part("best epoch"));
    assert!(window.shows("localisation"), "beside ROC-AUC");
    window.picture("curves");
    window.click("Compare tiny-demo-002");
    window.wait("both", |window| {
        window.state().selection.overlays.len() == 1 && window.shows_part("tiny-demo-002")
    });
    window.picture("curves_compared");
    window.send(Command::Show(Panel::Tags));
    window.wait("tags", |window| window.shows("Tag piano"));
    window.picture("tags");
    window.click("Sort by Tag");
    window.click("Tag choir");
    assert_eq!(window.state().selection.tags, ["choir"]);
    window.send(Command::Show(Panel::Log));
    window.wait("log", |window| window.shows_part("best checkpoint so far"));
    assert!(window.shows_part("(by contribution, 20 tracks"));
    window.picture("log");
}

#[test]
fn curves_move_while_another_process_writes_the_run() {
    let workspace = tempfile::tempdir().unwrap();
    let runs = workspace.path().join("runs");
    let folder = write_run(&runs, "live", 100, 1.0);
    let mut window = Window::open(workspace.path());
    show(&mut window, &folder);
    let mut log = RunLog::resume(&folder, 100, 1).unwrap();
    for step in 101..=140 {
        log.step(&StepScalars::new(step, 2).with(Scalar::Loss, 0.3))
            .unwrap();
    }
    log.flush().unwrap();
    window.wait("the new steps", move |window| {
        window
            .state()
            .runs
            .view(&folder)
            .is_some_and(|view| view.last_step == 140)
    });
}

/// No clock: what a frame costs is what it draws.
#[test]
fn a_long_run_costs_a_frame_no_more_than_a_short_one() {
    let workspace = tempfile::tempdir().unwrap();
    let runs = workspace.path().join("runs");
    let short = write_run(&runs, "short", 2_000, 1.0);
    let long = write_run(&runs, "long", 60_000, 1.0);
    let mut window = Window::open(workspace.path());
    show(&mut window, &short);
    let few = window.n_vertices();
    show(&mut window, &long);
    let many = window.n_vertices();
    // Thirty times the steps.
    assert!(many < few * 3, "{many} corners against {few}");
}

#[test]
fn follow_and_fit_move_the_view() {
    let workspace = tempfile::tempdir().unwrap();
    let folder = write_run(&workspace.path().join("runs"), "one", 300, 1.0);
    let mut window = Window::open(workspace.path());
    show(&mut window, &folder);
    window.press(Modifiers::NONE, Key::F);
    window.press(Modifiers::NONE, Key::G);
    window.click("Follow");
    window.click("Fit");
    window.click("Log y");
    window.picture("curves_log");
    assert!(window.shows("Loss chart"));
}

#[test]
fn a_folder_without_a_run_says_so() {
    let workspace = tempfile::tempdir().unwrap();
    let mut window = Window::open(workspace.path());
    window.send(Command::OpenRun(workspace.path().join("nothing")));
    window.wait("an error", |window| {
        window.shows("This run cannot be shown")
    });
}

#[test]
fn runs_are_filtered_sorted_named_put_away_and_brought_back() {
    let workspace = tempfile::tempdir().unwrap();
    let runs = workspace.path().join("runs");
    for (id, n_steps) in [("slow-1", 100), ("fast-1", 200), ("wide-1", 150)] {
        write_run(&runs, id, n_steps, 1.0);
    }
    let mut window = Window::open(workspace.path());
    window.wait("the list", |window| window.shows("Run wide-1"));
    window.click("Filter runs");
    window.type_text("steps>=150 -wide");
    window.wait("one of three", |window| !window.shows("Run slow-1"));
    assert!(window.shows("Run fast-1") && !window.shows("Run wide-1"));
    assert!(window.shows("1 of 3 runs"));
    window.type_text(" nonsense<1");
    window.wait("the problem", |window| {
        window.shows_part("No run has a setting `nonsense`")
    });
    window.press(Modifiers::COMMAND, Key::A);
    window.press(Modifiers::NONE, Key::Backspace);
    window.wait("all", |window| window.shows("Run slow-1"));

    window.secondary_click("Run wide-1");
    window.click("Title, tags and note…");
    window.click("Run tags");
    window.type_text("paper, baseline");
    window.picture("runs_about");
    window.click("Keep");
    window.wait("the tags", |window| {
        let list = window.state().runs.list().unwrap_or_default();
        list.iter()
            .any(|run| run.about.tags == ["baseline", "paper"])
    });

    window.secondary_click("Run slow-1");
    window.click("Discard");
    window.wait("two runs", |window| !window.shows("Run slow-1"));
    assert!(!runs.join("slow-1").exists());
    window.click("Bring back");
    window.wait("three runs", |window| window.shows("Run slow-1"));
    assert!(runs.join("slow-1").join("events.jsonl").exists());
    window.picture("runs");
}

#[test]
fn a_note_is_pinned_to_a_step_of_the_curves() {
    let workspace = tempfile::tempdir().unwrap();
    let folder = write_run(&workspace.path().join("runs"), "one", 300, 1.0);
    let mut window = Window::open(workspace.path());
    show(&mut window, &folder);
    window.secondary_click("Loss chart");
    window.click_part("Note to step");
    window.click("Note to the step");
    window.type_text("the loss jumps");
    window.click("Keep");
    let read = || attune_core::run::About::read(&folder).unwrap().pins;
    let view = folder.clone();
    window.wait("the note", move |window| {
        let view = window.state().runs.view(&view);
        view.is_some_and(|view| view.pins.len() == 1)
    });
    let pins = read();
    assert_eq!(pins[0].text, "the loss jumps");
    // In the middle of the chart: of 300 steps.
    assert!((100..200).contains(&pins[0].step), "{pins:?}");
}

/// Clicks through the dialog about a plot: the last choice of each box, then Save.
pub(crate) fn save_as(window: &mut Window, format: &str, size: &str) {
    window.wait("the dialog", |window| window.shows("File of the plot"));
    for (what, choice) in [("Format", format), ("Size", size)] {
        window.click(what);
        window.frames(2);
        window.click_last(choice);
        window.frames(2);
    }
    window.click("Save");
    window.frames(2);
}

#[test]
fn a_chart_is_saved_as_it_is_shown() {
    let workspace = tempfile::tempdir().unwrap();
    let run = write_run(&workspace.path().join("runs"), "tiny-demo-001", 1500, 1.0);
    let mut window = Window::open(workspace.path());
    show(&mut window, &run);
    window.click("Log y");
    window.frames(2);
    window.secondary_click("Loss chart");
    window.frames(2);
    window.click("Save plot…");
    save_as(&mut window, "pgfplots (LaTeX)", "Single column (85 mm)");
    let exports = workspace.path().join("exports");
    let tex = exports.join("tiny-demo-001 loss.tex");
    window.wait("the file", |_| tex.exists());
    let tex = std::fs::read_to_string(tex).unwrap();
    assert_eq!(tex.matches(r"\nextgroupplot").count(), 1);
    assert!(tex.contains("ymode=log"), "the axis is that of the window");
    for name in ["raw", "training", "validation"] {
        assert!(
            tex.contains(&format!(r"\addlegendentry{{{name}}}")),
            "{name}"
        );
    }
    assert!(tex.contains("{best}"), "the mark of the best epoch");
    assert!(!window.shows("File of the plot"), "the dialog is closed");

    // All charts, and the numbers of what is shown: each validation of the run.
    window.click("Save plot: all charts");
    save_as(&mut window, "CSV (the numbers)", "Screen (165 mm)");
    let csv = exports.join("tiny-demo-001 curves.csv");
    window.wait("the table", |_| csv.exists());
    let csv = std::fs::read_to_string(csv).unwrap();
    let history = attune_core::run::History::open(&run).unwrap();
    let of_validation =
        |line: &&str| line.starts_with("Loss") && line.contains(",validation,line,");
    let saved: Vec<(f64, f32)> = csv
        .lines()
        .filter(of_validation)
        .map(|line| {
            let cells: Vec<&str> = line.split(',').rev().collect();
            (
                cells[4].parse().unwrap(),
                cells[3].parse::<f64>().unwrap() as f32,
            )
        })
        .collect();
    let wanted = history.validations().iter();
    let wanted: Vec<(f64, f32)> = wanted.map(|v| (v.step as f64, v.loss as f32)).collect();
    assert_eq!(saved, wanted);
    assert!(csv.contains("Learning rate"), "all charts that are shown");
}

#[test]
fn the_scores_by_tag_are_saved_in_the_order_of_the_table() {
    let workspace = tempfile::tempdir().unwrap();
    let run = write_run(&workspace.path().join("runs"), "tiny-demo-001", 300, 1.0);
    let mut window = Window::open(workspace.path());
    show(&mut window, &run);
    window.send(Command::Show(Panel::Tags));
    window.frames(3);
    window.click("Save plot: scores by tag");
    save_as(&mut window, "CSV (the numbers)", "Screen (165 mm)");
    let csv = workspace
        .path()
        .join("exports/tiny-demo-001 scores by tag.csv");
    window.wait("the table", |_| csv.exists());
    let csv = std::fs::read_to_string(csv).unwrap();
    let names = csv.lines().filter(|line| line.contains(",ROC-AUC,bars,"));
    let names: Vec<&str> = names.map(|line| line.split(',').nth(3).unwrap()).collect();
    // The best on top, as the table begins.
    assert_eq!(names, ["choir", "strings", "guitar", "drums", "piano"]);
}

#[test]
fn a_run_becomes_a_web_page_from_its_menu() {
    let workspace = tempfile::tempdir().unwrap();
    write_run(&workspace.path().join("runs"), "tiny-demo-001", 300, 1.0);
    let mut window = Window::open(workspace.path());
    window.wait("the list", |window| window.shows("Run tiny-demo-001"));
    window.secondary_click("Run tiny-demo-001");
    window.frames(2);
    window.click("Report as a web page…");
    window.wait("the dialog", |window| window.shows("Path"));
    window.click("Write");
    let page = workspace.path().join("exports/tiny-demo-001.html");
    window.wait("the page", |_| page.exists());
    let html = std::fs::read_to_string(page).unwrap();
    assert!(html.contains("<title>tiny-demo-001</title>"));
}
