//! The Timeline panel: the explained song.

use crate::widgets::empty_state;
use crate::workbench::Ctx;

/// The Timeline panel's own looks.
#[derive(Debug, Default, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct State {}

impl State {
    /// Draws the panel.
    pub fn ui(&mut self, _ctx: &Ctx<'_>, ui: &mut egui::Ui) {
        empty_state(ui, "Timeline", "Here will be the explained song.", |_| ());
    }
}
