//! The titles of lanes: what they show, their unit or the value under the pointer, and what can be done with a tag.

use super::lane::Lane;
use crate::theme::Palette;
use egui::{
    Label, Rect, Response, RichText, Role, Sense, Shape, Stroke, Ui, UiBuilder, WidgetInfo, vec2,
};

/// What can be asked about a tag at its title.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TagAction {
    /// Show a lane for each method, or for the chosen one only.
    Fold,
    /// Hear its strongest moments in a loop.
    HearMoments,
    /// Hear the song with all but its evidence faded down.
    HearEvidence,
    /// Hear the song without its evidence.
    HearWithout,
    /// Write these sounds.
    WriteSounds,
    /// Test how far its map can be trusted.
    Trust,
}

/// In the menu: action, words, hint.
const MENU: [(TagAction, &str, &str); 5] = [
    (
        TagAction::HearMoments,
        "Hear its strongest moments",
        "One after the other, in a loop: what the tokens hear that speak most for the tag",
    ),
    (
        TagAction::HearEvidence,
        "Hear its evidence, the rest faded down",
        "The song with all but the strongest fifth of the tag's evidence 24 dB down, and the model's answer to it",
    ),
    (
        TagAction::HearWithout,
        "Hear the song without its evidence",
        "The song with the strongest fifth of the tag's evidence silent, and the model's answer to it",
    ),
    (
        TagAction::WriteSounds,
        "Write these sounds as WAV",
        "Into the folder of exports of the workspace",
    ),
    (
        TagAction::Trust,
        "How far to trust its map",
        "Take stretches away in the order of the map, and see whether the answer falls faster than by chance",
    ),
];

/// Title and unit of a lane; while the pointer is over the lanes, the value there instead of the unit. What was asked about the tag.
pub(super) fn title_ui(
    ui: &mut Ui,
    (number, rect): (usize, Rect),
    lane: &dyn Lane,
    hover_secs: Option<f64>,
    palette: &Palette,
) -> Option<(usize, TagAction)> {
    let value = hover_secs.and_then(|secs| lane.readout(secs));
    let mut inside = ui.new_child(UiBuilder::new().max_rect(rect).id_salt(("title", number)));
    inside.set_clip_rect(rect.intersect(ui.clip_rect()));
    inside.spacing_mut().item_spacing = vec2(3.0, 0.0);
    let line = |ui: &mut Ui, text: &str, size: f32, colour| {
        if !text.is_empty() {
            let text = RichText::new(text).size(size).color(colour);
            ui.add(Label::new(text).truncate().selectable(false));
        }
    };
    let mut asked = None;
    match lane.leads() {
        Some((tag, is_unfolded)) => {
            inside.horizontal(|ui| {
                let name = lane.title();
                if fold_ui(ui, is_unfolded, name, palette).clicked() {
                    asked = Some((tag, TagAction::Fold));
                }
                ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                    ui.style_mut().spacing.button_padding = vec2(3.0, 0.0);
                    let menu = ui.menu_button("…", |ui| {
                        for (action, words, hint) in MENU {
                            if ui.button(words).on_hover_text(hint).clicked() {
                                asked = Some((tag, action));
                                ui.close();
                            }
                        }
                    });
                    let about = format!("What can be done with {name}");
                    menu.response
                        .widget_info(|| WidgetInfo::labeled(Role::Button, true, &about));
                    menu.response.on_hover_text(about.as_str());
                    ui.with_layout(egui::Layout::left_to_right(egui::Align::Center), |ui| {
                        line(ui, name, 12.5, palette.strong);
                    });
                });
            });
        }
        None => line(&mut inside, lane.title(), 12.5, palette.strong),
    }
    match value {
        Some(value) => line(&mut inside, &value, 11.0, palette.accent),
        None => line(&mut inside, lane.subtitle(), 11.0, palette.weak),
    }
    asked
}

/// A triangle that points down if the tag's lanes are unfolded.
fn fold_ui(ui: &mut Ui, is_unfolded: bool, tag: &str, palette: &Palette) -> Response {
    let (rect, response) = ui.allocate_exact_size(vec2(10.0, 14.0), Sense::click());
    let centre = rect.center();
    let corners = if is_unfolded {
        [vec2(-4.0, -2.5), vec2(4.0, -2.5), vec2(0.0, 3.5)]
    } else {
        [vec2(-2.5, -4.0), vec2(-2.5, 4.0), vec2(3.5, 0.0)]
    };
    let colour = if response.hovered() {
        palette.accent
    } else {
        palette.weak
    };
    let corners = corners.map(|corner| centre + corner).to_vec();
    ui.painter()
        .add(Shape::convex_polygon(corners, colour, Stroke::NONE));
    let words = if is_unfolded {
        format!("{tag}: only the chosen method")
    } else {
        format!("{tag}: a lane for each method")
    };
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, &words));
    response.on_hover_text(words.as_str())
}
