//! The Runs panel: runs on disk.

use crate::widgets::empty_state;
use crate::workbench::Ctx;

/// The Runs panel's own looks.
#[derive(Debug, Default, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct State {}

impl State {
    /// Draws the panel.
    pub fn ui(&mut self, _ctx: &Ctx<'_>, ui: &mut egui::Ui) {
        empty_state(ui, "Runs", "Here will be runs on disk.", |_| ());
    }
}
