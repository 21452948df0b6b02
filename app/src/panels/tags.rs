//! The Tags panel: scores of the shown run, tag by tag. A click chooses a tag for Timeline.

mod figure;

use super::no_runs;
use super::runs::{figure_ui, sort_header_ui, text_ui};
use crate::theme;
use crate::widgets::{count_text, empty_state, save_plot_button, score_text};
use crate::workbench::parts::plots::{self, Drawing};
use crate::workbench::parts::runs::RunView;
use crate::workbench::{Command, Ctx, Select};
use attune_core::metrics::Scores;
use egui::{Align, Color32, ComboBox, Layout, RichText, Sense, Ui};
use egui_extras::{Column, TableBuilder};
use std::cmp::Ordering;

/// Which scores to show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
enum Which {
    /// Of the validation with the lowest loss.
    #[default]
    Best,
    /// Of the last validation.
    Last,
    /// Of the test split, if the run was scored on it.
    Test,
}

impl Which {
    const ALL: [Self; 3] = [Self::Best, Self::Last, Self::Test];

    fn label(self) -> &'static str {
        match self {
            Self::Best => "Best validation",
            Self::Last => "Last validation",
            Self::Test => "Test split",
        }
    }

    fn scores(self, run: &RunView) -> Option<(Scores, String)> {
        let validation = match self {
            Self::Best => run.best.as_ref(),
            Self::Last => run.validations.last(),
            Self::Test => {
                let (split, scores) = run.evaluated.as_ref()?;
                return Some((scores.clone(), format!("{split} split, best checkpoint")));
            }
        }?;
        let place = format!(
            "epoch {}, step {}",
            validation.epoch + 1,
            count_text(validation.step)
        );
        Some((Scores::clone(&validation.scores), place))
    }
}

/// What the table is sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
enum Sort {
    Tag,
    #[default]
    RocAuc,
    AveragePrecision,
    Positives,
}

impl Sort {
    const ALL: [Self; 4] = [
        Self::Tag,
        Self::RocAuc,
        Self::AveragePrecision,
        Self::Positives,
    ];

    fn title(self) -> &'static str {
        match self {
            Self::Tag => "Tag",
            Self::RocAuc => "ROC-AUC",
            Self::AveragePrecision => "PR-AUC",
            Self::Positives => "Positives",
        }
    }

    fn hint(self) -> &'static str {
        match self {
            Self::Tag => "Name of the tag. Click a row to choose the tag for Timeline.",
            Self::RocAuc => {
                "Probability that a clip with the tag scores higher than one without. Guessing: 0.5."
            }
            Self::AveragePrecision => {
                "Average precision. Guessing: the share of clips that have the tag."
            }
            Self::Positives => "Tracks of the validation split that have the tag",
        }
    }
}

/// The Tags panel's own looks.
#[derive(Debug, Default, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct State {
    which: Which,
    sort: Sort,
    ascending: bool,
}

struct Row<'a> {
    tag: &'a str,
    roc_auc: Option<f64>,
    average_precision: Option<f64>,
    positives: Option<usize>,
}

impl State {
    /// Draws the panel.
    pub fn ui(&mut self, ctx: &Ctx<'_>, ui: &mut Ui) {
        let selection = &ctx.state.selection;
        let Some(run) = selection
            .run
            .as_ref()
            .and_then(|folder| ctx.state.runs.view(folder))
        else {
            no_runs::none_open_ui(ui, "scores of each tag appear here", |_| ());
            return;
        };
        let palette = theme::palette(ui.visuals());
        let found = self.which.scores(&run);
        let mut is_saved = false;
        ui.horizontal(|ui| {
            ComboBox::from_id_salt("which scores")
                .selected_text(self.which.label())
                .show_ui(ui, |ui| {
                    for which in Which::ALL {
                        ui.selectable_value(&mut self.which, which, which.label());
                    }
                })
                .response
                .widget_info(|| {
                    egui::WidgetInfo::labeled(egui::Role::ComboBox, true, "Which scores")
                });
            if let Some((scores, place)) = &found {
                let macro_text = format!(
                    "macro ROC-AUC {}  PR-AUC {}",
                    score_text(scores.roc_auc_macro),
                    score_text(scores.average_precision_macro)
                );
                ui.label(
                    RichText::new(macro_text)
                        .text_style(theme::figures())
                        .color(palette.strong),
                );
                is_saved = save_plot_button(ui, "scores by tag");
                ui.label(RichText::new(place).small().color(palette.weak));
            }
        });
        let Some((scores, _)) = found else {
            let sentence = match self.which {
                Which::Test => {
                    "This run has not been scored on a test split. Its model can be, with: attune evaluate RUN --data DIR --split test"
                }
                _ => "The scores appear after the run's first validation.",
            };
            empty_state(ui, "No scores yet", sentence, |_| ());
            return;
        };
        let counts = ctx.state.runs.positives();
        let mut rows: Vec<Row<'_>> = run
            .tags
            .iter()
            .enumerate()
            .map(|(idx, tag)| Row {
                tag,
                roc_auc: scores.roc_auc_per_tag.get(idx).copied().flatten(),
                average_precision: scores.average_precision_per_tag.get(idx).copied().flatten(),
                positives: counts.and_then(|counts| counts.get(tag).copied()),
            })
            .collect();
        rows.sort_by(|one, other| self.compare(one, other));
        if is_saved {
            let title = format!("{}, {}", run.id, self.which.label().to_lowercase());
            let scored = rows.iter().map(|row| {
                let scores = [row.roc_auc, row.average_precision];
                (row.tag.to_owned(), scores)
            });
            let scored: Vec<figure::Scored> = scored.collect();
            let name = format!("{} scores by tag", run.id);
            let drawing = Drawing::new(name, move || Ok(figure::figure_of(&title, &scored)));
            ctx.send(Command::Plots(plots::Command::Ask(drawing)));
        }
        self.table_ui(ctx, ui, &rows);
    }

    fn compare(&self, one: &Row<'_>, other: &Row<'_>) -> Ordering {
        let numbers = |one: Option<f64>, other: Option<f64>| match (one, other) {
            (Some(one), Some(other)) => other.total_cmp(&one),
            (one, other) => other.is_some().cmp(&one.is_some()),
        };
        let order = match self.sort {
            Sort::Tag => one.tag.cmp(other.tag),
            Sort::RocAuc => numbers(one.roc_auc, other.roc_auc),
            Sort::AveragePrecision => numbers(one.average_precision, other.average_precision),
            Sort::Positives => other.positives.cmp(&one.positives),
        };
        if self.ascending {
            order.reverse()
        } else {
            order
        }
    }

    fn table_ui(&mut self, ctx: &Ctx<'_>, ui: &mut Ui, rows: &[Row<'_>]) {
        let palette = theme::palette(ui.visuals());
        ui.spacing_mut().item_spacing.x = 12.0;
        TableBuilder::new(ui)
            .id_salt("tags")
            .sense(Sense::click())
            .cell_layout(Layout::left_to_right(Align::Center))
            .column(Column::initial(150.0).at_least(80.0).clip(true))
            .columns(Column::initial(170.0).at_least(110.0).clip(true), 2)
            .column(Column::exact(80.0))
            .column(Column::remainder())
            .header(theme::ROW_HEIGHT, |mut header| {
                for sort in Sort::ALL {
                    header.col(|ui| {
                        let descending = !self.ascending ^ (sort == Sort::Tag);
                        let is_count = sort == Sort::Positives;
                        if sort_header_ui(
                            ui,
                            sort.title(),
                            sort.hint(),
                            is_count,
                            sort == self.sort,
                            descending,
                        ) {
                            self.ascending = self.sort == sort && !self.ascending;
                            self.sort = sort;
                        }
                    });
                }
                header.col(|_| ());
            })
            .body(|body| {
                body.rows(theme::ROW_HEIGHT, rows.len(), |mut row| {
                    let item = &rows[row.index()];
                    let chosen = ctx.state.selection.tags.iter().any(|tag| tag == item.tag);
                    row.set_selected(chosen);
                    row.col(|ui| text_ui(ui, item.tag, palette.strong));
                    row.col(|ui| bar_ui(ui, item.roc_auc, 0.5, palette.roc_auc));
                    row.col(|ui| {
                        bar_ui(ui, item.average_precision, 0.0, palette.average_precision)
                    });
                    row.col(|ui| {
                        let text = item
                            .positives
                            .map_or("–".to_owned(), |count| count_text(count as u64));
                        figure_ui(ui, &text);
                    });
                    row.col(|_| ());
                    let response = row.response();
                    response.widget_info(|| {
                        egui::WidgetInfo::selected(
                            egui::Role::Button,
                            true,
                            chosen,
                            format!("Tag {}", item.tag),
                        )
                    });
                    if response.clicked() {
                        ctx.send(Select::ToggleTag(item.tag.to_owned()));
                    }
                });
            });
    }
}

/// A score as number and bar; the bar begins at `guessing`.
fn bar_ui(ui: &mut Ui, score: Option<f64>, guessing: f64, colour: Color32) {
    let palette = theme::palette(ui.visuals());
    let text = RichText::new(score_text(score))
        .text_style(theme::figures())
        .color(palette.text);
    let label = ui.add(egui::Label::new(text).selectable(false));
    let Some(score) = score else {
        label.on_hover_text("Undefined: the split has no clip with this tag, or none without");
        return;
    };
    let width = ui.available_width() - 8.0;
    let (rect, _) = ui.allocate_exact_size(egui::vec2(width.max(0.0), 6.0), Sense::hover());
    let part = ((score - guessing) / (1.0 - guessing)).clamp(0.0, 1.0) as f32;
    let painter = ui.painter();
    painter.rect_filled(rect, 3.0, palette.raised);
    let filled =
        egui::Rect::from_min_size(rect.min, egui::vec2(rect.width() * part, rect.height()));
    painter.rect_filled(filled, 3.0, colour.gamma_multiply(0.85));
}
