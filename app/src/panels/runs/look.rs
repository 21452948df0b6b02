//! How a run's values look in a table cell: state, scores, times.

use crate::theme::{self, Palette};
use crate::widgets::{count_text, duration_text, number_text, score_text};
use attune_core::run::{Field, Measure, RunSummary, Status, Value};
use egui::{Align, Color32, Layout, RichText, Ui};

/// One field of a run in its cell. `now_ms`: milliseconds since 1970.
pub(super) fn cell_ui(ui: &mut Ui, run: &RunSummary, field: &Field, now_ms: u64) {
    let palette = theme::palette(ui.visuals());
    match field {
        Field::Id => text_ui(ui, &run.id, palette.strong),
        Field::Status => {
            let (colour, word) = status_look(run.status, palette);
            text_ui(ui, word, colour);
        }
        Field::Started => {
            let text = run
                .started_unix_ms
                .map_or("–".to_owned(), |at| ago_text(now_ms.saturating_sub(at)));
            text_ui(ui, &text, palette.weak);
        }
        field if field.is_number() => figure_ui(ui, &text_of(run, field)),
        field => text_ui(ui, &text_of(run, field), palette.text),
    }
}

fn text_of(run: &RunSummary, field: &Field) -> String {
    let value = field.of(run);
    let number = value.as_ref().and_then(Value::number);
    match field {
        field if field.is_number() => text_of_number(field, number),
        _ => value.map_or("–".to_owned(), |value| value.to_string()),
    }
}

/// A number of a field, in its way of writing.
pub(super) fn text_of_number(field: &Field, number: Option<f64>) -> String {
    match field {
        Field::Validation(Measure::Loss, _) => number.map_or("–".to_owned(), number_text),
        Field::Validation(..) | Field::TestRocAuc | Field::TestAveragePrecision => {
            score_text(number)
        }
        Field::Duration => number.map_or("–".to_owned(), duration_text),
        _ => match number {
            Some(number) if number.fract() == 0.0 && number >= 0.0 => count_text(number as u64),
            Some(number) => number_text(number),
            None => "–".to_owned(),
        },
    }
}

/// A text in a cell, cut off where the cell ends.
pub(in crate::panels) fn text_ui(ui: &mut Ui, text: &str, colour: Color32) {
    let label = egui::Label::new(RichText::new(text).color(colour))
        .selectable(false)
        .truncate();
    ui.add(label);
}

/// A number in a cell.
pub(in crate::panels) fn figure_ui(ui: &mut Ui, text: &str) {
    let palette = theme::palette(ui.visuals());
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        let text = RichText::new(text)
            .text_style(theme::figures())
            .color(palette.text);
        ui.add(egui::Label::new(text).selectable(false));
    });
}

/// Colour and word for a state.
pub(in crate::panels) fn status_look(status: Status, palette: &Palette) -> (Color32, &'static str) {
    let colour = match status {
        Status::Running => palette.good,
        Status::Paused | Status::Interrupted => palette.warning,
        Status::Failed => palette.error,
        Status::Finished | Status::EarlyStopped => palette.accent,
        Status::Stopped => palette.weak,
    };
    (colour, status.label())
}

fn ago_text(ms: u64) -> String {
    let minutes = ms / 60_000;
    match minutes {
        0 => "just now".to_owned(),
        1..60 => format!("{minutes} min ago"),
        60..2880 => format!("{} h ago", minutes / 60),
        _ => format!("{} days ago", minutes / 1440),
    }
}
