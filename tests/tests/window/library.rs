//! The Library panel: a data set is opened by its path, its tracks are searched, walked through and opened, its tags counted.

use attune::panels::Panel;
use attune::workbench::{Command, UiCommand};
use attune_core::dataset::Catalogue;
use attune_core::dataset::catalogue::Status;
use attune_tests::published::{self, jamendo};
use attune_tests::small_data;
use attune_tests::window::Window;
use egui::{Key, Modifiers};
use std::path::Path;
use std::sync::Arc;

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
    window.wait("the problem", |window| {
        window.shows("the audio file is missing")
    });
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
    window.wait("its tracks", |window| {
        window.shows("Track x003") && !window.shows("Track x001")
    });
    assert!(window.shows("12 of 36"));
    window.click("Clear");
    window.wait("all tracks", |window| window.shows("Track x001"));
}

#[test]
fn searching_narrows_the_list_and_sorting_turns_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = with_data(folder.path());
    window.click("Search tracks");
    window.frames(1);
    window.type_text("noisy artist1");
    window.wait("what was found", |window| {
        window.shows("Track x003") && !window.shows("Track x000")
    });
    window.click("Clear");
    window.wait("all tracks", |window| window.shows("Track x000"));
    // The table finds its columns' widths anew.
    window.frames(5);
    window.click("Sort by Track");
    window.frames(5);
    window.click("Sort by Track");
    window.wait("the last to come first", |window| {
        window.shows("Track x035") && !window.shows("Track x000")
    });
}

#[test]
fn fields_are_understood_and_what_is_not_is_told_while_the_last_list_stays() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = with_data(folder.path());
    window.click("Search tracks");
    window.frames(1);
    window.type_text("tag:noisy split:test");
    window.wait("noisy tracks of the test split", |window| {
        window.shows_part(" of 36") && !window.shows("Track x000")
    });
    window.type_text(" tag:nothing");
    window.wait("what is wrong", |window| {
        window.shows_part("there is no tag `nothing`")
    });
    window.click("Clear");
    window.wait("all tracks", |window| window.shows("Track x000"));
    window.click("Search tracks");
    window.frames(1);
    window.type_text("status:missing");
    window.wait("the missing file", |window| {
        window.shows("Track x007") && window.shows("1 of 36")
    });
}

#[test]
fn enter_plays_the_track_that_the_arrows_led_to() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = with_data(folder.path());
    window.click("Track x001");
    window.frames(2);
    window.press(Modifiers::NONE, Key::ArrowDown);
    window.wait("the next", |window| chosen(window) == Some("x002"));
    window.press(Modifiers::NONE, Key::Enter);
    window.wait("its sound", |window| {
        window.state().player.state() == attune::playback::State::Playing
    });
}

#[test]
fn what_decoding_a_track_found_is_remembered_by_the_catalogue() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = with_data(folder.path());
    std::fs::write(folder.path().join("data/audio/x002.wav"), "no sound").unwrap();
    window.click("Track x001");
    let status = |row: usize| {
        let path = folder.path().join("home/catalogue.sqlite");
        let catalogue = Catalogue::open(&path).unwrap();
        let entry = catalogue.datasets().unwrap().remove(0);
        catalogue.index(entry.dataset).unwrap().status_of(row)
    };
    window.wait("a good file", |_| status(1) == Status::Fine);
    window.click("Track x002");
    window.wait("a bad file", |_| status(2) == Status::Broken);
    // The list that is open says so, too, and counts it as a problem.
    window.wait("the list", |window| {
        let place = window.state().selection.dataset.clone();
        let browser = &window.state().library.browser;
        let opened = place.and_then(|place| browser.opened(&place).cloned());
        let list = opened.and_then(|opened| browser.list(&opened).cloned());
        let listed = list.and_then(|list| Some(browser.at(&list, 2)?.track.status));
        listed == Some(Status::Broken)
    });
    window.wait("the problem", |window| window.shows("Problems 2"));
}

#[test]
fn tags_that_occur_together_and_the_balance_of_a_split_are_shown() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = with_data(folder.path());
    window.click("Together");
    window.wait("the map", |window| {
        window.shows("Map of tags that occur together")
    });
    window.picture("library_together");
    window.click("Splits");
    window.wait("the balance", |window| window.shows("Without tags"));
    window.picture("library_splits");
}

#[test]
fn a_data_set_that_changed_on_disk_is_read_again_when_it_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    drop(with_data(folder.path()));
    let data = folder.path().join("data");
    let text = std::fs::read_to_string(data.join("tracks.csv")).unwrap();
    let file = text.lines().nth(1).unwrap().replacen("x000", "fresh", 1);
    std::fs::write(data.join("tracks.csv"), format!("{text}{file}\n")).unwrap();
    let mut window = Window::open(&folder.path().join("home"));
    window.send(Command::Open(data));
    window.wait("the new track", |window| window.shows_part("37 tracks"));
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
    let index = |window: &Window| {
        let place = window.state().selection.dataset.as_ref()?;
        let opened = window.state().library.browser.opened(place)?;
        Some(Arc::clone(&opened.index))
    };
    let before = index(&window).unwrap();
    window.click("Named split");
    window.frames(2);
    window.click("genre/split-1");
    window.wait("the other split", |window| {
        let chosen = window.state().selection.dataset.as_ref();
        let shelf = chosen.and_then(|chosen| window.state().library.shelf(chosen));
        shelf.is_some_and(|shelf| shelf.dataset.tags == ["genre---classical", "genre---rock"])
    });
    let after = index(&window).unwrap();
    assert!(Arc::ptr_eq(&before, &after), "nothing was read again");
    window.wait("its tracks", |window| window.shows("Track track_0000247"));
    let asked = window.state().library.browser.wish().query.split.as_deref();
    assert_eq!(asked, Some("genre/split-1"));
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
    let place = window.state().selection.dataset.clone().unwrap();
    let opened = window.state().library.browser.opened(&place).unwrap();
    let findings = opened.n_problems + opened.findings.len();
    assert!(findings > 24, "each missing file, and what was found");
    window.click(&format!("Problems {findings}"));
    window.frames(3);
    assert!(window.shows_part("none of the 24 audio files"));
    assert!(window.shows_part("published were 50"));
    window.picture("library_findings");
}

#[test]
fn the_sets_beside_the_project_are_browsed_as_they_are() {
    for set in ["tunes", "songs", "unlabelled"] {
        let Some(data) = attune_tests::shared(&format!("datasets/{set}")) else {
            return;
        };
        let folder = tempfile::tempdir().unwrap();
        let mut window = Window::open(&folder.path().join("home"));
        window.send(Command::Open(data));
        window.wait(set, |window| window.shows_part("Track "));
        window.frames(5);
        window.picture(&format!("library_{set}"));
        window.click("Together");
        window.wait("the tags", |window| {
            window.shows("Map of tags that occur together") || window.shows("No tags")
        });
        window.picture(&format!("library_{set}_together"));
        window.click("Splits");
        window.frames(5);
        window.resize(900.0, 800.0);
        window.picture(&format!("library_{set}_splits_narrow"));
        window.click("Tag counts");
        window.frames(5);
        window.picture(&format!("library_{set}_tags_narrow"));
        window.click("Tracks");
        window.wait("the tracks", |window| window.shows_part("Track "));
        window.picture(&format!("library_{set}_narrow"));
    }
}

#[test]
fn what_was_cancelled_stays_so_until_it_is_asked_for_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = with_data(folder.path());
    window.wait("rest", |window| {
        window.state().activities().next().is_none()
    });
    // Asked for and cancelled before a frame could take the answer in.
    let send = |window: &Window, command| window.app().sender().send(command);
    let other = folder.path().join("other");
    small_data::write(&other, 6, 1.0);
    send(&window, Command::OpenDataset(other.clone()));
    window.frames(1);
    send(&window, Command::Ui(UiCommand::CancelJobs));
    window.frames(30);
    assert!(window.shows("Opening was cancelled"));
    assert!(window.state().library.browser.opened(&other).is_none());
    // To cancel once more starts nothing either.
    send(&window, Command::Ui(UiCommand::CancelJobs));
    window.frames(30);
    assert!(window.shows("Opening was cancelled"));
    window.click("Start again");
    window.wait("the tracks", |window| window.shows_part("6 tracks"));
    window.wait("them in memory", |window| {
        window.state().library.shelf(&other).is_some()
    });
    assert!(!window.shows("Start again"));
}
