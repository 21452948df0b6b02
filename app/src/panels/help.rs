//! The help overlay: all keyboard shortcuts, made from the list of commands.

use crate::theme;
use crate::widgets::section_heading;
use crate::workbench::{Menu, UiCommand};
use egui::{RichText, Ui};

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
    ui.horizontal_top(|ui| {
        for menus in [
            &[Menu::File, Menu::Training][..],
            &[Menu::View][..],
            &[Menu::Song, Menu::Help][..],
        ] {
            ui.vertical(|ui| column_ui(ui, menus));
            ui.add_space(theme::GROUP_GAP * 2.0);
        }
    });
}
