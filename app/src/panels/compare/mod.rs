//! The Compare panel: two models side by side. What both say of the open song over time, how they score on the same tracks, and the
//! tracks on which they disagree most.
//!
//! The colours of the two models are the same everywhere in the panel; a difference is that of the second model less the first.

mod chart;
mod choice;
mod difference;
mod figure;
mod song;
mod tag_table;
mod track_table;

use crate::theme;
use crate::widgets::{count_text, empty_state, save_plot_button, transport_bar};
use crate::workbench::parts::compare::{Asked, Compared, Side};
use crate::workbench::parts::plots::{self, Drawing};
use crate::workbench::{Command, Ctx, UiCommand};
use attune_core::dataset::Split;
use egui::{Label, RichText, Ui};
use std::sync::Arc;

/// With less height than this there is no bar below the song, only a button.
const WITH_BAR: f32 = 420.0;
/// With less height than this below the song, tags and tracks take turns.
const BOTH_TABLES: f32 = 330.0;
/// Part of the height that the tags take where both are shown.
const TAGS_SHARE: f32 = 0.52;

/// Which table is shown where there is no room for both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
enum View {
    #[default]
    Tags,
    Tracks,
}

/// The Compare panel's own looks.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct State {
    view: View,
    tags: tag_table::State,
    split: Split,
    #[serde(skip)]
    song: song::State,
}

impl Default for State {
    fn default() -> Self {
        Self {
            view: View::default(),
            tags: tag_table::State::default(),
            split: Split::Test,
            song: song::State::default(),
        }
    }
}

impl State {
    /// Draws the panel.
    pub fn ui(&mut self, ctx: &Ctx<'_>, ui: &mut Ui) {
        choice::ui(ctx, ui, &mut self.split);
        ui.separator();
        let has_bar = ui.available_height() >= WITH_BAR;
        if has_bar && ctx.state.song.current().is_some() {
            egui::Panel::bottom("transport")
                .show_separator_line(false)
                .show(ui, |ui| transport_bar(ui, &ctx.state.player));
        }
        egui::CentralPanel::no_frame().show(ui, |ui| {
            self.song.ui(ctx, ui, has_bar);
            ui.add_space(theme::GAP);
            self.scores_ui(ctx, ui);
        });
    }

    fn scores_ui(&mut self, ctx: &Ctx<'_>, ui: &mut Ui) {
        let compare = &ctx.state.compare;
        let palette = theme::palette(ui.visuals());
        let shelf = choice::shelf(ctx);
        let Some((asked, compared)) = shelf.and_then(|shelf| compare.compared(shelf)) else {
            let error = shelf.and_then(|shelf| compare.error(shelf, self.split, &ctx.state.model));
            if let Some(error) = error {
                empty_state(ui, "The models cannot be compared", "", |ui| {
                    ui.label(RichText::new(error).color(palette.error));
                });
            } else {
                nothing_ui(ctx, ui);
            }
            return;
        };
        if ui.available_height() < BOTH_TABLES {
            ui.horizontal_wrapped(|ui| {
                self.view_ui(ui);
                self.summary_ui(ctx, ui, asked, compared);
            });
            match self.view {
                View::Tags => self.tags.ui(ctx, ui, &compared.comparison),
                View::Tracks => track_table::ui(ctx, ui, &compared.comparison),
            }
            return;
        }
        ui.horizontal_wrapped(|ui| self.summary_ui(ctx, ui, asked, compared));
        let height =
            tag_table::height(&compared.comparison).min(TAGS_SHARE * ui.available_height());
        ui.allocate_ui(egui::vec2(ui.available_width(), height), |ui| {
            ui.set_min_height(height);
            self.tags.ui(ctx, ui, &compared.comparison);
        });
        ui.add_space(theme::GAP);
        let heading = RichText::new("Tracks they disagree on").text_style(theme::section());
        ui.label(heading.color(palette.strong))
            .on_hover_text("The tracks to which the models give the most different tags, the worst first. A click plays one.");
        track_table::ui(ctx, ui, &compared.comparison);
    }

    /// Where there is no room for both tables: which one.
    fn view_ui(&mut self, ui: &mut Ui) {
        for (view, label, hint) in [
            (
                View::Tags,
                "Differences by tag",
                "Scores of both models, tag by tag",
            ),
            (
                View::Tracks,
                "Tracks they disagree on",
                "The tracks to which the models give the most different tags, to hear",
            ),
        ] {
            let item = ui.selectable_label(self.view == view, label);
            if item.on_hover_text(hint).clicked() {
                self.view = view;
            }
        }
    }

    /// What the numbers below are of, and what is to be known about them.
    fn summary_ui(&self, ctx: &Ctx<'_>, ui: &mut Ui, asked: &Asked, compared: &Arc<Compared>) {
        let palette = theme::palette(ui.visuals());
        let comparison = &compared.comparison;
        if save_plot_button(ui, "differences by tag") {
            let (tags, names) = (self.tags.clone(), asked.names.clone());
            let compared = Arc::clone(compared);
            let draw = move || Ok(tags.figure(&compared.comparison, &names));
            let ask = plots::Command::Ask(Drawing::new("differences by tag", draw));
            ctx.send(Command::Plots(ask));
        }
        for side in Side::BOTH {
            choice::dot_ui(ui, side);
            let name = RichText::new(&asked.names[side.idx()]).color(palette.strong);
            ui.add(Label::new(name).truncate());
        }
        let tracks = count_text(comparison.n_tracks as u64);
        let text = format!("{tracks} tracks of the {} split", asked.split);
        ui.label(RichText::new(text).color(palette.weak));
        let left_out = &comparison.left_out;
        if !left_out.is_empty() {
            let text = format!("tags left out: {}", left_out.len());
            ui.label(RichText::new(text).color(palette.warning))
                .on_hover_text(format!(
                    "Not compared, because one of the models does not know them: {}",
                    left_out.join(", ")
                ));
        }
        for (what, is_skipped) in [("tracks not read", true), ("damaged tracks", false)] {
            let such = || {
                let problems = compared.problems.iter();
                problems.filter(|problem| problem.kind.is_skipped() == is_skipped)
            };
            if such().next().is_none() {
                continue;
            }
            let named: Vec<String> = such().take(8).map(ToString::to_string).collect();
            let text = format!("{what}: {}", such().count());
            ui.label(RichText::new(text).color(palette.warning))
                .on_hover_text(named.join("\n"));
        }
        let error = choice::shelf(ctx).and_then(|shelf| {
            let compare = &ctx.state.compare;
            compare.error(shelf, self.split, &ctx.state.model)
        });
        if let Some(error) = error {
            ui.label(RichText::new("The last comparison failed").color(palette.error))
                .on_hover_text(error);
        } else if !ctx
            .state
            .compare
            .is_current(asked, self.split, &ctx.state.model)
        {
            ui.label(RichText::new("The choice above has changed since").color(palette.warning))
                    .on_hover_text("These numbers are of the models and the split named here. Compare again for those chosen above.");
        }
    }
}

/// Nothing has been compared yet: what is missing.
fn nothing_ui(ctx: &Ctx<'_>, ui: &mut Ui) {
    let compare = &ctx.state.compare;
    let (title, sentence) = if Side::BOTH
        .iter()
        .any(|&side| compare.source(side).is_none())
    {
        (
            "Choose two models",
            "Any two: the model in use, those that come with Attune, the best of a run, or the file of weights opened last.",
        )
    } else if choice::shelf(ctx).is_none() {
        (
            "No data set is open",
            "The models are scored on the same tracks of a labelled data set: drop a folder with a tracks.csv onto the window, or take the demo data set.",
        )
    } else if compare.comparing().is_some() {
        (
            "Comparing",
            "Both models tag every track of the split; then the tracks are drawn again and again to tell what of the difference is chance.",
        )
    } else {
        (
            "Nothing compared yet",
            "Compare shows the scores of both models tag by tag, how sure the difference is, and the tracks on which they disagree most.",
        )
    };
    empty_state(ui, title, sentence, |ui| {
        if compare.sources(ctx.state).len() <= 3
            && ui
                .button(UiCommand::OpenModel.label())
                .on_hover_text(UiCommand::OpenModel.tooltip())
                .clicked()
        {
            ctx.send(UiCommand::OpenModel);
        }
    });
}
