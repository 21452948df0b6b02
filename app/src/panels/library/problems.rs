//! What is wrong with a data set: what reading its annotations found, and the files that are missing or cannot be decoded.

use crate::theme;
use crate::widgets::{count_text, empty_state};
use crate::workbench::parts::library::browser::{Listed, Opened};
use attune_core::dataset::{Finding, Severity};
use egui::{RichText, Ui};
use egui_extras::{Column, TableBuilder};

/// Draws them; `problems` is `None` while they are being listed.
pub(super) fn ui(ui: &mut Ui, opened: &Opened, problems: Option<&[Listed]>) {
    let palette = theme::palette(ui.visuals());
    if opened.n_problems == 0 && opened.findings.is_empty() {
        empty_state(
            ui,
            "No problems",
            "Every track's audio file is there. Files that cannot be decoded are found when a training prepares them.",
            |_| (),
        );
        return;
    }
    for finding in &opened.findings {
        finding_ui(ui, finding);
    }
    let Some(problems) = problems else {
        ui.spinner();
        return;
    };
    if problems.len() < opened.n_problems {
        let text = format!(
            "The first {} of {} tracks with problems; the list of tracks finds all with is:problem",
            count_text(problems.len() as u64),
            count_text(opened.n_problems as u64)
        );
        ui.label(RichText::new(text).small().color(palette.weak));
    }
    let column = |width| Column::initial(width).clip(true).resizable(true);
    let table = TableBuilder::new(ui)
        .id_salt("library problems")
        .column(column(110.0))
        .column(column(200.0))
        .column(Column::remainder().clip(true));
    table
        .header(theme::ROW_HEIGHT, |mut header| {
            for title in ["Track", "Problem", "File"] {
                header.col(|ui| drop(ui.label(RichText::new(title).small().color(palette.weak))));
            }
        })
        .body(|body| {
            body.rows(theme::ROW_HEIGHT, problems.len(), |mut row| {
                let track = &problems[row.index()].track;
                row.col(|ui| drop(ui.label(&track.id)));
                row.col(|ui| drop(ui.colored_label(palette.warning, &track.message)));
                row.col(|ui| drop(ui.label(track.path.display().to_string())));
            });
        });
}

fn finding_ui(ui: &mut Ui, finding: &Finding) {
    let palette = theme::palette(ui.visuals());
    let colour = match finding.severity {
        Severity::Note => palette.text,
        Severity::Warning => palette.warning,
        Severity::Error => palette.error,
    };
    ui.horizontal_wrapped(|ui| {
        let label = ui.colored_label(colour, &finding.message);
        if let Some(file) = &finding.file {
            let line = finding
                .line
                .map_or_else(String::new, |line| format!(", line {line}"));
            label.on_hover_text(format!("{}{line}", file.display()));
        }
        if !finding.mend.is_empty() {
            ui.label(RichText::new(&finding.mend).color(palette.weak));
        }
    });
}
