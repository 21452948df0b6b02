//! The blind test: choose two variants, hear A, B and X, say what X is, and see whether that was more than luck.

use crate::theme;
use crate::widgets::section_heading;
use crate::workbench::parts::audition::abx::{Answer, Command, MAX_TRIALS, Sound};
use crate::workbench::parts::audition::{Abx, Command as Audition, PLACES};
use crate::workbench::{Command as Any, Ctx};
use egui::{Button, ComboBox, DragValue, RichText, Role, Ui, WidgetInfo};

/// Trials to begin with: 12 right answers of 16 are rarer than one in twenty by chance.
const USUAL_TRIALS: usize = 16;

/// What was chosen for the next test.
#[derive(Clone, Copy, Debug, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub(super) struct Test {
    places: [usize; 2],
    n_trials: usize,
}

impl Default for Test {
    fn default() -> Self {
        Self {
            places: [0, 1],
            n_trials: USUAL_TRIALS,
        }
    }
}

fn send(ctx: &Ctx<'_>, command: Command) {
    ctx.send(Any::Audition(Audition::Test(command)));
}

impl Test {
    /// Draws the view.
    pub(super) fn ui(&mut self, ctx: &Ctx<'_>, ui: &mut Ui) {
        let palette = theme::palette(ui.visuals());
        let about = "Can you hear the difference? X is secretly A or B, anew in each trial. Switch as often as you like, then say which it is.";
        ui.label(RichText::new(about).color(palette.weak));
        ui.add_space(theme::GAP);
        match ctx.state.audition.test() {
            None => self.choice_ui(ctx, ui),
            Some(test) => running_ui(ctx, ui, test),
        }
    }

    fn choice_ui(&mut self, ctx: &Ctx<'_>, ui: &mut Ui) {
        let is_there = ctx
            .state
            .audition
            .gains_db(false)
            .map(|gain| gain.is_some());
        ui.horizontal(|ui| {
            for (name, place) in ["A", "B"].into_iter().zip(&mut self.places) {
                ui.label(name);
                let chosen = PLACES.get(*place).copied().unwrap_or_default();
                let combo = ComboBox::from_id_salt(("blind test", name))
                    .selected_text(chosen)
                    .show_ui(ui, |ui| {
                        for (idx, label) in PLACES.into_iter().enumerate() {
                            if is_there[idx] {
                                ui.selectable_value(place, idx, label);
                            }
                        }
                    });
                combo.response.widget_info(|| {
                    WidgetInfo::labeled(Role::ComboBox, true, format!("Variant that is {name}"))
                });
                combo
                    .response
                    .on_hover_text("One of the two variants to tell apart; more are there once you keep draws");
            }
            ui.label("Trials");
            let trials = ui
                .add(DragValue::new(&mut self.n_trials).range(1..=MAX_TRIALS).speed(0.1))
                .on_hover_text("How often you are asked. With 16 trials, 12 right answers come by chance in 4 of 100 tests.");
            trials.widget_info(|| WidgetInfo::labeled(Role::SpinButton, true, "Trials of the blind test"));
        });
        let [a, b] = self.places;
        let can_start = a != b
            && [a, b]
                .iter()
                .all(|place| is_there.get(*place) == Some(&true));
        let start = ui
            .add_enabled(can_start, Button::new("Start the blind test"))
            .on_hover_text("Plays A, from where the play head stands in the clip")
            .on_disabled_hover_text("Choose two different variants");
        if start.clicked() {
            let (places, n_trials) = (self.places, self.n_trials);
            send(ctx, Command::Start { places, n_trials });
        }
    }
}

fn running_ui(ctx: &Ctx<'_>, ui: &mut Ui, test: &Abx) {
    let palette = theme::palette(ui.visuals());
    let [a, b] = &test.names;
    let heading = if test.is_finished() {
        "Finished".to_owned()
    } else {
        format!("Trial {} of {}", test.n_answered() + 1, test.n_trials())
    };
    section_heading(ui, &heading);
    ui.label(RichText::new(format!("A: {a}. B: {b}.")).color(palette.weak));
    let heard = ctx.state.audition.heard_in_test(&ctx.state.player);
    ui.horizontal(|ui| {
        for (idx, sound) in Sound::ALL.into_iter().enumerate() {
            let name = sound.name();
            let button = Button::selectable(heard == Some(sound), name)
                .frame_when_inactive(true)
                .min_size(egui::vec2(64.0, 0.0));
            let hint = format!("Hear {name} from the same position ({})", idx + 1);
            let button = ui
                .add_enabled(!test.is_finished(), button)
                .on_hover_text(hint);
            button.widget_info(|| WidgetInfo::labeled(Role::Button, true, format!("Hear {name}")));
            if button.clicked() {
                send(ctx, Command::Hear(sound));
            }
        }
    });
    ui.horizontal(|ui| {
        for (label, answer) in [("X is A", Answer::A), ("X is B", Answer::B)] {
            let button = ui
                .add_enabled(!test.is_finished(), Button::new(label))
                .on_hover_text("An answer stands: there is no going back");
            if button.clicked() {
                send(ctx, Command::Say(answer));
            }
        }
    });
    ui.add_space(theme::GAP);
    match test.result() {
        Some(result) => {
            ui.label(RichText::new(result).strong()).on_hover_text(
                "p is how often somebody who hears no difference would do as well or better, by guessing",
            );
        }
        None => {
            let text = format!(
                "{} answered. The score is shown at the end.",
                test.n_answered()
            );
            ui.label(RichText::new(text).color(palette.weak));
        }
    }
    ui.horizontal(|ui| {
        if test.score().is_none() {
            let hint = "Show the score now. That is noted in the result: who stops when it looks good proves less.";
            if ui.button("Show the score").on_hover_text(hint).clicked() {
                send(ctx, Command::Look);
            }
        }
        if let Some(csv) = test.csv() {
            let hint = "Copy the score and all trials as CSV";
            if ui.button("Copy the result").on_hover_text(hint).clicked() {
                ui.ctx().copy_text(csv);
            }
        }
        let label = if test.is_finished() { "New test" } else { "Stop the test" };
        let hint = "Forget this test and go back to the variants";
        if ui.button(label).on_hover_text(hint).clicked() {
            send(ctx, Command::End);
        }
    });
}
