//! Runs put together in the window: a row a group with mean, spread and N, one curve a group, other axes.

use attune::panels::Panel;
use attune::workbench::Command;
use attune_core::run::{Grouping, Spread, XAxis};
use attune_tests::small_runs::write_with;
use attune_tests::window::Window;
use std::path::Path;

/// Three repetitions at each of two learning rates; the second learns faster.
fn write_six(runs: &Path) {
    for (rate, pace) in [("1e-4", 0.5), ("1e-3", 1.5)] {
        for seed in 1..=3u32 {
            let recipe = format!(
                "[config]\nname = \"r{seed}\"\nseed = {seed}\nlearning_rate = {rate}\nbatch_size = 16\n"
            );
            let id = format!("lr{rate}-seed{seed}");
            let pace = pace * (1.0 + 0.1 * f64::from(seed));
            write_with(runs, &id, 200 + 50 * u64::from(seed), pace, &recipe);
        }
    }
}

fn open(workspace: &Path) -> Window {
    write_six(&workspace.join("runs"));
    let mut window = Window::open(workspace);
    window.send(Command::Show(Panel::Runs));
    window.wait("the list", |window| window.shows("Run lr1e-4-seed1"));
    window
}

#[test]
fn repetitions_become_a_row_with_mean_spread_and_number() {
    let workspace = tempfile::tempdir().unwrap();
    let mut window = open(workspace.path());
    // The one in the Curves panel is there with several curves only.
    window.click("Group");
    window.click("Repetitions");
    window.wait("the groups", |window| {
        window.shows("Group learning_rate=0.001") && window.shows("Group learning_rate=1e-4")
    });
    assert!(!window.shows("Run lr1e-4-seed1"), "its members are folded");
    assert_eq!(window.count_part("(N=3)"), 2);
    let runs = window.state().runs.list().unwrap().to_vec();
    let runs: Vec<_> = runs.iter().collect();
    let groups = Grouping::but_seed().of(&runs);
    let field = attune_core::run::Field::named("roc-auc");
    let statistic = groups[0].statistic(&field, &runs).unwrap();
    let cell = |spread: Spread| {
        let spread = spread.of(&statistic).unwrap();
        format!("{:.3} ±{spread:.3}", statistic.mean)
    };
    assert!(window.shows(&cell(Spread::Deviation)));
    // The menu stays open for further choices.
    window.click("± standard error");
    window.wait("standard errors", |window| {
        window.shows(&cell(Spread::StandardError))
    });
    window.press(egui::Modifiers::NONE, egui::Key::Escape);
    window.click("Members of learning_rate=1e-4");
    window.wait("its members", |window| window.shows("Run lr1e-4-seed2"));
    assert!(!window.shows("Run lr1e-3-seed1"));
    window.picture("runs_grouped");
}

#[test]
fn a_group_is_drawn_as_one_curve_over_any_axis() {
    let workspace = tempfile::tempdir().unwrap();
    let mut window = open(workspace.path());
    window.click("Draw all");
    window.send(Command::Show(Panel::Curves));
    window.wait("six curves", |window| {
        window.state().selection.overlays.len() == 5
            && (window.state().selection.overlays.iter())
                .all(|run| window.state().runs.view(run).is_some())
    });
    window.frames(3);
    let single = window.n_vertices();
    assert!(window.shows("Loss chart"));
    window.click_last("Group");
    window.click("Repetitions");
    window.wait("two groups", |window| {
        window.shows("learning_rate=1e-4 (N=3)") && window.shows("learning_rate=0.001 (N=3)")
    });
    window.press(egui::Modifiers::NONE, egui::Key::Escape);
    window.frames(3);
    assert_ne!(window.n_vertices(), single, "other curves are drawn");
    window.picture("curves_groups");
    for axis in [XAxis::Epoch, XAxis::WallTime, XAxis::Clips] {
        window.click_part("x: ");
        window.click(axis.label());
        window.press(egui::Modifiers::NONE, egui::Key::Escape);
        let name = match axis {
            XAxis::Epoch => "x: epoch",
            XAxis::WallTime => "x: time of work",
            _ => "x: clips seen",
        };
        window.wait(name, |window| window.shows(name));
        assert!(window.shows("Loss chart"));
    }
    window.click_part("x: ");
    window.click("Logarithmic");
    window.press(egui::Modifiers::NONE, egui::Key::Escape);
    window.frames(3);
    window.picture("curves_logarithmic_clips");
    window.click("Charts");
    window.click("One measure");
    window.wait("single measures", |window| {
        window.shows("Validation ROC-AUC")
    });
    window.click("Validation ROC-AUC");
    window.press(egui::Modifiers::NONE, egui::Key::Escape);
    window.wait("its chart", |window| {
        window.shows("Validation ROC-AUC chart")
    });
}
