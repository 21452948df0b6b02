//! The fonts of the window.

use egui::FontDefinitions;

/// The fonts of the window.
pub(super) fn definitions() -> FontDefinitions {
    FontDefinitions::default()
}
