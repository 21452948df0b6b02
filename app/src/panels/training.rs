//! The Training panel: what to train on what, what it will cost, and the buttons that steer the run.
//!
//! The form edits a [`TrainConfig`], the same that `attune train CONFIG.toml` reads. An estimate is made in the background
//! once the form has been left alone for a moment; it never holds up the start.

use crate::theme;
use crate::widgets::{
    bytes_text, card, count_text, duration_text, number_text, path_field, rate_text,
    section_heading,
};
use crate::workbench::parts::runs::RunView;
use crate::workbench::parts::training;
use crate::workbench::{Command, Ctx, Pick, UiCommand};
use attune_core::augment;
use attune_core::run::{Scalar, Status};
use attune_core::train::{self, Augmentation, DataChoice, ModelChoice, TrainConfig, ValidateEvery};
use egui::{
    Button, ComboBox, DragValue, Grid, ProgressBar, Response, RichText, ScrollArea, TextEdit, Ui,
    WidgetInfo,
};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// How long the form must have been left alone before an estimate is made.
const SETTLED: Duration = Duration::from_millis(700);

/// Shipped model presets: name and what it is.
const MODELS: [(&str, &str); 3] = [
    (
        "tiny",
        "tiny: 0.16 M parameters, learns on two CPU cores in minutes",
    ),
    (
        "student",
        "student: 0.49 M parameters, the paper's distilled student",
    ),
    (
        "paper",
        "paper: 4.6 M parameters, the Music Tagging Transformer of the paper",
    ),
];

/// The Training panel's own looks: the form.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct State {
    config: TrainConfig,
    folder: String,
    #[serde(skip)]
    changed_at: Option<Instant>,
    #[serde(skip)]
    estimated: Option<TrainConfig>,
    #[serde(skip)]
    learning_rate: Option<f64>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            config: TrainConfig {
                epochs: 120,
                ..TrainConfig::for_preset("tiny")
            },
            folder: String::new(),
            changed_at: None,
            estimated: None,
            learning_rate: None,
        }
    }
}

impl State {
    /// The configuration in the form.
    pub fn config(&self) -> &TrainConfig {
        &self.config
    }

    /// Fills the form.
    pub fn set_config(&mut self, config: TrainConfig) {
        if let DataChoice::Folder(folder) = &config.data {
            self.folder = folder.display().to_string();
        }
        self.config = config;
        self.changed_at = Some(Instant::now());
    }

    /// Chooses a data set.
    pub fn set_folder(&mut self, folder: PathBuf) {
        self.folder = folder.display().to_string();
        self.config.data = DataChoice::Folder(folder);
        self.changed_at = Some(Instant::now());
    }

    /// Draws the panel.
    pub fn ui(&mut self, ctx: &Ctx<'_>, ui: &mut Ui) {
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = theme::GAP;
            if ctx.state.training.is_running() {
                self.running_ui(ctx, ui);
            } else {
                let before = self.config.clone();
                self.form_ui(ctx, ui);
                if before != self.config {
                    self.changed_at = Some(Instant::now());
                }
                ui.add_space(theme::GAP);
                self.estimate_ui(ctx, ui);
                ui.add_space(theme::GAP);
                self.start_ui(ctx, ui);
            }
        });
    }

    fn form_ui(&mut self, ctx: &Ctx<'_>, ui: &mut Ui) {
        section_heading(ui, "Data");
        self.data_ui(ctx, ui);
        ui.add_space(theme::GAP);
        section_heading(ui, "Model and recipe");
        let config = &mut self.config;
        Grid::new("recipe")
            .num_columns(2)
            .spacing([12.0, 6.0])
            .min_col_width(96.0)
            .show(ui, |ui| {
                row_ui(ui, "Model", "A preset of the network. Choosing one sets a recipe that suits its size.", |ui| {
                    model_ui(ui, config)
                });
                row_ui(ui, "Input length", "Length of a training clip. Whole songs are later cut into chunks of this length.", |ui| {
                    ui.add(DragValue::new(&mut config.input_secs).range(0.5..=60.0).speed(0.05).max_decimals(2).suffix(" s"))
                });
                row_ui(ui, "Batch", "Clips per step.", |ui| {
                    ui.add(DragValue::new(&mut config.batch_size).range(2..=512).suffix(" clips"))
                });
                row_ui(ui, "Learning rate", "Step size of Adam. The paper: 0.0001. Small models on small data: 0.001.", |ui| {
                    learning_rate_ui(ui, &mut config.learning_rate)
                });
                row_ui(ui, "Epochs", "The run ends after this many passes over the training split at the latest.", |ui| {
                    ui.add(DragValue::new(&mut config.epochs).range(1..=100_000).suffix(" at most"))
                });
                row_ui(ui, "Patience", "The run stops early after this many epochs without a lower validation loss. 0: never.", |ui| {
                    ui.add(DragValue::new(&mut config.patience_epochs).range(0..=10_000).suffix(" epochs"))
                });
                row_ui(ui, "Time limit", "The run ends after this long at the latest. 0: no limit. A run with a limit does not repeat exactly.", |ui| {
                    let mut minutes = config.max_minutes.unwrap_or(0.0);
                    let response = ui.add(DragValue::new(&mut minutes).range(0.0..=100_000.0).speed(0.1).max_decimals(1).suffix(" min"));
                    config.max_minutes = (minutes > 0.0).then_some(minutes);
                    response
                });
                row_ui(ui, "Augmentation", "How training clips are changed at random. Hear it in Audition.", |ui| {
                    augmentation_ui(ui, &mut config.augmentation)
                });
                row_ui(ui, "Validate", "How often the model is scored on the validation split.", |ui| {
                    validate_ui(ui, &mut config.validate)
                });
                row_ui(ui, "Seed", "The same seed gives the same run, number for number.", |ui| {
                    ui.add(DragValue::new(&mut config.seed).range(0..=u64::MAX).speed(0.1))
                });
                let hint = TrainConfig { name: String::new(), ..config.clone() }.label();
                row_ui(ui, "Name", "Name of the run. Empty: made from model and data set.", |ui| {
                    ui.add(TextEdit::singleline(&mut config.name).hint_text(hint).desired_width(150.0))
                });
            });
    }

    fn data_ui(&mut self, ctx: &Ctx<'_>, ui: &mut Ui) {
        let config = &mut self.config;
        ui.horizontal_wrapped(|ui| {
            let demo = ui
                .radio(config.data == DataChoice::Demo, "Demo")
                .on_hover_text("Songs that Attune composes and renders on first use: 300 clips, made in under half a minute, then kept");
            if demo.clicked() {
                config.data = DataChoice::Demo;
            }
            let folder = ui
                .radio(config.data != DataChoice::Demo, "Folder")
                .on_hover_text("A folder with a tracks.csv. You can also drop it onto the window.");
            if folder.clicked() {
                config.data = DataChoice::Folder(PathBuf::from(self.folder.trim()));
            }
            super::library::choose_ui(ctx, ui, |chosen| {
                self.folder = chosen.display().to_string();
                config.data = DataChoice::Folder(chosen);
            });
        });
        if let DataChoice::Folder(path) = &mut config.data {
            let (field, browse) = path_field(
                ui,
                "Data set folder",
                "Folder with a tracks.csv",
                &mut self.folder,
            );
            if field.changed() {
                *path = PathBuf::from(self.folder.trim());
            }
            if browse {
                ctx.send(Command::Pick(Pick::Dataset));
            }
        }
    }

    fn estimate_ui(&mut self, ctx: &Ctx<'_>, ui: &mut Ui) {
        let palette = theme::palette(ui.visuals());
        let config = &self.config;
        if let Err(error) = config.check() {
            ui.label(RichText::new(error.to_string()).color(palette.error));
            return;
        }
        let complete =
            !matches!(&config.data, DataChoice::Folder(folder) if folder.as_os_str().is_empty());
        if complete && self.estimated.as_ref() != Some(config) {
            let at = *self.changed_at.get_or_insert_with(Instant::now);
            if at.elapsed() >= SETTLED {
                self.estimated = Some(config.clone());
                ctx.send(Command::Training(training::Command::Estimate(Box::new(
                    config.clone(),
                ))));
            } else {
                ui.ctx().request_repaint_after(SETTLED);
            }
        }
        card(ui, |ui| {
            ui.set_width(ui.available_width());
            section_heading(ui, "Estimate")
                .on_hover_text("Measured on this machine with two steps on noise");
            if !complete {
                ui.label(RichText::new("Name a data set folder first.").color(palette.weak));
                return;
            }
            match ctx.state.training.estimate(config) {
                None => {
                    ui.horizontal(|ui| {
                        ui.spinner();
                        ui.label(RichText::new("Measuring…").color(palette.weak));
                    });
                }
                Some(Err(error)) => {
                    ui.label(RichText::new(error).color(palette.error));
                }
                Some(Ok(estimate)) => estimate_figures_ui(ui, estimate, config),
            }
        });
    }

    fn start_ui(&mut self, ctx: &Ctx<'_>, ui: &mut Ui) {
        let palette = theme::palette(ui.visuals());
        let ready = self.config.check().is_ok();
        let text = RichText::new("Start training")
            .color(palette.on_accent)
            .strong();
        let button = Button::new(text)
            .fill(palette.accent)
            .min_size(egui::vec2(ui.available_width(), 30.0));
        let start = ui.add_enabled(ready, button);
        if start
            .on_hover_text(with_keys(ui, UiCommand::StartTraining))
            .clicked()
        {
            ctx.send(UiCommand::StartTraining);
        }
    }

    fn running_ui(&mut self, ctx: &Ctx<'_>, ui: &mut Ui) {
        let palette = theme::palette(ui.visuals());
        let training = &ctx.state.training;
        let view = training
            .run_folder()
            .and_then(|folder| ctx.state.runs.view(folder));
        let name = training
            .run_folder()
            .and_then(|folder| folder.file_name())
            .map_or("starting…".to_owned(), |name| {
                name.to_string_lossy().into_owned()
            });
        ui.label(
            RichText::new(name)
                .text_style(egui::TextStyle::Heading)
                .color(palette.strong),
        );
        if let Some(activity) = training.preparing() {
            let progress = &activity.progress;
            ui.label(RichText::new(&progress.what).color(palette.text));
            match activity.fraction() {
                Some(fraction) => {
                    let text = format!(
                        "{} of {}",
                        count_text(progress.done),
                        count_text(progress.total)
                    );
                    ui.add(ProgressBar::new(fraction).text(text));
                }
                None => drop(ui.spinner()),
            }
        } else if training.is_paused() {
            ui.label(RichText::new("Paused").color(palette.warning));
        }
        ui.horizontal_wrapped(|ui| {
            let paused = training.is_paused();
            let mut button = |label: &str, command: UiCommand| {
                if ui
                    .button(label)
                    .on_hover_text(with_keys(ui, command))
                    .clicked()
                {
                    ctx.send(command);
                }
            };
            button(
                if paused { "Continue" } else { "Pause" },
                UiCommand::PauseTraining,
            );
            button("Stop", UiCommand::StopTraining);
            button("Snapshot", UiCommand::Snapshot);
            button("Validate now", UiCommand::Validate);
        });
        if let Some(view) = &view {
            ui.add_space(theme::GAP);
            progress_ui(ui, view);
            ui.add_space(theme::GAP);
            self.steer_ui(ctx, ui, view);
        }
    }

    /// The learning rate of the run, to be changed while it runs.
    fn steer_ui(&mut self, ctx: &Ctx<'_>, ui: &mut Ui, view: &RunView) {
        let now = view
            .series(Scalar::LearningRate)
            .last()
            .map(|(_, rate)| f64::from(rate));
        let Some(now) = now else {
            return;
        };
        let palette = theme::palette(ui.visuals());
        card(ui, |ui| {
            ui.set_width(ui.available_width());
            section_heading(ui, "Learning rate")
                .on_hover_text("Takes effect at the next step and is kept in the run's log");
            ui.horizontal(|ui| {
                let rate = self.learning_rate.get_or_insert(now);
                learning_rate_ui(ui, rate);
                let other = (*rate - now).abs() > now * 1e-4;
                let apply = ui.add_enabled(other, Button::new("Apply"));
                let hint = "Use this learning rate from the next step on";
                if apply
                    .on_hover_text(hint)
                    .on_disabled_hover_text(hint)
                    .clicked()
                {
                    let order = train::Command::SetLearningRate(*rate);
                    ctx.send(Command::Training(training::Command::Steer(order)));
                }
                let half = ui
                    .button("Halve")
                    .on_hover_text("Half of the present learning rate");
                if half.clicked() {
                    *rate = now / 2.0;
                    let order = train::Command::SetLearningRate(*rate);
                    ctx.send(Command::Training(training::Command::Steer(order)));
                }
            });
            ui.label(
                RichText::new(format!("now {}", number_text(now)))
                    .small()
                    .color(palette.weak),
            );
        });
    }
}

fn with_keys(ui: &Ui, command: UiCommand) -> String {
    let keys = command.shortcut_text(ui.ctx());
    if keys.is_empty() {
        command.tooltip().to_owned()
    } else {
        format!("{} ({keys})", command.tooltip())
    }
}

/// A labelled row of the form.
fn row_ui(ui: &mut Ui, label: &str, hint: &str, field_ui: impl FnOnce(&mut Ui) -> Response) {
    let label = ui.label(label).on_hover_text(hint);
    field_ui(ui).labelled_by(label.id).on_hover_text(hint);
    ui.end_row();
}

fn learning_rate_ui(ui: &mut Ui, rate: &mut f64) -> Response {
    let speed = *rate * 0.01;
    ui.add(
        DragValue::new(rate)
            .range(1e-8..=1.0)
            .speed(speed)
            .custom_formatter(|rate, _| number_text(rate))
            .custom_parser(|text| text.trim().parse().ok()),
    )
}

fn model_ui(ui: &mut Ui, config: &mut TrainConfig) -> Response {
    let label = config.model.label();
    ComboBox::from_id_salt("model")
        .selected_text(&label)
        .width(150.0)
        .show_ui(ui, |ui| {
            for (name, text) in MODELS {
                if ui.selectable_label(label == name, text).clicked() {
                    let recipe = TrainConfig::for_preset(name);
                    *config = TrainConfig {
                        model: ModelChoice::Preset(name.to_owned()),
                        input_secs: recipe.input_secs,
                        batch_size: recipe.batch_size,
                        learning_rate: recipe.learning_rate,
                        ..config.clone()
                    };
                }
            }
        })
        .response
}

fn augmentation_ui(ui: &mut Ui, augmentation: &mut Augmentation) -> Response {
    let label = match augmentation {
        Augmentation::Preset(name) => name.clone(),
        Augmentation::Chain(_) => "own chain".to_owned(),
    };
    ComboBox::from_id_salt("augmentation")
        .selected_text(&label)
        .width(150.0)
        .show_ui(ui, |ui| {
            for (name, _) in augment::PRESETS {
                if ui.selectable_label(label == name, name).clicked() {
                    *augmentation = Augmentation::Preset(name.to_owned());
                }
            }
        })
        .response
}

fn validate_ui(ui: &mut Ui, every: &mut ValidateEvery) -> Response {
    ui.horizontal(|ui| {
        let unit = match every {
            ValidateEvery::Epochs(_) => "epochs",
            ValidateEvery::Steps(_) => "steps",
            ValidateEvery::Minutes(_) => "minutes",
        };
        let value = match every {
            ValidateEvery::Epochs(n) => ui.add(DragValue::new(n).range(1..=1000).prefix("every ")),
            ValidateEvery::Steps(n) => {
                ui.add(DragValue::new(n).range(1..=1_000_000).prefix("every "))
            }
            ValidateEvery::Minutes(n) => ui.add(
                DragValue::new(n)
                    .range(0.1..=1000.0)
                    .speed(0.1)
                    .prefix("every "),
            ),
        };
        let combo = ComboBox::from_id_salt("validate unit")
            .selected_text(unit)
            .width(78.0)
            .show_ui(ui, |ui| {
                for choice in [
                    ValidateEvery::Epochs(1),
                    ValidateEvery::Steps(200),
                    ValidateEvery::Minutes(2.0),
                ] {
                    let name = match choice {
                        ValidateEvery::Epochs(_) => "epochs",
                        ValidateEvery::Steps(_) => "steps",
                        ValidateEvery::Minutes(_) => "minutes",
                    };
                    if ui.selectable_label(unit == name, name).clicked() && unit != name {
                        *every = choice;
                    }
                }
            })
            .response;
        combo.widget_info(|| {
            WidgetInfo::labeled(
                egui::Role::ComboBox,
                true,
                "Unit of the validation interval",
            )
        });
        value
    })
    .inner
}

fn estimate_figures_ui(ui: &mut Ui, estimate: &train::Estimate, config: &TrainConfig) {
    let palette = theme::palette(ui.visuals());
    let figure = |text: String| {
        RichText::new(text)
            .text_style(theme::figures())
            .color(palette.strong)
    };
    Grid::new("estimate")
        .num_columns(2)
        .spacing([12.0, 3.0])
        .show(ui, |ui| {
            let mut line = |name: &str, value: String, hint: &str| {
                ui.label(name).on_hover_text(hint);
                ui.label(figure(value)).on_hover_text(hint);
                ui.end_row();
            };
            line(
                "Parameters",
                count_text(estimate.parameters),
                "Trained numbers of the network",
            );
            let memory = match estimate.available_bytes {
                Some(free) => format!(
                    "{} of {} free",
                    bytes_text(estimate.memory_bytes),
                    bytes_text(free)
                ),
                None => bytes_text(estimate.memory_bytes),
            };
            line(
                "Memory",
                memory,
                "Weights, gradients, optimizer and recorded activations",
            );
            let speed = config.batch_size as f64 / estimate.seconds_per_step;
            line(
                "Step",
                format!(
                    "{}, {}",
                    duration_text(estimate.seconds_per_step),
                    rate_text(speed, "clips/s")
                ),
                "One step, loading not included",
            );
            line(
                "Epoch",
                format!(
                    "{}, {} steps",
                    duration_text(estimate.seconds_per_epoch),
                    count_text(estimate.steps_per_epoch.into())
                ),
                "One pass over the training split, validation not included",
            );
            line(
                "At most",
                duration_text(estimate.seconds_per_epoch * f64::from(config.epochs)),
                "All epochs, unless the run stops early or the time limit comes first",
            );
        });
    for warning in &estimate.warnings {
        ui.label(RichText::new(format!("⚠ {warning}")).color(palette.warning));
    }
}

/// Epoch, step, speed and time left.
fn progress_ui(ui: &mut Ui, view: &RunView) {
    let palette = theme::palette(ui.visuals());
    let progress = Progress::of(view);
    if let Some(part) = progress.part_of_epoch {
        let text = format!(
            "epoch {} of at most {}",
            progress.epoch + 1,
            progress.epochs.max(progress.epoch + 1)
        );
        ui.add(ProgressBar::new(part).text(text))
            .on_hover_text("How far the present epoch is");
    }
    Grid::new("progress")
        .num_columns(2)
        .spacing([12.0, 3.0])
        .show(ui, |ui| {
            let mut line = |name: &str, value: String| {
                ui.label(name);
                ui.label(
                    RichText::new(value)
                        .text_style(theme::figures())
                        .color(palette.strong),
                );
                ui.end_row();
            };
            line("Step", count_text(view.last_step));
            if let Some(speed) = progress.clips_per_second {
                line("Speed", rate_text(speed.into(), "clips/s"));
            }
            if let Some((_, loss)) = view.smoothed_loss.last() {
                line("Training loss", number_text(loss.into()));
            }
            if let Some(last) = view.validations.last() {
                line("Validation loss", number_text(last.loss));
            }
            if let Some(seconds) = progress.seconds_left {
                line("Time left", format!("at most {}", duration_text(seconds)));
            }
            if let Some(waiting) = view.series(Scalar::LoaderWait).last() {
                line("Waits for data", duration_text(waiting.1.into()));
            }
        });
    if view.status == Status::Failed {
        ui.label(RichText::new("The run has failed, see Log.").color(palette.error));
    }
}

/// Where a run stands, in numbers for people.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Progress {
    /// From 0.
    pub(crate) epoch: u32,
    /// At most so many.
    pub(crate) epochs: u32,
    /// How far the present epoch is, 0..=1.
    pub(crate) part_of_epoch: Option<f32>,
    /// Training speed.
    pub(crate) clips_per_second: Option<f32>,
    /// If it does not stop early.
    pub(crate) seconds_left: Option<f64>,
}

impl Progress {
    /// Reads it off a view.
    pub(crate) fn of(view: &RunView) -> Self {
        let facts = view.facts();
        let epoch = view.epoch();
        let epoch_start = view.epoch_starts.last().map_or(0, |(_, step)| *step);
        let part_of_epoch = (facts.steps_per_epoch > 0).then(|| {
            ((view.last_step.saturating_sub(epoch_start)) as f32 / facts.steps_per_epoch as f32)
                .clamp(0.0, 1.0)
        });
        let seconds_per_step = view
            .series(Scalar::StepSeconds)
            .last()
            .map(|(_, seconds)| f64::from(seconds));
        let steps = u64::from(facts.epochs) * facts.steps_per_epoch;
        let seconds_left = (steps > view.last_step)
            .then(|| Some(seconds_per_step? * (steps - view.last_step) as f64))
            .flatten();
        Self {
            epoch,
            epochs: facts.epochs,
            part_of_epoch,
            clips_per_second: view.clips_per_second(),
            seconds_left,
        }
    }
}
