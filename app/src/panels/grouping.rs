//! The menu by which runs are put together, for lists and curves alike.

use crate::workbench::{Ctx, Select};
use attune_core::run::{Field, Grouping, Spread};
use egui::{ScrollArea, Ui};

/// Draws the menu.
pub(super) fn grouping_menu_ui(ctx: &Ctx<'_>, ui: &mut Ui) {
    ui.set_min_width(220.0);
    let selection = &ctx.state.selection;
    let now = &selection.grouping;
    for (label, hint, choice) in [
        (
            "Each run alone",
            "Nothing is put together",
            Grouping::Single,
        ),
        (
            "Repetitions",
            "Put together the runs whose settings agree in all but the seed",
            Grouping::but_seed(),
        ),
    ] {
        let is_chosen = *now == choice;
        if ui.radio(is_chosen, label).on_hover_text(hint).clicked() && !is_chosen {
            ctx.send(Select::Group(choice));
        }
    }
    let settings = ctx.state.runs.differing();
    ui.menu_button("All settings agree but…", |ui| {
        let but = match now {
            Grouping::AllBut(names) => names.clone(),
            _ => Vec::new(),
        };
        choices_ui(ui, settings, &but, |names| {
            ctx.send(Select::Group(if names.is_empty() {
                Grouping::Single
            } else {
                Grouping::AllBut(names)
            }));
        });
    })
    .response
    .on_hover_text("Put together the runs whose settings agree in all but those ticked");
    ui.menu_button("Same…", |ui| {
        let by: Vec<String> = match now {
            Grouping::By(fields) => fields.iter().map(Field::to_string).collect(),
            _ => Vec::new(),
        };
        let facts = [Field::Model, Field::Data, Field::Teacher, Field::Tags];
        let names: Vec<String> = facts.iter().map(Field::to_string).collect();
        let names: Vec<String> = names.into_iter().chain(settings.to_vec()).collect();
        choices_ui(ui, &names, &by, |names| {
            let fields = names.iter().map(|name| Field::named(name)).collect();
            ctx.send(Select::Group(if names.is_empty() {
                Grouping::Single
            } else {
                Grouping::By(fields)
            }));
        });
    })
    .response
    .on_hover_text("Put together the runs that have the same values of those ticked");
    ui.separator();
    for (label, hint, spread) in [
        (
            "± standard deviation",
            "How far single runs lie from the mean",
            Spread::Deviation,
        ),
        (
            "± standard error",
            "How far the mean may lie from that of many more runs",
            Spread::StandardError,
        ),
    ] {
        let is_chosen = selection.spread == spread;
        if ui.radio(is_chosen, label).on_hover_text(hint).clicked() {
            ctx.send(Select::Spread(spread));
        }
    }
}

/// Names with a tick each.
fn choices_ui(ui: &mut Ui, names: &[String], chosen: &[String], choose: impl Fn(Vec<String>)) {
    if names.is_empty() {
        ui.weak("The runs do not differ in any setting");
    }
    ScrollArea::vertical().max_height(320.0).show(ui, |ui| {
        for name in names {
            let mut is_on = chosen.contains(name);
            if ui.checkbox(&mut is_on, name).changed() {
                let mut chosen = chosen.to_vec();
                chosen.retain(|other| other != name);
                if is_on {
                    chosen.push(name.clone());
                }
                choose(chosen);
            }
        }
    });
}
