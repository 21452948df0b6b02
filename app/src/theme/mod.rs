//! Colours and spacings; they live here only.
//!
//! Two looks, dark and light, made of one set of roles ([`Palette`]): panels ask for a role ("validation", "play head"),
//! never for a colour. The hues are few: one accent for what can be acted on, and a series of eight that stay apart for
//! people with colour-blindness (after Okabe and Ito), for curves and tags.

mod colour_map;
mod fonts;
mod palette;
mod style;

pub use colour_map::{ColourMap, map_colour};
pub use palette::{Palette, palette, palette_of};
pub use style::{apply, set_theme};

/// A colour of the window in a figure for paper.
pub fn on_paper(colour: egui::Color32) -> attune_core::figure::Colour {
    attune_core::figure::Colour([colour.r(), colour.g(), colour.b()])
}

/// Between two things that belong together, in points.
pub const GAP: f32 = 6.0;
/// Between two groups, in points.
pub const GROUP_GAP: f32 = 12.0;
/// Inside the border of a panel, in points.
pub const PANEL_MARGIN: f32 = 10.0;
/// Height of a row in tables and lists, in points.
pub const ROW_HEIGHT: f32 = 22.0;
/// Height of the status bar, in points.
pub const STATUS_HEIGHT: f32 = 24.0;
/// Corner radius of buttons, fields and cards, in points.
pub const CORNER: u8 = 4;
/// Width of a curve, in points.
pub const CURVE_WIDTH: f32 = 1.5;

/// Text style of headings of groups within a panel.
pub fn section() -> egui::TextStyle {
    egui::TextStyle::Name("Section".into())
}

/// Text style of figures whose digits stand in columns.
pub fn figures() -> egui::TextStyle {
    egui::TextStyle::Name("Figures".into())
}

/// Text style of the one big number or line on a card.
pub fn display() -> egui::TextStyle {
    egui::TextStyle::Name("Display".into())
}
