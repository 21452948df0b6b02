//! What is to be said of the data behind the shown runs: that a data set is no longer what a run began with, or that runs that are drawn over
//! each other were trained on different data.

use crate::theme;
use crate::workbench::Ctx;
use attune_core::run::{data_versions, different_data_words};
use attune_core::train::Difference;
use egui::{RichText, Ui};

/// A line for each thing that is not as one would think; nothing as a rule.
pub(super) fn data_notes_ui(ctx: &Ctx<'_>, ui: &mut Ui) {
    let palette = theme::palette(ui.visuals());
    let selection = &ctx.state.selection;
    let mut notes = Vec::new();
    if let Some(run) = &selection.run {
        let id = run.file_name().unwrap_or_default().to_string_lossy();
        let is_of_here = run.starts_with(ctx.state.workspace.runs());
        for change in ctx.state.runs.data_changes(run) {
            // The data of a run that is watched from here lies where it is trained.
            if !is_of_here && matches!(change.differences[..], [Difference::Gone { .. }]) {
                continue;
            }
            let then = if change.can_go_on() {
                "if it is resumed, it learns from the data as it is now"
            } else {
                "it cannot be resumed with it"
            };
            notes.push((
                format!("{id}: {change}; {then}."),
                change.folder.display().to_string(),
            ));
        }
    }
    let shown = selection.run.iter().chain(&selection.overlays);
    let views = shown.filter_map(|folder| ctx.state.runs.view(folder));
    let data = views.filter_map(|view| {
        let (name, fingerprint) = view.data.clone()?;
        Some((view.id.clone(), name, fingerprint))
    });
    if let Some(words) = different_data_words(&data_versions(data)) {
        let hint = "Told by the fingerprints that the runs have kept of their data sets";
        notes.push((format!("Careful, {words}."), hint.to_owned()));
    }
    for (note, hint) in notes {
        ui.label(RichText::new(note).small().color(palette.warning))
            .on_hover_text(hint);
    }
}
