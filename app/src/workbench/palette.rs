//! The command palette: type a few letters, press Enter.

use super::ctx::Ctx;
use super::ui_command::UiCommand;
use crate::theme;
use crate::widgets::dialog;
use egui::{Align2, Area, Key, Modifiers, RichText, ScrollArea, TextEdit, Ui, Vec2};

/// The open palette.
#[derive(Debug, Default)]
pub(super) struct Palette {
    typed: String,
    chosen: usize,
}

/// What became of it in this frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Open,
    Close,
}

impl Palette {
    /// Draws the palette over everything.
    pub(super) fn ui(&mut self, ctx: &Ctx<'_>, ui: &mut Ui) -> Outcome {
        let place = |area: Area| area.anchor(Align2::CENTER_TOP, Vec2::new(0.0, 80.0));
        let modal = dialog(ui.ctx(), "palette", place, |ui| {
            ui.set_width(460.0);
            self.contents_ui(ctx, ui)
        });
        if modal.should_close() {
            Outcome::Close
        } else {
            modal.inner
        }
    }

    fn contents_ui(&mut self, ctx: &Ctx<'_>, ui: &mut Ui) -> Outcome {
        // Taken before the field: it would only let go of the focus, and get it back at once.
        if ui.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Escape)) {
            return Outcome::Close;
        }
        let (up, down, enter) = ui.input_mut(|input| {
            (
                input.consume_key(Modifiers::NONE, Key::ArrowUp),
                input.consume_key(Modifiers::NONE, Key::ArrowDown),
                input.consume_key(Modifiers::NONE, Key::Enter),
            )
        });
        let field = ui.add(
            TextEdit::singleline(&mut self.typed)
                .hint_text("Type a command")
                .desired_width(f32::INFINITY),
        );
        field.widget_info(|| egui::WidgetInfo::labeled(egui::Role::TextInput, true, "Command"));
        field.request_focus();
        if field.changed() {
            self.chosen = 0;
        }
        let found = find(&self.typed);
        let last = found.len().saturating_sub(1);
        if up {
            self.chosen = if self.chosen == 0 {
                last
            } else {
                self.chosen - 1
            };
        }
        if down {
            self.chosen = if self.chosen >= last {
                0
            } else {
                self.chosen + 1
            };
        }
        self.chosen = self.chosen.min(last);
        if enter {
            if let Some(command) = found.get(self.chosen) {
                ctx.send(*command);
            }
            return Outcome::Close;
        }
        let mut outcome = Outcome::Open;
        let palette = theme::palette(ui.visuals());
        ui.add_space(4.0);
        ScrollArea::vertical()
            .max_height(320.0)
            .min_scrolled_height(320.0)
            .auto_shrink([false, true])
            .show(ui, |ui| {
                ui.spacing_mut().item_spacing.y = 2.0;
                for (idx, command) in found.iter().enumerate() {
                    let chosen = idx == self.chosen;
                    let button = egui::Button::selectable(chosen, command.label())
                        .shortcut_text(
                            RichText::new(command.shortcut_text(ui.ctx())).color(palette.weak),
                        )
                        .min_size(Vec2::new(ui.available_width(), 24.0));
                    let response = ui.add(button).on_hover_text(command.tooltip());
                    if chosen && (up || down) {
                        response.scroll_to_me(None);
                    }
                    if response.clicked() {
                        ctx.send(*command);
                        outcome = Outcome::Close;
                    }
                }
                if found.is_empty() {
                    ui.label(RichText::new("No command matches.").color(palette.weak));
                }
            });
        outcome
    }
}

/// Commands whose label holds the typed letters in order, the best match first.
fn find(typed: &str) -> Vec<UiCommand> {
    let mut found: Vec<_> = UiCommand::all()
        .filter(|command| *command != UiCommand::Palette)
        .filter_map(|command| Some((score(typed, command.label())?, command)))
        .collect();
    found.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
    found.into_iter().map(|(_, command)| command).collect()
}

/// How well `label` matches; `None` if it lacks a letter. Starts of words and runs of letters count more.
fn score(typed: &str, label: &str) -> Option<i32> {
    let label: Vec<char> = label.to_lowercase().chars().collect();
    let mut at = 0;
    let mut score = 0;
    let mut last = None;
    for letter in typed.to_lowercase().chars().filter(|c| !c.is_whitespace()) {
        let found = at + label[at..].iter().position(|c| *c == letter)?;
        let starts_word = found == 0 || label[found - 1] == ' ';
        score += 1
            + i32::from(starts_word) * 4
            + i32::from(last.is_some_and(|last| last + 1 == found)) * 3;
        last = Some(found);
        at = found + 1;
    }
    Some(score * 8 - label.len() as i32 / 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_letters_find_the_command() {
        for (typed, command) in [
            ("snap", UiCommand::Snapshot),
            ("start tr", UiCommand::StartTraining),
            ("sht", UiCommand::Help),
            ("dark", UiCommand::ToggleTheme),
        ] {
            if typed == "sht" {
                assert!(find(typed).contains(&command));
            } else {
                assert_eq!(find(typed)[0], command, "{typed}");
            }
        }
        assert!(find("xyzzy").is_empty());
        assert_eq!(find("").len(), UiCommand::all().count() - 1);
    }
}
