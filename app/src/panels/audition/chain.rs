//! The view in which a chain is edited: its steps in their order, how often each applies, what may apply then, and from which ranges.

use crate::theme;
use crate::widgets::{card, section_heading};
use crate::workbench::parts::audition::{ChainCommand, Command};
use crate::workbench::{Command as Any, Ctx};
use attune_core::augment::{Chain, Choice, Kind, Origin, Parameter, Range, Step};
use egui::{
    Button, Checkbox, DragValue, Response, RichText, Role, Slider, TextEdit, Ui, WidgetInfo,
};

/// What the view remembers between frames.
#[derive(Debug, Default)]
pub(super) struct State {
    name: String,
}

/// A change to the chain, gathered while it is drawn.
struct Editor {
    chain: Chain,
    /// Something has changed.
    is_changed: bool,
    /// It is the next bit of a change that has begun before, so that one drag is one step back.
    goes_on: bool,
}

/// What is to become of a step.
enum Move {
    Up,
    Down,
    Out,
}

impl Editor {
    fn note(&mut self, response: &Response) {
        if response.changed() {
            self.is_changed = true;
            self.goes_on |= response.dragged() && !response.drag_started();
        }
    }

    fn steps_ui(&mut self, ui: &mut Ui) {
        let mut moved = None;
        for number in 0..self.chain.steps.len() {
            card(ui, |ui| {
                ui.set_min_width(ui.available_width());
                if let Some(change) = self.step_ui(ui, number) {
                    moved = Some((number, change));
                }
            });
        }
        let steps = &mut self.chain.steps;
        match moved {
            Some((at, Move::Up)) => steps.swap(at - 1, at),
            Some((at, Move::Down)) => steps.swap(at, at + 1),
            Some((at, Move::Out)) => drop(steps.remove(at)),
            None => return,
        }
        self.is_changed = true;
    }

    fn step_ui(&mut self, ui: &mut Ui, number: usize) -> Option<Move> {
        let n_steps = self.chain.steps.len();
        let mut moved = None;
        ui.horizontal_wrapped(|ui| {
            ui.label(RichText::new(format!("Step {}", number + 1)).strong());
            let mut percent = 100.0 * self.chain.steps[number].probability;
            let slider = ui.add(
                Slider::new(&mut percent, 0.0..=100.0)
                    .max_decimals(1)
                    .clamping(egui::SliderClamping::Never)
                    .suffix(" %"),
            );
            let slider = slider.on_hover_text("How often the step applies to a clip");
            slider.widget_info(|| {
                WidgetInfo::labeled(
                    Role::Slider,
                    true,
                    format!("Probability of step {}", number + 1),
                )
            });
            // Only what a hand has changed: rounding alone is no edit.
            let before = 100.0 * self.chain.steps[number].probability;
            if slider.changed() && (percent - before).abs() > 0.04 {
                self.chain.steps[number].probability = (percent / 100.0).clamp(0.0, 1.0);
                self.note(&slider);
            }
            let mut button = |enabled: bool, text: &str, hint: &str, change: Move| {
                let button = ui
                    .add_enabled(enabled, Button::new(text))
                    .on_hover_text(hint);
                button.widget_info(|| {
                    WidgetInfo::labeled(
                        Role::Button,
                        enabled,
                        format!("{text}: step {}", number + 1),
                    )
                });
                if button.clicked() {
                    moved = Some(change);
                }
            };
            button(
                number > 0,
                "Earlier",
                "Apply it before the step above",
                Move::Up,
            );
            button(
                number + 1 < n_steps,
                "Later",
                "Apply it after the step below",
                Move::Down,
            );
            button(
                true,
                "Remove",
                "Take the step out; Undo brings it back",
                Move::Out,
            );
        });
        let n_choices = self.chain.steps[number].choices.len();
        let mut dropped = None;
        for choice in 0..n_choices {
            ui.horizontal_wrapped(|ui| {
                ui.label(if choice == 0 { "applies" } else { "or" });
                if self.choice_ui(ui, number, choice) {
                    dropped = Some(choice);
                }
            });
        }
        if let Some(choice) = dropped {
            self.chain.steps[number].choices.remove(choice);
            self.is_changed = true;
        }
        if let Some(kind) = kind_menu_ui(
            ui,
            "Or another effect…",
            &format!("Another choice of step {}", number + 1),
        ) {
            self.chain.steps[number].choices.push(Choice::usual(kind));
            self.is_changed = true;
        }
        moved
    }

    /// Whether the choice is to go.
    fn choice_ui(&mut self, ui: &mut Ui, number: usize, idx: usize) -> bool {
        let step = &mut self.chain.steps[number];
        let n_choices = step.choices.len();
        let choice = &mut step.choices[idx];
        let kind = choice.kind;
        let mut responses = Vec::new();
        ui.label(RichText::new(kind.label()).strong())
            .on_hover_text(kind.about());
        for (range, parameter) in choice.ranges.iter_mut().zip(kind.parameters()) {
            responses.extend(range_ui(ui, range, parameter, kind));
        }
        for response in &responses {
            self.note(response);
        }
        if n_choices == 1 {
            return false;
        }
        let name = format!("Not {} in step {}", kind.label(), number + 1);
        let button = ui.button("Not this");
        button.widget_info(|| WidgetInfo::labeled(Role::Button, true, &name));
        let hint = "Take this choice out of the step";
        button.on_hover_text(hint).clicked()
    }
}

/// From, to, and whether only some values between them are drawn.
fn range_ui(ui: &mut Ui, range: &mut Range, parameter: &Parameter, kind: Kind) -> Vec<Response> {
    let unit = if parameter.unit.len() <= 5 {
        format!(" {}", parameter.unit)
    } else {
        String::new()
    };
    let speed = f64::from(parameter.by_ear.1 - parameter.by_ear.0) / 300.0;
    let label = |what: &str| format!("{}: {} {what}", kind.label(), parameter.label);
    let hint = format!(
        "{}, in {}: {} to {} are possible; the reference draws from {} to {}",
        parameter.label,
        parameter.unit,
        parameter.min,
        parameter.max,
        parameter.usual.0,
        parameter.usual.1
    );
    let mut responses = Vec::new();
    let mut value_ui =
        |ui: &mut Ui, value: &mut f32, limits: std::ops::RangeInclusive<f32>, what: &str| {
            let field = DragValue::new(value)
                .range(limits)
                // What a file says is shown as it is; only a hand changes it.
                .clamp_existing_to_range(false)
                .speed(speed)
                .max_decimals(2)
                .suffix(&unit);
            let field = ui.add(field).on_hover_text(&hint);
            field.widget_info(|| WidgetInfo::labeled(Role::SpinButton, true, label(what)));
            responses.push(field);
        };
    if kind.parameters().len() > 1 {
        ui.label(parameter.label);
    }
    value_ui(ui, &mut range.min, parameter.min..=range.max, "from");
    ui.label("to");
    value_ui(ui, &mut range.max, range.min..=parameter.max, "to");
    let mut is_stepped = range.step.is_some();
    let width = (range.max - range.min).max(f32::MIN_POSITIVE);
    let check = ui.add(Checkbox::new(&mut is_stepped, "in steps"));
    let check = check.on_hover_text(
        "Draw only from, from + step, from + 2 steps … instead of any number between",
    );
    check.widget_info(|| WidgetInfo::selected(Role::CheckBox, true, is_stepped, label("in steps")));
    if check.changed() {
        range.step = is_stepped.then_some(width / 10.0);
    }
    if let Some(step) = &mut range.step {
        value_ui(ui, step, f32::MIN_POSITIVE..=width, "step");
    }
    responses.push(check);
    responses
}

/// A menu of all effects; gives the one that was chosen.
fn kind_menu_ui(ui: &mut Ui, text: &str, label: &str) -> Option<Kind> {
    let mut chosen = None;
    let menu = ui.menu_button(text, |ui| {
        for kind in Kind::ALL {
            if ui
                .button(kind.label())
                .on_hover_text(kind.about())
                .clicked()
            {
                chosen = Some(kind);
                ui.close();
            }
        }
    });
    menu.response
        .widget_info(|| WidgetInfo::labeled(Role::Button, true, label));
    chosen
}

impl State {
    pub(super) fn ui(&mut self, ctx: &Ctx<'_>, ui: &mut Ui) {
        ui.spacing_mut().item_spacing.y = theme::GAP;
        let chains = &ctx.state.audition.chains;
        section_heading(ui, "The chain from which is rolled");
        self.file_ui(ctx, ui);
        differences_ui(ctx, ui);
        let mut editor = Editor {
            chain: (**chains.chain()).clone(),
            is_changed: false,
            goes_on: false,
        };
        let field = TextEdit::singleline(&mut editor.chain.about)
            .hint_text("What it is, in words")
            .desired_width(f32::INFINITY);
        let field = ui.add(field);
        field.widget_info(|| {
            WidgetInfo::labeled(Role::TextInput, true, "What the chain is, in words")
        });
        if field.changed() {
            editor.is_changed = true;
            editor.goes_on = true;
        }
        if let Some(kind) = kind_menu_ui(ui, "Add a step at the end…", "Add a step") {
            editor.chain.steps.push(Step {
                probability: 0.5,
                choices: vec![Choice::usual(kind)],
            });
            editor.is_changed = true;
        }
        editor.steps_ui(ui);
        if editor.is_changed {
            send(
                ctx,
                ChainCommand::Edit {
                    chain: Box::new(editor.chain),
                    goes_on: editor.goes_on,
                },
            );
        }
    }

    fn file_ui(&mut self, ctx: &Ctx<'_>, ui: &mut Ui) {
        let chains = &ctx.state.audition.chains;
        ui.horizontal_wrapped(|ui| {
            let star = if chains.is_changed() { ", changed" } else { "" };
            ui.label(format!("{}{star}", chains.name()));
            if ui
                .add_enabled(chains.can_undo(), Button::new("Undo"))
                .on_hover_text("Take the last change of the chain back")
                .clicked()
            {
                send(ctx, ChainCommand::Undo);
            }
            if ui
                .add_enabled(chains.can_redo(), Button::new("Redo"))
                .on_hover_text("Make the change that was taken back after all")
                .clicked()
            {
                send(ctx, ChainCommand::Redo);
            }
            let known = |name: &str| chains.known().iter().find(|known| known.name == name);
            let is_own = known(chains.name()).is_some_and(|known| known.origin == Origin::Own);
            let hint = "Remove this chain's file from the workspace; the chain stays here until another is opened";
            if is_own && ui.button("Remove file").on_hover_text(hint).clicked() {
                send(ctx, ChainCommand::Remove { name: chains.name().to_owned() });
            }
            ui.separator();
            let hint_text = if is_own { chains.name() } else { "name of one's own" };
            let field = TextEdit::singleline(&mut self.name).hint_text(hint_text).desired_width(140.0);
            ui.add(field)
                .on_hover_text("Under this name training runs, plans and `attune augment --chain` find the chain")
                .widget_info(|| WidgetInfo::labeled(Role::TextInput, true, "Name for the chain"));
            let typed = self.name.trim();
            let name = if typed.is_empty() && is_own {
                chains.name()
            } else {
                typed
            };
            let is_preset = known(name).is_some_and(|known| known.origin == Origin::Shipped);
            let save = ui
                .add_enabled(!name.is_empty() && !is_preset, Button::new("Save chain"))
                .on_hover_text("Write the chain as TOML into the workspace (chains/NAME.toml)")
                .on_disabled_hover_text("Give it a name of its own: presets stay as they are");
            if save.clicked() {
                send(ctx, ChainCommand::Save { name: name.to_owned() });
            }
        });
    }
}

/// In what the chain differs from the paper's, in words.
fn differences_ui(ctx: &Ctx<'_>, ui: &mut Ui) {
    let palette = theme::palette(ui.visuals());
    let chains = &ctx.state.audition.chains;
    section_heading(ui, "What differs from the paper's").on_hover_text(
        "Held against the chain `reference`, which does what the paper's own code does",
    );
    let differences = chains.differences();
    if differences.is_empty() {
        ui.label(RichText::new("Nothing: it is the paper's chain.").color(palette.weak));
    }
    for difference in differences {
        ui.label(format!("·  {difference}"));
    }
    ui.add_space(theme::GAP);
    section_heading(ui, "Steps");
}

fn send(ctx: &Ctx<'_>, command: ChainCommand) {
    ctx.send(Any::Audition(Command::Chain(command)));
}
