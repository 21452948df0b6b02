//! The Curves panel: curves of runs.

use crate::widgets::empty_state;
use crate::workbench::Ctx;

/// The Curves panel's own looks.
#[derive(Debug, Default, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct State {}

impl State {
    /// Draws the panel.
    pub fn ui(&mut self, _ctx: &Ctx<'_>, ui: &mut egui::Ui) {
        empty_state(ui, "Curves", "Here will be curves of runs.", |_| ());
    }
}
