//! Scores of both models tag by tag, and what of the difference is more than chance. A click chooses a tag for the chart above.

use super::difference;
use crate::panels::runs::{sort_header_ui, text_ui};
use crate::theme;
use crate::widgets::score_text;
use crate::workbench::parts::compare::Side;
use crate::workbench::{Ctx, Select};
use attune_core::figure::{Axis, Figure, Layer, Panel, Ticks};
use attune_core::metrics::Difference;
use attune_core::train::Comparison;
use egui::{Align, Layout, RichText, Sense, Ui};
use egui_extras::{Column, TableBuilder};
use std::cmp::Ordering;

/// Width of a score, in points.
const SCORE_WIDTH: f32 = 46.0;
/// Between columns, in points.
const COLUMN_GAP: f32 = 12.0;

/// What the table is sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
enum Sort {
    Tag,
    RocFirst,
    RocSecond,
    RocDifference,
    PrFirst,
    PrSecond,
    #[default]
    PrDifference,
}

impl Sort {
    const ALL: [Self; 7] = [
        Self::Tag,
        Self::RocFirst,
        Self::RocSecond,
        Self::RocDifference,
        Self::PrFirst,
        Self::PrSecond,
        Self::PrDifference,
    ];

    fn title(self) -> &'static str {
        match self {
            Self::Tag => "Tag",
            Self::RocFirst => "ROC 1",
            Self::RocSecond => "ROC 2",
            Self::RocDifference => "ROC-AUC difference",
            Self::PrFirst => "PR 1",
            Self::PrSecond => "PR 2",
            Self::PrDifference => "PR-AUC difference",
        }
    }

    fn hint(self) -> &'static str {
        match self {
            Self::Tag => "Name of the tag. Click a row to see the tag over the open song.",
            Self::RocFirst => "ROC-AUC of the first model. Guessing: 0.5.",
            Self::RocSecond => "ROC-AUC of the second model. Guessing: 0.5.",
            Self::RocDifference => {
                "ROC-AUC of the second model less that of the first, with its 95 % interval (paired bootstrap over the tracks)"
            }
            Self::PrFirst => {
                "Average precision of the first model. Guessing: the share of tracks that have the tag."
            }
            Self::PrSecond => {
                "Average precision of the second model. Guessing: the share of tracks that have the tag."
            }
            Self::PrDifference => {
                "Average precision of the second model less that of the first, with its 95 % interval (paired bootstrap over the tracks)"
            }
        }
    }

    fn is_score(self) -> bool {
        matches!(
            self,
            Self::RocFirst | Self::RocSecond | Self::PrFirst | Self::PrSecond
        )
    }
}

/// The table's own looks.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub(super) struct State {
    sort: Sort,
    ascending: bool,
}

/// One of the differences of a row.
type DifferenceOf = fn(&Row<'_>) -> Difference;

struct Row<'a> {
    /// `None` for the mean over tags.
    tag: Option<&'a str>,
    roc: [Option<f64>; 2],
    roc_difference: &'a Difference,
    pr: [Option<f64>; 2],
    pr_difference: &'a Difference,
}

impl Row<'_> {
    fn value(&self, sort: Sort) -> Option<f64> {
        match sort {
            Sort::Tag => None,
            Sort::RocFirst => self.roc[0],
            Sort::RocSecond => self.roc[1],
            Sort::RocDifference => self.roc_difference.value,
            Sort::PrFirst => self.pr[0],
            Sort::PrSecond => self.pr[1],
            Sort::PrDifference => self.pr_difference.value,
        }
    }
}

/// How high the table is with all its rows.
pub(super) fn height(comparison: &Comparison) -> f32 {
    // Rows, the mean and the headings, with the space between them.
    (comparison.tags.len() + 2) as f32 * (theme::ROW_HEIGHT + theme::GAP) + theme::GAP
}

impl State {
    /// Draws the table.
    pub(super) fn ui(&mut self, ctx: &Ctx<'_>, ui: &mut Ui, comparison: &Comparison) {
        let difference = &comparison.difference;
        let macros = std::iter::once(&difference.roc_auc_macro);
        let roc_span = difference::span(difference.roc_auc_per_tag.iter().chain(macros));
        let macros = std::iter::once(&difference.average_precision_macro);
        let pr_span = difference::span(difference.average_precision_per_tag.iter().chain(macros));
        let rows = self.rows(comparison);
        let palette = theme::palette(ui.visuals());
        ui.spacing_mut().item_spacing.x = COLUMN_GAP;
        let name_width = (0.17 * ui.available_width()).clamp(70.0, 170.0);
        // What is left beside the names, four scores and a scroll bar.
        let taken = name_width + 4.0 * SCORE_WIDTH + 7.0 * COLUMN_GAP + 8.0;
        let bar_width = (0.5 * (ui.available_width() - taken)).clamp(80.0, 320.0);
        let table = TableBuilder::new(ui)
            .id_salt("compared tags")
            .sense(Sense::click())
            .cell_layout(Layout::left_to_right(Align::Center))
            .column(Column::exact(name_width).clip(true))
            .columns(Column::exact(SCORE_WIDTH), 2)
            .column(Column::exact(bar_width).clip(true))
            .columns(Column::exact(SCORE_WIDTH), 2)
            .column(Column::exact(bar_width).clip(true));
        table
            .header(theme::ROW_HEIGHT, |mut header| {
                for sort in Sort::ALL {
                    header.col(|ui| {
                        let descending = !self.ascending ^ (sort == Sort::Tag);
                        let (title, active) = (sort.title(), sort == self.sort);
                        let is_score = sort.is_score();
                        if sort_header_ui(ui, title, sort.hint(), is_score, active, descending) {
                            self.ascending = active && !self.ascending;
                            self.sort = sort;
                        }
                    });
                }
            })
            .body(|body| {
                body.rows(theme::ROW_HEIGHT, rows.len(), |mut table_row| {
                    let row = &rows[table_row.index()];
                    let chosen = row.tag.is_some_and(|tag| {
                        ctx.state.selection.tags.iter().any(|other| other == tag)
                    });
                    table_row.set_selected(chosen);
                    let (_, first) = table_row.col(|ui| {
                        let (text, colour) = match row.tag {
                            Some(tag) => (tag, palette.text),
                            None => ("mean of all tags", palette.strong),
                        };
                        text_ui(ui, text, colour);
                    });
                    for side in Side::BOTH {
                        table_row.col(|ui| score_ui(ui, row.roc[side.idx()], side));
                    }
                    table_row.col(|ui| difference::ui(ui, row.roc_difference, roc_span));
                    for side in Side::BOTH {
                        table_row.col(|ui| score_ui(ui, row.pr[side.idx()], side));
                    }
                    table_row.col(|ui| difference::ui(ui, row.pr_difference, pr_span));
                    first.widget_info(|| {
                        let label = match row.tag {
                            Some(tag) => format!("Compared tag {tag}"),
                            None => "Mean of all compared tags".to_owned(),
                        };
                        egui::WidgetInfo::selected(egui::Role::Button, true, chosen, label)
                    });
                    first.on_hover_text(match row.tag {
                        Some(_) => "Show this tag over the open song, or stop doing so",
                        None => "Macro scores: the mean over the tags that are defined",
                    });
                    if table_row.response().clicked()
                        && let Some(tag) = row.tag
                    {
                        ctx.send(Select::ToggleTag(tag.to_owned()));
                    }
                });
            });
    }

    /// The differences for paper, as they stand: `names` are those of the models.
    pub(super) fn figure(&self, comparison: &Comparison, names: &[String; 2]) -> Figure {
        let palette = theme::palette_of(egui::Theme::Light);
        let rows = self.rows(comparison);
        let height = |at: usize| (rows.len() - 1 - at) as f64;
        let names_of_rows = rows.iter().enumerate().map(|(at, row)| {
            let name = row.tag.unwrap_or("mean of all tags");
            (height(at), name.to_owned())
        });
        let names_of_rows: Vec<_> = names_of_rows.collect();
        let of: [(&str, DifferenceOf); 2] = [
            ("ROC-AUC", |row| *row.roc_difference),
            ("PR-AUC", |row| *row.pr_difference),
        ];
        let x = Axis::new(format!("Difference: {} less {}", names[1], names[0]), "");
        let mut figure = Figure::new("", x).in_columns(2);
        for (column, (measure, difference_of)) in of.into_iter().enumerate() {
            let ticks = if column == 0 {
                names_of_rows.clone()
            } else {
                Vec::new()
            };
            let y = Axis::new("", "")
                .range(-0.6, rows.len() as f64 - 0.4)
                .ticks(Ticks::At(ticks));
            let mut panel = Panel::new(y)
                .title(measure)
                .height((rows.len() as f64 * 13.0).max(40.0))
                .mark(0.0, "");
            for (at, row) in rows.iter().enumerate() {
                let difference = difference_of(row);
                let colour = match difference.value {
                    Some(value) if difference.is_significant() => {
                        palette.of_series(usize::from(value > 0.0))
                    }
                    _ => palette.weak,
                };
                let colour = theme::on_paper(colour);
                if let Some(range) = difference.interval {
                    let ends = [range.low, range.high].map(|end| [end, height(at)]);
                    panel = panel.line("", colour, ends.to_vec());
                }
                panel = panel.layer(Layer::Dots {
                    label: String::new(),
                    colour,
                    points: difference
                        .value
                        .map(|value| [value, height(at)])
                        .into_iter()
                        .collect(),
                });
            }
            figure = figure.with(panel);
        }
        figure
    }

    /// The mean first, then the tags in the order that is asked for.
    fn rows<'a>(&self, comparison: &'a Comparison) -> Vec<Row<'a>> {
        let (first, second) = (&comparison.first, &comparison.second);
        let difference = &comparison.difference;
        let at = |list: &[Option<f64>], idx: usize| list.get(idx).copied().flatten();
        let per_tag = difference
            .roc_auc_per_tag
            .iter()
            .zip(&difference.average_precision_per_tag);
        let mut rows: Vec<Row<'a>> = comparison
            .tags
            .iter()
            .zip(per_tag)
            .enumerate()
            .map(|(idx, (tag, (roc_difference, pr_difference)))| Row {
                tag: Some(tag),
                roc: [first, second].map(|scores| at(&scores.roc_auc_per_tag, idx)),
                roc_difference,
                pr: [first, second].map(|scores| at(&scores.average_precision_per_tag, idx)),
                pr_difference,
            })
            .collect();
        rows.sort_by(|one, other| self.compare(one, other));
        let mean = Row {
            tag: None,
            roc: [first, second].map(|scores| scores.roc_auc_macro),
            roc_difference: &difference.roc_auc_macro,
            pr: [first, second].map(|scores| scores.average_precision_macro),
            pr_difference: &difference.average_precision_macro,
        };
        rows.insert(0, mean);
        rows
    }

    fn compare(&self, one: &Row<'_>, other: &Row<'_>) -> Ordering {
        let order = match (one.value(self.sort), other.value(self.sort)) {
            _ if self.sort == Sort::Tag => one.tag.cmp(&other.tag),
            (Some(one), Some(other)) => other.total_cmp(&one),
            // What is undefined stands last, whichever way.
            (one, other) => return other.is_some().cmp(&one.is_some()),
        };
        if self.ascending {
            order.reverse()
        } else {
            order
        }
    }
}

fn score_ui(ui: &mut Ui, score: Option<f64>, side: Side) {
    let colour = theme::palette(ui.visuals()).of_series(side.idx());
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        let text = RichText::new(score_text(score))
            .text_style(theme::figures())
            .color(colour);
        ui.add(egui::Label::new(text).selectable(false));
    });
}
