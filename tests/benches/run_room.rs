//! A thousand runs of a hundred thousand steps: how long the list takes to open, and what a frame of the window costs.
//!
//! ```text
//! cargo bench -p attune-tests --bench run_room -- [--runs 1000] [--steps 100000] [--in FOLDER] [--json FILE]
//! ```
//!
//! The runs take about 7 GB and are written anew, into a temporary folder unless another is given. Told are the fastest and the slowest
//! opening, from a cold disk cache (root on Linux only) and from a warm one, and of frames the median, the 99th percentile and the greatest of
//! logic, ui and tessellation together: what the window's thread does by itself.

#![expect(
    clippy::expect_used,
    reason = "a benchmark that cannot write has nothing to measure"
)]

mod timed_window;

use attune::workbench::{Select, UiCommand};
use attune_core::metrics::Scores;
use attune_core::rng::{Address, Purpose, Stream};
use attune_core::run::{self, Event, RunLog, Scalar, StepScalars};
use egui::{Event as Input, pos2};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::time::Instant;
use timed_window::Window;

const N_TAGS: usize = 50;
const N_VALIDATIONS: u64 = 50;

struct Options {
    n_runs: usize,
    n_steps: u64,
    folder: Option<PathBuf>,
    json: Option<PathBuf>,
}

fn options() -> Options {
    let mut options = Options {
        n_runs: 1000,
        n_steps: 100_000,
        folder: None,
        json: None,
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().expect("a value after the option");
        match argument.as_str() {
            "--runs" => options.n_runs = value().parse().expect("a number of runs"),
            "--steps" => options.n_steps = value().parse().expect("a number of steps"),
            "--in" => options.folder = Some(value().into()),
            "--json" => options.json = Some(value().into()),
            "--bench" => (),
            other => panic!("no such option: {other}"),
        }
    }
    options
}

/// Run `number`, with settings of its own; its scalars are those of the first, copied.
fn write_run(runs: &Path, number: usize, n_steps: u64) {
    let folder = runs.join(format!("run-{number:04}"));
    let mut draws = Address::new(1, Purpose::Check, number as u64).stream();
    // Repetitions differ in nothing but their seed.
    let mut of_repetitions = Address::new(2, Purpose::Check, number as u64 / 5).stream();
    let recipe = format!(
        "[config]\nname = \"run\"\nseed = {}\nlearning_rate = {:?}\nbatch_size = {}\n[config.model]\npreset = \"{}\"\n[config.optimizer]\nname = \"adam\"\nweight_decay = {:?}\n",
        number % 5,
        [1e-4, 3e-4, 1e-3, 3e-3][number / 5 % 4],
        [16, 32, 64][number / 20 % 3],
        ["tiny", "musicnn", "crnn"][number / 60 % 3],
        f64::from(of_repetitions.uniform()) * 1e-2,
    );
    let recipe: toml::Table = recipe.parse().expect("a recipe");
    let mut log = RunLog::create(&folder, &recipe).expect("a new run");
    let per_epoch = n_steps / N_VALIDATIONS;
    let started = Event::Started {
        name: "run".into(),
        model: recipe["config"]["model"]["preset"]
            .as_str()
            .unwrap_or_default()
            .into(),
        data: "none".into(),
        tags: (0..N_TAGS).map(|tag| format!("tag {tag}")).collect(),
        n_parameters: 164_452,
        steps_per_epoch: per_epoch,
        epochs: N_VALIDATIONS as u32,
        patience_epochs: Some(20),
        version: "0".into(),
        teaching: None,
    };
    log.event(0, 0, started).expect("written");
    let best = 0.7 + 0.25 * f64::from(draws.uniform());
    for epoch in 0..N_VALIDATIONS {
        if number == 0 {
            for step in epoch * per_epoch + 1..=(epoch + 1) * per_epoch {
                log.step(&row(step, epoch as u32, &mut draws))
                    .expect("written");
            }
        }
        let part = 1.0 - (-(epoch as f64) / 8.0).exp();
        let mut score = || Some(0.5 + (best - 0.5) * part + 0.02 * f64::from(draws.uniform()));
        let roc_auc: Vec<_> = (0..N_TAGS).map(|_| score()).collect();
        let average_precision: Vec<_> = (0..N_TAGS).map(|_| score()).collect();
        let validated = Event::Validated {
            loss: 0.7 - 0.5 * part,
            scores: Scores::from_tags(roc_auc, average_precision),
            seconds: 1.0,
            localisation: None,
        };
        log.event((epoch + 1) * per_epoch, epoch as u32, validated)
            .expect("written");
    }
    log.event(n_steps, N_VALIDATIONS as u32 - 1, Event::Finished)
        .expect("written");
    drop(log);
    if number > 0 {
        copy_scalars(&runs.join("run-0000"), &folder);
    }
}

fn row(step: u64, epoch: u32, draws: &mut Stream) -> StepScalars {
    let decay = (-(step as f64) / 20_000.0).exp();
    let mut row = StepScalars::new(step, epoch);
    for scalar in Scalar::ALL {
        let noise = f64::from(draws.uniform());
        row = row.with(scalar, 0.2 + 0.5 * decay + 0.1 * noise);
    }
    row
}

fn copy_scalars(from: &Path, to: &Path) {
    let (from, to) = (from.join("scalars"), to.join("scalars"));
    std::fs::create_dir_all(&to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("the first run's scalars") {
        let entry = entry.expect("a file");
        std::fs::copy(entry.path(), to.join(entry.file_name())).expect("copied");
    }
}

/// Forgets what the system has read; whether it could.
fn drop_caches() -> bool {
    // The disk has it all first.
    drop(std::process::Command::new("sync").status());
    std::fs::write("/proc/sys/vm/drop_caches", "3").is_ok()
}

struct Told(Vec<(String, serde_json::Value)>);

impl Told {
    fn seconds(&mut self, what: &str, secs: f64) {
        println!("{what:66} {secs:8.3} s");
        self.0.push((what.to_owned(), json!({ "seconds": secs })));
    }

    fn frames(&mut self, what: &str, mut ms: Vec<f64>) {
        ms.sort_by(f64::total_cmp);
        let at = |part: f64| ms[((ms.len() - 1) as f64 * part).round() as usize];
        let (median, p99, max) = (at(0.5), at(0.99), at(1.0));
        println!(
            "{what:66} median {median:6.2} ms, p99 {p99:6.2} ms, max {max:6.2} ms, {} frames",
            ms.len()
        );
        let figures =
            json!({ "median_ms": median, "p99_ms": p99, "max_ms": max, "frames": ms.len() });
        self.0.push((what.to_owned(), figures));
    }
}

fn main() {
    let options = options();
    let temporary = tempfile::tempdir().expect("a temporary folder");
    let workspace = options.folder.clone();
    let workspace = workspace.unwrap_or_else(|| temporary.path().to_owned());
    let runs = workspace.join("runs");
    let begun = Instant::now();
    for number in 0..options.n_runs {
        if !runs.join(format!("run-{number:04}")).exists() {
            write_run(&runs, number, options.n_steps);
        }
    }
    println!(
        "{} runs of {} steps, {} measures each, {N_VALIDATIONS} validations × {N_TAGS} tags; written in {:.0} s",
        options.n_runs,
        options.n_steps,
        Scalar::ALL.len(),
        begun.elapsed().as_secs_f64()
    );
    let mut told = Told(Vec::new());
    let list = || {
        let begun = Instant::now();
        assert_eq!(run::list(&runs).len(), options.n_runs);
        begun.elapsed().as_secs_f64()
    };
    if drop_caches() {
        told.seconds("list them, nothing in the disk cache", list());
    }
    let warm = (0..5).map(|_| list()).fold(f64::INFINITY, f64::min);
    told.seconds("list them, again", warm);
    if drop_caches() {
        let mut window = Window::open(&workspace);
        let newest = |window: &Window| window.shows(&format!("{} runs", count(options.n_runs)));
        let took = window.wait("the list", newest);
        told.seconds(
            "open the window until they are listed, nothing in the cache",
            took,
        );
    }
    frames(&workspace, &options, &mut told);
    if let Some(path) = options.json {
        let figures: serde_json::Map<_, _> = told.0.into_iter().collect();
        let text = serde_json::to_string_pretty(&figures).expect("JSON");
        std::fs::write(path, text).expect("written");
    }
}

/// As the window writes it.
fn count(n: usize) -> String {
    attune::widgets::count_text(n as u64)
}

fn frames(workspace: &Path, options: &Options, told: &mut Told) {
    let mut window = Window::open(workspace);
    let all = format!("{} runs", count(options.n_runs));
    let took = window.wait("the list", |window| window.shows(&all));
    told.seconds("open the window until they are listed, again", took);

    let first = window.texts.clone();
    let mut ms: Vec<f64> = (0..600).map(|_| window.scroll(-90.0)).collect();
    assert!(window.texts != first, "the list has not moved");
    ms.extend((0..600).map(|_| window.scroll(90.0)));
    told.frames("scroll through the list", ms);

    let sender = window.app.sender().clone();
    sender.send(UiCommand::Show(attune::panels::Panel::Parameters));
    window.wait("the axes", |window| window.shows("Draw their curves"));
    let ms = (0..300).map(|frame| {
        let at = pos2(
            600.0 + 2.0 * frame as f32,
            250.0 + 100.0 * (frame as f32 / 20.0).sin(),
        );
        window.frame(vec![Input::PointerMoved(at)])
    });
    let ms = ms.collect();
    told.frames("parallel coordinates, the pointer over their lines", ms);

    let of = |n: usize| -> Vec<PathBuf> {
        let name = |number: usize| workspace.join("runs").join(format!("run-{number:04}"));
        (0..n.min(options.n_runs)).map(name).collect()
    };
    sender.send(UiCommand::Show(attune::panels::Panel::Curves));
    for n in [1, 10, 50] {
        let drawn = of(n);
        sender.send(Select::Runs(drawn.clone()));
        let took = window.wait("the curves", |window| {
            let runs = &window.app.state().runs;
            drawn.iter().all(|folder| runs.view(folder).is_some())
        });
        told.seconds(&format!("read the curves of {n} of them"), took);
        window.frame(Vec::new());
        window.pointer = pos2(900.0, 300.0);
        let still = (0..120).map(|_| window.frame(Vec::new())).collect();
        told.frames(&format!("curves of {n}, nothing moves"), still);
        let zoomed = (0..240)
            .map(|frame| window.scroll(if frame < 120 { 20.0 } else { -20.0 }))
            .collect();
        told.frames(&format!("curves of {n}, zooming"), zoomed);
    }
    let grouping = run::Grouping::but_seed();
    sender.send(Select::Group(grouping));
    window.frame(Vec::new());
    window.frame(Vec::new());
    let still = (0..120).map(|_| window.frame(Vec::new())).collect();
    told.frames("curves of 50 as means of repetitions, nothing moves", still);
    let zoomed = (0..240)
        .map(|frame| window.scroll(if frame < 120 { 20.0 } else { -20.0 }))
        .collect();
    told.frames("curves of 50 as means of repetitions, zooming", zoomed);
}
