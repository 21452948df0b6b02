//! The table of an experiment: a row for each cell, a field for each of its seeds, and the measures beside the paper's.

use crate::panels::Panel;
use crate::theme::{self, Palette};
use crate::widgets::{duration_text, score_text};
use crate::workbench::{Command, Ctx, Select};
use attune_core::experiment::{CellRun, Measure, Metric, Row, State as RunState, Table};
use egui::{
    Align, Color32, CornerRadius, Label, Layout, Rect, RichText, ScrollArea, Sense, TextStyle, Ui,
    WidgetInfo, pos2, vec2,
};
use egui_extras::{Column, TableBuilder};

/// Width of a seed's field, in points.
const SEED_WIDTH: f32 = 62.0;
/// Room for the notes below the table, in points.
const NOTES_HEIGHT: f32 = 128.0;

/// Draws the table and its notes.
pub(super) fn ui(ctx: &Ctx<'_>, ui: &mut Ui, table: &Table) {
    let palette = theme::palette(ui.visuals());
    ui.label(
        RichText::new(&table.title)
            .text_style(theme::section())
            .color(palette.strong),
    );
    ui.add_space(theme::GAP);
    let height = (ui.available_height() - NOTES_HEIGHT).max(120.0);
    ScrollArea::horizontal()
        .id_salt("experiment table")
        .max_height(height)
        .show(ui, |ui| table_ui(ctx, ui, table, height));
    ui.add_space(theme::GAP);
    ScrollArea::vertical()
        .id_salt("experiment notes")
        .auto_shrink(false)
        .show(ui, |ui| {
            for note in table.notes() {
                ui.label(RichText::new(note).small().color(palette.weak));
            }
        });
}

/// What stands in a column.
#[derive(Clone, Copy)]
enum Field {
    Cell,
    Seed(usize),
    Mean(usize),
    Paper(usize),
    Difference(usize),
    State,
}

fn fields(table: &Table) -> Vec<Field> {
    let any = |test: &dyn Fn(&Row) -> bool| table.rows.iter().any(test);
    let has_paper = any(&|row| row.measures.iter().any(|measure| measure.paper.is_some()));
    let has_versus = any(&|row| row.versus.is_some());
    let mut fields = vec![Field::Cell];
    fields.extend((0..table.seeds.len()).map(Field::Seed));
    for metric in 0..table.metrics.len() {
        fields.push(Field::Mean(metric));
        fields.extend(has_paper.then_some(Field::Paper(metric)));
        fields.extend(has_versus.then_some(Field::Difference(metric)));
    }
    fields.push(Field::State);
    fields
}

impl Field {
    fn column(self) -> Column {
        match self {
            Self::Cell => Column::initial(170.0)
                .at_least(90.0)
                .resizable(true)
                .clip(true),
            Self::Seed(_) => Column::exact(SEED_WIDTH),
            Self::Mean(_) => Column::exact(96.0),
            Self::Paper(_) => Column::exact(44.0),
            Self::Difference(_) => Column::exact(64.0),
            Self::State => Column::remainder().at_least(130.0).clip(true),
        }
    }

    fn title(self, table: &Table) -> String {
        match self {
            Self::Cell => "Cell".to_owned(),
            Self::Seed(at) => format!("seed {}", table.seeds[at]),
            Self::Mean(at) => table.metrics[at].label().to_owned(),
            Self::Paper(_) => "paper".to_owned(),
            Self::Difference(_) => "difference".to_owned(),
            Self::State => "State".to_owned(),
        }
    }

    fn hint(self, table: &Table) -> String {
        match self {
            Self::Cell => {
                "What is trained; the notes below say what it is compared with".to_owned()
            }
            Self::Seed(_) => format!(
                "The run of this seed, with its macro {} on the test split; a click shows it",
                table
                    .metrics
                    .first()
                    .map_or("score", |metric| metric.label())
            ),
            Self::Mean(at) => format!(
                "Macro {} on the test split: mean ± standard deviation over the seeds that are done",
                table.metrics[at].label()
            ),
            Self::Paper(_) => "The figure that the paper gives".to_owned(),
            Self::Difference(_) => format!(
                "Less the cell that it is compared with; ≈: not distinguishable, the {} % interval of a paired bootstrap over the test tracks holds zero",
                table.confidence * 100.0
            ),
            Self::State => "Where its runs stand".to_owned(),
        }
    }

    fn is_number(self) -> bool {
        !matches!(self, Self::Cell | Self::State)
    }
}

fn table_ui(ctx: &Ctx<'_>, ui: &mut Ui, table: &Table, height: f32) {
    let palette = theme::palette(ui.visuals());
    let fields = fields(table);
    ui.spacing_mut().item_spacing.x = 8.0;
    let mut builder = TableBuilder::new(ui)
        .id_salt(&table.name)
        .cell_layout(Layout::left_to_right(Align::Center))
        .max_scroll_height(height - 2.0 * theme::ROW_HEIGHT)
        .auto_shrink([false, true]);
    for field in &fields {
        builder = builder.column(field.column());
    }
    builder
        .header(theme::ROW_HEIGHT, |mut header| {
            for field in &fields {
                header.col(|ui| {
                    let text = RichText::new(field.title(table))
                        .small()
                        .color(palette.weak);
                    let label = Label::new(text).selectable(false);
                    in_column(ui, field.is_number(), |ui| {
                        ui.add(label).on_hover_text(field.hint(table));
                    });
                });
            }
        })
        .body(|body| {
            body.rows(theme::ROW_HEIGHT + 2.0, table.rows.len(), |mut line| {
                let row = &table.rows[line.index()];
                for field in &fields {
                    line.col(|ui| {
                        in_column(ui, field.is_number(), |ui| {
                            field_ui(ctx, ui, table, row, *field)
                        });
                    });
                }
            });
        });
}

fn in_column(ui: &mut Ui, is_number: bool, contents_ui: impl FnOnce(&mut Ui)) {
    let layout = if is_number {
        Layout::right_to_left(Align::Center)
    } else {
        Layout::left_to_right(Align::Center)
    };
    ui.with_layout(layout, contents_ui);
}

fn field_ui(ctx: &Ctx<'_>, ui: &mut Ui, table: &Table, row: &Row, field: Field) {
    let palette = theme::palette(ui.visuals());
    match field {
        Field::Cell => {
            let text = RichText::new(&row.label).color(palette.strong);
            let label = ui.add(Label::new(text).truncate().selectable(false));
            label.on_hover_text(about(row));
        }
        Field::Seed(at) => seed_ui(ctx, ui, table, row, table.seeds[at]),
        Field::Mean(at) => {
            let text = row.measures[at]
                .measured
                .map_or("–".to_owned(), |measured| {
                    let spread = measured.sd.map(|sd| format!(" ± {sd:.3}"));
                    format!("{:.3}{}", measured.mean, spread.unwrap_or_default())
                });
            figure_ui(ui, &text, palette.strong).on_hover_text(format!(
                "{} of {} seeds",
                row.n_done(),
                table.seeds.len()
            ));
        }
        Field::Paper(at) => {
            figure_ui(ui, &score_text(row.measures[at].paper), palette.weak);
        }
        Field::Difference(at) => difference_ui(ui, table, row, &row.measures[at]),
        Field::State => state_ui(ui, row),
    }
}

fn figure_ui(ui: &mut Ui, text: &str, colour: Color32) -> egui::Response {
    let text = RichText::new(text)
        .text_style(theme::figures())
        .color(colour);
    ui.add(Label::new(text).selectable(false))
}

/// Group, note and runs of a cell.
fn about(row: &Row) -> String {
    let mut lines = vec![row.label.clone()];
    lines.extend(row.group.as_ref().map(|group| format!("group: {group}")));
    lines.extend(
        row.same_runs_as
            .as_ref()
            .map(|other| format!("the runs of {other}")),
    );
    lines.extend(
        row.versus
            .as_ref()
            .map(|other| format!("compared with {other}")),
    );
    lines.extend(row.note.clone());
    lines.extend(row.not_compared.clone());
    lines.join("\n")
}

/// `+0.012` or `+0.004 ≈`; what differs is strong, in green or red.
fn difference_ui(ui: &mut Ui, table: &Table, row: &Row, measure: &Measure) {
    let palette = theme::palette(ui.visuals());
    let difference = measure.difference;
    let Some(value) = difference.and_then(|difference| difference.value) else {
        let hint = match &row.versus {
            None => "Compared with no other".to_owned(),
            Some(other) => row.not_compared.clone().unwrap_or_else(|| {
                format!("Computed once this cell and {other} have a seed in common that is done")
            }),
        };
        figure_ui(ui, "–", palette.weak).on_hover_text(hint);
        return;
    };
    let interval = difference.and_then(|difference| difference.interval);
    let is_same = measure.is_indistinguishable();
    let colour = match (interval, is_same) {
        (None, _) | (_, true) => palette.weak,
        (Some(_), false) if value < 0.0 => palette.error,
        (Some(_), false) => palette.good,
    };
    let mark = if is_same { " ≈" } else { "" };
    let mut hint = format!(
        "{value:+.4} against {}",
        row.versus.as_deref().unwrap_or("-")
    );
    if let Some(interval) = interval {
        hint.push_str(&format!(
            "\n{} % interval {:+.4} to {:+.4}: {}",
            table.confidence * 100.0,
            interval.low,
            interval.high,
            if is_same {
                "not distinguishable"
            } else {
                "distinguishable"
            }
        ));
    }
    figure_ui(ui, &format!("{value:+.3}{mark}"), colour).on_hover_text(hint);
}

/// The run of a seed that says most: the last one that was begun. A student that waits for its turn hides no earlier one.
fn run_of(row: &Row, seed: u64) -> Option<&CellRun> {
    let mut runs = row.runs.iter().filter(|run| run.seed == seed);
    let first = runs.clone().next();
    let has_news =
        |run: &&CellRun| !matches!(run.state, RunState::Waiting | RunState::Blocked { .. });
    runs.rfind(has_news).or(first)
}

fn look(state: &RunState, palette: &Palette) -> Color32 {
    match state {
        RunState::Done => palette.text,
        RunState::Running { .. } | RunState::Preparing => palette.good,
        RunState::Interrupted => palette.warning,
        RunState::Failed { .. } | RunState::Blocked { .. } => palette.error,
        RunState::Waiting => palette.weak,
    }
}

/// A field that shows how far the run of a seed is, and leads to it.
fn seed_ui(ctx: &Ctx<'_>, ui: &mut Ui, table: &Table, row: &Row, seed: u64) {
    let palette = theme::palette(ui.visuals());
    let Some(run) = run_of(row, seed) else {
        return;
    };
    let folder = run
        .run
        .as_ref()
        .map(|id| ctx.state.workspace.runs().join(id));
    let selection = &ctx.state.selection;
    let is_shown = folder.is_some() && selection.run == folder;
    let (rect, response) = ui.allocate_exact_size(
        vec2(SEED_WIDTH - 4.0, theme::ROW_HEIGHT - 3.0),
        if folder.is_some() {
            Sense::click()
        } else {
            Sense::hover()
        },
    );
    let painter = ui.painter();
    let radius = CornerRadius::same(theme::CORNER);
    let ground = match (is_shown, folder.is_some()) {
        (true, _) => palette.chosen,
        (false, true) => palette.raised,
        (false, false) => palette.panel,
    };
    painter.rect_filled(rect, radius, ground);
    let text = match &run.state {
        RunState::Done => score_text(match table.metrics.first() {
            Some(Metric::AveragePrecision) => run.average_precision,
            _ => run.roc_auc,
        }),
        RunState::Running { step, steps, .. } => {
            let share = (*step as f32 / (*steps).max(1) as f32).clamp(0.0, 1.0);
            let right = pos2(rect.left() + rect.width() * share, rect.bottom());
            let done = Rect::from_min_max(rect.min, right);
            painter.rect_filled(done, radius, palette.good.gamma_multiply(0.35));
            format!("{:.0} %", share * 100.0)
        }
        RunState::Preparing => "…".to_owned(),
        RunState::Interrupted => "stopped".to_owned(),
        RunState::Failed { .. } => "failed".to_owned(),
        RunState::Blocked { .. } => "blocked".to_owned(),
        RunState::Waiting => "·".to_owned(),
    };
    if response.hovered() && folder.is_some() {
        painter.rect_stroke(
            rect,
            radius,
            egui::Stroke::new(1.0, palette.accent),
            egui::StrokeKind::Inside,
        );
    }
    painter.text(
        rect.center(),
        egui::Align2::CENTER_CENTER,
        text,
        TextStyle::Small.resolve(ui.style()),
        if run.counts {
            look(&run.state, palette)
        } else {
            palette.weak
        },
    );
    response.widget_info(|| {
        let label = format!("{}, seed {seed}", row.label);
        WidgetInfo::selected(egui::Role::Button, folder.is_some(), is_shown, label)
    });
    let response = response.on_hover_text(hint(run));
    let Some(folder) = folder else { return };
    if response.clicked() {
        ctx.send(Select::Run(Some(folder.clone())));
    }
    response.context_menu(|ui| {
        if ui.button("Show its curves").clicked() {
            ctx.send(Select::Run(Some(folder.clone())));
            ctx.send(Command::Show(Panel::Curves));
            ui.close();
        }
        if ui.button("Draw over the shown run").clicked() {
            ctx.send(Select::ToggleOverlay(folder.clone()));
            ui.close();
        }
        let others = row
            .runs
            .iter()
            .filter(|other| other.seed == seed && *other != run);
        for other in others.filter_map(|other| other.run.as_ref()) {
            if ui.button(format!("Show {other}")).clicked() {
                ctx.send(Select::Run(Some(ctx.state.workspace.runs().join(other))));
                ui.close();
            }
        }
        if ui.button("Copy path").clicked() {
            ui.copy_text(folder.display().to_string());
            ui.close();
        }
    });
}

/// All that is known of a run.
fn hint(run: &CellRun) -> String {
    let mut lines = Vec::new();
    lines.extend(run.run.clone());
    if run.iteration > 1 || !run.counts {
        lines.push(format!("student {}", run.iteration));
    }
    lines.push(match &run.state {
        RunState::Failed { message } => format!("failed: {message}"),
        state => state.label(),
    });
    if let RunState::Running {
        step,
        steps,
        seconds_left,
        ..
    } = &run.state
    {
        lines.push(format!("step {step} of {steps}"));
        lines.extend(seconds_left.map(|left| format!("{} left at most", duration_text(left))));
    }
    if run.state == RunState::Done {
        lines.push(format!(
            "test split: ROC-AUC {}, PR-AUC {}",
            score_text(run.roc_auc),
            score_text(run.average_precision)
        ));
        lines.extend(
            run.seconds
                .map(|seconds| format!("took {}", duration_text(seconds))),
        );
    }
    if run.run.is_some() {
        lines.push("A click shows it in all panels".to_owned());
    }
    lines.join("\n")
}

fn state_ui(ui: &mut Ui, row: &Row) {
    let palette = theme::palette(ui.visuals());
    let text = match &row.state {
        RunState::Waiting if row.n_done() > 0 => {
            let n_seeds = row.runs.iter().filter(|run| run.counts).count();
            format!("{} of {n_seeds} done", row.n_done())
        }
        state => state.label(),
    };
    let label = Label::new(
        RichText::new(&text)
            .small()
            .color(look(&row.state, palette)),
    )
    .truncate()
    .selectable(false);
    let response = ui.add(label);
    if let RunState::Failed { message } = &row.state {
        response.on_hover_text(message);
    } else {
        response.on_hover_text(text);
    }
}
