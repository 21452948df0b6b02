//! The help overlay: all keyboard shortcuts, made from the list of commands.

use crate::theme;
use crate::widgets::section_heading;
use crate::workbench::{Menu, UiCommand};
use egui::{RichText, Ui};

/// Keys that count while the Timeline is in front: the view itself takes them, so that they are no commands.
const TIMELINE: [(&str, &str, &str); 6] = [
    (
        ", .",
        "One token back, forward",
        "Moves the play head by what one token covers",
    ),
    (
        "+ −",
        "Zoom in, out",
        "About the play head, if it is in view",
    ),
    (
        "0",
        "Whole song",
        "Shows the song from its start to its end",
    ),
    (
        "Esc",
        "Select nothing",
        "Lets the selected stretch go, and its loop",
    ),
    (
        "Double click",
        "Hear a peak",
        "On a tag's lane: selects what the strongest token there hears, and plays it in a loop",
    ),
    (
        "Ctrl+wheel",
        "Zoom at the pointer",
        "Over the ruler the wheel zooms without Ctrl, too",
    ),
];

/// Keys that count while a list of tracks has the keyboard, after a click on one of its rows.
const LIST: [(&str, &str, &str); 4] = [
    ("↑ ↓", "Track before, after", "Opens it as the song"),
    (
        "Page ↑ ↓",
        "A page back, on",
        "As many tracks as are in sight",
    ),
    (
        "Home End",
        "First, last track",
        "Of the list as it is filtered and sorted",
    ),
    ("Enter", "Play the track", "A double click does the same"),
];

/// Room for the heading, the button and the frame of the dialog.
const HELP_AROUND: egui::Vec2 = egui::vec2(60.0, 150.0);

/// Draws all shortcuts, in columns by menu.
pub fn shortcuts_ui(ui: &mut Ui) {
    let palette = theme::palette(ui.visuals());
    let column_ui = |ui: &mut Ui, menus: &[Menu]| {
        for menu in menus {
            section_heading(ui, menu.label());
            egui::Grid::new(menu.label())
                .num_columns(2)
                .spacing([14.0, 4.0])
                .show(ui, |ui| {
                    for command in UiCommand::all().filter(|command| command.menu() == *menu) {
                        let keys = command.shortcut_text(ui.ctx());
                        if keys.is_empty() {
                            continue;
                        }
                        ui.label(RichText::new(keys).monospace().color(palette.accent));
                        ui.label(command.label()).on_hover_text(command.tooltip());
                        ui.end_row();
                    }
                });
            ui.add_space(theme::GROUP_GAP);
        }
    };
    let keys_ui = |ui: &mut Ui, title: &str, keys: &[(&str, &str, &str)]| {
        section_heading(ui, title);
        egui::Grid::new(title)
            .num_columns(2)
            .spacing([14.0, 4.0])
            .show(ui, |ui| {
                for &(keys, what, hint) in keys {
                    ui.label(RichText::new(keys).monospace().color(palette.accent));
                    ui.label(what).on_hover_text(hint);
                    ui.end_row();
                }
            });
    };
    // A small window scrolls.
    let room = ui.ctx().content_rect().size() - HELP_AROUND;
    egui::ScrollArea::both()
        .max_width(room.x)
        .max_height(room.y)
        .show(ui, |ui| {
            ui.horizontal_top(|ui| {
                for menus in [
                    &[Menu::File, Menu::Training][..],
                    &[Menu::View, Menu::Help][..],
                    &[Menu::Song][..],
                ] {
                    ui.vertical(|ui| {
                        column_ui(ui, menus);
                        if menus.contains(&Menu::Song) {
                            keys_ui(ui, "On the Timeline", &TIMELINE);
                            ui.add_space(theme::GROUP_GAP);
                            keys_ui(ui, "In the Library", &LIST);
                            keys_ui(
                                ui,
                                "In Labels, after a click on a track",
                                &super::labels::KEYS,
                            );
                        }
                    });
                    ui.add_space(theme::GROUP_GAP * 2.0);
                }
            });
        });
}
