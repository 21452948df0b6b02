//! Localisation as a curve of training: measured at each validation where timelines are known, and refused where they are not.

use crate::lab::{Lab, succeed};
use attune_core::audio::write_wav;
use attune_core::interpret::{Explainer, Localiser, Method};
use attune_core::job::Job;
use attune_core::predict::Model;
use attune_core::run::{History, RunSummary, Status};
use attune_core::train::{self, Command, DataChoice, Outcome, TrainConfig};
use attune_core::workspace::Workspace;
use attune_core::{audio, dataset::Dataset};
use attune_tests::bursts;
use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

fn recipe(data: &Path) -> TrainConfig {
    TrainConfig {
        name: "curve".to_owned(),
        data: DataChoice::Folder(data.to_owned()),
        input_secs: 2.0,
        batch_size: 8,
        learning_rate: 2e-3,
        epochs: 3,
        localisation: true,
        snapshots: true,
        ..TrainConfig::for_preset("tiny")
    }
}

#[test]
fn every_validation_says_how_well_known_moments_are_found() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    bursts::write(&data, 60);
    let workspace = Workspace::at(folder.path().join("w"));
    let handle = train::start(recipe(&data), &workspace, || ()).unwrap();
    let run_folder = handle.run_folder.clone();
    assert_eq!(handle.join().unwrap(), Outcome::Finished);

    let history = History::open(&run_folder).unwrap();
    assert_eq!(history.validations().len(), 3);
    for validation in history.validations() {
        let measured = validation.localisation.as_ref().unwrap();
        assert_eq!(measured.method, "contribution");
        assert!(
            measured.n_tracks > 0 && measured.found.n_tags == 2,
            "{measured:?}"
        );
        for score in [
            validation.localisation_roc_auc(),
            validation.pointing_game(),
        ] {
            assert!((0.0..=1.0).contains(&score.unwrap()), "{measured:?}");
        }
        assert!(measured.seconds > 0.0 && measured.seconds < validation.seconds);
        eprintln!(
            "validation {:.3} s, localisation {:.3} s of it, {measured:?}",
            validation.seconds, measured.seconds
        );
    }

    // The same figure again, from outside, of the weights that were kept.
    let last = &history.validations()[2];
    let kept = &attune_core::run::snapshots(&run_folder).unwrap()[2];
    assert_eq!(kept.localisation_roc_auc, last.localisation_roc_auc());
    let model = Model::load(&kept.path).unwrap();
    let dataset = Dataset::open(&data).unwrap();
    let mut localiser = Localiser::new(&model, &dataset, &[Method::Contribution]);
    let valid = dataset
        .tracks
        .iter()
        .filter(|track| track.split.name() == "valid");
    for track in valid {
        let rate_hz = Explainer::sample_rate_hz(&model);
        let wave = audio::decode_mono(&track.path, rate_hz, &Job::quiet()).unwrap();
        localiser.add(track, &wave, &Job::quiet()).unwrap();
    }
    let again = localiser.localised(0).unwrap().roc_auc.unwrap();
    let told = last.localisation_roc_auc().unwrap();
    // The trainer's sound went through 16 bits.
    assert!((again - told).abs() < 0.01, "{again} is not {told}");

    let summary = RunSummary::read(&run_folder).unwrap();
    let best = history.best().unwrap();
    assert_eq!(summary.localisation_roc_auc, best.localisation_roc_auc());
    assert_eq!(summary.pointing_game, best.pointing_game());
}

#[test]
fn without_timelines_the_run_does_not_begin_and_says_why() {
    let lab = Lab::new();
    let output = lab
        .train("w", &["--epochs", "1", "--localisation"])
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(stderr.contains("timelines.csv"), "{stderr}");
    assert!(lab.run_folder("w").is_none(), "nothing was begun");
}

/// Where every tag holds all the time there is nothing to tell apart.
#[test]
fn what_is_not_defined_is_not_nought() {
    let lab = Lab::new();
    let data = lab.folder.path().join("data");
    let labels = std::fs::read_to_string(data.join("labels.csv")).unwrap();
    let mut timelines = "track_id,tag,start_s,end_s\n".to_owned();
    for label in labels.lines().skip(1) {
        writeln!(timelines, "{},0,1.5", label.trim()).unwrap();
    }
    std::fs::write(data.join("timelines.csv"), timelines).unwrap();
    let summary = succeed(lab.train("w", &["--epochs", "1", "--localisation"]));
    let run = summary["id"].as_str().unwrap();
    let shown = succeed(lab.attune("w", &["runs", "show", run, "--json"]));
    let validation = &shown["validations"][0];
    assert!(validation["localisation_roc_auc"].is_null(), "{validation}");
    assert_eq!(validation["pointing_game"], 1.0, "{validation}");
    assert!(validation["roc_auc_macro"].is_number(), "{validation}");
}

#[test]
fn a_stop_while_it_is_measured_is_obeyed_and_the_validation_made_up_for() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    bursts::write(&data, 30);
    // A track of the validation split becomes so long that the stop comes in time.
    let timelines = std::fs::read_to_string(data.join("timelines.csv")).unwrap();
    let long = timelines.lines().find(|line| {
        let number: Option<usize> = line.get(1..4).and_then(|number| number.parse().ok());
        number.is_some_and(|number| number % 6 == 4)
    });
    let id = long.unwrap().split(',').next().unwrap();
    let song = vec![0.01; 240 * bursts::RATE_HZ as usize];
    write_wav(
        &data.join(format!("audio/{id}.wav")),
        &song,
        bursts::RATE_HZ,
    )
    .unwrap();
    let workspace = Workspace::at(folder.path().join("w"));
    let config = TrainConfig {
        epochs: 1,
        ..recipe(&data)
    };
    let handle = train::start(config, &workspace, || ()).unwrap();
    let run_folder = handle.run_folder.clone();
    let begun = Instant::now();
    while handle
        .preparing()
        .is_none_or(|progress| progress.what != "localising")
    {
        assert!(!handle.is_finished() && begun.elapsed() < Duration::from_secs(120));
        std::thread::sleep(Duration::from_millis(1));
    }
    handle.send(Command::Stop);
    assert_eq!(handle.join().unwrap(), Outcome::Stopped);
    let history = History::open(&run_folder).unwrap();
    assert_eq!(history.status(), Status::Stopped);
    assert!(history.validations().is_empty());

    let handle = train::resume(&run_folder, &workspace, || ()).unwrap();
    assert_eq!(handle.join().unwrap(), Outcome::Finished);
    let history = History::open(&run_folder).unwrap();
    assert!(history.validations()[0].localisation.is_some());
}
