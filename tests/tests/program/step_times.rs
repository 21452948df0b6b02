//! Where a run's time goes, and what its machine did: measured in training, shown by `attune runs show`, told when the loader is slow.

use crate::lab::{Lab, assert_same_run, succeed};
use attune_core::run::{Event, History, Phase, Scalar, StepTime, SystemLog};

fn history(lab: &Lab, workspace: &str) -> History {
    History::open(&lab.run_folder(workspace).unwrap()).unwrap()
}

/// All values of a measure, of every step.
fn values(history: &History, scalar: Scalar) -> Vec<f64> {
    let values: Vec<f64> = history
        .series(scalar)
        .iter()
        .map(|(_, value)| f64::from(value))
        .collect();
    assert_eq!(values.len() as u64, history.last_step(), "{scalar:?}");
    values
}

#[test]
fn the_phases_of_each_step_are_measured_and_add_up_to_it() {
    let lab = Lab::new();
    succeed(lab.train("w", &["--epochs", "8", "--augment", "reference"]));
    let history = history(&lab, "w");
    let steps = values(&history, Scalar::StepSeconds);
    let phases = [
        Scalar::LoaderWait,
        Scalar::ForwardSeconds,
        Scalar::BackwardSeconds,
        Scalar::OptimizerSeconds,
    ]
    .map(|scalar| values(&history, scalar));
    for (idx, &step) in steps.iter().enumerate() {
        let told: f64 = phases.iter().map(|values| values[idx]).sum();
        // Each is rounded to 32 bits.
        assert!(told <= step * (1.0 + 1e-5), "step {idx}: {told} of {step}");
    }
    for values in &phases[1..] {
        assert!(values.iter().all(|&seconds| seconds > 0.0));
    }
    let time = StepTime::of_newest(&history, usize::MAX);
    let sum: f64 = Phase::ALL.map(|phase| time.of(phase)).iter().sum();
    assert!((sum - time.seconds()).abs() < 1e-9);
    for scalar in [
        Scalar::LoaderReading,
        Scalar::LoaderAugmenting,
        Scalar::LoaderFeatures,
    ] {
        assert!(values(&history, scalar).iter().all(|&s| s > 0.0));
    }
    assert!(history.series(Scalar::TeacherSeconds).is_empty());

    let told = history.events().iter().map(|record| &record.event);
    let told: Vec<_> = told
        .filter_map(|event| match event {
            Event::LoaderTimed(times) => Some(times),
            _ => None,
        })
        .collect();
    let clips: u64 = told.iter().map(|times| times.clips).sum();
    assert_eq!(clips, 4 * history.last_step(), "every clip once");
    assert!(told[0].effects.contains_key("polarity"), "{told:?}");
    let of_effects: f64 = told[0].effects.values().sum();
    assert!(of_effects <= told[0].augmenting_seconds, "{told:?}");

    let id = history.id();
    let shown = succeed(lab.attune("w", &["runs", "show", id, "--json"]));
    let found = &shown["step_time"];
    assert!(
        found["phases"]["backward"].as_f64().unwrap() > 0.0,
        "{found}"
    );
    let words = found["words"].as_str().unwrap();
    assert!(
        words.contains("A step takes") && words.contains("backward"),
        "{words}"
    );
    let output = lab.attune("w", &["runs", "show", id]).output().unwrap();
    assert!(String::from_utf8_lossy(&output.stdout).contains(words));
    let report = lab.folder.path().join("report");
    let mut write = lab.attune("w", &["runs", "report", id, "--out"]);
    assert!(write.arg(&report).output().unwrap().status.success());
    let page = std::fs::read_to_string(report.join("report.md")).unwrap();
    assert!(
        page.contains(&format!("| Time of a step | {words} |")),
        "{page}"
    );
}

#[test]
#[cfg(target_os = "linux")]
fn what_the_machine_does_is_written_down_and_read_after_the_run_was_resumed() {
    let lab = Lab::new();
    succeed(lab.train("w", &["--epochs", "2"]));
    let run = lab.run_folder("w").unwrap();
    let first = SystemLog::read(&run).unwrap().samples().to_vec();
    let sample = first.first().unwrap();
    assert!(sample.seconds > 0.0 && sample.at_unix_ms > 1_600_000_000_000);
    let activity = &sample.activity;
    assert!(activity.resident_bytes.unwrap() > 1_000_000, "{activity:?}");
    assert!(activity.available_bytes < activity.total_bytes);
    assert!(activity.process_cores <= activity.cores);
    succeed(lab.attune(
        "w",
        &[
            "train",
            "--json",
            "--epochs",
            "4",
            "--resume",
            run.to_str().unwrap(),
        ],
    ));
    let both = SystemLog::read(&run).unwrap().samples().to_vec();
    assert!(both.len() > first.len() && both.starts_with(&first));
}

#[test]
fn a_slow_loader_is_named_in_the_terminal_with_the_effect_that_makes_it_slow() {
    let lab = Lab::new();
    // A tiny network, and forty pitch shifts for each clip.
    let step = "[[steps]]\nprobability = 1.0\nchoices = [{ effect = \"pitch\", cents = { min = 300, max = 500 } }]\n";
    let chain = lab.folder.path().join("heavy.toml");
    std::fs::write(&chain, step.repeat(40)).unwrap();
    let options = ["--epochs", "5", "--loader-threads", "1", "--augment"];
    let mut train = lab.train("w", &options);
    let output = train.arg(&chain).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    for part in [
        "The loader is the bottleneck",
        "Augmentation takes most of the loader's time",
        "pitch",
    ] {
        assert!(stderr.contains(part), "{part} in {stderr}");
    }
    let run = lab.run_folder("w").unwrap();
    let id = run.file_name().unwrap().to_str().unwrap();
    let shown = succeed(lab.attune("w", &["runs", "show", id, "--json"]));
    assert_eq!(shown["step_time"]["verdict"], "is-the-bottleneck");

    // More threads make the same clips.
    let options = ["--epochs", "5", "--loader-threads", "3", "--augment"];
    let mut train = lab.train("more", &options);
    train.arg(&chain);
    succeed(train);
    assert_same_run(&lab.run_folder("more").unwrap(), &run);
}
