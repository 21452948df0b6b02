//! The left column: which clip, what to hear, the dice, and the eight effects.

use super::effect_help::{self, NO_COMPANY};
use super::listen;
use crate::theme;
use crate::widgets::{count_text, section_heading};
use crate::workbench::parts::audition::{
    ChainCommand, ClipLength, Command, Row, State as Audition,
};
use crate::workbench::{Command as Any, Ctx, UiCommand};
use attune_core::augment::{Effect, Parameter};
use egui::{
    Button, Checkbox, ComboBox, DragValue, Grid, Label, RichText, Role, Slider, SliderClamping, Ui,
    WidgetInfo,
};

/// What the column remembers between frames.
#[derive(Default)]
pub(super) struct State {
    help: effect_help::Pictures,
}

impl State {
    /// Draws the column.
    pub(super) fn ui(&mut self, ctx: &Ctx<'_>, ui: &mut Ui) {
        ui.spacing_mut().item_spacing.y = theme::GAP;
        section_heading(ui, "Clip");
        clip_ui(ctx, ui);
        ui.add_space(theme::GAP);
        section_heading(ui, "Listen");
        listen::listen_ui(ctx, ui);
        ui.add_space(theme::GAP);
        section_heading(ui, "Dice");
        dice_ui(ctx, ui);
        ui.add_space(theme::GAP);
        section_heading(ui, "Effects");
        let rows = ctx.state.audition.rows();
        for idx in 0..rows.len() {
            let is_of_paper = |idx: usize| rows[idx].effect.kind().is_of_paper();
            if idx > 0 && is_of_paper(idx - 1) && !is_of_paper(idx) {
                ui.add_space(theme::GAP);
                section_heading(ui, "Beyond the paper");
            }
            effect_ui(ctx, ui, idx, &mut self.help);
        }
    }
}

fn send(ctx: &Ctx<'_>, command: Command) {
    ctx.send(Any::Audition(command));
}

fn clip_ui(ctx: &Ctx<'_>, ui: &mut Ui) {
    let audition = &ctx.state.audition;
    let Some(clip) = audition.clip() else { return };
    ui.label(RichText::new(&clip.song).strong())
        .on_hover_text(clip.path.display().to_string());
    if ctx.state.audition.replays.shown().is_some() {
        ui.label(
            RichText::new("A training clip, as it was cut. Draws leads back to the song.").weak(),
        );
        return;
    }
    Grid::new("clip")
        .num_columns(2)
        .spacing([12.0, 6.0])
        .show(ui, |ui| {
            ui.label("Begins at");
            let mut at_secs = clip.start_secs();
            let field = DragValue::new(&mut at_secs)
                .range(0.0..=f64::MAX)
                .speed(0.1)
                .max_decimals(2)
                .suffix(" s");
            let field = ui.add(field).on_hover_text(
                "Where the clip begins in the song. The strip on the right sets it, too.",
            );
            field.widget_info(|| {
                WidgetInfo::labeled(Role::SpinButton, true, "Begin of the clip in seconds")
            });
            if field.changed() {
                send(ctx, Command::Start { at_secs });
            }
            ui.end_row();
            ui.label("Length");
            let choices = [
                (ClipLength::Model, "as the model hears"),
                (ClipLength::Secs(10.0), "10 s"),
                (ClipLength::Secs(30.0), "30 s"),
                (ClipLength::Whole, "whole song"),
            ];
            let chosen = choices
                .iter()
                .find(|(length, _)| *length == audition.length());
            let combo = ComboBox::from_id_salt("clip length")
                .selected_text(chosen.map_or("", |(_, label)| label))
                .show_ui(ui, |ui| {
                    for (length, label) in choices {
                        if ui
                            .selectable_label(length == audition.length(), label)
                            .clicked()
                        {
                            send(ctx, Command::Length(length));
                        }
                    }
                });
            combo
                .response
                .widget_info(|| WidgetInfo::labeled(Role::ComboBox, true, "Length of the clip"));
            ui.end_row();
        });
}

fn dice_ui(ctx: &Ctx<'_>, ui: &mut Ui) {
    let audition = &ctx.state.audition;
    Grid::new("dice").num_columns(2).spacing([12.0, 6.0]).show(ui, |ui| {
        ui.label("Chain").on_hover_text("Which effects are rolled, how often and with which numbers.");
        let combo = ComboBox::from_id_salt("chain").selected_text(chain_name(audition)).show_ui(ui, |ui| {
            for known in audition.chains.known() {
                let chosen = known.name == audition.chains.name();
                let label = ui.selectable_label(chosen, &known.name).on_hover_text(&known.about);
                if label.clicked() {
                    send(ctx, Command::Chain(ChainCommand::Open(known.name.clone())));
                }
            }
        });
        combo.response.widget_info(|| WidgetInfo::labeled(Role::ComboBox, true, "Chain"));
        ui.end_row();
        ui.label("Seed");
        let mut seed = audition.seed();
        let field = ui.add(DragValue::new(&mut seed).speed(0.1)).on_hover_text("Seed of the draw and of the noise. The same seed gives the same draw, also in `attune augment --draw --seed`.");
        field.widget_info(|| WidgetInfo::labeled(Role::SpinButton, true, "Seed"));
        if field.changed() {
            send(ctx, Command::Seed(seed));
        }
        ui.end_row();
    });
    ui.horizontal(|ui| {
        let roll = UiCommand::RollAugmentation;
        if ui
            .button(roll.label())
            .on_hover_text("Take the next seed and draw effects as training does (D).")
            .clicked()
        {
            send(ctx, Command::Roll);
        }
        if ui
            .button("All off")
            .on_hover_text("Switch every effect off.")
            .clicked()
        {
            send(ctx, Command::Use(Vec::new()));
        }
        let effects = audition.draw().effects;
        let copy = Button::new("Copy");
        let hint = "Copy the effects as `attune augment --effect` takes them.";
        if ui
            .add_enabled(!effects.is_empty(), copy)
            .on_hover_text(hint)
            .clicked()
        {
            let words: Vec<String> = effects.iter().map(Effect::to_string).collect();
            ui.ctx().copy_text(words.join(" "));
        }
    });
}

/// With a star if it is not as it was written.
fn chain_name(audition: &Audition) -> String {
    let star = if audition.chains.is_changed() {
        " *"
    } else {
        ""
    };
    format!("{}{star}", audition.chains.name())
}

fn effect_ui(ctx: &Ctx<'_>, ui: &mut Ui, idx: usize, help: &mut effect_help::Pictures) {
    let Some(&row) = ctx.state.audition.rows().get(idx) else {
        return;
    };
    let kind = row.effect.kind();
    let mut to = row;
    let check = ui.add(Checkbox::new(&mut to.is_on, kind.label()));
    help.on_hover(ctx, check, row.effect);
    let mut values = row.effect.values();
    ui.indent(("effect", idx), |ui| {
        ui.spacing_mut().slider_width = 112.0;
        for (value, parameter) in values.iter_mut().zip(kind.parameters()) {
            let hint = format!(
                "{} in {}; the reference draws from {} to {}",
                parameter.label, parameter.unit, parameter.usual.0, parameter.usual.1
            );
            let slider = ui
                .horizontal(|ui| {
                    let slider = ui.add(slider(value, parameter));
                    // A long name ends in dots: one that widens the column pushes its scroll bar into the pictures.
                    ui.add(Label::new(parameter.label).truncate())
                        .on_hover_text(&hint);
                    slider
                })
                .inner
                .on_hover_text(&hint);
            slider.widget_info(|| {
                WidgetInfo::labeled(
                    Role::Slider,
                    true,
                    format!("{}: {}", kind.label(), parameter.label),
                )
            });
            // Whoever moves a slider wants to hear it.
            to.is_on |= slider.changed();
        }
    });
    to.effect = Effect::from_values(kind, &values);
    if kind.needs_company() && ctx.state.audition.replays.shown().is_none() {
        let text = match ctx.state.audition.others.n_tracks() {
            0 => NO_COMPANY.to_owned(),
            n => format!("From {} tracks of the open data set.", count_text(n as u64)),
        };
        ui.label(RichText::new(text).small().weak());
    }
    if to != row {
        send(
            ctx,
            Command::Set {
                row: idx,
                to: Row { ..to },
            },
        );
    }
}

/// A slider over what one would set by ear; typed numbers may go as far as the effect does.
fn slider<'a>(value: &'a mut f32, parameter: &Parameter) -> Slider<'a> {
    let (low, high) = parameter.by_ear;
    let (min, max) = (parameter.min, parameter.max);
    let mut slider = Slider::new(value, low..=high)
        .clamping(SliderClamping::Never)
        .logarithmic(parameter.logarithmic)
        .custom_parser(move |text| {
            let number: f64 = text.trim().parse().ok()?;
            Some(number.clamp(f64::from(min), f64::from(max)))
        });
    // "of the signal's deviation" is a sentence, not a suffix.
    if parameter.unit.len() <= 5 {
        slider = slider.suffix(format!(" {}", parameter.unit));
    }
    match parameter.name {
        "ratio" => slider.max_decimals(2),
        "db" => slider.max_decimals(1),
        _ => slider.max_decimals(0),
    }
}
