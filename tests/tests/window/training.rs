//! A whole training from the window: data set, start, curves, snapshot, learning rate, stop.

use attune::panels::Panel;
use attune::workbench::parts::queue;
use attune::workbench::{Command, UiCommand};
use attune_core::run::{Event, History, Status};
use attune_core::train::{RunFile, Schedule};
use attune_tests::small_data;
use attune_tests::window::Window;
use egui::{Key, Modifiers};
use std::path::Path;

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

/// Replaces the number in the field called `label`.
fn fill(window: &mut Window, label: &str, number: &str) {
    window.click(label);
    window.press(Modifiers::COMMAND, Key::A);
    window.type_text(number);
    window.press(Modifiers::NONE, Key::Enter);
}

#[test]
fn a_run_that_has_ended_is_extended_and_then_branched_with_another_schedule() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    small_data::write(&data, 36, 1.5);
    let config = folder.path().join("short.toml");
    let text = format!(
        "name = \"short\"\ninput_secs = 1.0\nbatch_size = 4\nlearning_rate = 1e-3\nepochs = 2\ndata = {{ folder = {data:?} }}\nmodel = {{ preset = \"tiny\" }}\n"
    );
    std::fs::write(&config, text).unwrap();
    let workspace = folder.path().join("workspace");
    let mut window = Window::open(&workspace);
    let trained = |window: &mut Window, run: &Path, n: usize| {
        window.wait("the end of the training", |window| {
            let history = History::open(run);
            let is_done = history.is_ok_and(|history| {
                history.status() == Status::Finished && history.validations().len() == n
            });
            is_done && !window.state().training.is_running()
        });
    };
    window.send(Command::Open(config));
    // The form has a schedule before the recipe is read; an estimate is made of what was read.
    window.wait("the recipe", |window| window.shows_part("clips/s"));
    window.click("Start training");
    let run = workspace.join("runs/short-1");
    trained(&mut window, &run, 2);

    window.send(Command::Extend(run.clone()));
    window.wait("the fields", |window| window.shows("Extend short-1"));
    fill(&mut window, "Epochs in all", "1");
    window.click("Go on");
    window.wait("why not", |window| {
        window.shows_part("must be more than the 2 that the run has done")
            && window.shows("Extend short-1")
    });
    fill(&mut window, "Epochs in all", "3");
    window.picture("training_extend");
    window.click("Go on");
    trained(&mut window, &run, 3);
    assert_eq!(History::open(&run).unwrap().ends().epochs, 3);

    // In the queue once: the second time the card stays, and says why.
    window.send(Command::Extend(run.clone()));
    window.wait("the fields", |window| window.shows("Extend short-1"));
    fill(&mut window, "Epochs in all", "5");
    window.click("Queue it");
    window.wait("the entry, and how long it will take", |window| {
        !window.shows("Extend short-1") && window.shows_part("goes on to 5 epochs, ")
    });
    window.send(Command::Extend(run.clone()));
    window.wait("the fields", |window| window.shows("Extend short-1"));
    fill(&mut window, "Epochs in all", "6");
    window.click("Queue it");
    window.wait("why not", |window| window.shows_part("It was not queued: "));
    assert!(window.shows("Extend short-1"));
    window.click("Cancel");
    let remove = queue::Command::Remove("short-1".to_owned());
    window.send(Command::Queue(remove));
    window.wait("it is out", |window| {
        !window.shows_part("goes on to 5 epochs")
    });

    window.send(Command::Branch(run));
    window.wait("the branch", |window| {
        window.shows("Branch of short-1:best")
    });
    window.click("Schedule");
    window.click("Warm-up + cosine");
    fill(&mut window, "Falls to", "10");
    fill(&mut window, "Clip gradients", "0.5");
    window.picture("training_branch");
    window.click("Start training");
    let branch = workspace.join("runs/short-branch-1");
    trained(&mut window, &branch, 3);
    let run_file = RunFile::read(&branch).unwrap();
    let schedule: Schedule = "cosine:floor=0.1".parse().unwrap();
    assert_eq!(run_file.config.schedule, schedule);
    assert_eq!(run_file.config.clip_gradient_norm, Some(0.5));
    assert_eq!(run_file.branched_from.unwrap().run, "short-1");
}
