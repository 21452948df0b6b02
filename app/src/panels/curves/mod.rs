//! The Curves panel: how the chosen runs have gone, live.
//!
//! All charts share one range of steps and one cursor. Values are reduced to columns of pixels from a pyramid and kept until
//! the run has grown or the view has moved, so that a run of a million steps costs a frame no more than one of a thousand.
//! The raw training loss stays visible as a band behind its average: smoothing hides nothing.

mod chart;
mod columns;
mod figure;
mod note;
mod plot;
mod scale;
mod x_view;

use crate::theme;
use crate::widgets::{count_text, empty_state, number_text, save_plot_button, score_text};
use crate::workbench::parts::plots::{self, Drawing};
use crate::workbench::parts::runs::{self, RunView};
use crate::workbench::{Command, Ctx, UiCommand};
use attune_core::run::Status;
use chart::Chart;
use columns::Columns;
use egui::{Align, Layout, ProgressBar, RichText, Slider, Ui, vec2};
use plot::{Gesture, Shared, chart_ui};
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
    charts: Vec<Chart>,
    logarithmic: Vec<Chart>,
    smoothing: f64,
    #[serde(skip)]
    values: BTreeMap<&'static str, Range<f64>>,
    #[serde(skip)]
    cursor: Option<f64>,
    #[serde(skip)]
    columns: Columns,
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
            charts: Chart::ALL[..USUAL].to_vec(),
            logarithmic: Vec::new(),
            smoothing: 0.9,
            values: BTreeMap::new(),
            cursor: None,
            columns: Columns::default(),
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
        self.columns.keep_only(&shown);
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
        let last_step = shown.iter().map(|run| run.last_step).max().unwrap_or(0);
        let saves_all = self.toolbar_ui(ui, &shown, last_step);
        if (ctx.state.runs.smoothing() - self.smoothing).abs() > 1e-9 {
            ctx.send(Command::Runs(runs::Command::SetSmoothing(self.smoothing)));
        }
        ui.add_space(2.0);
        let saved = self.charts_ui(ui, &shown, last_step);
        if saves_all || saved.is_some() {
            self.save(ctx, shown, last_step, saved);
        }
        if self.note.as_mut().is_some_and(|note| !note.ui(ctx, ui)) {
            self.note = None;
        }
    }

    /// Asks where to save one chart, or all, as they are shown.
    fn save(&self, ctx: &Ctx<'_>, runs: Vec<Arc<RunView>>, last_step: u64, one: Option<Chart>) {
        let charts = self.drawn.iter();
        let charts = charts.filter(|drawn| one.is_none_or(|one| one == drawn.chart));
        let charts: Vec<figure::Shown> = charts.cloned().collect();
        let steps = self.view.range(last_step);
        let what = one.map_or("curves", Chart::title);
        let whose = runs.first().map_or("", |run| run.id.as_str());
        let name = format!("{whose} {}", what.to_lowercase());
        let draw = move || Ok(figure::figure_of(&charts, &runs, &steps));
        let drawing = Drawing::new(name, draw);
        ctx.send(Command::Plots(plots::Command::Ask(drawing)));
    }

    /// Keeps the newest steps in view, or stops doing so.
    pub fn toggle_follow(&mut self, state: &crate::workbench::State) {
        let runs = state.selection.run.iter().chain(&state.selection.overlays);
        let last_step = runs
            .filter_map(|run| state.runs.view(run))
            .map(|run| run.last_step)
            .max();
        self.view.toggle_follow(last_step.unwrap_or(0));
    }

    /// Shows everything.
    pub fn fit(&mut self) {
        self.view = XView::All;
        self.values.clear();
    }

    /// Whether all charts are to be saved.
    fn toolbar_ui(&mut self, ui: &mut Ui, shown: &[Arc<RunView>], last_step: u64) -> bool {
        let mut is_saved = false;
        let palette = theme::palette(ui.visuals());
        ui.horizontal(|ui| {
            if let [run] = shown {
                run_ui(ui, run);
            } else {
                for (idx, run) in shown.iter().enumerate() {
                    let text = RichText::new(&run.id).color(palette.of_series(idx));
                    let chip = ui.add(egui::Label::new(text).truncate());
                    chip.on_hover_text(run_hint(run));
                }
            }
        });
        // A row of its own: beside the names of runs there is no room for it in a narrow panel.
        ui.horizontal(|ui| {
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                ui.menu_button("Charts", |ui| {
                    for chart in Chart::ALL {
                        let mut on = self.charts.contains(&chart);
                        if ui.checkbox(&mut on, chart.title()).on_hover_text(chart.help()).changed() {
                            if on {
                                self.charts.push(chart);
                                self.charts.sort_by_key(|chart| Chart::ALL.iter().position(|other| other == chart));
                            } else if self.charts.len() > 1 {
                                self.charts.retain(|other| *other != chart);
                            }
                        }
                    }
                    ui.separator();
                    for chart in Chart::ALL.into_iter().filter(|chart| chart.can_be_logarithmic()) {
                        let mut on = self.logarithmic.contains(&chart);
                        if ui.checkbox(&mut on, format!("{}: logarithmic", chart.title())).changed() {
                            self.logarithmic.retain(|other| *other != chart);
                            if on {
                                self.logarithmic.push(chart);
                            }
                            self.values.clear();
                        }
                    }
                })
                .response
                .on_hover_text("Choose the charts, and logarithmic axes");
                let mut log = self.logarithmic.contains(&Chart::Loss);
                if ui.toggle_value(&mut log, "Log y").on_hover_text("Logarithmic loss").clicked() {
                    self.logarithmic.retain(|chart| *chart != Chart::Loss);
                    if log {
                        self.logarithmic.push(Chart::Loss);
                    }
                    self.values.clear();
                }
                let all = self.view == XView::All && self.values.is_empty();
                let fit = ui.add_enabled(!all, egui::Button::new("Fit"));
                if fit
                    .on_hover_text("Show everything, from the first step to the last (G, or double-click)")
                    .on_disabled_hover_text("Everything is in view")
                    .clicked()
                {
                    self.fit();
                }
                let mut follow = self.view.follows();
                let toggle = ui.toggle_value(&mut follow, "Follow");
                if toggle
                    .on_hover_text("Keep the newest steps in view (F)\nDrag: move. Wheel: zoom. Right-drag: zoom into a box.")
                    .clicked()
                {
                    self.view.toggle_follow(last_step);
                }
                is_saved = save_plot_button(ui, "all charts");
                smoothing_ui(ui, &mut self.smoothing);
            });
        });
        is_saved
    }

    /// Gives the chart that is to be saved.
    fn charts_ui(&mut self, ui: &mut Ui, shown: &[Arc<RunView>], last_step: u64) -> Option<Chart> {
        self.drawn.clear();
        let mut saved = None;
        let area = ui.available_size();
        let shared = Shared {
            runs: shown,
            steps: self.view.range(last_step),
            cursor: self.cursor,
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
                                    chart_ui(
                                        ui,
                                        *chart,
                                        &shared,
                                        &mut self.columns,
                                        self.logarithmic.contains(chart),
                                        self.values.get(chart.title()).cloned(),
                                        vec2(width, height),
                                        row + 1 == n_rows,
                                    )
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
        if cursor != self.cursor {
            self.cursor = cursor;
            ui.ctx().request_repaint();
        }
        match gesture {
            Some((_, Gesture::Pan(by))) => self.view.pan(by, last_step),
            Some((_, Gesture::Zoom { factor, around })) => {
                self.view.zoom(factor, around, last_step)
            }
            Some((chart, Gesture::Box { steps, values })) => {
                self.view = XView::Fixed(steps);
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
        (None, true) => empty_state(
            ui,
            "No run is open",
            "Start a training, or choose a run in the Runs panel: its loss, scores, learning rate and speed appear here.",
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
    if let Some((text, left)) = plot::patience_text(run) {
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

fn smoothing_ui(ui: &mut Ui, smoothing: &mut f64) {
    // The slider is even in the length of the average: 1, 10, 100, 1000 steps.
    let mut steps = 1.0 / (1.0 - *smoothing);
    let slider = ui.add(
        Slider::new(&mut steps, 1.0..=1000.0)
            .logarithmic(true)
            .show_value(false)
            .trailing_fill(false),
    );
    slider.widget_info(|| egui::WidgetInfo::slider(true, steps, "Smoothing"));
    if slider.changed() {
        *smoothing = (1.0 - 1.0 / steps).clamp(0.0, 0.9999);
    }
    slider.on_hover_text(format!(
        "Smoothing of the training loss: a moving average over about {} steps. The raw range stays visible as a band.",
        number_text(steps.round())
    ));
    let palette = theme::palette(ui.visuals());
    ui.label(RichText::new("Smoothing").small().color(palette.weak));
}
