//! The Experiments panel: plans to take up, and the live table of an experiment, each cell leading to its runs.

mod figure;
mod form;
mod table;

use crate::theme;
use crate::widgets::{about_text, empty_state, save_plot_button};
use crate::workbench::parts::experiments;
use crate::workbench::parts::plots::{self, Drawing};
use crate::workbench::{Command, Ctx, Select};
use attune_core::experiment::{Failed, Format, Table};
use egui::{Align, Button, ComboBox, Layout, ProgressBar, RichText, Ui, WidgetInfo};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Why nothing can be begun.
const BUSY: &str = "Something else trains in this window: stop it first";
/// Width of the bar of runs, in points.
const BAR_WIDTH: f32 = 150.0;

/// The Experiments panel's own looks.
#[derive(Debug, Default, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct State {
    form: form::State,
}

impl State {
    /// Offers a plan's file in the form.
    pub fn choose_file(&mut self, path: PathBuf) {
        self.form.choose_file(path);
    }

    /// Names the data set of a new experiment.
    pub fn set_data(&mut self, folder: &Path) {
        self.form.set_data(folder);
    }

    /// Draws the panel.
    pub fn ui(&mut self, ctx: &Ctx<'_>, ui: &mut Ui) {
        let shown = ctx.state.selection.experiment.clone();
        let table = shown
            .as_deref()
            .and_then(|name| ctx.state.experiments.table(name));
        ui.horizontal(|ui| {
            choose_ui(ctx, ui, shown.as_deref());
            if let Some(table) = &table {
                steer_ui(ctx, ui, table);
            }
        });
        ui.add_space(theme::GAP);
        let Some(name) = shown else {
            self.form.ui(ctx, ui);
            return;
        };
        match (table, ctx.state.experiments.error(&name)) {
            (Some(table), _) => table::ui(ctx, ui, &table),
            (None, Some(error)) => {
                empty_state(ui, "This experiment cannot be shown", &error, |_| ());
            }
            (None, None) => empty_state(
                ui,
                "Reading the experiment…",
                "Its plan and its runs are being read from the disk.",
                |ui| drop(ui.spinner()),
            ),
        }
    }
}

/// Which experiment is shown, or none: a new one.
fn choose_ui(ctx: &Ctx<'_>, ui: &mut Ui, shown: Option<&str>) {
    let shelf = ctx.state.experiments.shelf();
    let known = shelf.map_or(&[][..], |shelf| &shelf.experiments);
    let combo = ComboBox::from_id_salt("experiment")
        .width(170.0)
        .truncate()
        .selected_text(shown.unwrap_or("New experiment"))
        .show_ui(ui, |ui| {
            if ui
                .selectable_label(shown.is_none(), "New experiment")
                .clicked()
            {
                ctx.send(Select::Experiment(None));
            }
            for (name, title) in known {
                let label = ui.selectable_label(shown == Some(name), name);
                if label.on_hover_text(title).clicked() {
                    ctx.send(Select::Experiment(Some(name.clone())));
                }
            }
        })
        .response;
    combo.widget_info(|| WidgetInfo::labeled(egui::Role::ComboBox, true, "Experiment"));
    combo.on_hover_text("The experiments of the workspace; the first line begins another");
    if shown.is_some() {
        let hint = "Choose a plan and begin another experiment";
        if ui.button("New…").on_hover_text(hint).clicked() {
            ctx.send(Select::Experiment(None));
        }
    }
}

/// What can be done with the shown experiment, and how far it is.
fn steer_ui(ctx: &Ctx<'_>, ui: &mut Ui, table: &Arc<Table>) {
    let palette = theme::palette(ui.visuals());
    let experiments = &ctx.state.experiments;
    let send = |command| ctx.send(Command::Experiments(command));
    let is_ours = experiments.working_on() == Some(&table.name);
    let n_open = table.n_runs - table.n_done - table.n_failed;
    let is_free = !ctx.state.is_training();
    let go_on = |failed| experiments::Command::GoOn {
        name: table.name.clone(),
        failed,
    };
    if is_ours {
        let stop = ui.add_enabled(!experiments.is_stopping(), Button::new("Stop"));
        let hint = "Stop after a checkpoint; nothing is lost, and it can go on at any time";
        if stop.on_hover_text(hint).clicked() {
            send(experiments::Command::Stop);
        }
    } else if n_open > 0 && !table.is_worked_on {
        let text = RichText::new("Go on").color(palette.on_accent).strong();
        let button = ui.add_enabled(is_free, Button::new(text).fill(palette.accent));
        let hint = "Train what is not trained yet, one run after the other";
        let button = button.on_hover_text(hint);
        if button.on_disabled_hover_text(BUSY).clicked() {
            send(go_on(Failed::Leave));
        }
    }
    if table.n_failed > 0 && !table.is_worked_on {
        let button = ui.add_enabled(is_free, Button::new("Try failed runs again"));
        let hint =
            "From their last checkpoint, if there is one; the notes below say why they failed";
        let button = button.on_hover_text(hint);
        if button.on_disabled_hover_text(BUSY).clicked() {
            send(go_on(Failed::Retry));
        }
    }
    progress_ui(ctx, ui, table, is_ours);
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        let copy = ui
            .button("Copy")
            .on_hover_text("Copy the table as Markdown");
        copy.widget_info(|| WidgetInfo::labeled(egui::Role::Button, true, "Copy the table"));
        if copy.clicked() {
            ui.copy_text(table.export(Format::Markdown));
        }
        let hint = format!(
            "Write the table into {}",
            ctx.state.workspace.exports().display()
        );
        let menu = ui.menu_button("Export", |ui| {
            for (label, format) in [
                ("Markdown", Format::Markdown),
                ("CSV", Format::Csv),
                ("LaTeX", Format::Latex),
            ] {
                if ui.button(label).clicked() {
                    let name = table.name.clone();
                    send(experiments::Command::Export { name, format });
                    ui.close();
                }
            }
        });
        menu.response.on_hover_text(hint);
        if save_plot_button(ui, "the table's scores") {
            let drawn = Arc::clone(table);
            let draw = move || Ok(figure::figure_of(&drawn));
            let ask = plots::Command::Ask(Drawing::new(table.name.clone(), draw));
            ctx.send(Command::Plots(ask));
        }
        if ctx.state.experiments.is_exporting() {
            ui.spinner();
        }
    });
}

fn progress_ui(ctx: &Ctx<'_>, ui: &mut Ui, table: &Table, is_ours: bool) {
    let palette = theme::palette(ui.visuals());
    let share = table.n_done as f32 / table.n_runs.max(1) as f32;
    let bar = ProgressBar::new(share)
        .desired_width(BAR_WIDTH)
        .corner_radius(theme::CORNER)
        .text(format!("{} of {} runs", table.n_done, table.n_runs));
    ui.add(bar)
        .on_hover_text("Runs that are trained and tested");
    let preparing = ctx.state.experiments.preparing().filter(|_| is_ours);
    let mut words = Vec::new();
    if is_ours && ctx.state.experiments.is_stopping() {
        words.push("writing a checkpoint…".to_owned());
    } else if let Some(activity) = preparing {
        words.push(activity.progress.what);
    } else if table.is_worked_on && !is_ours {
        words.push("another process works on it".to_owned());
    }
    if table.n_failed > 0 {
        words.push(format!(
            "{} failed or waiting for one that did",
            table.n_failed
        ));
    }
    if let Some(left) = table.seconds_left.filter(|left| *left > 0.0) {
        words.push(format!("{} left", about_text(left)));
    }
    ui.label(
        RichText::new(words.join("  ·  "))
            .small()
            .color(palette.weak),
    );
}
