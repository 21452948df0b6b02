//! The queue in the Training panel: what waits, what trains, what failed and why, in an order that one can change.

use crate::theme::{self, Palette};
use crate::widgets::{card, duration_text, section_heading};
use crate::workbench::parts::queue;
use crate::workbench::{Command, Ctx, Select, UiCommand};
use attune_core::queue::{Row, State, Table};
use attune_core::train::TrainConfig;
use egui::{Align, Button, Layout, ProgressBar, Response, RichText, Ui, Vec2, WidgetInfo};

/// The button that puts the form's run at the end of the queue.
pub(super) fn add_ui(
    ctx: &Ctx<'_>,
    ui: &mut Ui,
    config: &TrainConfig,
    n_students: u32,
    size: Vec2,
) {
    let wrong = config.check().err();
    let add = ui.add_enabled_ui(wrong.is_none(), |ui| {
        ui.add_sized(size, Button::new(UiCommand::AddToQueue.label()))
    });
    let add = add
        .inner
        .on_disabled_hover_text(wrong.map_or(String::new(), |wrong| wrong.to_string()));
    if add.on_hover_text(UiCommand::AddToQueue.tooltip()).clicked() {
        let add = queue::Command::Add(Box::new(config.clone()), n_students);
        ctx.send(Command::Queue(add));
    }
}

/// A card, or nothing if the queue is empty.
pub(super) fn queue_ui(ctx: &Ctx<'_>, ui: &mut Ui) {
    let palette = theme::palette(ui.visuals());
    if let Some(error) = ctx.state.queue.error() {
        let text = format!("The queue cannot be read: {error}");
        ui.label(RichText::new(text).color(palette.error));
        return;
    }
    let Some(table) = ctx.state.queue.table() else {
        return;
    };
    if table.rows.is_empty() && table.unreadable.is_empty() {
        return;
    }
    card(ui, |ui| {
        ui.set_width(ui.available_width());
        section_heading(ui, "Queue").on_hover_text(
            "Runs that are trained one after the other; attune queue does the same in a terminal",
        );
        head_ui(ctx, ui, &table);
        for (at, row) in table.rows.iter().enumerate() {
            ui.separator();
            row_ui(ctx, ui, &table, at, row);
        }
        for file in &table.unreadable {
            ui.separator();
            let text = format!("{}.toml is no entry: {}", file.id, file.why.trim());
            ui.label(RichText::new(text).small().color(palette.error));
            if small_button(ui, "Remove", &file.id, "Delete the file").clicked() {
                send(ctx, queue::Command::Remove(file.id.clone()));
            }
        }
    });
    ui.add_space(theme::GAP);
}

/// How much is in it, and what can be done with it as a whole.
fn head_ui(ctx: &Ctx<'_>, ui: &mut Ui, table: &Table) {
    let palette = theme::palette(ui.visuals());
    let of_queue = &ctx.state.queue;
    ui.label(RichText::new(table.summary()).color(palette.weak));
    if of_queue.is_working() {
        let pause = ui.add_enabled(!of_queue.is_pausing(), Button::new("Pause the queue"));
        let hint = "Stop after a checkpoint of the run in training; the queue goes on with it";
        let pause = pause.on_hover_text(hint);
        if pause
            .on_disabled_hover_text("Writing a checkpoint…")
            .clicked()
        {
            send(ctx, queue::Command::Pause);
        }
    } else if table.is_worked_on {
        let text = "another process works it off";
        ui.label(RichText::new(text).color(palette.weak));
    } else if table.n_open() > 0 {
        let start = Button::new(UiCommand::StartQueue.label());
        let start = ui.add_enabled(!ctx.state.is_training(), start);
        let start = start
            .on_hover_text(UiCommand::StartQueue.tooltip())
            .on_disabled_hover_text("Something else is being trained: when that has ended");
        if start.clicked() {
            send(ctx, queue::Command::Start);
        }
    }
}

fn row_ui(ctx: &Ctx<'_>, ui: &mut Ui, table: &Table, at: usize, row: &Row) {
    let palette = theme::palette(ui.visuals());
    let is_at_work = matches!(row.state, State::Running(_) | State::Preparing);
    ui.horizontal(|ui| {
        let text = RichText::new(format!("{}.  {}", at + 1, row.id)).color(palette.strong);
        let hint = format!("{}\n{}", row.label, row.run_folder.display());
        if row.has_run {
            let is_shown = ctx.state.selection.run.as_ref() == Some(&row.run_folder);
            let name = ui.selectable_label(is_shown, text);
            if name.on_hover_text(hint).clicked() {
                ctx.send(Select::Run(Some(row.run_folder.clone())));
            }
        } else {
            // Nothing is in its folder yet that could be shown.
            ui.label(text).on_hover_text(hint);
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.add_enabled_ui(!is_at_work, |ui| {
                let hint = "Take it out of the queue; what was trained of it stays";
                if small_button(ui, "×", &format!("Remove {}", row.id), hint).clicked() {
                    send(ctx, queue::Command::Remove(row.id.clone()));
                }
            });
            // Places count from 1.
            let places = [
                ("Down", "down", at + 1 < table.rows.len(), at + 2),
                ("Up", "up", at > 0, at),
            ];
            for (label, way, is_possible, place) in places {
                ui.add_enabled_ui(is_possible, |ui| {
                    let name = format!("Move {} {way}", row.id);
                    if small_button(ui, label, &name, "Change the order").clicked() {
                        send(ctx, queue::Command::Move(row.id.clone(), place));
                    }
                });
            }
        });
    });
    state_ui(ctx, ui, palette, row);
}

/// Where an entry stands, below its name.
fn state_ui(ctx: &Ctx<'_>, ui: &mut Ui, palette: &Palette, row: &Row) {
    let small = |text: String, colour| RichText::new(text).small().color(colour);
    match &row.state {
        State::Running(advance) => {
            let part = advance.step as f32 / advance.steps.max(1) as f32;
            let mut text = format!("epoch {} of {}", advance.epoch, advance.epochs);
            if let Some(left) = advance.seconds_left {
                text += &format!(", at most {} left", duration_text(left));
            }
            let bar = ProgressBar::new(part.clamp(0.0, 1.0)).corner_radius(theme::CORNER);
            ui.add(bar.text(text));
        }
        State::Failed { message } => {
            ui.label(small(format!("failed: {message}"), palette.error));
            let name = format!("Try {} again", row.id);
            let hint = "It has its turn again, from its last checkpoint if there is one";
            if small_button(ui, "Try again", &name, hint).clicked() {
                send(ctx, queue::Command::Retry(row.id.clone()));
            }
        }
        State::Interrupted { .. } => {
            let mut text = format!("{}; goes on from its last checkpoint", row.state.label());
            text += &time_text(row);
            ui.label(small(text, palette.warning));
        }
        State::Waiting | State::Preparing => {
            let text = format!("{}: {}{}", row.state.label(), row.label, time_text(row));
            ui.label(small(text, palette.weak));
        }
    }
}

/// How long it will take, where that can be said.
fn time_text(row: &Row) -> String {
    let seconds = row.seconds.map(duration_text);
    seconds.map_or(String::new(), |time| format!(", {time} at most"))
}

/// A small button that says `label` and is called `name`.
fn small_button(ui: &mut Ui, label: &str, name: &str, hint: &str) -> Response {
    let button = ui.small_button(label);
    let is_enabled = button.enabled();
    button.widget_info(|| WidgetInfo::labeled(egui::Role::Button, is_enabled, name));
    button.on_hover_text(hint)
}

fn send(ctx: &Ctx<'_>, command: queue::Command) {
    ctx.send(Command::Queue(command));
}
