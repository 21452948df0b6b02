//! The columns of the table of tracks, and which of them are shown.

use crate::workbench::parts::library::browser::Opened;
use crate::workbench::parts::library::said::OfModel;
use attune_core::dataset::catalogue::{Sort, TextField};
use egui::Ui;
use std::collections::BTreeSet;

/// A column of the table of tracks.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub(super) enum Column {
    Id,
    Title,
    Artist,
    Album,
    Part,
    Length,
    Status,
    Tags,
    Source,
    Model,
    Disagreement,
}

impl Column {
    /// What is there while predictions are open.
    pub(super) const OF_MODEL: [Self; 2] = [Self::Model, Self::Disagreement];

    /// Those of the catalogue, in the order in which they are shown.
    pub(super) const ALL: [Self; 9] = [
        Self::Id,
        Self::Title,
        Self::Tags,
        Self::Artist,
        Self::Album,
        Self::Part,
        Self::Length,
        Self::Status,
        Self::Source,
    ];

    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Id => "Track",
            Self::Title => "Title",
            Self::Artist => "Artist",
            Self::Album => "Album",
            Self::Part => "Split",
            Self::Length => "Length",
            Self::Status => "File",
            Self::Tags => "Tags",
            Self::Source => "Source",
            Self::Model => "Model",
            Self::Disagreement => "Disagreement",
        }
    }

    pub(super) fn hint(self) -> &'static str {
        match self {
            Self::Id => "Id of the track. Click a row to open it, Enter plays it.",
            Self::Title => "Title as the data set states it",
            Self::Artist => "Artist, score or family: never on both sides of a split",
            Self::Album => "Album as the data set states it",
            Self::Part => "Part of the split that is looked at",
            Self::Length => "Length as the data set states it",
            Self::Status => "What is known of the audio file",
            Self::Tags => "Its tags. Sorted by how many there are.",
            Self::Source => "Where it comes from",
            Self::Model => "What the model says about the tag that is filtered by, 0 to 1",
            Self::Disagreement => {
                "How far the model lies from the labels, 0 to 1: of the tag that is filtered by, else of the one where it is most"
            }
        }
    }

    pub(super) fn sort(self) -> Sort {
        match self {
            Self::Id => Sort::Id,
            Self::Title => Sort::Title,
            Self::Artist => Sort::Artist,
            Self::Album => Sort::Album,
            Self::Part => Sort::Part,
            Self::Length => Sort::Length,
            Self::Status => Sort::Status,
            Self::Tags => Sort::Tags,
            Self::Source => Sort::Source,
            Self::Model | Self::Disagreement => Sort::Place,
        }
    }

    /// What it shows of a model, if it does.
    pub(super) fn of_model(self) -> Option<OfModel> {
        match self {
            Self::Model => Some(OfModel::Probability),
            Self::Disagreement => Some(OfModel::Disagreement),
            _ => None,
        }
    }

    /// Width at first, in points.
    pub(super) fn width(self) -> f32 {
        match self {
            Self::Id => 96.0,
            Self::Title | Self::Album => 160.0,
            Self::Artist => 150.0,
            Self::Part => 74.0,
            Self::Length => 72.0,
            Self::Status => 76.0,
            Self::Model => 60.0,
            Self::Disagreement => 96.0,
            // It takes what is left.
            Self::Tags => 130.0,
            Self::Source => 260.0,
        }
    }

    /// Whether the data set has anything to show in it.
    fn has_content(self, opened: &Opened) -> bool {
        match self {
            Self::Title => opened.texts.contains(&TextField::Title),
            Self::Album => opened.texts.contains(&TextField::Album),
            Self::Tags => !opened.index.tags().is_empty(),
            _ => true,
        }
    }

    /// Its place in a narrow panel: the first ones stay.
    fn rank(self) -> usize {
        let ranked = [
            Self::Id,
            Self::Tags,
            Self::Model,
            Self::Disagreement,
            Self::Title,
            Self::Part,
            Self::Length,
            Self::Artist,
            Self::Album,
            Self::Status,
            Self::Source,
        ];
        let place = ranked.iter().position(|other| *other == self);
        place.unwrap_or(ranked.len())
    }
}

/// Columns that the user put away.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(super) struct Hidden(BTreeSet<Column>);

impl Default for Hidden {
    fn default() -> Self {
        Self([Column::Status].into())
    }
}

impl Hidden {
    /// The columns that are shown; the first always is.
    pub(super) fn shown(&self, has_content: &[bool]) -> Vec<Column> {
        let all = Column::ALL.into_iter().zip(has_content);
        let shown = all.filter(|(column, has_content)| {
            *column == Column::Id || (**has_content && !self.0.contains(column))
        });
        shown.map(|(column, _)| column).collect()
    }

    /// A menu to choose them.
    pub(super) fn menu_ui(&mut self, ui: &mut Ui, has_content: &[bool]) {
        let menu = ui.menu_button("Columns", |ui| {
            for (column, has_content) in Column::ALL.into_iter().zip(has_content).skip(1) {
                let mut is_shown = *has_content && !self.0.contains(&column);
                let entry = egui::Checkbox::new(&mut is_shown, column.title());
                let entry = ui.add_enabled(*has_content, entry);
                let entry = entry.on_disabled_hover_text("The data set says nothing here");
                if entry.on_hover_text(column.hint()).changed() {
                    if is_shown {
                        self.0.remove(&column);
                    } else {
                        self.0.insert(column);
                    }
                }
            }
        });
        menu.response
            .on_hover_text("Which columns the table has; a narrow panel shows as many as fit");
    }
}

/// Those of the columns that fit into a width in points, with `gap` between two.
pub(super) fn fitting(columns: &[Column], width: f32, gap: f32) -> Vec<Column> {
    let mut ranked = columns.to_vec();
    ranked.sort_by_key(|column| column.rank());
    let mut left = width + gap;
    ranked.retain(|column| {
        let needed = column.width() + gap;
        // Tracks without a name, or without what they sound like, say nothing.
        let is_kept = needed <= left || matches!(column, Column::Id | Column::Tags);
        left -= if is_kept { needed } else { 0.0 };
        is_kept
    });
    let mut fitting = columns.to_vec();
    fitting.retain(|column| ranked.contains(column));
    fitting
}

/// Which columns a data set has anything to show in; in the order of [`Column::ALL`].
pub(super) fn contents(opened: &Opened) -> Vec<bool> {
    Column::ALL
        .iter()
        .map(|column| column.has_content(opened))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_narrow_panel_keeps_the_tags_and_a_wide_one_all_columns_in_their_order() {
        let all: Vec<Column> = Column::ALL.into_iter().chain(Column::OF_MODEL).collect();
        assert_eq!(fitting(&all, 2000.0, 8.0), all);
        let usual = [
            Column::Id,
            Column::Tags,
            Column::Artist,
            Column::Part,
            Column::Length,
            Column::Source,
        ];
        let narrow = fitting(&usual, 420.0, 8.0);
        assert_eq!(
            narrow,
            [Column::Id, Column::Tags, Column::Part, Column::Length]
        );
        assert_eq!(fitting(&usual, 50.0, 8.0), [Column::Id, Column::Tags]);
    }
}
