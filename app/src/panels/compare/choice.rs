//! The head of the panel: which two models, on which tracks, and how far comparing them is.

use crate::theme;
use crate::widgets::duration_text;
use crate::workbench::jobs::Activity;
use crate::workbench::parts::compare::{Command, Side};
use crate::workbench::parts::library::{self, Shelf};
use crate::workbench::{Command as Any, Ctx, UiCommand};
use attune_core::dataset::Split;
use attune_core::job::Progress;
use egui::{Align, ComboBox, Label, Layout, ProgressBar, RichText, Sense, Ui, WidgetInfo, vec2};
use std::sync::Arc;

/// Width of a chooser, in points.
const CHOOSER_WIDTH: f32 = 190.0;
/// The time left is told from this part on: before, it is a guess.
const TOLD_FROM: f32 = 0.05;

/// Draws it.
pub(super) fn ui(ctx: &Ctx<'_>, ui: &mut Ui, split: &mut Split) {
    ui.horizontal_wrapped(|ui| {
        side_ui(ctx, ui, Side::First);
        let swap = ui.button("Swap").on_hover_text("Exchange the two models");
        if swap.clicked() {
            ctx.send(Any::Compare(Command::Swap));
        }
        side_ui(ctx, ui, Side::Second);
    });
    ui.horizontal_wrapped(|ui| {
        data_ui(ctx, ui, split);
        compare_ui(ctx, ui, *split);
    });
    errors_ui(ctx, ui);
}

/// The data set in use, once it is open.
pub(super) fn shelf<'a>(ctx: &Ctx<'a>) -> Option<&'a Arc<Shelf>> {
    let folder = ctx.state.selection.dataset.as_ref()?;
    ctx.state.library.shelf(folder)
}

/// The mark of a model: a dot in its colour.
pub(super) fn dot_ui(ui: &mut Ui, side: Side) {
    let colour = theme::palette(ui.visuals()).of_series(side.idx());
    let (rect, response) = ui.allocate_exact_size(vec2(12.0, 18.0), Sense::hover());
    ui.painter().circle_filled(rect.center(), 5.0, colour);
    response.on_hover_text(match side {
        Side::First => "The first model, everywhere in this panel",
        Side::Second => "The second model, everywhere in this panel",
    });
}

fn side_ui(ctx: &Ctx<'_>, ui: &mut Ui, side: Side) {
    let compare = &ctx.state.compare;
    let (label, hint) = match side {
        Side::First => (
            "First model",
            "The model from which differences are counted",
        ),
        Side::Second => ("Second model", "The model that is compared with the first"),
    };
    let chosen = compare.source(side);
    let text = chosen.map_or_else(
        || format!("{label} …"),
        |source| source.name(&ctx.state.model),
    );
    // A dot stays beside its chooser where the row breaks.
    ui.allocate_ui_with_layout(
        vec2(CHOOSER_WIDTH + 24.0, ui.spacing().interact_size.y),
        Layout::left_to_right(Align::Center),
        |ui| {
            dot_ui(ui, side);
            let response = ComboBox::from_id_salt(label)
                .selected_text(text)
                .width(CHOOSER_WIDTH)
                .truncate()
                .height(320.0)
                .show_ui(ui, |ui| {
                    for (source, name) in compare.sources(ctx.state) {
                        let is_chosen = chosen == Some(&source);
                        let item = ui
                            .selectable_label(is_chosen, name)
                            .on_hover_text(source.hint());
                        if item.clicked() {
                            ctx.send(Any::Compare(Command::Choose(side, source)));
                            ui.close();
                        }
                    }
                })
                .response;
            response.widget_info(|| WidgetInfo::labeled(egui::Role::ComboBox, true, label));
            response.on_hover_text(chosen.map_or_else(
                || hint.to_owned(),
                |source| format!("{hint}\n{}", source.hint()),
            ));
            if compare.is_loading(side) {
                ui.spinner();
            }
        },
    );
}

fn data_ui(ctx: &Ctx<'_>, ui: &mut Ui, split: &mut Split) {
    let palette = theme::palette(ui.visuals());
    let Some(shelf) = shelf(ctx) else {
        let folder = ctx.state.selection.dataset.as_ref();
        match folder.map(|folder| ctx.state.library.error(folder)) {
            Some(None) => {
                ui.spinner();
                ui.label(RichText::new("Opening the data set …").color(palette.weak));
                return;
            }
            Some(Some(error)) => drop(
                ui.label(RichText::new("The data set cannot be opened.").color(palette.error))
                    .on_hover_text(error),
            ),
            None => drop(ui.label(RichText::new("No data set is open.").color(palette.weak))),
        }
        let open = ui
            .button(UiCommand::OpenDataset.label())
            .on_hover_text(UiCommand::OpenDataset.tooltip());
        if open.clicked() {
            ctx.send(UiCommand::OpenDataset);
        }
        let is_making = ctx.state.library.is_making_demo();
        let demo = ui
            .add_enabled(!is_making, egui::Button::new("Use the demo data set"))
            .on_hover_text("Songs that Attune composes and renders on first use; then kept");
        if demo.clicked() {
            ctx.send(Any::Library(library::Command::OpenDemo));
        }
        return;
    };
    ui.label(RichText::new("on").color(palette.weak));
    let name = RichText::new(&shelf.dataset.name).color(palette.strong);
    ui.add(Label::new(name).truncate())
        .on_hover_text("The data set in use; another one is opened in Library");
    let place = |split: Split| Split::ALL.iter().position(|&other| other == split);
    let n_tracks = |split: Split| place(split).map_or(0, |place| shelf.split_counts[place]);
    let response = ComboBox::from_id_salt("compare split")
        .selected_text(format!("{split} ({})", n_tracks(*split)))
        .width(92.0)
        .show_ui(ui, |ui| {
            for choice in [Split::Valid, Split::Test] {
                let label = format!("{choice} ({})", n_tracks(choice));
                ui.selectable_value(split, choice, label);
            }
        })
        .response;
    response.widget_info(|| WidgetInfo::labeled(egui::Role::ComboBox, true, "Compared split"));
    response.on_hover_text(
        "The tracks on which both are scored; neither should have been trained on them",
    );
}

fn compare_ui(ctx: &Ctx<'_>, ui: &mut Ui, split: Split) {
    let compare = &ctx.state.compare;
    if let Some(activity) = compare.comparing() {
        ui.add(
            ProgressBar::new(activity.fraction().unwrap_or(0.0))
                .desired_width(320.0)
                .text(RichText::new(progress_text(&activity)).small()),
        );
        if ui
            .button("Cancel")
            .on_hover_text("Stop comparing")
            .clicked()
        {
            ctx.send(Any::Compare(Command::Stop));
        }
        return;
    }
    let lacks = if Side::BOTH
        .iter()
        .any(|&side| compare.model(side, &ctx.state.model).is_none())
    {
        Some("Choose two models first")
    } else if shelf(ctx).is_none() {
        Some("Open a data set first")
    } else {
        None
    };
    let button = ui.add_enabled(lacks.is_none(), egui::Button::new("Compare models"));
    if button.clicked() {
        ctx.send(Any::Compare(Command::Compare(split)));
    }
    match lacks {
        Some(lacks) => button.on_disabled_hover_text(lacks),
        None => button.on_hover_text(
            "Tag every track of the split with both models, and compare the scores with paired bootstrap intervals",
        ),
    };
}

/// How far it is, and how long it may still take.
fn progress_text(activity: &Activity) -> String {
    let progress = &activity.progress;
    let Some(part) = activity.fraction() else {
        return progress.what.clone();
    };
    let Progress { done, total, what } = progress;
    let done = format!("{what}: {done} of {total}");
    if part < TOLD_FROM {
        return done;
    }
    let left_secs = f64::from(activity.seconds * (1.0 - part) / part);
    format!("{done}, {} left", duration_text(left_secs))
}

/// Why a chosen model cannot be had.
fn errors_ui(ctx: &Ctx<'_>, ui: &mut Ui) {
    let palette = theme::palette(ui.visuals());
    for (side, name) in Side::BOTH.into_iter().zip(["first", "second"]) {
        if let Some(error) = ctx.state.compare.model_error(side) {
            let text = format!("The {name} model cannot be opened: {error}");
            ui.add(Label::new(RichText::new(text).color(palette.error)).wrap());
        }
    }
}
