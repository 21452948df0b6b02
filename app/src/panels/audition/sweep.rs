//! How strong an effect may get before a tag is lost: curves of tag probabilities against strength, with the points where they break.

use super::beside::beside_ui;
use super::strength_axis::{StrengthAxis, axis_text, short, strength_text};
use crate::theme;
use crate::widgets::{save_plot_button, save_plot_menu};
use crate::workbench::parts::audition::sweep::{Asked, Command};
use crate::workbench::parts::audition::{Command as Audition, Row};
use crate::workbench::parts::plots::{self, Drawing};
use crate::workbench::{Command as Any, Ctx};
use attune_core::augment::Kind;
use attune_core::predict::{BreakPoint, ShownSweep, Sweep, Threshold};
use egui::{
    Color32, ComboBox, DragValue, Grid, ProgressBar, RichText, Role, TextEdit, Ui, WidgetInfo,
};
use egui_plot::{HLine, Line, LineStyle, MarkerShape, PlotPoints, Points, VLine};
use std::sync::Arc;

/// Curves that are drawn before the user chooses.
const TOP: usize = 4;
const PLOT_HEIGHT: f32 = 280.0;
/// Steps that can be asked for.
const STEPS: std::ops::RangeInclusive<usize> = 3..=201;

/// The view's own looks.
#[derive(Debug)]
pub(super) struct Looks {
    kind: Kind,
    parameter_idx: usize,
    from: f32,
    to: f32,
    n_steps: usize,
    search: String,
    /// Names of the tags whose curves are drawn; `None`: the most probable.
    chosen: Option<Vec<String>>,
}

impl Default for Looks {
    fn default() -> Self {
        let mut looks = Self {
            kind: Kind::Pitch,
            parameter_idx: 0,
            from: 0.0,
            to: 0.0,
            n_steps: 25,
            search: String::new(),
            chosen: None,
        };
        looks.usual_range();
        looks
    }
}

impl Looks {
    fn usual_range(&mut self) {
        if let Some(parameter) = self.kind.parameters().get(self.parameter_idx) {
            (self.from, self.to) = parameter.by_ear;
        }
    }

    /// Draws the view.
    pub(super) fn ui(&mut self, ctx: &Ctx<'_>, ui: &mut Ui) {
        let palette = theme::palette(ui.visuals());
        ui.horizontal_wrapped(|ui| {
            self.plan_ui(ui);
            self.start_ui(ctx, ui);
            beside_ui(ctx, ui);
        });
        let state = ctx.state.audition.sweep();
        if let Some(error) = state.error() {
            ui.label(RichText::new(error).color(palette.error));
        }
        let Some((asked, sweep)) = state.shown() else {
            let text = "A sweep plays the clip through one effect at many strengths and asks the model each time: a curve for each tag, and \
                        the strength at which it is lost. Choose an effect above, then Sweep.";
            ui.label(RichText::new(text).color(palette.weak));
            return;
        };
        self.of_what_ui(ctx, ui, asked, sweep);
        let shown = self.shown_tags(sweep);
        if plot_ui(ctx, ui, sweep, &shown) {
            save(ctx, asked, sweep, &shown);
        }
        ui.add_space(theme::GAP);
        self.table_ui(ui, sweep, &shown);
    }

    /// Effect, number, range, steps.
    fn plan_ui(&mut self, ui: &mut Ui) {
        let combo = ComboBox::from_id_salt("swept effect")
            .selected_text(self.kind.label())
            .width(130.0)
            .show_ui(ui, |ui| {
                for kind in Kind::ALL {
                    if kind.parameters().is_empty() {
                        continue;
                    }
                    let label = ui.selectable_label(kind == self.kind, kind.label());
                    if label.on_hover_text(kind.about()).clicked() {
                        (self.kind, self.parameter_idx) = (kind, 0);
                        self.usual_range();
                    }
                }
            });
        let name = |label| move || WidgetInfo::labeled(Role::ComboBox, true, label);
        combo.response.widget_info(name("Swept effect"));
        combo.response.on_hover_text("Which effect grows stronger");
        let parameters = self.kind.parameters();
        let Some(parameter) = parameters.get(self.parameter_idx) else {
            return;
        };
        if parameters.len() > 1 {
            let combo = ComboBox::from_id_salt("swept number")
                .selected_text(parameter.label)
                .width(120.0)
                .truncate()
                .show_ui(ui, |ui| {
                    for (idx, parameter) in parameters.iter().enumerate() {
                        let is_chosen = idx == self.parameter_idx;
                        if ui.selectable_label(is_chosen, parameter.label).clicked() {
                            self.parameter_idx = idx;
                            self.usual_range();
                        }
                    }
                });
            combo.response.widget_info(name("Swept number"));
            combo.response.on_hover_text(
                "Which of its numbers runs; the others stay as they are on the left",
            );
        }
        let speed = f64::from(parameter.by_ear.1 - parameter.by_ear.0) / 200.0;
        for (value, label) in [(&mut self.from, "from"), (&mut self.to, "to")] {
            ui.label(label);
            let field = DragValue::new(value)
                .range(parameter.min..=parameter.max)
                .speed(speed)
                .max_decimals(2)
                .suffix(format!(" {}", short(parameter.unit)));
            let field = ui.add(field);
            field.widget_info(|| {
                WidgetInfo::labeled(Role::SpinButton, true, format!("Sweep {label}"))
            });
            field.on_hover_text(axis_text(parameter));
        }
        ui.label("in");
        let field = DragValue::new(&mut self.n_steps)
            .range(STEPS)
            .suffix(" steps");
        let field = ui.add(field);
        field.widget_info(|| WidgetInfo::labeled(Role::SpinButton, true, "Steps of the sweep"));
        field.on_hover_text("How many strengths are heard");
    }

    fn start_ui(&self, ctx: &Ctx<'_>, ui: &mut Ui) {
        let send = |command| ctx.send(Any::Audition(Audition::Sweep(command)));
        let state = ctx.state.audition.sweep();
        if let Some(activity) = state.sweeping() {
            let bar = ProgressBar::new(activity.fraction().unwrap_or(0.0)).desired_width(90.0);
            ui.add(bar);
            let cancel = ui.button("Cancel");
            if cancel.on_hover_text("Stop; what is there stays").clicked() {
                send(Command::Stop);
            }
            return;
        }
        let is_ready =
            ctx.state.model.current().is_some() && ctx.state.audition.original().is_some();
        let button = ui.add_enabled(is_ready, egui::Button::new("Sweep"));
        let button = button
            .on_hover_text("Hear the clip at every strength with the model; effects that are on are applied before and after in their order")
            .on_disabled_hover_text("Open a song and a model first");
        if button.clicked() {
            send(Command::Start {
                kind: self.kind,
                parameter_idx: self.parameter_idx,
                from: self.from,
                to: self.to,
                n_steps: self.n_steps,
            });
        }
    }

    /// Whether what is shown is of the clip that is chosen, and what can be written of it.
    fn of_what_ui(&self, ctx: &Ctx<'_>, ui: &mut Ui, asked: &Asked, sweep: &Arc<Sweep>) {
        let palette = theme::palette(ui.visuals());
        ui.horizontal_wrapped(|ui| {
            let models: Vec<&str> = sweep.models.iter().map(|model| model.name.as_str()).collect();
            let models = match models[..] {
                [first, second] => format!("{first} (solid) and {second} (dashed)"),
                _ => models.join(", "),
            };
            let (done, all) = (sweep.n_done, sweep.plan.values().len());
            let steps = if sweep.is_whole() {
                format!("{all} steps")
            } else {
                format!("{done} of {all} steps")
            };
            let text = format!(
                "{} from {:.1} s, {}: {models}, {steps}",
                asked.clip.song,
                asked.clip.start_secs(),
                sweep.plan.kind().label()
            );
            ui.label(RichText::new(text).small().color(palette.weak));
            if ctx.state.audition.clip() != Some(&asked.clip) {
                ui.label(RichText::new("of another clip").small().color(palette.warning))
                    .on_hover_text("The clip has changed since; sweep again for the one that is chosen");
            }
            let tags = self.shown_tags(sweep);
            if save_plot_button(ui, "the sweep") {
                save(ctx, asked, sweep, &tags);
            }
            for (label, formats, hint) in [
                ("Export table", &["csv", "json"][..], "All numbers as CSV, and with break points as JSON, into the folder for exports"),
                ("Export picture", &["svg", "png"][..], "The curves as SVG and PNG into the folder for exports"),
            ] {
                if ui.small_button(label).on_hover_text(hint).clicked() {
                    let tags = tags.clone();
                    let command = Command::Export { tags, formats };
                    ctx.send(Any::Audition(Audition::Sweep(command)));
                }
            }
        });
    }

    /// Names of the tags whose curves are drawn, in the order of their colours.
    fn shown_tags(&self, sweep: &Sweep) -> Vec<String> {
        let Some(first) = sweep.models.first() else {
            return Vec::new();
        };
        let top = sweep.by_probability(0).into_iter().take(TOP);
        let top = top.map(|tag| first.tags[tag].clone());
        shown(self.chosen.as_deref(), &first.tags, top)
    }

    /// All tags with their break points; a click draws or takes away a curve.
    fn table_ui(&mut self, ui: &mut Ui, sweep: &Sweep, shown: &[String]) {
        let palette = theme::palette(ui.visuals());
        let Some(model) = sweep.models.first() else {
            return;
        };
        ui.horizontal(|ui| {
            ui.label(RichText::new("Where each tag is lost").text_style(theme::section()));
            let field = TextEdit::singleline(&mut self.search)
                .hint_text("find a tag")
                .desired_width(120.0);
            let field = ui.add(field);
            field.widget_info(|| WidgetInfo::labeled(Role::TextInput, true, "Find a swept tag"));
        });
        let wanted = self.search.trim().to_lowercase();
        let unit = sweep.plan.parameter().unit;
        Grid::new("break points").num_columns(5).striped(true).spacing([16.0, 3.0]).show(ui, |ui| {
            for (text, hint) in [
                ("tag", "A click draws the tag's curve, or takes it away"),
                ("clean", "Probability without the effect"),
                ("going down", "Towards smaller values, it is lost here"),
                ("going up", "Towards greater values, it is lost here"),
                ("lost is", "One half or, of a tag that has less than that without the effect, half of what it has then"),
            ] {
                ui.label(RichText::new(text).small().color(palette.weak)).on_hover_text(hint);
            }
            ui.end_row();
            for tag in sweep.by_probability(0) {
                let name = &model.tags[tag];
                if !name.to_lowercase().contains(&wanted) {
                    continue;
                }
                let place = shown.iter().position(|one| one == name);
                let colour = place.map_or(palette.text, |place| palette.of_series(place));
                let label = ui.selectable_label(place.is_some(), RichText::new(name).color(colour));
                label.widget_info(|| WidgetInfo::selected(Role::Button, true, place.is_some(), format!("Swept tag {name}")));
                if label.on_hover_text("Draw its curve, or take it away").clicked() {
                    let mut chosen = shown.to_vec();
                    match place {
                        Some(place) => drop(chosen.remove(place)),
                        None => chosen.push(name.clone()),
                    }
                    self.chosen = Some(chosen);
                }
                ui.label(RichText::new(format!("{:.3}", model.clean[tag])).text_style(theme::figures()));
                let (threshold, breaks) = sweep.breaks(0, tag, None);
                for side in [breaks.down, breaks.up] {
                    ui.label(break_text(side, unit));
                }
                ui.label(RichText::new(threshold.words()).small().color(palette.weak));
                ui.end_row();
            }
        });
    }
}

/// The chosen tags among those that are known; the most probable while nobody has chosen, or if only tags of other models were chosen. Who
/// takes every curve away has chosen to see none.
fn shown(
    chosen: Option<&[String]>,
    known: &[String],
    top: impl Iterator<Item = String>,
) -> Vec<String> {
    let Some(chosen) = chosen else {
        return top.collect();
    };
    let fitting: Vec<String> = chosen
        .iter()
        .filter(|tag| known.contains(tag))
        .cloned()
        .collect();
    if fitting.is_empty() && !chosen.is_empty() {
        top.collect()
    } else {
        fitting
    }
}

fn break_text(point: Option<BreakPoint>, unit: &str) -> String {
    match point {
        None => "–".to_owned(),
        Some(BreakPoint::At(x)) => format!("at {}", strength_text(x, unit)),
        Some(BreakPoint::Before(x)) => format!("before {}", strength_text(x, unit)),
        Some(BreakPoint::Never(x)) => format!("never up to {}", strength_text(x, unit)),
    }
}

/// Asks where to save the curves of these tags.
fn save(ctx: &Ctx<'_>, asked: &Asked, sweep: &Arc<Sweep>, tags: &[String]) {
    let (song, start_secs) = (asked.clip.song.clone(), asked.clip.start_secs());
    let (sweep, tags) = (Arc::clone(sweep), tags.to_vec());
    let name = format!("{song} sweep of {}", sweep.plan.kind().name());
    let draw = move || {
        let shown = ShownSweep {
            sweep: &sweep,
            song: &song,
            start_secs,
            tags: &tags,
            threshold: None,
        };
        Ok(shown.figure())
    };
    let ask = plots::Command::Ask(Drawing::new(name, draw));
    ctx.send(Any::Plots(ask));
}

/// Whether it is to be saved.
fn plot_ui(ctx: &Ctx<'_>, ui: &mut Ui, sweep: &Sweep, tags: &[String]) -> bool {
    let palette = theme::palette(ui.visuals());
    let (plan, parameter) = (&sweep.plan, sweep.plan.parameter());
    let values = plan.values();
    let (Some(&low), Some(&high)) = (values.first(), values.last()) else {
        return false;
    };
    let axis = StrengthAxis::new(parameter.logarithmic, low);
    let unit = parameter.unit;
    let along = axis_text(parameter);
    let plot = axis
        .plot("sweep", unit, along, "probability", palette)
        .height(PLOT_HEIGHT);
    let now = ctx.state.audition.draw().effects;
    let now = now.iter().find(|effect| effect.kind() == plan.kind());
    let now = now.map(|effect| plan.value_of(effect));
    let shown = plot.show(ui, |plot| {
        plot.set_plot_bounds_x(axis.position(low)..=axis.position(high));
        plot.set_plot_bounds_y(0.0..=1.0);
        let mut has_half = false;
        for (model, swept) in sweep.models.iter().enumerate() {
            for (nth, name) in tags.iter().enumerate() {
                let Some(tag) = swept.tags.iter().position(|tag| tag == name) else {
                    continue;
                };
                let colour = palette.of_series(nth);
                let curve: Vec<[f64; 2]> = sweep
                    .curve(model, tag)
                    .into_iter()
                    .map(|(x, p)| [axis.position(x), f64::from(p)])
                    .collect();
                let line = Line::new(name.as_str(), PlotPoints::from(curve.clone()))
                    .color(colour)
                    .allow_hover(false);
                plot.line(if model == 0 {
                    line.width(theme::CURVE_WIDTH + 0.3)
                } else {
                    line.width(theme::CURVE_WIDTH)
                        .style(LineStyle::dashed_loose())
                });
                if model == 0 {
                    plot.points(points(curve, colour, 2.2, MarkerShape::Circle));
                }
                let (threshold, breaks) = sweep.breaks(model, tag, None);
                has_half |= matches!(threshold, Threshold::Half(_));
                let level = f64::from(threshold.probability());
                let lost = [breaks.down, breaks.up].into_iter().flatten();
                let lost = lost.filter_map(|point| match point {
                    BreakPoint::At(x) => Some([axis.position(x), level]),
                    BreakPoint::Before(_) | BreakPoint::Never(_) => None,
                });
                plot.points(points(lost.collect(), colour, 5.0, MarkerShape::Diamond));
            }
        }
        if has_half {
            plot.hline(
                HLine::new("threshold", 0.5)
                    .color(palette.weak)
                    .style(LineStyle::dashed_dense())
                    .allow_hover(false),
            );
        }
        if let Some(now) = now {
            plot.vline(
                VLine::new("now", axis.position(now))
                    .color(palette.accent)
                    .width(1.0)
                    .allow_hover(false),
            );
        }
        plot.pointer_coordinate()
    });
    let at = shown.inner.filter(|_| shown.response.hovered());
    let nearest = at.and_then(|at| {
        let distance = |value: &f32| (axis.position(*value) - at.x).abs();
        let heard = values.iter().take(sweep.n_done);
        heard
            .copied()
            .min_by(|a, b| distance(a).total_cmp(&distance(b)))
    });
    let response = shown.response;
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, "Sweep curves"));
    let is_saved = save_plot_menu(&response);
    let Some(value) = nearest else {
        return is_saved;
    };
    if response.clicked() {
        let rows = ctx.state.audition.rows();
        if let Some(row) = rows.iter().position(|row| row.effect.kind() == plan.kind()) {
            let to = Row {
                effect: plan.effect_at(value),
                is_on: true,
            };
            ctx.send(Any::Audition(Audition::Set { row, to }));
            ctx.send(Any::Audition(Audition::Listen { place: 1 }));
        }
    }
    response.on_hover_ui(|ui| {
        let text = format!("{} at {}", plan.kind().label(), strength_text(value, unit));
        ui.label(RichText::new(text).strong());
        for (model, swept) in sweep.models.iter().enumerate() {
            for name in tags {
                let Some(tag) = swept.tags.iter().position(|tag| tag == name) else {
                    continue;
                };
                let curve = sweep.curve(model, tag);
                if let Some((_, p)) = curve.iter().find(|(x, _)| *x == value) {
                    let whose = if model == 0 { "" } else { ", other model" };
                    ui.label(format!("{name}{whose}: {p:.3}"));
                }
            }
        }
        ui.label(RichText::new("Click to hear it").color(palette.weak));
    });
    is_saved
}

fn points<'a>(at: Vec<[f64; 2]>, colour: Color32, radius: f32, shape: MarkerShape) -> Points<'a> {
    Points::new("", PlotPoints::from(at))
        .color(colour)
        .radius(radius)
        .shape(shape)
        .allow_hover(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_takes_every_curve_away_sees_none_and_others_see_the_most_probable() {
        let known = ["rock", "piano"].map(str::to_owned);
        let check = |chosen: Option<&[&str]>, expected: &[&str]| {
            let chosen: Option<Vec<String>> =
                chosen.map(|tags| tags.iter().map(|&tag| tag.to_owned()).collect());
            let top = std::iter::once("rock".to_owned());
            assert_eq!(shown(chosen.as_deref(), &known, top), expected);
        };
        check(None, &["rock"]);
        check(Some(&[]), &[]);
        check(Some(&["piano", "of another model"]), &["piano"]);
        check(Some(&["of another model"]), &["rock"]);
    }
}
