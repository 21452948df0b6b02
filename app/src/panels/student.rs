//! The Student panel: what a noisy student learns from. Left the teacher's answers, tag by tag; right the clips of a batch, to be
//! heard as teacher and student hear them, with what both say.

mod clips;
mod figure;
mod pseudo_labels;

use crate::theme;
use crate::widgets::{count_text, empty_state, score_text};
use crate::workbench::Ctx;
use crate::workbench::parts::runs::RunView;
use attune_core::run::Teaching;
use egui::{Rect, RichText, ScrollArea, Ui, UiBuilder, pos2};

/// Width of the column of pseudo-labels, in points.
const LABELS_WIDTH: f32 = 380.0;
/// Below this width the columns stand one above the other.
const TWO_COLUMNS: f32 = 760.0;

/// The Student panel's own looks.
#[derive(Debug, Default, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct State {
    labels: pseudo_labels::State,
    #[serde(skip)]
    clips: clips::State,
}

impl State {
    /// Draws the panel.
    pub fn ui(&mut self, ctx: &Ctx<'_>, ui: &mut Ui) {
        let shown = ctx.state.selection.run.as_ref();
        let Some(run) = shown.and_then(|folder| ctx.state.runs.view(folder)) else {
            nothing_ui(ui, "No run is open");
            return;
        };
        let Some(teaching) = &run.teaching else {
            nothing_ui(ui, "This run has no teacher");
            return;
        };
        teaching_ui(ui, &run, teaching);
        ui.add_space(theme::GAP);
        let area = ui.available_rect_before_wrap();
        if area.width() < TWO_COLUMNS {
            ScrollArea::vertical()
                .id_salt("student")
                .auto_shrink(false)
                .show(ui, |ui| {
                    self.clips.ui(ctx, ui, &run);
                    ui.add_space(theme::GROUP_GAP);
                    self.labels.ui(ctx, ui, &run);
                });
            return;
        }
        let divide = area.left() + LABELS_WIDTH;
        let left = Rect::from_min_max(area.min, pos2(divide - theme::GROUP_GAP, area.bottom()));
        let right = Rect::from_min_max(pos2(divide, area.top()), area.max);
        ui.scope_builder(UiBuilder::new().max_rect(left), |ui| {
            self.labels.ui(ctx, ui, &run);
        });
        ui.scope_builder(UiBuilder::new().max_rect(right), |ui| {
            ScrollArea::vertical()
                .id_salt("student clips")
                .auto_shrink(false)
                .show(ui, |ui| self.clips.ui(ctx, ui, &run));
        });
    }
}

fn nothing_ui(ui: &mut Ui, title: &str) {
    let sentence = "Choose the run of a noisy student in the Runs panel, or start one: choose a teacher in the Training panel. Its \
                    pseudo-labels and the clips that it hears appear here.";
    empty_state(ui, title, sentence, |_| ());
}

/// Who teaches whom, and how long both streams of clips are.
fn teaching_ui(ui: &mut Ui, run: &RunView, teaching: &Teaching) {
    let palette = theme::palette(ui.visuals());
    let n_parameters = run.facts().n_parameters;
    ui.horizontal_wrapped(|ui| {
        let title = RichText::new(format!("{} learns from {}", run.id, teaching.teacher));
        ui.label(title.text_style(theme::section()).color(palette.strong));
        let kind = format!(
            "{}, {} parameters from {}",
            teaching.kind(n_parameters),
            count_text(n_parameters),
            count_text(teaching.teacher_parameters)
        );
        ui.label(RichText::new(kind).color(palette.weak));
    });
    ui.horizontal_wrapped(|ui| {
        let stream = |tracks: u64, steps: u64, what: &str| {
            format!("{} {what} tracks, {} steps", count_text(tracks), count_text(steps))
        };
        let longer = teaching.labelled_steps.max(teaching.unlabelled_steps);
        let text = format!(
            "{}  ·  {}  ·  an epoch lasts {} steps",
            stream(teaching.labelled_tracks, teaching.labelled_steps, "labelled"),
            stream(teaching.unlabelled_tracks, teaching.unlabelled_steps, "unlabelled"),
            count_text(longer)
        );
        ui.label(RichText::new(text).small().color(palette.weak)).on_hover_text(
            "An epoch is as long as the longer of the two streams; the shorter one is gone through again, with other crops and draws.",
        );
        if let Some((_, scores)) = &run.teacher_scored {
            let text = format!(
                "teacher: ROC-AUC {}  PR-AUC {}",
                score_text(scores.roc_auc_macro),
                score_text(scores.average_precision_macro)
            );
            ui.label(RichText::new(text).text_style(theme::figures()).color(palette.text))
                .on_hover_text("Macro scores of the teacher on the validation split; the dashed lines in Curves");
        }
    });
}
