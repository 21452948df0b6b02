//! All runs against all tags: what is shown, in which order, and what the pointer means.

use super::map_picture::{Drawn, Hit, Picture};
use crate::panels::Panel;
use crate::panels::no_runs;
use crate::theme;
use crate::widgets::{count_text, empty_state, save_plot_button, score_text};
use crate::workbench::parts::per_tag::{self, TagMap};
use crate::workbench::parts::plots::{self, Drawing};
use crate::workbench::{Command, Ctx, Select};
use attune_core::run::{ColumnOrder, RowOrder, RunSummary, ScoredOn, TagMeasure, TagTable};
use egui::{ComboBox, RichText, Slider, Ui};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

/// How the map is looked at.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub(super) struct State {
    measure: TagMeasure,
    on: ScoredOn,
    /// The run from which differences are counted, by its id.
    baseline: Option<String>,
    rows: RowOrder,
    columns: ColumnOrder,
    /// Only the run that is shown and those that are drawn over it.
    only_shown: bool,
    row_height: f32,
    #[serde(skip)]
    arranged: Option<Arranged>,
    #[serde(skip)]
    picture: Picture,
}

impl Default for State {
    fn default() -> Self {
        Self {
            measure: TagMeasure::default(),
            on: ScoredOn::default(),
            baseline: None,
            rows: RowOrder::default(),
            columns: ColumnOrder::default(),
            only_shown: false,
            row_height: 18.0,
            arranged: None,
            picture: Picture::default(),
        }
    }
}

/// The table, made once for all frames in which nothing changes.
#[derive(Debug)]
struct Arranged {
    key: Key,
    table: TagTable,
    /// The folders of its rows.
    folders: Vec<PathBuf>,
    /// Runs whose logs cannot be read, and why.
    unreadable: Vec<String>,
}

/// What the table depends on.
#[derive(Clone, Debug)]
struct Key {
    map: Arc<TagMap>,
    counted: Option<Arc<BTreeMap<String, usize>>>,
    folders: Vec<PathBuf>,
    measure: TagMeasure,
    on: ScoredOn,
    baseline: Option<String>,
    rows: RowOrder,
    columns: ColumnOrder,
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        let same_counts = match (&self.counted, &other.counted) {
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            (one, other) => one.is_none() && other.is_none(),
        };
        Arc::ptr_eq(&self.map, &other.map)
            && same_counts
            && (self.measure, self.on, self.columns) == (other.measure, other.on, other.columns)
            && (&self.baseline, &self.rows, &self.folders)
                == (&other.baseline, &other.rows, &other.folders)
    }
}

impl State {
    /// The choices above the map.
    pub(super) fn choices_ui(&mut self, ctx: &Ctx<'_>, ui: &mut Ui, listed: &[&RunSummary]) {
        for measure in TagMeasure::ALL {
            ui.selectable_value(&mut self.measure, measure, measure.label());
        }
        ui.separator();
        choice_ui(ui, "Scores of the map", self.on.label(), |ui| {
            for on in ScoredOn::ALL {
                ui.selectable_value(&mut self.on, on, on.label());
            }
        });
        let baseline = self.baseline.as_deref();
        let text = baseline.map_or("Scores".to_owned(), |id| format!("Less {id}"));
        choice_ui(ui, "Baseline of the map", &text, |ui| {
            ui.selectable_value(&mut self.baseline, None, "Scores");
            for run in listed {
                let label = format!("Less {}", run.id);
                ui.selectable_value(&mut self.baseline, Some(run.id.clone()), label);
            }
        });
        let text = match &self.rows {
            RowOrder::AsGiven => "Runs as in Runs".to_owned(),
            RowOrder::Mean => "Runs by mean".to_owned(),
            RowOrder::Tag(tag) => format!("Runs by {tag}"),
        };
        choice_ui(ui, "Order of runs", &text, |ui| {
            ui.selectable_value(&mut self.rows, RowOrder::AsGiven, "Runs as in Runs");
            ui.selectable_value(&mut self.rows, RowOrder::Mean, "Runs by mean");
            for tag in &ctx.state.selection.tags {
                let label = format!("Runs by {tag}");
                ui.selectable_value(&mut self.rows, RowOrder::Tag(tag.clone()), label);
            }
        });
        let text = format!("Tags {}", self.columns.label());
        choice_ui(ui, "Order of tags", &text, |ui| {
            for order in ColumnOrder::ALL {
                let label = format!("Tags {}", order.label());
                ui.selectable_value(&mut self.columns, order, label);
            }
        });
        ui.checkbox(&mut self.only_shown, "Shown runs only").on_hover_text(
            "Only the shown run and those drawn over it; else all that the filter of the Runs panel leaves",
        );
        ui.spacing_mut().slider_width = 60.0;
        let slider = Slider::new(&mut self.row_height, 2.0..=24.0).show_value(false);
        let slider = ui.add(slider);
        slider.widget_info(|| {
            egui::WidgetInfo::slider(true, f64::from(self.row_height), "Height of a row")
        });
        slider.on_hover_text("Height of a row: small, to see hundreds of runs at once");
    }

    /// Draws the map.
    pub(super) fn ui(&mut self, ctx: &Ctx<'_>, ui: &mut Ui, listed: &[&RunSummary]) {
        let Some(reading) = ctx.state.runs.reading() else {
            no_runs::reading_ui(ui);
            return;
        };
        let per_tag = &ctx.state.per_tag;
        if !per_tag.is_mapped_or_soon(reading) {
            ctx.send(Command::PerTag(per_tag::Command::Map));
        }
        let Some(map) = per_tag.map() else {
            if per_tag.is_mapping_cancelled() {
                super::cancelled_ui(ctx, ui, "The scores of the runs have not been read");
                return;
            }
            let words = "The scores of all runs are read from their logs.";
            empty_state(ui, "Reading scores…", words, |ui| ui.spinner());
            return;
        };
        self.arrange(ctx, map, listed);
        let Some(arranged) = &self.arranged else {
            return;
        };
        let palette = theme::palette(ui.visuals());
        let table = &arranged.table;
        if table.rows.is_empty() || table.tags.is_empty() {
            let words = "A row for each run that the filter of the Runs panel leaves, a column for each tag: trainings write their scores into them.";
            empty_state(ui, "No scores to show", words, |_| ());
            return;
        }
        let range = table.range();
        ui.horizontal_wrapped(|ui| {
            Picture::legend_ui(ui, range, table.baseline.is_some());
            let what = format!(
                "{}, {}",
                self.measure.label(),
                self.on.label().to_lowercase()
            );
            ui.label(RichText::new(&what).color(palette.text));
            if save_plot_button(ui, "runs and tags") {
                let table = table.clone();
                let draw = move || Ok(table.figure(&what));
                let ask = plots::Command::Ask(Drawing::new("scores of runs by tag", draw));
                ctx.send(Command::Plots(ask));
            }
            let counts = format!(
                "{} runs × {} tags; hatched: no score",
                count_text(table.rows.len() as u64),
                count_text(table.tags.len() as u64)
            );
            ui.label(RichText::new(counts).small().color(palette.weak));
            if per_tag.is_mapping_cancelled() {
                let words = "Reading newer scores was cancelled.";
                ui.label(RichText::new(words).small().color(palette.warning));
                if ui.small_button("Look again").clicked() {
                    ctx.send(Command::PerTag(per_tag::Command::LookAgain));
                }
            }
            if self.baseline.is_some() && table.baseline.is_none() {
                let words = "The baseline is not among these runs: scores are shown.";
                ui.label(RichText::new(words).small().color(palette.warning));
            }
            if !arranged.unreadable.is_empty() {
                let words = format!("{} runs cannot be read", arranged.unreadable.len());
                ui.label(RichText::new(words).small().color(palette.warning))
                    .on_hover_text(arranged.unreadable.join("\n"));
            }
        });
        let selection = &ctx.state.selection;
        let shown = |row: usize| {
            let folder = &arranged.folders[row];
            let mut drawn = selection.run.iter().chain(&selection.overlays);
            drawn.position(|other| other == folder)
        };
        let words = |row: usize, column: usize| words(ctx, arranged, row, column);
        let drawn = Drawn {
            table,
            range,
            row_height: self.row_height,
            shown: &shown,
            chosen: &selection.tags,
            words: &words,
        };
        match self.picture.ui(ui, &drawn) {
            None => {}
            Some(Hit::Run(row)) => {
                ctx.send(Select::Run(Some(arranged.folders[row].clone())));
            }
            Some(Hit::Tag(column)) => {
                ctx.send(Select::Tags(vec![table.tags[column].clone()]));
                ctx.send(Command::Show(Panel::Tags));
            }
            Some(Hit::SortBy(column)) => self.rows = RowOrder::Tag(table.tags[column].clone()),
            Some(Hit::Cell(row, column)) => {
                ctx.send(Select::Run(Some(arranged.folders[row].clone())));
                ctx.send(Select::Tags(vec![table.tags[column].clone()]));
            }
        }
    }

    /// Makes the table, if anything has changed.
    fn arrange(&mut self, ctx: &Ctx<'_>, map: &Arc<TagMap>, listed: &[&RunSummary]) {
        let selection = &ctx.state.selection;
        let is_shown = |run: &&&RunSummary| {
            !self.only_shown
                || selection.run.as_ref() == Some(&run.folder)
                || selection.overlays.contains(&run.folder)
        };
        let folders: Vec<PathBuf> = listed
            .iter()
            .filter(is_shown)
            .map(|run| run.folder.clone())
            .collect();
        let counted = ctx.state.per_tag.counted().and_then(|counted| {
            let mut data = folders.iter().filter_map(|run| map.data_folder(run));
            data.find_map(|folder| counted.of(folder, self.on)).cloned()
        });
        let key = Key {
            map: Arc::clone(map),
            counted,
            folders,
            measure: self.measure,
            on: self.on,
            baseline: self.baseline.clone(),
            rows: self.rows.clone(),
            columns: self.columns,
        };
        if self
            .arranged
            .as_ref()
            .is_some_and(|arranged| arranged.key == key)
        {
            return;
        }
        let mut unreadable = Vec::new();
        let mut runs = Vec::new();
        for folder in &key.folders {
            let id = folder.file_name().unwrap_or_default().to_string_lossy();
            match map.scores(folder) {
                Some(Ok(scores)) => runs.push((folder, id.into_owned(), Arc::clone(scores))),
                Some(Err(why)) => unreadable.push(format!("{id}: {why}")),
                // It has come since; the next reading has it.
                None => {}
            }
        }
        let pairs = runs.iter().map(|(_, id, scores)| (id.as_str(), &**scores));
        let whole = TagTable::of(pairs, key.on, key.measure);
        let less = key.baseline.as_ref().and_then(|id| whole.less(id));
        let whole = less.unwrap_or(whole);
        let none = BTreeMap::new();
        let positives = key.counted.as_deref().unwrap_or(&none);
        let rows = whole.row_order(&key.rows);
        let columns = whole.column_order(key.columns, positives);
        self.arranged = Some(Arranged {
            table: whole.arranged(&rows, &columns),
            folders: rows.iter().map(|&row| runs[row].0.clone()).collect(),
            unreadable,
            key,
        });
        self.picture.forget();
    }
}

/// What a cell says.
fn words(ctx: &Ctx<'_>, arranged: &Arranged, row: usize, column: usize) -> String {
    let Key {
        map, measure, on, ..
    } = &arranged.key;
    let (run, tag) = (&arranged.table.rows[row], &arranged.table.tags[column]);
    let label = measure.label();
    let value = match (run.cells[column], &arranged.table.baseline) {
        (Err(missing), _) => missing.words().to_owned(),
        (Ok(score), None) => format!("{label} {}", score_text(Some(score))),
        (Ok(score), Some(baseline)) => format!("{label} {score:+.3} against {baseline}"),
    };
    let counted = ctx.state.per_tag.counted();
    let data = map.data_folder(&arranged.folders[row]);
    let n = counted
        .zip(data)
        .and_then(|(counted, data)| counted.of(data, *on)?.get(tag).copied());
    let n = n.map_or("unknown, for its data set is not there".to_owned(), |n| {
        count_text(n as u64)
    });
    let on = on.label();
    format!(
        "{}\n{tag}: {value}\n{on}; tracks with the tag there: {n}",
        run.id
    )
}

fn choice_ui(ui: &mut Ui, name: &str, text: &str, add_choices: impl FnOnce(&mut Ui)) {
    ComboBox::from_id_salt(name)
        .selected_text(text)
        .show_ui(ui, add_choices)
        .response
        .widget_info(|| egui::WidgetInfo::labeled(egui::Role::ComboBox, true, name));
}
