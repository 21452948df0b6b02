//! Which columns the list of runs has.

use attune_core::run::{Field, Measure, Pick, RunSummary, differing};
use egui::{ScrollArea, Ui};
use std::collections::BTreeSet;

/// Columns that are there until the user chooses others; the run's id always comes first.
pub(super) fn usual() -> Vec<Field> {
    let at_best = |measure| Field::Validation(measure, Pick::AtBest);
    vec![
        Field::Status,
        Field::Model,
        Field::Data,
        at_best(Measure::RocAuc),
        at_best(Measure::AveragePrecision),
        at_best(Measure::Loss),
        Field::Epochs,
        Field::Started,
    ]
}

/// The columns with the settings in which these runs differ in the place of all other settings.
pub(super) fn with_differing(columns: &[Field], rows: &[&RunSummary]) -> Vec<Field> {
    let facts = columns
        .iter()
        .filter(|field| !matches!(field, Field::Setting(_)));
    let settings = differing(rows.iter().map(|run| &run.settings));
    let settings = settings.into_iter().map(Field::Setting);
    facts.cloned().chain(settings).collect()
}

/// The settings that any of these runs has.
pub(super) fn settings(runs: &[RunSummary]) -> Vec<Field> {
    let names: BTreeSet<&String> = runs.iter().flat_map(|run| run.settings.keys()).collect();
    names.into_iter().cloned().map(Field::Setting).collect()
}

/// The menu with a tick for each field that a run may have.
pub(super) fn menu_ui(
    ui: &mut Ui,
    columns: &mut Vec<Field>,
    settings: &[Field],
    rows: &[&RunSummary],
) {
    ui.set_min_width(230.0);
    let usual_ones = ui
        .button("The usual columns")
        .on_hover_text("State, model, data, scores at the best checkpoint, epochs, start");
    if usual_ones.clicked() {
        *columns = usual();
    }
    let differing = ui
        .button("Settings that differ")
        .on_hover_text("A column for each setting in which the listed runs differ, and no other");
    if differing.clicked() {
        *columns = with_differing(columns, rows);
    }
    ui.separator();
    let known = Field::known()
        .into_iter()
        .filter(|field| *field != Field::Id);
    ScrollArea::vertical().max_height(360.0).show(ui, |ui| {
        for field in known.chain(settings.iter().cloned()) {
            let mut is_on = columns.contains(&field);
            let tick = ui.checkbox(&mut is_on, field.label()).on_hover_ui(|ui| {
                ui.label(format!("{} ({field})", field.about()));
            });
            if tick.changed() {
                if is_on {
                    columns.push(field);
                } else {
                    columns.retain(|other| *other != field);
                }
            }
        }
    });
}
