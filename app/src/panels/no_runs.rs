//! What panels about runs show while there is no run to show.

use crate::widgets::empty_state;
use egui::Ui;

/// No run is chosen. `what_appears` goes on the sentence: "… appear here".
pub(super) fn none_open_ui<R>(
    ui: &mut Ui,
    what_appears: &str,
    actions_ui: impl FnOnce(&mut Ui) -> R,
) -> R {
    let sentence = format!("Choose a run in the Runs panel, or start a training: {what_appears}.");
    empty_state(ui, "No run is open", &sentence, actions_ui)
}

/// The list of runs has not come in yet.
pub(super) fn reading_ui(ui: &mut Ui) {
    let sentence = "The list is being read from the disk.";
    empty_state(ui, "Reading the runs…", sentence, |ui| drop(ui.spinner()));
}

/// There is none. `sentence`: what they would be good for here.
pub(super) fn none_there_ui(ui: &mut Ui, sentence: &str) {
    empty_state(ui, "No runs yet", sentence, |_| ());
}
