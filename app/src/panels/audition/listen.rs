//! What to hear: the variants of the clip with their keys, how loud each is played, and draws to keep for comparison.

use crate::theme;
use crate::widgets::speed_ui;
use crate::workbench::parts::audition::{Command, N_KEPT, PLACES};
use crate::workbench::{Command as Any, Ctx, Select, UiCommand};
use egui::{Button, Checkbox, RichText, Role, Ui, WidgetInfo};

/// Width of a variant's button, in points, so that the gains stand below one another.
const BUTTON_WIDTH: f32 = 92.0;

/// Draws the section.
pub(super) fn listen_ui(ctx: &Ctx<'_>, ui: &mut Ui) {
    let audition = &ctx.state.audition;
    let matches_loudness = !ctx.state.selection.levels_as_they_are;
    let gains = audition.gains_db(matches_loudness);
    for place in 0..2 {
        ui.horizontal(|ui| variant_ui(ctx, ui, place, gains[place]));
    }
    for slot in 0..N_KEPT {
        ui.horizontal(|ui| kept_ui(ctx, ui, slot, gains[2 + slot]));
    }
    let mut matched = matches_loudness;
    let hint = "Play all variants as loud as the original (ITU-R BS.1770), because the louder one of two always seems the better one. A softer \
                variant is turned up as far as its peak allows without clipping; where that is not enough, the others are turned down.";
    if ui
        .add(Checkbox::new(&mut matched, "Same loudness"))
        .on_hover_text(hint)
        .changed()
    {
        ctx.send(Select::LevelsAsTheyAre(!matched));
    }
    ui.horizontal(|ui| {
        let hint = "Play or pause (Space)";
        if ui.button("Play or pause").on_hover_text(hint).clicked() {
            if audition.is_listening(&ctx.state.player) {
                ctx.send(UiCommand::TogglePlay);
            } else {
                ctx.send(Any::Audition(Command::Listen { place: 1 }));
            }
        }
        speed_ui(ui, &ctx.state.player);
    });
}

/// The button that plays a variant, and its gain.
fn variant_ui(ctx: &Ctx<'_>, ui: &mut Ui, place: usize, gain_db: Option<f32>) {
    let is_heard = ctx.state.audition.heard_place(&ctx.state.player) == Some(place);
    let button = Button::selectable(is_heard, PLACES[place])
        .frame_when_inactive(true)
        .min_size(egui::vec2(BUTTON_WIDTH, 0.0));
    let hint = format!(
        "Hear this variant of the clip, in a loop. {} switches to it at the same position.",
        place + 1
    );
    if ui.add(button).on_hover_text(hint).clicked() {
        ctx.send(Any::Audition(Command::Listen { place }));
    }
    let Some(gain_db) = gain_db else { return };
    let text = gain_text(gain_db);
    let label = RichText::new(&text)
        .text_style(theme::figures())
        .color(theme::palette(ui.visuals()).weak);
    let label = ui
        .label(label)
        .on_hover_text("By how much it is turned up or down when it is heard. The file and the model get it as it is.");
    label.widget_info(|| {
        WidgetInfo::labeled(
            Role::Label,
            true,
            format!("{} heard at {text}", PLACES[place]),
        )
    });
}

/// A place for a draw: what plays it, and what fills or frees it.
fn kept_ui(ctx: &Ctx<'_>, ui: &mut Ui, slot: usize, gain_db: Option<f32>) {
    let place = 2 + slot;
    let keep = |draw| ctx.send(Any::Audition(Command::Keep { slot, draw }));
    let Some(draw) = ctx.state.audition.kept(slot) else {
        let button =
            Button::new(format!("Keep as {}", place + 1)).min_size(egui::vec2(BUTTON_WIDTH, 0.0));
        let hint = format!(
            "Keep the effects as they are now, to compare others with them: {} plays them.",
            place + 1
        );
        if ui.add(button).on_hover_text(hint).clicked() {
            keep(Some(ctx.state.audition.draw()));
        }
        return;
    };
    variant_ui(ctx, ui, place, gain_db);
    let effects: Vec<String> = draw.effects.iter().map(ToString::to_string).collect();
    let effects = if effects.is_empty() {
        "no effects".to_owned()
    } else {
        effects.join(" ")
    };
    let edit = ui
        .button("Edit")
        .on_hover_text(format!("Set the effects to these again: {effects}"));
    edit.widget_info(|| WidgetInfo::labeled(Role::Button, true, format!("Edit {}", PLACES[place])));
    if edit.clicked() {
        ctx.send(Any::Audition(Command::UseDraw(draw.clone())));
    }
    let free = ui.button("×").on_hover_text("Let this draw go.");
    free.widget_info(|| WidgetInfo::labeled(Role::Button, true, format!("Free {}", PLACES[place])));
    if free.clicked() {
        keep(None);
    }
}

/// "+3.0 dB", with a real minus sign.
fn gain_text(gain_db: f32) -> String {
    // What rounds to zero has no sign.
    let tenths = (gain_db * 10.0).round() / 10.0;
    let sign = if tenths < 0.0 { "−" } else { "+" };
    format!("{sign}{:.1} dB", tenths.abs())
}

#[cfg(test)]
mod tests {
    use super::gain_text;

    #[test]
    fn gains_have_a_sign_and_a_unit() {
        assert_eq!(gain_text(-3.04), "−3.0 dB");
        assert_eq!(gain_text(-0.01), "+0.0 dB");
        assert_eq!(gain_text(12.26), "+12.3 dB");
    }
}
