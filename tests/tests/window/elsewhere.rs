//! A run of another workspace that somebody else trains, opened in the window: seen live and steered through its folder.

use attune_core::run::{Event, Status};
use attune_core::train::{self, DataChoice, Outcome, TrainConfig};
use attune_core::workspace::Workspace;
use attune_tests::small_data;
use attune_tests::window::Window;

#[test]
fn a_run_that_another_process_trains_is_seen_live_and_steered() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    small_data::write(&data, 36, 1.5);
    let config = TrainConfig {
        data: DataChoice::Folder(data),
        input_secs: 1.0,
        batch_size: 4,
        epochs: 100_000,
        patience_epochs: 0,
        ..TrainConfig::for_preset("tiny")
    };
    let server = Workspace::at(folder.path().join("server"));
    let trainer = train::start(config, &server, || ()).unwrap();
    let run = trainer.run_folder.clone();
    let mut window = Window::open(&folder.path().join("workspace"));
    window.wait("the run begins", |_| run.join("run.toml").is_file());
    window.drop_files(&[server.root()]);
    window.wait("the run, live", |window| {
        window.shows("in training in another process")
    });
    assert_eq!(window.state().selection.run.as_ref(), Some(&run));
    let happened = |window: &Window, wanted: fn(&Event) -> bool| {
        let view = window.state().runs.view(&run);
        view.is_some_and(|view| view.events.iter().any(|record| wanted(&record.event)))
    };
    window.click("Pause");
    window.wait("the pause", |window| {
        window.shows("paused, in another process")
    });
    window.picture("trained_elsewhere");
    window.click("Snapshot");
    window.wait("the snapshot", |window| {
        happened(window, |event| matches!(event, Event::SnapshotTaken { .. }))
    });
    window.click("Halve");
    window.wait("the learning rate", |window| {
        happened(window, |event| {
            matches!(event, Event::LearningRateSet { learning_rate } if (*learning_rate - 5e-4).abs() < 1e-9)
        })
    });
    window.click("Continue");
    window.wait("going on", |window| {
        happened(window, |event| matches!(event, Event::Continued))
    });
    window.click("Stop");
    window.wait("the end", |window| {
        let view = window.state().runs.view(&run);
        view.is_some_and(|view| view.status == Status::Stopped)
    });
    assert_eq!(trainer.join().unwrap(), Outcome::Stopped);
    window.frames(3);
    assert!(!window.shows("Pause"), "there is nothing to steer any more");
}
