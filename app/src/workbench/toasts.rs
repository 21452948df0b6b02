//! Notices in passing, at the lower right: they go by themselves after a while, not while the pointer is on them, or at a
//! click.

use super::command::{Level, Notice};
use crate::theme;
use egui::{Align2, Area, Frame, Id, Label, Margin, Order, RichText, Sense, Stroke, Ui, vec2};
use std::time::Duration;

/// More would hide the work.
const MOST: usize = 4;
/// Width of a toast, in points.
const WIDTH: f32 = 340.0;

struct Toast {
    notice: Notice,
    seconds_left: f32,
}

/// The notices that are shown.
#[derive(Default)]
pub(super) struct Toasts {
    shown: Vec<Toast>,
}

impl Toasts {
    /// Shows one more; the oldest goes if there are too many.
    pub(super) fn add(&mut self, notice: Notice) {
        let seconds_left = match notice.level {
            Level::Info | Level::Success => 4.5,
            Level::Warning => 8.0,
            Level::Error => 15.0,
        };
        self.shown.retain(|toast| toast.notice != notice);
        if self.shown.len() == MOST {
            self.shown.remove(0);
        }
        self.shown.push(Toast {
            notice,
            seconds_left,
        });
    }

    /// Draws them over everything.
    pub(super) fn ui(&mut self, ui: &mut Ui) {
        if self.shown.is_empty() {
            return;
        }
        let palette = theme::palette(ui.visuals());
        let passed = ui.input(|input| input.stable_dt).min(0.1);
        let area = Area::new(Id::unique("toasts"))
            .order(Order::Foreground)
            .anchor(
                Align2::RIGHT_BOTTOM,
                vec2(-12.0, -(theme::STATUS_HEIGHT + 10.0)),
            );
        let held = area.show(ui.ctx(), |ui| {
            ui.set_width(WIDTH);
            ui.spacing_mut().item_spacing.y = 8.0;
            let mut gone = None;
            for (idx, toast) in self.shown.iter().enumerate() {
                let (colour, word) = match toast.notice.level {
                    Level::Info => (palette.accent, "Note"),
                    Level::Success => (palette.good, "Done"),
                    Level::Warning => (palette.warning, "Warning"),
                    Level::Error => (palette.error, "Error"),
                };
                let frame = Frame::popup(ui.style()).inner_margin(Margin {
                    left: 14,
                    right: 10,
                    top: 8,
                    bottom: 8,
                });
                let response = frame
                    .show(ui, |ui| {
                        ui.set_width(WIDTH - 26.0);
                        ui.spacing_mut().item_spacing.y = 2.0;
                        ui.label(RichText::new(word).small().color(colour));
                        let text = RichText::new(&toast.notice.text).color(palette.text);
                        ui.add(Label::new(text).wrap().selectable(false));
                    })
                    .response;
                let bar = response.rect.with_max_x(response.rect.left() + 4.0);
                ui.painter()
                    .rect(bar, 2.0, colour, Stroke::NONE, egui::StrokeKind::Inside);
                let response = response.interact(Sense::click());
                response.widget_info(|| {
                    egui::WidgetInfo::labeled(egui::Role::Button, true, "Dismiss notice")
                });
                if response.on_hover_text("Click to dismiss").clicked() {
                    gone = Some(idx);
                }
            }
            gone
        });
        let pointer_on_it = held.response.contains_pointer();
        if let Some(idx) = held.inner {
            self.shown.remove(idx);
        }
        if !pointer_on_it {
            for toast in &mut self.shown {
                toast.seconds_left -= passed;
            }
        }
        self.shown.retain(|toast| toast.seconds_left > 0.0);
        if let Some(next) = self
            .shown
            .iter()
            .map(|toast| toast.seconds_left)
            .min_by(f32::total_cmp)
        {
            // Time is counted in frames: a few a second are enough.
            let wait = if pointer_on_it {
                0.5
            } else {
                next.clamp(0.02, 0.09)
            };
            ui.ctx()
                .request_repaint_after(Duration::from_secs_f32(wait));
        }
    }
}
