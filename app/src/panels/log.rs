//! The Log panel: what happened.

use crate::widgets::empty_state;
use crate::workbench::Ctx;

/// The Log panel's own looks.
#[derive(Debug, Default, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct State {}

impl State {
    /// Draws the panel.
    pub fn ui(&mut self, _ctx: &Ctx<'_>, ui: &mut egui::Ui) {
        empty_state(ui, "Log", "Here will be what happened.", |_| ());
    }
}
