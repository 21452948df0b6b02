//! The Library panel: a data set is opened by its path, its tracks are searched, walked through and opened, its tags counted.

use attune::panels::Panel;
use attune::workbench::Command;
use attune_tests::published::{self, jamendo};
use attune_tests::small_data;
use attune_tests::window::Window;
use egui::{Key, Modifiers};
use std::path::Path;

/// A window with the small data set open in the library.
fn with_data(folder: &Path) -> Window {
    let data = folder.join("data");
    small_data::write(&data, 36, 1.0);
    std::fs::remove_file(data.join("audio/x007.wav")).unwrap();
    let mut window = Window::open(&folder.join("home"));
    window.send(Command::Open(data));
    window.wait("the tracks", |window| window.shows("Track x000"));
    // A table finds its columns' widths in its first frames.
    window.frames(5);
    window
}

fn chosen(window: &Window) -> Option<&str> {
    window.state().selection.track.as_deref()
}

#[test]
fn a_typed_path_opens_and_the_data_set_is_known_from_then_on() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    small_data::write(&data, 12, 1.0);
    let mut window = Window::open(&folder.path().join("home"));
    window.send(Command::Show(Panel::Library));
    window.frames(2);
    assert!(window.shows("Demo data set"));
    window.picture("library_empty");
    window.click("Open data set folder");
    window.frames(1);
    window.type_text(&data.display().to_string());
    window.press(Modifiers::NONE, Key::Enter);
    window.wait("the tracks", |window| window.shows("Track x000"));
    window.wait("the catalogue", |window| {
        window.state().library.known().len() == 1
    });
}

#[test]
fn a_click_opens_a_track_and_arrows_walk_through_the_list() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = with_data(folder.path());
    window.click("Track x002");
    window.wait("the song", |window| {
        let song = window.state().song.current();
        song.is_some_and(|song| song.heard.path.ends_with("x002.wav"))
    });
    assert_eq!(chosen(&window), Some("x002"));
    window.press(Modifiers::NONE, Key::ArrowDown);
    window.frames(2);
    assert_eq!(chosen(&window), Some("x003"));
    window.press(Modifiers::NONE, Key::End);
    window.frames(2);
    assert_eq!(chosen(&window), Some("x035"));
    window.picture("library");
    window.press(Modifiers::NONE, Key::Home);
    window.frames(2);
    assert_eq!(chosen(&window), Some("x000"));
}

#[test]
fn a_track_whose_file_is_missing_says_so_and_opens_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = with_data(folder.path());
    window.click("Track x007");
    window.wait("a notice", |window| {
        let notices = &window.state().notices;
        notices
            .iter()
            .any(|(_, notice)| notice.text.contains("missing"))
    });
    assert_eq!(chosen(&window), None);
    window.click("Problems 1");
    window.frames(2);
    assert!(window.shows("the audio file is missing"));
    window.picture("library_problems");
}

#[test]
fn tags_are_counted_per_split_and_lead_to_their_tracks() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = with_data(folder.path());
    window.click("Tag counts");
    window.wait("the tags", |window| window.shows("Tracks with noisy"));
    window.picture("library_tags");
    window.click("Tracks with noisy");
    window.frames(2);
    assert!(window.shows("Track x003") && !window.shows("Track x001"));
    assert!(window.shows("12 of 36"));
    window.click("Clear");
    window.frames(2);
    assert!(window.shows("Track x001"));
}

#[test]
fn searching_narrows_the_list_and_sorting_turns_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = with_data(folder.path());
    window.click("Search tracks");
    window.frames(1);
    window.type_text("noisy artist1");
    window.frames(2);
    assert!(window.shows("Track x003") && !window.shows("Track x000"));
    window.click("Clear");
    window.frames(1);
    window.click("Sort by Track");
    window.frames(1);
    window.click("Sort by Track");
    window.frames(2);
    assert!(window.shows("Track x035"), "the last comes first");
}

#[test]
fn a_wrong_data_set_is_told_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    small_data::write(&data, 12, 1.0);
    std::fs::write(data.join("labels.csv"), "track_id,tag\nx000,lowe\n").unwrap();
    let mut window = Window::open(&folder.path().join("home"));
    window.send(Command::Open(data));
    window.wait("the error", |window| {
        window.shows_part("labels.csv, line 2")
    });
    window.picture("library_error");
}

#[test]
fn a_published_data_set_is_opened_by_its_folder_or_description_and_a_split_chosen() {
    let folder = tempfile::tempdir().unwrap();
    jamendo::write(&folder.path().join("repository"));
    jamendo::write_audio(&folder.path().join("sound"));
    let description = folder.path().join("set.toml");
    published::put(
        &description,
        "annotations = 'repository'\naudio = 'sound'\n",
    );
    let mut window = Window::open(&folder.path().join("home"));
    window.send(Command::Open(description.clone()));
    window.wait("the tracks", |window| window.shows("Track track_0000247"));
    window.frames(5);
    assert_eq!(window.state().selection.dataset, Some(description));
    window.click("Published split");
    window.frames(2);
    window.click("genre/split-1");
    window.wait("the other split", |window| {
        let chosen = window.state().selection.dataset.as_ref();
        let shelf = chosen.and_then(|chosen| window.state().library.shelf(chosen));
        shelf.is_some_and(|shelf| shelf.dataset.tags == ["genre---classical", "genre---rock"])
    });
    // Without its audio, the annotations are shown, and what to do.
    window.send(Command::Open(folder.path().join("repository")));
    window.wait("the tracks", |window| {
        window
            .state()
            .library
            .shelf(&folder.path().join("repository"))
            .is_some()
    });
    window.frames(5);
    let findings = 24
        + window
            .state()
            .library
            .shelf(&folder.path().join("repository"))
            .map_or(0, |shelf| shelf.dataset.findings.len());
    window.click(&format!("Problems {findings}"));
    window.frames(3);
    assert!(window.shows_part("none of the 24 audio files"));
    assert!(window.shows_part("published were 50"));
    window.picture("library_findings");
}
