//! The Tags panel: scores tag by tag.

use crate::widgets::empty_state;
use crate::workbench::Ctx;

/// The Tags panel's own looks.
#[derive(Debug, Default, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct State {}

impl State {
    /// Draws the panel.
    pub fn ui(&mut self, _ctx: &Ctx<'_>, ui: &mut egui::Ui) {
        empty_state(ui, "Tags", "Here will be scores tag by tag.", |_| ());
    }
}
