//! The line at the bottom: what trains, what is computed, with which model, on what.

use super::ctx::Ctx;
use super::parts::model::Origin;
use super::selection::Select;
use super::ui_command::UiCommand;
use crate::panels::{Panel, Progress};
use crate::theme;
use crate::widgets::{about_text, bytes_text, count_text, duration_text, rate_text};
use attune_core::device;
use attune_core::experiment::State;
use egui::{Align, Layout, ProgressBar, RichText, Sense, Ui, vec2};

/// Draws the status bar.
pub(super) fn status_bar_ui(ctx: &Ctx<'_>, ui: &mut Ui) {
    ui.horizontal_centered(|ui| {
        ui.spacing_mut().item_spacing.x = 8.0;
        if ctx.state.experiments.is_working() {
            experiment_ui(ctx, ui);
        } else {
            training_ui(ctx, ui);
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.spacing_mut().item_spacing.x = 8.0;
            machine_ui(ctx, ui);
            model_ui(ctx, ui);
            activity_ui(ctx, ui);
        });
    });
}

fn training_ui(ctx: &Ctx<'_>, ui: &mut Ui) {
    let palette = theme::palette(ui.visuals());
    let training = &ctx.state.training;
    let (colour, word) = match (training.is_running(), ctx.state.is_paused()) {
        (true, true) => (palette.warning, "Paused"),
        (true, false) => (palette.good, "Training"),
        (false, _) => (palette.weak, "No training"),
    };
    let (rect, _) = ui.allocate_exact_size(vec2(8.0, 8.0), Sense::hover());
    ui.painter().circle_filled(rect.center(), 4.0, colour);
    ui.label(RichText::new(word).small().color(palette.text))
        .on_hover_text("Whether a run is in training in this window");
    if let Some(activity) = training.preparing() {
        ui.label(
            RichText::new(&activity.progress.what)
                .small()
                .color(palette.weak),
        );
        if let Some(fraction) = activity.fraction() {
            ui.add(
                ProgressBar::new(fraction)
                    .desired_width(70.0)
                    .desired_height(6.0),
            );
        }
    }
    if let Some(table) = ctx
        .state
        .queue
        .table()
        .filter(|table| !table.rows.is_empty())
    {
        ui.label(RichText::new("·").small().color(palette.weak));
        let text = format!("queue: {}", table.summary());
        let link = egui::Label::new(RichText::new(text).small().color(palette.text));
        let link = ui.add(link.sense(Sense::click()));
        if link.on_hover_text("Show the queue").clicked() {
            ctx.send(UiCommand::Show(Panel::Training));
        }
    }
    let Some(view) = training
        .run_folder()
        .and_then(|folder| ctx.state.runs.view(folder))
    else {
        return;
    };
    let progress = Progress::of(&view);
    let mut part = |text: String, hint: &str| {
        ui.label(RichText::new("·").small().color(palette.weak));
        let text = RichText::new(text).small().color(palette.text);
        ui.label(text).on_hover_text(hint);
    };
    if progress.epochs > 0 {
        part(
            format!("epoch {} of {}", progress.epoch + 1, progress.epochs),
            "The run may stop earlier",
        );
    }
    part(
        format!("step {}", count_text(view.last_step)),
        "Training steps done",
    );
    if let Some(speed) = progress.clips_per_second {
        part(rate_text(speed, "clips/s"), "Training speed");
    }
    if let Some(seconds) = progress.seconds_left {
        part(
            format!("{} left at most", duration_text(seconds)),
            "Until the last epoch or the time limit; less if the run stops early",
        );
    }
}

/// The experiment at work in this window; a click shows its table.
fn experiment_ui(ctx: &Ctx<'_>, ui: &mut Ui) {
    let palette = theme::palette(ui.visuals());
    let experiments = &ctx.state.experiments;
    let (rect, _) = ui.allocate_exact_size(vec2(8.0, 8.0), Sense::hover());
    ui.painter().circle_filled(rect.center(), 4.0, palette.good);
    let Some(name) = experiments.working_on() else {
        ui.label(
            RichText::new("Experiment begins…")
                .small()
                .color(palette.text),
        );
        return;
    };
    let text = RichText::new(format!("Experiment {name}")).small();
    let link = ui.add(egui::Label::new(text.color(palette.text)).sense(Sense::click()));
    if link.on_hover_text("Show its table").clicked() {
        ctx.send(Select::Experiment(Some(name.to_owned())));
        ctx.send(UiCommand::Show(Panel::Experiments));
    }
    let mut parts = Vec::new();
    if let Some(table) = experiments.table(name) {
        parts.push(format!("{} of {} runs", table.n_done, table.n_runs));
        let at_work = table.rows.iter().find_map(|row| {
            let run = row
                .runs
                .iter()
                .find(|run| matches!(run.state, State::Running { .. }));
            run.map(|run| format!("{}, seed {}: {}", row.label, run.seed, run.state.label()))
        });
        parts.extend(at_work);
        let left = table.seconds_left.filter(|left| *left > 0.0);
        parts.extend(left.map(|left| format!("{} left", about_text(left))));
    }
    parts.extend(
        experiments
            .preparing()
            .map(|activity| activity.progress.what),
    );
    for part in parts {
        ui.label(RichText::new("·").small().color(palette.weak));
        ui.label(RichText::new(part).small().color(palette.text));
    }
}

fn activity_ui(ctx: &Ctx<'_>, ui: &mut Ui) {
    let palette = theme::palette(ui.visuals());
    let activities: Vec<_> = ctx.state.activities().collect();
    let Some(first) = activities.first() else {
        return;
    };
    dot_ui(ui);
    let hint = format!(
        "{} ({})",
        UiCommand::CancelJobs.tooltip(),
        UiCommand::CancelJobs.shortcut_text(ui.ctx())
    );
    let cancel = ui.add(egui::Button::new(RichText::new("×").small()).frame(false));
    cancel.widget_info(|| {
        egui::WidgetInfo::labeled(egui::Role::Button, true, "Cancel background work")
    });
    if cancel.on_hover_text(hint).clicked() {
        ctx.send(UiCommand::CancelJobs);
    }
    match first.fraction() {
        Some(fraction) => drop(
            ui.add(
                ProgressBar::new(fraction)
                    .desired_width(90.0)
                    .desired_height(6.0),
            ),
        ),
        None => drop(ui.add(egui::Spinner::new().size(12.0))),
    }
    let more = match activities.len() {
        1 => String::new(),
        n => format!(" (+{})", n - 1),
    };
    let what = if first.progress.what.is_empty() {
        first.name
    } else {
        &first.progress.what
    };
    let all: Vec<_> = activities
        .iter()
        .map(|activity| {
            format!(
                "{}: {}",
                activity.name,
                duration_text(activity.seconds.into())
            )
        })
        .collect();
    ui.label(
        RichText::new(format!("{what}{more}"))
            .small()
            .color(palette.weak),
    )
    .on_hover_text(all.join("\n"));
}

fn model_ui(ctx: &Ctx<'_>, ui: &mut Ui) {
    let palette = theme::palette(ui.visuals());
    let model = &ctx.state.model;
    let (text, hint) = match (model.current(), model.origin()) {
        (Some(current), Some(origin)) => {
            let from = match origin {
                Origin::Shipped(_) => "ships with Attune".to_owned(),
                Origin::File(path) => path.display().to_string(),
                Origin::Training => "from the run in training".to_owned(),
            };
            (
                format!("model {}", current.name),
                format!(
                    "The model in Audition and Timeline: {} tags, {from}",
                    current.tags.len()
                ),
            )
        }
        _ => (
            "no model".to_owned(),
            "Audition and Timeline need a model: open one with Ctrl+M, or train".to_owned(),
        ),
    };
    ui.label(RichText::new(text).small().color(palette.weak))
        .on_hover_text(hint);
}

fn machine_ui(ctx: &Ctx<'_>, ui: &mut Ui) {
    let palette = theme::palette(ui.visuals());
    if let Some(memory) = ctx.state.memory_bytes {
        ui.label(
            RichText::new(bytes_text(memory))
                .small()
                .color(palette.weak),
        )
        .on_hover_text("Memory that Attune occupies");
        dot_ui(ui);
    }
    ui.label(
        RichText::new(format!("CPU, {} threads", device::n_threads()))
            .small()
            .color(palette.weak),
    )
    .on_hover_text("Where tensors are computed");
    dot_ui(ui);
}

fn dot_ui(ui: &mut Ui) {
    let palette = theme::palette(ui.visuals());
    ui.label(RichText::new("·").small().color(palette.weak));
}
