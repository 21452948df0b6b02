//! The fonts of the window: Inter, with digits of equal width, so that numbers that change do not jump. What Inter lacks (a few
//! symbols) comes from egui's own fonts.

use egui::{FontData, FontDefinitions, FontFamily};
use std::sync::Arc;

const REGULAR: &[u8] = include_bytes!("../../../assets/fonts/Inter-Regular.otf");
const STRONG: &[u8] = include_bytes!("../../../assets/fonts/Inter-SemiBold.otf");

/// The family of headings.
pub(super) fn strong() -> FontFamily {
    FontFamily::Name("Strong".into())
}

/// The fonts of the window.
pub(super) fn definitions() -> FontDefinitions {
    let mut fonts = FontDefinitions::default();
    let fallbacks = fonts
        .families
        .get(&FontFamily::Proportional)
        .cloned()
        .unwrap_or_default();
    for (name, bytes) in [("Inter", REGULAR), ("Inter SemiBold", STRONG)] {
        fonts
            .font_data
            .insert(name.to_owned(), Arc::new(FontData::from_static(bytes)));
    }
    let before = |name: &str| {
        let mut names = vec![name.to_owned()];
        names.extend(fallbacks.iter().cloned());
        names
    };
    fonts
        .families
        .insert(FontFamily::Proportional, before("Inter"));
    fonts.families.insert(strong(), before("Inter SemiBold"));
    fonts
}
