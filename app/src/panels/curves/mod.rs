//! The Curves panel: how the chosen runs have gone, live.
//!
//! All charts share one range of steps and one cursor. Values are reduced to columns of pixels from a pyramid and kept until
//! the run has grown or the view has moved, so that a run of a million steps costs a frame no more than one of a thousand.
//! The raw training loss stays visible as a band behind its average: smoothing hides nothing.

mod chart;
mod columns;
mod draw;
mod figure;
mod head;
mod horizontal;
mod lines;
mod means;
mod note;
mod patience;
mod plot;
mod scale;
mod strips;
mod toolbar;
mod x_view;

use super::data_notes::data_notes_ui;
use super::no_runs;
use crate::theme;
use crate::widgets::{count_text, empty_state, score_text};
use crate::workbench::parts::plots::{self, Drawing};
use crate::workbench::parts::runs::{self, RunView};
use crate::workbench::{Command, Ctx, UiCommand};
use attune_core::run::Status;
use chart::Chart;
use egui::{ProgressBar, RichText, Ui, vec2};
use horizontal::{Horizontal, Whole};
use lines::{Line, Lines};
use plot::{Frame, Gesture, Reduced, Shared, chart_ui};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use x_view::XView;

/// So many of the charts are shown until others are chosen.
const USUAL: usize = 6;

/// Below this width the charts stand one above the other.
const TWO_COLUMNS: f32 = 640.0;

/// The Curves panel's own looks.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct State {
    view: XView,
    x: Horizontal,
    charts: Vec<Chart>,
    logarithmic: Vec<Chart>,
    smoothing: f64,
    #[serde(skip)]
    values: BTreeMap<&'static str, Range<f64>>,
    #[serde(skip)]
    cursor: Option<f64>,
    #[serde(skip)]
    reduced: Reduced,
    #[serde(skip)]
    lines: Lines,
    #[serde(skip)]
    note: Option<note::Note>,
    /// The charts as they were drawn last.
    #[serde(skip)]
    drawn: Vec<figure::Shown>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            view: XView::All,
            x: Horizontal::default(),
            charts: Chart::ALL[..USUAL].to_vec(),
            logarithmic: Vec::new(),
            smoothing: 0.9,
            values: BTreeMap::new(),
            cursor: None,
            reduced: Reduced::default(),
            lines: Lines::default(),
            note: None,
            drawn: Vec::new(),
        }
    }
}

impl State {
    /// Draws the panel.
    pub fn ui(&mut self, ctx: &Ctx<'_>, ui: &mut Ui) {
        let selection = &ctx.state.selection;
        let chosen: Vec<_> = selection.run.iter().chain(&selection.overlays).collect();
        let shown: Vec<Arc<RunView>> = chosen
            .iter()
            .filter_map(|folder| ctx.state.runs.view(folder))
            .collect();
        self.reduced.columns.begin_frame(&shown);
        if shown.is_empty() {
            let error = chosen
                .first()
                .and_then(|folder| ctx.state.runs.error(folder));
            let training = ctx.state.training.run_folder();
            if training.is_some() && training == chosen.first().map(|folder| folder.as_path()) {
                preparing_ui(ctx, ui);
            } else {
                nothing_ui(ctx, ui, chosen.is_empty(), error);
            }
            return;
        }
        let lines = self.lines.of(&shown, &ctx.state.runs, &selection.grouping);
        let names: Vec<&str> = lines.iter().map(|line| line.label.as_str()).collect();
        self.reduced.means.keep_only(&names);
        let whole = self.x.whole(&shown);
        let saves_all = self.toolbar_ui(ctx, ui, &shown, &lines, &whole);
        // It may have changed what the axis counts.
        let whole = self.x.whole(&shown);
        data_notes_ui(ctx, ui);
        if (ctx.state.runs.smoothing() - self.smoothing).abs() > 1e-9 {
            ctx.send(Command::Runs(runs::Command::SetSmoothing(self.smoothing)));
        }
        ui.add_space(2.0);
        let saved = self.charts_ui(ctx, ui, &shown, &lines, &whole);
        if saves_all || saved.is_some() {
            self.save(ctx, shown, lines, &whole, saved);
        }
        if self.note.as_mut().is_some_and(|note| !note.ui(ctx, ui)) {
            self.note = None;
        }
    }

    /// Asks where to save one chart, or all, as they are shown.
    fn save(
        &self,
        ctx: &Ctx<'_>,
        runs: Vec<Arc<RunView>>,
        lines: Vec<Line>,
        whole: &Whole,
        one: Option<Chart>,
    ) {
        let charts = self.drawn.iter();
        let charts = charts.filter(|drawn| one.is_none_or(|one| one == drawn.chart));
        let charts: Vec<figure::Shown> = charts.cloned().collect();
        let what = one.map_or("curves", Chart::title);
        let whose = runs.first().map_or("", |run| run.id.as_str());
        let name = format!("{whose} {}", what.to_lowercase());
        let seen = figure::Seen {
            runs,
            lines,
            x: self.x,
            range: self.view.range(whole),
            spread: ctx.state.selection.spread,
        };
        let draw = move || Ok(seen.figure_of(&charts));
        let drawing = Drawing::new(name, draw);
        ctx.send(Command::Plots(plots::Command::Ask(drawing)));
    }

    /// Keeps the newest steps in view, or stops doing so.
    pub fn toggle_follow(&mut self, state: &crate::workbench::State) {
        let runs = state.selection.run.iter().chain(&state.selection.overlays);
        let shown: Vec<_> = runs.filter_map(|run| state.runs.view(run)).collect();
        self.view.toggle_follow(&self.x.whole(&shown));
    }

    /// Shows everything.
    pub fn fit(&mut self) {
        self.view = XView::All;
        self.values.clear();
    }

    /// Gives the chart that is to be saved.
    fn charts_ui(
        &mut self,
        ctx: &Ctx<'_>,
        ui: &mut Ui,
        shown: &[Arc<RunView>],
        lines: &[Line],
        whole: &Whole,
    ) -> Option<Chart> {
        self.drawn.clear();
        let mut saved = None;
        let area = ui.available_size();
        let shared = Shared {
            runs: shown,
            lines,
            x: self.x,
            range: self.view.range(whole),
            cursor: self.cursor,
            spread: ctx.state.selection.spread,
            palette: theme::palette(ui.visuals()),
        };
        let gap = theme::GAP + 2.0;
        let has_student = shown.iter().any(|run| run.teaching.is_some());
        let mut charts = self.charts.clone();
        charts.retain(|chart| has_student || !chart.is_of_students());
        if charts == Chart::ALL[..USUAL] {
            // Nobody has chosen them: with a student's charts the others give way, for three rows are too low to be read.
            charts.truncate(4);
        }
        let n_columns = if area.x >= TWO_COLUMNS && charts.len() > 1 {
            2
        } else {
            1
        };
        let n_rows = charts.len().div_ceil(n_columns);
        // The first row holds what one looks at most.
        let shares: Vec<f32> = (0..n_rows)
            .map(|row| if row == 0 && n_rows > 1 { 1.5 } else { 1.0 })
            .collect();
        let height = (area.y - gap * (n_rows - 1) as f32).max(90.0 * n_rows as f32);
        let mut cursor = None;
        let mut gesture = None;
        egui::ScrollArea::vertical()
            .auto_shrink(false)
            .show(ui, |ui| {
                ui.spacing_mut().item_spacing = vec2(gap, gap);
                for (row, charts) in charts.chunks(n_columns).enumerate() {
                    let height = height * shares[row] / shares.iter().sum::<f32>();
                    let width = (area.x - gap * (charts.len() - 1) as f32) / charts.len() as f32;
                    ui.horizontal(|ui| {
                        for chart in charts {
                            let answer = ui
                                .scope(|ui| {
                                    ui.spacing_mut().item_spacing = vec2(4.0, 2.0);
                                    let frame = Frame {
                                        chart: *chart,
                                        logarithmic: self.logarithmic.contains(chart),
                                        values: self.values.get(chart.title()).cloned(),
                                        size: vec2(width, height),
                                        is_lowest: row + 1 == n_rows,
                                    };
                                    chart_ui(ui, frame, &shared, &mut self.reduced)
                                })
                                .inner;
                            cursor = cursor.or(answer.cursor);
                            self.drawn.push(answer.drawn);
                            gesture = gesture
                                .take()
                                .or(answer.gesture.map(|gesture| (*chart, gesture)));
                        }
                    });
                }
            });
        if cursor != self.cursor || self.reduced.columns.is_late() {
            self.cursor = cursor;
            ui.ctx().request_repaint();
        }
        match gesture {
            Some((_, Gesture::Pan(by))) => self.view.pan(by, whole),
            Some((_, Gesture::Zoom { factor, around })) => self.view.zoom(factor, around, whole),
            Some((chart, Gesture::Box { xs, values })) => {
                self.view = XView::Fixed(xs);
                self.values.insert(chart.title(), values);
            }
            Some((_, Gesture::Reset)) => self.fit(),
            Some((_, Gesture::Note { step })) => {
                self.note = shown.first().map(|run| note::Note::to(run, step));
            }
            Some((chart, Gesture::Save)) => saved = Some(chart),
            None => {}
        }
        saved
    }
}

/// The run has begun and has not trained a step yet.
fn preparing_ui(ctx: &Ctx<'_>, ui: &mut Ui) {
    let activity = ctx.state.training.preparing();
    let what = activity
        .as_ref()
        .map_or("Getting ready", |activity| activity.progress.what.as_str());
    empty_state(ui, "The training begins", what, |ui| {
        match activity.as_ref().and_then(|activity| activity.fraction()) {
            Some(part) => drop(ui.add(ProgressBar::new(part).desired_width(240.0))),
            None => drop(ui.spinner()),
        }
    });
}

fn nothing_ui(ctx: &Ctx<'_>, ui: &mut Ui, nothing_chosen: bool, error: Option<String>) {
    match (error, nothing_chosen) {
        (Some(error), _) => empty_state(ui, "This run cannot be shown", &error, |_| ()),
        (None, false) => empty_state(ui, "Reading the run…", "Its log is being read.", |ui| {
            ui.spinner();
        }),
        (None, true) => no_runs::none_open_ui(
            ui,
            "its loss, scores, learning rate and speed appear here",
            |ui| {
                let start = ui
                    .button("Start training now")
                    .on_hover_text(UiCommand::StartTraining.tooltip());
                if start.clicked() {
                    ctx.send(UiCommand::StartTraining);
                }
            },
        ),
    }
}

/// Name, state and best scores of the one run in view.
fn run_ui(ui: &mut Ui, run: &RunView) {
    let palette = theme::palette(ui.visuals());
    status_dot_ui(ui, run.status);
    let name = RichText::new(&run.id)
        .text_style(theme::section())
        .color(palette.strong);
    ui.add(egui::Label::new(name).truncate())
        .on_hover_text(run_hint(run));
    if let Some(best) = &run.best {
        let mut text = format!(
            "ROC-AUC {}  PR-AUC {}",
            score_text(best.scores.roc_auc_macro),
            score_text(best.scores.average_precision_macro)
        );
        if let Some(measured) = &best.localisation {
            text += &format!("  localisation {}", score_text(measured.found.roc_auc));
        }
        ui.label(
            RichText::new(text)
                .text_style(theme::figures())
                .color(palette.text),
        )
        .on_hover_text("Macro scores on the validation split at its lowest loss");
    }
    if let Some((text, left)) = patience::patience_text(run) {
        ui.label(RichText::new(text).small().color(palette.good))
            .on_hover_text("The dashed line marks the epoch with the lowest validation loss. Training stops early when the loss has not fallen for the patience given.");
        if let Some(left) = left {
            ui.add(
                ProgressBar::new(left)
                    .desired_width(60.0)
                    .desired_height(5.0),
            );
        }
    }
}

/// A dot in the colour of the state.
pub(super) fn status_dot_ui(ui: &mut Ui, status: Status) {
    let palette = theme::palette(ui.visuals());
    let (colour, word) = super::runs::status_look(status, palette);
    let (rect, response) = ui.allocate_exact_size(vec2(10.0, 10.0), egui::Sense::hover());
    ui.painter().circle_filled(rect.center(), 4.0, colour);
    response.on_hover_text(word);
}

fn run_hint(run: &RunView) -> String {
    let facts = run.facts();
    format!(
        "{} on {}\n{} parameters, {} steps per epoch, at most {} epochs\nstep {}, epoch {}\n{}",
        facts.model,
        facts.data,
        count_text(facts.n_parameters),
        count_text(facts.steps_per_epoch),
        run.ends.epochs,
        count_text(run.last_step),
        run.epoch() + 1,
        run.folder.display()
    )
}
