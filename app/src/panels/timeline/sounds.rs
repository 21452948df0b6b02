//! What is listened to of a tag's evidence, and what the model says of it: a line above the transport while it plays.

use crate::theme;
use crate::workbench::parts::timeline::{Command, What};
use crate::workbench::{Command as Any, Ctx};
use attune_core::interpret::FADED_DB;
use egui::{DragValue, Label, RichText, Ui};

/// Moments in a row, at most.
const MOST_MOMENTS: usize = 50;

/// Draws the line, if the player has such a sound.
pub(super) fn sounds_ui(ctx: &Ctx<'_>, n_moments: &mut usize, ui: &mut Ui) {
    let hearing = ctx.state.timeline.hearing();
    let Some((key, what, sounds)) = hearing.current(&ctx.state.player) else {
        return;
    };
    let palette = theme::palette(ui.visuals());
    let hear = |what: What| ctx.send(Any::Timeline(Command::Hear(Box::new(key.clone()), what)));
    ui.horizontal(|ui| {
        let title = format!("Hearing {}:", key.tag());
        ui.label(RichText::new(title).color(palette.strong));
        for (choice, words, hint) in [
            (What::Moments, "moments", "Its strongest moments, one after the other"),
            (What::Evidence, "evidence", "The song with the rest faded down"),
            (What::Without, "without it", "The song with the evidence silent"),
        ] {
            if ui.selectable_label(what == choice, words).on_hover_text(hint).clicked() {
                hear(choice);
            }
        }
        if what == What::Moments {
            let number = DragValue::new(n_moments).range(1..=MOST_MOMENTS).prefix("strongest ");
            let number = ui.add(number).accessible_name("Moments in a row").on_hover_text("How many moments are played in a row");
            if (number.drag_stopped() || number.lost_focus()) && key.n_moments() != *n_moments {
                let key = key.with_moments(*n_moments);
                ctx.send(Any::Timeline(Command::Hear(Box::new(key), what)));
            }
        }
        let back = ui.button("Back to the song");
        if back.on_hover_text("Play the song as it was recorded again").clicked() {
            ctx.send(Any::Timeline(Command::BackToSong));
        }
        if ui.button("Write WAV").on_hover_text("Write these sounds into the workspace's folder of exports").clicked() {
            ctx.send(Any::Timeline(Command::WriteSounds(Box::new(key.clone()))));
        }
        let [whole, kept, without] = sounds.answers;
        let text = format!(
            "p = {whole:.2} as it is, {kept:.2} with the rest faded, {without:.2} without"
        );
        let hint = format!(
            "What the model says of {} in the whole song as it is, with all but {:.0} % of it {:.0} dB down, and with these {:.0} % silent",
            key.tag(),
            100.0 * sounds.share,
            -FADED_DB,
            100.0 * sounds.share,
        );
        ui.add(Label::new(RichText::new(text).color(palette.accent)).truncate())
            .on_hover_text(hint);
    });
}
