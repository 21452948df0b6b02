//! Choosing what lies on which axis.

use super::shown::Shown;
use super::{State, View};
use crate::theme::{self, ColourMap, map_colour};
use attune_core::run::{Field, FieldAxis};
use egui::containers::menu::{MenuButton, MenuConfig};
use egui::{ComboBox, PopupCloseBehavior, Rect, RichText, ScrollArea, Sense, Ui, pos2, vec2};

impl State {
    pub(super) fn choices_ui(&mut self, ui: &mut Ui, shown: &Shown) {
        match self.view {
            View::Parallel => self.axes_menu_ui(ui, shown),
            View::Scatter => {
                let (mut x, mut y) = (shown.x.field.clone(), shown.y.field.clone());
                if field_ui(ui, "x", "Horizontal axis", &mut x, &shown.fields) {
                    self.x = Some(x);
                }
                if field_ui(ui, "y", "Vertical axis", &mut y, &shown.fields) {
                    self.y = y;
                }
            }
        }
        field_ui(
            ui,
            "Colour",
            "What the colours mean",
            &mut self.colour,
            &shown.fields,
        );
    }

    fn axes_menu_ui(&mut self, ui: &mut Ui, shown: &Shown) {
        let stays = MenuConfig::new().close_behavior(PopupCloseBehavior::CloseOnClickOutside);
        let (menu, _) = MenuButton::new("Axes").config(stays).ui(ui, |ui| {
            ui.set_min_width(220.0);
            let usual = ui
                .button("The usual axes")
                .on_hover_text("The settings that differ, and the scores at the best checkpoint");
            if usual.clicked() {
                self.axes.clear();
            }
            ui.separator();
            let mut axes: Vec<Field> = shown.axes.iter().map(|axis| axis.field.clone()).collect();
            ScrollArea::vertical().max_height(360.0).show(ui, |ui| {
                for field in &shown.fields {
                    let mut is_on = axes.contains(field);
                    let tick = ui.checkbox(&mut is_on, field.label());
                    if tick.on_hover_text(field.about()).changed() {
                        if is_on {
                            axes.push(field.clone());
                        } else if axes.len() > 1 {
                            axes.retain(|other| other != field);
                        }
                        self.axes.clone_from(&axes);
                    }
                }
            });
        });
        menu.on_hover_text(
            "Which settings and scores have an axis. Drag an axis by its name to move it",
        );
    }
}

/// Chooses one field. Whether another was chosen.
fn field_ui(ui: &mut Ui, name: &str, hint: &str, field: &mut Field, fields: &[Field]) -> bool {
    let before = field.clone();
    let label = format!("{name}: {}", field.label());
    let combo = ComboBox::from_id_salt(("parameters", name))
        .selected_text(label)
        .width(130.0)
        .height(360.0)
        .show_ui(ui, |ui| {
            for other in fields {
                ui.selectable_value(field, other.clone(), other.label())
                    .on_hover_text(other.about());
            }
        });
    combo.response.on_hover_text(hint);
    *field != before
}

/// The colours with what the ends of their scale mean.
pub(super) fn colour_scale_ui(ui: &mut Ui, axis: &FieldAxis) {
    let palette = theme::palette(ui.visuals());
    let end = |ui: &mut Ui, place: f64| {
        let text = RichText::new(axis.text_at(place)).small();
        ui.label(text.color(palette.weak));
    };
    if axis.places.iter().all(Option::is_none) {
        ui.label(RichText::new("no run has it").small().color(palette.weak));
        return;
    }
    end(ui, 0.0);
    let (rect, _) = ui.allocate_exact_size(vec2(64.0, 9.0), Sense::hover());
    let n = 32;
    for part in 0..n {
        let share = part as f32 / (n - 1) as f32;
        let left = rect.left() + rect.width() * part as f32 / n as f32;
        let piece = Rect::from_min_size(
            pos2(left, rect.top()),
            vec2(rect.width() / n as f32 + 0.5, rect.height()),
        );
        let colour = map_colour(ColourMap::Viridis, 0.12 + 0.76 * share);
        ui.painter().rect_filled(piece, 0.0, colour);
    }
    end(ui, 1.0);
}
