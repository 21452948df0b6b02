//! The Training panel: what to train on what, what it will cost, and the buttons that steer the run.
//!
//! The form edits a [`TrainConfig`], the same that `attune train CONFIG.toml` reads. An estimate is made in the background
//! once the form has been left alone for a moment; it never holds up the start.

mod continuing;
mod elsewhere;
mod fields;
mod figures;
mod queue;
mod schedule;
mod steering;
mod student;
mod watching;

pub use continuing::Extending;
pub(crate) use figures::Progress;

use super::data_notes::data_notes_ui;
use crate::theme;
use crate::widgets::{card, count_text, path_field, section_heading};
use crate::workbench::parts::training;
use crate::workbench::{Command, Ctx, Pick, UiCommand};
use attune_core::train::{DataChoice, TrainConfig};
use egui::{
    Button, CollapsingHeader, DragValue, Grid, ProgressBar, RichText, ScrollArea, TextEdit, Ui,
};
use elsewhere::Elsewhere;
use fields::{
    augmentation_ui, learning_rate_ui, model_ui, optimizer_ui, row_ui, validate_ui, weight_decay_ui,
};
use figures::{estimate_figures_ui, progress_ui};
use std::path::PathBuf;
use std::time::{Duration, Instant};
use steering::Steering;

/// How long the form must have been left alone before an estimate is made.
const SETTLED: Duration = Duration::from_millis(700);

/// Height of the button that starts the training.
const START_HEIGHT: f32 = 30.0;

/// Width of the button that puts the run into the queue instead.
const ADD_WIDTH: f32 = 100.0;

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
    /// The folder that was last looked into for timelines.
    #[serde(skip)]
    looked_into: Option<PathBuf>,
    #[serde(skip)]
    steering: Steering,
    #[serde(skip)]
    elsewhere: Elsewhere,
    #[serde(skip)]
    unlabelled: String,
    students: u32,
    /// A run that is to be asked for more.
    #[serde(skip)]
    extending: Option<Extending>,
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
            looked_into: None,
            steering: Steering::default(),
            elsewhere: Elsewhere::default(),
            unlabelled: String::new(),
            students: 1,
            extending: None,
        }
    }
}

impl State {
    /// The configuration in the form.
    pub fn config(&self) -> &TrainConfig {
        &self.config
    }

    /// How many students are to be trained in a row, if the recipe has a teacher.
    pub fn students(&self) -> u32 {
        self.students
    }

    /// Fills the form.
    pub fn set_config(&mut self, config: TrainConfig) {
        if let DataChoice::Folder(folder) = &config.data {
            self.folder = folder.display().to_string();
        }
        self.config = config;
        self.changed_at = Some(Instant::now());
    }

    /// Asks what more is wanted of a run.
    pub fn set_extending(&mut self, extending: Extending) {
        self.extending = Some(extending);
    }

    /// Chooses a data set.
    pub fn set_folder(&mut self, folder: PathBuf) {
        self.folder = folder.display().to_string();
        self.config.data = DataChoice::Folder(folder);
        self.changed_at = Some(Instant::now());
    }

    /// Draws the panel.
    pub fn ui(&mut self, ctx: &Ctx<'_>, ui: &mut Ui) {
        if ctx.state.training.is_running() {
            ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
                ui.spacing_mut().item_spacing.y = theme::GAP;
                self.running_ui(ctx, ui);
                ui.add_space(theme::GAP);
                self.elsewhere.ui(ctx, ui);
                queue::queue_ui(ctx, ui);
                // One that was sent is the run in training, or is refused when that is known.
                if let Some(extending) = &mut self.extending
                    && !extending.is_sent()
                    && matches!(extending.ui(ctx, ui), continuing::Answer::Done)
                {
                    self.extending = None;
                }
                CollapsingHeader::new("Set up another run").show(ui, |ui| {
                    self.recipe_ui(ctx, ui);
                    ui.add_space(theme::GAP);
                    let size = egui::vec2(ui.available_width(), START_HEIGHT);
                    queue::add_ui(ctx, ui, &self.config, self.students, size);
                });
            });
            return;
        }
        // The button stays in sight, however long the form is.
        let height = ui.available_height() - START_HEIGHT - 2.0 * theme::GAP;
        ScrollArea::vertical()
            .auto_shrink(false)
            .max_height(height.max(START_HEIGHT))
            .show(ui, |ui| {
                ui.spacing_mut().item_spacing.y = theme::GAP;
                if let Some(extending) = &mut self.extending
                    && matches!(extending.ui(ctx, ui), continuing::Answer::Done)
                {
                    self.extending = None;
                }
                data_notes_ui(ctx, ui);
                self.elsewhere.ui(ctx, ui);
                queue::queue_ui(ctx, ui);
                self.recipe_ui(ctx, ui);
                ui.add_space(theme::GAP);
                self.estimate_ui(ctx, ui);
            });
        ui.add_space(theme::GAP);
        self.start_ui(ctx, ui);
    }

    /// The form.
    fn recipe_ui(&mut self, ctx: &Ctx<'_>, ui: &mut Ui) {
        let before = self.config.clone();
        continuing::branch_ui(ui, &mut self.config.branch_from);
        self.form_ui(ctx, ui);
        watching::watching_ui(ctx, ui, &mut self.config);
        ui.add_space(theme::GAP);
        student::student_ui(
            ctx,
            ui,
            &mut self.config,
            &mut self.unlabelled,
            &mut self.students,
        );
        if before != self.config {
            self.changed_at = Some(Instant::now());
        }
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
                row_ui(ui, "Learning rate", "How far a step goes. The paper: 0.0001. Small models on small data: 0.001.", |ui| {
                    learning_rate_ui(ui, &mut config.learning_rate)
                });
                schedule::schedule_rows_ui(ui, config);
                row_ui(ui, "Optimizer", "What makes a step of a gradient. The paper: Adam. SGD comes with Nesterov's momentum of 0.9.", |ui| {
                    optimizer_ui(ui, &mut config.optimizer)
                });
                row_ui(ui, "Weight decay", "Added to the gradient (Adam, SGD) or taken off the weights at each step (AdamW). The paper: none.", |ui| {
                    weight_decay_ui(ui, config.optimizer.weight_decay_mut())
                });
                row_ui(ui, "Epochs", "The run ends after this many passes over the training split at the latest.", |ui| {
                    ui.add(DragValue::new(&mut config.epochs).range(1..=100_000).suffix(" at most"))
                });
                row_ui(ui, "Patience", "The run stops early after this many epochs without a lower validation loss. 0: never.", |ui| {
                    ui.add(DragValue::new(&mut config.patience_epochs).range(0..=10_000).suffix(" epochs"))
                });
                row_ui(ui, "Time limit", "The run ends after this long at the latest. 0: no limit. A run with a limit does not repeat exactly.", |ui| {
                    let mut minutes = config.max_minutes.unwrap_or(0.0);
                    let response = ui.add(DragValue::new(&mut minutes).range(0.0..=100_000.0).speed(0.1).custom_formatter(minutes_text));
                    config.max_minutes = (minutes > 0.0).then_some(minutes);
                    response
                });
                row_ui(ui, "Augmentation", "How training clips are changed at random: a shipped chain or one of your own. Hear it in Audition.", |ui| {
                    let look = || ctx.send(Command::Training(training::Command::LookForChains));
                    augmentation_ui(ui, &mut config.augmentation, ctx.state.training.chains(), look)
                });
                row_ui(ui, "Validate", "How often the model is scored on the validation split.", |ui| {
                    validate_ui(ui, &mut config.validate)
                });
                row_ui(ui, "Seed", "The same seed gives the same run, number for number.", |ui| {
                    ui.add(DragValue::new(&mut config.seed).range(0..=u64::MAX).speed(0.1))
                });
                let hint = TrainConfig { name: String::new(), ..config.clone() }.label();
                row_ui(ui, "Name", "Name of the run. Empty: made from model and data set.", |ui| {
                    ui.add(TextEdit::singleline(&mut config.name).hint_text(hint).desired_width(ui.available_width().clamp(60.0, 150.0)))
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
            match self.changed_at {
                // Opening the window is no reason to keep the machine busy.
                None => {}
                Some(at) if at.elapsed() < SETTLED => ui.ctx().request_repaint_after(SETTLED),
                Some(_) => {
                    self.estimated = Some(config.clone());
                    let estimate = training::Command::Estimate(Box::new(config.clone()));
                    ctx.send(Command::Training(estimate));
                }
            }
        }
        if let (DataChoice::Folder(folder), Some(at)) = (&config.data, self.changed_at)
            && complete
            && at.elapsed() >= SETTLED
            && self.looked_into.as_ref() != Some(folder)
        {
            self.looked_into = Some(folder.clone());
            let look = training::Command::LookForTimelines(folder.clone());
            ctx.send(Command::Training(look));
        }
        card(ui, |ui| {
            ui.set_width(ui.available_width());
            section_heading(ui, "Estimate")
                .on_hover_text("Measured on this machine with two steps on noise");
            if !complete {
                ui.label(RichText::new("Name a data set folder first.").color(palette.weak));
                return;
            }
            let estimate = ctx.state.training.estimate(config);
            match estimate {
                None if self.changed_at.is_none() => {
                    let hint = "Find out what a run costs on this machine: memory, time per step and per epoch";
                    if ui.button("Measure").on_hover_text(hint).clicked() {
                        self.changed_at = Instant::now().checked_sub(SETTLED);
                    }
                }
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
        let is_free = !ctx.state.is_training();
        let ready = is_free && self.config.check().is_ok();
        let text = RichText::new("Start training")
            .color(palette.on_accent)
            .strong();
        let gap = ui.spacing().item_spacing.x;
        let width = ui.available_width() - ADD_WIDTH - gap;
        let size = egui::vec2(width.max(ADD_WIDTH), START_HEIGHT);
        ui.horizontal(|ui| {
            let start = ui
                .add_enabled_ui(ready, |ui| {
                    ui.add_sized(size, Button::new(text).fill(palette.accent))
                })
                .inner;
            let start = start.on_disabled_hover_text(if is_free {
                "The settings above say what is missing"
            } else {
                "Something else is being trained: stop it first, or add this run to the queue"
            });
            if start
                .on_hover_text(with_keys(ui, UiCommand::StartTraining))
                .clicked()
            {
                ctx.send(UiCommand::StartTraining);
            }
            let size = egui::vec2(ADD_WIDTH, START_HEIGHT);
            queue::add_ui(ctx, ui, &self.config, self.students, size);
        });
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
        if let Some(students) = training.students() {
            let text = format!("student {} of {}", students.at, students.n);
            ui.label(RichText::new(text).color(palette.weak))
                .on_hover_text("Each is the teacher of the next");
        }
        ui.horizontal_wrapped(|ui| {
            let paused = ctx.state.is_paused();
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
        ui.add_space(theme::GAP);
        activity_ui(ctx, ui);
        if let Some(view) = &view {
            ui.add_space(theme::GAP);
            progress_ui(ui, view);
            ui.add_space(theme::GAP);
            let send = |order| ctx.send(Command::Training(training::Command::Steer(order)));
            let base = ctx.state.training.base_learning_rate();
            self.steering.ui(ui, view, base, send);
        }
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

/// What the run does beside training steps, at a height that does not depend on it: nothing below moves when a validation begins or ends.
fn activity_ui(ctx: &Ctx<'_>, ui: &mut Ui) {
    let palette = theme::palette(ui.visuals());
    let training = &ctx.state.training;
    let activity = training.preparing();
    let (text, colour) = match &activity {
        Some(activity) => (activity.progress.what.as_str(), palette.text),
        None if ctx.state.is_paused() => ("paused", palette.warning),
        None => ("training", palette.text),
    };
    ui.label(RichText::new(text).color(colour));
    let Some(activity) = &activity else {
        let height = ui.spacing().interact_size.y;
        ui.allocate_space(egui::vec2(ui.available_width(), height));
        return;
    };
    let bar = match activity.fraction() {
        Some(fraction) => {
            let progress = &activity.progress;
            let (done, total) = (count_text(progress.done), count_text(progress.total));
            ProgressBar::new(fraction).text(format!("{done} of {total}"))
        }
        None => ProgressBar::new(0.0).animate(true),
    };
    ui.add(bar.corner_radius(theme::CORNER));
}
/// As in the form: 0 is no limit.
fn minutes_text(minutes: f64, _: std::ops::RangeInclusive<usize>) -> String {
    if minutes > 0.0 {
        format!("{minutes:.1} min")
    } else {
        "none".to_owned()
    }
}
