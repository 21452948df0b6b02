//! Runs of a million steps, and a thousand runs: opening, following, drawing, listing.
//!
//! `cargo bench -p attune-tests --bench history`

#![expect(
    clippy::expect_used,
    reason = "a benchmark that cannot write has nothing to measure"
)]

use attune_core::figure::{Axis, Figure, Panel, palette};
use attune_core::metrics::{RunningScores, Scores, bootstrap, score};
use attune_core::rng::{Address, Purpose};
use attune_core::run::{self, Event, History, RunLog, Scalar, Smoothed, StepScalars};
use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

const N_TAGS: usize = 50;

fn measure<T>(what: &str, repeats: u32, mut work: impl FnMut() -> T) {
    let mut fastest = f64::INFINITY;
    for _ in 0..repeats {
        let start = Instant::now();
        black_box(work());
        fastest = fastest.min(start.elapsed().as_secs_f64());
    }
    println!("{what:58} {:10.3} ms", fastest * 1e3);
}

fn write_run(folder: &Path, n_steps: u64, n_validations: u64) {
    let mut log = RunLog::create(
        folder,
        &[("model", "tiny")]
            .into_iter()
            .collect::<std::collections::BTreeMap<_, _>>(),
    )
    .expect("a new run");
    let started = Event::Started {
        name: "bench".into(),
        model: "tiny".into(),
        data: "none".into(),
        tags: (0..N_TAGS).map(|tag| format!("tag {tag}")).collect(),
        n_parameters: 164_452,
        steps_per_epoch: n_steps / n_validations,
        epochs: n_validations as u32,
        patience_epochs: Some(20),
        version: "0".into(),
        teaching: None,
    };
    log.event(0, 0, started).expect("written");
    let mut draws = Address::new(1, Purpose::Check, 0).stream();
    let per_tag: Vec<_> = (0..N_TAGS)
        .map(|_| Some(f64::from(draws.uniform())))
        .collect();
    for step in 1..=n_steps {
        let epoch = (step * n_validations / (n_steps + 1)) as u32;
        let mut row = StepScalars::new(step, epoch);
        for scalar in Scalar::ALL {
            row = row.with(scalar, f64::from(draws.uniform()));
        }
        log.step(&row).expect("written");
        if step % (n_steps / n_validations) == 0 {
            let scores = Scores::from_tags(per_tag.clone(), per_tag.clone());
            let event = Event::Validated {
                loss: f64::from(draws.uniform()),
                scores,
                seconds: 1.0,
                localisation: None,
            };
            log.event(step, epoch, event).expect("written");
        }
    }
    log.event(n_steps, n_validations as u32 - 1, Event::Finished)
        .expect("written");
}

fn one_long_run(folder: &Path) {
    let run = folder.join("long");
    let start = Instant::now();
    write_run(&run, 1_000_000, 1000);
    println!(
        "{:58} {:10.3} µs a step",
        "write 1,000,000 steps and 1,000 validations",
        start.elapsed().as_secs_f64()
    );
    measure("open that run", 3, || History::open(&run).expect("a run"));
    let mut history = History::open(&run).expect("a run");
    let mut log = RunLog::resume(&run, 1_000_000, 999).expect("a run");
    let mut step = 1_000_000;
    measure(
        "follow it by 100 steps, with a clone held by the window",
        20,
        || {
            for _ in 0..100 {
                step += 1;
                log.step(&StepScalars::new(step, 1000).with(Scalar::Loss, 0.5))
                    .expect("written");
            }
            log.flush().expect("written");
            let shown = history.clone();
            history.refresh().expect("read");
            shown
        },
    );
    let loss = history.series(Scalar::Loss);
    measure("2,000 columns of 1,000,000 steps", 20, || {
        loss.min_max(0.0..1e6, 2000)
    });
    measure("2,000 columns of 10,000 steps", 20, || {
        loss.min_max(5e5..5.1e5, 2000)
    });
    measure("smooth 1,000,000 steps", 3, || {
        let mut smoothed = Smoothed::new(0.99);
        smoothed.follow(loss);
        smoothed
    });
    let points: Vec<_> = loss
        .iter()
        .map(|(step, value)| [step as f64, f64::from(value)])
        .collect();
    let figure = Figure::new("Loss", Axis::new("Step", ""))
        .with(Panel::new(Axis::new("Loss", "")).line("loss", palette(0), points));
    measure("a figure of 1,000,000 points as SVG", 3, || figure.to_svg());
    measure("the same as PNG at 288 dpi", 3, || figure.to_png(4.0));
}

fn a_thousand_runs(folder: &Path) {
    let runs = folder.join("runs");
    for number in 0..1000 {
        write_run(&runs.join(format!("run-{number}")), 1000, 50);
    }
    measure("list 1,000 runs of 50 validations × 50 tags", 5, || {
        run::list(&runs)
    });
}

fn scores() {
    let mut draws = Address::new(2, Purpose::Check, 0).stream();
    let probabilities: Vec<f32> = (0..2000 * N_TAGS).map(|_| draws.uniform()).collect();
    let labels: Vec<bool> = (0..2000 * N_TAGS).map(|_| draws.chance(0.1)).collect();
    let mut running = RunningScores::new(N_TAGS, 2000);
    running.push(&probabilities, &labels);
    measure("running scores of 2,000 clips × 50 tags", 20, || {
        running.scores()
    });
    measure("scores of 2,000 clips × 50 tags", 20, || {
        score(&probabilities, &labels, N_TAGS)
    });
    measure("their bootstrap, 1,000 resamples", 2, || {
        bootstrap(&probabilities, &labels, N_TAGS, 1000, 0.95, 1)
    });
}

fn main() {
    let folder = tempfile::tempdir().expect("a folder");
    scores();
    one_long_run(folder.path());
    a_thousand_runs(folder.path());
}
