//! A new experiment: a plan, and what is wanted otherwise than it says.

use crate::panels::library;
use crate::panels::unlabelled::unlabelled_ui;
use crate::theme;
use crate::widgets::{card, empty_state, expanded, path_field, section_heading};
use crate::workbench::parts::experiments::{self, Order, Shelf};
use crate::workbench::{Command, Ctx, Pick};
use attune_core::experiment::{Overrides, Plan};
use attune_core::train::DataChoice;
use egui::{Button, Grid, RichText, ScrollArea, Sense, TextEdit, Ui, UiBuilder, WidgetInfo};
use std::path::{Path, PathBuf};

/// Width of the list of plans, in points.
const PLANS_WIDTH: f32 = 300.0;
/// Width of the fields, in points.
const FIELD_WIDTH: f32 = 320.0;

/// Which plan.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
enum Choice {
    /// One that comes with Attune, by name.
    Shipped(String),
    /// The one of this file.
    File(PathBuf),
}

/// What the form holds.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub(super) struct State {
    choice: Choice,
    name: String,
    /// `demo` or a folder; empty: what the plan says.
    data: String,
    unlabelled: Vec<DataChoice>,
    seeds: String,
    settings: String,
    #[serde(skip)]
    typed_unlabelled: String,
}

impl Default for State {
    fn default() -> Self {
        Self {
            choice: Choice::Shipped("table5-quick".to_owned()),
            name: String::new(),
            data: String::new(),
            unlabelled: Vec::new(),
            seeds: String::new(),
            settings: String::new(),
            typed_unlabelled: String::new(),
        }
    }
}

impl State {
    /// Offers the plan of a file.
    pub(super) fn choose_file(&mut self, path: PathBuf) {
        self.choice = Choice::File(path);
    }

    /// Names the data set.
    pub(super) fn set_data(&mut self, folder: &Path) {
        self.data = folder.display().to_string();
    }

    /// Draws the form.
    pub(super) fn ui(&mut self, ctx: &Ctx<'_>, ui: &mut Ui) {
        let Some(shelf) = ctx.state.experiments.shelf() else {
            let sentence = "Looking for experiments on the disk.";
            empty_state(ui, "Reading…", sentence, |ui| drop(ui.spinner()));
            return;
        };
        let area = ui.available_rect_before_wrap();
        let (left, right) = area.split_left_right_at_x(area.left() + PLANS_WIDTH);
        let left = left.with_max_x(left.right() - theme::GROUP_GAP);
        ui.scope_builder(UiBuilder::new().max_rect(left), |ui| {
            ScrollArea::vertical()
                .id_salt("plans")
                .auto_shrink(false)
                .show(ui, |ui| self.plans_ui(ctx, ui, shelf));
        });
        ui.scope_builder(UiBuilder::new().max_rect(right), |ui| {
            ScrollArea::vertical()
                .id_salt("plan")
                .auto_shrink(false)
                .show(ui, |ui| match self.plan(ctx, shelf).cloned() {
                    Some(plan) => self.order_ui(ctx, ui, shelf, &plan),
                    None => self.missing_ui(ctx, ui),
                });
        });
    }

    /// The chosen plan, if it is there.
    fn plan<'a>(&self, ctx: &Ctx<'a>, shelf: &'a Shelf) -> Option<&'a Plan> {
        match &self.choice {
            Choice::Shipped(name) => shelf.plans.iter().find(|plan| plan.name == *name),
            Choice::File(path) => {
                let (read, plan) = ctx.state.experiments.plan_of_file()?;
                (read == path).then_some(plan)
            }
        }
    }

    fn plans_ui(&mut self, ctx: &Ctx<'_>, ui: &mut Ui, shelf: &Shelf) {
        section_heading(ui, "Plans");
        ui.add_space(theme::GAP);
        if let Choice::File(path) = &self.choice {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            plan_ui(ui, &name, &path.display().to_string(), "", true);
        }
        for plan in &shelf.plans {
            let choice = Choice::Shipped(plan.name.clone());
            let is_chosen = self.choice == choice;
            if plan_ui(ui, &plan.name, &plan.title, &plan.effort, is_chosen) {
                self.choice = choice;
            }
        }
        ui.add_space(theme::GAP);
        let hint = "A plan is a TOML file: a base, the cells of a table, seeds. It can also be dropped onto the window.";
        if ui.button("Plan of a file…").on_hover_text(hint).clicked() {
            ctx.send(Command::Pick(Pick::Plan));
        }
    }

    /// The plan of a file that has not been read in this session.
    fn missing_ui(&self, ctx: &Ctx<'_>, ui: &mut Ui) {
        let palette = theme::palette(ui.visuals());
        match &self.choice {
            Choice::File(path) => {
                ui.label(RichText::new(path.display().to_string()).color(palette.weak));
                if ui.button("Read the plan").clicked() {
                    let read = experiments::Command::ReadPlan(path.clone());
                    ctx.send(Command::Experiments(read));
                }
            }
            Choice::Shipped(_) => {
                ui.label(RichText::new("Choose a plan.").color(palette.weak));
            }
        }
    }

    fn order_ui(&mut self, ctx: &Ctx<'_>, ui: &mut Ui, shelf: &Shelf, plan: &Plan) {
        let palette = theme::palette(ui.visuals());
        section_heading(ui, &plan.title);
        let about = plan.about.split_whitespace().collect::<Vec<_>>().join(" ");
        if !about.is_empty() {
            ui.label(RichText::new(about).color(palette.weak));
        }
        ui.add_space(theme::GAP);
        self.fields_ui(ctx, ui, plan);
        if plan.has_students() {
            ui.add_space(theme::GAP);
            unlabelled_ui(ctx, ui, &mut self.unlabelled, &mut self.typed_unlabelled);
        }
        ui.add_space(theme::GROUP_GAP);
        let order = self.order(plan);
        let name = order.as_ref().ok().map(Order::name);
        let is_begun = name.is_some_and(|name| shelf.has(name));
        Self::start_ui(ctx, ui, order, is_begun);
    }

    fn fields_ui(&mut self, ctx: &Ctx<'_>, ui: &mut Ui, plan: &Plan) {
        let row = |ui: &mut Ui, label: &str, hint: &str, text: &mut String, ghost: &str| {
            let named = ui.label(label).on_hover_text(hint);
            ui.add(
                TextEdit::singleline(text)
                    .hint_text(ghost)
                    .desired_width(FIELD_WIDTH),
            )
            .labelled_by(named.id)
            .on_hover_text(hint);
            ui.end_row();
        };
        Grid::new("experiment form")
            .num_columns(2)
            .spacing([12.0, 6.0])
            .show(ui, |ui| {
                ui.label("Data").on_hover_text("The data set of all cells: `demo`, or a folder with a tracks.csv");
                ui.horizontal(|ui| {
                    ui.set_max_width(FIELD_WIDTH);
                    let ghost = if plan.needs.is_empty() { "as the plan says" } else { &plan.needs };
                    let (_, browse) = path_field(ui, "Data set of the experiment", ghost, &mut self.data);
                    if browse {
                        ctx.send(Command::Pick(Pick::ExperimentData));
                    }
                    library::choose_ui(ctx, ui, |folder| self.data = folder.display().to_string());
                });
                ui.end_row();
                let seeds: Vec<String> = plan.seeds.iter().map(ToString::to_string).collect();
                row(ui, "Seeds", "Each cell is trained once for each of these; commas between them", &mut self.seeds, &seeds.join(", "));
                row(ui, "Name", "Name of the experiment. One of the same name goes on, if nothing but seeds is new.", &mut self.name, &plan.name);
                let hint = "Settings of all cells with the keys of a recipe, one a line: epochs = 3, or noisy_student.weight = 0.5";
                let named = ui.label("Settings").on_hover_text(hint);
                ui.add(
                    TextEdit::multiline(&mut self.settings)
                        .hint_text("epochs = 3")
                        .desired_rows(2)
                        .desired_width(FIELD_WIDTH),
                )
                .labelled_by(named.id)
                .on_hover_text(hint);
                ui.end_row();
            });
    }

    /// What is asked for, or what cannot be understood.
    fn order(&self, plan: &Plan) -> Result<Order, String> {
        let mut overrides = Overrides::default();
        let data = self.data.trim();
        if !data.is_empty() {
            overrides.data = Some(match DataChoice::parse(data) {
                DataChoice::Folder(_) => DataChoice::Folder(expanded(data)),
                DataChoice::Demo => DataChoice::Demo,
            });
        }
        if plan.has_students() {
            let folders = self.unlabelled.iter().filter_map(|choice| match choice {
                DataChoice::Folder(folder) => Some(folder.clone()),
                DataChoice::Demo => None,
            });
            overrides.unlabelled = folders.collect();
        }
        let words = self.seeds.split([',', ' ']).filter(|word| !word.is_empty());
        let seeds: Result<Vec<u64>, String> = words
            .map(|word| {
                let seed = word.trim().parse();
                seed.map_err(|_no_number| {
                    format!("{word:?} is no seed: whole numbers, as in 1, 2, 3")
                })
            })
            .collect();
        overrides.seeds = Some(seeds?).filter(|seeds| !seeds.is_empty());
        for line in self.settings.lines().filter(|line| !line.trim().is_empty()) {
            let (key, value) = Overrides::parse_setting(line).map_err(|error| error.to_string())?;
            overrides.set.insert(key, value);
        }
        Ok(Order {
            plan: plan.clone(),
            name: Some(self.name.trim().to_owned()).filter(|name| !name.is_empty()),
            overrides,
        })
    }

    fn start_ui(ctx: &Ctx<'_>, ui: &mut Ui, order: Result<Order, String>, is_begun: bool) {
        let palette = theme::palette(ui.visuals());
        let checked = order.and_then(|order| {
            if is_begun {
                // What it was begun with counts as well, and is looked at when it goes on.
                let said = format!(
                    "There is an experiment {} already: it goes on, with the data and settings that it was begun with. Another name begins another.",
                    order.name()
                );
                return Ok((order, said));
            }
            let Some(n_runs) = ctx.state.experiments.n_runs(&order) else {
                let check = experiments::Command::Check(Box::new(order));
                ctx.send(Command::Experiments(check));
                return Err(String::new());
            };
            let said = effort_text(&order, n_runs.map_err(str::to_owned)?);
            Ok((order, said))
        });
        let is_busy = ctx.state.is_training();
        ui.horizontal(|ui| {
            let label = if is_begun { "Go on with it" } else { "Start experiment" };
            let text = RichText::new(label).color(palette.on_accent).strong();
            let button = Button::new(text)
                .fill(palette.accent)
                .min_size([150.0, 30.0].into());
            let button = ui
                .add_enabled(checked.is_ok() && !is_busy, button)
                .on_hover_text("Train its runs one after the other; it can be stopped and gone on with at any time")
                .on_disabled_hover_text("Not possible now; the line beside says why");
            let (said, colour) = match &checked {
                Err(error) => (error.as_str(), palette.error),
                Ok(_) if is_busy => (super::BUSY, palette.warning),
                Ok((_, said)) => (said.as_str(), palette.weak),
            };
            ui.add(egui::Label::new(RichText::new(said).color(colour)).wrap());
            if button.clicked()
                && let Ok((order, _)) = checked
            {
                let begin = experiments::Command::Begin(Box::new(order));
                ctx.send(Command::Experiments(begin));
            }
        });
    }
}

/// How much it is to train; what the plan says of it holds for the plan as it is.
fn effort_text(order: &Order, n_runs: usize) -> String {
    let effort = &order.plan.effort;
    if effort.is_empty() {
        format!("{n_runs} runs.")
    } else if order.overrides == Overrides::default() {
        format!("{effort}.")
    } else {
        format!("{n_runs} runs. The plan as it is: {effort}.")
    }
}

/// A plan in the list. Whether it was clicked.
fn plan_ui(ui: &mut Ui, name: &str, title: &str, effort: &str, is_chosen: bool) -> bool {
    let palette = theme::palette(ui.visuals());
    let drawn = card(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.spacing_mut().item_spacing.y = 2.0;
        let colour = if is_chosen {
            palette.accent
        } else {
            palette.strong
        };
        for (text, colour) in [
            (name, colour),
            (title, palette.text),
            (effort, palette.weak),
        ] {
            if !text.is_empty() {
                let text = RichText::new(text).small().color(colour);
                ui.add(egui::Label::new(text).selectable(false).wrap());
            }
        }
    });
    let response = drawn.response.interact(Sense::click());
    response.widget_info(|| {
        WidgetInfo::selected(egui::Role::Button, true, is_chosen, format!("Plan {name}"))
    });
    if is_chosen || response.hovered() {
        let stroke = egui::Stroke::new(1.0, palette.accent);
        ui.painter().rect_stroke(
            response.rect,
            theme::CORNER + 2,
            stroke,
            egui::StrokeKind::Inside,
        );
    }
    ui.add_space(theme::GAP);
    response.clicked()
}
