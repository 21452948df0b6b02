//! A noisy student in the window: its teacher chosen, its curves and pseudo-labels, and the clips that it hears.

use crate::saving::check_saved;
use attune::panels::Panel;
use attune::playback::State as Playing;
use attune::workbench::{Command, Select, UiCommand};
use attune_core::run::Scalar;
use attune_core::train::RunFile;
use attune_tests::small_data;
use attune_tests::window::Window;
use std::path::Path;

/// A recipe that is done within seconds.
fn recipe(folder: &Path, name: &str, data: &Path, more: &str) -> Command {
    let path = folder.join(format!("{name}.toml"));
    let text = format!(
        "name = {name:?}\ninput_secs = 1.0\nbatch_size = 4\nlearning_rate = 1e-3\nepochs = 2\nlabel_fraction = 0.5\n\
         data = {{ folder = {data:?} }}\nmodel = {{ preset = \"tiny\" }}\n{more}"
    );
    std::fs::write(&path, text).unwrap();
    Command::Open(path)
}

fn train(window: &mut Window, recipe: Command) {
    window.send(recipe);
    window.wait("the recipe", |window| window.shows_part("Labels' seed"));
    start(window);
}

fn start(window: &mut Window) {
    window.click("Start training");
    window.wait("the start", |window| {
        window.state().training.run_folder().is_some()
    });
    window.wait("the end", |window| !window.state().training.is_running());
}

#[test]
fn a_student_is_taught_watched_and_heard() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    small_data::write(&data, 36, 1.5);
    let mut window = Window::open(&folder.path().join("workspace"));
    train(&mut window, recipe(folder.path(), "teacher", &data, ""));
    window.send(UiCommand::Show(Panel::Student));
    window.wait("what is missing", |window| {
        window.shows("This run has no teacher")
    });

    let noisy =
        "augmentation = { preset = \"reference\" }\n[noisy_student]\nteacher = \"teacher-1\"\n";
    let more = folder.path().join("more");
    small_data::write(&more, 12, 1.5);
    window.send(recipe(folder.path(), "student", &data, noisy));
    window.wait("the teacher's rows", |window| {
        window.shows("Folder of unlabelled tracks")
    });
    window.click("Folder of unlabelled tracks");
    window.type_text(more.to_str().unwrap());
    window.click("Add");
    assert!(window.shows(&format!("Leave out {}", more.display())));
    window.click("Students");
    window.type_text("2");
    window.press(egui::Modifiers::NONE, egui::Key::Enter);
    window.click("Start training");
    window.wait("the first of two students", |window| {
        window.shows("student 1 of 2")
    });
    window.wait("the second", |window| window.shows("student 2 of 2"));
    window.wait("the end", |window| !window.state().training.is_running());
    let second = window.state().selection.run.clone().unwrap();
    let teacher = RunFile::read(&second)
        .unwrap()
        .config
        .noisy_student
        .unwrap();
    assert!(teacher.teacher.ends_with("student-1"), "{teacher:?}");
    window.click("Start training");
    window.wait("another first student", |window| {
        window.state().training.run_folder().is_some()
    });
    window.send(UiCommand::StopTraining);
    window.wait("the stop", |window| !window.state().training.is_running());
    window.frames(5);
    assert!(
        !window.state().training.is_running(),
        "whoever stops one student wants no other"
    );
    window.send(Select::Run(Some(second)));
    window.send(UiCommand::Show(Panel::Curves));
    window.wait("the student's charts", |window| {
        window.shows("Student's losses chart") && window.shows("Agreement chart")
    });
    window.picture("curves_of_a_student");

    window.send(UiCommand::Show(Panel::Student));
    window.wait("pseudo-labels", |window| {
        small_data::TAGS
            .iter()
            .all(|tag| window.shows(&format!("Pseudo-labels of {tag}")))
    });
    let home = folder.path().join("workspace");
    check_saved(&mut window, &home, "pseudo-labels", &[">low<"], &[]);
    let run = window.state().selection.run.clone().unwrap();
    let view = window.state().runs.view(&run).unwrap();
    assert!(view.teacher_scored.is_some());
    assert!(view.series(Scalar::SemiSupervisedLoss).last().is_some());
    assert!(window.shows_part("knowledge expansion"));
    // 24 training tracks, half of them with labels; all 12 of the other set.
    assert!(window.shows_part("12 labelled tracks") && window.shows_part("24 unlabelled tracks"));

    window.click("Hear the present batch");
    window.wait("the clips", |window| {
        window.state().student.lesson(&run).is_some()
    });
    window.frames(3);
    let lesson = window.state().student.lesson(&run).unwrap().clone();
    assert_eq!(lesson.clips.len(), 2, "half a batch");
    let second = lesson.clips[1].heard.track.clone();
    window.click(&second);
    assert_eq!(window.state().student.chosen(), 1);
    window.click("As the student hears it");
    let listening = |window: &Window| {
        let clip = &lesson.clips[1];
        window
            .state()
            .student
            .listening(clip, &window.state().player)
    };
    assert_eq!(listening(&window), Some(1));
    assert_eq!(window.state().player.state(), Playing::Playing);
    let at_secs = window.state().player.position_secs();
    window.click("As the teacher hears it");
    assert_eq!(listening(&window), Some(0));
    assert!((window.state().player.position_secs() - at_secs).abs() < 0.2);
    window.picture("student");
}
