//! The Runs panel: all runs on disk. A click shows one in all panels, a tick draws it over the shown one.

use crate::theme::{self, Palette};
use crate::widgets::{count_text, empty_state, number_text, score_text};
use crate::workbench::parts::{runs, training};
use crate::workbench::{Command, Ctx, Select, UiCommand};
use attune_core::run::{RunSummary, Status};
use egui::{Align, Color32, Layout, RichText, Sense, TextEdit, Ui};
use egui_extras::{Column, TableBuilder};
use std::cmp::Ordering;
use std::time::{SystemTime, UNIX_EPOCH};

/// What the list is sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
enum Sort {
    Name,
    Status,
    Model,
    Data,
    RocAuc,
    AveragePrecision,
    Loss,
    Epochs,
    #[default]
    Started,
}

impl Sort {
    const ALL: [Self; 9] = [
        Self::Name,
        Self::Status,
        Self::Model,
        Self::Data,
        Self::RocAuc,
        Self::AveragePrecision,
        Self::Loss,
        Self::Epochs,
        Self::Started,
    ];

    fn title(self) -> &'static str {
        match self {
            Self::Name => "Run",
            Self::Status => "State",
            Self::Model => "Model",
            Self::Data => "Data",
            Self::RocAuc => "ROC-AUC",
            Self::AveragePrecision => "PR-AUC",
            Self::Loss => "Loss",
            Self::Epochs => "Epochs",
            Self::Started => "Started",
        }
    }

    fn hint(self) -> &'static str {
        match self {
            Self::Name => "Name of the run's folder",
            Self::Status => "Where the run stands",
            Self::Model => "Model preset",
            Self::Data => "Data set",
            Self::RocAuc => "Macro ROC-AUC on the validation split, at its lowest loss",
            Self::AveragePrecision => {
                "Macro average precision (PR-AUC) on the validation split, at its lowest loss"
            }
            Self::Loss => "Lowest validation loss (binary cross entropy)",
            Self::Epochs => "Epochs begun",
            Self::Started => "When the run began",
        }
    }

    fn is_number(self) -> bool {
        matches!(
            self,
            Self::RocAuc | Self::AveragePrecision | Self::Loss | Self::Epochs
        )
    }

    fn compare(self, one: &RunSummary, other: &RunSummary) -> Ordering {
        let numbers = |one: Option<f64>, other: Option<f64>| match (one, other) {
            (Some(one), Some(other)) => one.total_cmp(&other),
            (one, other) => one.is_some().cmp(&other.is_some()),
        };
        match self {
            Self::Name => one.id.cmp(&other.id),
            Self::Status => status_word(one.status).cmp(status_word(other.status)),
            Self::Model => one.model.cmp(&other.model),
            Self::Data => one.data.cmp(&other.data),
            Self::RocAuc => numbers(one.roc_auc_macro, other.roc_auc_macro),
            Self::AveragePrecision => {
                numbers(one.average_precision_macro, other.average_precision_macro)
            }
            Self::Loss => numbers(one.best_loss, other.best_loss),
            Self::Epochs => one.epochs.cmp(&other.epochs),
            Self::Started => one.started_unix_ms.cmp(&other.started_unix_ms),
        }
    }
}

/// The Runs panel's own looks.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct State {
    sort: Sort,
    descending: bool,
    #[serde(skip)]
    filter: String,
}

impl Default for State {
    fn default() -> Self {
        Self {
            sort: Sort::Started,
            descending: true,
            filter: String::new(),
        }
    }
}

impl State {
    /// Draws the panel.
    pub fn ui(&mut self, ctx: &Ctx<'_>, ui: &mut Ui) {
        let Some(list) = ctx.state.runs.list() else {
            empty_state(
                ui,
                "Reading the runs…",
                "The list is being read from the disk.",
                |ui| ui.spinner(),
            );
            return;
        };
        if list.is_empty() {
            empty_state(
                ui,
                "No runs yet",
                "Every training leaves a run here, with its curves, scores and checkpoints. Start one in the Training panel.",
                |_| (),
            );
            return;
        }
        let palette = theme::palette(ui.visuals());
        ui.horizontal(|ui| {
            let field = ui.add(
                TextEdit::singleline(&mut self.filter)
                    .hint_text("Filter by name, model or data set")
                    .desired_width(230.0),
            );
            field.widget_info(|| {
                egui::WidgetInfo::labeled(egui::Role::TextInput, true, "Filter runs")
            });
            let refresh = ui
                .button("Refresh")
                .on_hover_text(UiCommand::RefreshRuns.tooltip());
            if refresh.clicked() {
                ctx.send(UiCommand::RefreshRuns);
            }
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let count = match list.len() {
                    1 => "1 run".to_owned(),
                    n => format!("{n} runs"),
                };
                ui.label(RichText::new(count).small().color(palette.weak))
                    .on_hover_text(ctx.state.workspace.runs().display().to_string());
            });
        });
        let needle = self.filter.to_lowercase();
        let mut rows: Vec<&RunSummary> = list
            .iter()
            .filter(|run| {
                [&run.id, &run.name, &run.model, &run.data]
                    .iter()
                    .any(|text| text.to_lowercase().contains(&needle))
            })
            .collect();
        rows.sort_by(|one, other| {
            let order = self.sort.compare(one, other);
            if self.descending {
                order.reverse()
            } else {
                order
            }
        });
        self.table_ui(ctx, ui, &rows);
    }

    fn table_ui(&mut self, ctx: &Ctx<'_>, ui: &mut Ui, rows: &[&RunSummary]) {
        let palette = theme::palette(ui.visuals());
        let now_ms = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_millis() as u64);
        ui.spacing_mut().item_spacing.x = 12.0;
        let table = TableBuilder::new(ui)
            .id_salt("runs")
            .striped(false)
            .sense(Sense::click())
            .cell_layout(Layout::left_to_right(Align::Center))
            .column(Column::exact(24.0))
            .column(Column::initial(160.0).at_least(80.0).clip(true))
            .column(Column::initial(84.0).clip(true))
            .column(Column::initial(56.0).clip(true))
            .column(Column::initial(76.0).clip(true))
            .columns(Column::exact(62.0), 4)
            .column(Column::remainder().at_least(80.0).clip(true));
        table
            .header(theme::ROW_HEIGHT, |mut header| {
                header.col(|_| ());
                for sort in Sort::ALL {
                    header.col(|ui| {
                        sort_header_ui(
                            ui,
                            sort.title(),
                            sort.hint(),
                            sort.is_number(),
                            sort == self.sort,
                            self.descending,
                        )
                        .then(|| {
                            self.descending = if self.sort == sort {
                                !self.descending
                            } else {
                                sort.is_number() || sort == Sort::Started
                            };
                            self.sort = sort;
                        });
                    });
                }
            })
            .body(|body| {
                body.rows(theme::ROW_HEIGHT, rows.len(), |mut row| {
                    let run = rows[row.index()];
                    let selection = &ctx.state.selection;
                    let is_main = selection.run.as_ref() == Some(&run.folder);
                    let overlay = selection
                        .overlays
                        .iter()
                        .position(|other| *other == run.folder);
                    row.set_selected(is_main);
                    row.col(|ui| shown_ui(ctx, ui, run, is_main, overlay));
                    row.col(|ui| text_ui(ui, &run.id, palette.strong));
                    row.col(|ui| {
                        let (colour, word) = status_look(run.status, palette);
                        text_ui(ui, word, colour);
                    });
                    row.col(|ui| text_ui(ui, &run.model, palette.text));
                    row.col(|ui| text_ui(ui, &run.data, palette.text));
                    row.col(|ui| figure_ui(ui, &score_text(run.roc_auc_macro)));
                    row.col(|ui| figure_ui(ui, &score_text(run.average_precision_macro)));
                    row.col(|ui| figure_ui(ui, &run.best_loss.map_or("–".to_owned(), number_text)));
                    row.col(|ui| figure_ui(ui, &count_text(run.epochs.into())));
                    row.col(|ui| {
                        let text = run
                            .started_unix_ms
                            .map_or("–".to_owned(), |at| ago_text(now_ms.saturating_sub(at)));
                        text_ui(ui, &text, palette.weak);
                    });
                    let response = row.response();
                    response.widget_info(|| {
                        egui::WidgetInfo::selected(
                            egui::Role::Button,
                            true,
                            is_main,
                            format!("Run {}", run.id),
                        )
                    });
                    if response.clicked() {
                        ctx.send(Select::Run(Some(run.folder.clone())));
                    }
                    response.context_menu(|ui| row_menu_ui(ctx, ui, run));
                });
            });
    }
}

fn row_menu_ui(ctx: &Ctx<'_>, ui: &mut Ui, run: &RunSummary) {
    let item = |ui: &mut Ui, label: &str, hint: &str| {
        let clicked = ui.button(label).on_hover_text(hint).clicked();
        if clicked {
            ui.close();
        }
        clicked
    };
    if item(ui, "Show", "Show it in all panels") {
        ctx.send(Select::Run(Some(run.folder.clone())));
    }
    if item(
        ui,
        "Draw over the shown run",
        "Compare its curves with those of the shown run",
    ) {
        ctx.send(Select::ToggleOverlay(run.folder.clone()));
    }
    let can_resume =
        matches!(run.status, Status::Stopped | Status::Interrupted) && !ctx.state.is_training();
    ui.add_enabled_ui(can_resume, |ui| {
        if item(ui, "Resume training", "Go on from its last checkpoint") {
            ctx.send(Command::Training(training::Command::Resume(
                run.folder.clone(),
            )));
        }
    });
    let can_extend = !matches!(run.status, Status::Running | Status::Paused);
    ui.add_enabled_ui(can_extend, |ui| {
        let hint = "Let it go on for further epochs or with more patience, also if it has ended";
        if item(ui, "Extend…", hint) {
            ctx.send(Command::Extend(run.folder.clone()));
        }
    });
    let hint = "Fill the Training form with its recipe, to begin another run with its best weights";
    if item(ui, "Branch from best…", hint) {
        ctx.send(Command::Branch(run.folder.clone()));
    }
    if item(
        ui,
        "Use its best model",
        "Load its best checkpoint into Audition and Timeline",
    ) {
        ctx.send(Command::OpenModel(
            run.folder.join("checkpoints").join("best.safetensors"),
        ));
    }
    if item(ui, "Copy path", "Copy the path of its folder") {
        ui.ctx().copy_text(run.folder.display().to_string());
    }
    ui.separator();
    if item(ui, "Look for runs", "Read the list again") {
        ctx.send(Command::Runs(runs::Command::Refresh));
    }
}

/// The tick that draws a run over the shown one; in the colour of its curves.
fn shown_ui(ctx: &Ctx<'_>, ui: &mut Ui, run: &RunSummary, is_main: bool, overlay: Option<usize>) {
    let palette = theme::palette(ui.visuals());
    let (rect, response) = ui.allocate_exact_size(egui::vec2(18.0, 18.0), Sense::click());
    let several = !ctx.state.selection.overlays.is_empty();
    let colour = match (is_main, overlay) {
        (true, _) => Some(if several {
            palette.of_series(0)
        } else {
            palette.accent
        }),
        (false, Some(idx)) => {
            Some(palette.of_series(idx + usize::from(ctx.state.selection.run.is_some())))
        }
        (false, None) => None,
    };
    let centre = rect.center();
    match colour {
        Some(colour) => drop(ui.painter().circle_filled(centre, 5.0, colour)),
        None => drop(
            ui.painter()
                .circle_stroke(centre, 4.5, egui::Stroke::new(1.0, palette.weak)),
        ),
    }
    response.widget_info(|| {
        egui::WidgetInfo::selected(
            egui::Role::CheckBox,
            true,
            colour.is_some(),
            format!("Compare {}", run.id),
        )
    });
    if response.clicked() && !is_main {
        ctx.send(Select::ToggleOverlay(run.folder.clone()));
    }
    response.on_hover_text(if is_main {
        "The shown run"
    } else {
        "Draw its curves over those of the shown run"
    });
}

/// The heading of a column that sorts. Returns whether it was clicked.
#[expect(
    clippy::fn_params_excessive_bools,
    reason = "three independent properties of a heading"
)]
pub(super) fn sort_header_ui(
    ui: &mut Ui,
    title: &str,
    hint: &str,
    is_number: bool,
    active: bool,
    descending: bool,
) -> bool {
    let palette = theme::palette(ui.visuals());
    let arrow = match (active, descending) {
        (false, _) => "",
        (true, true) => " ▼",
        (true, false) => " ▲",
    };
    let colour = if active { palette.strong } else { palette.weak };
    let text = RichText::new(format!("{title}{arrow}"))
        .small()
        .color(colour);
    let layout = if is_number {
        Layout::right_to_left(Align::Center)
    } else {
        Layout::left_to_right(Align::Center)
    };
    ui.with_layout(layout, |ui| {
        let response = ui.add(
            egui::Label::new(text)
                .selectable(false)
                .sense(Sense::click()),
        );
        response.widget_info(|| {
            egui::WidgetInfo::labeled(egui::Role::Button, true, format!("Sort by {title}"))
        });
        response.on_hover_text(hint).clicked()
    })
    .inner
}

pub(super) fn text_ui(ui: &mut Ui, text: &str, colour: Color32) {
    let label = egui::Label::new(RichText::new(text).color(colour))
        .selectable(false)
        .truncate();
    ui.add(label);
}

pub(super) fn figure_ui(ui: &mut Ui, text: &str) {
    let palette = theme::palette(ui.visuals());
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        let text = RichText::new(text)
            .text_style(theme::figures())
            .color(palette.text);
        ui.add(egui::Label::new(text).selectable(false));
    });
}

/// Colour and word for a state.
pub(super) fn status_look(status: Status, palette: &Palette) -> (Color32, &'static str) {
    let colour = match status {
        Status::Running => palette.good,
        Status::Paused | Status::Interrupted => palette.warning,
        Status::Failed => palette.error,
        Status::Finished | Status::EarlyStopped => palette.accent,
        Status::Stopped => palette.weak,
    };
    (colour, status_word(status))
}

fn status_word(status: Status) -> &'static str {
    match status {
        Status::Running => "running",
        Status::Paused => "paused",
        Status::Finished => "finished",
        Status::Stopped => "stopped",
        Status::EarlyStopped => "stopped early",
        Status::Failed => "failed",
        Status::Interrupted => "interrupted",
    }
}

fn ago_text(ms: u64) -> String {
    let minutes = ms / 60_000;
    match minutes {
        0 => "just now".to_owned(),
        1..60 => format!("{minutes} min ago"),
        60..2880 => format!("{} h ago", minutes / 60),
        _ => format!("{} days ago", minutes / 1440),
    }
}
