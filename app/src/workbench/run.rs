//! Carries out commands, between frames: the one place where the state changes on request.

use super::app::App;
use super::command::{Command, Level, Notice};
use super::layout;
use super::parts::{audition, library, timeline, training};
use super::ui_command::UiCommand;
use egui::Context;

/// Carries out one command.
pub(super) fn run(app: &mut App, command: Command, ctx: &Context) {
    let (state, jobs, sender) = (&mut app.state, &app.jobs, &app.sender);
    match command {
        Command::Ui(command) => run_ui(app, command, ctx),
        Command::Select(change) => state.selection.apply(change),
        Command::Show(panel) => layout::show(&mut app.layout, panel),
        Command::Tell(notice) => app.tell(notice),
        Command::Training(command) => training::run(command, state, jobs, sender),
        Command::Audition(command) => audition::run(command, state, jobs, sender),
        Command::Timeline(command) => timeline::run(command, state, jobs, sender),
        Command::Library(command) => library::run(command, state, jobs, sender),
        other => app.tell(Notice::new(
            Level::Info,
            format!("Not built yet: {other:?}"),
        )),
    }
}

fn run_ui(app: &mut App, command: UiCommand, ctx: &Context) {
    match command {
        UiCommand::Show(panel) => layout::show(&mut app.layout, panel),
        UiCommand::Palette => app.toggle_palette(),
        UiCommand::Help => app.toggle_help(),
        UiCommand::ResetLayout => app.layout = layout::default_layout(),
        UiCommand::ToggleTheme => {
            let other = match ctx.theme() {
                egui::Theme::Dark => egui::Theme::Light,
                egui::Theme::Light => egui::Theme::Dark,
            };
            crate::theme::set_theme(ctx, other);
        }
        UiCommand::ZoomIn => egui::gui_zoom::zoom_in(ctx),
        UiCommand::ZoomOut => egui::gui_zoom::zoom_out(ctx),
        UiCommand::ZoomReset => ctx.set_zoom_factor(1.0),
        UiCommand::Quit => ctx.send_viewport_cmd(egui::ViewportCommand::Close),
        other => app.tell(Notice::new(
            Level::Info,
            format!("Not built yet: {}", other.label()),
        )),
    }
}
