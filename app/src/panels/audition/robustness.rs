//! The robustness table: every effect at several strengths, how much of the scores on a data set is left, and the curve of one effect.

use super::beside::beside_ui;
use super::strength_axis::{StrengthAxis, short, strength_text};
use crate::theme::{self, ColourMap, map_colour};
use crate::widgets::{duration_text, save_plot_button, save_plot_menu, score_text};
use crate::workbench::jobs::Activity;
use crate::workbench::parts::audition::Command as Audition;
use crate::workbench::parts::audition::robustness::Command;
use crate::workbench::parts::library::{self, Shelf};
use crate::workbench::parts::plots::{self, Drawing};
use crate::workbench::{Command as Any, Ctx, UiCommand};
use attune_core::dataset::Split;
use attune_core::metrics::{Difference, Interval, PairedDifferences};
use attune_core::train::{DrawnScore, EffectScores, Robustness, Rung, robustness_figure};
use egui::{
    Align2, Color32, ComboBox, DragValue, ProgressBar, RichText, Role, Sense, TextStyle, Ui,
    WidgetInfo, pos2, vec2,
};
use egui_plot::{FilledArea, HLine, Line, LineStyle, MarkerShape, PlotPoints, Points};
use std::sync::Arc;

const NAME_WIDTH: f32 = 130.0;
const PLOT_HEIGHT: f32 = 220.0;
const CELL: egui::Vec2 = vec2(84.0, 34.0);
/// A loss of ROC-AUC that has the deepest colour.
const DEEPEST: f64 = 0.25;
/// Tags that are named as losing most.
const N_LOSERS: usize = 6;
/// The time left is told from this part on: before, it is a guess.
const TOLD_FROM: f32 = 0.03;

/// Which score is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Score {
    RocAuc,
    PrAuc,
}

impl Score {
    const ALL: [Self; 2] = [Self::RocAuc, Self::PrAuc];

    fn label(self) -> &'static str {
        match self {
            Self::RocAuc => "ROC-AUC",
            Self::PrAuc => "PR-AUC",
        }
    }

    fn drawn(self) -> DrawnScore {
        match self {
            Self::RocAuc => DrawnScore::RocAuc,
            Self::PrAuc => DrawnScore::PrAuc,
        }
    }

    fn of(self, differences: &PairedDifferences) -> Difference {
        match self {
            Self::RocAuc => differences.roc_auc_macro,
            Self::PrAuc => differences.average_precision_macro,
        }
    }

    fn per_tag(self, differences: &PairedDifferences) -> &[Difference] {
        match self {
            Self::RocAuc => &differences.roc_auc_per_tag,
            Self::PrAuc => &differences.average_precision_per_tag,
        }
    }

    fn clean(self, table: &Robustness, model: usize) -> Option<f64> {
        let scores = &table.models.get(model)?.scores;
        match self {
            Self::RocAuc => scores.roc_auc_macro,
            Self::PrAuc => scores.average_precision_macro,
        }
    }

    fn at(self, rung: &Rung, model: usize) -> Option<f64> {
        let scores = &rung.models.get(model)?.scores;
        match self {
            Self::RocAuc => scores.roc_auc_macro,
            Self::PrAuc => scores.average_precision_macro,
        }
    }
}

/// The view's own looks.
#[derive(Debug)]
pub(super) struct Looks {
    split: Split,
    n_strengths: usize,
    beyond_paper: bool,
    /// 0: all.
    max_tracks: usize,
    score: Score,
    model: usize,
    /// Effect and strength whose curve and tags are shown.
    chosen: (usize, usize),
}

impl Default for Looks {
    fn default() -> Self {
        Self {
            split: Split::Test,
            n_strengths: 5,
            beyond_paper: false,
            max_tracks: 0,
            score: Score::RocAuc,
            model: 0,
            chosen: (0, 0),
        }
    }
}

impl Looks {
    /// Draws the view.
    pub(super) fn ui(&mut self, ctx: &Ctx<'_>, ui: &mut Ui) {
        let palette = theme::palette(ui.visuals());
        ui.horizontal_wrapped(|ui| {
            self.plan_ui(ctx, ui);
            beside_ui(ctx, ui);
        });
        let state = ctx.state.audition.robustness();
        if let Some(activity) = state.testing() {
            ui.horizontal(|ui| testing_ui(ctx, ui, &activity));
        }
        if let Some(error) = state.error() {
            ui.label(RichText::new(error).color(palette.error));
        }
        let Some(table) = state.shown() else {
            let text = "Every effect at several strengths, on all tracks of a split: how much of the model's scores is left. What has been \
                        computed is kept, so that a table that was stopped goes on where it was.";
            ui.label(RichText::new(text).color(palette.weak));
            return;
        };
        self.head_ui(ctx, ui, table);
        self.model = self.model.min(table.models.len().saturating_sub(1));
        self.table_ui(ui, table);
        ui.add_space(theme::GAP);
        if let Some(effect) = table.effects.get(self.chosen.0) {
            if effect.rungs.len() > 1 && curve_ui(ui, table, effect, self.score) {
                let (table, at) = (Arc::clone(table), self.chosen.0);
                let score = self.score.drawn();
                let name = format!("robustness against {}", effect.effect);
                let draw = move || Ok(robustness_figure(&table, &table.effects[at], score));
                let ask = plots::Command::Ask(Drawing::new(name, draw));
                ctx.send(Any::Plots(ask));
            }
            if let Some(rung) = effect.rungs.get(self.chosen.1) {
                losers_ui(ui, table, effect, rung, self.score, self.model);
            }
        }
    }

    /// Which tracks, how many strengths, and the button.
    fn plan_ui(&mut self, ctx: &Ctx<'_>, ui: &mut Ui) {
        let palette = theme::palette(ui.visuals());
        let Some(shelf) = shelf(ctx) else {
            ui.label(RichText::new("No data set is open.").color(palette.weak));
            let open = ui.button(UiCommand::OpenDataset.label());
            if open
                .on_hover_text(UiCommand::OpenDataset.tooltip())
                .clicked()
            {
                ctx.send(UiCommand::OpenDataset);
            }
            let demo = ui.add_enabled(
                !ctx.state.library.is_making_demo(),
                egui::Button::new("Use the demo data set"),
            );
            let hint = "Songs that Attune composes and renders on first use; then kept";
            if demo.on_hover_text(hint).clicked() {
                ctx.send(Any::Library(library::Command::OpenDemo));
            }
            return;
        };
        ui.label(RichText::new(&shelf.dataset.name).color(palette.strong))
            .on_hover_text("The data set in use; another one is opened in Library");
        let count = |split: Split| {
            let place = Split::ALL.iter().position(|&other| other == split);
            place.map_or(0, |place| shelf.split_counts[place])
        };
        let combo = ComboBox::from_id_salt("robustness split")
            .selected_text(format!("{} ({})", self.split, count(self.split)))
            .width(92.0)
            .show_ui(ui, |ui| {
                for split in [Split::Valid, Split::Test] {
                    let label = format!("{split} ({})", count(split));
                    ui.selectable_value(&mut self.split, split, label);
                }
            });
        let label = || WidgetInfo::labeled(Role::ComboBox, true, "Tested split");
        combo.response.widget_info(label);
        combo.response.on_hover_text(
            "The tracks on which the model is tested; it should not have been trained on them",
        );
        let field = DragValue::new(&mut self.n_strengths)
            .range(1..=30)
            .suffix(" strengths");
        let field = ui.add(field);
        field.widget_info(|| {
            WidgetInfo::labeled(Role::SpinButton, true, "Strengths of each effect")
        });
        field.on_hover_text("How many strengths of each effect");
        ui.checkbox(&mut self.beyond_paper, "beyond the paper")
            .on_hover_text(
                "Test the effects that the paper does not have, too: tempo, masks, crop and codecs. Ogg takes long.",
            );
        let field = DragValue::new(&mut self.max_tracks)
            .range(0..=1_000_000)
            .custom_formatter(|n, _| {
                if n < 0.5 {
                    "all tracks".to_owned()
                } else {
                    format!("{n:.0} tracks at most")
                }
            });
        let field = ui.add(field);
        field.widget_info(|| WidgetInfo::labeled(Role::SpinButton, true, "Tracks at most"));
        field.on_hover_text(
            "Take so many tracks of the split, chosen by chance but always the same; 0 takes all",
        );
        if ctx.state.audition.robustness().testing().is_some() {
            return;
        }
        let button = egui::Button::new("Test robustness");
        let button = ui.add_enabled(ctx.state.model.current().is_some(), button);
        let button = button
            .on_hover_text("Tag every track of the split at every strength of every effect, and score the answers")
            .on_disabled_hover_text("Open a model first");
        if button.clicked() {
            let command = Command::Start {
                split: self.split,
                n_strengths: self.n_strengths,
                beyond_paper: self.beyond_paper,
                max_tracks: (self.max_tracks > 0).then_some(self.max_tracks),
            };
            ctx.send(Any::Audition(Audition::Robustness(command)));
        }
    }

    /// What the table is of, what it shows, and what can be written of it.
    fn head_ui(&mut self, ctx: &Ctx<'_>, ui: &mut Ui, table: &Robustness) {
        let palette = theme::palette(ui.visuals());
        ui.horizontal_wrapped(|ui| {
            for score in Score::ALL {
                ui.selectable_value(&mut self.score, score, score.label())
                    .on_hover_text("The score in table and curve: macro, the mean over all tags");
            }
            if table.models.len() > 1 {
                ui.separator();
                for (at, model) in table.models.iter().enumerate() {
                    let colour = palette.of_series(at);
                    let name = RichText::new(&model.name).color(colour);
                    ui.selectable_value(&mut self.model, at, name)
                        .on_hover_text("Whose changes the table shows");
                }
            }
            let clean = score_text(self.score.clean(table, self.model));
            let text = format!(
                "clean {clean}, {} tracks of the {} split of {}",
                table.n_tracks, table.split, table.data
            );
            ui.label(RichText::new(text).small().color(palette.weak));
            if !table.left_out.is_empty() {
                let text = format!("tags left out: {}", table.left_out.len());
                ui.label(RichText::new(text).small().color(palette.warning))
                    .on_hover_text(format!("One of the models does not know them: {}", table.left_out.join(", ")));
            }
            for (label, formats, hint) in [
                ("Export table", &["csv", "json"][..], "All figures, also those of each tag, as CSV and JSON into the folder for exports"),
                ("Export pictures", &["svg", "png"][..], "A curve for each effect as SVG and PNG into the folder for exports"),
            ] {
                if ui.small_button(label).on_hover_text(hint).clicked() {
                    let command = Command::Export { formats };
                    ctx.send(Any::Audition(Audition::Robustness(command)));
                }
            }
        });
    }

    /// A row for each effect, a cell for each strength: the change of the score as number and colour. A click chooses.
    fn table_ui(&mut self, ui: &mut Ui, table: &Robustness) {
        let palette = theme::palette(ui.visuals());
        for (row, effect) in table.effects.iter().enumerate() {
            ui.horizontal(|ui| {
                ui.spacing_mut().item_spacing.x = 3.0;
                let (rect, _) = ui.allocate_exact_size(vec2(NAME_WIDTH, CELL.y), Sense::hover());
                let font = TextStyle::Body.resolve(ui.style());
                let at = pos2(rect.left(), rect.center().y);
                let colour = if row == self.chosen.0 {
                    palette.strong
                } else {
                    palette.text
                };
                ui.painter()
                    .text(at, Align2::LEFT_CENTER, effect.label, font, colour);
                for (column, rung) in effect.rungs.iter().enumerate() {
                    let change = rung.models.get(self.model);
                    let Some(change) = change.map(|one| self.score.of(&one.change)) else {
                        continue;
                    };
                    if cell_ui(ui, effect, rung, change, self.chosen == (row, column)) {
                        self.chosen = (row, column);
                    }
                }
                if effect.rungs.is_empty() {
                    ui.label(RichText::new("still to come").small().color(palette.weak));
                }
            });
        }
    }
}

/// The data set in use, once it is open.
fn shelf<'a>(ctx: &Ctx<'a>) -> Option<&'a Arc<Shelf>> {
    let folder = ctx.state.selection.dataset.as_ref()?;
    ctx.state.library.shelf(folder)
}

fn testing_ui(ctx: &Ctx<'_>, ui: &mut Ui, activity: &Activity) {
    let part = activity.fraction().unwrap_or(0.0);
    let progress = &activity.progress;
    let mut text = progress.what.clone();
    if part > TOLD_FROM {
        let left_secs = f64::from(activity.seconds * (1.0 - part) / part);
        text = format!("{text}: {} left", duration_text(left_secs));
    }
    let bar = ProgressBar::new(part).desired_width(320.0);
    ui.add(bar.text(RichText::new(text).small()));
    let cancel = ui.button("Cancel");
    if cancel
        .on_hover_text("Stop; what has been computed is kept")
        .clicked()
    {
        ctx.send(Any::Audition(Audition::Robustness(Command::Stop)));
    }
}

/// Whether it was clicked.
fn cell_ui(
    ui: &mut Ui,
    effect: &EffectScores,
    rung: &Rung,
    change: Difference,
    is_chosen: bool,
) -> bool {
    let palette = theme::palette(ui.visuals());
    let (rect, response) = ui.allocate_exact_size(CELL, Sense::click());
    let strength = rung.value.map_or_else(
        || "on".to_owned(),
        |value| strength_text(value, effect.unit),
    );
    let label = format!("{} {strength}: {}", effect.label, change_text(change));
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, &label));
    let painter = ui.painter_at(rect);
    let loss = change.value.map_or(0.0, |value| (-value).max(0.0));
    let depth = (loss / DEEPEST).min(1.0) as f32;
    let ground = map_colour(ColourMap::Magma, 0.15 + 0.6 * depth);
    let ground = if depth < 0.02 { palette.sunken } else { ground };
    painter.rect_filled(rect, 2.0, ground);
    if is_chosen {
        let stroke = egui::Stroke::new(1.5, palette.accent);
        painter.rect_stroke(rect, 2.0, stroke, egui::StrokeKind::Inside);
    }
    let on_ground = if depth < 0.02 {
        palette.strong
    } else {
        Color32::WHITE
    };
    let small = TextStyle::Small.resolve(ui.style());
    let at = pos2(rect.center().x, rect.top() + 4.0);
    painter.text(
        at,
        Align2::CENTER_TOP,
        strength,
        small,
        on_ground.gamma_multiply(0.8),
    );
    let figures = theme::figures().resolve(ui.style());
    let at = pos2(rect.center().x, rect.bottom() - 3.0);
    let text = change.value.map_or_else(|| "–".to_owned(), signed);
    painter.text(at, Align2::CENTER_BOTTOM, text, figures, on_ground);
    response.on_hover_text(label).clicked()
}

fn signed(value: f64) -> String {
    let sign = if value < 0.0 { '−' } else { '+' };
    format!("{sign}{:.3}", value.abs())
}

/// "−0.173, between −0.200 and −0.150 (95 %)".
fn change_text(change: Difference) -> String {
    match (change.value, change.interval) {
        (Some(value), Some(range)) => format!(
            "{} from clean, between {} and {} (95 %)",
            signed(value),
            signed(range.low),
            signed(range.high)
        ),
        (Some(value), None) => format!("{} from clean", signed(value)),
        (None, _) => "not defined".to_owned(),
    }
}

/// The score against strength, each model with the interval of its change from clean. Whether it is to be saved.
fn curve_ui(ui: &mut Ui, table: &Robustness, effect: &EffectScores, score: Score) -> bool {
    let palette = theme::palette(ui.visuals());
    let low = effect
        .rungs
        .iter()
        .filter_map(|rung| rung.value)
        .fold(f32::INFINITY, f32::min);
    let axis = StrengthAxis::new(effect.logarithmic, low);
    let unit = effect.unit;
    let title = format!("{}: {}", effect.label, score.label());
    let is_saved = ui
        .horizontal(|ui| {
            ui.label(RichText::new(title).text_style(theme::section()))
                .on_hover_text(
                    "With the 95 % interval of the change over the tracks; the level is the clean score",
                );
            save_plot_button(ui, "robustness curve")
        })
        .inner;
    let in_unit = if short(unit).is_empty() {
        String::new()
    } else {
        format!(" in {unit}")
    };
    let along = format!("{}{in_unit}", effect.parameter_label);
    let response = axis
        .plot("robustness curve", unit, along, score.label(), palette)
        .height(PLOT_HEIGHT)
        .show(ui, |plot| {
            for (at, model) in table.models.iter().enumerate() {
                let Some(clean) = score.clean(table, at) else {
                    continue;
                };
                let colour = palette.of_series(at);
                let (mut xs, mut lows, mut highs, mut line) =
                    <(Vec<f64>, Vec<f64>, Vec<f64>, Vec<[f64; 2]>)>::default();
                for (value, rung) in effect.curve() {
                    let x = axis.position(value);
                    let (scored, change) = match rung {
                        Some(rung) => (
                            score.at(rung, at),
                            score.of(&rung.models[at].change).interval,
                        ),
                        // The clean tracks: there is nothing to be unsure of.
                        None => (
                            Some(clean),
                            Some(Interval {
                                low: 0.0,
                                high: 0.0,
                            }),
                        ),
                    };
                    let Some(scored) = scored else { continue };
                    line.push([x, scored]);
                    if let Some(range) = change {
                        xs.push(x);
                        lows.push(clean + range.low);
                        highs.push(clean + range.high);
                    }
                }
                let area = FilledArea::new(model.name.as_str(), &xs, &lows, &highs);
                plot.add(
                    area.fill_color(colour.gamma_multiply(0.2))
                        .allow_hover(false),
                );
                let points = PlotPoints::from(line.clone());
                let curve = Line::new(model.name.as_str(), points)
                    .color(colour)
                    .width(theme::CURVE_WIDTH);
                plot.line(curve.allow_hover(false));
                plot.points(
                    Points::new(model.name.as_str(), PlotPoints::from(line))
                        .color(colour)
                        .radius(2.8)
                        .shape(MarkerShape::Circle)
                        .allow_hover(false),
                );
                plot.hline(
                    HLine::new("clean", clean)
                        .color(colour.gamma_multiply(0.7))
                        .style(LineStyle::dashed_dense())
                        .allow_hover(false),
                );
            }
        })
        .response;
    let label = format!("Robustness curve of {}", effect.label);
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, &label));
    save_plot_menu(&response) || is_saved
}

/// The tags that lose most at one strength.
fn losers_ui(
    ui: &mut Ui,
    table: &Robustness,
    effect: &EffectScores,
    rung: &Rung,
    score: Score,
    model: usize,
) {
    let palette = theme::palette(ui.visuals());
    let Some(scored) = rung.models.get(model) else {
        return;
    };
    let mut lost: Vec<(&str, f64)> = table
        .tags
        .iter()
        .zip(score.per_tag(&scored.change))
        .filter_map(|(tag, change)| Some((tag.as_str(), change.value?)))
        .filter(|(_, change)| *change < 0.0)
        .collect();
    lost.sort_by(|a, b| a.1.total_cmp(&b.1));
    let strength = rung.value.map_or_else(String::new, |value| {
        format!(" at {}", strength_text(value, effect.unit))
    });
    let text = format!("Tags that lose most by {}{strength}", effect.label);
    ui.label(RichText::new(text).text_style(theme::section()));
    let words = lost
        .iter()
        .take(N_LOSERS)
        .map(|(tag, value)| format!("{tag} {}", signed(*value)));
    let words: Vec<String> = words.collect();
    let words = if words.is_empty() {
        "none loses".to_owned()
    } else {
        words.join("   ")
    };
    ui.label(RichText::new(words).color(palette.text));
}
