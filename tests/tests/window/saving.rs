//! Every panel with a plot saves it as it is shown: as a picture that holds its words, and as a table that holds its numbers.
//!
//! Here are the panels that show runs; those that need a song, models or a plan are checked by [`check_saved`] in the tests of these panels.

use crate::runs::save_as;
use attune::panels::Panel;
use attune::workbench::{Command, Select};
use attune_core::metrics::score;
use attune_core::run::{Event, RunLog, Scalar, StepScalars};
use attune_core::train::Predictions;
use attune_tests::window::Window;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

const TAGS: [&str; 3] = ["drums", "piano", "R&B"];

/// Saves the plot whose button is called `Save plot: NAME` as SVG and as CSV; each must hold its words.
pub(crate) fn check_saved(
    window: &mut Window,
    home: &Path,
    name: &str,
    in_svg: &[&str],
    in_csv: &[&str],
) {
    for (format, ending, words) in [("SVG", "svg", in_svg), ("CSV (the numbers)", "csv", in_csv)] {
        let files = || -> BTreeSet<PathBuf> {
            let files = std::fs::read_dir(home.join("exports"))
                .into_iter()
                .flatten();
            let files = files.map(|file| file.unwrap().path());
            files
                .filter(|file| file.extension().is_some_and(|found| found == ending))
                .collect()
        };
        let before = files();
        // What is still being read may move the button while it is clicked; a person would click again.
        for _ in 0..5 {
            window.click(&format!("Save plot: {name}"));
            window.frames(10);
            if window.shows("File of the plot") {
                break;
            }
        }
        save_as(window, format, "Screen (165 mm)");
        window.wait(&format!("{name} as {ending}"), |_| {
            files().len() > before.len()
        });
        let new = files().difference(&before).next().cloned().unwrap();
        let text = std::fs::read_to_string(&new).unwrap();
        if ending == "svg" {
            assert!(
                text.starts_with("<svg ") && text.trim_end().ends_with("</svg>"),
                "{name}"
            );
        } else {
            let head = if name == "parameters" {
                "Run,learning_rate (per step),Loss (binary cross entropy),"
            } else {
                "panel,layer,kind,name,x,y,"
            };
            assert!(text.starts_with(head), "{name}: {text}");
            assert!(text.lines().count() > 1, "{name}: no numbers");
        }
        for word in words {
            assert!(text.contains(word), "{name}: no {word:?} in {text}");
        }
    }
}

/// A run of everything that is drawn of a run: two epochs, predictions of the test split, times of steps, a sampled machine.
fn write_run(home: &Path, id: &str, learning_rate: f64) -> PathBuf {
    let folder = home.join("runs").join(id);
    let recipe = format!("[config]\nlearning_rate = {learning_rate}\nbatch_size = 4\n");
    let recipe: toml::Table = recipe.parse().unwrap();
    let mut log = RunLog::create(&folder, &recipe).unwrap();
    let started = Event::Started {
        name: id.to_owned(),
        model: "tiny".to_owned(),
        data: "data".to_owned(),
        tags: TAGS.map(str::to_owned).to_vec(),
        n_parameters: 1000,
        steps_per_epoch: 10,
        epochs: 2,
        patience_epochs: None,
        version: "test".to_owned(),
        teaching: None,
    };
    log.event(0, 0, started).unwrap();
    let n_tracks = 20;
    let labels: Vec<bool> = (0..n_tracks * TAGS.len()).map(|at| at % 4 < 2).collect();
    let small = |at: usize| ((at * 37) % 101) as f32 / 250.0;
    let sure = |(at, label): (usize, &bool)| {
        if *label {
            0.58 - small(at)
        } else {
            0.1 + small(at)
        }
    };
    let predictions = Predictions {
        tracks: (0..n_tracks).map(|at| format!("track-{at}")).collect(),
        tags: TAGS.map(str::to_owned).to_vec(),
        probabilities: labels.iter().enumerate().map(sure).collect(),
        labels,
    };
    let scores = score(&predictions.probabilities, &predictions.labels, TAGS.len());
    for epoch in 0..2u32 {
        log.event(u64::from(epoch) * 10, epoch, Event::EpochStarted)
            .unwrap();
        for step in u64::from(epoch) * 10 + 1..=u64::from(epoch + 1) * 10 {
            let row = StepScalars::new(step, epoch)
                .with(Scalar::Loss, 1.0 / step as f64)
                .with(Scalar::LearningRate, learning_rate)
                .with(Scalar::StepSeconds, 0.1)
                .with(Scalar::LoaderWait, 0.02)
                .with(Scalar::ForwardSeconds, 0.03)
                .with(Scalar::BackwardSeconds, 0.05);
            log.step(&row).unwrap();
        }
        let validated = Event::Validated {
            loss: 0.625,
            scores: scores.clone(),
            seconds: 0.1,
            localisation: None,
        };
        log.event(u64::from(epoch + 1) * 10, epoch, validated)
            .unwrap();
    }
    predictions.save(&folder).unwrap();
    let evaluated = Event::Evaluated {
        split: "test".to_owned(),
        loss: 0.5,
        scores,
    };
    log.event(20, 1, evaluated).unwrap();
    log.event(20, 1, Event::Finished).unwrap();
    let mut samples = String::new();
    for second in 0u64..60 {
        writeln!(
            samples,
            "{{\"at_unix_ms\":{},\"seconds\":1.0,\"cores\":4.0,\"busy_cores\":1.75,\"process_cores\":1.25,\"resident_bytes\":900000000,\
             \"available_bytes\":12000000000,\"total_bytes\":16000000000,\"read_bytes\":2500000}}",
            1_700_000_000_000 + second * 1000,
        )
        .unwrap();
    }
    std::fs::write(folder.join("system.jsonl"), samples).unwrap();
    folder
}

/// A panel, what is clicked there before, its plot, and what the files must hold.
type Case = (
    Panel,
    &'static [&'static str],
    &'static str,
    &'static [&'static str],
    &'static [&'static str],
);

const CASES: [Case; 8] = [
    (
        Panel::Curves,
        &[],
        "all charts",
        &[">Loss (binary cross entropy)<", ">two-1, training<"],
        &["Loss (binary cross entropy)", ",0.625,"],
    ),
    (
        Panel::Tags,
        &[],
        "scores by tag",
        &[">R&amp;B<", ">ROC-AUC<"],
        &["ROC-AUC,bars,piano,"],
    ),
    (
        Panel::Parameters,
        &[],
        "parameters",
        &["learning_rate"],
        &["\none-1,0.001,0.625,", "\ntwo-1,0.002,0.625,"],
    ),
    (
        Panel::PerTag,
        &["ROC"],
        "curves of the tags",
        &[">R&amp;B<", ">drums<", ">two-1<", ">False positive rate<"],
        &["drums,one-1,line,,0,0,", "piano,two-1,line,", "R&B,,dots,"],
    ),
    (
        Panel::PerTag,
        &["Precision–recall"],
        "curves of the tags",
        &[">Recall<", ">Precision<"],
        &["drums,guessing,line,,0,0.5,"],
    ),
    (
        Panel::PerTag,
        &["Runs × tags"],
        "runs and tags",
        &[">one-1<", ">two-1<", ">piano<"],
        &["cell,one-1 · piano,", "cell,two-1 · R&B,"],
    ),
    (
        Panel::System,
        &[],
        "time of a step",
        &[">Step<", ">forward<"],
        &["forward,band,,0,,", "backward,band,,20,,"],
    ),
    (
        Panel::System,
        &[],
        "the machine",
        &[">Processor (cores)<", ">Memory (GB)<", ">Disk (MB/s)<"],
        &["Processor (cores),Attune,line,,1,1.25,"],
    ),
];

#[test]
fn every_panel_that_shows_runs_saves_its_plots() {
    let workspace = tempfile::tempdir().unwrap();
    let home = workspace.path();
    let runs = [("one-1", 1e-3), ("two-1", 2e-3)].map(|(id, rate)| write_run(home, id, rate));
    let mut window = Window::open(home);
    window.send(Select::Run(Some(runs[0].clone())));
    window.send(Select::ToggleOverlay(runs[1].clone()));
    for (panel, clicks, plot, in_svg, in_csv) in CASES {
        window.send(Command::Show(panel));
        for name in clicks {
            window.wait(name, |window| window.shows(name));
            window.click(name);
        }
        let button = format!("Save plot: {plot}");
        window.wait(&button, |window| window.shows(&button));
        window.picture(&format!("saving_{}", plot.replace(' ', "_")));
        check_saved(&mut window, home, plot, in_svg, in_csv);
    }
}
