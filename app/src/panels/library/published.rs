//! What a data set has beyond one split: the choice among its named splits, and what reading its annotations found.

use crate::theme;
use crate::workbench::parts::library::Shelf;
use crate::workbench::{Command, Ctx};
use attune_core::dataset::{Finding, Place, Severity};
use egui::{ComboBox, RichText, ScrollArea, Ui, WidgetInfo};

/// So much of the panel's height findings may take; the rest is for the table of problems.
const MOST_HEIGHT: f32 = 240.0;

/// Chooses among the named splits, if there are several.
pub(super) fn named_split_ui(ctx: &Ctx<'_>, ui: &mut Ui, shelf: &Shelf) {
    if shelf.named_splits.len() < 2 {
        return;
    }
    let place = Place::parse(&shelf.dataset.place);
    let chosen = place.split.or_else(|| shelf.named_splits.first().cloned());
    let combo = ComboBox::from_id_salt("library named split")
        .selected_text(chosen.as_deref().unwrap_or_default())
        .show_ui(ui, |ui| {
            for name in &shelf.named_splits {
                let is_chosen = chosen.as_ref() == Some(name);
                if ui.selectable_label(is_chosen, name).clicked() && !is_chosen {
                    let place = Place::new(&shelf.dataset.root, Some(name));
                    ctx.send(Command::OpenDataset(place.into_path()));
                }
            }
        });
    let response = combo.response.on_hover_text(
        "The published splits of this data set; on the command line, FOLDER#SPLIT names one",
    );
    response.widget_info(|| WidgetInfo::labeled(egui::Role::ComboBox, true, "Published split"));
}

/// What reading the annotations found, the gravest first.
pub(super) fn findings_ui(ui: &mut Ui, findings: &[Finding]) {
    if findings.is_empty() {
        return;
    }
    let palette = theme::palette(ui.visuals());
    let mut sorted: Vec<&Finding> = findings.iter().collect();
    sorted.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    ScrollArea::vertical()
        .id_salt("library findings")
        .max_height(MOST_HEIGHT)
        .auto_shrink([false, true])
        .show(ui, |ui| {
            for finding in sorted {
                let color = match finding.severity {
                    Severity::Error => palette.error,
                    Severity::Warning => palette.warning,
                    Severity::Note => palette.weak,
                };
                let text = format!("{}: {}", finding.severity, finding.message);
                let place = finding.file.as_ref().map(|file| match finding.line {
                    Some(line) => format!("{}, line {line}", file.display()),
                    None => file.display().to_string(),
                });
                let label = ui.label(RichText::new(text).color(color));
                if let Some(place) = place {
                    label.on_hover_text(place);
                }
                if !finding.mend.is_empty() {
                    ui.label(RichText::new(&finding.mend).small().color(palette.weak));
                }
                ui.add_space(2.0);
            }
        });
    ui.separator();
}
