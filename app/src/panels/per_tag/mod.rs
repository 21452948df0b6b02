//! The panel Per tag: ROC and precision–recall curves of the shown runs as one small chart a tag, under one threshold, with the tracks behind each
//! point; and all runs against all tags as a heat map.

mod cell;
mod grid;
mod map;
mod map_picture;
mod playlist;

use super::no_runs;
use super::run_names::{self, Name};
use crate::theme;
use crate::widgets::{empty_state, save_plot_button, score_text};
use crate::workbench::parts::per_tag::{self, RankedRuns, Unranked};
use crate::workbench::parts::plots::{self, Drawing};
use crate::workbench::{Command, Ctx};
use attune_core::metrics::{CurveKind, Outcome};
use attune_core::run::RunSummary;
use attune_core::train::{TagCurvesPlot, ThresholdChoice};
use egui::{ComboBox, RichText, Slider, SliderClamping, TextEdit, Ui};
use std::path::PathBuf;
use std::sync::Arc;

/// With less room than this the list of tracks stands below the charts, in points.
const BESIDE: f32 = 640.0;
/// Width of the list beside the charts, at first, in points.
const LIST_WIDTH: f32 = 330.0;
/// So many runs without predictions are told one by one.
const MOST_MISSING: usize = 2;

/// What is looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
enum View {
    #[default]
    Roc,
    PrecisionRecall,
    Map,
}

/// The panel's own looks.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct State {
    view: View,
    /// At or above it a track is said to have a tag.
    threshold: f64,
    order: grid::Order,
    map: map::State,
    #[serde(skip)]
    words: String,
    #[serde(skip)]
    opened: Option<Opened>,
    /// The run whose point is being dragged, by its place.
    #[serde(skip)]
    grabbed: Option<usize>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            view: View::default(),
            threshold: 0.5,
            order: grid::Order::default(),
            map: map::State::default(),
            words: String::new(),
            opened: None,
            grabbed: None,
        }
    }
}

/// The point whose tracks are listed.
#[derive(Clone, Debug, PartialEq)]
struct Opened {
    tag: String,
    run: PathBuf,
    outcome: Outcome,
}

impl State {
    /// Draws the panel. `listed`: the runs of the Runs panel.
    pub fn ui(&mut self, ctx: &Ctx<'_>, ui: &mut Ui, listed: &[&RunSummary]) {
        ui.horizontal_wrapped(|ui| {
            for (view, label, hint) in [
                (
                    View::Roc,
                    "ROC",
                    "True against false positive rate, tag by tag",
                ),
                (
                    View::PrecisionRecall,
                    "Precision–recall",
                    "Precision against recall, tag by tag",
                ),
                (
                    View::Map,
                    "Runs × tags",
                    "A score of each tag of all runs of the Runs panel",
                ),
            ] {
                ui.selectable_value(&mut self.view, view, label)
                    .on_hover_text(hint);
            }
            ui.separator();
            let axes = match self.view {
                View::Roc => "→ false positive rate  ↑ true positive rate, 0 to 1",
                View::PrecisionRecall => "→ recall  ↑ precision, 0 to 1",
                View::Map => return self.map.choices_ui(ctx, ui, listed),
            };
            let palette = theme::palette(ui.visuals());
            ui.label(RichText::new(axes).small().color(palette.weak));
        });
        match self.view {
            View::Roc => self.curves_ui(ctx, ui, CurveKind::Roc),
            View::PrecisionRecall => self.curves_ui(ctx, ui, CurveKind::PrecisionRecall),
            View::Map => self.map.ui(ctx, ui, listed),
        }
    }

    fn curves_ui(&mut self, ctx: &Ctx<'_>, ui: &mut Ui, kind: CurveKind) {
        let selection = &ctx.state.selection;
        if selection.run.is_none() && selection.overlays.is_empty() {
            let what_appears = "the curves of each tag on the test split appear here, and over them those of other runs that are ticked";
            no_runs::none_open_ui(ui, what_appears, |_| ());
            return;
        }
        let per_tag = &ctx.state.per_tag;
        if !per_tag.is_ranked_or_soon(ctx.state) {
            ctx.send(Command::PerTag(per_tag::Command::Rank));
        }
        let Some(ranked) = per_tag.ranked(ctx.state) else {
            if per_tag.is_ranking_cancelled() {
                cancelled_ui(ctx, ui, "The predictions have not been read");
                return;
            }
            let words = "The predictions on the test split are read and ranked.";
            empty_state(ui, "Reading predictions…", words, |ui| ui.spinner());
            return;
        };
        let missing: Vec<&Unranked> = ranked
            .runs
            .iter()
            .filter_map(|run| run.as_ref().err())
            .collect();
        if ranked.tags.is_empty() {
            let words = "A run keeps what its best model says of the test split when it ends and is tested. Resume a run that was stopped, or score its best model now.";
            empty_state(ui, "No predictions to draw", words, |ui| {
                missing_ui(ctx, ui, &missing);
            });
            return;
        }
        let is_saved = self.controls_ui(ui, ranked);
        missing_ui(ctx, ui, &missing);
        ui.add_space(2.0);
        // A run that is no longer shown has no list.
        let is_shown = |opened: &Opened| ranked.run(&opened.run).is_some();
        self.opened = self.opened.take().filter(is_shown);
        let beside = ui.available_width() >= BESIDE;
        if let Some(opened) = &mut self.opened {
            let (threshold, height) = (&mut self.threshold, ui.available_height());
            let mut stays = true;
            let list = |ui: &mut Ui| {
                stays = playlist::ui(ctx, ui, ranked, opened, threshold);
            };
            if beside {
                egui::Panel::right("tracks behind a point")
                    .default_size(LIST_WIDTH)
                    .min_size(240.0)
                    .max_size(0.6 * ui.available_width())
                    .show(ui, list);
            } else {
                egui::Panel::bottom("tracks behind a point, below")
                    .default_size(0.5 * height)
                    .max_size(0.7 * height)
                    .show(ui, list);
            }
            if !stays {
                self.opened = None;
            }
        }
        let (tags, n_columns) = self.grid_ui(ui, ranked, kind, &ctx.state.selection.tags);
        if is_saved {
            let plot = TagCurvesPlot {
                kind,
                tags,
                threshold: ThresholdChoice::At(self.threshold),
                n_columns,
            };
            save(ctx, ranked, plot);
        }
    }

    /// Whether the charts are to be saved.
    fn controls_ui(&mut self, ui: &mut Ui, ranked: &RankedRuns) -> bool {
        let palette = theme::palette(ui.visuals());
        let mut is_saved = false;
        ui.horizontal_wrapped(|ui| {
            let hint = "A track is said to have a tag if its probability is at least this. The point of every chart lies there: drag any of them.";
            ui.label("Threshold").on_hover_text(hint);
            ui.spacing_mut().slider_width = 150.0;
            // A point's threshold has more digits than are shown, and must not be rounded to them.
            let mut threshold = self.threshold;
            let slider = Slider::new(&mut threshold, 0.0..=1.0)
                .clamping(SliderClamping::Edits)
                .fixed_decimals(3);
            let slider = ui.add(slider);
            slider.widget_info(|| egui::WidgetInfo::slider(true, self.threshold, "Threshold"));
            if slider.on_hover_text(hint).changed() {
                self.threshold = threshold;
            }
            let first = ranked.runs.iter().flatten().next();
            let best = first.and_then(|run| Some((run, run.best_shared?)));
            if let Some((run, (threshold, f1))) = best {
                let hint = format!(
                    "{threshold:.3}: the one threshold for all tags with the best mean F1 ({f1:.3}) of {}. Chosen on the test split itself, it flatters the run.",
                    run.id
                );
                if ui.button("Best mean F1").on_hover_text(hint).clicked() {
                    self.threshold = threshold;
                }
            }
            if let Some(run) = first {
                let judged = ranked.tags.iter().map(|tag| run.points(tag)?.counts(self.threshold).f1());
                let mean = attune_core::metrics::mean_defined(judged);
                let text = RichText::new(format!("mean F1 {}", score_text(mean)));
                ui.label(text.text_style(theme::figures()).color(palette.text))
                    .on_hover_text(format!("Mean over the tags of F1 at this threshold, {}", run.id));
            }
            ui.separator();
            ComboBox::from_id_salt("order of charts")
                .selected_text(self.order.label())
                .show_ui(ui, |ui| {
                    for order in grid::Order::ALL {
                        ui.selectable_value(&mut self.order, order, order.label());
                    }
                })
                .response
                .widget_info(|| {
                    egui::WidgetInfo::labeled(egui::Role::ComboBox, true, "Order of charts")
                });
            let field = ui.add(
                TextEdit::singleline(&mut self.words)
                    .hint_text("Filter tags")
                    .desired_width(90.0),
            );
            field.widget_info(|| {
                egui::WidgetInfo::labeled(egui::Role::TextInput, true, "Filter charts by tag")
            });
            is_saved = save_plot_button(ui, "curves of the tags");
        });
        if ranked.runs.len() > 1 {
            let names = ranked.runs.iter().enumerate().filter_map(|(at, run)| {
                let run = run.as_ref().ok()?;
                Some(Name {
                    text: run.id.clone(),
                    hint: format!("{} in this colour", run.id),
                    color: palette.of_series(at),
                })
            });
            ui.horizontal(|ui| run_names::row_ui(ui, &names.collect::<Vec<_>>()));
        }
        is_saved
    }

    /// Draws the charts; which, and how many side by side.
    fn grid_ui(
        &mut self,
        ui: &mut Ui,
        ranked: &RankedRuns,
        kind: CurveKind,
        chosen: &[String],
    ) -> (Vec<String>, usize) {
        let shown = grid::Shown {
            ranked,
            kind,
            threshold: self.threshold,
            opened: self.opened.as_ref().map(|opened| opened.tag.as_str()),
            chosen,
        };
        let tags = grid::ordered(&shown, self.order, &self.words);
        if tags.is_empty() {
            ui.label("No tag is called like that.");
            return (Vec::new(), 1);
        }
        let (_, n_columns) = grid::columns(ui, tags.len());
        let asked = grid::ui(ui, &shown, &tags, &mut self.grabbed);
        let drawn = (tags.into_iter().map(str::to_owned).collect(), n_columns);
        let Some(asked) = asked else { return drawn };
        if let Some(threshold) = asked.threshold {
            self.threshold = threshold.clamp(0.0, 1.0);
        }
        if let Some((tag, run)) = asked.open
            && let Some(Ok(run)) = ranked.runs.get(run)
        {
            let outcome = self
                .opened
                .as_ref()
                .map_or(Outcome::FalsePositive, |opened| opened.outcome);
            self.opened = Some(Opened {
                tag,
                run: run.folder.clone(),
                outcome,
            });
        }
        ui.ctx().request_repaint();
        drawn
    }
}

/// Asks where to save the charts.
fn save(ctx: &Ctx<'_>, ranked: &Arc<RankedRuns>, plot: TagCurvesPlot) {
    let ranked = Arc::clone(ranked);
    let name = match plot.kind {
        CurveKind::Roc => "ROC curves by tag",
        CurveKind::PrecisionRecall => "precision-recall curves by tag",
    };
    let draw = move || {
        let palette = theme::palette_of(egui::Theme::Light);
        let runs = ranked.runs.iter().enumerate();
        let runs = runs.filter_map(|(at, run)| {
            let run = run.as_ref().ok()?;
            let colour = theme::on_paper(palette.of_series(at));
            Some((run.id.as_str(), colour, &run.ranked))
        });
        Ok(plot.figure(runs))
    };
    ctx.send(Command::Plots(plots::Command::Ask(Drawing::new(
        name, draw,
    ))));
}

/// What is shown in the place of what was not read to its end.
fn cancelled_ui(ctx: &Ctx<'_>, ui: &mut Ui, title: &str) {
    empty_state(ui, title, "Reading was cancelled.", |ui| {
        let again = ui.button("Look again");
        if again.on_hover_text("Read the files").clicked() {
            ctx.send(Command::PerTag(per_tag::Command::LookAgain));
        }
    });
}

/// Runs without predictions: a few of them, so that the charts keep their room, and how many more.
fn missing_ui(ctx: &Ctx<'_>, ui: &mut Ui, missing: &[&Unranked]) {
    let (shown, rest) = missing.split_at(missing.len().min(MOST_MISSING));
    for run in shown {
        unranked_ui(ctx, ui, run);
    }
    if !rest.is_empty() {
        let ids = rest.iter().map(|run| run.id.as_str());
        let text = match rest.len() {
            1 => "1 more run has no predictions that could be read".to_owned(),
            n => format!("{n} more runs have no predictions that could be read"),
        };
        ui.label(RichText::new(text).color(theme::palette(ui.visuals()).warning))
            .on_hover_text(ids.collect::<Vec<_>>().join("\n"));
    }
}

/// A run without predictions: why, and what to do about it.
fn unranked_ui(ctx: &Ctx<'_>, ui: &mut Ui, run: &Unranked) {
    let palette = theme::palette(ui.visuals());
    ui.horizontal_wrapped(|ui| {
        let why = match &run.error {
            Some(error) => format!("{}: {error}", run.id),
            None => format!("{} has kept no predictions of the test split.", run.id),
        };
        ui.label(RichText::new(why).color(palette.warning));
        let per_tag = &ctx.state.per_tag;
        if per_tag.is_making(&run.folder) {
            ui.spinner();
            if let Some(activity) = per_tag.making() {
                ui.label(activity.progress.what);
            }
            return;
        }
        let score = ui.add_enabled(
            per_tag.making().is_none(),
            egui::Button::new("Score the test split"),
        );
        let score = score.on_disabled_hover_text("Another run is being scored").on_hover_text(
            "Tag the test split with the run's best model and keep the predictions in its folder; in the terminal: attune runs curves RUN --score",
        );
        if score.clicked() {
            ctx.send(Command::PerTag(per_tag::Command::Make(run.folder.clone())));
        }
        let again = ui
            .button("Look again")
            .on_hover_text("Read its files once more");
        if again.clicked() {
            ctx.send(Command::PerTag(per_tag::Command::LookAgain));
        }
    });
}
