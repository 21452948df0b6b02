//! Settings against scores: parallel coordinates and a scatter plot, marked by dragging.

use crate::runs::save_as;
use attune::panels::Panel;
use attune::workbench::Command;
use attune_tests::small_runs::write_with;
use attune_tests::window::Window;
use egui::{Key, Modifiers, vec2};
use std::path::Path;

/// Runs at three learning rates with two batches; the higher the rate, the faster it learns.
fn write_six(runs: &Path) {
    for (rate, pace) in [("1e-4", 0.4), ("1e-3", 1.0), ("1e-2", 2.0)] {
        for batch in [8, 32] {
            let recipe = format!(
                "[config]\nname = \"x\"\nseed = 1\nlearning_rate = {rate}\nbatch_size = {batch}\n"
            );
            write_with(runs, &format!("lr{rate}-b{batch}"), 200, pace, &recipe);
        }
    }
}

fn open(workspace: &Path) -> Window {
    write_six(&workspace.join("runs"));
    let mut window = Window::open(workspace);
    window.send(Command::Show(Panel::Parameters));
    window.wait("the axes", |window| window.shows("Axis learning_rate"));
    window.frames(2);
    window
}

#[test]
fn runs_are_marked_on_an_axis_and_their_curves_drawn() {
    let workspace = tempfile::tempdir().unwrap();
    let mut window = open(workspace.path());
    // Only what differs has an axis, besides the scores.
    assert!(window.shows("Axis batch_size") && window.shows("Axis ROC-AUC"));
    assert!(!window.shows("Axis seed") && !window.shows("Axis name"));
    assert!(window.shows("6 runs"));
    let axis = window.rect("Axis learning_rate");
    // The upper quarter: the highest of three rates.
    let top = axis.center_top() + vec2(0.0, 2.0);
    window.drag(top, top + vec2(0.0, axis.height() * 0.25));
    window.wait("two of six", |window| window.shows("2 of 6 runs marked"));
    window.picture("parameters_parallel");
    window.click("Save plot: parameters");
    save_as(&mut window, "CSV (the numbers)", "Screen (165 mm)");
    let csv = workspace.path().join("exports/parallel coordinates.csv");
    window.wait("the file", |_| csv.exists());
    let csv = std::fs::read_to_string(csv).unwrap();
    let mut lines = csv.lines();
    let head = lines.next().unwrap();
    assert!(
        head.starts_with("Run,") && head.contains("learning_rate (per step)"),
        "{head}"
    );
    let column = |name: &str| head.split(',').position(|head| head.starts_with(name));
    let of_run = csv
        .lines()
        .find(|line| line.starts_with("lr1e-3-b32,"))
        .unwrap();
    let value = |name: &str| of_run.split(',').nth(column(name).unwrap()).unwrap();
    assert_eq!(
        (value("learning_rate"), value("batch_size"), value("Marked")),
        ("0.001", "32", "false"),
        "values, not places on the paper: {csv}"
    );
    assert_eq!(lines.count(), 6);
    assert_eq!(
        csv.matches(",true").count(),
        2,
        "those that are marked: {csv}"
    );
    let batch = window.rect("Axis batch_size");
    let low = batch.center_bottom() - vec2(0.0, 2.0);
    window.drag(low, low - vec2(0.0, batch.height() * 0.25));
    window.wait("one of six", |window| window.shows("1 of 6 runs marked"));
    window.click("Draw their curves");
    let shown = window.state().selection.run.clone().unwrap();
    assert!(shown.ends_with("lr1e-2-b8"), "{}", shown.display());
    window.press(Modifiers::NONE, Key::Escape);
    window.wait("no mark", |window| window.shows("6 runs"));

    let places = |window: &Window| {
        let x = |name: &str| window.rect(name).center().x;
        (x("Axis batch_size"), x("Axis learning_rate"))
    };
    let (batch, rate) = places(&window);
    assert!(batch < rate);
    let name = window.rect("Move batch_size").center();
    window.drag(name, name + vec2(rate - batch, 0.0));
    window.wait("the axes to change places", |window| {
        let (batch, rate) = places(window);
        rate < batch
    });
}

#[test]
fn a_box_in_the_scatter_plot_marks_runs_and_the_filter_leaves_others_out() {
    let workspace = tempfile::tempdir().unwrap();
    let mut window = open(workspace.path());
    window.click("Scatter");
    window.wait("the plot", |window| window.shows("Scatter plot of runs"));
    let plot = window.rect("Scatter plot of runs");
    window.drag(
        plot.left_top() + vec2(100.0, 35.0),
        plot.center() + vec2(-20.0, 250.0),
    );
    window.wait("some marked", |window| {
        window.shows_part("of 6 runs marked")
    });
    window.picture("parameters_scatter");
    window.click("Unmark");
    window.click("Filter the plotted runs");
    window.type_text("lr>1e-3");
    window.wait("two left", |window| window.shows("2 runs"));
}
