//! A stretch of the clip that repeats: dragged over a picture of it, shaded on all of them, let go with a click or Escape.

use crate::theme;
use crate::timeline::TimeMap;
use crate::workbench::parts::audition::Command;
use crate::workbench::{Command as Any, Ctx};
use egui::{Key, Modifiers, Rect, Response, Stroke, Ui};

/// A shorter stretch is no rhythm any more, in seconds.
const MIN_SECS: f64 = 0.03;
/// Of the clip's length: a loop that reaches so close to both ends is the whole clip.
const WHOLE: f64 = 1e-3;

/// What is being dragged.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Dragging {
    /// On which picture, and from where in the clip, in seconds.
    from: Option<(usize, f64)>,
}

impl Dragging {
    /// Call it with the `response` (sensing clicks and drags) to what is drawn in `area`: a picture of the variant in `place`. A drag repeats a
    /// stretch, a click lets it go and plays from there.
    pub(super) fn ui(
        &mut self,
        ctx: &Ctx<'_>,
        ui: &Ui,
        response: &Response,
        map: &TimeMap,
        area: Rect,
        place: usize,
    ) {
        let Some(clip) = ctx.state.audition.clip() else {
            return;
        };
        let duration_secs = clip.duration_secs();
        let secs_at = |x: f32| map.secs_from_x(x).clamp(0.0, duration_secs);
        let send = |command| ctx.send(Any::Audition(command));
        if response.drag_started() {
            let origin = ui.input(|input| input.pointer.press_origin());
            self.from = origin.map(|origin| (place, secs_at(origin.x)));
        }
        let pointer = response.interact_pointer_pos();
        let dragged =
            self.from
                .filter(|(on, _)| *on == place)
                .zip(pointer)
                .map(|((_, from), pointer)| {
                    let to = secs_at(pointer.x);
                    (from.min(to), from.max(to))
                });
        if response.drag_stopped() {
            self.from = None;
            if let Some(secs) = dragged.filter(|(start, end)| end - start >= MIN_SECS) {
                send(Command::Repeat {
                    place,
                    secs: Some(secs),
                });
            }
        } else if response.clicked()
            && let Some(pointer) = pointer
        {
            send(Command::PlayFrom {
                place,
                at_secs: secs_at(pointer.x),
            });
        }
        let chosen = stretch(ctx, duration_secs);
        if chosen.is_some()
            && !ui.ctx().text_edit_focused()
            && ui.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Escape))
        {
            send(Command::Repeat { place, secs: None });
        }
        if let Some((start, end)) = dragged.or(chosen) {
            let palette = theme::palette(ui.visuals());
            let x = |secs: f64| map.x_from_secs(secs);
            let marked = Rect::from_x_y_ranges(x(start)..=x(end), area.y_range());
            let painter = ui.painter_at(area);
            painter.rect_filled(marked, 0.0, palette.accent.gamma_multiply(0.18));
            for edge in [start, end] {
                painter.vline(x(edge), area.y_range(), Stroke::new(1.0, palette.accent));
            }
        }
    }
}

/// The stretch that repeats, if it is not the whole clip.
fn stretch(ctx: &Ctx<'_>, duration_secs: f64) -> Option<(f64, f64)> {
    let player = &ctx.state.player;
    ctx.state.audition.heard_place(player)?;
    let margin = WHOLE * duration_secs;
    player
        .loop_region()
        .filter(|(start, end)| *start > margin || *end < duration_secs - margin)
}
