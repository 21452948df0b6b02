//! Groups of runs in the list: a row a group, with means and spreads, that opens to its members.

use super::look::{figure_ui, text_of_number, text_ui};
use super::table::Order;
use crate::theme;
use crate::workbench::{Ctx, Level, Notice, Select};
use attune_core::metrics::Statistic;
use attune_core::run::{Field, Group, Grouping, RunSummary, Spread};
use egui::{Response, RichText, Sense, Ui};
use std::collections::BTreeSet;
use std::path::PathBuf;

/// A row of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Row {
    /// A run, by its place among the listed ones.
    Run(usize),
    /// A group, by its place among the groups.
    Group(usize),
}

/// The groups of the listed runs, in the order of the list. Members are places among the listed runs, already in order.
pub(super) fn groups(grouping: &Grouping, rows: &[&RunSummary], order: &Order) -> Vec<Group> {
    let mut groups = match grouping {
        Grouping::Single => return Vec::new(),
        grouping => grouping.of(rows),
    };
    let means: Vec<Option<f64>> = groups
        .iter()
        .map(|group| Some(group.statistic(&order.by, rows)?.mean))
        .collect();
    if means.iter().any(Option::is_some) {
        let mut sorted: Vec<(Option<f64>, Group)> = means.into_iter().zip(groups).collect();
        sorted.sort_by(|(one, _), (other, _)| match (one, other) {
            (Some(one), Some(other)) if order.descending => other.total_cmp(one),
            (Some(one), Some(other)) => one.total_cmp(other),
            (one, other) => other.is_some().cmp(&one.is_some()),
        });
        groups = sorted.into_iter().map(|(_, group)| group).collect();
    } else if order.by == Field::Id {
        groups.sort_by(|one, other| {
            if order.descending {
                other.label.cmp(&one.label)
            } else {
                one.label.cmp(&other.label)
            }
        });
    }
    groups
}

/// The rows of the table: each group with its members below it, if it is open.
pub(super) fn rows(groups: &[Group], open: &BTreeSet<String>, n_runs: usize) -> Vec<Row> {
    if groups.is_empty() {
        return (0..n_runs).map(Row::Run).collect();
    }
    let mut rows = Vec::new();
    for (at, group) in groups.iter().enumerate() {
        rows.push(Row::Group(at));
        if open.contains(&group.label) {
            rows.extend(group.members.iter().copied().map(Row::Run));
        }
    }
    rows
}

/// The mark that opens and closes a group.
pub(super) fn opener_ui(ui: &mut Ui, group: &Group, open: &mut BTreeSet<String>) {
    let is_open = open.contains(&group.label);
    let palette = theme::palette(ui.visuals());
    let (rect, response) = ui.allocate_exact_size(egui::vec2(18.0, 18.0), Sense::click());
    let mark = if is_open { "▼" } else { "▶" };
    ui.painter().text(
        rect.center(),
        egui::Align2::CENTER_CENTER,
        mark,
        egui::FontId::proportional(11.0),
        palette.weak,
    );
    response.widget_info(|| {
        egui::WidgetInfo::selected(
            egui::Role::CheckBox,
            true,
            is_open,
            format!("Members of {}", group.label),
        )
    });
    if response.on_hover_text("Its runs").clicked() && !open.remove(&group.label) {
        open.insert(group.label.clone());
    }
}

/// One field of a group: mean and spread of numbers, what all have in common of all else.
pub(super) fn cell_ui(
    ui: &mut Ui,
    group: &Group,
    field: &Field,
    runs: &[&RunSummary],
    spread: Spread,
) {
    let palette = theme::palette(ui.visuals());
    if *field == Field::Id {
        let text = format!("{}  (N={})", group.label, group.members.len());
        text_ui(ui, &text, palette.strong);
        return;
    }
    if let Some(common) = group.common(field, runs).filter(|_| !field.is_number()) {
        text_ui(ui, &common.to_string(), palette.text);
        return;
    }
    // A mean start or seed says nothing.
    let statistic = group.statistic(field, runs);
    match statistic.filter(|_| field.is_number()) {
        Some(statistic) => {
            let text = text(&statistic, field, spread, group.members.len());
            let cell = ui.scope(|ui| figure_ui(ui, &text)).response;
            cell.on_hover_ui(|ui| {
                ui.label(hint(&statistic, field, group, runs));
            });
        }
        None => text_ui(ui, "–", palette.weak),
    }
}

fn text(statistic: &Statistic, field: &Field, spread: Spread, n_members: usize) -> String {
    let number = |value: f64| text_of_number(field, Some(value));
    let mut text = number(statistic.mean);
    if let Some(spread) = spread.of(statistic) {
        text += &format!(" ±{}", number(spread));
    }
    if statistic.n < n_members {
        // A mean of fewer than all says so.
        text += &format!(" ({})", statistic.n);
    }
    text
}

fn hint(statistic: &Statistic, field: &Field, group: &Group, runs: &[&RunSummary]) -> String {
    let number = |value: Option<f64>| text_of_number(field, value);
    let mut lines = vec![format!(
        "{}\nmean {} of N = {} of {} runs\nstandard deviation {}, standard error {}",
        field.label(),
        number(Some(statistic.mean)),
        statistic.n,
        group.members.len(),
        number(statistic.sd),
        number(statistic.standard_error()),
    )];
    let each = group.members.iter().map(|&member| {
        let run = runs[member];
        let value = field.of(run).and_then(|value| value.number());
        format!("{}  {}", number(value), run.id)
    });
    lines.extend(each.take(MOST_LINES));
    if group.members.len() > MOST_LINES {
        lines.push(format!("and {} more", group.members.len() - MOST_LINES));
    }
    lines.join("\n")
}

/// Longer hints do not fit on a screen.
const MOST_LINES: usize = 20;

/// What a click on a group does: its runs are drawn; with Ctrl, besides those that are drawn already.
pub(super) fn clicked(ctx: &Ctx<'_>, response: &Response, group: &Group, runs: &[&RunSummary]) {
    if !response.clicked() {
        return;
    }
    let mut folders: Vec<PathBuf> = Vec::new();
    if response.ctx.input(|input| input.modifiers.command) {
        let selection = &ctx.state.selection;
        folders.extend(selection.run.iter().chain(&selection.overlays).cloned());
    }
    for &member in &group.members {
        if !folders.contains(&runs[member].folder) {
            folders.push(runs[member].folder.clone());
        }
    }
    if folders.len() > MOST_DRAWN {
        let text = format!(
            "{} runs are too many: at most {MOST_DRAWN} are drawn",
            folders.len()
        );
        ctx.send(Notice::new(Level::Warning, text));
        return;
    }
    ctx.send(Select::Runs(folders));
}

/// The button that draws all that is listed.
pub(super) fn draw_all_ui(ctx: &Ctx<'_>, ui: &mut Ui, rows: &[&RunSummary]) {
    let n = rows.len();
    let selection = &ctx.state.selection;
    let n_drawn = usize::from(selection.run.is_some()) + selection.overlays.len();
    let label = RichText::new("Draw all");
    let button = ui.add_enabled(n > 1 && n <= MOST_DRAWN, egui::Button::new(label));
    let hint = format!("Draw the curves of all {n} listed runs; the filter says which are listed");
    let too_many = if n > MOST_DRAWN {
        format!("{n} runs are listed and at most {MOST_DRAWN} are drawn: filter the list")
    } else {
        "There is but one run".to_owned()
    };
    if button
        .on_hover_text(hint)
        .on_disabled_hover_text(too_many)
        .clicked()
    {
        ctx.send(Select::Runs(
            rows.iter().map(|run| run.folder.clone()).collect(),
        ));
    }
    if n_drawn > 1 {
        let only = ui
            .button(format!("Only one of {n_drawn}"))
            .on_hover_text("Draw no runs over the shown one");
        if only.clicked() {
            ctx.send(Select::Runs(selection.run.iter().cloned().collect()));
        }
    }
}

/// Each drawn run is read whole and followed.
pub(in crate::panels) const MOST_DRAWN: usize = 200;
