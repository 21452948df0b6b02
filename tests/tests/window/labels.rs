//! The Labels panel: tracks tagged by the model in use, walked through with the keyboard, their tags corrected, undone, exported.

use attune::panels::Panel;
use attune::workbench::Command;
use attune::workbench::parts::labels;
use attune::workbench::parts::library::export_stem;
use attune_core::dataset::catalogue::Status;
use attune_core::dataset::corrections::{Corrections, Mark, Verdict};
use attune_core::dataset::{Catalogue, Dataset};
use attune_core::workspace::Workspace;
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
    let stem = export_stem("data", &folder.path().join("data"));
    let out = folder.path().join(format!("home/exports/{stem} labels"));
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
    // Who cannot tell says nothing of the tags; one who comes back still does not see them.
    window.press(Modifiers::NONE, Key::S);
    window.frames(2);
    window.press(Modifiers::NONE, Key::U);
    window.frames(2);
    let unsure = mark(&window, "x004").unwrap();
    assert_eq!(
        (unsure.verdict, &*unsure.tags),
        (Some(Verdict::Unsure), &["low".to_owned()][..])
    );
    window.press(Modifiers::NONE, Key::ArrowUp);
    window.frames(2);
    window.press(Modifiers::NONE, Key::Num2);
    window.frames(2);
    let decided = mark(&window, "x004").unwrap();
    assert_eq!(
        (decided.verdict, decided.tags),
        (None, vec!["high".to_owned()])
    );
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
    let catalogue = Catalogue::open(&folder.path().join("home/catalogue.sqlite")).unwrap();
    let entry = catalogue.datasets().unwrap().remove(0);
    let index = catalogue.index(entry.dataset).unwrap();
    let is_heard = |row| index.status_of(row) == Status::Fine;
    assert!((0..12).all(is_heard), "the catalogue knows what was heard");
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

#[test]
fn keys_that_come_in_one_frame_are_all_decided_each_about_its_track() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = with_data(folder.path());
    window.click("Label x000");
    window.frames(3);
    // x000 has `low` and `noisy`: one of them goes, `high` comes. Then x001 is accepted as it is, x002 rejected, x003 skipped.
    window.press_at_once(&[
        Key::Num1,
        Key::Num3,
        Key::Enter,
        Key::Enter,
        Key::X,
        Key::S,
        Key::U,
    ]);
    let first = mark(&window, "x000").unwrap();
    assert_eq!(first.tags, ["noisy", "high"]);
    let verdicts = ["x000", "x001", "x002", "x003", "x004"]
        .map(|track| mark(&window, track).and_then(|mark| mark.verdict));
    assert_eq!(
        verdicts,
        [
            Some(Verdict::Accepted),
            Some(Verdict::Accepted),
            Some(Verdict::Rejected),
            None,
            Some(Verdict::Unsure),
        ]
    );
    assert_eq!(chosen(&window), Some("x005"));
    // Steps back in between count as well, one for each key.
    window.press_at_once(&[Key::Num1, Key::Num2, Key::Z, Key::Z, Key::Z, Key::Z]);
    assert_eq!(mark(&window, "x005"), None);
    assert_eq!(mark(&window, "x004"), None);
    assert_eq!(mark(&window, "x002"), None);
    assert_eq!(chosen(&window), Some("x002"));
    // Letters behind the / are a name, and none of them a decision.
    window.press_at_once(&[
        Key::Slash,
        Key::N,
        Key::O,
        Key::I,
        Key::S,
        Key::Y,
        Key::Enter,
        Key::Enter,
        Key::ArrowDown,
        Key::ArrowDown,
    ]);
    let third = mark(&window, "x002").unwrap();
    assert_eq!(third.verdict, Some(Verdict::Accepted));
    let before = Dataset::open(&folder.path().join("data")).unwrap();
    let had = before.tag_names(2).any(|tag| tag == "noisy");
    assert_eq!(third.tags.contains(&"noisy".to_owned()), !had);
    assert_eq!(chosen(&window), Some("x005"));
    assert!(!window.shows("Find a tag"));
}

#[test]
fn what_another_program_holds_is_told_and_opened_when_it_is_tried_again() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    small_data::write(&data, 12, 1.0);
    let workspace = Workspace::at(folder.path().join("home"));
    let other = Corrections::open(&workspace, &Dataset::open(&data).unwrap()).unwrap();
    let mut window = Window::open(&folder.path().join("home"));
    window.send(Command::Open(data));
    window.wait("the tracks", |window| window.shows("Track x000"));
    window.send(Command::Show(Panel::Labels));
    window.wait("the error", |window| {
        window.shows("The corrections cannot be opened")
    });
    window.click("Try again");
    window.wait("the same error", |window| window.shows("Try again"));
    drop(other);
    window.click("Try again");
    window.wait("the list", |window| window.shows("Label x000"));
}

#[test]
fn nothing_of_another_data_set_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = with_data(folder.path());
    window.wait("the model", |window| {
        window.state().model.current().is_some()
    });
    window.click("Tag all tracks with this model");
    window.wait("the answers", |window| {
        window.state().labels.answers().is_some()
    });
    window.send(Command::Labels(labels::Command::Column(None)));
    let column = |window: &Window| {
        let reading = window.state().library.shelf_reading();
        window
            .state()
            .labels
            .column(reading)
            .map(|column| column.len())
    };
    window.wait("the column", |window| column(window) == Some(12));
    // The other set's decisions are held by somebody else: they are never opened here.
    let other = folder.path().join("other");
    small_data::write(&other, 6, 1.0);
    let workspace = Workspace::at(folder.path().join("home"));
    let _held = Corrections::open(&workspace, &Dataset::open(&other).unwrap()).unwrap();
    window.send(Command::OpenDataset(other));
    window.send(Command::Show(Panel::Labels));
    window.wait("the other set", |window| window.shows("Try again"));
    let labels = &window.state().labels;
    assert!(labels.answers().is_none() && labels.list().is_empty());
    assert!(column(&window).is_none() && labels.ledger().is_none());
    // And back: the decisions were let go and are there again.
    window.send(Command::OpenDataset(folder.path().join("data")));
    window.send(Command::Show(Panel::Labels));
    window.wait("the list", |window| window.shows("Label x000"));
    assert!(window.shows("decided 0 of 12"));
}
