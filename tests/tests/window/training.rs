//! A whole training from the window: data set, start, curves, snapshot, learning rate, stop.

use attune::panels::Panel;
use attune::workbench::{Command, UiCommand};
use attune_core::run::{Event, Status};
use attune_tests::small_data;
use attune_tests::window::Window;

#[test]
fn a_training_is_set_up_started_steered_and_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    small_data::write(&data, 36, 1.5);
    let config = folder.path().join("quick.toml");
    std::fs::write(
        &config,
        format!(
            "input_secs = 1.0\nbatch_size = 4\nlearning_rate = 1e-3\nepochs = 1000\ndata = {{ folder = {:?} }}\nmodel = {{ preset = \"tiny\" }}\n",
            data
        ),
    )
    .unwrap();
    let mut window = Window::open(&folder.path().join("workspace"));
    window.send(Command::Open(config));
    window.wait("an estimate", |window| window.shows_part("clips/s"));
    window.click("Keep the weights of every validation");
    window.click("Write TensorBoard's event file");
    let localisation = window.rect("Measure localisation").center();
    window.hover(localisation);
    window.wait("why it cannot be ticked", |window| {
        window.shows_part("No validation track of this data set")
    });
    window.picture("training_form");
    window.click("Start training");
    window.wait("the first validation", |window| {
        let training = &window.state().training;
        let view = training
            .run_folder()
            .and_then(|folder| window.state().runs.view(folder));
        view.is_some_and(|view| view.validations.len() >= 2)
    });
    assert!(window.app().is_shown(Panel::Curves));
    window.wait("curves", |window| window.shows("Loss chart"));
    window.picture("training_runs");
    let run = window.state().training.run_folder().unwrap().to_owned();

    window.send(UiCommand::Snapshot);
    window.wait("the snapshot is in use", |window| {
        window.state().model.current().is_some()
    });
    window.click("Halve");
    window.click("Pause");
    let happened = |window: &Window, wanted: fn(&Event) -> bool| {
        let view = window.state().runs.view(&run);
        view.is_some_and(|view| view.events.iter().any(|record| wanted(&record.event)))
    };
    window.wait("pause", |window| {
        happened(window, |event| matches!(event, Event::Paused))
    });
    assert!(happened(&window, |event| matches!(
        event,
        Event::LearningRateSet { learning_rate } if (*learning_rate - 5e-4).abs() < 1e-9
    )));
    window.click("Continue");
    window.wait("going on", |window| {
        happened(window, |event| matches!(event, Event::Continued))
    });
    window.click("Stop");
    window.wait("the end", |window| !window.state().training.is_running());
    let kept = attune_core::run::snapshots(&run).unwrap();
    assert!(kept.len() >= 2 && kept[0].loss.is_some(), "{kept:?}");
    let mut boards = std::fs::read_dir(run.join("tensorboard")).unwrap();
    assert!(boards.next().unwrap().unwrap().metadata().unwrap().len() > 1000);
    window.wait("its state in the list", |window| {
        let list = window.state().runs.list();
        list.is_some_and(|list| {
            list.iter()
                .any(|found| found.folder == run && found.status == Status::Stopped)
        })
    });
}
