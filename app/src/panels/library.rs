//! The Library panel: data sets and their tracks.

use crate::widgets::empty_state;
use crate::workbench::Ctx;

/// The Library panel's own looks.
#[derive(Debug, Default, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct State {}

impl State {
    /// Draws the panel.
    pub fn ui(&mut self, _ctx: &Ctx<'_>, ui: &mut egui::Ui) {
        empty_state(
            ui,
            "Library",
            "Here will be data sets and their tracks.",
            |_| (),
        );
    }
}

/// A menu of the known data sets, for the Training panel. Calls `choose` with the folder of the one that was clicked.
pub fn choose_ui(_ctx: &Ctx<'_>, _ui: &mut egui::Ui, _choose: impl FnOnce(std::path::PathBuf)) {}
