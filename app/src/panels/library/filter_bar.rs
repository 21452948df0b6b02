//! What the Library's list is narrowed by: a line of words and fields, and choices beside it.

use crate::theme;
use crate::widgets::count_text;
use crate::workbench::parts::library::browser::Opened;
use attune_core::dataset::Split;
use attune_core::dataset::catalogue::{Balance, Query, Status, Term, Test};
use attune_core::run::quoted_word;
use egui::{ComboBox, RichText, TextEdit, Ui, WidgetInfo};

/// What the line understands, for its tooltip.
const HINT: &str = "Words in id, title, artist, album, source or a tag. Fields: tag:rock, tag:rock|pop, -tag:slow, split:test, in:SPLIT, \
    artist:\"Ada L\", album:, title:, source:, licence:, dur>30, dur:1:00..5:00, status:missing, is:untagged, is:problem. A minus turns a term round.";

/// What is asked for; [`Filter::default`] asks for all.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Filter {
    pub(super) line: String,
    pub(super) tag: Option<String>,
    pub(super) part: Option<Split>,
    pub(super) status: Option<Status>,
    /// The named split that is looked at.
    pub(super) split: Option<String>,
}

impl Filter {
    /// All of a named split.
    pub(super) fn of_split(split: Option<String>) -> Self {
        Self {
            split,
            ..Self::default()
        }
    }

    /// Tracks with a tag, of the split that is looked at.
    pub(super) fn with_tags(&self, tags: &[&str]) -> Self {
        let terms = tags.iter().map(|tag| {
            let sign = if tag.contains('|') { '=' } else { ':' };
            format!("tag{sign}{}", quoted_word(tag))
        });
        match tags {
            [tag] => Self {
                tag: Some((*tag).to_owned()),
                ..Self::of_split(self.split.clone())
            },
            _ => Self {
                line: terms.collect::<Vec<_>>().join(" "),
                ..Self::of_split(self.split.clone())
            },
        }
    }

    /// Whether anything is asked for beside the split.
    pub(super) fn is_all(&self) -> bool {
        *self == Self::of_split(self.split.clone())
    }

    /// What it asks for. Fails with a sentence about what was typed.
    pub(super) fn query(&self) -> Result<Query, String> {
        let mut terms = Query::parse(&self.line).map_err(|error| error.to_string())?;
        let tag = self.tag.clone();
        terms.extend(tag.map(|tag| Term::must(Test::AnyTag(vec![tag]))));
        terms.extend(self.part.map(|part| Term::must(Test::Part(part))));
        terms.extend(self.status.map(|status| Term::must(Test::Status(status))));
        Ok(Query {
            split: self.split.clone(),
            terms,
            ..Query::default()
        })
    }
}

/// How many are listed of how many.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    pub(super) shown: usize,
    pub(super) all: usize,
}

/// Draws the line and the choices; `error` is what is wrong with what was asked.
pub(super) fn ui(
    ui: &mut Ui,
    filter: &mut Filter,
    opened: &Opened,
    overall: Option<&Balance>,
    found: Option<Found>,
    error: Option<&str>,
) {
    let palette = theme::palette(ui.visuals());
    ui.horizontal_wrapped(|ui| {
        let field = ui.add(
            TextEdit::singleline(&mut filter.line)
                .hint_text("Search: words, tag:… artist:… dur>30")
                .desired_width(240.0),
        );
        field.widget_info(|| WidgetInfo::labeled(egui::Role::TextInput, true, "Search tracks"));
        field.on_hover_text(HINT);
        split_ui(ui, filter, opened);
        part_ui(ui, filter, overall);
        tag_ui(ui, filter, opened, overall);
        status_ui(ui, filter, opened);
        if !filter.is_all()
            && ui
                .button("Clear")
                .on_hover_text("Show all tracks")
                .clicked()
        {
            *filter = Filter::of_split(filter.split.clone());
        }
        if let Some(Found { shown, all }) = found
            && shown != all
        {
            let text = format!("{} of {}", count_text(shown as u64), count_text(all as u64));
            ui.label(RichText::new(text).small().color(palette.weak));
        }
    });
    if let Some(error) = error {
        ui.label(RichText::new(error).small().color(palette.warning));
    }
}

/// Which named split is looked at, where there is a choice.
pub(super) fn split_ui(ui: &mut Ui, filter: &mut Filter, opened: &Opened) {
    let splits = opened.index.splits();
    if splits.len() < 2 {
        return;
    }
    let before = filter.split.clone();
    let shown = filter.split.as_deref().unwrap_or("All recordings");
    ComboBox::from_id_salt("library named split")
        .selected_text(shown)
        .width(140.0)
        .show_ui(ui, |ui| {
            ui.selectable_value(&mut filter.split, None, "All recordings");
            for split in splits {
                let name = Some(split.name.clone());
                ui.selectable_value(&mut filter.split, name, &split.name);
            }
        })
        .response
        .on_hover_text("Named split: its members, parts and tags")
        .widget_info(|| WidgetInfo::labeled(egui::Role::ComboBox, true, "Named split"));
    if filter.split != before {
        // The other split may have another vocabulary.
        filter.tag = None;
    }
}

fn part_ui(ui: &mut Ui, filter: &mut Filter, overall: Option<&Balance>) {
    let text = filter.part.map_or("All splits", |part| part.name());
    ComboBox::from_id_salt("library split")
        .selected_text(text)
        .width(92.0)
        .show_ui(ui, |ui| {
            ui.selectable_value(&mut filter.part, None, "All splits");
            let counts = overall.map_or([0; 4], |overall| overall.tracks);
            for (part, count) in Split::ALL.into_iter().zip(counts) {
                if count > 0 {
                    let label = format!("{part} ({})", count_text(count as u64));
                    ui.selectable_value(&mut filter.part, Some(part), label);
                }
            }
        })
        .response
        .widget_info(|| WidgetInfo::labeled(egui::Role::ComboBox, true, "Filter by split"));
}

fn tag_ui(ui: &mut Ui, filter: &mut Filter, opened: &Opened, overall: Option<&Balance>) {
    let index = &opened.index;
    let tags = &index.tags()[index.vocabulary_of(index.split(filter.split.as_deref()))];
    if tags.is_empty() {
        return;
    }
    let chosen = &mut filter.tag;
    let text = chosen.clone().unwrap_or_else(|| "All tags".to_owned());
    ComboBox::from_id_salt("library tag")
        .selected_text(text)
        .width(120.0)
        .show_ui(ui, |ui| {
            ui.selectable_value(chosen, None, "All tags");
            for (number, tag) in tags.iter().enumerate() {
                let total = overall.filter(|overall| number < overall.tags.len());
                let label = match total.map(|overall| overall.total(number)) {
                    Some(total) => format!("{} ({})", tag.name, count_text(total as u64)),
                    None => tag.name.clone(),
                };
                ui.selectable_value(chosen, Some(tag.name.clone()), label);
            }
        })
        .response
        .widget_info(|| WidgetInfo::labeled(egui::Role::ComboBox, true, "Filter by tag"));
}

fn status_ui(ui: &mut Ui, filter: &mut Filter, opened: &Opened) {
    // With nothing wrong there is nothing to choose.
    if opened.n_problems == 0 && filter.status.is_none() {
        return;
    }
    let text = filter.status.map_or("All files", Status::name);
    ComboBox::from_id_salt("library status")
        .selected_text(text)
        .width(84.0)
        .show_ui(ui, |ui| {
            ui.selectable_value(&mut filter.status, None, "All files");
            for status in Status::ALL {
                ui.selectable_value(&mut filter.status, Some(status), status.name())
                    .on_hover_text(status.about());
            }
        })
        .response
        .widget_info(|| WidgetInfo::labeled(egui::Role::ComboBox, true, "Filter by file"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_and_line_are_one_question() {
        let filter = Filter {
            line: "bach".into(),
            part: Some(Split::Test),
            split: Some("split-0".into()),
            ..Filter::default()
        };
        let query = filter.with_tags(&["slow piano", "rock"]).query().unwrap();
        assert_eq!(query.terms.len(), 2);
        assert_eq!(query.terms[0].test, Test::AnyTag(vec!["slow piano".into()]));
        assert_eq!(query.split.as_deref(), Some("split-0"));
        assert_eq!(filter.query().unwrap().terms.len(), 2);
        let hard = ["12\" mix", "rock|pop", "back\\", "a:b"];
        for pair in hard.windows(2) {
            let query = filter.with_tags(pair).query().unwrap();
            let found: Vec<&Test> = query.terms.iter().map(|term| &term.test).collect();
            let expected = [pair[0], pair[1]].map(|tag| Test::AnyTag(vec![tag.into()]));
            assert_eq!(found, expected.iter().collect::<Vec<_>>());
        }
        assert!(!filter.is_all() && Filter::of_split(Some("x".into())).is_all());
        let open = Filter {
            line: "\"bach".into(),
            ..Filter::default()
        };
        assert!(open.query().unwrap_err().contains("quotation"));
    }
}
