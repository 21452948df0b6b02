//! The weights that a run keeps of every validation: one file each, each a whole model, the last one that of the last checkpoint.

use crate::lab::{Lab, succeed};
use attune::workbench::{Command, Select};
use attune_core::predict::Model;
use attune_core::run::{self, Event, History};
use attune_core::train::{self, DataChoice, Outcome, TrainConfig};
use attune_core::workspace::Workspace;
use attune_tests::window::Window;
use std::path::Path;
use std::sync::Arc;

#[test]
fn every_validation_leaves_its_model() {
    let lab = Lab::new();
    let summary = succeed(lab.train("w", &["--epochs", "3", "--snapshots"]));
    let run_folder = lab.run_folder("w").unwrap();
    let history = History::open(&run_folder).unwrap();
    let snapshots = run::snapshots(&run_folder).unwrap();
    let of_log: Vec<_> = history
        .validations()
        .iter()
        .map(|v| (v.step, v.epoch, v.loss))
        .collect();
    let of_files: Vec<_> = snapshots
        .iter()
        .map(|snapshot| {
            (
                snapshot.step,
                snapshot.epoch.unwrap(),
                snapshot.loss.unwrap(),
            )
        })
        .collect();
    assert_eq!(of_files, of_log);
    assert_eq!(of_files.len(), 3);
    let taken = history
        .events()
        .iter()
        .filter_map(|record| match &record.event {
            Event::SnapshotTaken { path } => Some(run_folder.join(path)),
            _ => None,
        });
    assert!(taken.eq(snapshots.iter().map(|snapshot| snapshot.path.clone())));

    let fingerprint = |path: &Path| Model::load(path).unwrap().fingerprint;
    let checkpoint = |name: &str| fingerprint(&run_folder.join("checkpoints").join(name));
    let last = &snapshots[2];
    assert_eq!(fingerprint(&last.path), checkpoint("last.safetensors"));
    let best = summary["best_epoch"].as_u64().unwrap() as usize;
    assert_eq!(
        fingerprint(&snapshots[best].path),
        checkpoint("best.safetensors")
    );
    assert_ne!(fingerprint(&snapshots[0].path), fingerprint(&last.path));

    let song = lab.folder.path().join("data/audio/x000.wav");
    let predict = |model: &Path| {
        let mut command = lab.attune("w", &["predict", "--json"]);
        succeed({
            command.arg(model).arg(&song);
            command
        })
    };
    let answers: Vec<_> = snapshots
        .iter()
        .map(|snapshot| predict(&snapshot.path))
        .collect();
    assert_ne!(answers[0]["tags"], answers[2]["tags"]);
    let last = predict(&run_folder.join("checkpoints/last.safetensors"));
    assert!(
        last["tags"].is_array() || last["tags"].is_object(),
        "{last}"
    );
    assert_eq!(answers[2]["tags"], last["tags"]);
    assert_eq!(
        Model::load(&snapshots[0].path).unwrap().name,
        "tiny-data-1 step-00000006"
    );

    let shown = succeed(lab.attune("w", &["runs", "show", "tiny-data-1", "--json"]));
    assert_eq!(shown["snapshots"].as_array().unwrap().len(), 3);
}

/// A file where the folder should be: as on a full disk, nothing can be written there.
#[test]
fn a_snapshot_that_cannot_be_written_is_a_warning_and_the_run_goes_on() {
    let lab = Lab::new();
    let workspace = Workspace::at(lab.workspace("w"));
    let run_folder = run::allocate(&workspace.runs(), "blocked").unwrap();
    std::fs::write(run_folder.join("snapshots"), "in the way").unwrap();
    let config = TrainConfig {
        data: DataChoice::Folder(lab.folder.path().join("data")),
        input_secs: 1.0,
        batch_size: 4,
        epochs: 2,
        snapshots: true,
        ..TrainConfig::for_preset("tiny")
    };
    let handle = train::start_in(run_folder.clone(), config, &workspace, || ()).unwrap();
    assert_eq!(handle.join().unwrap(), Outcome::Finished);
    let history = History::open(&run_folder).unwrap();
    assert_eq!(history.validations().len(), 2);
    let warnings = history.events().iter().filter(|record| {
        matches!(&record.event, Event::Warned { message } if message.contains("were not kept"))
    });
    assert_eq!(warnings.count(), 2);
    assert!(run::snapshots(&run_folder).unwrap().is_empty());
    assert!(run_folder.join("checkpoints/last.safetensors").is_file());
}

/// In the window: the run's epochs are at a slider in the Timeline, and the one that is chosen stands beside the model in use.
#[test]
fn the_timeline_goes_through_the_epochs_of_the_chosen_run() {
    let lab = Lab::new();
    succeed(lab.train("w", &["--epochs", "3", "--snapshots"]));
    let run_folder = lab.run_folder("w").unwrap();
    let snapshots = run::snapshots(&run_folder).unwrap();
    let mut window = Window::open(&lab.workspace("w"));
    window.send(Command::OpenModel(
        run_folder.join("checkpoints/best.safetensors"),
    ));
    window.send(Command::OpenSong(
        lab.folder.path().join("data/audio/x000.wav"),
    ));
    window.send(Select::Run(Some(run_folder.clone())));
    window.wait("the epochs", |window| window.shows("3 validations kept"));
    let slider = window.rect("Epoch beside");
    let less = |snapshot: usize| {
        let name = snapshots[snapshot]
            .path
            .file_name()
            .unwrap()
            .to_string_lossy();
        format!("less {name}")
    };
    window.click_at(slider.left_center() + egui::vec2(2.0, 0.0));
    window.wait("the first epoch", |window| {
        window.shows(&less(0)) && !window.shows_part("not computed yet")
    });
    assert!(window.shows_part("epoch 1 of 3, ROC-AUC"));
    window.picture("timeline_epochs");
    assert_eq!(
        window.rect("Epoch beside"),
        slider,
        "it moved away from the pointer"
    );
    window.click_at(slider.right_center() - egui::vec2(2.0, 0.0));
    window.wait("the last epoch", |window| {
        window.shows(&less(2)) && !window.shows_part("not computed yet")
    });
    // Each epoch is another model and says something else of the song.
    let song = window.state().song.current().unwrap();
    let said = |path: &Path| {
        let model = Arc::new(Model::load(path).unwrap());
        let explained = window.state().timeline.explanation(song, &model);
        explained.map(|explained| explained.over_time.whole_song.clone())
    };
    let (first, last) = (said(&snapshots[0].path), said(&snapshots[2].path));
    assert!(first.is_some() && last.is_some() && first != last);
}
