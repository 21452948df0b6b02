//! The Parameters panel: settings of many runs against their results, as parallel coordinates or as a scatter plot. What is marked by
//! dragging (brushed) stays bright; the rest steps back.

mod choice;
mod figure;
mod parallel;
mod scatter;
mod shown;

use super::no_runs;
use super::runs::MOST_DRAWN;
use crate::theme;
use crate::widgets::{count_text, empty_state, save_plot_button};
use crate::workbench::parts::plots::{self, Drawing};
use crate::workbench::{Command, Ctx, Select};
use attune_core::run::{Brush, Field, Measure, Pick};
use egui::{Key, Modifiers, RichText, TextEdit, Ui};
use figure::Paper;
use shown::Shown;

/// How the runs are drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
enum View {
    #[default]
    Parallel,
    Scatter,
}

/// The Parameters panel's own looks.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct State {
    view: View,
    /// Axes of the parallel coordinates, from left to right; empty: the settings that differ and the usual scores.
    axes: Vec<Field>,
    x: Option<Field>,
    y: Field,
    colour: Field,
    #[serde(skip)]
    filter: String,
    #[serde(skip)]
    brushes: Vec<Brush>,
    #[serde(skip)]
    shown: Option<Shown>,
    #[serde(skip)]
    drag: Option<parallel::Drag>,
    /// Whether Escape was nobody else's in the last frame: in this one, menus and fields have already heard it.
    #[serde(skip)]
    hears_escape: bool,
}

impl Default for State {
    fn default() -> Self {
        Self {
            view: View::Parallel,
            axes: Vec::new(),
            x: None,
            y: Field::Validation(Measure::RocAuc, Pick::AtBest),
            colour: Field::Validation(Measure::RocAuc, Pick::AtBest),
            filter: String::new(),
            brushes: Vec::new(),
            shown: None,
            drag: None,
            hears_escape: false,
        }
    }
}

impl State {
    /// Draws the panel.
    pub fn ui(&mut self, ctx: &Ctx<'_>, ui: &mut Ui) {
        let Some((list, reading)) = ctx.state.runs.list().zip(ctx.state.runs.reading()) else {
            no_runs::reading_ui(ui);
            return;
        };
        if list.is_empty() {
            no_runs::none_there_ui(
                ui,
                "With some runs of different settings, this shows which settings go with which scores. A plan in the Experiments panel makes many.",
            );
            return;
        }
        let asked = shown::Asked {
            reading,
            filter: self.filter.clone(),
            axes: self.axes.clone(),
            scatter: [self.x.clone(), Some(self.y.clone())],
            colour: self.colour.clone(),
            brushes: self.brushes.clone(),
        };
        let shown = match self.shown.take() {
            Some(shown) if shown.asked == asked => shown,
            Some(shown) if shown.asked.is_but_for_brushes(&asked) => {
                shown.with_brushes(&asked.brushes, list)
            }
            _ => Shown::of(asked, list),
        };
        self.bar_ui(ctx, ui, &shown);
        if shown.runs.is_empty() {
            empty_state(
                ui,
                "No run is left",
                "The filter leaves out all runs.",
                |_| (),
            );
        } else {
            match self.view {
                View::Parallel => self.parallel_ui(ctx, ui, &shown),
                View::Scatter => self.scatter_ui(ctx, ui, &shown),
            }
        }
        self.shown = Some(shown);
        let egui = ui.ctx();
        self.hears_escape = !egui.text_edit_focused()
            && !egui::Popup::is_any_open(egui)
            && egui.memory(|memory| memory.top_modal_layer().is_none());
    }

    fn bar_ui(&mut self, ctx: &Ctx<'_>, ui: &mut Ui, shown: &Shown) {
        let palette = theme::palette(ui.visuals());
        ui.horizontal(|ui| {
            for (view, label, hint) in [
                (
                    View::Parallel,
                    "Parallel",
                    "A line a run, an axis a setting or score",
                ),
                (
                    View::Scatter,
                    "Scatter",
                    "A point a run, over two settings or scores",
                ),
            ] {
                ui.selectable_value(&mut self.view, view, label)
                    .on_hover_text(hint);
            }
            ui.separator();
            let field = ui.add(
                TextEdit::singleline(&mut self.filter)
                    .hint_text("Filter: words, lr<1e-3, tag:paper …")
                    .desired_width(200.0),
            );
            let field = field.on_hover_text(super::runs::FILTER_HELP);
            field.widget_info(|| {
                egui::WidgetInfo::labeled(egui::Role::TextInput, true, "Filter the plotted runs")
            });
            self.choices_ui(ui, shown);
            if save_plot_button(ui, "parameters") {
                self.save(ctx, shown);
            }
        });
        ui.horizontal(|ui| {
            let (n, n_bright) = (shown.runs.len(), shown.n_bright());
            let text = match self.brushes.len() {
                0 => format!("{} runs", count_text(n as u64)),
                _ => format!(
                    "{} of {} runs marked",
                    count_text(n_bright as u64),
                    count_text(n as u64)
                ),
            };
            ui.label(RichText::new(text).color(palette.strong));
            let can_draw = n_bright > 0 && n_bright <= MOST_DRAWN;
            let draw = ui.add_enabled(can_draw, egui::Button::new("Draw their curves"));
            let draw = draw
                .on_hover_text("Show these runs in the Curves panel")
                .on_disabled_hover_text(format!("At most {MOST_DRAWN} runs are drawn: mark fewer"));
            if draw.clicked() {
                let bright = shown.bright_runs(ctx.state.runs.list().unwrap_or_default());
                ctx.send(Select::Runs(bright.map(|run| run.folder.clone()).collect()));
            }
            let clear = ui.add_enabled(!self.brushes.is_empty(), egui::Button::new("Unmark"));
            if clear
                .on_hover_text("Take away all marks on the axes (Escape)")
                .on_disabled_hover_text("Nothing is marked")
                .clicked()
                || self.hears_escape
                    && ui.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Escape))
            {
                self.brushes.clear();
            }
            ui.separator();
            let name = RichText::new(shown.colour.field.label()).small();
            ui.label(name.color(palette.weak));
            choice::colour_scale_ui(ui, &shown.colour);
            if let Some(problem) = &shown.problem {
                ui.label(RichText::new(problem).small().color(palette.warning));
            }
        });
    }

    /// Asks where to save the plot as it is shown.
    fn save(&self, ctx: &Ctx<'_>, shown: &Shown) {
        let list = ctx.state.runs.list().unwrap_or_default();
        let drawing = match self.view {
            View::Parallel => {
                let paper = Paper::parallel(shown, list);
                Drawing::new("parallel coordinates", move || Ok(paper.parallel_figure()))
            }
            View::Scatter => {
                let paper = Paper::scatter(shown, list);
                let name = format!("{} over {}", shown.y.field, shown.x.field);
                Drawing::new(name, move || Ok(paper.scatter_figure()))
            }
        };
        ctx.send(Command::Plots(plots::Command::Ask(drawing)));
    }

    /// Marks a part of an axis in the place of what was marked of the same field.
    fn mark(&mut self, brush: Brush) {
        self.unmark(&brush.field);
        self.brushes.push(brush);
    }

    fn unmark(&mut self, field: &Field) {
        self.brushes.retain(|brush| brush.field != *field);
    }
}
