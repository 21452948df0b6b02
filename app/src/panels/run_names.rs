//! Names of runs in the colours in which they are drawn, on one row however many they are.

use crate::theme;
use egui::{Color32, Label, RichText, Ui, vec2};

/// A name that has no more room than this tells nothing, in points.
const LEAST_NAME: f32 = 70.0;
/// Room for the number of those that are left out, in points.
const MORE: f32 = 80.0;

/// A run or a group of runs that is drawn.
pub(super) struct Name {
    pub(super) text: String,
    /// What is told of it on hover.
    pub(super) hint: String,
    pub(super) color: Color32,
}

/// As many as fit, beside what the row holds already, then how many more there are.
pub(super) fn row_ui(ui: &mut Ui, names: &[Name]) {
    // No wider than the panel: a wider row would push the charts out of sight.
    let fits = |ui: &Ui| ui.available_width() >= LEAST_NAME + MORE;
    let mut n_shown = 0;
    for name in names {
        if !fits(ui) {
            break;
        }
        n_shown += 1;
        let text = RichText::new(&name.text).color(name.color);
        let room = vec2(ui.available_width() - MORE, ui.spacing().interact_size.y);
        ui.allocate_ui(room, |ui| {
            ui.add(Label::new(text).truncate())
                .on_hover_text(&name.hint);
        });
    }
    if names.len() > n_shown {
        let rest = names[n_shown..].iter().map(|name| name.text.as_str());
        let rest = rest.collect::<Vec<_>>().join("\n");
        let text = format!("and {} more", names.len() - n_shown);
        let color = theme::palette(ui.visuals()).weak;
        ui.label(RichText::new(text).small().color(color))
            .on_hover_text(rest);
    }
}
