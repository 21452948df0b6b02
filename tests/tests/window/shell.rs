//! The window's frame: panels, commands, shortcuts, palette, what is remembered.

use attune::panels::Panel;
use attune::workbench::{Command, DIGITS, Looks, UiCommand};
use attune_tests::window::Window;
use egui::{Key, Modifiers};

fn window() -> (Window, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    (Window::open(folder.path()), folder)
}

#[test]
fn on_the_first_day_every_panel_says_what_to_do_next() {
    let (mut window, _folder) = window();
    window.picture("first_day");
    for (panel, sentence) in [
        (Panel::Training, "Start training"),
        (Panel::Curves, "No run is open"),
        (Panel::Tags, "No run is open"),
        (Panel::Runs, "No runs yet"),
        (Panel::Log, "Messages"),
    ] {
        window.send(Command::Show(panel));
        window.wait(panel.title(), |window| window.shows(sentence));
    }
}

#[test]
fn ctrl_and_a_digit_bring_each_panel_to_the_front() {
    let (mut window, _folder) = window();
    for (panel, key) in Panel::ALL.into_iter().zip(&DIGITS[..9]) {
        window.press(Modifiers::COMMAND, *key);
        assert!(window.app().is_shown(panel), "{panel:?}");
    }
}

#[test]
fn a_few_letters_in_the_palette_run_a_command() {
    let (mut window, _folder) = window();
    window.press(Modifiers::COMMAND, Key::K);
    assert!(window.shows("Command"));
    window.type_text("show log");
    assert!(
        window.shows_part("No command matches"),
        "the palette filters"
    );
    window.press(Modifiers::COMMAND, Key::K);
    window.press(Modifiers::COMMAND, Key::K);
    window.type_text("log");
    window.picture("palette");
    window.press(Modifiers::NONE, Key::Enter);
    assert!(window.app().is_shown(Panel::Log));
    assert!(!window.shows("Command"), "the palette is gone");
    window.press(Modifiers::COMMAND, Key::K);
    window.press(Modifiers::NONE, Key::Escape);
    assert!(!window.shows("Command"), "Escape closes it");
}

#[test]
fn the_model_in_use_is_exported() {
    let (mut window, folder) = window();
    window.wait("the shipped model", |window| {
        window.state().model.current().is_some()
    });
    window.press(Modifiers::COMMAND | Modifiers::SHIFT, Key::E);
    assert!(window.shows("Path"));
    window.picture("export");
    window.click("Export");
    let path = folder.path().join("exports/tunes.onnx");
    window.wait("word of it", |window| window.shows_part("Wrote "));
    assert!(path.metadata().unwrap().len() > 100_000);
}

#[test]
fn f1_lists_every_shortcut() {
    let (mut window, _folder) = window();
    window.press(Modifiers::NONE, Key::F1);
    window.picture("help");
    for command in UiCommand::all().filter(|command| command.shortcut().is_some()) {
        assert!(window.shows(command.label()), "{command:?}");
    }
    window.press(Modifiers::NONE, Key::F1);
    assert!(!window.shows(UiCommand::Snapshot.tooltip()));
}

#[test]
fn letters_typed_into_a_field_are_not_commands() {
    let (mut window, _folder) = window();
    window.press(Modifiers::COMMAND, Key::L);
    assert!(window.shows("Path"));
    window.press(Modifiers::NONE, Key::L);
    window.type_text("/nowhere");
    window.press(Modifiers::NONE, Key::Enter);
    window.wait("an error", |window| {
        let notices = &window.state().notices;
        notices
            .iter()
            .any(|(_, notice)| notice.text.contains("nothing at /nowhere"))
    });
    let path_taken_as_keys = window.state().player.loop_region();
    assert_eq!(path_taken_as_keys, None);
}

#[test]
fn the_layout_and_the_choice_of_tags_are_remembered() {
    let (mut window, folder) = window();
    window.send(Command::Show(Panel::Library));
    window.send(attune::workbench::Select::ToggleTag("piano".to_owned()));
    let looks = window.app().looks();
    let again = Window::with_looks(folder.path(), looks);
    assert!(again.app().is_shown(Panel::Library));
    assert_eq!(again.state().selection.tags, ["piano"]);
}

#[test]
fn what_an_older_version_remembered_does_no_harm() {
    let folder = tempfile::tempdir().unwrap();
    let looks = Looks {
        layout: Some("(tiles:old)".to_owned()),
        panels: Some("{\"curves\": 7}".to_owned()),
        selection: None,
    };
    let window = Window::with_looks(folder.path(), looks);
    assert!(window.app().is_shown(Panel::Training));
}
