//! The part of the form about the learning rate's schedule: which one, and a row for each of its settings.

use super::fields::row_ui;
use crate::widgets::number_text;
use attune_core::train::{Cosine, Plateau, Schedule, Span, Stairs, TrainConfig};
use egui::{ComboBox, DragValue, Response, Ui, WidgetInfo};

/// Rows of the form's grid.
pub(super) fn schedule_rows_ui(ui: &mut Ui, config: &mut TrainConfig) {
    let schedule = &mut config.schedule;
    let hint = "How the learning rate changes over the run. The paper: constant. A learning rate that is set by hand while the run is in \
                training is scaled in the same way.";
    row_ui(ui, "Schedule", hint, |ui| kind_ui(ui, schedule));
    match schedule {
        Schedule::Constant {} => {}
        Schedule::Cosine(Cosine { warmup, floor }) => {
            let hint = "The learning rate rises along a line for so long, then falls along half a cosine until the last epoch.";
            row_ui(ui, "Warm-up", hint, |ui| span_ui(ui, "warm-up", warmup));
            floor_row_ui(ui, floor);
        }
        Schedule::Step(Stairs { every, factor }) => {
            let hint = "The learning rate falls after each such stretch.";
            row_ui(ui, "Every", hint, |ui| {
                span_ui(ui, "length of a step", every)
            });
            factor_row_ui(ui, factor);
        }
        Schedule::Plateau(Plateau {
            patience,
            factor,
            threshold,
            floor,
        }) => {
            let hint = "The learning rate falls in the epoch after so many without a lower validation loss.";
            row_ui(ui, "Falls after", hint, |ui| {
                ui.add(DragValue::new(patience).range(0..=10_000).suffix(" epochs"))
            });
            factor_row_ui(ui, factor);
            let hint = "By how much of the lowest validation loss another one must lie below it to count as lower.";
            row_ui(ui, "Lower by", hint, |ui| {
                share_ui(ui, threshold, 0.0..=0.99)
            });
            floor_row_ui(ui, floor);
        }
    }
    let hint = "Gradients whose norm, of all weights together, is larger are scaled down to it. 0: none is, as in the paper. The curve of the \
                gradient norm shows it before clipping.";
    row_ui(ui, "Clip gradients", hint, |ui| {
        let mut norm = config.clip_gradient_norm.unwrap_or(0.0);
        let field = DragValue::new(&mut norm)
            .range(0.0..=1e6)
            .speed(0.01)
            .custom_formatter(|norm, _| {
                if norm > 0.0 {
                    format!("norm {}", number_text(norm))
                } else {
                    "none".to_owned()
                }
            })
            .custom_parser(|text| match text.trim() {
                "none" => Some(0.0),
                text => text.trim_start_matches("norm").trim().parse().ok(),
            });
        let response = ui.add(field);
        config.clip_gradient_norm = (norm > 0.0).then_some(norm);
        response
    });
}

fn kind_ui(ui: &mut Ui, schedule: &mut Schedule) -> Response {
    ComboBox::from_id_salt("schedule")
        .selected_text(schedule.label())
        .width(ui.available_width().clamp(60.0, 150.0))
        .show_ui(ui, |ui| {
            for usual in Schedule::usual() {
                let chosen = usual.name() == schedule.name();
                if ui.selectable_label(chosen, usual.label()).clicked() && !chosen {
                    *schedule = usual;
                }
            }
        })
        .response
}

fn floor_row_ui(ui: &mut Ui, floor: &mut f64) {
    let hint = "The learning rate falls to this share of itself and no further.";
    row_ui(ui, "Falls to", hint, |ui| share_ui(ui, floor, 0.0..=0.99));
}

fn factor_row_ui(ui: &mut Ui, factor: &mut f64) {
    let hint = "What is left of the learning rate each time that it falls.";
    row_ui(ui, "Leaves", hint, |ui| share_ui(ui, factor, 0.001..=0.999));
}

/// A share as a percentage.
fn share_ui(ui: &mut Ui, share: &mut f64, range: std::ops::RangeInclusive<f64>) -> Response {
    ui.add(
        DragValue::new(share)
            .range(range)
            .speed(0.002)
            .custom_formatter(|share, _| format!("{} %", number_text(share * 100.0)))
            .custom_parser(|text| {
                let percent: f64 = text.trim().trim_end_matches('%').trim().parse().ok()?;
                Some(percent / 100.0)
            }),
    )
}

/// A stretch of training: a number and its unit.
fn span_ui(ui: &mut Ui, what: &str, span: &mut Span) -> Response {
    ui.horizontal(|ui| {
        let value = match span {
            Span::Epochs(epochs) => ui.add(
                DragValue::new(epochs)
                    .range(0.0..=10_000.0)
                    .speed(0.05)
                    .max_decimals(2),
            ),
            Span::Steps(steps) => ui.add(DragValue::new(steps).range(0..=10_000_000)),
        };
        let unit = |span: &Span| match span {
            Span::Epochs(_) => "epochs",
            Span::Steps(_) => "steps",
        };
        let combo = ComboBox::from_id_salt(("unit of span", what))
            .selected_text(unit(span))
            .width(78.0)
            .show_ui(ui, |ui| {
                for choice in [Span::Epochs(1.0), Span::Steps(500)] {
                    let chosen = unit(span) == unit(&choice);
                    if ui.selectable_label(chosen, unit(&choice)).clicked() && !chosen {
                        *span = choice;
                    }
                }
            })
            .response;
        combo.widget_info(|| {
            WidgetInfo::labeled(egui::Role::ComboBox, true, format!("Unit of the {what}"))
        });
        value
    })
    .inner
}
