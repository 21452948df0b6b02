//! The form that names a training clip of a run, to be made again and heard.

use crate::theme;
use crate::widgets::section_heading;
use crate::workbench::parts::audition::{Command, ReplayCommand};
use crate::workbench::{Command as Any, Ctx};
use attune_core::train::ReplayOf;
use egui::{Button, ComboBox, DragValue, RichText, Role, TextEdit, Ui, WidgetInfo};
use std::path::Path;

/// Tracks that the list offers at most.
const MAX_OFFERED: usize = 12;

/// What the form remembers between frames.
#[derive(Debug, Default)]
pub(super) struct State {
    /// From 1, as people count.
    epoch: u32,
    visit: u32,
    track: String,
}

impl State {
    pub(super) fn ui(&mut self, ctx: &Ctx<'_>, ui: &mut Ui) {
        let palette = theme::palette(ui.visuals());
        section_heading(ui, "Replay a training clip");
        if let Some(replayed) = ctx.state.audition.replays.shown() {
            let replay = &replayed.replay;
            let start_secs = replay.start_sample as f64 / f64::from(replay.rate_hz);
            ui.horizontal_wrapped(|ui| {
                ui.label(format!(
                    "This is the clip that {} got in epoch {}: {} from {start_secs:.2} s{}",
                    name_of(&replay.of.run),
                    replay.of.epoch + 1,
                    replay.of.track,
                    match replay.draw {
                        Some(_) => ", augmented as then.",
                        None => ", as it is: the run does not augment.",
                    },
                ));
                let hint = "Let the song stand in its place again";
                if ui.button("Back to the song").on_hover_text(hint).clicked() {
                    send(ctx, ReplayCommand::Leave);
                }
            });
            if !replay.tags.is_empty() {
                let tags = format!("Labels: {}", replay.tags.join(", "));
                ui.label(RichText::new(tags).small().color(palette.weak));
            }
        }
        let Some(run) = &ctx.state.selection.run else {
            let text = "Choose a run in the Runs panel: any clip that its network got can be made again, to the bit, and heard here.";
            ui.label(RichText::new(text).color(palette.weak));
            return;
        };
        let replays = &ctx.state.audition.replays;
        if !replays.has_asked(run) {
            send(ctx, ReplayCommand::Tracks { run: run.clone() });
        }
        let tracks: &[String] = replays.tracks(run).map_or(&[], |tracks| tracks);
        self.epoch = self.epoch.max(1);
        ui.horizontal_wrapped(|ui| {
            ui.label(RichText::new(name_of(run)).strong())
                .on_hover_text(run.display().to_string());
            let field = DragValue::new(&mut self.epoch).range(1..=u32::MAX).prefix("epoch ");
            ui.add(field)
                .on_hover_text("The epoch, from 1 to the last that the run may have, also one that it has not come to yet")
                .widget_info(|| WidgetInfo::labeled(Role::SpinButton, true, "Epoch of the clip"));
            let field = DragValue::new(&mut self.visit).prefix("visit ");
            ui.add(field)
                .on_hover_text("How often the track had come before in that epoch: 0 unless a noisy student goes round its shorter stream")
                .widget_info(|| WidgetInfo::labeled(Role::SpinButton, true, "Visit of the clip"));
            let field = TextEdit::singleline(&mut self.track)
                .hint_text("track")
                .desired_width(140.0);
            ui.add(field)
                .on_hover_text("Id of a track that the run learns from")
                .widget_info(|| WidgetInfo::labeled(Role::TextInput, true, "Track of the clip"));
            let found: Vec<&String> = tracks
                .iter()
                .filter(|track| track.contains(self.track.trim()))
                .collect();
            let combo = ComboBox::from_id_salt("replay track")
                .width(24.0)
                .selected_text(format!("{} tracks", found.len()))
                .show_ui(ui, |ui| {
                    for track in found.iter().take(MAX_OFFERED) {
                        if ui.selectable_label(**track == self.track, *track).clicked() {
                            self.track.clone_from(track);
                        }
                    }
                    if found.len() > MAX_OFFERED {
                        ui.weak(format!("{} more: type a part of the name", found.len() - MAX_OFFERED));
                    }
                });
            combo
                .response
                .widget_info(|| WidgetInfo::labeled(Role::ComboBox, true, "Tracks of the run"));
            let is_known = tracks.iter().any(|track| track == self.track.trim());
            let hear = Button::new("Hear the clip");
            let hint = "Cut and augment it as the run did, and let it stand in the place of the song";
            let is_busy = replays.is_busy();
            if ui
                .add_enabled(is_known && !is_busy, hear)
                .on_hover_text(hint)
                .on_disabled_hover_text("Choose a track that the run learns from")
                .clicked()
            {
                send(
                    ctx,
                    ReplayCommand::Hear(ReplayOf {
                        run: run.clone(),
                        epoch: self.epoch - 1,
                        visit: self.visit,
                        track: self.track.trim().to_owned(),
                    }),
                );
            }
            if is_busy {
                ui.spinner();
            }
        });
        if let Some(error) = replays.error() {
            ui.colored_label(palette.error, error);
        }
    }
}

fn name_of(run: &Path) -> String {
    run.file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default()
}

fn send(ctx: &Ctx<'_>, command: ReplayCommand) {
    ctx.send(Any::Audition(Command::Replay(command)));
}
