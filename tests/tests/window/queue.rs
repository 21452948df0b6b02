//! The queue in the window: filled from the form, put in order, worked off, paused by closing the window, and offered when it opens again.

use attune::panels::Panel;
use attune::workbench::parts::queue;
use attune::workbench::{Command, Select};
use attune_core::queue::Queue;
use attune_core::run::{History, Status};
use attune_core::train::{self, TrainConfig};
use attune_core::workspace::Workspace;
use attune_tests::small_data;
use attune_tests::window::Window;
use std::path::Path;

fn config(folder: &Path, name: &str, epochs: u32) -> std::path::PathBuf {
    let path = folder.join(format!("{name}.toml"));
    let data = folder.join("data");
    let text = format!(
        "name = \"{name}\"\ninput_secs = 1.0\nbatch_size = 4\nlearning_rate = 1e-3\npatience_epochs = 0\nepochs = {epochs}\ndata = {{ folder = {data:?} }}\nmodel = {{ preset = \"tiny\" }}\n"
    );
    std::fs::write(&path, text).unwrap();
    path
}

fn order(workspace: &Path) -> Vec<String> {
    let queue = Queue::of(&Workspace::at(workspace));
    let entries = queue.entries().unwrap().entries;
    entries.into_iter().map(|entry| entry.id).collect()
}

#[test]
fn runs_are_queued_put_in_order_worked_off_and_go_on_after_the_window_was_closed() {
    let folder = tempfile::tempdir().unwrap();
    small_data::write(&folder.path().join("data"), 36, 1.5);
    let workspace = folder.path().join("workspace");
    let mut window = Window::open(&workspace);
    assert!(!window.shows("The queue is not done"), "nothing is in it");
    window.send(Command::Open(config(folder.path(), "short", 1)));
    window.wait("an estimate", |window| window.shows_part("clips/s"));
    window.click("Add to queue");
    window.wait("the entry", |window| window.shows_part("1.  short-1"));
    for (name, epochs) in [("other", 1), ("long", 2000)] {
        let recipe = TrainConfig::read(&config(folder.path(), name, epochs)).unwrap();
        window.send(Command::Queue(queue::Command::Add(Box::new(recipe), 1)));
        let entry = format!(".  {name}-1");
        window.wait("the entry", |window| window.shows_part(&entry));
    }
    assert_eq!(order(&workspace), ["short-1", "other-1", "long-1"]);
    window.click("Move long-1 up");
    window.wait("the move", |_| {
        order(&workspace) == ["short-1", "long-1", "other-1"]
    });
    window.wait("the move, seen", |window| window.shows_part("2.  long-1"));
    window.click("Move long-1 up");
    window.wait("the other", |window| window.shows_part("1.  long-1"));
    window.click("Remove other-1");
    window.wait("it is out", |_| order(&workspace) == ["long-1", "short-1"]);
    window.wait("it is seen to be out", |window| {
        !window.shows_part(".  other-1")
    });
    window.picture("queue_waits");

    window.click("Start the queue");
    let long = workspace.join("runs/long-1");
    let is = |status: Status| {
        let long = long.clone();
        move |window: &Window| {
            let view = window.state().runs.view(&long);
            view.is_some_and(|view| view.status == status && view.last_step > 3)
        }
    };
    window.wait("the first run", is(Status::Running));
    window.wait("how far it is", |window| {
        window.shows_part("of 2000, at most")
    });
    window.picture("queue_at_work");
    // Paused from a terminal: the window says so.
    train::Command::Pause.post(&long).unwrap();
    window.wait("the pause", |window| window.state().is_paused());
    window.wait("the word for it", |window| window.shows("paused"));
    window.click("Continue");
    window.wait("going on", |window| !window.state().is_paused());

    window.request_close();
    window.wait("the question", |window| {
        window.shows("The queue is being worked off")
    });
    window.click("Pause and close");
    window.wait("the end", Window::has_closed);
    drop(window);
    assert_eq!(History::open(&long).unwrap().status(), Status::Stopped);
    assert_eq!(order(&workspace), ["long-1", "short-1"]);

    let mut window = Window::open(&workspace);
    window.wait("the offer", |window| window.shows("The queue is not done"));
    assert!(window.shows("1 run waits, 1 was interrupted."));
    window.picture("queue_offered");
    window.click("Not now");
    window.wait("it is gone", |window| {
        !window.shows("The queue is not done")
    });
    assert!(!window.state().is_training());
    // Taken out from elsewhere, as `attune queue remove` does.
    let queue = Queue::of(&Workspace::at(&workspace));
    queue.remove("long-1").unwrap();
    window.wait("one is left", |window| !window.shows_part(".  long-1"));
    window.click("Start the queue");
    window.wait("all is done", |window| {
        order(&workspace).is_empty() && !window.state().is_training()
    });
    let short = History::open(&workspace.join("runs/short-1")).unwrap();
    assert_eq!(short.status(), Status::Finished);
}

#[test]
fn changed_data_is_told_before_a_run_is_resumed() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    small_data::write(&data, 36, 1.5);
    let workspace = folder.path().join("workspace");
    let recipe = TrainConfig::read(&config(folder.path(), "short", 1)).unwrap();
    let trainer = train::start(recipe, &Workspace::at(&workspace), || ()).unwrap();
    let run = trainer.run_folder.clone();
    trainer.join().unwrap();

    let tracks = std::fs::read_to_string(data.join("tracks.csv")).unwrap();
    let fewer: Vec<&str> = tracks
        .lines()
        .filter(|line| !line.starts_with("x005"))
        .collect();
    std::fs::write(data.join("tracks.csv"), fewer.join("\n")).unwrap();
    let labels = std::fs::read_to_string(data.join("labels.csv")).unwrap();
    let fewer: Vec<&str> = labels
        .lines()
        .filter(|line| !line.starts_with("x005"))
        .collect();
    std::fs::write(data.join("labels.csv"), fewer.join("\n")).unwrap();
    let mut window = Window::open(&workspace);
    window.send(Select::Run(Some(run)));
    window.send(Command::Show(Panel::Training));
    window.wait("the warning", |window| {
        window.shows_part("it had 36 tracks and has 35")
    });
    window.picture("data_changed");
}
