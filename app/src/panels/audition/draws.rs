//! The view of draws: ten of them side by side, those that were kept, and clips of a run made again.

use super::replay;
use crate::theme;
use crate::widgets::section_heading;
use crate::workbench::parts::audition::{Command, DrawCommand, Heard, N_KEPT, Rolled};
use crate::workbench::{Command as Any, Ctx};
use attune_core::augment::{Draw, Effect, KeptDraw};
use egui::{
    Align2, Button, Color32, Event, Label, Rect, RichText, Role, Sense, Stroke, StrokeKind,
    TextEdit, TextureHandle, TextureOptions, Ui, ViewportCommand, WidgetInfo, pos2, vec2,
};
use std::sync::Arc;

const PICTURE_WIDTH: f32 = 112.0;
const PICTURE_HEIGHT: f32 = 64.0;
const CAPTION_HEIGHT: f32 = 16.0;

/// What the view remembers between frames.
#[derive(Default)]
pub(super) struct State {
    note: String,
    /// The note that is being changed, and its draw's number.
    changing: Option<(usize, String)>,
    pictures: Vec<(Arc<Heard>, TextureHandle)>,
    awaits_paste: bool,
    replay: replay::State,
}

impl State {
    pub(super) fn ui(&mut self, ctx: &Ctx<'_>, ui: &mut Ui) {
        ui.spacing_mut().item_spacing.y = theme::GAP;
        section_heading(ui, "Ten draws");
        self.buttons_ui(ctx, ui);
        self.strip_ui(ctx, ui);
        ui.add_space(theme::GAP);
        section_heading(ui, "Kept draws");
        self.kept_ui(ctx, ui);
        ui.add_space(theme::GAP);
        self.replay.ui(ctx, ui);
    }

    /// The form for clips of a run alone, for where no song is open.
    pub(super) fn replay_ui(&mut self, ctx: &Ctx<'_>, ui: &mut Ui) {
        self.replay.ui(ctx, ui);
    }

    fn buttons_ui(&mut self, ctx: &Ctx<'_>, ui: &mut Ui) {
        let audition = &ctx.state.audition;
        ui.horizontal_wrapped(|ui| {
            let hint = format!(
                "Roll the chain `{}` ten times, at the seeds after the present one, and see all ten",
                audition.chains.name()
            );
            if ui.button("Roll ten").on_hover_text(hint).clicked() {
                send(ctx, Command::Draws(DrawCommand::RollTen));
            }
            let hint = "Copy the draw: effects with their numbers, and the seed. `attune augment --effect` takes the effects.";
            if ui.button("Copy draw").on_hover_text(hint).clicked() {
                ui.ctx().copy_text(audition.draw().to_text());
            }
            let hint = "Use a copied draw, or effects as `attune augment --effect` takes them";
            if ui.button("Paste draw").on_hover_text(hint).clicked() {
                self.awaits_paste = true;
                ui.ctx().send_viewport_cmd(ViewportCommand::RequestPaste);
            }
            let hint = "Write the augmented clip as WAV, and its draw beside it as JSON, into the workspace's exports";
            if ui.button("Export WAV").on_hover_text(hint).clicked() {
                send(ctx, Command::Draws(DrawCommand::Export));
            }
        });
        // Ctrl+V pastes too, unless someone types.
        let someone_types = ui.ctx().egui_wants_keyboard_input();
        self.awaits_paste &= !someone_types;
        if !someone_types {
            let pasted = ui.input(|input| {
                input.events.iter().find_map(|event| match event {
                    Event::Paste(text) => Some(text.clone()),
                    _ => None,
                })
            });
            if let Some(text) = pasted {
                self.awaits_paste = false;
                send(ctx, Command::Draws(DrawCommand::Paste(text)));
            }
        }
    }

    fn strip_ui(&mut self, ctx: &Ctx<'_>, ui: &mut Ui) {
        let palette = theme::palette(ui.visuals());
        let audition = &ctx.state.audition;
        let rolled = audition.draws.rolled();
        if rolled.is_empty() {
            let sentence = match (audition.draws.error(), audition.draws.is_rolling()) {
                (Some(error), _) => error,
                (None, true) => "The draws are being rolled.",
                (None, false) => {
                    "Roll ten, and see what the chain does to this clip: a picture each, a click plays it."
                }
            };
            ui.label(RichText::new(sentence).color(palette.weak));
            return;
        }
        let is_shown = self.pictures.len() == rolled.len()
            && self
                .pictures
                .iter()
                .zip(rolled)
                .all(|((of, _), rolled)| Arc::ptr_eq(of, &rolled.heard));
        if !is_shown {
            // Uploaded once; the pixels were made in the job.
            self.pictures = rolled
                .iter()
                .map(|rolled| {
                    let image = rolled.heard.picture.clone().unwrap_or_default();
                    let name = format!("draw {}", rolled.draw.address.seed);
                    let texture = ui.ctx().load_texture(name, image, TextureOptions::LINEAR);
                    (Arc::clone(&rolled.heard), texture)
                })
                .collect();
        }
        let stands = audition.draw();
        ui.horizontal_wrapped(|ui| {
            for (rolled, (_, texture)) in rolled.iter().zip(&self.pictures) {
                if picture_ui(ui, rolled, texture, stands == rolled.draw) {
                    send(ctx, Command::UseDraw(rolled.draw.clone()));
                    send(ctx, Command::Listen { place: 1 });
                }
            }
        });
    }

    fn kept_ui(&mut self, ctx: &Ctx<'_>, ui: &mut Ui) {
        let palette = theme::palette(ui.visuals());
        let draws = &ctx.state.audition.draws;
        let Some(kept) = draws.kept() else {
            let sentence = draws.error().unwrap_or("The kept draws are being read.");
            ui.label(RichText::new(sentence).color(palette.weak));
            return;
        };
        ui.horizontal(|ui| {
            let field = TextEdit::singleline(&mut self.note)
                .hint_text("Note")
                .desired_width(220.0);
            let field = ui.add(field);
            field.widget_info(|| WidgetInfo::labeled(Role::TextInput, true, "Note to the draw"));
            let entered =
                field.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter));
            let hint = "Keep the draw that stands, with this note, in the workspace (draws.toml)";
            if ui.button("Keep draw").on_hover_text(hint).clicked() || entered {
                let note = std::mem::take(&mut self.note).trim().to_owned();
                send(ctx, Command::Draws(DrawCommand::Keep { note }));
            }
            let undo = Button::new("Undo");
            let hint = "Bring the draw back that was forgotten last";
            if ui
                .add_enabled(draws.can_restore(), undo)
                .on_hover_text(hint)
                .clicked()
            {
                send(ctx, Command::Draws(DrawCommand::Restore));
            }
        });
        if kept.is_empty() {
            let text = "A draw worth remembering is kept here with a note.";
            ui.label(RichText::new(text).color(palette.weak));
        }
        for (idx, kept) in kept.iter().enumerate().rev() {
            ui.horizontal(|ui| self.kept_row_ui(ctx, ui, idx, kept));
        }
    }

    fn kept_row_ui(&mut self, ctx: &Ctx<'_>, ui: &mut Ui, idx: usize, kept: &KeptDraw) {
        let palette = theme::palette(ui.visuals());
        let stands = ctx.state.audition.draw() == kept.draw;
        let play = Button::selectable(stands, "Hear").frame_when_inactive(true);
        let button = |label: &str| {
            let name = format!("{label} kept draw {}", idx + 1);
            WidgetInfo::labeled(Role::Button, true, name)
        };
        let play = ui.add(play);
        play.widget_info(|| button("Hear"));
        if play
            .on_hover_text("Let this draw stand, and play it")
            .clicked()
        {
            send(ctx, Command::UseDraw(kept.draw.clone()));
            send(ctx, Command::Listen { place: 1 });
        }
        for slot in 0..N_KEPT {
            let key = slot + 3;
            let button = ui.small_button(format!("{key}"));
            button.widget_info(|| {
                WidgetInfo::labeled(
                    Role::Button,
                    true,
                    format!("To key {key}: kept draw {}", idx + 1),
                )
            });
            let hint =
                format!("Put it on key {key}, to be compared with the others at the same position");
            if button.on_hover_text(hint).clicked() {
                let draw = Some(kept.draw.clone());
                send(ctx, Command::Keep { slot, draw });
            }
        }
        let forget = ui.button("Forget");
        forget.widget_info(|| button("Forget"));
        if forget
            .on_hover_text("Remove it from the kept draws; Undo brings it back")
            .clicked()
        {
            send(ctx, Command::Draws(DrawCommand::Remove { idx }));
        }
        let mut note = match &self.changing {
            Some((changing, note)) if *changing == idx => note.clone(),
            _ => kept.note.clone(),
        };
        let field = TextEdit::singleline(&mut note)
            .hint_text("no note")
            .desired_width(200.0);
        let field = ui.add(field).on_hover_text("The note; type to change it");
        field.widget_info(|| {
            WidgetInfo::labeled(
                Role::TextInput,
                true,
                format!("Note of kept draw {}", idx + 1),
            )
        });
        if field.changed() {
            self.changing = Some((idx, note));
        } else if field.lost_focus()
            && let Some((idx, note)) = self.changing.take()
        {
            send(ctx, Command::Draws(DrawCommand::Note { idx, note }));
        }
        let effects = in_words(&kept.draw);
        ui.add(Label::new(RichText::new(&effects).small().color(palette.weak)).truncate())
            .on_hover_text(effects);
    }
}

fn send(ctx: &Ctx<'_>, command: Command) {
    ctx.send(Any::Audition(command));
}

/// Effects and numbers of a draw, for hover texts and lists.
fn in_words(draw: &Draw) -> String {
    if draw.effects.is_empty() {
        return format!("seed {}: nothing", draw.address.seed);
    }
    let effects: Vec<String> = draw.effects.iter().map(effect_in_words).collect();
    format!("seed {}: {}", draw.address.seed, effects.join(", "))
}

/// "Pitch shift −300 cents".
fn effect_in_words(effect: &Effect) -> String {
    let kind = effect.kind();
    let mut words = kind.label().to_owned();
    for (value, parameter) in effect.values().into_iter().zip(kind.parameters()) {
        let value = (f64::from(value) * 100.0).round() / 100.0;
        words += &format!(" {value} {}", parameter.unit);
    }
    words
}

/// A picture of a draw; whether it was clicked.
fn picture_ui(ui: &mut Ui, rolled: &Rolled, texture: &TextureHandle, stands: bool) -> bool {
    let palette = theme::palette(ui.visuals());
    let size = vec2(PICTURE_WIDTH, PICTURE_HEIGHT + CAPTION_HEIGHT);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    let words = in_words(&rolled.draw);
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, format!("Draw {words}")));
    if ui.is_rect_visible(rect) {
        let (picture, caption) = rect.split_top_bottom_at_y(rect.top() + PICTURE_HEIGHT);
        let painter = ui.painter_at(rect);
        painter.rect_filled(picture, 0.0, palette.sunken);
        if rolled.heard.picture.is_some() {
            let whole = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
            painter.image(texture.id(), picture, whole, Color32::WHITE);
        }
        if stands || response.hovered() || response.has_focus() {
            let colour = if stands { palette.accent } else { palette.line };
            painter.rect_stroke(picture, 0.0, Stroke::new(2.0, colour), StrokeKind::Inside);
        }
        let n = rolled.draw.effects.len();
        let text = format!(
            "seed {}  ·  {n} effect{}",
            rolled.draw.address.seed,
            if n == 1 { "" } else { "s" }
        );
        let font = egui::TextStyle::Small.resolve(ui.style());
        let colour = if stands { palette.strong } else { palette.weak };
        painter.text(
            caption.left_center(),
            Align2::LEFT_CENTER,
            text,
            font,
            colour,
        );
    }
    response.on_hover_text(words).clicked()
}
