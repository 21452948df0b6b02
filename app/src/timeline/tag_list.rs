//! The list of tags beside the timeline: how probable each is, and which are shown.

use crate::theme;
use egui::{Align2, CornerRadius, FontId, Rect, Role, Sense, Ui, WidgetInfo, pos2, vec2};

/// The looks of the list.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct TagList {
    filter: String,
    order: Order,
}

/// How the tags are ordered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
enum Order {
    #[default]
    Probability,
    Name,
}

impl TagList {
    /// Draws the list of `tags`; gives back the one that was clicked.
    ///
    /// `probabilities` are those of the whole song, `now` those at the play head (drawn as a tick in the bar).
    pub fn ui(
        &mut self,
        ui: &mut Ui,
        tags: &[String],
        probabilities: &[f32],
        now: impl Fn(usize) -> Option<f32>,
        shown: &[String],
    ) -> Option<String> {
        ui.horizontal(|ui| {
            ui.label(egui::RichText::new("Tags").text_style(theme::section()));
            for (order, label, hint) in [
                (
                    Order::Probability,
                    "by p",
                    "Order by probability in the song",
                ),
                (Order::Name, "by name", "Order by name"),
            ] {
                ui.selectable_value(&mut self.order, order, label)
                    .on_hover_text(hint);
            }
        });
        ui.add(
            egui::TextEdit::singleline(&mut self.filter)
                .hint_text("Find a tag")
                .desired_width(f32::INFINITY),
        )
        .accessible_name("Find a tag");
        let wanted = self.filter.to_lowercase();
        let mut idxs: Vec<usize> = (0..tags.len())
            .filter(|&idx| tags[idx].to_lowercase().contains(&wanted))
            .collect();
        match self.order {
            Order::Probability => {
                let p = |idx: usize| probabilities.get(idx).copied().unwrap_or(0.0);
                idxs.sort_by(|&a, &b| p(b).total_cmp(&p(a)));
            }
            Order::Name => idxs.sort_by(|&a, &b| tags[a].cmp(&tags[b])),
        }
        let mut clicked = None;
        ui.spacing_mut().item_spacing.y = 1.0;
        egui::ScrollArea::vertical()
            .id_salt("tags")
            .auto_shrink([false, false])
            .show_rows(ui, theme::ROW_HEIGHT, idxs.len(), |ui, rows| {
                for &idx in idxs.get(rows).unwrap_or_default() {
                    let place = shown.iter().position(|tag| *tag == tags[idx]);
                    let probability = probabilities.get(idx).copied();
                    if row_ui(ui, &tags[idx], probability, now(idx), place) {
                        clicked = Some(tags[idx].clone());
                    }
                }
            });
        clicked
    }
}

/// One tag: a bar as long as its probability, a tick for now, its lanes' colour if it is shown. Whether it was clicked.
fn row_ui(
    ui: &mut Ui,
    tag: &str,
    probability: Option<f32>,
    now: Option<f32>,
    place: Option<usize>,
) -> bool {
    let palette = theme::palette(ui.visuals());
    let size = vec2(ui.available_width(), theme::ROW_HEIGHT);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    let is_shown = place.is_some();
    response.widget_info(|| WidgetInfo::selected(Role::CheckBox, true, is_shown, tag));
    let painter = ui.painter_at(rect);
    let corner = CornerRadius::same(theme::CORNER);
    let ground = match (is_shown, response.hovered()) {
        (true, _) => palette.chosen,
        (false, true) => palette.raised,
        (false, false) => palette.panel,
    };
    painter.rect_filled(rect, corner, ground);
    let bar = Rect::from_min_max(
        pos2(rect.left() + 8.0, rect.bottom() - 4.0),
        rect.max - vec2(8.0, 2.0),
    );
    let colour = place.map_or(palette.weak, |place| palette.of_series(place));
    painter.rect_filled(bar, 1.0, palette.line);
    if let Some(probability) = probability {
        let mut filled = bar;
        filled.set_width(bar.width() * probability.clamp(0.0, 1.0));
        painter.rect_filled(filled, 1.0, colour);
        painter.text(
            pos2(rect.right() - 8.0, rect.center().y - 2.0),
            Align2::RIGHT_CENTER,
            format!("{probability:.2}"),
            FontId::monospace(11.0),
            palette.text,
        );
    }
    if let Some(now) = now {
        let x = bar.left() + bar.width() * now.clamp(0.0, 1.0);
        let tick = Rect::from_min_max(
            pos2(x - 1.0, bar.top() - 2.0),
            pos2(x + 1.0, bar.bottom() + 1.0),
        );
        painter.rect_filled(tick, 0.0, palette.play_head);
    }
    let name = Rect::from_min_max(rect.min + vec2(8.0, 0.0), rect.max - vec2(44.0, 3.0));
    ui.painter_at(name).text(
        name.left_center(),
        Align2::LEFT_CENTER,
        tag,
        FontId::proportional(12.5),
        if is_shown {
            palette.strong
        } else {
            palette.text
        },
    );
    response
        .on_hover_text(if is_shown {
            format!("Hide the lanes of {tag}")
        } else {
            format!("Show the lanes of {tag}")
        })
        .clicked()
}
