//! The table of pseudo-labels: for each tag how the teacher's probabilities are spread, and how sure it is.

use super::figure::figure_of;
use crate::panels::runs::{figure_ui, sort_header_ui, text_ui};
use crate::theme;
use crate::widgets::{count_text, save_plot_button, section_heading};
use crate::workbench::parts::plots::{self, Drawing};
use crate::workbench::parts::runs::RunView;
use crate::workbench::{Command, Ctx};
use anyhow::Context as _;
use attune_core::metrics::PseudoLabels;
use egui::{Align, Layout, Rect, RichText, Role, Sense, Ui, WidgetInfo, pos2, vec2};
use egui_extras::{Column, TableBuilder};
use std::sync::Arc;

/// What the table is sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
enum Sort {
    Tag,
    #[default]
    Mean,
    Entropy,
}

impl Sort {
    const ALL: [Self; 3] = [Self::Tag, Self::Mean, Self::Entropy];

    fn title(self) -> &'static str {
        match self {
            Self::Tag => "Tag",
            Self::Mean => "Mean",
            Self::Entropy => "Entropy",
        }
    }

    fn hint(self) -> &'static str {
        match self {
            Self::Tag => "Name of the tag",
            Self::Mean => "Mean probability of the teacher",
            Self::Entropy => {
                "Mean entropy of a clip's pseudo-label in bits: 0 the teacher is sure, 1 it does not know"
            }
        }
    }
}

/// How the table is sorted.
#[derive(Debug, Default, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub(super) struct State {
    sort: Sort,
    ascending: bool,
}

impl State {
    /// Draws the table.
    pub(super) fn ui(&mut self, ctx: &Ctx<'_>, ui: &mut Ui, run: &Arc<RunView>) {
        let palette = theme::palette(ui.visuals());
        section_heading(ui, "Pseudo-labels");
        let Some(labels) = &run.pseudo_labels else {
            let text = "They are told of after each validation.";
            ui.label(RichText::new(text).color(palette.weak));
            return;
        };
        let text = format!(
            "the teacher's answers to {} clips before the last validation",
            count_text(labels.n_clips)
        );
        let is_saved = ui
            .horizontal(|ui| {
                ui.label(RichText::new(text).small().color(palette.weak));
                save_plot_button(ui, "pseudo-labels")
            })
            .inner;
        let mut order: Vec<usize> = (0..run.tags.len().min(labels.histogram.len())).collect();
        order.sort_by(|&one, &other| {
            let order = match self.sort {
                Sort::Tag => run.tags[one].cmp(&run.tags[other]),
                Sort::Mean => labels.mean[other].total_cmp(&labels.mean[one]),
                Sort::Entropy => labels.entropy_bits[other].total_cmp(&labels.entropy_bits[one]),
            };
            if self.ascending {
                order.reverse()
            } else {
                order
            }
        });
        if is_saved {
            let (run, order) = (Arc::clone(run), order.clone());
            let name = format!("{} pseudo-labels", run.id);
            let draw = move || {
                let labels = run.pseudo_labels.as_ref();
                let labels = labels.context("the run has no pseudo-labels")?;
                Ok(figure_of(&run.id, &run.tags, labels, &order))
            };
            let ask = plots::Command::Ask(Drawing::new(name, draw));
            ctx.send(Command::Plots(ask));
        }
        self.table_ui(ui, run, labels, &order);
    }

    fn table_ui(&mut self, ui: &mut Ui, run: &RunView, labels: &PseudoLabels, order: &[usize]) {
        let palette = theme::palette(ui.visuals());
        ui.spacing_mut().item_spacing.x = 10.0;
        TableBuilder::new(ui)
            .id_salt("pseudo-labels")
            .cell_layout(Layout::left_to_right(Align::Center))
            .column(Column::initial(110.0).at_least(60.0).clip(true))
            .columns(Column::exact(62.0), 2)
            .column(Column::remainder().at_least(80.0))
            .header(theme::ROW_HEIGHT, |mut header| {
                for sort in Sort::ALL {
                    header.col(|ui| {
                        let descending = !self.ascending ^ (sort == Sort::Tag);
                        let is_figure = sort != Sort::Tag;
                        let is_chosen = sort == self.sort;
                        if sort_header_ui(ui, sort.title(), sort.hint(), is_figure, is_chosen, descending) {
                            self.ascending = is_chosen && !self.ascending;
                            self.sort = sort;
                        }
                    });
                }
                header.col(|ui| {
                    ui.label(RichText::new("0 … 1").small().color(palette.weak))
                        .on_hover_text("How many clips have which probability, in tenths; higher bars on a logarithmic scale");
                });
            })
            .body(|body| {
                body.rows(theme::ROW_HEIGHT, order.len(), |mut row| {
                    let tag = order[row.index()];
                    row.col(|ui| text_ui(ui, &run.tags[tag], palette.strong));
                    row.col(|ui| figure_ui(ui, &format!("{:.3}", labels.mean[tag])));
                    row.col(|ui| figure_ui(ui, &format!("{:.2} bit", labels.entropy_bits[tag])));
                    row.col(|ui| histogram_ui(ui, &run.tags[tag], &labels.histogram[tag]));
                });
            });
    }
}

/// Ten bars, logarithmic: most clips lie in the first, and the few others are of interest.
fn histogram_ui(ui: &mut Ui, tag: &str, bars: &[u32]) {
    let palette = theme::palette(ui.visuals());
    let size = vec2(ui.available_width().min(160.0), theme::ROW_HEIGHT - 6.0);
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    let counts: Vec<String> = bars
        .iter()
        .enumerate()
        .map(|(at, n)| {
            format!(
                "{:.1} to {:.1}: {n}",
                at as f32 / 10.0,
                (at + 1) as f32 / 10.0
            )
        })
        .collect();
    response
        .widget_info(|| WidgetInfo::labeled(Role::Image, true, format!("Pseudo-labels of {tag}")));
    response.on_hover_text(format!(
        "{tag}, clips by probability\n{}",
        counts.join("\n")
    ));
    let most = bars.iter().copied().max().unwrap_or(0).max(1);
    let width = rect.width() / bars.len().max(1) as f32;
    let painter = ui.painter();
    for (at, &n) in bars.iter().enumerate() {
        let part = (n as f32).ln_1p() / (most as f32).ln_1p();
        let left = rect.left() + at as f32 * width;
        let bar = Rect::from_min_max(
            pos2(left + 0.5, rect.bottom() - (rect.height() * part).max(1.0)),
            pos2(left + width - 0.5, rect.bottom()),
        );
        let colour = if n == 0 {
            palette.raised
        } else {
            palette.augmented
        };
        painter.rect_filled(bar, 0.0, colour);
    }
}
