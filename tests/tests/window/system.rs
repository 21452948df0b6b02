//! The System panel: where a run's time goes, what its machine did, and in words what holds it up.

use attune::panels::Panel;
use attune::workbench::{Command, Select};
use attune_core::dataset::Limit;
use attune_core::device;
use attune_core::run::{Event, LoaderTimes, RunLog, Scalar, StepScalars};
use attune_core::workspace::Workspace;
use attune_tests::window::Window;
use egui::{Key, Modifiers};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// A run of 600 steps whose loader becomes slow after the first half; of an earlier version, if `is_old`.
fn write_run(runs: &Path, id: &str, is_old: bool) -> PathBuf {
    let folder = runs.join(id);
    let mut log =
        RunLog::create(&folder, &std::collections::BTreeMap::from([("seed", 1)])).unwrap();
    for step in 1..=600 {
        let waiting = if step > 300 { 0.06 } else { 0.001 };
        let mut row = StepScalars::new(step, 0)
            .with(Scalar::Loss, 0.5)
            .with(Scalar::LoaderWait, waiting)
            .with(Scalar::StepSeconds, 0.08 + waiting);
        if !is_old {
            row = row
                .with(Scalar::ForwardSeconds, 0.025)
                .with(Scalar::BackwardSeconds, 0.045)
                .with(Scalar::OptimizerSeconds, 0.008)
                .with(Scalar::LoaderReading, 0.004)
                .with(Scalar::LoaderAugmenting, 0.11)
                .with(Scalar::LoaderFeatures, 0.03);
        }
        log.step(&row).unwrap();
    }
    if !is_old {
        let times = LoaderTimes {
            threads: 1,
            clips: 9600,
            memory_bytes: 0,
            reading_seconds: 2.4,
            augmenting_seconds: 66.0,
            features_seconds: 18.0,
            effects: [("reverb".to_owned(), 44.0), ("pitch".to_owned(), 20.0)].into(),
        };
        log.event(600, 0, Event::LoaderTimed(times)).unwrap();
        let mut text = String::new();
        for second in 0u64..300 {
            // It was resumed a day later.
            let at = 1_700_000_000_000 + second * 1000 + if second >= 200 { 86_400_000 } else { 0 };
            let busy = 1.4 + 0.5 * (second as f64 / 20.0).sin();
            let resident = 900_000_000 + second * 400_000;
            writeln!(
                text,
                "{{\"at_unix_ms\":{at},\"seconds\":1.0,\"cores\":4.0,\"busy_cores\":{},\"process_cores\":{busy},\"resident_bytes\":{resident},\
                 \"available_bytes\":{},\"total_bytes\":16000000000,\"read_bytes\":{}}}",
                busy + 0.3,
                12_000_000_000 - resident,
                if second % 30 == 0 { 40_000_000 } else { 0 }
            )
            .unwrap();
        }
        std::fs::write(folder.join("system.jsonl"), text).unwrap();
    }
    log.event(600, 0, Event::Finished).unwrap();
    folder
}

fn show(window: &mut Window, run: &Path) {
    window.send(Select::Run(Some(run.to_owned())));
    window.send(Command::Show(Panel::System));
    let run = run.to_owned();
    window.wait("the run", move |window| {
        window.state().runs.view(&run).is_some()
    });
    window.frames(3);
}

#[test]
fn a_slow_loader_is_named_and_the_charts_tell_phases_and_machine() {
    let workspace = tempfile::tempdir().unwrap();
    let runs = workspace.path().join("runs");
    let run = write_run(&runs, "slow", false);
    let mut window = Window::open(workspace.path());
    window.send(Command::Show(Panel::System));
    window.wait("what to do", |window| window.shows("No run is open"));
    show(&mut window, &run);
    for part in [
        "The loader is the bottleneck: 43 % of each step (60 ms of 140 ms) waits for data.",
        "67 % of it reverb",
        "more loader threads",
        "newest 100 steps",
        "Graphics processor: the run computed on the processor alone.",
    ] {
        assert!(window.shows_part(part), "{part}");
    }
    for chart in [
        "Time of a step chart",
        "Processor chart",
        "Memory chart",
        "Disk chart",
    ] {
        assert!(window.shows(chart), "{chart}");
    }
    window.picture("system");
    // In the first half nothing waits.
    let chart = window.rect("Time of a step chart");
    window.hover(chart.lerp_inside(egui::vec2(0.3, 0.5)));
    window.frames(3);
    assert!(window.shows_part("steps 1"), "where the pointer is");
    assert!(window.shows("1 ms 1 %"), "its waiting");
    let chart = window.rect("Processor chart");
    window.hover(chart.lerp_inside(egui::vec2(0.5, 0.5)));
    window.frames(3);
    assert!(window.shows_part("of training"));
    window.click("Share");
    window.picture("system_share");
}

#[test]
fn a_run_on_a_gpu_shows_how_busy_it_was_and_its_memory() {
    let workspace = tempfile::tempdir().unwrap();
    let run = write_run(&workspace.path().join("runs"), "gpu", false);
    let path = run.join("system.jsonl");
    let text = std::fs::read_to_string(&path).unwrap();
    let mut with_gpu = String::new();
    for (second, line) in text.lines().enumerate() {
        // The library that knows the share came with the second sitting.
        let share = if second < 200 {
            String::new()
        } else {
            format!(
                "\"busy_share\":{},",
                0.9 - 0.1 * (second as f64 / 9.0).sin()
            )
        };
        writeln!(
            with_gpu,
            "{},\"gpu\":{{\"name\":\"NVIDIA H200\",{share}\"process_bytes\":{},\"used_bytes\":{},\"total_bytes\":150000000000}}}}",
            line.trim_end_matches('}'),
            21_000_000_000u64 + second as u64 * 1_000_000,
            34_000_000_000u64,
        )
        .unwrap();
    }
    std::fs::write(&path, with_gpu).unwrap();
    let mut window = Window::open(workspace.path());
    show(&mut window, &run);
    window.hover(window.rect("Time of a step chart").center());
    window.scroll(-10_000.0);
    // What is told is the newest where the pointer is nowhere.
    window.hover(egui::pos2(5.0, 5.0));
    window.frames(3);
    window.picture("system_gpu");
    for part in [
        "Graphics processor: NVIDIA H200.",
        "Graphics processor chart",
        "GPU memory chart",
        "80 %",
        "34.00 GB",
    ] {
        assert!(window.shows_part(part), "{part}");
    }
}

#[test]
fn a_run_of_an_earlier_version_says_what_was_not_measured() {
    let workspace = tempfile::tempdir().unwrap();
    let run = write_run(&workspace.path().join("runs"), "old", true);
    let mut window = Window::open(workspace.path());
    show(&mut window, &run);
    for part in [
        "The loader is the bottleneck",
        "measured their waiting alone",
        "Processor and memory are not known",
    ] {
        assert!(window.shows_part(part), "{part}");
    }
    assert!(!window.shows("Processor chart"));
}

#[test]
fn what_attune_may_take_is_set_in_the_window_for_the_command_line_as_well() {
    let workspace = tempfile::tempdir().unwrap();
    let kept = Workspace::at(workspace.path());
    Limit::CACHE.save(&kept, Some(80.0)).unwrap();
    let mut window = Window::open(workspace.path());
    window.send(Command::Show(Panel::System));
    let cache_gb = |window: &Window| {
        let limits = window.state().limits.limits()?.unwrap();
        Some(limits.cache_gb)
    };
    window.wait("what holds", |window| cache_gb(window) == Some(Some(80.0)));
    window.wait("what is taken", |window| window.shows_part(" taken"));
    let set = |window: &mut Window, field: &str, text: &str| {
        window.click(field);
        window.type_text(text);
        window.press(Modifiers::NONE, Key::Enter);
    };
    set(&mut window, "Cache of decoded sound", "120.5");
    window.wait("the new budget", |_| {
        Limit::CACHE.of(&kept).unwrap() == Some(120.5)
    });
    window.wait("it in the field", |window| {
        cache_gb(window) == Some(Some(120.5))
    });
    set(&mut window, "Cache of decoded sound", "0");
    window.wait("no budget", |_| Limit::CACHE.of(&kept).unwrap().is_none());
    window.wait("it in the field", |window| cache_gb(window) == Some(None));
    set(&mut window, "Loader's memory", "2.5 GB");
    window.wait("more for the loader", |_| {
        Limit::LOADER_MEMORY.of(&kept).unwrap() == Some(2.5)
    });
    assert_eq!(device::loader_memory(), Some(2_500_000_000));
    window.wait("it in the field", |window| {
        let limits = window.state().limits.limits();
        limits.is_some_and(|limits| limits.unwrap().loader_gb == Some(2.5))
    });
    window.picture("system_limits");
    set(&mut window, "Loader's memory", "usual");
    window.wait("as usual", |_| {
        Limit::LOADER_MEMORY.of(&kept).unwrap().is_none()
    });
    assert_eq!(device::loader_memory(), None);
}
