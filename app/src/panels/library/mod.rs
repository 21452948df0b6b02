//! The Library panel: the data set in use, browsed through the catalogue: its tracks, its tags, its splits, its problems.
//!
//! A click on a track opens it for Audition and Timeline, Enter plays it, arrows walk through the list.

mod co_occurrence;
mod columns;
mod doctor;
mod filter_bar;
mod opening;
mod problems;
mod splits;
mod tag_table;
mod track_table;

use crate::theme;
use crate::widgets::{cancelled_ui, count_text, duration_text, empty_state};
use crate::workbench::parts::library::browser::{Browser, Opened, Wish};
use crate::workbench::parts::library::said::Said;
use crate::workbench::parts::{labels, library};
use crate::workbench::{Command, Ctx, UiCommand};
use attune_core::dataset::catalogue::{Balance, Query};
use attune_core::dataset::{Place, Split};
use egui::{RichText, Ui};
use filter_bar::{Filter, Found};
pub use opening::choose_ui;
use opening::known_ui;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What of the data set is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
enum View {
    #[default]
    Tracks,
    Tags,
    Together,
    Splits,
    Problems,
    Doctor,
}

/// The Library panel's own looks.
#[derive(Debug, Default, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct State {
    view: View,
    #[serde(skip)]
    order: track_table::Order,
    hidden: columns::Hidden,
    measure: co_occurrence::Measure,
    #[serde(skip)]
    path: String,
    /// The opening of a data set that all below belongs to, and the split that it was opened by.
    #[serde(skip)]
    serial: u64,
    #[serde(skip)]
    split: Option<String>,
    #[serde(skip)]
    has_content: Vec<bool>,
    #[serde(skip)]
    filter: Filter,
    /// The last query that could be understood.
    #[serde(skip)]
    query: Query,
    #[serde(skip)]
    walk: track_table::Walk,
    #[serde(skip)]
    visible: Range<usize>,
    #[serde(skip)]
    tag_sort: tag_table::Sort,
    #[serde(skip)]
    tag_ascending: bool,
    /// Whether two splits are compared, where there are two.
    #[serde(skip)]
    compares: bool,
    #[serde(skip)]
    pair: (String, String),
    /// What the open predictions say.
    #[serde(skip)]
    said: Option<Said>,
    #[serde(skip)]
    doctor: doctor::Looks,
}

impl State {
    /// Draws the panel.
    pub fn ui(&mut self, ctx: &Ctx<'_>, ui: &mut Ui) {
        let Some(folder) = &ctx.state.selection.dataset else {
            self.nothing_ui(ctx, ui, None);
            return;
        };
        let browser = &ctx.state.library.browser;
        if let Some(error) = browser.error(folder) {
            self.nothing_ui(ctx, ui, Some(error));
            return;
        }
        let again = || ctx.send(Command::Library(library::Command::StartAgain));
        if browser.is_stopped(folder) && browser.opened(folder).is_none() {
            let title = "Opening was cancelled";
            empty_state(ui, title, &folder.display().to_string(), |ui| {
                if ui.button("Start again").clicked() {
                    again();
                }
                self.others_ui(ctx, ui);
            });
            return;
        }
        let Some(opened) = browser.shown(folder) else {
            ui.horizontal(|ui| {
                ui.spinner();
                ui.label(format!("Opening {} …", folder.display()));
            });
            return;
        };
        if (self.serial, &self.split) != (opened.serial, &opened.split) {
            self.take_in(opened, folder);
        }
        let overall = browser.overall(opened, self.filter.split.as_ref());
        self.head_ui(ctx, ui, opened, overall);
        if ctx.state.library.is_cancelled() {
            let what = "Cancelled: not all of this is as it was asked for.";
            cancelled_ui(ui, what, again);
        }
        if let Some(error) = browser.check_error(opened) {
            let text = format!(
                "Shown as it was read last; whether its files have changed is not known: {error}"
            );
            let palette = theme::palette(ui.visuals());
            ui.label(RichText::new(text).small().color(palette.warning));
        }
        ui.add_space(2.0);
        ui.separator();
        self.said = said(ctx, self.filter.tag.as_ref(), self.order);
        match self.view {
            View::Tracks => self.tracks_ui(ctx, ui, opened, overall),
            View::Tags | View::Together => self.tags_ui(ctx, ui, opened, overall),
            View::Splits => self.splits_ui(ui, browser, opened, overall),
            View::Problems => problems::ui(ui, opened, browser.problems(opened)),
            View::Doctor => self.doctor.ui(ctx, ui, folder),
        }
        // Training and scoring take the split that is looked at.
        if self.filter.split.is_some() && self.filter.split != opened.split {
            let place = self.place(opened);
            if place != *folder {
                ctx.send(Command::OpenDataset(place));
            }
        }
        self.wish(ctx, opened);
    }

    /// How the split that is looked at is opened.
    fn place(&self, opened: &Opened) -> PathBuf {
        Place::new(&opened.index.root, self.filter.split.as_deref()).into_path()
    }

    /// Another data set was opened, or the same again, or another split of it.
    fn take_in(&mut self, opened: &Opened, folder: &Path) {
        if self.serial != opened.serial {
            self.serial = opened.serial;
            self.has_content = columns::contents(opened);
            self.walk = track_table::Walk::default();
        }
        self.split.clone_from(&opened.split);
        // The next split may have been chosen before this one was there.
        let is_chosen = self.filter.split.is_some() && self.place(opened) == folder;
        let is_other = self.filter.split != opened.split && !is_chosen;
        let query = self.filter.query();
        if is_other || query.is_ok_and(|query| opened.index.check(&query).is_err()) {
            self.filter = Filter::of_split(opened.split.clone());
        }
    }

    /// Tells what is needed from now on, if that has changed.
    fn wish(&mut self, ctx: &Ctx<'_>, opened: &Opened) {
        if let Ok(query) = self.filter.query() {
            self.query = query;
        }
        let is_comparing =
            self.view == View::Splits && self.compares && opened.index.splits().len() > 1;
        let wish = Wish {
            query: Query {
                sort: self.order.sort,
                descending: self.order.descending && self.order.model.is_none(),
                ..self.query.clone()
            },
            rows: self.visible.clone(),
            counts: matches!(self.view, View::Tags | View::Together),
            problems: self.view == View::Problems,
            compared: is_comparing.then(|| self.pair.clone()),
            said: self.said.clone(),
        };
        if *ctx.state.library.browser.wish() != wish {
            ctx.send(Command::Library(library::Command::Wish(Box::new(wish))));
        }
    }

    /// Name, figures, what is shown.
    fn head_ui(&mut self, ctx: &Ctx<'_>, ui: &mut Ui, opened: &Opened, overall: Option<&Balance>) {
        let palette = theme::palette(ui.visuals());
        let index = &opened.index;
        ui.horizontal_wrapped(|ui| {
            ui.label(
                RichText::new(&index.name)
                    .text_style(theme::section())
                    .color(palette.strong),
            )
            .on_hover_text(index.root.display().to_string());
            ui.label(RichText::new(facts(opened, overall, &self.filter)).color(palette.weak));
        });
        ui.horizontal_wrapped(|ui| {
            let n_problems = opened.n_problems + opened.findings.len();
            for (view, label, hint) in [
                (
                    View::Tracks,
                    "Tracks".to_owned(),
                    "All tracks, to search, hear and open",
                ),
                (
                    View::Tags,
                    "Tag counts".to_owned(),
                    "How often each tag occurs in each split",
                ),
                (
                    View::Together,
                    "Together".to_owned(),
                    "Which tags occur together",
                ),
                (
                    View::Splits,
                    "Splits".to_owned(),
                    "How tags and artists are spread over the parts of a split; two splits compared",
                ),
                (
                    View::Problems,
                    format!("Problems {}", count_text(n_problems as u64)),
                    "What reading the annotations found; files that are missing or cannot be decoded",
                ),
                (
                    View::Doctor,
                    "Doctor".to_owned(),
                    "Faulty and double files, wrong labels, leaks between the splits, and how to mend them",
                ),
            ] {
                let mut text = RichText::new(label);
                if view == View::Problems && n_problems > 0 {
                    text = text.color(palette.warning);
                }
                if ui
                    .selectable_label(self.view == view, text)
                    .on_hover_text(hint)
                    .clicked()
                {
                    self.view = view;
                }
            }
            if self.view == View::Tracks {
                ui.separator();
                self.hidden.menu_ui(ui, &self.has_content);
            }
            ui.separator();
            ui.menu_button("Open", |ui| {
                if ui.button("Choose a folder …").clicked() {
                    ctx.send(UiCommand::OpenDataset);
                    ui.close();
                }
                if ui.button("Demo data set").clicked() {
                    ctx.send(Command::Library(library::Command::OpenDemo));
                    ui.close();
                }
                if ui
                    .button("Read again")
                    .on_hover_text("Read the files of this data set again")
                    .clicked()
                {
                    ctx.send(Command::Library(library::Command::Reload));
                    ui.close();
                }
                let known = ctx.state.library.known();
                if !known.is_empty() {
                    ui.separator();
                    known_ui(ui, known, |folder| ctx.send(Command::OpenDataset(folder)));
                }
            })
            .response
            .on_hover_text("Open another data set");
        });
    }

    fn filter_ui(
        &mut self,
        ctx: &Ctx<'_>,
        ui: &mut Ui,
        opened: &Opened,
        overall: Option<&Balance>,
    ) {
        let browser = &ctx.state.library.browser;
        let found = browser.list(opened).map(|list| Found {
            shown: list.rows.len(),
            all: match (&list.query.split, overall) {
                (Some(_), Some(overall)) => overall.tracks.iter().sum(),
                _ => opened.index.len(),
            },
        });
        let typed = self.filter.query().err();
        let error = typed.as_deref().or(browser.list_error());
        filter_bar::ui(ui, &mut self.filter, opened, overall, found, error);
    }

    fn tracks_ui(
        &mut self,
        ctx: &Ctx<'_>,
        ui: &mut Ui,
        opened: &Opened,
        overall: Option<&Balance>,
    ) {
        self.filter_ui(ctx, ui, opened, overall);
        let browser = &ctx.state.library.browser;
        let Some(list) = browser.list(opened) else {
            if browser.list_error().is_none() {
                ui.spinner();
            }
            return;
        };
        if list.rows.is_empty() {
            empty_state(
                ui,
                "No track fits",
                "No track has all that is asked for above.",
                |ui| {
                    if ui.button("Show all tracks").clicked() {
                        self.filter = Filter::of_split(self.filter.split.clone());
                    }
                },
            );
            return;
        }
        let mut columns = self.hidden.shown(&self.has_content);
        if self.said.is_some() {
            columns.extend(columns::Column::OF_MODEL);
        }
        let said = self.said.as_ref();
        let (order, walk) = (&mut self.order, &mut self.walk);
        self.visible = track_table::ui(ctx, ui, opened, list, &columns, said, order, walk);
    }

    fn tags_ui(&mut self, ctx: &Ctx<'_>, ui: &mut Ui, opened: &Opened, overall: Option<&Balance>) {
        let tags = vocabulary(opened, &self.filter);
        if tags.is_empty() {
            tag_table::no_tags_ui(ui);
            return;
        }
        self.filter_ui(ctx, ui, opened, overall);
        let counts = ctx.state.library.browser.counts(opened);
        // Counts of another vocabulary are on their way out.
        let Some(counts) = counts.filter(|counts| counts.balance.tags.len() == tags.len()) else {
            ui.spinner();
            return;
        };
        let wanted = if self.view == View::Tags {
            let (sort, ascending) = (&mut self.tag_sort, &mut self.tag_ascending);
            let tag = tag_table::ui(ui, &tags, &counts.balance, sort, ascending);
            tag.map(|tag| self.filter.with_tags(&[tags[tag]]))
        } else {
            let pair = co_occurrence::ui(ui, &tags, counts, &mut self.measure);
            pair.map(|(one, other)| {
                let both = [tags[one], tags[other]];
                let wanted = if one == other { &both[..1] } else { &both };
                self.filter.with_tags(wanted)
            })
        };
        if let Some(filter) = wanted {
            self.filter = filter;
            self.view = View::Tracks;
        }
    }

    fn splits_ui(
        &mut self,
        ui: &mut Ui,
        browser: &Browser,
        opened: &Opened,
        overall: Option<&Balance>,
    ) {
        let can_compare = opened.index.splits().len() > 1;
        if can_compare {
            ui.horizontal(|ui| {
                let (balance, compared) = (!self.compares, self.compares);
                if ui.selectable_label(balance, "One split").clicked() {
                    self.compares = false;
                }
                if ui
                    .selectable_label(compared, "Two compared")
                    .on_hover_text("Which tracks moved, artists on other sides, shares of the tags")
                    .clicked()
                {
                    self.compares = true;
                }
            });
        }
        if can_compare && self.compares {
            splits::choice_ui(ui, opened, &mut self.pair);
            if let Some(compared) = browser.compared(opened) {
                splits::comparison_ui(ui, compared);
            }
            return;
        }
        filter_bar::split_ui(ui, &mut self.filter, opened);
        let tags = vocabulary(opened, &self.filter);
        if let Some(overall) = overall.filter(|overall| overall.tags.len() == tags.len()) {
            splits::balance_ui(ui, &tags, overall);
        }
    }
}

/// What the predictions that are open say about the tag that is filtered by.
fn said(ctx: &Ctx<'_>, tag: Option<&String>, order: track_table::Order) -> Option<Said> {
    let state = &ctx.state.labels;
    state.answers()?;
    let tag = tag.cloned();
    if state.about() != Some(&tag) {
        ctx.send(Command::Labels(labels::Command::Column(tag)));
    }
    Some(Said {
        column: Arc::clone(state.column(ctx.state.library.shelf_reading())?),
        sort: order.model.map(|of| (of, order.descending)),
    })
}

/// The tags of the split that is looked at.
fn vocabulary<'a>(opened: &'a Opened, filter: &Filter) -> Vec<&'a str> {
    let index = &opened.index;
    let split = index.split(filter.split.as_deref());
    let tags = index.tags()[index.vocabulary_of(split)].iter();
    tags.map(|tag| tag.name.as_str()).collect()
}

/// How many there are.
fn n_tags(opened: &Opened, filter: &Filter) -> usize {
    let index = &opened.index;
    index
        .vocabulary_of(index.split(filter.split.as_deref()))
        .len()
}

/// What the data set consists of, in a line.
fn facts(opened: &Opened, overall: Option<&Balance>, filter: &Filter) -> String {
    let plural = |n: usize, word: &str| {
        format!(
            "{} {word}{}",
            count_text(n as u64),
            if n == 1 { "" } else { "s" }
        )
    };
    let index = &opened.index;
    let n_tracks = match (&filter.split, overall) {
        (Some(_), Some(overall)) => overall.tracks.iter().sum(),
        _ => index.len(),
    };
    let mut facts = vec![
        plural(n_tracks, "track"),
        plural(opened.n_artists, "artist"),
        plural(n_tags(opened, filter), "tag"),
    ];
    if let Some(overall) = overall {
        let secs: f64 = overall.secs.iter().sum();
        if secs > 0.0 {
            facts.push(duration_text(secs));
        }
        for (part, count) in Split::ALL.into_iter().zip(overall.tracks) {
            if count > 0 {
                facts.push(format!("{part} {}", count_text(count as u64)));
            }
        }
    }
    facts.join(" · ")
}
