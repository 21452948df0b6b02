//! The menu of a run in the list, and the form in which one says something of it.

use super::{Asked, Editing};
use crate::theme;
use crate::workbench::parts::{pages, queue, runs, settings, training};
use crate::workbench::{Command, Ctx, Select};
use attune_core::run::{RunSummary, Status};
use attune_core::train::More;
use egui::{Align2, RichText, TextEdit, Ui, Window};
use std::path::PathBuf;

/// The menu. What concerns many runs concerns all that are drawn over each other, if the run is one of them.
pub(super) fn row_menu_ui(ctx: &Ctx<'_>, ui: &mut Ui, run: &RunSummary, asked: &mut Option<Asked>) {
    // Why not, if it cannot be done now.
    let item_unless = |ui: &mut Ui, label: &str, hint: &str, why_not: Option<&str>| {
        let button = ui.add_enabled(why_not.is_none(), egui::Button::new(label));
        let clicked = button
            .on_hover_text(hint)
            .on_disabled_hover_text(why_not.unwrap_or_default())
            .clicked();
        if clicked {
            ui.close();
        }
        clicked
    };
    let item = |ui: &mut Ui, label: &str, hint: &str| item_unless(ui, label, hint, None);
    if item(ui, "Show", "Show it in all panels") {
        ctx.send(Select::Run(Some(run.folder.clone())));
    }
    if item(
        ui,
        "Draw over the shown run",
        "Compare its curves with those of the shown run",
    ) {
        ctx.send(Select::ToggleOverlay(run.folder.clone()));
    }
    let is_written = |run: &RunSummary| matches!(run.status, Status::Running | Status::Paused);
    let busy = ctx.state.is_training();
    let busy = busy.then_some("Something is being trained: stop it first");
    let cannot_resume = match run.status {
        Status::Stopped | Status::Interrupted => busy,
        Status::Running | Status::Paused => Some("It is being trained"),
        _ => Some("It has ended; it can be extended"),
    };
    let hint = "Go on from its last checkpoint";
    if item_unless(ui, "Resume training", hint, cannot_resume) {
        ctx.send(Command::Training(training::Command::Resume(
            run.folder.clone(),
        )));
    }
    let cannot_queue = match run.status {
        Status::Stopped | Status::Interrupted | Status::Failed => None,
        Status::Running | Status::Paused => Some("It is being trained"),
        Status::Finished | Status::EarlyStopped => Some("It has ended; it can be extended"),
    };
    let hint = "Let it go on from its last checkpoint when its turn comes";
    if item_unless(ui, "Add to the queue", hint, cannot_queue) {
        let add = queue::Command::AddRun(run.folder.clone(), More::default());
        ctx.send(Command::Queue(add));
    }
    let cannot_extend = is_written(run).then_some("It is being trained");
    let hint = "Let it go on for further epochs or with more patience, also if it has ended";
    if item_unless(ui, "Extend…", hint, cannot_extend) {
        ctx.send(Command::Extend(run.folder.clone()));
    }
    let hint = "Fill the Training form with its recipe, to begin another run with its best weights";
    if item(ui, "Branch from best…", hint) {
        ctx.send(Command::Branch(run.folder.clone()));
    }
    if item(
        ui,
        "Use its best model",
        "Load its best checkpoint into Audition and Timeline",
    ) {
        ctx.send(Command::OpenModel(
            run.folder.join("checkpoints").join("best.safetensors"),
        ));
    }
    let other = compared_with(ctx, run);
    let why_not = other.is_none().then_some("Choose another run first");
    let hint = "In which settings it differs from the shown run, or the shown run from the first drawn over it";
    if item_unless(ui, "Compare settings…", hint, why_not)
        && let Some(other) = other
    {
        let runs = [other, run.folder.clone()];
        ctx.send(Command::Settings(settings::Command::Compare(runs)));
    }
    if item(ui, "Copy path", "Copy the path of its folder") {
        ui.ctx().copy_text(run.folder.display().to_string());
    }
    ui.separator();
    let meant = meant(ctx, run);
    let whom = match meant.len() {
        1 => String::new(),
        n => format!(" ({n} runs)"),
    };
    if item(
        ui,
        "Title, tags and note…",
        "Say what it is, to find it again",
    ) {
        *asked = Some(Asked::Edit(run.folder.clone()));
    }
    let hint = "Curves, tables and test tracks to listen to, in one file for any browser; of all runs that are drawn over each other";
    if item(ui, &format!("Report as a web page…{whom}"), hint) {
        ctx.send(Command::Pages(pages::Command::Ask(meant.clone())));
    }
    let (archive, hint) = if run.about.is_archived {
        ("Take out of the archive", "Show it in the list again")
    } else {
        (
            "Archive",
            "Leave it out of the list; the filter is:archived finds it",
        )
    };
    if item(ui, &format!("{archive}{whom}"), hint) {
        let change = runs::Said::Archive(!run.about.is_archived);
        ctx.send(Command::Runs(runs::Command::Say(meant.clone(), change)));
    }
    let is_one_written = meant
        .iter()
        .filter_map(|folder| {
            ctx.state
                .runs
                .list()?
                .iter()
                .find(|run| run.folder == *folder)
        })
        .any(is_written);
    let cannot_discard = is_one_written.then_some("It, or one drawn with it, is being trained");
    let hint =
        "Move it to the trash. \"Bring back\" or `attune runs trash --restore` takes that back";
    if item_unless(ui, &format!("Discard{whom}"), hint, cannot_discard) {
        ctx.send(Command::Runs(runs::Command::Discard(meant)));
    }
    ui.separator();
    if item(ui, "Look for runs", "Read the list again") {
        ctx.send(Command::Runs(runs::Command::Refresh));
    }
}

/// The run against which its settings are held: the shown one, or the first drawn over it.
fn compared_with(ctx: &Ctx<'_>, run: &RunSummary) -> Option<PathBuf> {
    let selection = &ctx.state.selection;
    let mut drawn = selection.run.iter().chain(&selection.overlays);
    drawn.find(|other| **other != run.folder).cloned()
}

/// The run, or all that are drawn over each other if it is one of them.
fn meant(ctx: &Ctx<'_>, run: &RunSummary) -> Vec<PathBuf> {
    let selection = &ctx.state.selection;
    let drawn = selection.run.iter().chain(&selection.overlays);
    let drawn: Vec<PathBuf> = drawn.cloned().collect();
    if drawn.contains(&run.folder) {
        drawn
    } else {
        vec![run.folder.clone()]
    }
}

/// The form about a run. Whether it stays open.
pub(super) fn form_ui(ctx: &Ctx<'_>, ui: &Ui, editing: &mut Editing) -> bool {
    let palette = theme::palette(ui.visuals());
    let mut is_open = true;
    let mut is_done = false;
    Window::new("Title, tags and note")
        .id(egui::Id::unique("about a run"))
        .open(&mut is_open)
        .pivot(Align2::CENTER_CENTER)
        .default_pos(ui.ctx().content_rect().center())
        .collapsible(false)
        .resizable(false)
        .default_width(340.0)
        .show(ui.ctx(), |ui| {
            ui.label(RichText::new(&editing.id).color(palette.weak));
            let field = |ui: &mut Ui, label: &str, hint: &str, text: &mut String, rows| {
                ui.label(label);
                let edit = if rows == 1 {
                    TextEdit::singleline(text)
                } else {
                    TextEdit::multiline(text).desired_rows(rows)
                };
                let shown = ui.add(edit.hint_text(hint).desired_width(f32::INFINITY));
                let name = format!("Run {}", label.to_lowercase());
                shown.widget_info(|| egui::WidgetInfo::labeled(egui::Role::TextInput, true, &name));
            };
            field(ui, "Title", "A name for people", &mut editing.title, 1);
            field(ui, "Tags", "paper, baseline", &mut editing.tags, 1);
            field(ui, "Note", "What there is to say", &mut editing.note, 4);
            ui.horizontal(|ui| {
                is_done |= ui
                    .button("Keep")
                    .on_hover_text("Write it beside the run")
                    .clicked();
                if is_done {
                    let folder = vec![editing.folder.clone()];
                    ctx.send(Command::Runs(runs::Command::Say(folder, editing.said())));
                }
                is_done |= ui.button("Cancel").clicked();
            });
        });
    is_open && !is_done
}
