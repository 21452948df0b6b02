//! The Labels panel: tracks tagged by the model in use, walked through with the keyboard, their tags corrected, undone, exported.

use attune::panels::Panel;
use attune::workbench::Command;
use attune_core::dataset::Dataset;
use attune_core::dataset::corrections::{Mark, Verdict};
use attune_tests::small_data;
use attune_tests::window::Window;
use egui::{Key, Modifiers};
use std::path::Path;

fn with_data(folder: &Path) -> Window {
    let data = folder.join("data");
    small_data::write(&data, 12, 1.0);
    let mut window = Window::open(&folder.join("home"));
    window.send(Command::Open(data));
    window.wait("the tracks", |window| window.shows("Track x000"));
    window.send(Command::Show(Panel::Labels));
    window.wait("the list", |window| window.shows("Label x000"));
    window.frames(5);
    window
}

fn mark(window: &Window, track: &str) -> Option<Mark> {
    window.state().labels.ledger().unwrap().mark(track).cloned()
}

fn chosen(window: &Window) -> Option<&str> {
    window.state().selection.track.as_deref()
}

#[test]
fn tags_are_toggled_accepted_and_undone_with_the_keyboard_and_exported() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = with_data(folder.path());
    window.click("Label x000");
    window.frames(3);
    // x000 has `low` and `noisy`, which come first; `high` is the third.
    window.press(Modifiers::NONE, Key::Num3);
    window.press(Modifiers::NONE, Key::Num1);
    let tags = |window: &Window| mark(window, "x000").map(|mark| mark.tags);
    assert_eq!(tags(&window), Some(vec!["noisy".into(), "high".into()]));
    window.press(Modifiers::NONE, Key::Z);
    let back = Some(vec!["low".into(), "noisy".into(), "high".into()]);
    assert_eq!(tags(&window), back);
    window.press(Modifiers::NONE, Key::Y);
    window.press(Modifiers::NONE, Key::Enter);
    window.frames(2);
    assert_eq!(chosen(&window), Some("x001"), "on to the next");
    let verdict = |window: &Window, track| mark(window, track).and_then(|mark| mark.verdict);
    assert_eq!(verdict(&window, "x000"), Some(Verdict::Accepted));
    window.press(Modifiers::NONE, Key::X);
    window.press(Modifiers::NONE, Key::U);
    window.press(Modifiers::NONE, Key::S);
    window.frames(2);
    assert_eq!(chosen(&window), Some("x004"));
    assert_eq!(verdict(&window, "x001"), Some(Verdict::Rejected));
    assert_eq!(verdict(&window, "x002"), Some(Verdict::Unsure));
    assert!(window.shows("decided 3 of 12"));
    window.picture("labels");
    window.click("Export labels");
    let out = folder.path().join("home/exports/data labels");
    window.wait("the export", |_| out.join("tracks.csv").is_file());
    let exported = Dataset::open(&out).unwrap();
    assert_eq!(exported.tracks.len(), 11);
    assert_eq!(exported.tag_names(0).collect::<Vec<_>>(), ["high", "noisy"]);

    // Another day: all is as it was left, and can still be taken back.
    drop(window);
    let mut window = Window::open(&folder.path().join("home"));
    window.send(Command::Open(folder.path().join("data")));
    window.send(Command::Show(Panel::Labels));
    window.wait("the list", |window| window.shows("decided 3 of 12"));
    window.click("Undo");
    window.frames(2);
    assert_eq!(mark(&window, "x002"), None);
}

#[test]
fn other_tags_are_found_by_typing_and_blind_shows_no_labels() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = with_data(folder.path());
    window.click("Blind");
    window.click("Label x003");
    window.frames(3);
    window.press(Modifiers::NONE, Key::Slash);
    window.frames(2);
    window.type_text("noi");
    window.press(Modifiers::NONE, Key::Enter);
    window.frames(2);
    assert_eq!(
        mark(&window, "x003").unwrap().tags,
        ["noisy"],
        "decided from nothing"
    );
    window.picture("labels_blind");
}

#[test]
fn all_tracks_are_tagged_and_sorted_by_what_the_model_says() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = with_data(folder.path());
    window.wait("the model", |window| {
        window.state().model.current().is_some()
    });
    window.click("Tag all tracks with this model");
    window.wait("the answers", |window| {
        window.state().labels.answers().is_some()
    });
    window.wait("the list", |window| window.shows_part("Predictions of"));
    window.click("Label x001");
    window.frames(3);
    window.picture("labels_predictions");
    let answers = window.state().labels.answers().unwrap();
    let path = folder.path().join("data/audio/x001.wav");
    let row = answers.of("x001", &path).unwrap();
    let top = attune_core::predict::by_probability(row)[0];
    let tag = answers.about.tags[top].clone();
    window.press(Modifiers::NONE, Key::Num1);
    let tags = mark(&window, "x001").unwrap().tags;
    assert!(tags.contains(&tag), "{tags:?} has the most probable, {tag}");
}
