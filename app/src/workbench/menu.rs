//! The menu bar, made from the list of commands.

use super::ctx::Ctx;
use super::ui_command::{Menu, UiCommand};
use egui::{Button, MenuBar, Ui};

/// Draws the menu bar.
pub(super) fn menu_bar_ui(ctx: &Ctx<'_>, ui: &mut Ui) {
    MenuBar::new().ui(ui, |ui| {
        for menu in Menu::ALL {
            ui.menu_button(menu.label(), |ui| {
                ui.set_min_width(220.0);
                for command in UiCommand::all().filter(|command| command.menu() == menu) {
                    if starts_group(command) {
                        ui.separator();
                    }
                    let button =
                        Button::new(command.label()).shortcut_text(command.shortcut_text(ui.ctx()));
                    if ui.add(button).on_hover_text(command.tooltip()).clicked() {
                        ctx.send(command);
                        ui.close();
                    }
                }
            });
        }
    });
}

fn starts_group(command: UiCommand) -> bool {
    matches!(
        command,
        UiCommand::ExportModel
            | UiCommand::Quit
            | UiCommand::FollowCurves
            | UiCommand::ToggleTheme
            | UiCommand::ResetLayout
            | UiCommand::RefreshRuns
            | UiCommand::ToggleLoop
            | UiCommand::ToggleListening
            | UiCommand::VolumeUp
            | UiCommand::ExplainSong
    )
}
