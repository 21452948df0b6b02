//! The Runs panel: all runs on disk, as many as there may be. What is typed above the list filters it (`lr<1e-3 tag:paper`), a heading
//! sorts it, a click shows a run in all panels, a tick draws it over the shown one.

mod columns;
mod groups;
mod look;
mod menu;
mod table;

pub(super) use groups::MOST_DRAWN;
pub(super) use look::{figure_ui, status_look, text_ui};
pub(super) use table::sort_header_ui;

use super::data_notes::data_notes_ui;
use super::grouping::grouping_menu_ui;
use super::no_runs;
use crate::theme;
use crate::widgets::count_text;
use crate::workbench::parts::runs;
use crate::workbench::{Command, Ctx, UiCommand};
use attune_core::run::{Field, Filter, Group, Grouping, RunSummary};
use egui::containers::menu::{MenuButton, MenuConfig};
use egui::{Align, Layout, PopupCloseBehavior, RichText, TextEdit, Ui};
use std::collections::BTreeSet;
use std::path::PathBuf;
use table::Order;

/// The Runs panel's own looks.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct State {
    order: Order,
    columns: Vec<Field>,
    #[serde(skip)]
    filter: String,
    #[serde(skip)]
    found: Option<Found>,
    #[serde(skip)]
    editing: Option<Editing>,
    /// Groups whose members are listed, by their labels.
    #[serde(skip)]
    open: BTreeSet<String>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            order: Order {
                by: Field::Started,
                descending: true,
            },
            columns: columns::usual(),
            filter: String::new(),
            found: None,
            editing: None,
            open: BTreeSet::new(),
        }
    }
}

/// What is asked for in a row.
enum Asked {
    /// Say something of the run in this folder.
    Edit(PathBuf),
}

/// The rows of the list, found once for all frames in which nothing changes.
#[derive(Debug)]
struct Found {
    /// Of this reading of the list.
    reading: u64,
    filter: String,
    order: Order,
    grouping: Grouping,
    /// Places in the list.
    rows: Vec<usize>,
    /// The same put together; none if each stands alone.
    groups: Vec<Group>,
    /// Settings that any run has.
    settings: Vec<Field>,
    /// How many runs are left out because they were put away.
    n_archived: usize,
    /// What is wrong with the filter.
    problem: Option<String>,
}

/// What is being said of a run.
#[derive(Debug)]
struct Editing {
    folder: PathBuf,
    id: String,
    title: String,
    /// Separated by commas.
    tags: String,
    note: String,
}

impl Editing {
    fn of(run: &RunSummary) -> Self {
        Self {
            folder: run.folder.clone(),
            id: run.id.clone(),
            title: run.about.title.clone(),
            tags: run.about.tags.join(", "),
            note: run.about.note.clone(),
        }
    }

    fn said(&self) -> runs::Said {
        runs::Said::About {
            title: self.title.clone(),
            tags: self.tags.split(',').map(str::to_owned).collect(),
            note: self.note.clone(),
        }
    }
}

impl State {
    /// Draws the panel.
    pub fn ui(&mut self, ctx: &Ctx<'_>, ui: &mut Ui) {
        let Some((list, reading)) = ctx.state.runs.list().zip(ctx.state.runs.reading()) else {
            no_runs::reading_ui(ui);
            return;
        };
        if list.is_empty() && !ctx.state.runs.can_restore() {
            no_runs::none_there_ui(
                ui,
                "Every training leaves a run here, with its curves, scores and checkpoints. Start one in the Training panel.",
            );
            return;
        }
        self.find(list, reading, &ctx.state.selection.grouping);
        let rows: Vec<&RunSummary> = self
            .found
            .iter()
            .flat_map(|found| &found.rows)
            .filter_map(|&at| list.get(at))
            .collect();
        self.bar_ui(ctx, ui, list, &rows);
        data_notes_ui(ctx, ui);
        let mut asked = None;
        let columns: Vec<Field> = std::iter::once(Field::Id)
            .chain(self.columns.iter().cloned())
            .collect();
        egui::ScrollArea::horizontal().show(ui, |ui| {
            let mut table = table::Table {
                columns: &columns,
                order: &mut self.order,
                runs: &rows,
                groups: self.found.as_ref().map_or(&[][..], |found| &found.groups),
                open: &mut self.open,
            };
            table.ui(ctx, ui, &mut asked);
        });
        if let Some(Asked::Edit(folder)) = asked {
            let run = list.iter().find(|run| run.folder == folder);
            self.editing = run.map(Editing::of);
        }
        if let Some(editing) = &mut self.editing
            && !menu::form_ui(ctx, ui, editing)
        {
            self.editing = None;
        }
    }

    /// The runs that the filter leaves, in the order of the list, also while the panel is out of sight.
    pub(super) fn listed<'a>(&mut self, ctx: &Ctx<'a>) -> Vec<&'a RunSummary> {
        let Some((list, reading)) = ctx.state.runs.list().zip(ctx.state.runs.reading()) else {
            return Vec::new();
        };
        self.find(list, reading, &ctx.state.selection.grouping);
        let rows = self.found.iter().flat_map(|found| &found.rows);
        rows.filter_map(|&at| list.get(at)).collect()
    }

    /// Filters and sorts, if anything has changed.
    fn find(&mut self, list: &[RunSummary], reading: u64, grouping: &Grouping) {
        if let Some(found) = &self.found
            && found.reading == reading
            && found.filter == self.filter
            && found.order == self.order
            && found.grouping == *grouping
        {
            return;
        }
        let (rows, problem) = filtered(list, &self.filter);
        let mut rows: Vec<(usize, &RunSummary)> =
            rows.into_iter().map(|at| (at, &list[at])).collect();
        let Order { by, descending } = &self.order;
        by.sort(&mut rows, *descending, |(_, run)| run);
        let runs: Vec<&RunSummary> = rows.iter().map(|(_, run)| *run).collect();
        self.found = Some(Found {
            groups: groups::groups(grouping, &runs, &self.order),
            grouping: grouping.clone(),
            reading,
            filter: self.filter.clone(),
            order: self.order.clone(),
            rows: rows.into_iter().map(|(at, _)| at).collect(),
            settings: columns::settings(list),
            n_archived: list.iter().filter(|run| run.about.is_archived).count(),
            problem,
        });
    }

    fn bar_ui(&mut self, ctx: &Ctx<'_>, ui: &mut Ui, list: &[RunSummary], rows: &[&RunSummary]) {
        let palette = theme::palette(ui.visuals());
        ui.horizontal(|ui| {
            let field = ui
                .add(
                    TextEdit::singleline(&mut self.filter)
                        .hint_text("Filter: words, lr<1e-3, tag:paper …")
                        .desired_width(230.0),
                )
                .on_hover_text(FILTER_HELP);
            field.widget_info(|| {
                egui::WidgetInfo::labeled(egui::Role::TextInput, true, "Filter runs")
            });
            let stays =
                || MenuConfig::new().close_behavior(PopupCloseBehavior::CloseOnClickOutside);
            let (columns, settings) = (&mut self.columns, self.found.as_ref());
            let settings = settings.map_or(&[][..], |found| &found.settings);
            let (menu, _) = MenuButton::new("Columns").config(stays()).ui(ui, |ui| {
                columns::menu_ui(ui, columns, settings, rows);
            });
            menu.on_hover_text("Which values are listed: facts, scores, settings");
            let (menu, _) = MenuButton::new("Group").config(stays()).ui(ui, |ui| {
                grouping_menu_ui(ctx, ui);
            });
            menu.on_hover_text(format!(
                "Put runs together: mean, spread and N instead of each run\nNow: {}",
                ctx.state.selection.grouping.label()
            ));
            groups::draw_all_ui(ctx, ui, rows);
            let refresh = ui
                .button("Refresh")
                .on_hover_text(UiCommand::RefreshRuns.tooltip());
            if refresh.clicked() {
                ctx.send(UiCommand::RefreshRuns);
            }
            if ctx.state.runs.can_restore() {
                let back = ui
                    .button("Bring back")
                    .on_hover_text("Take what was discarded last out of the trash");
                if back.clicked() {
                    ctx.send(Command::Runs(runs::Command::Restore));
                }
            }
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let all = match list.len() {
                    1 => "1 run".to_owned(),
                    n => format!("{} runs", count_text(n as u64)),
                };
                let count = if rows.len() == list.len() {
                    all
                } else {
                    format!("{} of {all}", count_text(rows.len() as u64))
                };
                let n_archived = self.found.as_ref().map_or(0, |found| found.n_archived);
                let count = match n_archived {
                    0 => count,
                    n => format!("{count}, {} archived", count_text(n as u64)),
                };
                ui.label(RichText::new(count).small().color(palette.weak))
                    .on_hover_text(ctx.state.workspace.runs().display().to_string());
            });
        });
        if let Some(problem) = self.found.as_ref().and_then(|found| found.problem.as_ref()) {
            ui.label(RichText::new(problem).small().color(palette.warning));
        }
    }
}

/// The places of the runs that a typed filter leaves, and what is wrong with it.
pub(super) fn filtered(list: &[RunSummary], typed: &str) -> (Vec<usize>, Option<String>) {
    let (filter, problem) = match Filter::parse(typed) {
        Ok(filter) => {
            let unknown = filter.unknown_fields(list);
            let problem = unknown
                .first()
                .map(|field| format!("No run has a setting `{field}`."));
            (filter, problem)
        }
        // While a term is being typed the list stays whole.
        Err(error) => (Filter::default(), Some(error.to_string())),
    };
    let all = list.iter().enumerate();
    let left = all.filter(|(_, run)| filter.matches(run));
    (left.map(|(at, _)| at).collect(), problem)
}

/// How filters are written.
pub(super) const FILTER_HELP: &str = "All terms must hold:
reverb \"two words\"    in name, title, model, data, tags, note
model:tiny  tag:paper  a field that contains a word
lr<1e-3  roc>=0.8  seed=3  started>2026-11-01
lr:1e-4..1e-3  a range
-tag:old  without
is:archived  what was put away";
